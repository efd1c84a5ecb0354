"""In-place operations: the tensor itself receives the result, and with it the result's place in the graph.

``x.mul_(y)`` computes ``x * y`` as any operation does, writes the values into x's memory, and makes the new node x's
``grad_fn``. That node keeps a copy of x's old values where its rule needs them; an older node that saved them learns of
the change through the version counter. Where x is a view, or has
views, they all get a new place in the graph: see ``autograd/views.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.grad_mode import grad_mode, no_grad
from minigrad.autograd.views import rebase, refresh_views
from minigrad.dtypes import from_numpy_dtype
from minigrad.ops.dims import is_expandable
from minigrad.ops.promotion import CATEGORY
from minigrad.random import default_generator
from minigrad.tensor import Tensor, wrap

__all__ = [
    "become",
    "check_changeable",
    "fill_bernoulli",
    "fill_diagonal",
    "fill_exponential",
    "fill_integers",
    "fill_random",
    "run",
]


def check_changeable(tensor: Tensor, operation: str, *inputs: Any) -> None:
    """Raise PyTorch's error for a tensor that ``operation``, with ``inputs`` beside it, may not change in place.

    Only where the operation would be recorded: unrecorded, everything may be changed; but a tensor made in inference
    mode only there.
    """
    if tensor.is_inference() and not grad_mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a "
            "normal tensor before doing inplace update."
        )
    if not grad_mode.enabled:
        return
    if not tensor._requires_grad and not any(isinstance(each, Tensor) and each._requires_grad for each in inputs):
        return
    if tensor._base is not None:
        if tensor._restriction:
            made_by = (
                "" if tensor.grad_fn is None else f"Output {tensor.output_nr} of {tensor.grad_fn.name()} is a view "
            )
            raise RuntimeError(f"{made_by and made_by + 'and is being modified inplace. '}{tensor._restriction}")
        if tensor._requires_grad and tensor._base.grad_fn is None:
            raise RuntimeError(
                f"a view of a leaf Variable that requires grad is being used in an in-place operation ({operation})."
            )
    if tensor._requires_grad and tensor.grad_fn is None:
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation ({operation}). Use "
            f"minigrad.no_grad() to change its values unrecorded, or an operation that returns a new tensor."
        )


def run(tensor: Tensor, name: str, operation: Any, *inputs: Any, **options: Any) -> Tensor:
    """Apply ``operation`` to ``tensor`` and ``inputs`` and let ``tensor`` become the result.

    Raises:
        RuntimeError: ``tensor`` is a leaf that requires grad, or the result has another shape or a type that does not
            fit. Nothing is changed then.
    """
    check_changeable(tensor, name, *inputs)
    result = operation.apply(tensor, *inputs, **options)
    if result.grad_fn is not None and not any(each is tensor for each in inputs):
        result.grad_fn.copy_saved_input(tensor)
    return become(tensor, result, name)


def become(tensor: Tensor, result: Tensor, name: str) -> Tensor:
    """Give ``tensor`` the values of ``result``, and its place in the graph."""
    array = tensor.array
    if result.array.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(result.array.shape)}"
        )
    check_castable(tensor, result.array.dtype)
    if not array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    array[...] = result.array
    tensor._version_counter.bump(name)
    node = result.grad_fn
    base = tensor if tensor._base is None else tensor._base
    if node is not None:
        node.redirect_saved_result(result, tensor)
        retained = tensor.retains_grad  # then the gradient wanted is from now on that of the new value
        if retained:
            tensor.grad_fn.hooks.retained.pop(tensor.output_nr)
        if tensor._base is not None:
            rebase(tensor, node)
        else:
            tensor.grad_fn, tensor.output_nr, tensor._requires_grad = node, result.output_nr, True
        if retained:
            tensor.retain_grad()
    if base.grad_fn is not None and base._version_counter.views:
        refresh_views(base)
    return tensor


def check_castable(tensor: Tensor, kind: np.dtype) -> None:
    """Raise PyTorch's error where a result of type ``kind`` may not be written to ``tensor``."""
    if CATEGORY[kind.kind] > CATEGORY[tensor.array.dtype.kind]:
        raise RuntimeError(
            f"result type {from_numpy_dtype(kind)} can't be cast to the desired output type {tensor.dtype}"
        )


def fill_random(tensor: Tensor, name: str, first: float, second: float, generator: Any) -> Tensor:
    """Fill ``tensor`` with numbers drawn by ``uniform_`` (from, to) or ``normal_`` (mean, standard deviation)."""
    check_changeable(tensor, name)
    source = default_generator if generator is None else generator
    draw = source.uniform if name == "uniform_" else source.normal
    drawn = draw(tensor.array.shape, tensor.array.dtype, first, second)
    with no_grad():
        return become(tensor, wrap(np.asarray(drawn), None, 0), name)


def fill_bernoulli(tensor: Tensor, p: Any, generator: Any) -> Tensor:
    """Fill ``tensor`` with 1 where an even number in [0, 1) lies below ``p``, a number or a tensor of them, else 0."""
    check_changeable(tensor, "bernoulli_")
    if isinstance(p, Tensor) and not is_expandable(p.array.shape, tensor.array.shape):
        raise RuntimeError(
            f"The expanded size of the tensor {list(tensor.shape)} must match the existing size {list(p.shape)} of p"
        )
    source = default_generator if generator is None else generator
    drawn = source.bernoulli(p.array if isinstance(p, Tensor) else p, tensor.array.shape)
    with no_grad():
        return become(tensor, wrap(np.asarray(drawn).astype(tensor.array.dtype), None, 0), "bernoulli_")


def fill_integers(tensor: Tensor, low: int | None, high: int | None, generator: Any) -> Tensor:
    """Fill ``tensor`` with integers: below ``low`` if that is all that is given, from ``low`` up to but not including
    ``high``, or any that its type holds."""
    check_changeable(tensor, "random_")
    source = default_generator if generator is None else generator
    array = tensor.array
    if low is None:
        drawn = source.any_integers(array.shape, array.dtype)
    else:
        drawn = source.integers(*((0, low) if high is None else (low, high)), array.shape, array.dtype)
    with no_grad():
        return become(tensor, wrap(drawn, None, 0), "random_")


def fill_exponential(tensor: Tensor, rate: float, generator: Any) -> Tensor:
    """Fill ``tensor`` with numbers drawn from the exponential distribution of this ``rate``."""
    check_changeable(tensor, "exponential_")
    source = default_generator if generator is None else generator
    drawn = source.exponential(tensor.array.shape, tensor.array.dtype, rate)
    with no_grad():
        return become(tensor, wrap(drawn, None, 0), "exponential_")


def fill_diagonal(tensor: Tensor, value: float, again: bool) -> Tensor:
    """Fill the places of ``tensor`` whose indices are all equal, again and again down a tall matrix where asked."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"fill_diagonal_: dimensions must larger than 1, but the tensor has {len(shape)}")
    if len(shape) > 2 and len({*shape}) > 1:
        raise RuntimeError(f"fill_diagonal_: all dimensions of input must be of equal length, but they are {shape}")
    mask = np.zeros(shape, np.bool_)
    np.fill_diagonal(mask, True, wrap=again)
    return tensor.masked_fill_(wrap(mask, None, 0), value)
