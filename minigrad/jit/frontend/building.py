"""Scripting, what all of it builds on: nodes, values of what is known, blocks, and the refusal of what cannot be done.

Read next: ``expressions.py``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from minigrad import nn
from minigrad.jit.frontend.items import Items, Known, NotSupportedError, Part, Source
from minigrad.jit.graph import Block, Graph, Node, Value
from minigrad.jit.operations import result_type
from minigrad.jit.types import NUMBERS, joined, parts_of

__all__ = ["Building", "Frame", "is_path", "sequence"]

WORDS = ("Await", "Global", "Import", "Lambda", "Match", "Nonlocal", "Try", "With", "Yield")
REFUSED = {each: each.lower() for each in WORDS}  # of each kind of node what people call it
REFUSED |= dict.fromkeys(("DictComp", "ListComp", "SetComp"), "a comprehension")
REFUSED |= {"ClassDef": "a class", "Dict": "a dictionary", "GeneratorExp": "a generator", "Set": "a set"}
REFUSED |= {"FunctionDef": "a function in a function", "ImportFrom": "import", "YieldFrom": "yield"}
REFUSED |= {"Delete": "del", "NamedExpr": ":=", "Starred": "*"}


class Frame:
    """A function while it is scripted: its source, its variables, and how it or the loop in it ends."""

    def __init__(self, source: Source, variables: dict[str, Any], ending: Any) -> None:
        self.source = source
        self.variables = variables
        self.ending = ending


class Building:
    """What scripting a graph needs to know, and a method for each kind of expression.

    Args:
        graph: to be filled.
        forward_of: the graph of a module's ``forward``, scripted when it is first called.
    """

    def __init__(self, graph: Graph, forward_of: Callable[[nn.Module], Graph]) -> None:
        self.graph = graph
        self.block: Block = graph
        self.forward_of = forward_of
        self.frames: list[Frame] = []

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def element(self, node: ast.AST, owner: Value, place: int) -> Value:
        """One element of a tuple that is a value."""
        types = parts_of(owner.type)
        if not -len(types) <= place < len(types):
            raise self.refused(node, f"{owner.type} has no element {place}", "count from 0")
        index = self.value(node, Known(place % len(types)))
        return self.emit(node, "prim::TupleIndex", [owner, index], types[place]).output

    def inline(self, node: ast.AST, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A call of a function whose source is there: see ``statements.py``."""
        raise NotImplementedError

    def refused(self, node: ast.AST, what: str, instead: str) -> NotSupportedError:
        return self.frame.source.refused(node, what, instead)

    # ------------------------------------------------------------------------------- making nodes

    def emit(self, node: ast.AST, kind: str, inputs: Sequence[Value], *types: str, **attributes: Any) -> Node:
        """A new node at the end of the block."""
        made = Node(kind, inputs, types, self.frame.source.place(node), **attributes)
        return self.block.append(made)

    def compute(self, node: ast.AST, name: str, *items: Any) -> Value:
        """The value of an operation on what the items stand for."""
        values = [self.value(node, each) for each in items]
        try:
            kind = result_type(name, [each.type for each in values])
        except TypeError as error:
            raise self.refused(node, str(error), "what it is given has to have another type") from None
        return self.emit(node, f"aten::{name}", values, kind).output

    def value(self, node: ast.AST, item: Any, as_list: bool = True) -> Value:
        """``item`` as a value of the graph: what is known becomes a constant, items a list or a tuple."""
        if isinstance(item, Value):
            return item
        if isinstance(item, Known):
            try:
                return self.graph.constant(item.value, self.frame.source.place(node))
            except TypeError as error:
                raise self.refused(node, str(error), "keep it out of the program's values") from None
        if isinstance(item, Items):
            found = self.as_list(node, item) if item.is_list or as_list else None
            if found is not None:
                return found
            values = [self.value(node, each) for each in item.items]
            kind = f"({', '.join([each.type for each in values])})"
            return self.emit(node, "prim::TupleConstruct", values, kind).output
        raise self.refused(node, "a module or a method is no value of a program", "call it")

    def as_list(self, node: ast.AST, item: Items) -> Value | None:
        """Items of one type as a list; None where their types differ, and they are a tuple."""
        known = [each.value for each in item.items if isinstance(each, Known)]
        if known and len(known) == len(item.items) and not item.is_list and not any(map(callable, known)):
            return self.value(node, Known(tuple(known)))
        values = [self.value(node, each) for each in item.items]
        types = {each.type for each in values} or {"Tensor"}
        if len(types) > 1:
            if item.is_list:
                raise self.refused(node, f"a list of {' and '.join(sorted(types))}", "a list has elements of one type")
            return None
        return self.emit(node, "prim::ListConstruct", values, f"{types.pop()}[]").output

    def of(self, node: ast.AST) -> Any:
        """What an expression stands for."""
        kind = type(node).__name__
        method = getattr(self, f"of_{kind}", None)
        if method is None:
            what = f"{REFUSED.get(kind, kind)} cannot be scripted"
            raise self.refused(node, what, "write it with calls, if, for, while")
        return method(node)

    def valued(self, node: ast.AST) -> Value:
        """The value of an expression."""
        return self.value(node, self.of(node))

    def inside(self, compute: Callable[[], Any]) -> tuple[Block, Any]:
        """A new block, and what ``compute`` gives in it."""
        outside, self.block = self.block, Block()
        try:
            found = compute()
            return self.block, found
        finally:
            self.block = outside

    def choice(self, node: ast.AST, condition: Value, branches: Sequence[tuple[Block, Any]]) -> Value:
        """The value of ``prim::If``: that of one of two blocks."""
        told = "one branch gives {} and the other {}"
        return self.join(node, condition, [(block, (item,)) for block, item in branches], told, as_list=True)[0]

    def join(
        self, node: ast.AST, condition: Value, branches: Sequence[tuple[Block, Any]], told: str, as_list: bool = False
    ) -> list[Value]:
        """The node ``prim::If`` of two blocks, and its values: those of the way that is taken. A way without items
        raises an error. ``told`` is what is said where the two types are no one type."""
        made = Node("prim::If", [condition], [], self.frame.source.place(node))
        made.blocks = [block for block, _ in branches]
        for block, items in branches:
            outside, self.block = self.block, block
            block.outputs = [self.value(node, each, as_list) for each in items or ()]
            self.block = outside
        sound = next((block.outputs for block, items in branches if items is not None), [])
        for block, items in branches:
            if items is None:  # nobody will see these
                block.outputs = [block.append(Node("prim::Uninitialized", [], [each.type])).output for each in sound]
        for left, right in zip(*[block.outputs for block in made.blocks]):
            kind = joined(left.type, right.type)
            if kind is None:
                raise self.refused(node, told.format(left.type, right.type), "let both give one type")
            made.outputs.append(Value(kind))
        return self.block.append(made).outputs

    def condition(self, node: ast.AST, item: Any) -> Any:
        """``item`` as true or false: known, or a value of the type bool."""
        if isinstance(item, Known):
            return Known(bool(item.value))
        if isinstance(item, (Part, Items)):
            return Known(isinstance(item, Part) or bool(item.items))
        value = self.value(node, item)
        if value.type == "NoneType":
            return Known(False)
        if value.type in ("Tensor", *NUMBERS[1:]):
            return self.compute(node, "Bool", value)
        if value.type != "bool":
            raise self.refused(node, f"{value.type} is neither true nor false", "compare it, as in x is not None")
        return value


def sequence(item: Any) -> Items | None:
    """``item`` as items, where it is known which; else None."""
    if isinstance(item, Items):
        return item
    if isinstance(item, Known) and isinstance(item.value, (tuple, list, range)):
        return Items(tuple([Known(each) for each in item.value]), isinstance(item.value, list))
    return None


def is_path(node: ast.expr) -> bool:
    """Whether an expression only leads somewhere, as ``self.layers`` does, and may be read twice."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
