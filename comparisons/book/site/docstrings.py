"""Docstrings as Sphinx takes them: what only looks like markup in formulas is text."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["setup"]

# Literals, roles and links stay as they are; outside of them ``*`` is a product and ``|x|`` a magnitude.
MARKED = re.compile(r"(``.+?``|:\w+:`.+?`|`.+? <.+?>`_+)")
LOOKS_MARKED = re.compile(r"([*|])|(?<=\w)(_)(?!\w)")


def setup(app: Any) -> None:
    """Change every docstring before napoleon finds the sections in it."""
    app.connect("autodoc-process-docstring", clean, priority=400)


def clean(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Change the lines of a docstring in their place."""
    if what == "data" and getattr(value, "__doc__", None) == type(value).__doc__:
        lines[:] = []  # a dictionary's own says nothing of this one
    literal = None  # how far a block of code is indented at least
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indent < literal:
            literal = None
        if literal is None and not line.lstrip().startswith(">>>"):
            lines[number] = "".join(escaped(part) for part in MARKED.split(line))
            if line.rstrip().endswith("::"):
                literal = indent + 1


def escaped(text: str) -> str:
    """A piece of a line; unchanged where it is marked up."""
    return text if MARKED.fullmatch(text) else LOOKS_MARKED.sub(r"\\\g<0>", text)
