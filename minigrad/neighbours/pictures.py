"""torchvision's functions that show pictures take minigrad's tensors: ``make_grid``, ``save_image``, ``to_pil_image``.

They look at the type, so each stands behind a function that hands them PyTorch's tensors in the same memory; what they
give comes back as minigrad's. For PyTorch's own tensors nothing changes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from minigrad.arguments.gate import all_taken_in
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.graph.node import Tensor
from minigrad.lending import lent

__all__ = ["introduce"]

FUNCTIONS = ["make_grid", "save_image", "draw_bounding_boxes", "draw_segmentation_masks", "draw_keypoints"]
FUNCTIONS += ["to_pil_image"]


def introduce(module: ModuleType) -> None:
    """Put each of ``FUNCTIONS`` that ``module`` has behind :func:`lending`."""
    for name in FUNCTIONS:
        if hasattr(module, name):
            setattr(module, name, lending(getattr(module, name)))


def lending(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, for minigrad's tensors too, whose history is left behind as PyTorch's would be."""

    @functools.wraps(function)
    def given(*arguments: Any, **named: Any) -> Any:
        if not any(map(holds_ours, (*arguments, *named.values()))):
            return function(*arguments, **named)
        return all_taken_in(function(*call_inside(no_grad(), lent, arguments), **call_inside(no_grad(), lent, named)))

    return given


def holds_ours(value: Any) -> bool:
    """Whether ``value`` is a tensor of minigrad's, or a sequence that holds one."""
    return any(map(holds_ours, value)) if isinstance(value, (tuple, list)) else isinstance(value, Tensor)
