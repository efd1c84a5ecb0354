"""Where gradients are summed: those of two paths, those of a value that was broadcast, those of several walks.

A tensor used twice influences the result along two paths, and the total derivative is the sum over the paths:
:func:`add_to`. Broadcasting uses an element several times: :func:`summed_to`. A leaf's ``.grad`` is the sum over all
walks since it was cleared: :func:`add_to_grad`. A sum is written into an array only where nobody else sees it.

``engine.py`` calls this while it walks the graph.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.arguments.dims import is_expandable
from minigrad.dtypes import NARROW, from_numpy_dtype
from minigrad.forking import in_forked_child
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import AccumulateGrad, Edge, Node, Tensor
from minigrad.graph.storage import InferenceCounter
from minigrad.graph.strides import array_like, keep_strides
from minigrad.kernels.bfloat16 import ARRAYS
from minigrad.kernels.helpers import Future
from minigrad.kernels.layout import is_dense, is_expanded
from minigrad.locking import Lock

__all__ = ["ALONE", "Accumulating", "Arrived", "add_to", "add_to_grad", "begin_grad", "fitted", "one_of", "own_memory"]
__all__ += ["receive", "results"]

Arrived = dict[Any, list[Any]]  # of each node the gradients that have come to it so far, one an output


def receive(arrived: Arrived, edge: Edge, gradient: Any) -> None:
    """Let ``gradient`` wait where ``edge`` leads, added to what waits there."""
    node, output_nr = edge
    if node in arrived:
        add_to(arrived[node], output_nr, gradient)
    else:
        arrived[node] = one_of(node, output_nr, gradient)


def one_of(node: Node, output_nr: int, gradient: Any) -> list[Any]:
    """The gradients of ``node``'s outputs, of which the first arrives."""
    gradients: list[Any] = [None] * len(node.outputs)
    gradients[output_nr] = gradient
    return gradients


def add_to(waiting: list[Any], output_nr: int, gradient: Any) -> None:
    """Add ``gradient`` to what has arrived: where nobody else sees that array, into its memory."""
    so_far = waiting[output_nr]
    if so_far is None:
        waiting[output_nr] = gradient
    elif type(so_far) is Future or type(gradient) is Future:
        so_far, gradient = results([so_far, gradient])
        waiting[output_nr] = so_far + gradient
    elif type(so_far) is ndarray and so_far.base is None and sys.getrefcount(so_far) <= ALONE_WAITING:
        so_far += gradient
    else:
        waiting[output_nr] = so_far + gradient


def fitted(gradient: Any, edge: Edge, maker: Node, outgoing: Sequence[Any]) -> Any:
    """``gradient``, one of those that ``maker``'s rule gave, with the shape and the type of the value it belongs to.

    Raises:
        RuntimeError: the shapes do not fit.
    """
    node, output_nr = edge
    shape, kind = node.outputs[output_nr]
    if type(gradient) is Future:  # of an operation of minigrad's own
        return gradient if type(node) is AccumulateGrad else fitted(gradient.result(), edge, maker, outgoing)
    if gradient.shape != shape:
        if not is_expandable(shape, gradient.shape):
            position = [each is gradient for each in outgoing].index(True)
            raise RuntimeError(
                f"Function {maker.name()} returned an invalid gradient at index {position} - "
                f"got {list(gradient.shape)} but expected shape compatible with {list(shape)}"
            )
        gradient = summed_to(gradient, shape)
    if isinstance(gradient, Tensor):
        return gradient if gradient.array.dtype == kind else gradient.to(from_numpy_dtype(kind))
    return np.asarray(gradient, dtype=kind)


