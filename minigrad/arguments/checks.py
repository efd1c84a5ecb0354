"""What functions check of their arguments before they compute."""

from __future__ import annotations

from typing import Any

from minigrad.arguments.promotion import type_name
from minigrad.graph.node import Tensor

__all__ = ["NUMPY_NAMES", "check_tensors", "missing_dim", "renamed"]

# NumPy's names of arguments: PyTorch's functions that are not written in Python take them too.
NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}


def check_tensors(function: str, **arguments: Any) -> None:
    """Raise PyTorch's TypeError unless every argument, given in the order of the signature, is a tensor."""
    for position, (name, value) in enumerate(arguments.items(), 1):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type_name(value)}"
            )


def missing_dim(function: str) -> TypeError:
    """PyTorch's error where no dimension is given to a function that needs one."""
    return TypeError(f'{function}() missing 1 required positional arguments: "dim"')


def renamed(function: str, numpy_names: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    """The ``arguments`` of a call, with what was given by NumPy's names for them, ``axis`` and ``keepdims``.

    Raises:
        TypeError: the function has no such argument, or ``keepdim`` is no bool.
    """
    for name, value in numpy_names.items():
        if NUMPY_NAMES.get(name) not in arguments:
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
        arguments[NUMPY_NAMES[name]] = value
    if not isinstance(arguments.get("keepdim", False), bool):
        raise TypeError(f"{function}(): argument 'keepdim' must be bool, not {type(arguments['keepdim']).__name__}")
    return arguments
