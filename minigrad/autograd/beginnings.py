"""Where a gradient of zeros, or one with NaN or infinity, began: found by running the rules once more, watched.

The engine walks once more, with a hook around every node that notes what arrived and what was sent. From the tensor
up, the node that received something sound and sent something else is where it began. The user's hooks are left out, no
``.grad`` is touched, nothing is freed. ``explain.py`` asks this.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.dtypes import FLOATS
from minigrad.graph import anomaly
from minigrad.graph.accumulation import one_of
from minigrad.graph.describing import line_of
from minigrad.graph.engine import in_order, walk_backward
from minigrad.graph.function import Function
from minigrad.graph.hooks import NodeHooks
from minigrad.graph.node import AccumulateGrad, Edge, Node

__all__ = ["BROKEN", "ZEROS", "is_broken", "is_freed", "is_zero", "name_and_line", "nodes_between", "reason", "stem"]
__all__ += ["users_of", "where_it_began"]

DEAD = (
    "has no input above 0 where a gradient arrives, and the slope there is 0: a dead ReLU. Lower the learning rate, or "
    "use leaky_relu"
)
SATURATED = "is saturated: its input is so large that the slope rounds to 0. Scale the input or the weights down"
SOFTMAX = (
    "is saturated (one output is 1 and the rest 0), or got the same gradient at all of its outputs, whose sum is "
    "always 1. Scale its input down, and use cross_entropy on the scores as they are"
)
CLAMPED = "has its input outside of the bounds wherever a gradient arrives, where the slope is 0. Widen the bounds"
MASKED = "took none of it wherever a gradient arrives: the mask or the comparison chose otherwise. Look at the mask"
FLAT = "is flat: its slope is 0 wherever it has one, so nothing in front of it can learn from it. Leave it out"
ZEROED = "overwrote all of it. Write elsewhere, or use an operation that gives a new tensor"
MATRIX = "multiplied by a matrix of zeros. Look at how the weights begin, and whether the input is all 0"
# Of the nodes that can make zeros of a gradient, what they did, and what to do.
ZEROS = {
    **dict.fromkeys(("Relu", "Threshold"), DEAD),
    **dict.fromkeys(("Sigmoid", "Tanh", "Erf", "LogSigmoid", "Softplus", "Elu", "Gelu", "Silu", "Mish"), SATURATED),
    **dict.fromkeys(("Softmax", "LogSoftmax"), SOFTMAX),
    **dict.fromkeys(("Clamp", "ClampMin", "ClampMax", "Hardtanh", "Hardsigmoid", "Hardswish"), CLAMPED),
    **dict.fromkeys(("Where", "MaskedFill", "MaskedSelect", "Maximum", "Minimum", "Tril", "Triu"), MASKED),
    **dict.fromkeys(("Round", "Floor", "Ceil", "Trunc", "Sign", "Sgn"), FLAT),
    **dict.fromkeys(("Fill", "Zero", "torch::autograd::CopySlices"), ZEROED),
    **dict.fromkeys(("Mm", "Mv", "Bmm", "Addmm", "Baddbmm", "Dot", "Convolution"), MATRIX),
    "Mul": "multiplied by 0, or by what makes 0 of it, wherever a gradient arrives. Look at that factor",
    "Pow": "has the slope 0: of a power above 1 at 0, and of the power 0 anywhere. Begin elsewhere",
    "Exp": "gave 0: its input is so far below 0 that the result underflows. Scale the input",
    "NllLoss": "counts no target: every one is ignored, or weighs 0. Look at the targets",
    "Abs": "has the slope 0 at 0. Begin elsewhere",
}
AT_ZERO = "has an infinite slope at 0, and its input is 0. Keep it above 0: add a small number, or clamp(min=1e-8)"
LOG = "divides by its input, which is 0 (log of 0). Keep it above 0: clamp(min=1e-8), or use log_softmax"
NORM = "has no slope at 0. Add a small number under the root"
SPREAD = "has no slope where all elements are equal. Use the variance, with a small number added under the root"
OVERFLOW = "overflowed: its input is too large for the type. Subtract the maximum first, as softmax and logsumexp do"
INSIDE = "has an infinite slope where its range ends. Clamp its input to lie inside"
# Of the nodes that can make NaN or infinity of a sound gradient.
BROKEN = {
    **dict.fromkeys(("Log", "Log2", "Log10", "Xlogy"), LOG),
    **dict.fromkeys(("Sqrt", "Rsqrt", "Reciprocal"), AT_ZERO),
    **dict.fromkeys(("Exp", "Exp2", "Expm1", "Sinh", "Cosh"), OVERFLOW),
    **dict.fromkeys(("Asin", "Acos", "Acosh", "Atanh", "Log1P"), INSIDE),
    **dict.fromkeys(("Std", "StdMean"), SPREAD),
    "LinalgVectorNorm": NORM,
    "Div": "divides by 0 (0/0 is NaN). Add a small number to the divisor; a where() behind it comes too late",
    "Pow": "has no finite slope at 0 for such a power, or overflowed. Keep its input above 0",
    "Mul": "multiplied by NaN or infinity, or the product overflowed. Look at its factors",
}


def is_zero(gradient: Any) -> bool:
    """True for zeros alone."""
    return gradient.size > 0 and not gradient.any()


def is_broken(gradient: Any) -> bool:
    """True where an element is NaN or infinite."""
    return not np.isfinite(gradient).all()


def is_freed(order: Iterable[Node]) -> bool:
    """True if a backward pass has let go of what one of the nodes saved."""
    return any(getattr(node, "_saved", ()) is None for node in order)


def users_of(node: Node) -> list[Node]:
    """The living nodes that lead to ``node``, by one step or several, those made last first."""
    users: dict[int, list[Node]] = {}
    for each in gc.get_objects():
        if issubclass(type(each), Node):  # not isinstance, which asks objects of anybody's for their class
            for target, _, _ in getattr(each, "edges", ()):
                if target is not None:
                    users.setdefault(id(target), []).append(each)
    found: dict[Node, None] = {}
    waiting = [node]
    for target in waiting:
        new = [user for user in users.get(id(target), ()) if user not in found]
        found.update(dict.fromkeys(new))
        waiting += new
    return sorted(found, key=lambda each: each.sequence_number, reverse=True)


def nodes_between(tensor: Edge, root: Edge) -> list[Any]:
    """The nodes by which a gradient comes from ``root`` to ``tensor``, in the engine's order, that one the last."""
    order = in_order({root[0]: []})
    leading = {tensor[0]}
    for node in reversed(order):  # what a node points at comes after it
        if any(target in leading for target, _, _ in node.edges):
            leading.add(node)
    return [node for node in order if node in leading]


