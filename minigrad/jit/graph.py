"""The graph of a program: values, the nodes that make them, and the blocks in which nodes stand in order.

A value is made once, by a node, or as an input of a block, and never changes its maker (single static assignment): a
variable that is assigned twice is two values. A node has a kind: ``aten::…`` computes (``operations.py``), ``prim::…``
is the program's own: constants, attributes, lists, and ``prim::If`` and ``prim::Loop``, whose blocks stand inside of
them. It prints as PyTorch's ``torch.jit`` prints its graphs. Read next: ``scripting.py`` and ``tracing.py``, which
make graphs, ``running.py``, which runs them, and ``passes.py``, which rewrites them.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from typing import Any

from minigrad import Tensor
from minigrad.jit.types import type_of

__all__ = ["FOREVER", "Block", "Graph", "Names", "Node", "Value"]

FOREVER = 2**63 - 1  # the rounds of ``while``: as many as its condition grants


class Value:
    """What a node makes, or a block is given. Counterpart: ``torch._C.Value``.

    Attributes:
        name: what the program calls it; "" where it has no name.
        type: ``Tensor``, ``int``, ``float[]``, ``(Tensor, Tensor)`` and so on (``types.py``); a module's is its class.
        seen: of a traced tensor, what it was when it was traced, as in ``Float(2, 10)``.
    """

    __slots__ = ("name", "seen", "type")

    def __init__(self, type: str, name: str = "", seen: str = "") -> None:
        self.type = type
        self.name = name
        self.seen = seen

    def __repr__(self) -> str:
        return f"<Value {self.name or '?'} : {self.type}>"


class Node:
    """One step of a program: the values that it takes and makes, and, of ``prim::If`` and ``prim::Loop``, its blocks.

    Counterpart: ``torch._C.Node``.

    Attributes:
        attributes: what is no value: ``value`` of a constant, ``name`` of an attribute or a method.
        source: ``file:line`` of the program that it was made from.
        scope: of a traced node, the paths of the modules that were running, the outermost first, without the root's.
    """

    __slots__ = ("attributes", "blocks", "inputs", "kind", "outputs", "scope", "source")

    def __init__(
        self, kind: str, inputs: Sequence[Value] = (), types: Sequence[str] = (), source: str = "", **attributes: Any
    ) -> None:
        self.kind = kind
        self.inputs = list(inputs)
        self.outputs = [Value(each) for each in types]
        self.attributes = attributes
        self.blocks: list[Block] = []
        self.source = source
        self.scope: tuple[str, ...] = ()

    @property
    def output(self) -> Value:
        """The value that it makes, where that is one."""
        (value,) = self.outputs
        return value

    def __repr__(self) -> str:
        return f"<Node {self.kind} of {len(self.inputs)}>"


class Block:
    """Nodes in order, what they are given, and which values come out. Counterpart: ``torch._C.Block``."""

    def __init__(self) -> None:
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []
        self.outputs: list[Value] = []

    def add_input(self, type: str, name: str = "", seen: str = "") -> Value:
        """A further value that the block is given."""
        self.inputs.append(Value(type, name, seen))
        return self.inputs[-1]

    def append(self, node: Node) -> Node:
        """Put ``node`` last."""
        self.nodes.append(node)
        return node

    def append_attribute(self, owner: Value, name: str, kind: str) -> Value:
        """The value of ``owner.name``, which is called so, of a new node."""
        value = self.append(Node("prim::GetAttr", [owner], [kind], name=name)).output
        value.name = name
        return value

    def all_nodes(self) -> Iterator[Node]:
        """The nodes here and in the blocks of these, in the order in which they are printed."""
        for node in self.nodes:
            yield node
            for block in node.blocks:
                yield from block.all_nodes()

    def all_values(self) -> list[Value]:
        """The values that are taken here and below."""
        inner = [value for node in self.nodes for block in node.blocks for value in block.all_values()]
        return [*self.outputs, *[value for node in self.nodes for value in node.inputs], *inner]

    def replace_uses(self, old: Value, new: Value) -> None:
        """Let whatever takes ``old``, here and below, take ``new``."""
        self.outputs = [new if each is old else each for each in self.outputs]
        for node in self.nodes:
            node.inputs = [new if each is old else each for each in node.inputs]
            for block in node.blocks:
                block.replace_uses(old, new)


class Graph(Block):
    """The whole program of one function, or of one module's ``forward``, whose first input is then ``%self``.

    ``str(graph)`` is PyTorch's form: ``%y : Tensor = aten::mul(%x, %2) # model.py:12``. Counterpart: ``torch.Graph``.
    """

    def __init__(self, name: builtins.str = "forward") -> None:
        super().__init__()
        self.name = name
        self.defaults: dict[builtins.str, Any] = {}  # of inputs that may be left out

    def constant(self, value: Any, source: builtins.str = "") -> Value:
        """The value of a constant: constants stand first, and each once."""
        place = 0
        for node in self.nodes:
            if node.kind != "prim::Constant":
                break
            place += 1
            known = node.attributes["value"]
            alike = type(known) is type(value) and not holds_tensor(value) and repr(known) == repr(value)
            if known is value or alike:
                return node.output
        node = Node("prim::Constant", [], [type_of(value)], source, value=value)
        self.nodes.insert(place, node)
        return node.output

    def str(self, print_source_ranges: bool = True) -> builtins.str:
        """The graph as text, with or without the lines that it was made from. PyTorch's method of the same name."""
        names = Names(self)
        declared = ",\n      ".join([names.declared(each) for each in self.inputs])
        lines = [f"graph({declared}):", *block_lines(self, names, "  ", print_source_ranges)]
        return "\n".join([*lines, f"  return ({names.listed(self.outputs)})", ""])

    def __str__(self) -> builtins.str:
        return self.str()

    __repr__ = __str__


