"""The names of PyTorch's in a program: what it imports, chains of attributes that begin there, and methods it calls.

What a name stands for is told by imports and by assignments such as ``F = torch.nn.functional``, wherever they stand.
Of a value nothing is known: a method is told by its name alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from minigrad.compat.programs import Piece
from minigrad.compat.verdicts import PYTORCH

__all__ = ["Uses", "uses_of"]

Places = list[tuple[str, str]]


@dataclass
class Uses:
    """What a program uses.

    Attributes:
        names: dotted names, from ``torch`` on, each with the line where it stands.
        guesses: the same, where what they begin with means something else in another line.
        methods: the names of what it calls on values, each with its line.
        defined: functions, classes and attributes of its own.
        libraries: packages that it imports.
    """

    names: Places = field(default_factory=list)
    guesses: Places = field(default_factory=list)
    methods: Places = field(default_factory=list)
    defined: set[str] = field(default_factory=set)
    libraries: set[str] = field(default_factory=set)


def uses_of(pieces: Iterable[Piece]) -> Uses:
    """What the pieces of one program use; they share what they bind."""
    nodes = [(where, node) for where, tree in pieces for node in ast.walk(tree)]
    uses = Uses()
    meaning: dict[str, str] = {}  # what names of PyTorch's are called
    foreign, bound, renamed = set(), set(), set()
    stars = []
    for where, node in nodes:
        for name, source in imports(node):
            if source.partition(".")[0] != "torch":
                uses.libraries.add(source.partition(".")[0])
                foreign.add(name)
            elif name == "*":
                stars.append(source)
            else:
                meaning[name] = "torch" if name == "torch" else source
                uses.names.append((source, place(where, node)))
    for _, node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            root, attributes = chain(node.value)
            if root in meaning and node.targets[0].id not in meaning:
                meaning[node.targets[0].id] = ".".join([meaning[root], *attributes])
                renamed.add(node.targets[0])
    for _, node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            uses.defined.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            uses.defined.add(node.attr)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in renamed:
            bound.add(node.id)
    bound |= uses.defined
    inner = set()  # of longer chains
    for where, node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if chain(node.func)[0] not in meaning and beginning(node.func) not in foreign:
                uses.methods.append((node.func.attr, place(where, node)))
        elif isinstance(node, ast.Attribute):
            inner.add(node.value)
            root, attributes = chain(node) if node not in inner else (None, [])
            if root in meaning:
                kind = uses.guesses if root in bound else uses.names
                kind.append((".".join([meaning[root], *attributes]), place(where, node)))
        elif isinstance(node, ast.Name) and not (node.id in bound or node.id in foreign or node.id in meaning):
            sources = [star for star in stars if node.id in PYTORCH.get(star, ())]
            uses.names += [(f"{star}.{node.id}", place(where, node)) for star in sources]
    return uses


def imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a statement imports, and what each stands for; in ``import a.b`` a name for all of it."""
    if isinstance(node, ast.Import):
        for each in node.names:
            yield each.asname or each.name.partition(".")[0], each.name
    elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
        for each in node.names:
            yield each.asname or each.name, node.module if each.name == "*" else f"{node.module}.{each.name}"


def chain(node: ast.AST) -> tuple[str | None, list[str]]:
    """The name that a chain such as ``nn.functional.relu`` begins with, None for another beginning; and the rest."""
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id if isinstance(node, ast.Name) else None), attributes[::-1]


def beginning(node: ast.AST) -> str | None:
    """The name that a chain with calls and subscripts begins with."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def place(where: str, node: ast.AST) -> str:
    """A line, for the reader."""
    line = f"line {node.lineno}"  # type: ignore[attr-defined]
    return f"{where}, {line}" if where else line
