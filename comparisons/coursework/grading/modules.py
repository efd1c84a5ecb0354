"""A module as text: its statements, the names that they bind and use, and which line stands where.

Nothing is run. Texts are a stranger's: whoever reads one is ready for every error of the parser.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.util
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping

from comparisons.coursework import holes
from comparisons.coursework.holes import Piece, below_docstring, first_line

__all__ = [
    "Unreadable",
    "bound_names",
    "changed_names",
    "functions_in",
    "is_hole",
    "lines_of",
    "members_of",
    "parsed",
    "shifted",
    "text_of",
    "used_attributes",
    "used_names",
    "written_out",
]

BUILTIN = frozenset(dir(builtins)) | {"__file__", "__name__"}
LONGEST = 300  # of a parser's complaint
LONGEST_TEXT = 200_000  # bytes of a file: its tree takes a thousand times as much

Scope = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Unreadable(ValueError):
    """A text is no Python; the message says why, and in which line if that is known."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def text_of(content: bytes) -> str:
    """The text of a file of Python, in the encoding that it declares, each line ended by a newline alone.

    Raises:
        Unreadable: it is no text, or too long.
    """
    check_length(content)
    try:
        return importlib.util.decode_source(content)
    except (SyntaxError, ValueError, LookupError) as error:
        raise Unreadable(f"{type(error).__name__}: the file is no text") from None


def check_length(text: str | bytes) -> None:
    """Refuse what no student writes, and what would fill the memory."""
    if len(text) > LONGEST_TEXT:
        raise Unreadable(f"it has more than {LONGEST_TEXT:,} bytes")


@functools.lru_cache(maxsize=16)
def parsed(text: str) -> ast.Module:
    """The tree of a text, which nobody changes.

    Raises:
        Unreadable: it has none, or one that is too deep.
    """
    check_length(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise Unreadable(f"{type(error).__name__}: {str(error.msg)[:LONGEST]}", error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{type(error).__name__}: the file cannot be parsed") from None


@functools.lru_cache(maxsize=16)
def functions_in(text: str) -> Mapping[str, Piece]:
    """The functions of a text, as :func:`~comparisons.coursework.holes.functions_of` finds them.

    Raises:
        Unreadable: it is no Python.
    """
    return holes.functions_in(parsed(text))


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them, each with its newline."""
    return [line + "\n" for line in text.removesuffix("\n").split("\n")]


def is_hole(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function does nothing but raise NotImplementedError, below its docstring."""
    body = below_docstring(function)
    if len(body) != 1 or not isinstance(body[0], ast.Raise) or body[0].exc is None:
        return False
    raised = body[0].exc.func if isinstance(body[0].exc, ast.Call) else body[0].exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def members_of(tree: ast.AST, qualified: str) -> list[ast.stmt] | None:
    """The statements of the module, or of the class of a qualified name in it; None where there is no such class."""
    body: list[ast.stmt] = getattr(tree, "body", [])
    for name in qualified.split(".")[:-1]:
        classes = [each for each in body if isinstance(each, ast.ClassDef) and each.name == name]
        if not classes:
            return None
        body = classes[-1].body
    return body


def inside(nodes: Iterable[ast.AST], into_scopes: bool) -> Iterator[ast.AST]:
    """Nodes and what is in them; what is in functions and classes only if asked for."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if into_scopes or not isinstance(node, Scope):
            waiting += ast.iter_child_nodes(node)


def bound_names(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a meaning to, in its own scope. ``*`` stands for whatever a module exports."""
    found: set[str] = set()
    for node in inside([statement], into_scopes=False):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Import):
            found |= {each.asname or each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {each.asname or each.name for each in node.names}
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def changed_names(statement: ast.stmt) -> set[str]:
    """The names whose values a statement changes: ``table[1] = 2``, ``table.update(…)``."""
    found: set[str] = set()
    for node in inside([statement], into_scopes=False):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            found |= root_of(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found |= root_of(node.value.func) if isinstance(node.value.func, ast.Attribute) else set()
    return found


def root_of(node: ast.AST) -> set[str]:
    """The name that a chain of attributes and indices begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def used_names(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that nodes take from outside of themselves, those of the language left out."""
    found: set[str] = set()
    for node in inside(nodes, into_scopes=False):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, Scope):
            found |= names_from_outside(node)
    return found - BUILTIN


def names_from_outside(scope: ast.AST) -> set[str]:
    """The names that a function or a class takes from where it stands."""
    body = [scope.body] if isinstance(scope, ast.Lambda) else scope.body  # type: ignore[attr-defined]
    within = set(body)
    around = [child for child in ast.iter_child_nodes(scope) if child not in within]
    own = {each.arg for each in ast.walk(getattr(scope, "args", ast.Pass())) if isinstance(each, ast.arg)}
    for statement in body if not isinstance(scope, ast.Lambda) else ():
        own |= bound_names(statement)  # type: ignore[arg-type]
    told = [each for each in inside(body, into_scopes=False) if isinstance(each, (ast.Global, ast.Nonlocal))]
    declared = {name for each in told for name in each.names}
    return used_names(around) | ((used_names(body) - own) | declared)


def used_attributes(nodes: Iterable[ast.AST]) -> set[str]:
    """The attributes that are asked for in nodes."""
    return {node.attr for node in inside(nodes, into_scopes=True) if isinstance(node, ast.Attribute)}


def shifted(node: ast.stmt, lines: list[str], by: int) -> list[str] | None:
    """The lines of a statement, moved to the right (or left) but for those within texts; None where tabs forbid it."""
    if not by:
        return lines
    fixed: set[int] = set()
    first = first_line(node)
    for each in ast.walk(node):
        if isinstance(each, (ast.Constant, ast.JoinedStr)) and isinstance(getattr(each, "value", ""), (str, bytes)):
            fixed |= set(range(each.lineno + 1, (each.end_lineno or each.lineno) + 1))
    moved = []
    for number, line in enumerate(lines, first):
        margin = line[: len(line) - len(line.lstrip())]
        if "\t" in margin and number not in fixed:
            return None
        if number in fixed or not line.strip():
            moved.append(line)
        else:
            moved.append(" " * by + line if by > 0 else line[min(-by, len(margin)) :])
    return moved


def written_out(node: ast.stmt, indent: int) -> list[str]:
    """The lines of a statement, laid out anew."""
    return lines_of(textwrap.indent(ast.unparse(node), " " * indent))
