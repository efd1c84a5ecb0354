"""Functions as pieces of text: found by ``ast``, emptied, and put in the place of others.

Only the text of the functions named changes; all else of a file stays as it stands, its comments too. Nothing is run.
"""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Piece", "Place", "functions_of", "grafted", "hollowed"]


@dataclass(frozen=True)
class Place:
    """A function of the engine.

    Attributes:
        file: its path below the package, such as ``ops/arithmetic.py``.
        name: its qualified name there, such as ``Mul.backward``.
    """

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


@dataclass(frozen=True)
class Piece:
    """Where a function stands in a text, its decorators included: lines from ``first``, from 1 on, to ``last``."""

    node: ast.FunctionDef | ast.AsyncFunctionDef
    first: int
    last: int


def functions_of(text: str) -> dict[str, Piece]:
    """The functions of a module and of its classes, by qualified name; of several with one name, the last.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the text is no Python.
    """
    found: dict[str, Piece] = {}
    waiting: list[tuple[str, ast.AST]] = [("", ast.parse(text))]
    while waiting:
        prefix, node = waiting.pop()
        for child in getattr(node, "body", []):
            if isinstance(child, ast.ClassDef):
                waiting.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([child.lineno, *[each.lineno for each in child.decorator_list]])
                found[prefix + child.name] = Piece(child, first, child.end_lineno or child.lineno)
    return found


def hollowed(text: str, marks: Mapping[str, str]) -> str:
    """A module in which the functions in ``marks`` keep signature and docstring, and raise NotImplementedError.

    Args:
        text: the module's.
        marks: by a function's name, what its error says.

    Raises:
        KeyError: the module has no function of a name.
    """
    lines = text.splitlines(keepends=True)
    pieces = functions_of(text)
    for name in sorted(marks, key=lambda each: pieces[each].first, reverse=True):
        piece = pieces[name]
        body = piece.node.body
        after_docstring = ast.get_docstring(piece.node, clean=False) is not None
        kept = body[0].end_lineno if after_docstring else body[0].lineno - 1
        indent = " " * body[0].col_offset
        start = lines[body[0].lineno - 1].encode()[: body[0].col_offset].decode()
        if start.strip():  # all on one line
            indent = " " * (piece.node.col_offset + 4)
            lines[piece.last - 1 :] = [start.rstrip() + "\n", *lines[piece.last :]]
            kept = piece.last
        lines[kept : piece.last] = [f"{indent}raise NotImplementedError({json.dumps(marks[name])})\n"]
    return "".join(lines)


def grafted(text: str, name: str, other: str) -> str:
    """A module with the function ``name`` as another module has it.

    Raises:
        KeyError: one of the two has no such function.
        SyntaxError, ValueError, RecursionError, MemoryError: the other text is no Python.
    """
    here, there = functions_of(text)[name], functions_of(other)[name]
    lines, others = text.splitlines(keepends=True), other.splitlines(keepends=True)
    source = "".join(others[there.first - 1 : there.last])
    if there.node.col_offset != here.node.col_offset or "\t" in source:
        source = textwrap.indent(ast.unparse(there.node), " " * here.node.col_offset)
    lines[here.first - 1 : here.last] = [source.rstrip("\n") + "\n"]
    return "".join(lines)
