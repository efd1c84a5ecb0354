"""How large a picture will be, before Graphviz lays it out: what fits on a screen is not folded further."""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.viz.boxes import Arrow, Folded

__all__ = ["SCREEN", "TEXT", "check_size", "ranks_of", "size_of"]

SCREEN = (1920, 1080)  # in which a picture of automatic depth fits, with letters of at least
TEXT = 14

# About what Graphviz makes of such letters.
LINE, LETTER, PADDING, RANK_GAP, BOX_GAP, TITLE, BORDER = 17, 7, 9, 22, 20, 22, 8
FRAMES_BESIDE = 1.3  # as wide, as a frame keeps others out of its columns


def check_size(folded: Folded, max_nodes: int) -> None:
    """Refuse what takes Graphviz long and nobody can read.

    Raises:
        ValueError: there are more than ``max_nodes`` boxes, constants not counted.
    """
    boxes = sum(box.kind != "constant" for box in folded.boxes)
    if boxes > max_nodes:
        raise ValueError(
            f'the picture has more than max_nodes={max_nodes} nodes, {boxes}: fold it by depth= or collapse="auto", '
            "take a part of the computation, or raise max_nodes; minigrad.viz.text(y) tells a graph of any size"
        )


def size_of(folded: Folded) -> tuple[float, float]:
    """About how wide and how high Graphviz will lay it out, in the unit of the letters' size, which is 14."""
    parents = {frame.path: frame.parent for frame in folded.frames}
    around: dict[str, list[str]] = {}
    for frame in folded.frames:
        chain = [frame.path]
        while parents[chain[-1]] is not None:
            chain.append(parents[chain[-1]] or "")
        for box in frame.boxes:
            around[box] = chain
    heights = {box.id: LINE * len(box.lines) + PADDING for box in folded.boxes}
    entering: dict[str, list[str]] = {box.id: [] for box in folded.boxes}
    leaving: dict[str, list[str]] = {box.id: [] for box in folded.boxes}
    for arrow in folded.arrows:
        entering[arrow.target].append(arrow.source)
        leaving[arrow.source].append(arrow.target)
    ranks = ranks_of(heights, folded.arrows)
    bottoms: dict[str, float] = {}
    for box in ranks:
        mine = around.get(box, [])
        tops = [float(len(mine) * (TITLE + BORDER))]
        for source in entering[box]:
            theirs = around.get(source, [])
            entered = sum(path not in theirs for path in mine)
            left = sum(path not in mine for path in theirs)
            tops.append(bottoms[source] + RANK_GAP + entered * (TITLE + BORDER) + left * BORDER)
        bottoms[box] = max(tops) + heights[box]
    widths: dict[int, float] = {}
    for each in folded.boxes:
        rank = ranks.get(each.id, 0)
        if not entering[each.id] and leaving[each.id]:  # a leaf stands near its user
            rank = min([ranks.get(target, 0) for target in leaving[each.id]]) - 1
        width = LETTER * max([len(line) for line in each.lines], default=1) + 2 * PADDING
        widths[rank] = widths.get(rank, 0.0) + width + BOX_GAP
    height = max([bottom + len(around.get(box, [])) * BORDER for box, bottom in bottoms.items()], default=0.0)
    beside = FRAMES_BESIDE if folded.frames else 1.0
    return max(widths.values(), default=0.0) * beside, height


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
