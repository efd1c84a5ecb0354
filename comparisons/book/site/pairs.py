"""Cells of a notebook that tell the same on both engines, set side by side."""

from __future__ import annotations

from typing import Any

from docutils import nodes

__all__ = ["setup"]

ENGINES = {"tag_pytorch": "PyTorch", "tag_minigrad": "minigrad"}  # in their order; MyST-NB makes classes of tags


def setup(app: Any) -> None:
    """Change every page that was read."""
    app.connect("doctree-read", set_side_by_side)


def set_side_by_side(app: Any, doctree: nodes.document) -> None:
    """Put each cell of PyTorch's and the one of minigrad's right after it into one box, and name the engine of each."""
    cells = [cell for cell in doctree.findall(nodes.container) if engine_of(cell)]
    for cell in cells:
        cell.insert(0, nodes.paragraph("", ENGINES[engine_of(cell)], classes=["engine"]))
    for cell in cells:
        parent, place = cell.parent, cell.parent.index(cell)
        after = parent[place + 1] if place + 1 < len(parent) else None
        if [engine_of(cell), engine_of(after)] == [*ENGINES]:
            pair = nodes.container("", cell, after, classes=["pair"])
            parent[place : place + 2] = [pair]


def engine_of(node: Any) -> str:
    """The class by which a cell is one engine's; nothing for every other node."""
    return next((name for name in ENGINES if isinstance(node, nodes.Element) and name in node["classes"]), "")