Flags = list[Any]  # of several gradients: whether each is bad; None where there is none


class Passed(dict[Any, tuple[Flags, Flags]]):
    """Of each node that ran, what arrived and what it sent. Filled by hooks that stand in for the user's."""

    def __init__(self, bad: Callable[[Any], bool]) -> None:
        self.bad = bad

    def hooks_of(self, node: Node) -> NodeHooks:
        hooks = NodeHooks()
        hooks.hooks[0] = functools.partial(self.note, node)
        return hooks

    def note(self, node: Node, sent: Any, arrived: Any) -> None:
        flags = [[None if each is None else self.bad(each.array) for each in one] for one in (arrived, sent)]
        self[node] = flags[0], flags[1]


def walk_again(tensor: Edge, root: Edge, path: list[Any], passed: Passed) -> Any:
    """The gradient at ``tensor`` where that at ``root`` is one everywhere, without the user's hooks; what passes along
    ``path`` is noted in ``passed``.
    """
    outside: list[tuple[Any, str, Any]] = [(anomaly, "enabled", anomaly.enabled)]
    inside: list[tuple[Any, str, Any]] = [(anomaly, "enabled", False)]
    for node in path:
        is_leaf = isinstance(node, AccumulateGrad)
        owner, name = (node.variable, "_hooks") if is_leaf else (node, "hooks")
        outside.append((owner, name, getattr(owner, name)))
        inside.append((owner, name, None if is_leaf else passed.hooks_of(node)))
    start = {root[0]: one_of(*root, np.ones(*root[0].outputs[root[1]]))}
    try:
        set_all(inside)
        return walk_backward(start, True, False, [tensor], accumulate=False)[tensor]
    finally:
        set_all(outside)


