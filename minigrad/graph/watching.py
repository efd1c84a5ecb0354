"""What somebody watches in a walk: hooks, gradients that were asked for, anomalies, nodes with several outputs.

The loop in ``engine.py`` runs plain nodes itself and leaves the others to :meth:`Walk.run_watched`, which does the
same with everything that may be around it, in PyTorch's order. What is registered is in ``hooks.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.dtypes import from_numpy_dtype
from minigrad.graph import anomaly
from minigrad.graph.accumulation import Accumulating, add_to_grad, begin_grad, fitted, results
from minigrad.graph.describing import saved_by_name
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import AccumulateGrad, Edge, Node, Tensor, unwrap

__all__ = ["Observer", "Walk", "call_rule", "checked_count", "to_arrays", "to_tensors", "wrapped"]


class Observer:
    """Who observes every walk, in all threads, from :meth:`begin` to :meth:`end`."""

    def begin(self) -> None:
        """Observe what runs from now on: meanwhile no node runs in the engine's loop itself."""
        Walk.observers = (*Walk.observers, self)
        Walk.watched = True

    def end(self) -> None:
        """Observe no more."""
        Walk.observers = tuple([each for each in Walk.observers if each is not self])
        Walk.watched = bool(Walk.observers)

    def stops_before(self, node: Any, arrived: Sequence[Any]) -> bool:
        """Whether a debugger is to stop before ``node`` runs with what ``arrived``."""
        return False

    def after(self, node: Any, arrived: Sequence[Any], outgoing: Sequence[Any]) -> None:
        """``node`` has run, and gave ``outgoing``: one gradient an input; of a leaf's node, none."""


class Walk:
    """One backward pass: the nodes in their order, and what is watched.

    Attributes:
        order: the nodes; empty before they are found.
        watched: True: :meth:`run_watched` runs the plain nodes too.
        captured: for each edge that was asked for, what arrived there (None where nothing did); as in PyTorch, before
            the hooks of its tensor where the walk goes on from there, after them where it ends.
        passages: the nodes that lead to what was asked for, and for each whether its rule has to run: it has not where
            the gradient that enters the node was asked for, and none beyond it. None for a root that leads to nothing
            asked for: only its tensor's hooks are called. No dictionary where nothing was asked for.
        accumulate: whether leaves' ``.grad`` is set.
        unfinished: leaves whose gradient another thread computes.
        observers: the class's: those who observe every walk.
        reached: the nodes, to be looked up quickly, once :meth:`will_run` has asked.
    """

    order: Sequence[Any] = ()
    watched = False
    captured: dict[Edge, Any] | None = None
    passages: dict[Any, bool | None] | None = None
    accumulate = True
    unfinished: tuple[tuple[AccumulateGrad, Any], ...] = ()
    reached: frozenset[Any] | None = None
    observers: tuple[Observer, ...] = ()

    def __repr__(self) -> str:
        order = getattr(self, "order", [])
        begins = f", first {order[0]!r}" if order else ""
        return f"<Walk over {len(order)} nodes{' that are watched' if self.watched else ''}{begins}>"

    def watch(self, inputs: Sequence[Edge] | None, accumulate: bool) -> None:
        """See to what is asked for: the gradients at ``inputs`` and no others, or anomalies."""
        self.watched = True
        self.accumulate = accumulate
        if inputs is None:
            return
        self.captured = dict.fromkeys(inputs)
        self.passages = {**passages_to({node for node, _ in inputs}, self.order)}
        roots = set(self.order).difference([target for node in self.order for target, _, _ in node.edges])
        if len(roots) == 1:  # as in PyTorch, not where there are several
            self.passages.setdefault(roots.pop(), None)
        self.order = [node for node in self.order if node in self.passages]

    def will_run(self, node: Any) -> bool:
        """True if this walk comes to ``node``.

        Raises:
            RuntimeError: ``node`` is that of a leaf which ``autograd.grad`` was asked for: it has no answer.
        """
        if self.passages is None:
            if self.reached is None:
                self.reached = frozenset(self.order)
            return node in self.reached
        comes = self.passages.get(node) is not None
        if comes and isinstance(node, AccumulateGrad) and not self.accumulate:
            raise RuntimeError(
                "A leaf's node has no gradient to accumulate while autograd.grad() runs: whether it will run is "
                "not answered there. This is currently not supported, as in PyTorch."
            )
        return comes

    def run_watched(self, node: Any, incoming: list[Any] | None) -> Any:
        """Run ``node`` with everything that may be around it, in PyTorch's order. What it sends on; None where it did
        not run, and what it saved is still wanted.

        Hooks are called with None where no gradient arrived."""
        gradients = [None] * len(node.outputs) if incoming is None else changeable(incoming)
        if isinstance(node, AccumulateGrad):
            self.run_watched_leaf(node, gradients)
            return None
        goes_on = self.passages is None or bool(self.passages[node])
        if node.hooks is not None or node.receives_tensors:
            self.finish()  # a function of the user's is going to run
        if goes_on:
            self.capture(node, gradients)
        if node.hooks is not None:
            call_hooks_of_tensor(node, gradients)
        if not goes_on:
            self.capture(node, gradients)
            if not self.runs(node):
                return None
        run = run_for_anomalies if anomaly.enabled else run_with_hooks
        return run(node, gradients, goes_on)

    def run_watched_leaf(self, node: AccumulateGrad, incoming: list[Any]) -> None:
        """Add what arrived at a leaf to its ``.grad``, with everything that may be around it, in PyTorch's order."""
        incoming = changeable(results(incoming))
        around, of_leaf = node.around, node.hooks
        if of_leaf is not None or around is not None:
            self.finish()
        if of_leaf is not None:
            call_hooks_of_tensor(node, incoming)
        self.capture(node, incoming)
        if not self.runs(node):
            return
        if around is not None and around.prehooks:
            incoming = list(call_hooks(around.prehooks, incoming))
        if incoming[0] is not None:
            begin_grad(node)
            if self.observers:
                accumulate_observed(node, incoming)
            else:
                with Accumulating.lock:
                    add_to_grad(node, incoming[0])
        if of_leaf is not None:
            for hook in list(of_leaf.post_accumulate.values()):
                given = hook(node.variable)
                if given is not None and given is not node.variable:
                    raise RuntimeError("Tensor post accumulate grad hooks should return None.")
        if around is not None and around.hooks:
            call_hooks(around.hooks, (), incoming)

    def runs(self, node: Node) -> bool:
        """False for a node at which the walk ends without running it."""
        return self.accumulate and (self.passages is None or self.passages[node] is not None)

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
            with Accumulating.lock:
                if node.variable._grad is None and node.variable._requires_grad:
                    node.variable._grad = wrap(gradient)  # the future's value is nobody else's
                    node.variable._accumulations += 1
                else:
                    add_to_grad(node, gradient)


