"""In-place operations: the tensor itself receives the result, and with it the result's place in the graph.

``x.add_(y)`` computes ``x + y`` as any operation does, writes the values into x's memory, and makes the new node x's
``grad_fn``. Who saved x's old values for backward learns of it through the version counter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.grad_mode import grad_mode, no_grad
from minigrad.dtypes import from_numpy_dtype
from minigrad.ops.promotion import CATEGORY
from minigrad.random import default_generator
from minigrad.tensor import Tensor, wrap

__all__ = ["become", "check_changeable", "fill_random", "run"]


def check_changeable(tensor: Tensor, operation: str) -> None:
    """Raise the error of PyTorch's for a tensor that may not be changed in place while operations are recorded."""
    if not grad_mode.enabled or not tensor._requires_grad:
        return
    if tensor.grad_fn is None:
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation ({operation}). Use "
            f"minigrad.no_grad() to change its values unrecorded, or an operation that returns a new tensor."
        )
    if tensor._base is not None and tensor._base.grad_fn is None and tensor._base._requires_grad:
        raise RuntimeError(
            f"a view of a leaf Variable that requires grad is being used in an in-place operation ({operation})."
        )


def run(tensor: Tensor, name: str, operation: Any, *inputs: Any, **options: Any) -> Tensor:
    """Apply ``operation`` to ``tensor`` and ``inputs`` and let ``tensor`` become the result.

    Raises:
        RuntimeError: ``tensor`` is a leaf that requires grad, or the result has another shape or a type that does not
            fit. Nothing is changed then.
    """
    check_changeable(tensor, name)
    return become(tensor, operation.apply(tensor, *inputs, **options), name)


def become(tensor: Tensor, result: Tensor, name: str) -> Tensor:
    """Give ``tensor`` the values of ``result``, and its place in the graph."""
    array = tensor.array
    if result.array.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(result.array.shape)}"
        )
    if CATEGORY[result.array.dtype.kind] > CATEGORY[array.dtype.kind]:
        raise RuntimeError(
            f"result type {from_numpy_dtype(result.array.dtype)} can't be cast to the desired output type "
            f"{from_numpy_dtype(array.dtype)}"
        )
    if result.grad_fn is not None and (tensor._base is not None or tensor._version_counter.has_recorded_views):
        raise NotImplementedError(
            f"{name}: recording an in-place change of a tensor that shares memory with a recorded view is not "
            f"supported; use the operation that returns a new tensor, or change a clone()"
        )
    if not array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    array[...] = result.array
    tensor._version_counter.bump(name)
    if result.grad_fn is not None:
        result.grad_fn.redirect_saved_result(result, tensor)
        tensor.grad_fn, tensor.output_nr, tensor._requires_grad = result.grad_fn, result.output_nr, True
    return tensor


def fill_random(tensor: Tensor, name: str, first: float, second: float, generator: Any) -> Tensor:
    """Fill ``tensor`` with numbers drawn by ``uniform_`` (from, to) or ``normal_`` (mean, standard deviation)."""
    check_changeable(tensor, name)
    source = default_generator if generator is None else generator
    draw = source.uniform if name == "uniform_" else source.normal
    drawn = draw(tensor.array.shape, tensor.array.dtype, first, second)
    with no_grad():
        return become(tensor, wrap(np.asarray(drawn), None, 0), name)
