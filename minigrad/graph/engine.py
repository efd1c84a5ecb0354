"""The engine: the one loop that walks a graph backward.

The chain rule, node by node. The node made last runs first: whatever uses a result was made after it, so when a node's
turn comes, every gradient that flows into it has arrived. Its rule turns them into one gradient an input, and each is
sent to the node that made this input, where those of several paths are summed (``accumulation.py`` says why). At a
leaf the sum is added to ``leaf.grad``.

What somebody watches goes by :meth:`Walk.run_watched` in ``watching.py``: a node with hooks, one whose gradient is
asked for, every node while anomalies are detected. Nobody but a leaf waits for the gradient of a convolution's weight:
its rule may give a :class:`Future`, which another thread computes while the walk goes on.

Nothing here recurses, so a chain of a million operations is fine. The nodes are in ``node.py`` and ``function.py``; the
rules, one an operation, are in ``minigrad/ops``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.graph import anomaly
from minigrad.graph.accumulation import ALONE, Accumulating, Arrived, add_to, add_to_grad, fitted, one_of, own_memory
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import AccumulateGrad, Edge
from minigrad.graph.watching import Walk, checked_count
from minigrad.out_of_memory import is_users, out_of_memory

__all__ = ["walk_backward"]


def walk_backward(
    arrived: Arrived,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Sequence[Edge] | None = None,
    accumulate: bool = True,
    walk: Walk | None = None,
) -> Any:
    """:func:`run_backward`; whatever ends it, what it switched is then as it was before.

    ``walk`` is given by who steps through it: its ``order`` is then the part of the nodes that is to run now.

    Python looks for Ctrl-C also where a loop begins again, which need not count as part of the ``try`` around the loop.
    A call does: so the loop is in a function of its own.
    """
    outside = grad_mode.enabled, grad_mode.walk
    try:
        return run_backward(walk or Walk(), arrived, retain_graph, create_graph, inputs, accumulate)
    except MemoryError as error:
        if is_users(error):
            raise
        raise out_of_memory(error) from error
    finally:
        walk = grad_mode.walk
        grad_mode.enabled, grad_mode.walk = outside
        if walk is not None and walk.unfinished:
            walk.finish()  # after an error too: these leaves were reached before it


def run_backward(
    walk: Walk,
    arrived: Arrived,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Sequence[Edge] | None,
    accumulate: bool,
) -> Any:
    """Walk from the nodes in ``arrived``, with the gradients given there, to the leaves; with ``inputs``, only towards
    these edges.

    Gradients travel as arrays; with ``create_graph`` as tensors, so that what the rules compute is recorded too.
    What nodes saved is freed, unless ``retain_graph``, or without it ``create_graph``, says otherwise. With
    ``accumulate`` False leaves keep their ``.grad`` as it is. Returns what arrived at each of ``inputs``, or None.
    """
    walk.order = walk.order or in_order(arrived)
    if inputs is not None or anomaly.enabled:
        walk.watch(inputs, accumulate)
    retain_graph = create_graph if retain_graph is None else retain_graph
    grad_mode.enabled, grad_mode.walk, grad_mode.walked = create_graph, walk, True
    for node in walk.order:
        incoming = arrived.pop(node, None)  # dL/d(each output)
        if walk.watched or incoming is None or not node.plain:
            outgoing = walk.run_watched(node, incoming)
            if outgoing is None:  # its rule did not run
                continue
        elif type(node) is AccumulateGrad:
            run_leaf(node, incoming[0])
            continue
        else:
            outgoing = node.backward(incoming[0])  # the rule: from dL/d(output) to dL/d(each input)
        if type(outgoing) is not tuple:
            outgoing = (outgoing,)
        if len(outgoing) != len(node.edges):
            outgoing = checked_count(node, outgoing)
        for (target, output_nr, _), grad in zip(node.edges, outgoing):
            if target is None or grad is None:
                continue
            shape, kind = target.outputs[output_nr]
            if grad.shape != shape or grad.dtype is not kind:
                grad = fitted(grad, (target, output_nr), node, outgoing)
            if target in arrived:  # two paths lead from there to the result: two terms
                add_to(arrived[target], output_nr, grad)
            else:
                arrived[target] = [grad] if len(target.outputs) == 1 else one_of(target, output_nr, grad)
        outgoing = grad = None  # let go: a leaf keeps an array that nobody else holds
        if not retain_graph:
            node.free()
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
        for next_node, _, _ in node.edges:
            if type(next_node) is not AccumulateGrad:
                if next_node is not None:
                    found.append(next_node)
            elif turn.get(next_node, number) >= number - 0.5:
                turn.pop(next_node, None)  # of leaves with the same last user, the one that it uses last comes last
                turn[next_node] = number - 0.5
    return sorted(turn, key=turn.__getitem__, reverse=True)


def run_leaf(node: AccumulateGrad, gradient: Any) -> None:
    """Add what arrived at a leaf to its ``.grad``; what arrives first becomes it."""
    leaf = node.variable
    if leaf._hooks is not None or node.around is not None:
        return grad_mode.walk.run_watched_leaf(node, [gradient])
    with Accumulating.lock:
        if leaf._grad is not None or gradient.dtype is not leaf.array.dtype or leaf._strided or not leaf._requires_grad:
            return add_to_grad(node, gradient)
        gradient = np.asarray(gradient)  # NumPy makes numbers of zero-dimensional arrays
        if sys.getrefcount(gradient) > ALONE or gradient.base is not None:
            gradient = own_memory(gradient)
        leaf._grad = wrap(gradient)
        leaf._accumulations += 1
