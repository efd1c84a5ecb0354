"""Whether one of PyTorch's names is in minigrad: there, different, absent, or not PyTorch's either.

PyTorch need not be installed: its names stand in ``pytorch-names.txt``.
"""

from __future__ import annotations

import builtins
import functools
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import minigrad

__all__ = ["DIFFERENT", "PAGE", "PYTORCH", "Verdict", "is_absent_method", "verdict_of"]

PAGE = "docs/differences.md"

# What a program may see behave otherwise than in PyTorch, by the heading of the page that tells how.
DIFFERENT = {
    "machine": """
        __version__ amp.GradScaler amp.autocast autocast backends compile cuda.amp.GradScaler cuda.amp.autocast
        utils.tensorboard.SummaryWriter
    """,
    "programs": "jit",
    "saving": "load",
}
MISSING = object()


def read_names() -> dict[str, frozenset[str]]:
    """PyTorch's public names by module, and those of its methods under "methods"."""
    text = Path(__file__).with_name("pytorch-names.txt").read_text(encoding="utf-8")
    lines = [line.partition(": ") for line in text.replace("\n  ", " ").splitlines()[1:]]
    return {module: frozenset(names.split()) for module, _, names in lines}


PYTORCH = read_names()


class Verdict(NamedTuple):
    """What is known of a name: its status, as much of it as decides, and a sentence, or the page, that tells more."""

    status: str
    name: str
    told: str = ""


def verdict_of(name: str) -> Verdict:
    """What is known of a dotted name, from ``torch`` on: it is there, different, absent, or unknown to PyTorch too."""
    path, ours = "torch", minigrad
    for part in name.split(".")[1:]:
        above, path = path, f"{path}.{part}"
        listed = part in PYTORCH.get(above, ()) or path in PYTORCH
        value = member(ours, part, listed)
        if value is MISSING:
            if isinstance(ours, ModuleType):
                lacks = listed or above not in PYTORCH or part.startswith("_")
                return Verdict("absent", path, told_of(ours, part)) if lacks else Verdict("unknown", path)
            lacks = isinstance(ours, type) and part in PYTORCH["methods"]
            return Verdict("absent" if lacks else "there", path)
        ours = value
        for heading, names in DIFFERENT.items():
            if path.removeprefix("torch.") in names.split():
                return Verdict("different", path, f"{PAGE}#{heading}")
    return Verdict("there", path)


def member(ours: Any, name: str, may_be_a_module: bool) -> Any:
    """What ``ours`` has under a name; :data:`MISSING` where there is nothing."""
    value = getattr(ours, name, MISSING)
    if value is MISSING and may_be_a_module and isinstance(ours, ModuleType):
        try:
            return importlib.import_module(f"{ours.__name__}.{name}")
        except ModuleNotFoundError:
            return MISSING
    return value


def told_of(ours: ModuleType, name: str) -> str:
    """What minigrad says of a name that is absent, where it says more than of any other."""

    def said(name: str) -> str:
        try:
            return str(getattr(ours, name))
        except AttributeError as error:
            return str(error)

    return "" if said(name) == said("absent").replace("'absent'", repr(name)) else said(name)


@functools.cache
def is_absent_method(name: str) -> bool:
    """Whether a method has a name of PyTorch's tensors, modules, optimizers or loaders that minigrad's have not, nor
    Python's own types, nor arrays."""
    ours = [minigrad.Tensor, minigrad.Generator, minigrad.nn.Module, minigrad.optim.Optimizer]
    ours += [minigrad.optim.lr_scheduler.LRScheduler, minigrad.utils.data.DataLoader]
    others = [np.ndarray, *(each for each in vars(builtins).values() if isinstance(each, type))]
    return name in PYTORCH["methods"] and not any(hasattr(each, name) for each in [*ours, *others])
