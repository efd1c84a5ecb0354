"""What an expression stands for while it is scripted: a value of the graph, or what is known without running.

``x`` is a :class:`Value`. ``self.stride`` is a number that does not change, and ``nn.functional.relu`` a function: both
are :class:`Known`, and never become values unless a node needs them. ``self.layer1`` is a :class:`Part`, and ``(a, b)``
:class:`Items`, which are taken apart again without a node.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import textwrap
from dataclasses import dataclass
from typing import Any

from minigrad import nn
from minigrad.caller import told_file
from minigrad.jit.graph import Value

__all__ = ["Items", "Known", "Method", "NotSupportedError", "Part", "Source", "Undefined", "place_of"]


PLAIN_DECORATORS = ("property", "staticmethod", "override", "typing.override")  # they change nothing that a call does


class NotSupportedError(RuntimeError):
    """What ``script`` cannot take: the message names the file, the line, and what to do.

    Counterpart: ``torch.jit.frontend.NotSupportedError``.
    """


@dataclass(frozen=True)
class Known:
    """A Python object that is known without running. ``written``: it stands in the source, as ``2`` does; arithmetic on
    such numbers is left to the program, and to the pass that folds it."""

    value: Any
    written: bool = False


@dataclass(frozen=True)
class Items:
    """A tuple or a list that was written out."""

    items: tuple[Any, ...]
    is_list: bool = False


@dataclass(frozen=True)
class Part:
    """A module: the one that is scripted, or one in it, by the names that lead there."""

    module: nn.Module
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """A method before it is called: of a tensor or a list, or of a module, then with its function."""

    of: Value | Items | Part
    name: str
    function: Any = None


@dataclass(frozen=True)
class Undefined:
    """A variable that has a value on some ways only."""

    why: str


class Source:
    """The text of a function: its tree, and what each line of it is called.

    Raises:
        NotSupportedError: the source is not there, or is not that of a plain ``def``.
    """

    def __init__(self, function: Any) -> None:
        self.function = inspect.unwrap(function)
        code = self.function.__code__
        self.file = code.co_filename
        try:
            lines, first = inspect.getsourcelines(self.function)
            tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        except (OSError, SyntaxError, IndexError) as error:
            raise NotSupportedError(
                f"script reads the source of {self.function.__qualname__}, and it is not to be had ({error}): write it "
                f"in a file or a cell of a notebook, or use minigrad.jit.trace"
            ) from None
        self.first = first
        if not isinstance(tree, ast.FunctionDef):
            raise self.refused(tree, "is no plain function", "write it as a def")
        self.tree = tree
        for each in tree.decorator_list:
            if ast.unparse(each) not in PLAIN_DECORATORS:
                raise self.refused(tree, f"{tree.name} has the decorator {ast.unparse(each)}", "leave it out")

    def line(self, node: ast.AST) -> int:
        """The number in the file of a node's line."""
        return int(getattr(node, "lineno", 1)) + self.first - 1

    def place(self, node: ast.AST) -> str:
        """``file:line`` of a node, as graphs show it."""
        return place_of(self.file, self.line(node))

    def refused(self, node: ast.AST, what: str, instead: str) -> NotSupportedError:
        """The error that names the line of ``node``, says what is wrong there, and what to do."""
        line = self.line(node)
        text = linecache.getline(self.file, line).strip()
        return NotSupportedError(f'script: {what}: {instead}\n  File "{told_file(self.file)}", line {line}\n    {text}')


def place_of(file: str, line: int) -> str:
    """``file:line``, without folders."""
    return f"{os.path.basename(told_file(file))}:{line}"
