"""In-place operations: the tensor itself receives the result, and with it the result's place in the graph.

``x.mul_(y)`` computes ``x * y`` as any operation does, copies the values into x's memory, and makes the new node x's
``grad_fn``; ``add_`` of a tensor like x and ``relu_`` compute in x's memory at once (``writes_into``). The node keeps a
copy of x's old values where its rule needs them; an older node that saved them learns of the change through the version
counter. Where x is a view, or has views, they all get a new place in the graph: see ``views.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.promotion import CATEGORY, is_foreign
from minigrad.attributes import TYPE_NAMES
from minigrad.caller import warn_user
from minigrad.graph.function import taken_in
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.history import Cut
from minigrad.graph.node import Tensor
from minigrad.inplace.views import rebase, refused, take_place
from minigrad.kernels.layout import is_dense, is_expanded, writeable

__all__ = ["apply_or_change", "become", "check_apart", "check_changeable", "check_overlap", "check_partial_overlap"]
__all__ += ["overwrite", "run_in_place", "take_cut", "warn_of_expanded"]


# What may be written to an expanded tensor, whose elements share places: the same to all of them; and what PyTorch has
# deprecated there, and warns of.
WRITE_EXPANDED = frozenset(["fill_", "zero_", "fill_diagonal_", "threshold_"])
DEPRECATED_ON_EXPANDED = frozenset(["index_put_", "masked_fill_", "index_fill_"])
# What they write is read before anything is written.
READ_FIRST = frozenset(["fill_", "masked_fill_", "index_fill_", "masked_scatter_"])


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
    base = tensor._base
    changes_history = tensor._requires_grad or (base is not None and base._requires_grad)
    if not changes_history and not any(isinstance(each, Tensor) and each._requires_grad for each in inputs):
        return
    if base is not None:
        if tensor._restriction:
            raise refused(tensor, "is being modified inplace")
        if changes_history and base.grad_fn is None:
            raise RuntimeError(
                f"a view of a leaf Variable that requires grad is being used in an in-place operation ({operation})."
            )
    if tensor._requires_grad and tensor.grad_fn is None:
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation ({operation}). Use "
            f"minigrad.no_grad() to change its values unrecorded, or an operation that returns a new tensor."
        )


def check_overlap(tensor: Tensor, *inputs: Any) -> None:
    """Raise PyTorch's error where ``tensor`` cannot be written because its memory is shown twice: by another element of
    its own (it was expanded), or by one of ``inputs`` in another arrangement.
    """
    array = tensor.array
    if is_expanded(array):
        raise RuntimeError(
            f"unsupported operation: more than one element of the written-to tensor refers to a single memory "
            f"location. Please clone() the tensor before performing the operation. Its shape is {list(array.shape)}, "
            f"its strides are {list(tensor.stride())}: it was expanded."
        )
    check_partial_overlap(tensor, *inputs)


def check_partial_overlap(tensor: Tensor, *inputs: Any) -> None:
    """Raise PyTorch's error where ``tensor``, which is going to be written, shows memory of one of ``inputs`` in
    another arrangement.
    """
    array = tensor.array
    for each in inputs:
        if not isinstance(each, Tensor) or each is tensor or not np.may_share_memory(each.array, array):
            continue
        if not is_same(each.array, array):
            check_apart(tensor, each)


def is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether both show the same memory in the same arrangement."""
    return one.ctypes.data == other.ctypes.data and one.shape == other.shape and one.strides == other.strides


def check_apart(tensor: Tensor, *others: Any) -> None:
    """Raise PyTorch's error where ``tensor``, which is going to be written by positions, shares memory with one of
    ``others``: these are read meanwhile. As in PyTorch, what lies with gaps is not looked at.
    """
    for each in others:
        if not isinstance(each, Tensor) or not np.may_share_memory(each.array, tensor.array):
            continue
        if each is tensor or (is_dense(tensor.array) and is_dense(each.array)):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )


def warn_of_expanded(name: str) -> None:
    """Warn as PyTorch does of what ``name`` writes to an expanded tensor."""
    indices = "indices] = tensor" if name == "index_put_" else "mask] = scalar"
    warn_user(
        f"Use of {name} on expanded tensors is deprecated. Please clone() the tensor before performing this operation. "
        f"This also applies to advanced indexing e.g. tensor[{indices}"
    )


