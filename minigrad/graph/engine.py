"""The engine: the one loop that walks a graph backward, and where gradients are summed.

The chain rule, node by node. The node made last runs first: whatever uses a result was made after it, so when a node's
turn comes, every gradient that flows into it has arrived. Its rule turns them into one gradient an input, and each is
sent to the node that made this input. At a leaf it is added to ``leaf.grad``. Gradients are summed because a tensor
used twice influences the result along two paths, and the total derivative is the sum over the paths.

What somebody watches goes by :meth:`Walk.run_watched`: a node with hooks, one whose gradient is asked for, every node
while anomalies are detected. Nobody but a leaf waits for the gradient of a convolution's weight: its rule may give a
:class:`Future`, which another thread computes while the walk goes on.

Nothing here recurses, so a chain of a million operations is fine. The nodes are in ``node.py`` and ``function.py``; the
rules, one an operation, are in ``minigrad/ops``.
"""

from __future__ import annotations

import sys
import sysconfig
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.arguments.dims import is_expandable
from minigrad.dtypes import from_numpy_dtype
from minigrad.graph import anomaly
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.hooks import NodeHooks
from minigrad.graph.node import AccumulateGrad, Edge, Node, Tensor, unwrap
from minigrad.kernels.helpers import Future
from minigrad.kernels.layout import is_dense

__all__ = ["Arrived", "Walk", "call_rule", "receive", "run_backward", "to_arrays", "to_tensors", "wrapped"]

Arrived = dict[Any, list[Any]]  # of each node the gradients that have come to it so far, one an output


def run_backward(
    arrived: Arrived,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Edge] | None = None,
    accumulate: bool = True,
) -> Any:
    """Walk from the nodes in ``arrived``, with the gradients given there, to the leaves; with ``inputs``, only towards
    these edges.

    Gradients travel as arrays; with ``create_graph`` as tensors, so that what the rules compute is recorded too.
    With ``accumulate`` False leaves keep their ``.grad`` as it is. Returns what arrived at each of ``inputs``,
    or None.
    """
    walk = Walk()
    walk.order = in_order(arrived)
    if inputs is not None or anomaly.enabled:
        walk.watch(inputs, accumulate)
    outside = grad_mode.enabled, grad_mode.walk
    grad_mode.enabled = create_graph
    grad_mode.walk = walk
    try:
        for node in walk.order:
            incoming = arrived.pop(node, None)
            if walk.watched or incoming is None or not node.plain:
                outgoing = walk.run_watched(node, incoming)
            elif type(node) is AccumulateGrad:
                run_leaf(node, incoming[0])
                continue
            else:
                outgoing = node.backward(*incoming)
            if type(outgoing) is not tuple:
                outgoing = (outgoing,)
            if len(outgoing) != len(node.next_functions):
                outgoing = checked_count(node, outgoing)
            for (target, output_nr), grad in zip(node.next_functions, outgoing):
                if target is None or grad is None:
                    continue
                shape, kind = target.outputs[output_nr]
                if grad.shape != shape or grad.dtype is not kind:
                    grad = fitted(grad, (target, output_nr), node)
                if target in arrived:  # two paths lead from there to the result: two terms
                    add_to(arrived[target], output_nr, grad)
                else:
                    arrived[target] = [grad] if len(target.outputs) == 1 else one_of(target, output_nr, grad)
            outgoing = grad = None  # let go: a leaf keeps an array that nobody else holds
            if not retain_graph:
                node.free()
    finally:
        grad_mode.enabled, grad_mode.walk = outside
        grad_mode.walked = True
        if walk.unfinished:
            walk.finish()  # after an error too: these leaves were reached before it
    return walk.captured


