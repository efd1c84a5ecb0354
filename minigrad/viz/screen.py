"""How large a picture will be, before Graphviz lays it out: what fits on a screen is not folded further."""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.viz.boxes import Arrow, Folded

__all__ = ["ROOM", "SCREEN", "TEXT", "check_size", "ranks_of", "size_of"]

SCREEN = (1920, 1080)  # in which a picture of automatic depth fits, with letters of at least
TEXT = 14
ROOM = 0.97  # of a screen, as sizes are estimated

# About what Graphviz makes of such letters.
LINE, LETTER, PADDING, RANK_GAP, BOX_GAP, TITLE, BORDER = 17, 7, 9, 22, 20, 22, 8
FRAMES_BESIDE = 1.3  # as wide, as a frame keeps others out of its columns


def check_size(folded: Folded, max_nodes: int) -> None:
    """Refuse what takes Graphviz long and nobody can read.

    Raises:
        TypeError: ``max_nodes`` is no integer.
        ValueError: there are more than ``max_nodes`` boxes, constants not counted.
    """
    if not isinstance(max_nodes, int):
        raise TypeError(f"max_nodes must be an integer, got {type(max_nodes).__name__}")
    boxes = sum(box.kind != "constant" for box in folded.boxes)
    if boxes > max_nodes:
        raise ValueError(
            f'the picture has more than max_nodes={max_nodes} nodes, {boxes}: fold it by depth= or collapse="auto", '
            "take a part of the computation, or raise max_nodes; minigrad.viz.text(y) tells a graph of any size"
        )


def size_of(folded: Folded) -> tuple[float, float]:
    """About how wide and how high Graphviz will lay it out, in the unit of the letters' size, which is 14."""
    chains: dict[str | None, list[str]] = {None: []}
    around: dict[str, list[str]] = {}
    for frame in folded.frames:  # each after the one around it
        chains[frame.path] = [frame.path, *chains[frame.parent]]
        around |= dict.fromkeys(frame.boxes, chains[frame.path])
    ranks = ranks_of([box.id for box in folded.boxes], folded.arrows)
    users: dict[str, list[str]] = {}
    for arrow in folded.arrows:
        users.setdefault(arrow.source, []).append(arrow.target)
    for name in reversed(list(ranks)):  # each stands near what uses it
        ranks[name] = min([ranks.get(user, 0) for user in users.get(name, ())], default=ranks[name] + 1) - 1
    inside: dict[str, list[int]] = {}
    for name, chain in around.items():
        for path in chain:
            inside.setdefault(path, []).append(ranks.get(name, 0))
    heights: dict[int, float] = {}
    widths: dict[int, float] = {}
    for box in folded.boxes:
        rank, chain = ranks.get(box.id, 0), around.get(box.id, [])
        begin = sum(min(inside[path]) == rank for path in chain) * (TITLE + BORDER)
        end = sum(max(inside[path]) == rank for path in chain) * BORDER
        height = LINE * len(box.lines) + PADDING + begin + end
        heights[rank] = max(heights.get(rank, 0.0), height)
        width = LETTER * max([len(line) for line in box.lines], default=1) + 2 * PADDING
        widths[rank] = widths.get(rank, 0.0) + width + BOX_GAP
    beside = FRAMES_BESIDE if folded.frames else 1.0
    return max(widths.values(), default=0.0) * beside, sum(heights.values()) + RANK_GAP * max(len(heights) - 1, 0)


def ranks_of(boxes: Iterable[str], arrows: Iterable[Arrow]) -> dict[str, int]:
    """How many boxes stand above each at least, in this order. A stranger's circle is left out."""
    waits_for = dict.fromkeys(boxes, 0)
    leaving: dict[str, list[str]] = {}
    for arrow in arrows:
        waits_for[arrow.target] += 1
        leaving.setdefault(arrow.source, []).append(arrow.target)
    order = [box for box, count in waits_for.items() if not count]
    ranks = dict.fromkeys(order, 0)
    for box in order:  # it grows
        for target in leaving.get(box, ()):
            waits_for[target] -= 1
            ranks[target] = max(ranks.pop(target, 0), ranks[box] + 1)
            if not waits_for[target]:
                order.append(target)
    return {box: ranks[box] for box in order}