def passages_to(asked: Collection[Any], order: Sequence[Any]) -> dict[Any, bool]:
    """The nodes of ``order``, that of a walk, which are ``asked`` for or lead to one that is; of each whether its rule
    has to run, as it has where it leads further.
    """
    passages = {node: False for node in order if node in asked}
    for node in reversed(order):  # what a node points at comes after it
        for next_node, _, _ in node.edges:
            if next_node in passages:
                passages[node] = True
    return passages


def changeable(gradients: Sequence[Any]) -> list[Any]:
    """``gradients`` as hooks may change them in place: NumPy makes numbers of zero-dimensional arrays."""
    return [np.asarray(each) if isinstance(each, np.generic) else each for each in gradients]


def run_with_hooks(node: Any, gradients: Sequence[Any], goes_on: bool) -> Any:
    """Run the node's rule between its hooks.

    A rule of minigrad's does not run where nothing arrived, or where the walk does not go on: but what it saved must
    be there.
    """
    hooks = node.hooks
    if hooks is not None and hooks.prehooks:
        gradients = call_hooks(hooks.prehooks, gradients)
    if node.receives_tensors or (goes_on and any(gradient is not None for gradient in gradients)):
        outgoing = run_observed(node, gradients) if Walk.observers else node.call_rule(gradients)
    else:
        node.check_saved()
        outgoing = (None,) * len(node.edges)
    if hooks is not None and hooks.hooks:
        return tuple(call_hooks(hooks.hooks, fitted_to_inputs(node, outgoing), gradients))
    return outgoing


