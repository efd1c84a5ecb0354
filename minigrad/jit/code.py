"""A graph as Python: what ``program.code`` prints. A value that is used once stands where it is used."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Sequence

import minigrad
from minigrad import Tensor
from minigrad.jit.graph import FOREVER, Block, Graph, Names, Node, Value
from minigrad.jit.operations import OPERATIONS, has_effect, same
from minigrad.jit.passes import constants
from minigrad.jit.plain import ON_NUMBERS
from minigrad.jit.types import NUMBERS, parts_of

__all__ = ["code_of"]

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "floor_divide": "//", "remainder": "%", "pow": "**"}
SIGNS |= {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
# What is no call of minigrad's: logic, numbers and loops; types; attributes; subscripts.
PYTHON = {"__contains__": "({1} in {0})", "__is__": "({0} is {1})", "__isnot__": "({0} is not {1})"}
PYTHON |= {"__not__": "(not {0})", "__derive_index": "({1} + {0} * {2})", "__range_length": "len(range({0}, {1}, {2}))"}
PYTHON |= {"Bool": "bool({0})", "Float": "float({0})", "Int": "int({0})", "len": "len({0})", "Uninitialized": "None"}
PYTHON |= {"dtype": "{0}.dtype", "mT": "{0}.mT", "numpy_T": "{0}.T", "requires_grad": "{0}.requires_grad"}
PYTHON |= {"__getitem__": "{0}[{1}]", "TupleIndex": "{0}[{1}]", "index": "{0}[tuple({1})]"}
PYTHON |= {"slice": "{0}.movedim({1}, 0)[{2}:{3}:{4}].movedim(0, {1})", "slice.t": "{0}[{1}:{2}:{3}]"}


def code_of(graph: Graph) -> str:
    """The program that a graph is, as a function."""
    return "\n".join([*Writer(graph).lines(), ""])


class Writer:
    """One graph while it is written.

    Attributes:
        uses: how often each value is used; in an inner block more often, so that it keeps its name there.
        texts: what stands for a value that has no line of its own.
        waiting: those of ``texts`` that were not used yet: they get a line before anything is changed.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names = Names(graph).names
        self.uses: Counter[Value] = Counter()
        self.texts: dict[Value, str] = {}
        self.waiting: list[Value] = []
        self.constants = constants(graph)
        self.count(graph)

    def count(self, block: Block) -> None:
        """Count the uses of values in a block."""
        own = {*block.inputs, *[each for node in block.nodes for each in node.outputs]}
        for value in [each for node in block.nodes for each in node.inputs] + block.outputs:
            self.uses[value] += 1 if value in own else 2
        for inner in [each for node in block.nodes for each in node.blocks]:
            self.count(inner)

    def name(self, value: Value) -> str:
        """What stands for a value where it is used."""
        if value in self.waiting:
            self.waiting.remove(value)
        name = self.names[value].replace(".", "_")
        return self.texts.get(value, f"_{name}" if name[0].isdigit() else name)

    def lines(self) -> Iterator[str]:
        """The lines of the whole function."""
        inputs = [self.declared(each) for each in self.graph.inputs]
        yield f"def {self.graph.name}({', '.join(inputs)}) -> {annotation(self.graph.outputs[0].type)}:"
        yield from self.indented(self.graph, [])
        yield f"    return {self.name(self.graph.outputs[0])}"

    def declared(self, value: Value) -> str:
        """An argument, with its type and what it is by default."""
        if value.name == "self":
            return "self"
        default = f" = {self.graph.defaults[value.name]!r}" if value.name in self.graph.defaults else ""
        return f"{self.name(value)}: {annotation(value.type)}{default}"

    def indented(self, block: Block, targets: Sequence[Value]) -> Iterator[str]:
        """The lines of a block, at whose end ``targets`` are assigned what it gives."""
        found = [line for node in block.nodes for line in self.statement(node, block.outputs)]
        outputs = block.outputs[len(block.outputs) - len(targets) :]
        pairs = [(self.name(target), self.name(output)) for target, output in zip(targets, outputs)]
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        if pairs:
            found.append(f"{', '.join([each for each, _ in pairs])} = {', '.join([each for _, each in pairs])}")
        return iter([f"    {line}" for line in found] or (["    pass"] if block is not self.graph else []))

    def statement(self, node: Node, given: Sequence[Value]) -> Iterator[str]:
        """The lines of a node: none where its value stands where it is used."""
        inputs = [self.name(each) for each in node.inputs]
        if node.blocks or has_effect(node.kind):
            for value in self.waiting:
                yield f"{self.names[value] if value.name else '_' + self.names[value]} = {self.texts.pop(value)}"
            self.waiting.clear()
        if node.kind == "prim::If":
            yield f"if {inputs[0]}:"
            yield from self.indented(node.blocks[0], node.outputs)
            yield "else:"
            yield from self.indented(node.blocks[1], node.outputs)
        elif node.kind == "prim::Loop":
            yield from self.loop(node, inputs)
        elif node.kind == "prim::RaiseException":
            yield f"raise {inputs[1].strip(chr(39))}({inputs[0]})"
        elif node.kind == "prim::ListUnpack":
            yield f"{', '.join([self.name(each) for each in node.outputs])} = {inputs[0]}"
        else:
            text, value = expression(node, inputs[: self.needed(node)]), node.output
            if node.kind == "prim::Constant":
                self.texts[value] = text
            elif self.uses[value] == 1 and (not value.name or value in given) and not has_effect(node.kind):
                self.texts[value] = text
                self.waiting.append(value)
            else:
                yield f"{self.name(value)} = {text}" if self.uses[value] else text

    def needed(self, node: Node) -> int:
        """How many arguments there are up to the last that is not its default."""
        operation = OPERATIONS.get(node.kind.removeprefix("aten::"))
        count = len(node.inputs)
        while operation and count and node.inputs[count - 1] in self.constants:
            if not same(self.constants[node.inputs[count - 1]], operation.arguments[count - 1].default):
                break
            count -= 1
        return count

    def loop(self, node: Node, inputs: list[str]) -> Iterator[str]:
        """``for`` where the first round and all others are granted, else ``while``."""
        body = node.blocks[0]
        index, *carried = body.inputs
        for value, first, after in zip(carried, inputs[2:], node.outputs):
            yield f"{self.name(value)} = {first}"
            self.texts[after] = self.name(value)
        if self.texts.get(body.outputs[0]) == "True" and inputs[1] == "True":
            yield f"for {self.name(index)} in range({inputs[0]}):"
            yield from self.indented(body, carried)
            return
        goes_on, counted = f"_{self.names[index]}_goes_on", inputs[0] != repr(FOREVER)
        self.texts[body.inputs[0]] = f"_{self.names[index]}"
        condition = Value("bool")
        self.names[condition], self.texts[condition] = goes_on, goes_on
        yield f"{goes_on} = {inputs[1]}"
        if counted:
            yield f"{self.name(index)} = 0"
        yield f"while {goes_on}" + (f" and {self.name(index)} < {inputs[0]}:" if counted else ":")
        yield from self.indented(body, [condition, *carried])
        if counted:
            yield f"    {self.name(index)} += 1"


