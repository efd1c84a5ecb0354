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
from minigrad.jit.plain import ON_LISTS, ON_NUMBERS, RAISED, in_64_bits

__all__ = ["MOST_ELEMENTS", "MOST_NODES", "compute", "run"]

MOST_NODES = 10_000_000  # that run in one call
MOST_ELEMENTS = 2**31  # of one tensor
MAKE = ("zeros", "ones", "empty", "rand", "randn", "full", "expand", "broadcast_to", "repeat", "tile", "eye", "one_hot")


def run(graph: Graph, arguments: Sequence[Any]) -> Any:
    """What a program gives for its arguments.

    Raises:
        RuntimeError: it runs very many nodes, or makes a tensor that is very large.
    """
    return Run().block(graph, dict(zip(graph.inputs, arguments)))[0]


class Run:
    """One call of a program.

    Attributes:
        count: how many nodes have run.
        last: of each block that has run, the values that each node is the last to take.
    """

    def __init__(self) -> None:
        self.count = 0
        self.last: dict[Block, dict[Node | None, list[Value]]] = {}

    def block(self, block: Block, values: dict[Value, Any]) -> list[Any]:
        """Run the nodes of a block; ``values`` has what was made before, and is given what they make."""
        if block not in self.last:
            self.last[block] = last_uses(block)
        self.count += 1 + len(block.nodes)
        if self.count > MOST_NODES:
            raise RuntimeError(f"the program has run {MOST_NODES} nodes, which is the most in one call")
        for node in block.nodes:
            inputs = [values[each] for each in node.inputs]
            outputs = self.node(node, inputs, values)
            for value, output in zip(node.outputs, outputs):
                values[value] = output
            self.forget(values, block, node)
        results = [values[each] for each in block.outputs]
        self.forget(values, block, None)
        return results

    def forget(self, values: dict[Value, Any], block: Block, node: Node | None) -> None:
        """Nobody takes some values any more after ``node``, or after the whole block: let their memory go."""
        for value in self.last[block][node]:
            del values[value]

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
            values.update(zip(body.inputs, (index, *carried)))
            goes_on, *carried = self.block(body, values)
            index += 1
        return carried


def last_uses(block: Block) -> dict[Node | None, list[Value]]:
    """For each node the values made in the block that it, or a block in it, is the last to take; None has the rest."""
    last: dict[Value, Node | None] = dict.fromkeys(block.inputs)
    for node in block.nodes:
        inner = [each for within in node.blocks for each in within.all_values()]
        last.update(dict.fromkeys([each for each in (*node.inputs, *inner) if each in last], node))
        last.update(dict.fromkeys(node.outputs, node))
    last.update(dict.fromkeys([each for each in block.outputs if each in last]))
    found: dict[Node | None, list[Value]] = {node: [] for node in (None, *block.nodes)}
    for value, taker in last.items():
        found[taker].append(value)
    return found


def compute(name: str, inputs: list[Any]) -> Any:
    """The operation ``name`` of tensors, numbers or lists."""
    if name in ON_LISTS:
        return in_64_bits(ON_LISTS[name][0](*inputs))
    if name in ON_NUMBERS and not any(isinstance(each, (Tensor, type(None))) for each in inputs):
        return in_64_bits(ON_NUMBERS[name](*inputs))
    if name in MAKE:
        check_size(name, inputs)
    result = OPERATIONS[name](*inputs)
    if isinstance(result, Tensor) and result.array.size > MOST_ELEMENTS:
        raise RuntimeError(f"aten::{name} made a tensor of {result.array.size} elements: {MOST_ELEMENTS} are the most")
    return result


def check_size(name: str, inputs: list[Any]) -> None:
    """Raise a RuntimeError where the sizes among ``inputs`` are those of a very large tensor."""
    count = 1
    for each in inputs:
        sizes = each if isinstance(each, (list, tuple)) else [each] if type(each) is int else []
        for size in sizes:
            count *= max(int(size), 1)
    if count > MOST_ELEMENTS:
        told = f"aten::{name} would make a tensor of {count} elements"
        raise RuntimeError(f"{told}: {MOST_ELEMENTS} are the most in a program")


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
    message, kind = inputs
    raise RAISED[kind](message)


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
