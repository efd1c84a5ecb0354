"""The engine: the one loop that walks a graph backward, and the one place where gradients are summed.

The chain rule, node by node. A node runs when every gradient that flows into it has arrived; its rule turns them into
one gradient an input; each is added to what waits at the node that made this input. A leaf's node adds it to
``leaf.grad``. Gradients are summed because a tensor used twice influences the result along two paths, and the total
derivative is the sum over the paths.

Nobody but a leaf waits for the gradient of a convolution's weight. Its rule may give a :class:`Future` for it, which
another thread computes while the walk goes on. The leaf gets it at the end of the walk, or before a function of the
user's runs: for the user everything happens in order.

Nothing here recurses, so a chain of a million operations is fine. The nodes are in ``function.py``; the rules, one an
operation, are in ``minigrad/ops``.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.autograd import anomaly
from minigrad.autograd.function import NO_GRADIENT, AccumulateGrad, Edge, Node
from minigrad.autograd.grad_mode import grad_mode
from minigrad.autograd.hooks import NodeHooks
from minigrad.dtypes import from_numpy_dtype
from minigrad.kernels.helpers import Future
from minigrad.ops.broadcasting import unbroadcast
from minigrad.ops.dims import is_expandable
from minigrad.ops.elementwise import Copy
from minigrad.tensor import Tensor, wrap

__all__ = ["Pass", "call_rule", "passes", "run_backward", "to_tensors"]


class Pass:
    """One walk of the engine: which nodes it will run."""

    __slots__ = ("__weakref__", "accumulate", "passages", "reachable")

    def __init__(self, reachable: dict[Node, int], passages: dict[Node, bool] | None, accumulate: bool) -> None:
        self.reachable = reachable
        self.passages = passages
        self.accumulate = accumulate

    def will_run(self, node: Any) -> bool:
        """True if this walk runs ``node``'s rule, or adds to its leaf's ``.grad``.

        Raises:
            RuntimeError: ``node`` is a leaf's and the walk is that of ``autograd.grad``, which has no answer.
        """
        if self.passages is None:
            return node in self.reachable
        if isinstance(node, AccumulateGrad):
            if not self.accumulate:
                raise RuntimeError(
                    "A leaf's node has no gradient to accumulate while autograd.grad() runs: whether it will run is "
                    "not answered there. This is currently not supported, as in PyTorch."
                )
            return node in self.passages
        return self.passages.get(node, False)


class _Passes(threading.local):
    """How many backward passes this thread has begun, for ``explain_grad``, and the one that is under way."""

    count = 0
    current: Pass | None = None


passes = _Passes()


accumulating = threading.Lock()  # NumPy adds large arrays side by side with other threads: one .grad at a time


class Waiting:
    """The gradients that have arrived at one node so far, one slot an output of its forward."""

    __slots__ = ("gradients", "owned")

    def __init__(self, node: Node) -> None:
        self.gradients: list[Any] = [None] * len(node.outputs)
        self.owned = [False] * len(node.outputs)  # True: nobody else sees this array, a sum may be written into it


def run_backward(
    roots: Sequence[Edge],
    gradients: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Edge] | None = None,
    accumulate: bool = True,
) -> dict[Edge, Any]:
    """Propagate ``gradients`` from ``roots`` to the leaves; with ``inputs``, only towards these edges.

    Gradients travel as arrays; with ``create_graph`` as tensors, so that what the rules compute is recorded too.
    Of the nodes that are ready the one made last runs first, as in PyTorch. With ``accumulate`` False leaves keep
    their ``.grad`` as it is. Returns what arrived at each of ``inputs`` (None where nothing did); as in PyTorch, before
    the hooks of its tensor where the walk goes on from there, after them where it ends.
    """
    passes.count += 1
    missing = count_dependencies(roots)
    captured: dict[Edge, Any] = {} if inputs is None else dict.fromkeys(inputs)
    passages = None if inputs is None else nodes_towards(inputs, missing)
    waiting: dict[Node, Waiting] = {}
    for (node, output_nr), gradient in zip(roots, gradients):
        add_gradient(waiting, node, output_nr, gradient, owned=False)

    ready: list[tuple[int, int, Any]] = []
    arrivals = 0  # leaves all have the same sequence number: among them, first come, first served
    for node in waiting:
        if missing[node] == 0:
            heapq.heappush(ready, (-node.sequence_number, arrivals, node))
            arrivals += 1

    unfinished: list[tuple[AccumulateGrad, Future]] = []  # leaves whose gradient another thread computes
    previous_pass, passes.current = passes.current, Pass(missing, passages, accumulate)
    previous_mode = grad_mode.enabled, grad_mode.in_rule
    grad_mode.enabled, grad_mode.in_rule = create_graph, True
    try:
        while ready:
            _, _, node = heapq.heappop(ready)
            arrived = waiting.pop(node, None)
            if passages is not None and node not in passages:
                continue
            goes_on = passages is None or passages[node]
            if unfinished and calls_the_user(node):
                finish(unfinished)
            if arrived is not None:
                if captured and goes_on:
                    capture(captured, node, arrived)
                if node.hooks is not None:
                    call_hooks_of_tensor(node, arrived)
                if captured and not goes_on:
                    capture(captured, node, arrived)
            if isinstance(node, AccumulateGrad):
                if accumulate and arrived is not None:
                    run_leaf(node, arrived)
                continue
            if not goes_on:
                continue

            input_gradients = run_watched(node, arrived) if anomaly.enabled else run_rule(node, arrived)
            for position, (next_node, output_nr) in enumerate(node.next_functions):
                if next_node is None:
                    continue
                gradient = input_gradients[position]
                if type(gradient) is Future:
                    only_one = missing[next_node] == 1 and next_node not in waiting
                    if only_one and passages is None and can_wait(next_node):
                        unfinished.append((next_node, gradient))
                        continue
                    input_gradients = results(input_gradients)
                    gradient = input_gradients[position]
                if gradient is not None:
                    # A leaf keeps the array as .grad, a view's rule passes it on: for them it matters whose it is.
                    kept = isinstance(next_node, AccumulateGrad) or next_node.is_view
                    owned = kept and is_ours_alone(gradient, node, arrived, input_gradients)
                    add_gradient(waiting, next_node, output_nr, gradient, owned)
                missing[next_node] -= 1
                if missing[next_node] == 0:
                    heapq.heappush(ready, (-next_node.sequence_number, arrivals, next_node))
                    arrivals += 1
            if not retain_graph:
                node.free()
    finally:
        passes.current = previous_pass
        grad_mode.enabled, grad_mode.in_rule = previous_mode
        finish(unfinished)  # after an error too: these leaves were reached before it
    return captured


def count_dependencies(roots: Sequence[Edge]) -> dict[Node, int]:
    """Of every node that ``roots`` lead to: along how many edges a gradient will come."""
    missing: dict[Node, int] = {}
    for root, _ in roots:
        missing[root] = 0
    unvisited = list(missing)
    while unvisited:
        node = unvisited.pop()
        for next_node, _ in node.next_functions:
            if next_node is None:
                continue
            if next_node in missing:
                missing[next_node] += 1
            else:
                missing[next_node] = 1
                unvisited.append(next_node)
    return missing


def nodes_towards(inputs: Sequence[Edge], reachable: dict[Node, int]) -> dict[Node, bool]:
    """The nodes among ``reachable`` that lead to one of ``inputs``, and for each whether its rule has to run.

    It has not where the gradient that enters the node was asked for, and none beyond it.
    """
    passages = {node: False for node, _ in inputs if node in reachable}
    leaves_first = sorted(reachable, key=lambda node: node.sequence_number if node.next_functions else -1)
    for node in leaves_first:  # what a node points at was made before it
        if any(next_node in passages for next_node, _ in node.next_functions):
            passages[node] = True
    return passages


def add_gradient(waiting: dict[Node, Waiting], node: Node, output_nr: int, gradient: Any, owned: bool) -> None:
    """Add ``gradient`` to what waits at ``node``. The first to arrive is kept as it is, without a copy."""
    arrived = waiting.get(node)
    if arrived is None:
        arrived = waiting[node] = Waiting(node)
    so_far = arrived.gradients[output_nr]
    if so_far is None:
        arrived.gradients[output_nr] = gradient
        arrived.owned[output_nr] = owned
    elif arrived.owned[output_nr]:
        so_far += gradient
    elif isinstance(gradient, Tensor):
        arrived.gradients[output_nr] = so_far + gradient
    else:
        arrived.gradients[output_nr] = np.asarray(so_far + gradient)  # NumPy adds zero-dimensional arrays to a number
        arrived.owned[output_nr] = True


def run_watched(node: Any, arrived: Waiting | None) -> Sequence[Any]:
    """:func:`run_rule` while anomalies are detected: an error, or a NaN, names the line that made the node.

    Raises:
        RuntimeError: a gradient is NaN.
    """
    outer, anomaly.running.node = anomaly.running.node, node
    try:
        gradients = results(run_rule(node, arrived))
        anomaly.check_nan(node, gradients)
    except Exception:
        anomaly.tell_origin(node)
        raise
    finally:
        anomaly.running.node = outer
    return gradients


def run_rule(node: Any, arrived: Waiting | None) -> Sequence[Any]:
    """Call the node's ``backward``: from one gradient an output to one gradient an input.

    Raises:
        RuntimeError: the rule returned another number of gradients than there were inputs, or one of a wrong shape.
    """
    hooks = node.hooks
    if arrived is None and hooks is None and not node.receives_tensors:
        return [None] * len(node.next_functions)
    gradients: Sequence[Any] = (arrived or Waiting(node)).gradients
    undefined = arrived is None
    if hooks is not None and hooks.prehooks:
        gradients = call_prehooks(gradients, hooks)
        undefined = all(gradient is None for gradient in gradients)

    if undefined and not node.receives_tensors:
        result: Sequence[Any] = [None] * len(node.next_functions)
    else:
        result = call_rule(node, gradients)
    if hooks is not None and hooks.hooks:
        return call_posthooks(results(result), gradients, hooks)
    return result


def results(gradients: Sequence[Any]) -> list[Any]:
    """``gradients``, with what another thread computes waited for."""
    return [each.result() if type(each) is Future else each for each in gradients]


def calls_the_user(node: Any) -> bool:
    """Whether a function of the user's runs with ``node``: a hook, or a rule."""
    if isinstance(node, AccumulateGrad):
        return node.hooks is not None or node.around is not None
    return node.hooks is not None or node.receives_tensors or node.packed