def summed_to(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum ``gradient`` over the dimensions along which an input of ``shape`` was repeated to match the other input.

    Broadcasting (3,) against (2, 3) uses each of the three elements twice. The derivative with respect to an element
    used twice is the sum of the derivatives at both places: hence a sum over the new leading dimensions, and over
    those where ``shape`` says 1 and ``gradient`` has more.
    """
    leading = gradient.ndim - len(shape)
    repeated = list(range(leading))
    for dim, size in enumerate(shape):
        if size == 1 and gradient.shape[leading + dim] != 1:
            repeated.append(leading + dim)
    if isinstance(gradient, Tensor):
        summed = gradient.sum(repeated, keepdim=True)
        return summed.view(shape) if leading else summed
    wide = np.float32 if gradient.dtype in NARROW else gradient.dtype  # float16 is rounded once
    total = np.add.reduce(gradient, axis=tuple(repeated), keepdims=True, dtype=wide)
    return np.asarray(total, gradient.dtype, order="C").reshape(shape)


class Accumulating:
    """NumPy adds large arrays side by side with other threads: who holds the lock changes a ``.grad``."""

    lock = Lock()


@in_forked_child
def open_grads() -> None:
    """Nobody holds the lock in the child of a fork."""
    Accumulating.lock = Lock()


def add_to_grad(node: AccumulateGrad, gradient: Any) -> None:
    """The rest of ``run_leaf`` in ``engine.py``: there is a ``.grad`` already, the sum is recorded, or not there yet.

    It is added in place, so that who holds ``leaf.grad`` sees it, unless it is recorded.
    """
    leaf = node.variable
    if type(gradient) is Future:
        grad_mode.walk.unfinished += ((node, gradient),)
        return
    if not leaf._requires_grad:
        return
    leaf._accumulations += 1
    if isinstance(gradient, Tensor):
        leaf._grad = leaf.new_empty(leaf.shape).copy_(gradient) if leaf._grad is None else leaf._grad + gradient
    elif leaf._grad is None:
        leaf._grad = wrap(array_like(leaf, None))  # laid as the leaf is
        leaf._grad.array[...] = gradient
        keep_strides(leaf._grad)
    else:
        check_can_be_added(leaf._grad, gradient)
        leaf._grad.array += gradient
        leaf._grad._version_counter.bump("accumulation in backward()")


def begin_grad(node: AccumulateGrad) -> None:
    """If the leaf had another shape or type when ``node``'s graph used it, and has no ``.grad``, give it zeros to add
    to: of that type, and of the leaf's shape if the gradient can be broadcast to it, else of the gradient's own.
    """
    leaf, (shape, kind) = node.variable, node.outputs[0]
    if (shape, kind) == (leaf.array.shape, leaf.array.dtype):
        return
    with Accumulating.lock:
        if leaf._grad is None and leaf._requires_grad:
            leaf._grad = wrap(np.zeros(leaf.array.shape if is_expandable(shape, leaf.array.shape) else shape, kind))


def check_can_be_added(grad: Tensor, gradient: ndarray) -> None:
    """See that ``gradient`` can be added to ``grad``, a leaf's, in place.

    Raises:
        RuntimeError: ``grad`` does not fit it, because ``leaf.data`` was replaced, was made in inference mode, or is
            an expanded view.
    """
    if not is_expandable(gradient.shape, grad.array.shape):
        raise RuntimeError(
            f"The size of the .grad that is there, {list(grad.shape)}, is not that of the new gradient, "
            f"{list(gradient.shape)}: set .grad to None after you have replaced .data"
        )
    if type(grad._version_counter) is InferenceCounter and not grad_mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed: the .grad that is there was made "
            "in inference mode. Set it to None, or to a clone."
        )
    if is_expanded(grad.array):
        raise RuntimeError(
            "unsupported operation: more than one element of the .grad that is there refers to a single memory "
            "location, because it was expanded. Please clone() the tensor before performing the operation."
        )


def own_memory(gradient: ndarray) -> ndarray:
    """``gradient``, or a copy where somebody else may see its memory: it becomes a ``.grad``.

    Others are a node that saved it, a hook that kept it, another gradient of the same rule. A view of an array that
    nobody else holds need not be copied.
    """
    owner = gradient.base
    alone = sys.getrefcount(gradient) <= ALONE_VIEW and sys.getrefcount(owner) <= ALONE_OWNER
    alone = alone and type(owner) in ARRAYS and gradient.flags.writeable
    if alone and (gradient.flags.forc or is_dense(gradient)):  # mostly the flag says it already
        return gradient
    return gradient.copy(order="K")


def count_references() -> tuple[int, int, int, int]:
    """How many references are counted to an array that only the engine holds, at each place where it asks that.

    Each function here goes about the array as the engine does at that place: one more name for it there, and ownership
    becomes copying. From Python 3.14 on some references are borrowed and not counted, there as here. Where the count
    may be another each time (a build without the lock splits it, a compiler at run time leaves some out), no array is
    taken to be alone: it is copied, or a new one made, instead. So it is with versions that have not been tried.
    """
    compiler = getattr(sys, "_jit", None)  # from 3.14 on
    compiled = compiler is not None and compiler.is_enabled()
    if sys.version_info >= (3, 16) or compiled or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return 0, 0, 0, 0

    def in_run_leaf(gradient: ndarray) -> tuple[int, int, int]:
        return sys.getrefcount(gradient), *in_own(gradient)

    def in_own(gradient: ndarray) -> tuple[int, int]:
        owner = gradient.base
        assert owner is not None
        return sys.getrefcount(gradient), sys.getrefcount(owner)

    def in_add_to(waiting: list[ndarray]) -> int:
        so_far = waiting[0]
        return sys.getrefcount(so_far)

    incoming = [np.empty((2, 2)).T]
    return in_add_to([np.empty(1)]), *in_run_leaf(incoming[0])


ALONE_WAITING, ALONE, ALONE_VIEW, ALONE_OWNER = count_references()


def results(gradients: Sequence[Any]) -> list[Any]:
    """``gradients``, with what another thread computes waited for."""
    return [each.result() if type(each) is Future else each for each in gradients]
