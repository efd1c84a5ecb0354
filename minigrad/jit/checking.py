"""What is asked of each node of a program from a file: that it is one which ``script`` or ``trace`` could have made.

Every operation is in the table, takes what it is given and makes the type that it says; attributes are those of the
module that the graph belongs to; a module calls modules that are in it, and never itself; the blocks of an ``if`` and
of a loop give what their node says.
"""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

from minigrad.jit.graph import Block, Graph, Node, Value
from minigrad.jit.operations import result_type
from minigrad.jit.plain import RAISED
from minigrad.jit.program import ScriptModule, fits
from minigrad.jit.types import element_of, is_type, joined, parts_of, type_of

__all__ = ["Scope", "need"]


def need(condition: bool, told: str) -> None:
    """Raise an UnpicklingError where a file is not as it has to be."""
    if not condition:
        raise UnpicklingError(told)


class Scope:
    """What is known of a graph's values: which are modules, and which constants."""

    def __init__(self, module: ScriptModule | None, where: str) -> None:
        self.module = module
        self.where = where
        self.modules: dict[Value, ScriptModule] = {}
        self.constants: dict[Value, Any] = {}

    def need(self, condition: bool, told: str) -> None:
        """:func:`need`, which says first what graph it is."""
        need(condition, f"{self.where}: {told}")

    def begin(self, graph: Block) -> None:
        """The graph's inputs: a module's begin with itself."""
        inputs = list(graph.inputs)
        if self.module is not None:
            need(bool(inputs), f"{self.where} of a module does not begin with it")
            self.modules[inputs.pop(0)] = self.module
        need(all(is_type(each.type) for each in inputs), f"{self.where} takes something of an unknown type")
        need(len({each.name for each in inputs}) == len(inputs), f"{self.where} takes two things of one name")

    def check_graph(self, graph: Graph) -> None:
        """The whole graph gives one value, and defaults are of the right type."""
        need(len(graph.outputs) == 1 and graph.outputs[0] not in self.modules, f"{self.where} does not give one value")
        types = {each.name: each.type for each in graph.inputs}
        for name, value in graph.defaults.items():
            self.need(fits(types[name], value), f"the default of {name:.40} is of another type")

    def check(self, node: Node) -> None:
        """Raise an UnpicklingError unless ``node`` is sound; its inputs are."""
        name = node.kind.partition("::")[2]
        method = getattr(self, f"check_{name}", None) if node.kind.startswith("prim::") else None
        if method is None and not node.kind.startswith("aten::"):
            raise UnpicklingError(f"{self.where}: {node.kind:.60} is no operation of programs")
        taken = [each.type for each in node.inputs if each not in self.modules]
        self.need(len(taken) == len(node.inputs) or name in ("GetAttr", "CallMethod"), "a module is no value")
        self.need(not node.blocks or name in ("If", "Loop"), f"{node.kind:.60} has blocks")
        needs = {"Constant": ["value"], "GetAttr": ["name"], "CallMethod": ["name"]}.get(name if method else "", [])
        self.need(list(node.attributes) == needs, f"{node.kind:.60} has other attributes than {needs}")
        try:
            types = [result_type(name, taken)] if method is None else method(node, taken)
        except (TypeError, IndexError) as error:
            raise UnpicklingError(f"{self.where}: {str(error)[:200]}") from None
        given = [each.type for each in node.outputs]
        self.need(types == given, f"{node.kind:.60} makes {types}, and not {given!s:.200}")

    def check_Constant(self, node: Node, taken: list[str]) -> list[str]:
        value = node.attributes["value"]
        self.need(not taken, "a constant takes nothing")
        for output in node.outputs:
            self.constants[output] = value
        return [type_of(value)]

    def check_GetAttr(self, node: Node, taken: list[str]) -> list[str]:
        name, owner = node.attributes["name"], self.modules.get(node.inputs[0]) if len(node.inputs) == 1 else None
        self.need(owner is not None and type(name) is str, "prim::GetAttr is of no module")
        assert owner is not None
        if name == "training":
            return ["bool"]
        child = owner._modules.get(name)
        if isinstance(child, ScriptModule):
            self.modules.update(dict.fromkeys(node.outputs, child))
            return [child.original_name]
        there = owner._parameters.get(name) is not None or owner._buffers.get(name) is not None
        self.need(there, f"{owner.original_name:.40} has no {name!r:.40}")
        return ["Tensor"]

    def check_CallMethod(self, node: Node, taken: list[str]) -> list[str]:
        called = self.modules.get(node.inputs[0]) if node.inputs else None
        sound = called is not None and called._graph is not None  # its own is not there yet: no module calls itself
        need(sound and node.attributes["name"] == "forward", f"{self.where} calls what is not in it, or has no graph")
        assert called is not None
        wanted = [each.type for each in called.graph.inputs[1:]]
        fit = len(wanted) == len(taken) and all(joined(*pair) == pair[1] for pair in zip(taken, wanted))
        self.need(fit, f"{called.original_name:.40} takes {wanted}, and is given {taken!s:.200}")
        return [called.graph.outputs[0].type]

    def check_If(self, node: Node, taken: list[str]) -> list[str]:
        self.need(taken == ["bool"] and len(node.blocks) == 2, "prim::If is of one bool and two blocks")
        one, other = node.blocks
        sound = not one.inputs and not other.inputs and len(one.outputs) == len(other.outputs)
        self.need(sound, "the blocks of prim::If do not give the same")
        types = [joined(left.type, right.type) for left, right in zip(one.outputs, other.outputs)]
        self.need(None not in types, "the blocks of prim::If give different types")
        return [each for each in types if each is not None]

    def check_Loop(self, node: Node, taken: list[str]) -> list[str]:
        self.need(taken[:2] == ["int", "bool"] and len(node.blocks) == 1, "prim::Loop is of int, bool and a block")
        (block,) = node.blocks
        carried = [each.type for each in block.inputs[1:]]
        sound = [each.type for each in (*block.inputs[:1], *block.outputs[:1])] == ["int", "bool"]
        pairs = [*zip(taken[2:], carried), *zip([each.type for each in block.outputs[1:]], carried)]
        whole = len(taken) - 2 == len(carried) == len(block.outputs) - 1
        self.need(sound and whole, "the block of prim::Loop does not take what it gives")
        self.need(all(joined(*pair) == pair[1] for pair in pairs), "prim::Loop carries values of changing types")
        self.need(all(is_type(each) for each in carried), "prim::Loop carries something of an unknown type")
        return carried

    def check_ListConstruct(self, node: Node, taken: list[str]) -> list[str]:
        kind = node.outputs[0].type if node.outputs else ""
        sound = is_type(kind) and kind.endswith("[]") and all(each == element_of(kind) for each in taken)
        self.need(sound, f"a list of {taken!s:.200} is no {kind:.60}")
        return [kind]

    def check_TupleConstruct(self, node: Node, taken: list[str]) -> list[str]:
        return [f"({', '.join(taken)})"]

    def check_TupleIndex(self, node: Node, taken: list[str]) -> list[str]:
        self.need(len(taken) == 2 and taken[0].startswith("("), "prim::TupleIndex is of a tuple and a place")
        place: Any = self.constants.get(node.inputs[1])
        self.need(type(place) is int and place >= 0, "the place in a tuple is no constant")
        return [parts_of(taken[0])[place]]

    def check_ListUnpack(self, node: Node, taken: list[str]) -> list[str]:
        self.need(len(taken) == 1 and taken[0].endswith("[]"), "prim::ListUnpack is of a list")
        return [element_of(taken[0])] * len(node.outputs)

    def check_Uninitialized(self, node: Node, taken: list[str]) -> list[str]:
        self.need(not taken and len(node.outputs) == 1 and is_type(node.outputs[0].type), "a value of no type")
        return [node.outputs[0].type]

    def check_RaiseException(self, node: Node, taken: list[str]) -> list[str]:
        known = len(taken) == 2 and self.constants.get(node.inputs[1]) in RAISED
        self.need(known and taken[0] == "str", f"prim::RaiseException raises one of {', '.join(RAISED)}")
        return []
