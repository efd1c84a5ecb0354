"""What is drawn of a graph: boxes, arrows and frames, as data. How they are found is told in ``folding.py``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Arrow", "Box", "Folded", "Frame"]


@dataclass(frozen=True)
class Box:
    """What is drawn in one place.

    Attributes:
        id: a node's, or one for several of them.
        kind: ``leaf``, ``operation``, ``output`` or ``constant``; ``module``, a folded one.
        nodes: the ids of the nodes that it stands for.
        lines: its text.
        tooltip: what is known beyond that.
        times: how many equal parts it stands for.
        mark: where two graphs are drawn, which has it: ``first``, ``second`` or, in another way, both: ``differs``.
    """

    id: str
    kind: str
    nodes: tuple[str, ...]
    lines: tuple[str, ...]
    tooltip: str = ""
    times: int = 1
    mark: str = ""


@dataclass(frozen=True)
class Arrow:
    """The values that go from one box to another.

    Attributes:
        source, target: the boxes' ids.
        edges: the numbers in ``trace.edges`` that it stands for.
        label: which output it carries, where there are several.
        needs_grad: whether a gradient goes the other way.
        tooltip: which input it is.
        mark: as that of a box.
    """

    source: str
    target: str
    edges: tuple[int, ...]
    label: str
    needs_grad: bool
    tooltip: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Frame:
    """A module around boxes.

    Attributes:
        path: of the module, and which call it is, if it was called before.
        kind: its class.
        parent: the path of the frame around it, None outside.
        boxes: the ids of those that stand in it and in no frame within it.
    """

    path: str
    kind: str
    parent: str | None
    boxes: tuple[str, ...]


@dataclass(frozen=True)
class Folded:
    """What is drawn. ``depth`` is that of the modules that were folded; None: none was."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...]
    depth: int | None
