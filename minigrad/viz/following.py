"""A rule is followed while it runs: which of its lines ran, with the numbers put in for the names, and what came of it.

Python's own trace function looks on, at the rule's frame alone; nothing is computed a second time. Where a debugger or
coverage has set one already, nothing is known of the lines.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import numpy as np

from minigrad.graph.node import Node, Tensor
from minigrad.viz.parts import TraceLine

__all__ = ["followed", "nested", "rule_of", "traced"]

ALL = 6  # elements that are told one by one
LONGEST = 300  # letters of a line with numbers


def rule_of(kind: Any) -> str:
    """The source of an operation's class, and of the class that it has its ``backward`` from; nothing where Python does
    not find it."""
    return "".join([line for lines, _ in sources_of_rule(kind) for line in lines])


@functools.lru_cache(1000)  # to find a class Python takes its whole file apart
def sources_of_rule(kind: Any) -> list[tuple[list[str], int]]:
    """The lines of the one class or the two, and the number in the file of the first."""
    owner = next((each for each in kind.__mro__ if "backward" in vars(each)), kind)
    try:
        return [inspect.getsourcelines(each) for each in ([kind] if owner is kind else [kind, owner])]
    except (OSError, TypeError):
        return []


def followed(run: Callable[[], Any], node: Any, offsets: dict[Any, int]) -> tuple[Any, tuple[TraceLine, ...]]:
    """Call ``run``, in which the rule of ``node`` runs: what it gives, and the rule's lines, counted in
    :func:`rule_of`. ``offsets`` keeps for each class where that begins, for the next call."""
    rule = getattr(type(node), "backward", None)
    code = getattr(rule, "__code__", None)
    if code is None or sys.gettrace() is not None:
        return run(), ()
    following = Following(code)
    result = traced(run, following.on_call)
    if type(node) not in offsets:
        offsets[type(node)] = offset_of(type(node))
    offset = offsets[type(node)]
    return result, tuple([TraceLine(line + offset, text) for line, text in following.lines])


def traced(run: Callable[[], Any], on_call: Callable[[FrameType, str, Any], Any]) -> Any:
    """Call ``run`` while ``on_call`` is Python's trace function. A debugger's that was set meanwhile stays."""
    sys.settrace(on_call)
    try:
        return run()
    finally:
        if sys.gettrace() == on_call:
            sys.settrace(None)


def offset_of(kind: Any) -> int:
    """What is added to a line's number in the file for its number in the rule's source."""
    sources = sources_of_rule(kind)
    return sum([len(lines) for lines, _ in sources[:-1]]) + 1 - sources[-1][1] if sources else 0


@functools.lru_cache(1000)
def statements_of(code: CodeType) -> tuple[str, dict[int, ast.stmt]]:
    """The text of a function, and its statements by their lines in the file."""
    try:
        lines, first = inspect.getsourcelines(code)
        text = textwrap.dedent("".join(lines))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        return "", {}
    found = {node.lineno + first - 1: node for node in ast.walk(tree) if isinstance(node, ast.stmt)}
    return text, found


class Following:
    """The trace function.

    Attributes:
        lines: the number in the file of each line that ran, and what it says with numbers.
    """

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.text, self.statements = statements_of(code)
        self.lines: list[tuple[int, str]] = []
        self.running: ast.stmt | None = None
        self.shown = ""

    def on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self.on_line if frame.f_code is self.code else None

    def on_line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event in ("line", "return"):
            self.end_line(frame, argument)
            if event == "line":
                self.begin_line(frame)
        return self.on_line

    def begin_line(self, frame: FrameType) -> None:
        self.running = self.statements.get(frame.f_lineno)
        if self.running is None:  # the second line of a statement
            return
        self.lines.append((frame.f_lineno, ""))
        value = chosen(getattr(self.running, "value", None), frame.f_locals)
        self.shown = with_numbers(self.text, value, frame.f_locals) if isinstance(value, ast.expr) else ""

    def end_line(self, frame: FrameType, returned: Any) -> None:
        """Add what came of the statement that ran."""
        statement, self.running = self.running, None
        if isinstance(statement, ast.Return):
            result = value_text(returned)
        elif isinstance(statement, ast.Assign):
            result = target_text(statement.targets[0], frame.f_locals)
        elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
            result = target_text(statement.target, frame.f_locals)
        else:
            return
        told = self.shown if result in ("", self.shown) else f"{self.shown} = {result}" if self.shown else result
        self.lines[-1] = self.lines[-1][0], told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def chosen(expression: Any, names: dict[str, Any]) -> Any:
    """Of ``a if needed else b`` the part that is taken."""
    if isinstance(expression, ast.IfExp) and isinstance(expression.test, ast.Name) and expression.test.id in names:
        return expression.body if names[expression.test.id] else expression.orelse
    return expression


def target_text(target: ast.expr, names: dict[str, Any]) -> str:
    """What is now in the names that were assigned to."""
    targets = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    told = [value_text(names.get(each.id)) if isinstance(each, ast.Name) else "" for each in targets]
    return ", ".join(told) if all(told) else ""


def with_numbers(text: str, expression: ast.expr, names: dict[str, Any]) -> str:
    """An expression's text with what is in its names put in; nothing where there is none to be put in."""
    lines = text.encode().splitlines(keepends=True)
    begins = [sum(map(len, lines[:number])) for number in range(len(lines))]

    def span(part: ast.expr) -> tuple[int, int]:
        assert part.end_lineno is not None and part.end_col_offset is not None
        return begins[part.lineno - 1] + part.col_offset, begins[part.end_lineno - 1] + part.end_col_offset

    places = []
    for part in ast.walk(expression):
        known = value_of(part, names)
        if known and isinstance(part, ast.expr):
            places.append((*span(part), known))
    if not places:
        return ""
    place, end = span(expression)
    found, whole = [], text.encode()
    for begin, after, known in sorted(places):
        found += [whole[place:begin].decode(), known]
        place = after
    return " ".join("".join([*found, whole[place:end].decode()]).split())


def value_of(part: ast.AST, names: dict[str, Any]) -> str:
    """What is put in for a name, or for a number that a node keeps, such as ``ctx.number``; nothing for the rest."""
    if isinstance(part, ast.Name) and part.id in names:
        return "" if isinstance(names[part.id], tuple) else value_text(names[part.id])
    if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
        owner = names.get(part.value.id)
        known = vars(owner).get(part.attr) if isinstance(owner, Node) else None
        return value_text(known) if isinstance(known, (int, float)) else ""
    return ""


def value_text(value: Any) -> str:
    """Up to 6 elements one by one, else the shape, such as ``[64×10]``; several values with commas; nothing for what
    has no numbers."""
    if isinstance(value, tuple):
        told = [value_text(each) for each in value]
        return ", ".join(told) if all(told) else ""
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, Tensor):
        value = value.array
    if not isinstance(value, (np.ndarray, np.generic)):
        return ""
    if value.size > ALL:
        return f"[{'×'.join([str(size) for size in value.shape])}]"
    return nested(value)


def nested(array: Any) -> str:
    """An array's elements; numbers in as few digits as tell each from all others of its type."""
    if array.ndim == 0:
        return str(array)
    return f"[{', '.join([nested(each) for each in array])}]"