def annotation(kind: str) -> str:
    """A type as Python writes it."""
    if kind.startswith("("):
        return f"tuple[{', '.join([annotation(each) for each in parts_of(kind)])}]"
    if kind.endswith("[]"):
        return f"list[{kind[:-2]}]"
    return f"{kind[:-1]} | None" if kind.endswith("?") else {"NoneType": "None"}.get(kind, kind)


def expression(node: Node, inputs: list[str]) -> str:
    """The right side of an assignment."""
    name = node.kind.rpartition("::")[2]
    if name == "Constant":
        value = node.attributes["value"]
        is_number = isinstance(value, Tensor) and value.ndim == 0
        return "CONSTANT" if isinstance(value, Tensor) and not is_number else repr(value)
    if name in ("GetAttr", "CallMethod"):
        called = f"({', '.join(inputs[1:])})" if name == "CallMethod" else ""
        return f"{inputs[0]}.{node.attributes['name']}{called}"
    if name == "TupleConstruct":
        return f"({', '.join(inputs)}{',' if len(inputs) == 1 else ''})"
    if name == "ListConstruct":
        return f"[{', '.join(inputs)}]"
    if name in PYTHON:
        return PYTHON[name].format(*inputs)
    if name in SIGNS and not any(each.type.startswith("Tensor") for each in node.inputs):
        return f"({inputs[0]} {SIGNS[name]} {inputs[1]})"
    if name in ON_NUMBERS and all(each.type in NUMBERS for each in node.inputs):
        return f"{'' if name in ('abs', 'max', 'min') else 'math.'}{name}({', '.join(inputs)})"
    if inspect.isfunction(getattr(minigrad, name, None)):
        return f"minigrad.{name}({', '.join(inputs)})"
    if hasattr(minigrad.nn.functional, name):
        return f"minigrad.nn.functional.{name}({', '.join(inputs)})"
    return f"{inputs[0]}.{name}({', '.join(inputs[1:])})"
