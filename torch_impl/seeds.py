"""Seeds, random states and the device: what has to be the same for a run to be the same."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import torch

__all__ = ["accelerator", "be_deterministic", "choose_device", "load_random_states", "random_states", "seed_everything"]


def accelerator() -> torch.device | None:
    """The kind of accelerator that computes here ("cuda", "mps", "xpu"), None if there is none."""
    return torch.accelerator.current_accelerator(check_available=True)


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch (every device), so that a run can be repeated.

    Args:
        seed: 0 … 2**32 - 1, the range of NumPy's.

    Raises:
        ValueError: the seed is out of that range.

    Source: https://docs.pytorch.org/docs/stable/notes/randomness.html
    """
    np.random.seed(seed)  # first: it is the one that refuses a seed
    random.seed(seed)
    torch.manual_seed(seed)


def be_deterministic(wanted: bool) -> None:
    """Whether PyTorch refuses algorithms that may give other bits when run again.

    On the CPU a run is repeated bit for bit without it, given as many threads.
    """
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it, before its first call
    torch.use_deterministic_algorithms(wanted)
    torch.backends.cudnn.benchmark = not wanted  # it tries algorithms out and takes the fastest of the moment


def random_states() -> dict[str, Any]:
    """The states of all generators that :func:`seed_everything` seeds, as values that a checkpoint can hold."""
    version, words, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state()
    states = {
        "python": [version, list(words), gauss],
        "numpy": [[int(key) for key in keys], position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }
    found = accelerator()
    if found is not None:  # of the one that this process computes on
        states[found.type] = torch.get_device_module(found).get_rng_state()
    return states


def load_random_states(states: dict[str, Any]) -> None:
    """Go on from what :func:`random_states` gave. An accelerator's state is taken where there is one of its kind."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state(("MT19937", np.array(keys, np.uint32), position, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    found = accelerator()
    if found is not None and found.type in states:
        torch.get_device_module(found).set_rng_state(states[found.type])


def choose_device(name: str = "auto") -> torch.device:
    """The device called ``name``, for example "cpu" or "cuda:1"; "auto" takes the accelerator, else the CPU.

    One with a number becomes the current one, whose random state and memory are asked for from then on.

    Raises:
        RuntimeError: PyTorch cannot compute there.

    Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.device
    """
    if name == "auto":
        return accelerator() or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros((), device=device).item()  # a name may be right and its device absent
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise RuntimeError(f"PyTorch cannot compute on the device {name!r} ({reason})") from error
    if device.index is not None and device.type != "cpu":
        torch.accelerator.set_device_index(device.index)
    return device