def can_wait(node: Any) -> bool:
    """Whether ``node`` is a leaf's, and nobody is told when its gradient arrives."""
    return isinstance(node, AccumulateGrad) and not calls_the_user(node)


def finish(unfinished: list[tuple[AccumulateGrad, Future]]) -> None:
    """Give each of these leaves its gradient, waiting for those that are not computed yet."""
    while unfinished:
        node, future = unfinished.pop(0)
        arrived = Waiting(node)
        arrived.gradients, arrived.owned = [future.result()], [True]
        run_leaf(node, arrived)


def call_rule(node: Any, gradients: Sequence[Any]) -> list[Any]:
    """The node's ``backward``, given arrays or tensors as the rule takes them; its result checked.

    One of a minigrad operation's may be a :class:`Future`.
    """
    rule = type(node)
    if node.materialize_grads and (len(gradients) > 1 or gradients[0] is None):
        gradients = with_zeros(node, gradients)
    if not rule.receives_tensors:
        result = rule.backward(node, *gradients)
        return checked_gradients(node, result if type(result) is tuple else (result,))
    as_tensors = not grad_mode.enabled
    result = rule.rule()(node, *(to_tensors(gradients) if as_tensors else gradients))
    result = node.gradients_of_tensors(result if isinstance(result, tuple) else (result,))
    return checked_gradients(node, to_arrays(result) if as_tensors else result)


