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
from minigrad.ops.promotion import CATEGORY
from minigrad.random import default_generator
from minigrad.tensor import Tensor, wrap

__all__ = ["become", "check_changeable", "fill_random", "run"]


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
    if CATEGORY[result.array.dtype.kind] > CATEGORY[array.dtype.kind]:
        raise RuntimeError(
            f"result type {from_numpy_dtype(result.array.dtype)} can't be cast to the desired output type "
            f"{from_numpy_dtype(array.dtype)}"
        )
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


def fill_random(tensor: Tensor, name: str, generator: Any, *options: Any) -> Tensor:
    """Fill ``tensor`` with random numbers, in the order in which its elements lie in memory, as PyTorch does.

    Args:
        name: ``uniform_`` (from, to), ``normal_`` (mean, standard deviation), ``bernoulli_`` (probability, a number or
            a tensor), ``exponential_`` (rate), or ``random_`` (from, up to but not including; or nothing).
    """
    check_changeable(tensor, name)
    source = default_generator if generator is None else generator
    array = tensor.array
    order = sorted(range(array.ndim), key=array.strides.__getitem__, reverse=True)
    shape, kind = tuple(array.shape[dim] for dim in order), array.dtype
    if name == "uniform_":
        drawn = source.uniform(shape, kind, *options)
    elif name == "normal_":
        mean, std = options
        drawn = source.normal(shape, kind, mean, std, contiguous=array.flags.c_contiguous)
    elif name == "exponential_":
        drawn = source.exponential(shape, kind, *options)
    elif name == "random_":
        drawn = (
            source.any_integers(shape, kind) if not options else source.integers(options[0], options[1], shape, kind)
        )
    else:
        p = options[0]
        if isinstance(p, Tensor):
            p = np.broadcast_to(p.array, array.shape).transpose(order)
        drawn = source.bernoulli(p, shape).astype(kind)
    with no_grad():
        return become(tensor, wrap(drawn.transpose(np.argsort(order)), None, 0), name)
