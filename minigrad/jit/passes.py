"""Passes: a graph rewritten into one that does the same with less. Each changes the graph that it is given.

``script`` leaves a graph as the program was written, so that it can be seen what a pass does; PyTorch's applies such
passes at once. None touches what has an effect: an operation that changes a tensor, an error, a call of a module.
"""

from __future__ import annotations

from typing import Any

from minigrad import nn
from minigrad.jit.graph import Block, Graph, Node, Value
from minigrad.jit.operations import has_effect, is_random
from minigrad.jit.running import compute

__all__ = ["constants", "eliminate_common_subexpressions", "eliminate_dead_code", "fold_constants", "inlined"]


def eliminate_dead_code(graph: Block, used: set[Value] | None = None) -> None:
    """Take out every node whose values nobody uses. Counterpart: ``torch._C._jit_pass_dce``."""
    used = {*graph.outputs} if used is None else used
    for node in reversed([*graph.nodes]):
        if acts(node) or not used.isdisjoint(node.outputs):
            used.update(node.inputs)
            for block in node.blocks:
                used.update(block.outputs)
                eliminate_dead_code(block, used)
        else:
            graph.nodes.remove(node)


def fold_constants(graph: Graph, block: Block | None = None) -> None:
    """Compute now what constants alone decide. Counterpart: ``torch._C._jit_pass_constant_propagation``."""
    block = graph if block is None else block
    for node in [*block.nodes]:
        known = constants(graph)
        if is_pure(node, graph) and node.inputs and all(each in known for each in node.inputs):
            value = compute(node.kind.removeprefix("aten::"), [known[each] for each in node.inputs])
            graph.replace_uses(node.output, graph.constant(value, node.source))
            block.nodes.remove(node)
        elif node.kind == "prim::If" and node.inputs[0] in known:
            taken = node.blocks[0 if known[node.inputs[0]] else 1]
            for old, new in zip(node.outputs, taken.outputs):
                graph.replace_uses(old, new)
            place = block.nodes.index(node)
            block.nodes[place : place + 1] = taken.nodes
            fold_constants(graph, block)
            return
        for inner in node.blocks:
            fold_constants(graph, inner)


def eliminate_common_subexpressions(graph: Graph) -> None:
    """Compute once what is computed twice of the same values. Counterpart: ``torch._C._jit_pass_cse``."""
    made: dict[Any, Node] = {}
    for node in [*graph.nodes]:
        key = (node.kind, *node.inputs, *node.attributes.values())
        if node.kind != "prim::GetAttr" and not is_pure(node, graph):
            continue
        if key in made:
            graph.replace_uses(node.output, made[key].output)
            graph.nodes.remove(node)
        else:
            made[key] = node


def acts(node: Node) -> bool:
    """Whether a node does something besides making its values."""
    return has_effect(node.kind) or any(acts(inner) for block in node.blocks for inner in block.nodes)


def is_pure(node: Node, graph: Graph) -> bool:
    """Whether a node's value depends on its inputs alone. Where anything in the graph acts, a tensor or list may have
    been changed meanwhile, and so no value made of one is pure."""
    if not node.kind.startswith("aten::") or is_random(node.kind):
        return False
    tensors = any(value.type not in SAFE for value in (*node.inputs, *node.outputs))
    return not tensors or not any(acts(each) for each in graph.nodes)


SAFE = ("bool", "int", "float", "Scalar", "str", "NoneType", "dtype", "Device")


def constants(graph: Graph) -> dict[Value, Any]:
    """The constants of a graph."""
    return {each.output: each.attributes["value"] for each in graph.nodes if each.kind == "prim::Constant"}


def inlined(graph: Graph, module: nn.Module, frozen: bool = False) -> Graph:
    """A graph in which each call of a module is what the module does.

    ``frozen``: and what modules hold are constants, as they are now.
    """
    result = Graph(graph.name)
    values = {each: result.add_input(each.type, each.name, each.seen) for each in graph.inputs}
    result.defaults = dict(graph.defaults)
    inlining = Inlining(result, frozen)
    inlining.modules[result.inputs[0]] = module
    result.outputs = inlining.copy(graph, result, values)
    return result


class Inlining:
    """One graph while modules are put into it: the module that each value is."""

    def __init__(self, graph: Graph, frozen: bool) -> None:
        self.graph = graph
        self.frozen = frozen
        self.modules: dict[Value, Any] = {}

    def copy(self, block: Block, into: Block, values: dict[Value, Value]) -> list[Value]:
        """Copy the nodes of ``block`` to the end of ``into``; ``values`` tells what stands for each value there."""
        for node in block.nodes:
            if node.kind == "prim::Constant":
                values[node.output] = self.graph.constant(node.attributes["value"], node.source)
                continue
            inputs = [values[each] for each in node.inputs]
            if node.kind == "prim::CallMethod":
                called = self.modules[inputs[0]].graph
                (values[node.output],) = self.copy(called, into, dict(zip(called.inputs, inputs)))
                continue
            if node.kind == "prim::GetAttr":
                found = getattr(self.modules[inputs[0]], node.attributes["name"])
                if self.frozen and not isinstance(found, nn.Module):
                    values[node.output] = self.graph.constant(found)
                    continue
            made = Node(node.kind, inputs, [], node.source, **node.attributes)
            made.scope = node.scope
            for value in node.outputs:
                values[value] = Value(value.type, value.name, value.seen)
                made.outputs.append(values[value])
            if node.kind == "prim::GetAttr" and isinstance(found, nn.Module):
                self.modules[made.output] = found
            into.append(made)
            for inner in node.blocks:
                copied = Block()
                copied.inputs = [Value(each.type, each.name) for each in inner.inputs]
                made.blocks.append(copied)
                values.update(zip(inner.inputs, copied.inputs))
                copied.outputs = self.copy(inner, copied, values)
        return [values[each] for each in block.outputs]
