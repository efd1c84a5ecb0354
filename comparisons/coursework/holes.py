"""Functions as pieces of text: found by ``ast``, and emptied.

Only the text of the functions named changes; all else of a file stays as it stands, its comments too. Nothing is run,
and nothing but the standard library is needed: a handout's checks have this file too, to find where a function stands.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Piece", "Place", "below_docstring", "first_line", "functions_in", "functions_of", "hollowed"]

DEEPER = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


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
    """The functions of a module and of its classes, by qualified name; of several with one name, or
    in classes of one name, the last.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the text is no Python.
    """
    return functions_in(ast.parse(text))


def functions_in(tree: ast.Module) -> dict[str, Piece]:
    """As :func:`functions_of`, of what was parsed already."""
    found: dict[str, Piece] = {}
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        classes: dict[str, ast.ClassDef] = {}
        for child in getattr(node, "body", []):
            if isinstance(child, ast.ClassDef):
                classes[child.name] = child
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found[prefix + child.name] = Piece(child, first_line(child), child.end_lineno or child.lineno)
        waiting += [(f"{prefix}{name}.", each) for name, each in classes.items()]
    return found


def first_line(node: ast.stmt) -> int:
    """The number of a statement's first line, its decorators included."""
    return min([node.lineno, *[each.lineno for each in getattr(node, "decorator_list", [])]])


def below_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """The statements of a function, its docstring left out."""
    first = function.body[0]
    return function.body[isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) :]


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them, each with its end: a form feed ends none."""
    return io.StringIO(text, newline="").readlines()


# ------------------------------------------------------------------------------------------------ emptied


def hollowed(text: str, marks: Mapping[str, str]) -> str:
    """A module in which the functions in ``marks`` keep signature and docstring, and raise NotImplementedError.

    Above the error stands a comment with what it says, to be found by searching. Comments of the function go too.

    Args:
        text: the module's.
        marks: by a function's name, what its error says, such as "2.2 unbroadcast: not written yet".

    Raises:
        KeyError: the module has no function of a name.
    """
    lines = lines_of(text)
    pieces = functions_of(text)
    for name in sorted(marks, key=lambda each: pieces[each].first, reverse=True):
        piece = pieces[name]
        body = piece.node.body[0]
        kept, column = end_of_signature(lines, piece.node)
        if body.lineno > kept:
            indent = " " * body.col_offset
            if ast.get_docstring(piece.node, clean=False) is not None:
                kept = body.end_lineno or body.lineno
        else:  # all on one line
            indent = " " * (piece.node.col_offset + 4)
            lines[kept - 1] = lines[kept - 1][:column] + "\n"
        lines[kept : end_of_comments(lines, piece)] = [
            f"{indent}# Task {marks[name].partition(': ')[0]}\n",
            f"{indent}raise NotImplementedError({json.dumps(marks[name], ensure_ascii=False)})\n",
        ]
    return "".join(lines)


def end_of_signature(lines: Sequence[str], node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[int, int]:
    """The line and the column behind the colon that ends a function's signature."""
    depth = 0
    for token in tokenize.generate_tokens(iter(lines[node.lineno - 1 :]).__next__):
        if token.type == tokenize.OP:
            depth += DEEPER.get(token.string, 0)
            if token.string == ":" and not depth:
                return node.lineno - 1 + token.end[0], token.end[1]
    raise AssertionError("a function has a colon")


def end_of_comments(lines: Sequence[str], piece: Piece) -> int:
    """A function's last line, its comments after the last statement counted in."""
    end = piece.last
    for number, line in enumerate(lines[piece.last :], piece.last + 1):
        words = line.lstrip()
        if words and not (words.startswith("#") and len(line) - len(words) > piece.node.col_offset):
            break
        end = number if words else end
    return end
