"""PyTorch's public names, as minigrad keeps them: ``python -m comparisons.pytorch_names`` writes them anew.

``minigrad/compat/pytorch-names.txt`` has a line for every module that programs of courses name, with all its names, and
one for the methods of tensors, modules, optimizers and schedules.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import textwrap
import types
import warnings
from pathlib import Path
from typing import Any

import torch

import minigrad.compat

__all__ = ["FILE", "pytorch_names"]

FILE = Path(minigrad.compat.__file__).with_name("pytorch-names.txt")

MODULES = """
    torch accelerator amp autograd autograd.forward_ad autograd.function autograd.functional autograd.grad_mode
    autograd.gradcheck autograd.graph autograd.profiler autograd.variable backends backends.cpu backends.cuda
    backends.cudnn backends.mkl backends.mkldnn backends.mps backends.openmp backends.opt_einsum compiler cpu cuda
    cuda.amp distributed distributions distributions.constraints distributions.kl distributions.transforms fft func hub
    jit linalg mps multiprocessing nn nn.attention nn.functional nn.init nn.modules nn.parallel nn.parameter nn.utils
    nn.utils.clip_grad nn.utils.parametrizations nn.utils.parametrize nn.utils.prune nn.utils.rnn
    nn.utils.weight_norm onnx optim optim.lr_scheduler optim.optimizer optim.swa_utils profiler random serialization
    sparse special storage testing utils utils.checkpoint utils.data utils.data.dataloader utils.data.dataset
    utils.data.distributed utils.data.sampler utils.tensorboard version xpu
"""
METHODS = [
    torch.Tensor,
    torch.nn.Module,
    torch.optim.Optimizer,
    torch.optim.lr_scheduler.LRScheduler,
    torch.utils.data.DataLoader,
    torch.Generator,
]


def pytorch_names() -> str:
    """The text of the file, of the PyTorch that is installed."""
    version = torch.__version__.partition("+")[0]
    lines = [f"# PyTorch {version}: names by module. Written by: python -m comparisons.pytorch_names"]
    for path in MODULES.split():
        name = "torch" if path == "torch" else f"torch.{path}"
        module = importlib.import_module(name)
        below = {each.name for each in pkgutil.iter_modules(getattr(module, "__path__", ())) if each.name[0] != "_"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that are on their way out
            lines.append(line(name, sorted(below.union(each for each in dir(module) if belongs(module, each)))))
    lines.append(line("methods", sorted({each for kind in METHODS for each in dir(kind) if each[0] != "_"})))
    return "\n".join(lines) + "\n"


def line(head: str, names: list[str]) -> str:
    """A module and its names, folded."""
    return textwrap.fill(f"{head}: {' '.join(names)}", 120, subsequent_indent="  ", break_on_hyphens=False)


def belongs(module: Any, name: str) -> bool:
    """Whether a name is PyTorch's own, and not of a library that the module's file imports."""
    if name.startswith("_"):
        return False
    value = getattr(module, name)
    if isinstance(value, types.ModuleType):
        return type(value) is not types.ModuleType  # such as torch.ops; files are found where they lie
    if inspect.isclass(value) or inspect.isroutine(value):
        return str(value.__module__ or "torch").startswith("torch")
    return type(value).__module__ not in ("typing", "__future__")


if __name__ == "__main__":
    FILE.write_text(pytorch_names(), encoding="utf-8")