def holds_tensor(value: Any) -> bool:
    """Whether a constant is a tensor or has one in it."""
    return isinstance(value, Tensor) or (isinstance(value, (list, tuple)) and any(map(holds_tensor, value)))


class Names:
    """What each value of a graph is called where it is printed: its name (the second is ``x.1``), or a number."""

    def __init__(self, graph: Graph) -> None:
        self.names: dict[Value, str] = {}
        self.taken: dict[str, int] = {}
        self.visit(graph)

    def visit(self, block: Block) -> None:
        for value in block.inputs:
            self.give(value)
        for node in block.nodes:
            for value in node.outputs:
                self.give(value)
            for inner in node.blocks:
                self.visit(inner)

    def give(self, value: Value) -> None:
        """Call ``value`` something that no other is called."""
        count = self.taken.get(value.name, 0)
        self.taken[value.name] = count + 1
        if not value.name:
            self.names[value] = f"{len(self.names)}"
        else:
            name = f"_{value.name}" if value.name[0].isdigit() else value.name
            self.names[value] = name + (f".{count}" if count else "")

    def listed(self, values: Sequence[Value]) -> str:
        return ", ".join([f"%{self.names[each]}" for each in values])

    def declared(self, value: Value) -> str:
        return f"%{self.names[value]} : {value.seen or value.type}"


def block_lines(block: Block, names: Names, indent: str, with_source: bool) -> Iterator[str]:
    """The lines of a block's nodes."""
    for node in block.nodes:
        made = ", ".join([names.declared(each) for each in node.outputs])
        attributes = [f"{name}={shown(value)}" for name, value in node.attributes.items() if value is not None]
        told = f"[{', '.join(attributes)}]" if attributes else ""
        source = f" # {node.source}" if node.source and with_source else ""
        yield f"{indent}{made} = {node.kind}{told}({names.listed(node.inputs)}){source}"
        for number, inner in enumerate(node.blocks):
            given = ", ".join([names.declared(each) for each in inner.inputs])
            yield f"{indent}  block{number}({given}):"
            yield from block_lines(inner, names, indent + "    ", with_source)
            yield f"{indent}    -> ({names.listed(inner.outputs)})"


def shown(value: Any) -> str:
    """A constant as PyTorch's graphs show it: true is 1, a tensor of one element its value in braces."""
    if isinstance(value, Tensor):
        return f"{{{value.item():g}}}" if value.ndim == 0 else "<Tensor>"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join([shown(each) for each in value])}]"
    if isinstance(value, bool):
        return str(int(value))
    return f'"{value}"' if isinstance(value, str) else str(value).removeprefix("minigrad.")