def checked_gradients(node: Any, gradients: tuple[Any, ...]) -> list[Any]:
    """One gradient an input, each with the shape and type of that input; None where none is needed."""
    edges = node.next_functions
    if len(gradients) != len(edges):
        surplus = gradients[len(edges) :]
        if len(gradients) < len(edges) or any(each is not None for each in surplus):
            raise RuntimeError(
                f"function {node.name()} returned an incorrect number of gradients (expected {len(edges)}, "
                f"got {len(gradients)})"
            )
    checked: list[Any] = []
    for position, (next_node, output_nr) in enumerate(edges):
        gradient = gradients[position]
        if next_node is None or gradient is None:
            checked.append(None)
            continue
        if type(gradient) is Future:  # of an operation of minigrad's own
            checked.append(gradient)
            continue
        shape, kind = next_node.outputs[output_nr]
        if isinstance(gradient, Tensor):
            if gradient.array.dtype != kind:
                gradient = gradient.to(from_numpy_dtype(kind))
        elif type(gradient) is not ndarray or gradient.dtype != kind:
            gradient = np.asarray(gradient, dtype=kind)
        if gradient.shape != shape:
            if not is_expandable(shape, gradient.shape):
                raise RuntimeError(
                    f"Function {node.name()} returned an invalid gradient at index {position} - got "
                    f"{list(gradient.shape)} but expected shape compatible with {list(shape)}"
                )
            gradient = unbroadcast(gradient, shape)
        checked.append(gradient)
    return checked


def is_ours_alone(gradient: Any, node: Any, arrived: Waiting | None, gradients: Sequence[Any]) -> bool:
    """True if nobody else can see the array ``gradient``, one of those that ``node`` gave: it may be kept as it is.

    Its memory must not be that of a saved value, of an incoming gradient that was not ours, or of another gradient of
    the same node, and no two of its elements may share a place (a broadcast). A hook may have kept anything. Memory is
    told apart by the array that owns it: a view's ``base``, else the array itself.
    """
    if type(gradient) is not ndarray or node.hooks is not None:
        return False
    memory = gradient if gradient.base is None else gradient.base
    for saved in node.saved_arrays():
        if type(saved) is ndarray and (saved is memory or saved.base is memory):
            return False
    if arrived is not None:
        for incoming, owned in zip(arrived.gradients, arrived.owned):
            if not owned and type(incoming) is ndarray and (incoming is memory or incoming.base is memory):
                return False
    sharing = 0
    for other in gradients:
        if type(other) is ndarray and (other is memory or other.base is memory):
            sharing += 1
    return sharing == 1 and gradient.flags.writeable and is_dense(gradient)


