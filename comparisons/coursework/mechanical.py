"""Mistakes made by rule: small changes of a function's text, each of which a case of its task must notice.

A sign, an operand, a term, a number, a comparison, a condition, ``=`` for ``+=``, values returned in another order.
Errors that are raised, docstrings and annotations stay as they are. Only the text that means something else changes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from comparisons.coursework.engines import Engine
from comparisons.coursework.holes import Place, functions_of

__all__ = ["Change", "changes_of", "replaced"]

OTHER_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitXor: ast.BitOr,
}
SWAPPED = (ast.Sub, ast.Div, ast.FloorDiv, ast.MatMult, ast.Pow)  # where the order of operands matters
DROPPED = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult)  # where an operand can be left out
OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_UPDATE: dict[type[ast.operator], type[ast.operator]] = {
    ast.Sub: ast.Add,
    ast.Add: ast.Sub,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
# Methods that reduce, lay out or copy: the mistake is to forget them.
FORGOTTEN = {
    *("sum", "mean", "amax", "amin", "max", "min", "cumsum", "prod", "abs", "sqrt", "exp", "log"),
    *("reshape", "transpose", "permute", "swapaxes", "expand", "squeeze", "unsqueeze", "ravel", "flatten"),
    *("copy", "clone", "detach", "astype", "conj"),
}
TRANSPOSED = {"T", "mT", "H", "mH"}


@dataclass(frozen=True)
class Change:
    """A change of a function.

    Attributes:
        place: the function.
        old: the statement as it is, or the head of a compound one, in the form that :func:`ast.unparse` gives it.
        new: what it becomes.
        text: the whole file with the change.
    """

    place: Place
    old: str
    new: str
    text: str

    def planted(self, engine: Engine) -> Engine:
        """The engine with this change."""
        return Engine(engine.name, {**engine.sources, f"{engine.name}/{self.place.file}": self.text.encode()})


def changes_of(place: Place, text: str) -> list[Change]:
    """All changes of a function; of those that read the same, the first.

    Args:
        place: the function.
        text: that of its file.

    Raises:
        KeyError: the file has no such function.
    """
    function = functions_of(text)[place.name].node
    body = function.body[ast.get_docstring(function) is not None :]
    changes: dict[tuple[str, str], Change] = {}
    for statement in statements_in(body):
        old = head(statement)
        for slot, node in slots_of(statement):
            for other in alternatives(node):
                new_text = replaced(text, node, other)
                slot.put(other)
                new = head(statement)
                slot.put(node)
                changes.setdefault((old, new), Change(place, old, new, new_text))
        for instead in other_statements(statement):
            new = head(instead)
            changes.setdefault((old, new), Change(place, old, new, replaced(text, statement, instead)))
    return [change for change in changes.values() if change.new != change.old]


@dataclass(frozen=True)
class Slot:
    """Where an expression hangs in its parent."""

    parent: ast.AST
    field: str
    index: int | None = None

    def put(self, node: ast.AST) -> None:
        """Hang another there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def statements_in(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body and of those in it, what raises an error left out."""
    for statement in body:
        if not isinstance(statement, ast.Raise):
            yield statement
        for field in ("body", "orelse", "finalbody", "handlers"):
            for inner in getattr(statement, field, []):
                yield from statements_in(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])


def slots_of(node: ast.AST) -> Iterator[tuple[Slot, ast.expr]]:
    """The expressions that are read in a node, outer ones first; not those in statements below it, nor in texts."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "target", "targets", "type_comment", "type_params"):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.JoinedStr):  # the places of what is in it are not known
                continue
            if isinstance(child, ast.expr):
                yield Slot(node, field, index), child
            if isinstance(child, (ast.expr, ast.comprehension, ast.keyword, ast.withitem, ast.arguments)):
                yield from slots_of(child)


def alternatives(node: ast.expr) -> Iterator[ast.expr]:
    """What may stand by mistake in an expression's place."""
    if isinstance(node, ast.BinOp):
        left, operator, right = node.left, node.op, node.right
        if type(operator) in OTHER_OPERATOR:
            yield ast.BinOp(left, OTHER_OPERATOR[type(operator)](), right)
        if isinstance(operator, SWAPPED):
            yield ast.BinOp(right, operator, left)
        if isinstance(operator, DROPPED):
            yield left
            yield right
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
        yield node.operand
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    elif isinstance(node, ast.Compare):
        for number, comparison in enumerate(node.ops):
            others = [*node.ops]
            others[number] = OTHER_COMPARISON[type(comparison)]()
            yield ast.Compare(node.left, others, node.comparators)
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, (int, float)):
            yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Call):
        yield from other_calls(node)
    elif isinstance(node, ast.Attribute) and node.attr in TRANSPOSED:
        yield node.value


def other_calls(node: ast.Call) -> Iterator[ast.expr]:
    """What may stand by mistake in a call's place: it is forgotten, or ends one too early."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in FORGOTTEN:
        of_module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "math")
        if not of_module:
            yield node.func.value
        elif node.args:
            yield node.args[0]
    if isinstance(node.func, ast.Name) and node.func.id == "reversed":
        yield node.args[0]
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        last = min(1, len(node.args) - 1)
        others = [*node.args]
        others[last] = ast.BinOp(others[last], ast.Sub(), ast.Constant(1))
        yield ast.Call(node.func, others, node.keywords)


def other_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    """What may stand by mistake in a statement's place."""
    if isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value, lineno=0)
        if type(node.op) in OTHER_UPDATE:
            yield ast.AugAssign(node.target, OTHER_UPDATE[type(node.op)](), node.value)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield ast.Pass()
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1:
        for first in range(len(node.value.elts) - 1):
            others = [*node.value.elts]
            others[first : first + 2] = others[first + 1], others[first]
            yield ast.Return(ast.Tuple(others, ast.Load()))
    elif isinstance(node, ast.If):
        for test in (True, False):
            yield ast.If(ast.Constant(test), node.body, node.orelse)
    elif isinstance(node, (ast.Break, ast.Continue)):
        yield ast.Pass()


def head(node: ast.stmt) -> str:
    """A simple statement, or the head of a compound one, on one line."""
    if hasattr(node, "body"):
        empty = {"body": [ast.Pass()], "orelse": [], "finalbody": [], "handlers": [], "decorator_list": []}
        fields = {**dict(ast.iter_fields(node)), **{name: empty[name] for name in empty if name in node._fields}}
        if isinstance(node, ast.Try):
            return "try:"
        return ast.unparse(type(node)(**fields, lineno=0)).removesuffix("\n    pass")
    return ast.unparse(node)


def replaced(text: str, node: ast.stmt | ast.expr, other: ast.stmt | ast.expr) -> str:
    """A text in which another node stands in a node's place; of an ``if``, another condition."""
    if isinstance(node, ast.If) and isinstance(other, ast.If):
        return replaced(text, node.test, other.test)
    lines = text.encode().splitlines(keepends=True)
    assert node.end_lineno is not None and node.end_col_offset is not None
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    new = ast.unparse(other)
    if isinstance(other, ast.expr):
        new = f"({new})"
    whole = text.encode()
    return (whole[:start] + new.encode() + whole[end:]).decode()