def run_in_place(tensor: Tensor, name: str, operation: Any, *inputs: Any, **options: Any) -> Tensor:
    """Apply ``operation`` to ``tensor`` and ``inputs`` and let ``tensor`` become the result.

    Raises:
        RuntimeError: ``tensor`` is a leaf that requires grad, or the result has another shape or a type that does not
            fit. Nothing is changed then.
    """
    if not isinstance(tensor, Tensor):
        tensor = taken_in(tensor)
    check_changeable(tensor, name, *inputs)
    at_once = operation.writes_into and all(fits(each, tensor) for each in inputs)
    if at_once:
        check_overlap(tensor, *inputs)
        options["out"] = writeable(tensor.array)
    try:
        result = operation.apply(tensor, *inputs, **options)
    except BaseException as error:
        if at_once:
            tensor._version_counter.bump(name)  # a hook failed, say, when the new values were written already
        if isinstance(error, TypeError) and any(map(is_foreign, inputs)):
            return run_in_place(tensor, name, operation, *map(taken_in, inputs), **options)
        raise
    if result.grad_fn is not None and not at_once and not any(each is tensor for each in inputs):
        result.grad_fn.copy_saved_input(tensor)
    return become(tensor, result, name, *inputs)


def apply_or_change(name: str, operation: Any, input: Any, *inputs: Any, **options: Any) -> Any:
    """``operation`` of ``input`` and ``inputs``: in place where the function's ``name`` ends in an underscore."""
    if name.endswith("_"):
        return run_in_place(input, name, operation, *inputs, **options)
    return operation.apply(input, *inputs, **options)


def fits(value: Any, tensor: Tensor) -> bool:
    """Whether ``value`` is a tensor of the same shape and type, so that the result is one too."""
    return isinstance(value, Tensor) and value.array.shape == tensor.array.shape and value.dtype is tensor.dtype


def become(tensor: Tensor, result: Tensor, name: str, *inputs: Any) -> Tensor:
    """Give ``tensor`` the values of ``result``, computed from it and ``inputs``, and its place in the graph."""
    array = tensor.array
    if result.array.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(result.array.shape)}"
        )
    check_castable(tensor, result.array.dtype)
    expanded = is_expanded(array)
    if expanded and name in DEPRECATED_ON_EXPANDED:
        warn_of_expanded(name)
    elif name not in WRITE_EXPANDED or inputs:
        check_overlap(tensor, *(() if name in READ_FIRST else inputs))
    if expanded:
        np.copyto(writeable(array), result.array, where=result.array != array)  # at a place that several share too
    elif result.array is not array:
        writeable(array)[...] = result.array
    tensor._version_counter.bump(name)
    node = result.grad_fn
    if node is not None:
        node.redirect_saved_result(result, tensor)
        if tensor._base is not None:
            rebase(tensor, node)
        else:
            take_place(tensor, node, result.output_nr)
    elif result._cut is not None:
        take_cut(tensor, result._cut)
    return tensor


def take_cut(tensor: Tensor, cut: Cut) -> None:
    """Keep that ``tensor`` was changed unrecorded, by values whose history was cut. To a leaf that requires grad this
    is an update, and no use of it.
    """
    if tensor._unrecorded is cut:
        tensor._unrecorded = None
    for changed in (tensor, tensor._base):
        if changed is not None and not changed._requires_grad:
            changed._cut = cut


def check_castable(tensor: Tensor, kind: np.dtype) -> None:
    """Raise PyTorch's error where a result of type ``kind`` may not be written to ``tensor``."""
    if CATEGORY[kind.kind] > CATEGORY[tensor.array.dtype.kind]:
        raise RuntimeError(
            f"result type {TYPE_NAMES[kind.name]} can't be cast to the desired output type "
            f"{TYPE_NAMES[tensor.dtype.name]}"
        )


def overwrite(tensor: Tensor, name: str, operation: Any, values: np.ndarray, *inputs: Any) -> Tensor:
    """Give ``tensor`` the ``values``, converted, whose gradients are zero: ``operation`` tells the graph."""
    return run_in_place(tensor, name, operation, *inputs, values=values.astype(tensor.array.dtype, copy=False))