def is_dense(array: ndarray) -> bool:
    """True if each element has its own place and nothing lies between them: for images also with the channels last."""
    flags = array.flags
    if flags.c_contiguous or flags.f_contiguous:
        return True
    return array.ndim == 4 and array.transpose(0, 2, 3, 1).flags.c_contiguous


def with_zeros(node: Node, gradients: Sequence[Any]) -> list[Any]:
    """``gradients`` with zeros where nothing arrived: an output that nobody used has the gradient zero."""
    complete = []
    for gradient, output in zip(gradients, node.outputs):
        if gradient is None and output is not NO_GRADIENT:
            gradient = np.zeros(*output)
            if grad_mode.enabled:
                gradient = wrap(gradient, None, 0)
        complete.append(gradient)
    return complete


def run_leaf(node: AccumulateGrad, arrived: Waiting) -> None:
    """Add what arrived to ``leaf.grad``, with the hooks around it."""
    around, of_leaf = node.around, node.hooks
    if around is not None and around.prehooks:
        arrived.gradients = list(call_prehooks(arrived.gradients, around))
        arrived.owned[0] = False
    with accumulating:
        accumulate_into_leaf(node.variable, arrived)
    if of_leaf is not None:
        for hook in list(of_leaf.post_accumulate.values()):
            given = hook(node.variable)
            if given is not None and given is not node.variable:
                raise RuntimeError("Tensor post accumulate grad hooks should return None.")
    if around is not None and around.hooks:
        call_posthooks((), arrived.gradients, around)


def accumulate_into_leaf(leaf: Tensor, arrived: Waiting) -> None:
    """Add what arrived to ``leaf.grad``: in place, so that who holds ``leaf.grad`` sees it, unless it is recorded.

    Raises:
        RuntimeError: ``leaf.grad`` has another shape, because ``leaf.data`` was replaced.
    """
    gradient = arrived.gradients[0]
    if gradient is None or not leaf._requires_grad:
        return
    leaf._accumulations += 1
    if leaf._grad is None:
        if isinstance(gradient, Tensor):
            leaf._grad = Copy.apply(wrap(np.empty_like(leaf.array), None, 0), gradient)
        else:
            leaf._grad = wrap(gradient if arrived.owned[0] else gradient.copy(order="K"), None, 0)
    elif isinstance(gradient, Tensor):
        leaf._grad = leaf._grad + gradient
    elif leaf._grad.array.shape != gradient.shape:
        raise RuntimeError(
            f"The size of the .grad that is there, {list(leaf._grad.shape)}, is not that of the new gradient, "
            f"{list(gradient.shape)}: set .grad to None after you have replaced .data"
        )
    else:
        leaf._grad.array += gradient
        leaf._grad._version_counter.bump("accumulation in backward()")


def capture(captured: dict[Edge, Any], node: Node, arrived: Waiting) -> None:
    """Note what arrived at ``node`` where the user asked for it."""
    for output_nr, gradient in enumerate(arrived.gradients):
        if (node, output_nr) in captured:
            captured[node, output_nr] = gradient
            arrived.owned[output_nr] = False  # the user will hold it


def to_tensors(gradients: Sequence[Any]) -> list[Any]:
    """Arrays as tensors without history; None and tensors as they are."""
    return [wrap(each, None, 0) if isinstance(each, ndarray) else each for each in gradients]


def to_arrays(gradients: Sequence[Any]) -> tuple[Any, ...]:
    """The arrays inside tensors."""
    return tuple([each.array if isinstance(each, Tensor) else each for each in gradients])


def call_hooks_of_tensor(node: Any, arrived: Waiting) -> None:
    """Show each arrived gradient to its tensor's hooks, in the order of registration, then keep it if asked to."""
    hooks = node.hooks
    for output_nr, hook in list(hooks.tensor_hooks.values()):
        gradient = arrived.gradients[output_nr]
        if gradient is None:
            continue
        replacement = hook(*to_tensors([gradient]))
        arrived.owned[output_nr] = False
        if replacement is not None:
            arrived.gradients[output_nr] = checked_replacement(gradient, replacement, hook)
    for output_nr, reference in hooks.retained.items():
        tensor, gradient = reference(), arrived.gradients[output_nr]
        if tensor is not None and gradient is not None:
            kept = gradient.clone() if isinstance(gradient, Tensor) else wrap(gradient.copy(), None, 0)
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
