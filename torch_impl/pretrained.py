"""A start from torchvision's weights of a ResNet, trained on ImageNet: ``load_pretrained``.

``torchvision.models.resnet18(weights="DEFAULT")`` downloads such a file to ``~/.cache/torch/hub/checkpoints``.
Source: https://docs.pytorch.org/vision/stable/models.html
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from torch_impl.checking import Misfit, require, require_like
from torch_impl.checkpoint import CheckpointError

__all__ = ["load_pretrained"]

# Of ImageNet's pixels, channel by channel: torchvision's networks take (x - mean) / std, ours take x.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

CLASSIFIER = "fc."


def load_pretrained(model: nn.Module, path: str | Path) -> None:
    """Give ``model``, a ResNet of ``models/resnet.py``, the weights in the file ``path``, on the CPU.

    The network then takes images as they are, in [0, 1]: (x - mean) / std is part of its first convolution and of the
    batch normalisation behind it. Only where the image ends is there a difference, as padding is black, and not of
    ImageNet's mean. Where ``model`` takes grey images, the kernels of the three colours are added up: it computes what
    grey in all three of them gives. The last layer keeps its own weights, unless it has as many classes as the file's.

    Raises:
        CheckpointError: the file cannot be read, or holds something else than the weights of that network.
    """
    own = model.state_dict()
    theirs = {**own, "conv1.weight": torch.empty(64, 3, 7, 7)}
    try:
        state = weights_in(Path(path))
        for name in theirs:
            other = name.startswith(CLASSIFIER) and name in state and state[name].shape != own[name].shape
            if other or (name.endswith("num_batches_tracked") and name not in state):  # older files lack these
                state[name] = own[name]
        require_like(state, theirs, "weights")
    except Misfit as error:
        raise CheckpointError(f"{path} does not hold torchvision's weights of this network: {error}") from error
    absorb_normalisation(state, grey=own["conv1.weight"].shape[1] == 1)
    model.load_state_dict(state)


def weights_in(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name. No code from the file is run.

    Raises:
        CheckpointError, Misfit: the file cannot be read, or holds something else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about archives of other kinds
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # bytes from anywhere raise anything: from UnpicklingError to KeyError
        raise CheckpointError(f"{path} is damaged, or no file of weights") from error
    right = isinstance(content, dict) and all(isinstance(value, Tensor) for value in content.values())
    require(right, "it has something else than tensors by name")
    return dict(content)


def absorb_normalisation(state: dict[str, Tensor], grey: bool) -> None:
    """Change the first convolution, and the mean that is taken off behind it, to take x for (x - mean) / std."""
    mean, std = (torch.tensor(each).reshape(1, 3, 1, 1) for each in (MEAN, STD))
    kernels = state["conv1.weight"] / std  # (64, 3, 7, 7)
    state["bn1.running_mean"] = state["bn1.running_mean"] + (kernels * mean).sum(dim=(1, 2, 3))
    state["conv1.weight"] = kernels.sum(dim=1, keepdim=True) if grey else kernels