def set_all(attributes: list[tuple[Any, str, Any]]) -> None:
    for owner, name, value in attributes:
        setattr(owner, name, value)


def where_it_began(tensor: Edge, root: Edge, bad: Callable[[Any], bool]) -> str | None:
    """The node at which the gradient at ``tensor``, seen from ``root``, first is ``bad``, and why; "" where this run of
    the rules makes it a sound one, None where it makes none.

    Raises:
        RuntimeError: as a backward pass: what a node saved was changed since.
    """
    passed = Passed(bad)
    gradient = walk_again(tensor, root, nodes_between(tensor, root), passed)
    if gradient is None:
        return None
    if not bad(np.asarray(gradient)):
        return ""
    sources: dict[Edge, list[tuple[Node, bool]]] = {}  # of each place: who sent a gradient there, and whether a bad one
    for node, (_, sent) in passed.items():
        for (target, output_nr, _), is_bad in zip(node.edges, sent):
            if target is not None and is_bad is not None:
                sources.setdefault((target, output_nr), []).append((node, is_bad))
    found: dict[Node, None] = {}  # who made a bad one of sound ones
    sound: dict[Node, None] = {}  # whose sound ones add up to a bad one
    waiting = {tensor: None}
    for place in (places := list(waiting)):
        for node, is_bad in sources.get(place, ()):
            arrived = passed[node][0]
            worse = [(node, number) for number, each in enumerate(arrived) if each]
            if not is_bad:
                sound[node] = None
            elif worse and (bad is is_broken or False not in arrived):
                places += [each for each in worse if each not in waiting]
                waiting.update(dict.fromkeys(worse))
            else:
                found[node] = None
    if found:
        first = next((each for each in found if bad is is_zero or broken_input(each) is None), next(iter(found)))
        return f"It began at {name_and_line(first)}, which {reason(first, bad)}."
    names = " and ".join(dict.fromkeys(name_and_line(each) for each in sound))
    return f"It began where several paths meet: what comes from {names} cancels out."


def name_and_line(node: Node) -> str:
    """The node's name, and where forward made it."""
    line = line_of(node)
    return f"{node.name()} ({line})" if line else node.name()


def broken_input(node: Any) -> Any:
    """Who made a value with NaN or infinity that ``node`` works with: a node, or "a leaf" or "an input"; None where
    there is no such value.
    """
    for value, origin in zip(getattr(node, "_saved", ()), node.origins()):
        if isinstance(value, np.ndarray) and value.dtype.kind in FLOATS and is_broken(value) and origin is not None:
            maker = origin[0][0]
            if isinstance(maker, AccumulateGrad):
                return "a leaf"
            if maker is None or isinstance(maker, Function):
                return "an input" if maker is None else maker
    return None


def reason(node: Any, bad: Callable[[Any], bool]) -> str:
    """What such a node does to a gradient, and what to do about it."""
    if bad is is_zero:
        return ZEROS.get(stem(node), "has the slope 0 at these values")
    source = broken_input(node)
    if source is None:
        return BROKEN.get(stem(node), "makes NaN or infinity of it")
    while isinstance(source, Function):
        maker, source = source, broken_input(source)
    if source is None:
        return (
            f"works with NaN or infinity of forward: the result of {name_and_line(maker)}, which got none. Look there"
        )
    return f"works with NaN or infinity of forward: {source} has it already. Look at where that comes from"


def stem(node: Node) -> str:
    """The beginning of the node's name, under which the tables tell of it."""
    return node.name().partition("Backward")[0]
