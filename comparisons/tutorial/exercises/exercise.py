"""What an exercise of the book is: names to be written, and the cases that they are asked."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from comparisons.coursework.cases import Case
from comparisons.coursework.grading.modules import is_hole
from comparisons.coursework.holes import below_docstring

__all__ = ["Exercise", "is_stub"]

Definition = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Exercise:
    """Something that the reader of a section writes.

    Attributes:
        id: the section's number and its own, such as "2.1".
        title: a few words.
        names: the functions and classes to be written, in the order in which ``check`` takes them.
        cases: what they are asked. In a case's program ``engine`` is minigrad with these names laid over it:
            ``engine.softmax(x)`` is the reader's. PyTorch's program stands beside it, in ``theirs``.
    """

    id: str
    title: str
    names: tuple[str, ...]
    cases: tuple[Case, ...]


def is_stub(definition: ast.stmt) -> bool:
    """Whether nothing is written yet: the body of the function, or of one of the class's, is ``...`` alone."""
    functions = [each for each in (definition, *getattr(definition, "body", [])) if isinstance(each, Definition[:2])]
    return not functions or any(is_empty(each) for each in functions)


def is_empty(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has nothing below its docstring but ``...`` or a NotImplementedError; ``pass`` is written."""
    return is_hole(function) or (len(below_docstring(function)) <= 1 and ast.unparse(function.body[-1]) == "...")