def in_order(roots: Arrived) -> list[Any]:
    """The nodes that ``roots`` lead to, the one made last first; a leaf right after the last node that uses it."""
    turn: dict[Any, float] = {}
    found = list(roots)
    for node in found:
        if node in turn:
            continue
        number = node.sequence_number
        turn[node] = number
        for next_node, _ in node.next_functions:
            if type(next_node) is not AccumulateGrad:
                if next_node is not None:
                    found.append(next_node)
            elif turn.get(next_node, number) >= number - 0.5:
                turn.pop(next_node, None)  # of leaves with the same last user, the one that it uses last comes last
                turn[next_node] = number - 0.5
    return sorted(turn, key=turn.__getitem__, reverse=True)


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


def checked_count(node: Node, outgoing: tuple[Any, ...]) -> tuple[Any, ...]:
    """What ``node``'s rule gave, without surplus ones that are None.

    Raises:
        RuntimeError: there are fewer than inputs, or more that are not None.
    """
    wanted = len(node.next_functions)
    if len(outgoing) < wanted or any(each is not None for each in outgoing[wanted:]):
        raise RuntimeError(
            f"function {node.name()} returned an incorrect number of gradients (expected {wanted}, got {len(outgoing)})"
        )
    return outgoing[:wanted]


def fitted(gradient: Any, edge: Edge, maker: Node) -> Any:
    """``gradient``, which ``maker``'s rule gave, with the shape and the type of the value it belongs to.

    Raises:
        RuntimeError: the shapes do not fit.
    """
    node, output_nr = edge
    shape, kind = node.outputs[output_nr]
    if type(gradient) is Future:  # of an operation of minigrad's own
        return gradient if type(node) is AccumulateGrad else fitted(gradient.result(), edge, maker)
    if gradient.shape != shape:
        if not is_expandable(shape, gradient.shape):
            raise RuntimeError(
                f"Function {maker.name()} returned an invalid gradient at index {maker.next_functions.index(edge)} - "
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
    wide = np.float32 if gradient.dtype == np.float16 else gradient.dtype  # float16 is rounded once
    total = np.add.reduce(gradient, axis=tuple(repeated), keepdims=True, dtype=wide)
    return np.asarray(total, gradient.dtype, order="C").reshape(shape)


# ---------------------------------------------------------------------------------------------- the end of a path


def run_leaf(node: AccumulateGrad, gradient: Any) -> None:
    """Add what arrived at a leaf to its ``.grad``; what arrives first becomes it."""
    leaf = node.variable
    if leaf._hooks is not None or node.around is not None:
        return grad_mode.walk.run_watched_leaf(node, results([gradient]))
    with accumulating:
        if leaf._grad is not None or gradient.dtype is not leaf.array.dtype or not leaf._requires_grad:
            return add_to_grad(node, gradient)
        gradient = np.asarray(gradient)  # NumPy makes numbers of zero-dimensional arrays
        if sys.getrefcount(gradient) > ALONE or gradient.base is not None:
            gradient = own_memory(gradient)
        leaf._grad = wrap(gradient)
        leaf._accumulations += 1


accumulating = threading.RLock()  # NumPy adds large arrays side by side with other threads: one .grad at a time


def add_to_grad(node: AccumulateGrad, gradient: Any) -> None:
    """The rest of :func:`run_leaf`: there is a ``.grad`` already, or the sum is recorded, or still being computed.

    It is added in place, so that who holds ``leaf.grad`` sees it, unless it is recorded.

    Raises:
        RuntimeError: ``leaf.grad`` has another shape, because ``leaf.data`` was replaced.
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
        leaf._grad = wrap(np.array(gradient))
    elif leaf._grad.array.shape != gradient.shape:
        raise RuntimeError(
            f"The size of the .grad that is there, {list(leaf._grad.shape)}, is not that of the new gradient, "
            f"{list(gradient.shape)}: set .grad to None after you have replaced .data"
        )
    else:
        leaf._grad.array += gradient
        leaf._grad._version_counter.bump("accumulation in backward()")


def own_memory(gradient: ndarray) -> ndarray:
    """``gradient``, or a copy where somebody else may see its memory: it becomes a ``.grad``.

    Others are a node that saved it, a hook that kept it, another gradient of the same rule. A view of an array that
    nobody else holds need not be copied.
    """
    owner = gradient.base
    alone = sys.getrefcount(gradient) <= ALONE_VIEW and sys.getrefcount(owner) <= ALONE_OWNER
    if alone and type(owner) is ndarray and gradient.flags.writeable and is_dense(gradient):
        return gradient
    return gradient.copy(order="K")


def count_references() -> tuple[int, int, int, int]:
    """How many references are counted to an array that only the engine holds, at each place where it asks that.

    Each function here goes about the array as its namesake above does. Where the interpreter does not count each
    reference (Python 3.14 borrows some, a build without the lock splits the count), no array is taken to be alone: it
    is copied, or a new one made, instead.
    """
    if sys.version_info >= (3, 14) or sysconfig.get_config_var("Py_GIL_DISABLED"):
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


# ---------------------------------------------------------------------------------------------- what is watched


class Walk:
    """One backward pass: the nodes in their order, and what is watched.

    Attributes:
        order: the nodes.
        watched: True: :meth:`run_watched` runs the plain nodes too.
        captured: for each edge that was asked for, what arrived there (None where nothing did); as in PyTorch, before
            the hooks of its tensor where the walk goes on from there, after them where it ends.
        passages: the nodes that lead to what was asked for, and for each whether its rule has to run: it has not where
            the gradient that enters the node was asked for, and none beyond it. None where nothing was asked for.
        accumulate: whether leaves' ``.grad`` is set.
        unfinished: leaves whose gradient another thread computes.
    """

    order: list[Any]
    watched = False
    captured: dict[Edge, Any] | None = None
    passages: dict[Any, bool] | None = None
    accumulate = True
    unfinished: tuple[tuple[AccumulateGrad, Any], ...] = ()

    def watch(self, inputs: Sequence[Edge] | None, accumulate: bool) -> None:
        """See to what is asked for: the gradients at ``inputs`` and no others, or anomalies."""
        self.watched = True
        self.accumulate = accumulate
        if inputs is None:
            return
        self.captured = dict.fromkeys(inputs)
        asked = {node for node, _ in inputs}
        self.passages = {node: False for node in self.order if node in asked}
        for node in reversed(self.order):  # what a node points at comes after it
            for next_node, _ in node.next_functions:
                if next_node in self.passages:
                    self.passages[node] = True
        self.order = [node for node in self.order if node in self.passages]

    def will_run(self, node: Any) -> bool:
        """True if this walk runs ``node``'s rule, or adds to its leaf's ``.grad``.

        Raises:
            RuntimeError: ``node`` is a leaf's and the walk is that of ``autograd.grad``, which has no answer.
        """
        if self.passages is None:
            return node in self.order
        if isinstance(node, AccumulateGrad):
            if not self.accumulate:
                raise RuntimeError(
                    "A leaf's node has no gradient to accumulate while autograd.grad() runs: whether it will run is "
                    "not answered there. This is currently not supported, as in PyTorch."
                )
            return node in self.passages
        return self.passages.get(node, False)

    def run_watched(self, node: Any, incoming: list[Any] | None) -> Any:
        """Run ``node`` with everything that may be around it, in PyTorch's order. What it sends on."""
        if isinstance(node, AccumulateGrad):
            if incoming is not None:
                self.run_watched_leaf(node, results(incoming))
            return ()
        goes_on = self.passages is None or self.passages[node]
        if node.hooks is not None or node.receives_tensors:
            self.finish()  # a function of the user's is going to run
        if incoming is not None:
            if goes_on:
                self.capture(node, incoming)
            if node.hooks is not None:
                call_hooks_of_tensor(node, incoming)
            if not goes_on:
                self.capture(node, incoming)
        if not goes_on:
            return (None,) * len(node.next_functions)
        return run_for_anomalies(node, incoming) if anomaly.enabled else run_with_hooks(node, incoming)

    def run_watched_leaf(self, node: AccumulateGrad, incoming: list[Any]) -> None:
        """Add what arrived at a leaf to its ``.grad``, with everything that may be around it, in PyTorch's order."""
        around, of_leaf = node.around, node.hooks
        if of_leaf is not None or around is not None:
            self.finish()
        if of_leaf is not None:
            call_hooks_of_tensor(node, incoming)
        self.capture(node, incoming)
        if not self.accumulate:
            return
        if around is not None and around.prehooks:
            incoming = list(call_prehooks(incoming, around))
        if incoming[0] is not None:
            with accumulating:
                add_to_grad(node, incoming[0])
        if of_leaf is not None:
            for hook in list(of_leaf.post_accumulate.values()):
                given = hook(node.variable)
                if given is not None and given is not node.variable:
                    raise RuntimeError("Tensor post accumulate grad hooks should return None.")
        if around is not None and around.hooks:
            call_posthooks((), incoming, around)

    def capture(self, node: Node, incoming: Sequence[Any]) -> None:
        """Note what arrived at ``node`` where the user asked for it."""
        if self.captured is None:
            return
        for output_nr, gradient in enumerate(incoming):
            if (node, output_nr) in self.captured:
                self.captured[node, output_nr] = gradient

    def finish(self) -> None:
        """Give the leaves whose gradient another thread computes what they wait for: for the user, who is going to see
        them, everything happens in order."""
        while self.unfinished:
            (node, future), *others = self.unfinished
            self.unfinished = tuple(others)
            gradient = future.result()
            with accumulating:
                if node.variable._grad is None and node.variable._requires_grad:
                    node.variable._grad = wrap(gradient)  # the future's value is nobody else's
                    node.variable._accumulations += 1
                else:
                    add_to_grad(node, gradient)


def run_with_hooks(node: Any, incoming: list[Any] | None) -> Any:
    """Run the node's rule between its hooks; a rule of minigrad's does not run where nothing arrived."""
    hooks = node.hooks
    gradients: Sequence[Any] = [None] * len(node.outputs) if incoming is None else incoming
    undefined = incoming is None
    if hooks is not None and hooks.prehooks:
        gradients = call_prehooks(gradients, hooks)
        undefined = all(gradient is None for gradient in gradients)
    if undefined and not node.receives_tensors:
        outgoing: Any = (None,) * len(node.next_functions)
    else:
        outgoing = node.call_rule(gradients)
    if hooks is not None and hooks.hooks:
        return tuple(call_posthooks(fitted_to_inputs(node, outgoing), gradients, hooks))
    return outgoing


def call_rule(node: Any, gradients: Sequence[Any]) -> list[Any]:
    """What ``node``'s rule makes of ``gradients``, fitted to its inputs."""
    return fitted_to_inputs(node, node.call_rule(gradients))


def fitted_to_inputs(node: Node, outgoing: tuple[Any, ...]) -> list[Any]:
    """What ``node``'s rule gave, as it is for those who see it: fitted, and waited for."""
    complete: list[Any] = []
    for edge, gradient in zip(node.next_functions, checked_count(node, outgoing)):
        if edge[0] is None or gradient is None:
            complete.append(None)
        else:
            (gradient,) = results([gradient])
            complete.append(fitted(gradient, edge, node))
    return complete


def run_for_anomalies(node: Any, incoming: list[Any] | None) -> Any:
    """:func:`run_with_hooks` while anomalies are detected: an error, or a NaN, names the line that made the node.

    Raises:
        RuntimeError: a gradient is NaN.
    """
    outer, anomaly.running.node = anomaly.running.node, node
    try:
        gradients = fitted_to_inputs(node, run_with_hooks(node, incoming))
        anomaly.check_nan(node, gradients)
    except Exception:
        anomaly.tell_origin(node)
        raise
    finally:
        anomaly.running.node = outer
    return tuple(gradients)


def results(gradients: Sequence[Any]) -> list[Any]:
    """``gradients``, with what another thread computes waited for."""
    return [each.result() if type(each) is Future else each for each in gradients]


def wrapped(gradient: Any) -> Any:
    """An array, or a number that NumPy made of one, as a tensor without history; None and a tensor as they are."""
    return wrap(np.asarray(gradient)) if isinstance(gradient, (ndarray, np.generic)) else gradient


def to_tensors(gradients: Sequence[Any]) -> list[Any]:
    """Arrays as tensors without history; None and tensors as they are."""
    return [wrapped(each) for each in gradients]


def to_arrays(gradients: Sequence[Any]) -> tuple[Any, ...]:
    """The arrays inside tensors."""
    return tuple([unwrap(each) for each in gradients])


def call_hooks_of_tensor(node: Any, gradients: list[Any]) -> None:
    """Show each arrived gradient to its tensor's hooks, in the order of registration, then keep it if asked to."""
    hooks = node.hooks
    for output_nr, hook in list(hooks.tensor_hooks.values()):
        gradient = gradients[output_nr]
        if gradient is None:
            continue
        replacement = hook(*to_tensors([gradient]))
        if replacement is not None:
            gradients[output_nr] = checked_replacement(gradient, replacement, hook)
    for output_nr, reference in hooks.retained.items():
        tensor, gradient = reference(), gradients[output_nr]
        if tensor is not None and gradient is not None:
            kept = gradient.clone() if isinstance(gradient, Tensor) else wrap(np.array(gradient))
            tensor._grad = kept if tensor._grad is None else tensor._grad + kept
            tensor._accumulations += 1


def checked_replacement(gradient: Any, replacement: Any, hook: Any) -> Any:
    """What a hook returned instead of ``gradient``, as the engine carries it.

    Raises:
        TypeError: it is not a tensor.
        RuntimeError: its shape or its type is not the gradient's.
    """
    name = repr(getattr(hook, "__name__", type(hook).__name__))
    if not isinstance(replacement, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(replacement).__name__}'")
    if gradient is not None:
        was, now = to_arrays([gradient, replacement])
        if was.shape != now.shape:
            raise RuntimeError(
                f"hook {name} has changed the size of value: expected {list(was.shape)}, got {list(now.shape)}"
            )
        if was.dtype != now.dtype:
            raise RuntimeError(
                f"hook {name} has changed the type of value (was {from_numpy_dtype(was.dtype)} got {replacement.dtype})"
            )
    return replacement if grad_mode.enabled else replacement.array


def checked_replacements(gradients: Sequence[Any], replacement: Any, hook: Any) -> list[Any]:
    """The tuple that a node's hook returned instead of ``gradients``, as the engine carries it.

    Raises:
        TypeError: it is no tuple of tensors.
        RuntimeError: there are more or fewer, or one has another shape or type.
    """
    if not isinstance(replacement, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(replacement).__name__}'")
    if len(replacement) != len(gradients):
        name = repr(getattr(hook, "__name__", type(hook).__name__))
        raise RuntimeError(
            f"hook {name} has returned an incorrect number of values (got {len(replacement)}, but expected "
            f"{len(gradients)})"
        )
    checked = []
    for gradient, new in zip(gradients, replacement):
        checked.append(None if new is None else checked_replacement(gradient, new, hook))
    return checked


def call_prehooks(gradients: Sequence[Any], hooks: NodeHooks) -> Sequence[Any]:
    """Show the incoming gradients to the node's pre-hooks; a hook may return a tuple to use instead."""
    for hook in list(hooks.prehooks.values()):
        replacement = hook(tuple(to_tensors(gradients)))
        if replacement is not None:
            gradients = checked_replacements(gradients, replacement, hook)
    return gradients


def call_posthooks(result: Sequence[Any], gradients: Sequence[Any], hooks: NodeHooks) -> Sequence[Any]:
    """Show the node's result and its incoming gradients to its hooks; a hook may return a tuple to use instead."""
    for hook in list(hooks.hooks.values()):
        replacement = hook(tuple(to_tensors(result)), tuple(to_tensors(gradients)))
        if replacement is not None:
            result = checked_replacements(result, replacement, hook)
    return result