def run_observed(node: Any, gradients: Sequence[Any]) -> Any:
    """:meth:`Function.call_rule` where walks are observed. Who stops here sees the node, what arrived and what it
    saved, and steps into the rule.
    """
    rule = node.rule_of_node()
    arrived = node.for_rule(gradients)
    saved = saved_by_name(node)  # noqa: F841  (to be seen)
    if True in [each.stops_before(node, arrived) for each in Walk.observers]:
        breakpoint()
    outgoing = rule(*arrived)
    outgoing = node.from_rule(outgoing)
    for observer in Walk.observers:
        observer.after(node, arrived, outgoing)
    return outgoing


def accumulate_observed(node: AccumulateGrad, arrived: Sequence[Any]) -> None:
    """Add what ``arrived`` at a leaf to its ``.grad`` where walks are observed. Who stops here sees the leaf."""
    leaf = node.variable  # noqa: F841  (to be seen)
    if True in [each.stops_before(node, arrived) for each in Walk.observers]:
        breakpoint()
    with Accumulating.lock:
        add_to_grad(node, arrived[0])
    for observer in Walk.observers:
        observer.after(node, arrived, ())


def call_rule(node: Any, gradients: Sequence[Any]) -> list[Any]:
    """What ``node``'s rule makes of ``gradients``, fitted to its inputs."""
    return fitted_to_inputs(node, node.call_rule(gradients))


def fitted_to_inputs(node: Any, outgoing: tuple[Any, ...]) -> list[Any]:
    """What ``node``'s rule gave, as it is for those who see it: fitted, and waited for.

    For an input without a gradient that is None, but what a user's rule gave.
    """
    complete: list[Any] = []
    gradients = results(checked_count(node, outgoing))
    for (target, output_nr, _), gradient in zip(node.edges, gradients):
        if target is None:
            complete.append(gradient if node.receives_tensors else None)
        elif gradient is None:
            complete.append(None)
        else:
            complete.append(fitted(gradient, (target, output_nr), node, gradients))
    return complete


def checked_count(node: Node, outgoing: tuple[Any, ...], inputs: Sequence[Any] | None = None) -> tuple[Any, ...]:
    """What ``node``'s rule gave, without surplus ones that are None: one for each of its edges, or of ``inputs``.

    Raises:
        RuntimeError: there are fewer than inputs, or more that are not None.
    """
    wanted = len(node.edges if inputs is None else inputs)
    if len(outgoing) < wanted or any(each is not None for each in outgoing[wanted:]):
        raise RuntimeError(
            f"function {node.name()} returned an incorrect number of gradients (expected {wanted}, got {len(outgoing)})"
        )
    return outgoing[:wanted]


def run_for_anomalies(node: Any, gradients: Sequence[Any], goes_on: bool) -> Any:
    """:func:`run_with_hooks` while anomalies are detected: an error, or a NaN, names the line that made the node.

    Raises:
        RuntimeError: a gradient is NaN.
    """
    outer, anomaly.running.node = anomaly.running.node, node
    try:
        outgoing = fitted_to_inputs(node, run_with_hooks(node, gradients, goes_on))
        anomaly.check_nan(node, outgoing)
    except Exception:
        anomaly.tell_origin(node)
        raise
    finally:
        anomaly.running.node = outer
    return tuple(outgoing)


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
    """Show each gradient, None where none arrived, to its tensor's hooks in the order of registration, then keep it if
    asked to.
    """
    hooks = node.hooks
    for output_nr, hook in list(hooks.tensor_hooks.values()):
        gradient = gradients[output_nr]
        replacement = hook(wrapped(gradient))
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
        RuntimeError: there was no gradient, or the replacement has another shape or type.
    """
    name = repr(getattr(hook, "__name__", type(hook).__name__))
    if gradient is None:
        raise RuntimeError(f"hook {name}: can't replace a None gradient with a non-None value")
    if not isinstance(replacement, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(replacement).__name__}'")
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
    pairs = zip(gradients, replacement)
    return [None if new is None else checked_replacement(gradient, new, hook) for gradient, new in pairs]


def call_hooks(hooks: dict[int, Any], values: Sequence[Any], *others: Sequence[Any]) -> Sequence[Any]:
    """Show ``values``, and ``others`` beside them, to a node's hooks; a hook may return a tuple to use instead."""
    for hook in list(hooks.values()):
        replacement = hook(*[tuple(to_tensors(each)) for each in (values, *others)])
        if replacement is not None:
            values = checked_replacements(values, replacement, hook)
    return values
