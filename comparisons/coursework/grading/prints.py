"""What a function looks like whatever its names, comments and layout are: numbers that near-copies have in common.

A function's tree is walked in order, local names are replaced by the order in which they appear, and each few nodes
that follow one another are hashed. How alike two functions are is what they share of all that either has.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator

from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.grafting import text_in
from comparisons.coursework.grading.modules import Unreadable, functions_in, is_hole, text_of
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.holes import below_docstring
from comparisons.coursework.tasks import Assignment

__all__ = ["print_of", "prints_of"]

LENGTH = 6  # nodes that are hashed together
FEWEST = 30  # nodes of a function that is not trivial
MOST = 2_000  # numbers that are kept of one


def prints_of(submission: Submission, assignment: Assignment, reference: Engine) -> dict[str, list[int]]:
    """The prints of a student's functions, by task and name, without trivial ones and the reference's own."""
    found: dict[str, list[int]] = {}
    if submission.problem:
        return found
    for task in assignment.tasks:
        for place in task.places:
            try:
                own = submission.cells.get(task.id, "") or text_of(submission.sources.get(place.file, b""))
                theirs = functions_in(own)
                piece = theirs.get(place.name) or theirs.get(place.name.rpartition(".")[2])
                if piece is None or is_hole(piece.node):
                    continue
                made = print_of(piece.node)
            except (Unreadable, RecursionError):
                continue
            if made and made != print_of(functions_in(text_in(reference, place.file))[place.name].node):
                found[f"{task.id} {place.name}"] = made
    return found


def print_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[int]:
    """The print of a function; empty if it is trivial."""
    words = list(words_of(function))
    if len(words) < FEWEST:
        return []
    numbers = set()
    for start in range(len(words) - LENGTH + 1):
        digest = hashlib.blake2b("\0".join(words[start : start + LENGTH]).encode("utf-8", "replace"), digest_size=6)
        numbers.add(int.from_bytes(digest.digest(), "big"))
    return sorted(numbers)[:MOST]


def words_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """A word for each node below a function, in order; its docstring and annotations are left out."""
    names: dict[str, str] = {}
    waiting: list[ast.AST] = [*reversed(below_docstring(function)), *reversed(function.args.args)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.expr_context, ast.Load)):
            continue
        told = type(node).__name__
        name = getattr(node, "id", None) or getattr(node, "arg", None)
        if isinstance(node, (ast.Name, ast.arg)) and name is not None:
            told += f" {names.setdefault(name, str(len(names)))}"
        elif isinstance(node, ast.Attribute):
            told += f" {node.attr}"
        elif isinstance(node, ast.Constant):
            told += f" {node.value!r}"[:100]
        yield told
        skipped = {"annotation", "returns", "type_comment"}
        children = [value for key, value in ast.iter_fields(node) if key not in skipped]
        for value in reversed(children):
            for each in reversed(value if isinstance(value, list) else [value]):
                if isinstance(each, ast.AST):
                    waiting.append(each)
