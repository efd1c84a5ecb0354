"""What functions check of their arguments before they compute."""

from __future__ import annotations

from typing import Any

import minigrad

__all__ = ["check_tensors"]


def check_tensors(function: str, **arguments: Any) -> None:
    """Raise PyTorch's TypeError unless every argument, given in the order of the signature, is a tensor."""
    for position, (name, value) in enumerate(arguments.items(), 1):
        if not isinstance(value, minigrad.Tensor):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )
