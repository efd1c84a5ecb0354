"""Running a graph: one node after the other, each computed by the function that its kind names.

The functions are those that the plain program calls, so the tensors record the same graph of their own, and gradients
flow through a program as through the code that it was made from. Here is all that a program can do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad import Tensor
from minigrad.jit.graph import Block, Graph, Node, Value
from minigrad.jit.operations import OPERATIONS
from minigrad.jit.plain import ON_LISTS, ON_NUMBERS, in_64_bits, raise_exception

__all__ = ["MOST_ELEMENTS", "MOST_ROUNDS", "compute", "run"]

MOST_ROUNDS = 1_000_000  # of all loops in one call
MOST_ELEMENTS = 2**31  # of one tensor that is made from its sizes
MAKE = ("zeros", "ones", "empty", "rand", "randn", "full", "expand", "broadcast_to", "repeat", "tile", "eye", "one_hot")


def run(graph: Graph, arguments: Sequence[Any]) -> Any:
    """What a program gives for its arguments.

    Raises:
        RuntimeError: its loops go round very often, or it makes a tensor that is very large.
    """
    return Run().block(graph, dict(zip(graph.inputs, arguments)))[0]


class Run:
    """One call of a program: how often its loops have gone round."""

    def __init__(self) -> None:
        self.rounds = 0

    def block(self, block: Block, values: dict[Value, Any]) -> list[Any]:
        """Run the nodes of a block; ``values`` has what was made before, and is given what they make."""
        for node in block.nodes:
            inputs = [values[each] for each in node.inputs]
            outputs = self.node(node, inputs, values)
            for value, output in zip(node.outputs, outputs):
                values[value] = output
        return [values[each] for each in block.outputs]

    def node(self, node: Node, inputs: list[Any], values: dict[Value, Any]) -> Sequence[Any]:
        """What a node makes of its inputs."""
        if node.kind.startswith("aten::"):
            return (compute(node.kind.removeprefix("aten::"), inputs),)
        if node.kind == "prim::If":
            return self.block(node.blocks[0 if inputs[0] else 1], values)
        if node.kind == "prim::Loop":
            return self.loop(node.blocks[0], inputs, values)
        if node.kind == "prim::CallMethod":
            called = inputs[0].graph
            return self.block(called, dict(zip(called.inputs, inputs)))
        return PRIM[node.kind](node, inputs)

    def loop(self, body: Block, inputs: list[Any], values: dict[Value, Any]) -> Sequence[Any]:
        """``prim::Loop``: at most so many rounds, as long as the last gave true; what it carries goes round."""
        count, goes_on, *carried = inputs
        index = 0
        while goes_on and index < count:
            self.rounds += 1
            if self.rounds > MOST_ROUNDS:
                raise RuntimeError(f"the program's loops went round {MOST_ROUNDS} times, which is the most in one call")
            values.update(zip(body.inputs, (index, *carried)))
            goes_on, *carried = self.block(body, values)
            index += 1
        return carried


def compute(name: str, inputs: list[Any]) -> Any:
    """The operation ``name`` of tensors, numbers or lists."""
    if name in ON_LISTS:
        return in_64_bits(ON_LISTS[name][0](*inputs))
    if name in ON_NUMBERS and not any(isinstance(each, (Tensor, type(None))) for each in inputs):
        return in_64_bits(ON_NUMBERS[name](*inputs))
    if name in MAKE:
        check_size(name, inputs)
    return OPERATIONS[name](*inputs)


def check_size(name: str, inputs: list[Any]) -> None:
    """Raise a RuntimeError where the sizes among ``inputs`` are those of a very large tensor."""
    count = 1
    for each in inputs:
        sizes = each if isinstance(each, (list, tuple)) else [each] if type(each) is int else []
        for size in sizes:
            count *= max(int(size), 1)
    if count > MOST_ELEMENTS:
        raise RuntimeError(
            f"aten::{name} would make a tensor of {count} elements: {MOST_ELEMENTS} are the most in a program"
        )


def unpacked(node: Node, inputs: list[Any]) -> Sequence[Any]:
    """The parts of a list. Raise PyTorch's RuntimeError where there are others than the program takes."""
    (values,) = inputs
    count = len(node.outputs)
    if len(values) != count:
        raise RuntimeError(
            f"Expected {count} elements in a list but found {len(values)}: the program takes {count} apart, so give it "
            f"an input that makes as many"
        )
    return tuple(values)


def raised(node: Node, inputs: list[Any]) -> Sequence[Any]:
    """The program's own error."""
    raise_exception(*inputs)
    return ()


PRIM: dict[str, Callable[[Node, list[Any]], Sequence[Any]]] = {
    "prim::Constant": lambda node, inputs: (node.attributes["value"],),
    "prim::GetAttr": lambda node, inputs: (getattr(inputs[0], node.attributes["name"]),),
    "prim::ListConstruct": lambda node, inputs: (list(inputs),),
    "prim::TupleConstruct": lambda node, inputs: (tuple(inputs),),
    "prim::TupleIndex": lambda node, inputs: (inputs[0][inputs[1]],),
    "prim::ListUnpack": unpacked,
    "prim::Uninitialized": lambda node, inputs: (None,),
    "prim::RaiseException": raised,
}
