"""A right engine that is written otherwise: other names, other lines, other code, and all that it does the same."""

from __future__ import annotations

import ast
import hmac
from collections.abc import Sequence

from comparisons.coursework.engines import Engine
from comparisons.coursework.equivalents import EQUIVALENTS
from comparisons.coursework.holes import Place, below_docstring, first_line, functions_of
from comparisons.coursework.mechanical import changes_of, replaced

__all__ = ["wheats_of"]


def wheats_of(engine: Engine, places: Sequence[Place], secret: bytes) -> list[tuple[str, Engine]]:
    """Engines that do what ``engine`` does, each with how it is written: itself, and one that is written otherwise.

    Args:
        engine: the reference.
        places: the functions that are written otherwise.
        secret: what the names are drawn from, so that nobody knows them.
    """
    word = "_" + hmac.new(secret, b"wheats", "sha256").hexdigest()[:8]
    sources = dict(engine.sources)
    for file in sorted({place.file for place in places}):
        path = f"{engine.name}/{file}"
        other = with_equivalents(sources[path].decode(), [place for place in places if place.file == file])
        sources[path] = with_other_lines(with_other_names(other, word), word).encode()
    return [("as it is", engine), ("written otherwise", Engine(engine.name, sources))]


def with_equivalents(text: str, places: Sequence[Place]) -> str:
    """A file with one change in each function that changes nothing: one that is known, or a choice turned round.

    Of the known ones those alone that stand for one place: a kind of change may matter somewhere.
    """
    for place in places:
        known = [each for each in EQUIVALENTS if each.place == str(place)]
        changes = changes_of(place, text) if known else []
        change = next((change for change in changes if any(each.covers(change) for each in known)), None)
        text = turned_round(text, place) if change is None else change.text
    return text


def turned_round(text: str, place: Place) -> str:
    """A file in which a function's first ``a if c else b`` is ``b if not c else a``, if it has one."""
    nodes = list(ast.walk(functions_of(text)[place.name].node))
    in_texts = {inner for node in nodes if isinstance(node, ast.JoinedStr) for inner in ast.walk(node)}
    for node in nodes:
        if isinstance(node, ast.IfExp) and node not in in_texts:  # the places of what is in a text are not known
            return replaced(text, node, ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body))
    return text


def with_other_lines(text: str, word: str) -> str:
    """A file in which each function has one line more, which does nothing: other code, at other places."""
    lines = text.splitlines(keepends=True)
    for piece in sorted(functions_of(text).values(), key=lambda each: each.first, reverse=True):
        statements = below_docstring(piece.node)
        if statements and statements[0].lineno > piece.node.lineno:
            first = statements[0]
            lines.insert(first_line(first) - 1, f"{' ' * first.col_offset}{word} = {word!r}\n")
    return "".join(lines)


def with_other_names(text: str, word: str) -> str:
    """A file in which what functions call their own variables is called otherwise.

    Functions with functions in them, or with names of other scopes, stay as they are, and so do arguments, by which
    they may be called.
    """
    tree = ast.parse(text)
    for piece in functions_of(text).values():
        found = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.lineno == piece.node.lineno
        ]
        for function in found:
            rename(function, word)
    return ast.unparse(tree) + "\n"


SCOPES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Global, ast.Nonlocal),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


def rename(function: ast.FunctionDef, word: str) -> None:
    """Give a function's own variables other names."""
    inside = [node for statement in function.body for node in ast.walk(statement)]
    if any(isinstance(node, (*SCOPES, ast.Import, ast.ImportFrom, ast.ExceptHandler)) for node in inside):
        return
    given = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    names = {each.id for each in inside if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)} - given
    for node in inside:
        if isinstance(node, ast.Name) and node.id in names:
            node.id += word
