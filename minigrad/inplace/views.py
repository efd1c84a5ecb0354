"""Views and in-place operations: how the graph is rewired when memory that several tensors show is changed.

A view shows its base's memory. When an operation changes a view in place and is recorded, the base has a new value too:
part of it is the operation's result, the rest is what it was. :class:`CopySlices` is the base's new node and says just
that. Every view of the base, the changed one included, is then the new base seen through its window:
:class:`AsStrided`. Both are PyTorch's nodes, and the graph is PyTorch's. As there, a view learns of it when it is used
next: until then it is a ``Tensor._outdated_type``, whose ``grad_fn`` is found when it is asked for.

Who calls this: ``changing.py``. What a view is, and which tensors share memory: ``graph/view.py``.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.view import INFERENCE_VIEW, NO_GRAD_VIEW
from minigrad.graph.watching import call_rule
from minigrad.ops.choosing import Where

__all__ = ["AsStrided", "CopySlices", "rebase", "refresh", "refused", "take_place"]

MODES = {NO_GRAD_VIEW: "no_grad", INFERENCE_VIEW: "inference"}


class Window(NamedTuple):
    """Where a view's elements lie in its base's memory. Strides and offset count elements, not bytes."""

    base_shape: tuple[int, ...]
    base_strides: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    def memory(self, dtype: Any) -> np.ndarray:
        """Zeros, as many as the base's memory has places."""
        last = sum((size - 1) * stride for size, stride in zip(self.base_shape, self.base_strides))
        return np.zeros(0 if 0 in self.base_shape else last + 1, dtype)

    def base_of(self, memory: np.ndarray) -> np.ndarray:
        """The base, laid over ``memory``."""
        return lay_over(memory, self.base_shape, self.base_strides)

    def view_of(self, memory: np.ndarray) -> np.ndarray:
        """The view, laid over ``memory``."""
        return lay_over(memory[self.offset :], self.shape, self.strides)

    def overlaps(self) -> bool:
        """True if two elements of the view may be the same place."""
        reach = 0
        for stride, size in sorted(zip(self.strides, self.shape)):
            if size > 1:
                if stride <= reach:
                    return True
                reach += (size - 1) * stride
        return False


def lay_over(memory: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """An array of ``shape`` whose elements are ``memory``'s, ``strides`` apart."""
    return as_strided(memory, shape, [stride * memory.itemsize for stride in strides])


def window_of(base: Tensor, view: Tensor) -> Window:
    """Where ``view`` lies in ``base``'s memory."""
    size = base.array.itemsize
    offset = 0
    if view.array.size:
        offset = (view.data_ptr() - base.data_ptr()) // size
    return Window(base.array.shape, base.stride(), view.array.shape, view.stride(), offset)


class AsStrided(Function):
    """z = the elements of x's memory that ``window`` shows."""

    def forward(ctx, x, *, window):
        ctx.window = window
        memory = window.memory(x.dtype)
        window.base_of(memory)[...] = x
        return window.view_of(memory)

    def backward(ctx, grad_z):
        grad_x = AsStridedScatter.apply(grad_z, window=ctx.window)
        return grad_x


class AsStridedScatter(Function):
    """z = zeros of the base's shape, with x at the places that ``window`` shows; places shown twice are summed."""

    def forward(ctx, x, *, window):
        ctx.window = window
        memory = window.memory(x.dtype)
        if window.overlaps():
            places = window.view_of(np.arange(memory.size))
            np.add.at(memory, places, x)
        else:
            window.view_of(memory)[...] = x
        return window.base_of(memory)

    def backward(ctx, grad_z):
        grad_x = AsStrided.apply(grad_z, window=ctx.window)
        return grad_x


class CopySlices(Function):
    """A base after ``operation`` changed a view of it: the operation's result in the window, the old base elsewhere.

    Its first edge leads to the base as it was, the others are the operation's own. Backward lets the gradient outside
    the window pass, and sends what is inside through the operation's rule.
    """

    node_name = "torch::autograd::CopySlices"

    operation: Function
    window: Window

    def backward(ctx, grad_base):
        ctx.check_saved()
        window = ctx.window
        inside = np.zeros(window.base_shape, np.bool_)
        memory = window.memory(np.bool_)
        window.view_of(memory)[...] = True
        inside[...] = window.base_of(memory)

        grad_view = AsStrided.apply(grad_base, window=window)
        gradients = call_rule(ctx.operation, [grad_view])
        grad_old_base = Where.apply(0.0, grad_base, condition=inside)
        if gradients[0] is not None:
            grad_old_base = grad_old_base + AsStridedScatter.apply(gradients[0], window=window)
        return grad_old_base, *gradients[1:]

    def view_of_result(self, array: np.ndarray) -> Tensor:
        """The operation's result, whose values are in ``array``, as what it is now: a view of the new base."""
        base = self.result(self.window.base_of(self.window.memory(array.dtype)), 0)
        view = AsStrided.apply(base, window=self.window)
        view.array = array
        return view

    def free(self) -> None:
        self.operation.free()
        self._saved = None  # it runs once, whether or not the operation saved something


def rebase(view: Tensor, operation: Function) -> None:
    """Record that ``operation`` changed ``view`` in place: its base gets a new node, every view a new window on it."""
    base = view._base
    assert base is not None
    node = CopySlices()
    node.operation = operation
    node.window = window_of(base, view)
    node.needs_input_grad = [base._requires_grad]
    node.connect((base,), [base])
    node.needs_input_grad += operation.needs_input_grad[1:]
    node.edges += operation.edges[1:]
    operation.inside = weakref.ref(node)
    take_place(base, node, 0)
    refresh(view)


def take_place(tensor: Tensor, node: Function, output_nr: int) -> None:
    """Let ``tensor``, whose values were changed, be an output of ``node``: so is the gradient that it retains.

    Views of what has a history only now are outdated only now.
    """
    if type(tensor) is Tensor._outdated_type:
        tensor.__class__ = Tensor._result_type
    retained, begins = tensor.retains_grad, not tensor._requires_grad
    if retained:
        tensor.grad_fn.hooks.retained.pop(tensor.output_nr)
    tensor.grad_fn, tensor.output_nr, tensor._requires_grad = node, output_nr, True
    if retained:
        tensor.retain_grad()
    if begins:
        tensor._version_counter.outdate_views()


def refresh(view: Tensor) -> None:
    """Make an outdated view what it is now: the changed base, which may have lost its history, seen through the view's
    window.

    Raises:
        RuntimeError: it is a view that may not be changed in place. It can have no gradient now.
    """
    if view._restriction:
        raise refused(view, "its base or another view of its base has been modified inplace")
    base = view._base
    assert base is not None
    node = AsStrided()
    node.needs_input_grad = [base._requires_grad]
    node.window = window_of(base, view)
    node.connect((base,), [view])
    take_place(view, node, 0)


def refused(view: Tensor, change: str) -> RuntimeError:
    """PyTorch's error for a view that may not be changed in place, and was, or is going to be."""
    node = vars(view).get("grad_fn")  # the one that made it: to be asked for it, an outdated view would have to know
    if node is None:
        told = f"A view was created in {MODES.get(view._restriction, 'no_grad')} mode"
        change += "" if view._restriction in MODES else " with grad mode enabled"
    else:
        told = f"Output {view.output_nr} of {node.name().rpartition('Backward')[0]} is a view"
        if view._restriction in MODES:
            told += f" of a view which was created in {MODES[view._restriction]} mode"
    return RuntimeError(f"{told} and {change}{view._restriction}")
