"""The graph as the page shows it: for each depth of folding one SVG, laid out beforehand, so that nothing jumps.

Boxes have a fixed size with room for a value or a gradient and for the state, which the page fills in. Graphviz says
where they stand; the letters are of equal width, so their place is known whatever fonts a reader has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from minigrad.viz.folding import Arrow, Box, Folded, fold
from minigrad.viz.layout import laid_out

if TYPE_CHECKING:
    from minigrad.viz.trace import Trace

__all__ = ["ROOM", "View", "first_shown", "views_of"]

DEPTHS = (3, 2, 1, 0)
MOST_BOXES = 700  # of a graph that is shown without folding, if there is something to fold
FEW_BOXES = 40  # in the view that is shown first, if there is one with so few

LETTER, LINE, SIZE = 8.45, 19, 14  # of text: a letter's width, a line's height, the font's size
ROOM = 20  # letters that a value or a state may have
PAD = 10  # around the text of a box
HEAD = 10  # an arrow's, its length


@dataclass(frozen=True)
class View:
    """One SVG, and which nodes and edges its boxes and arrows stand for."""

    name: str
    folded: Folded
    svg: str


def views_of(trace: Trace) -> list[View]:
    """The views that differ, the most detailed first."""
    found: list[View] = []
    whole = fold(trace, collapse=False)
    ways = [("every operation", whole)] if len(whole.boxes) <= MOST_BOXES else []
    for depth in DEPTHS if trace.groups else DEPTHS[-1:]:
        name = f"modules of depth {depth}" if depth else "the whole model" if trace.groups else "loops folded"
        ways.append((name, fold(trace, depth=depth)))
    for name, folded in ways:
        if any(each.folded.boxes == folded.boxes for each in found):
            continue
        try:
            found.append(View(name, folded, svg_of(folded)))
        except TimeoutError:
            if (name, folded) == ways[-1] and not found:
                raise
    return found


def first_shown(views: list[View]) -> int:
    """The number of the view to begin with: the most detailed one that is small, else the smallest."""
    small = (number for number, view in enumerate(views) if len(view.folded.boxes) <= FEW_BOXES)
    return next(small, len(views) - 1)


def svg_of(folded: Folded) -> str:
    """The picture, without colours: they are the page's."""
    laid = json.loads(laid_out(dot_of(folded), "json0", quiet=True))
    left, bottom, right, top = numbers(laid["bb"])
    places = {each["name"]: each for each in laid.get("objects", ())}
    parts, titles = [], []
    for number, frame in enumerate(folded.frames):
        if f"cluster{number}" in places:
            x, low, end, high = numbers(places[f"cluster{number}"]["bb"])
            parts.append(rectangle("frame", x, top - high, end - x, high - low, 6))
            titles.append(words(x + 8, top - high + 17, frame_title(frame), "title"))
    for edge in laid.get("edges", ()):
        number = int(edge["number"])
        parts.append(arrow_svg(number, folded.arrows[number], edge, top))
    parts += titles  # above the arrows
    for number, box in enumerate(folded.boxes):
        x, y = numbers(places[f"b{number}"]["pos"])
        parts.append(box_svg(number, box, x, top - y))
    width, height = rounded(right - left), rounded(top - bottom)
    return f'<svg viewBox="0 0 {width} {height}" data-width="{width}">{"".join(parts)}</svg>'


def dot_of(folded: Folded) -> str:
    """What Graphviz is to lay out: boxes by their sizes, and frames."""
    lines = [
        "digraph {",
        f"graph [nodesep=0.4 ranksep=0.6 nslimit=1 nslimit1=1 fontname=Courier fontsize={SIZE} labeljust=l]",
        f'node [shape=box fixedsize=true label=""] edge [fontname=Courier fontsize={SIZE}]',
    ]
    numbered = {box.id: number for number, box in enumerate(folded.boxes)}
    for number, box in enumerate(folded.boxes):
        width, height = size_of(box)
        lines.append(f"b{number} [width={width / 72:.3f} height={height / 72:.3f}]")
    inside: dict[str | None, list[str]] = {None: [], **{frame.path: [] for frame in folded.frames}}
    for number, frame in reversed(list(enumerate(folded.frames))):  # each before the one around it
        title = "m" * len(frame_title(frame))  # letters of equal width: only their count matters
        boxes = [f"b{numbered[box]}" for box in frame.boxes]
        told = [f'subgraph cluster{number} {{ label="{title}"', *boxes, *inside[frame.path], "}"]
        inside[frame.parent] = told + inside[frame.parent]
    lines += inside[None]
    for number, arrow in enumerate(folded.arrows):
        label = f' label="{"m" * len(arrow.label)}"' if arrow.label else ""
        lines.append(f"b{numbered[arrow.source]} -> b{numbered[arrow.target]} [number={number}{label}]")
    return "\n".join([*lines, "}"])


def frame_title(frame: Any) -> str:
    return ": ".join([each for each in (frame.path, frame.kind) if each]) or "model"


def size_of(box: Box) -> tuple[float, float]:
    """Of a box; a number needs no room for more."""
    if is_number(box):
        return max(6, len(box.lines[0])) * LETTER + 2 * PAD, LINE + PAD
    letters = max(ROOM, *[len(line) for line in box.lines])
    rows = len(box.lines) + (1 if box.kind == "constant" else 2)
    return letters * LETTER + 2 * PAD, rows * LINE + PAD


def is_number(box: Box) -> bool:
    return box.kind == "constant" and len(box.lines) == 1


def box_svg(number: int, box: Box, x: float, y: float) -> str:
    """A box with its lines, and room for a value and a state; what repeats has another box behind it."""
    width, height = size_of(box)
    left, top = x - width / 2, y - height / 2
    corner = {"operation": 12, "constant": height / 2}.get(box.kind, 2)
    parts = [rectangle("behind", left + 5, top + 5, width, height, corner)] if box.times > 1 else []
    parts.append(rectangle("body", left, top, width, height, corner))
    if box.kind in ("output", "module"):
        parts.append(rectangle("inner", left + 3.5, top + 3.5, width - 7, height - 7, 1))
    y = top + PAD / 2 - 5
    for line in box.lines:
        y += LINE
        parts.append(words(x, y, line))
    if not is_number(box):
        parts.append(words(x, y + LINE, "", "value"))
    if box.kind != "constant":
        parts.append(words(x, y + 2 * LINE, "", "state"))
    named = f'class="box {box.kind}" data-box="{number}" role="graphics-symbol" tabindex="-1"'
    return f"<g {named}><title>{escape(box.tooltip)}</title>{''.join(parts)}</g>"


def arrow_svg(number: int, arrow: Arrow, edge: dict[str, Any], top: float) -> str:
    """A curve with a head, and another at its beginning for when a gradient goes back."""
    told = edge["pos"].split()  # the end, then the points of the curve
    ends = [numbers(each[2:]) for each in told if each.startswith("e,")]
    points = [numbers(each) for each in told if each[0] not in "es"]
    tip = ends[0] if ends else points[-1]
    begin, *others = [f"{rounded(x)} {rounded(top - y)}" for x, y in points]
    curve = f"M{begin}C{' '.join(others)}L{rounded(tip[0])} {rounded(top - tip[1])}"
    heads = f'<path class="head" d="{head(points[-1], tip, top)}"/>'
    if arrow.needs_grad:
        (x, y), (next_x, next_y) = points[0], points[1]
        length = ((next_x - x) ** 2 + (next_y - y) ** 2) ** 0.5 or 1
        foot = [x + (next_x - x) / length * HEAD, y + (next_y - y) / length * HEAD]
        heads += f'<path class="head back" d="{head(foot, points[0], top)}"/>'
    label = ""
    if arrow.label and "lp" in edge:
        x, y = numbers(edge["lp"])
        label = words(x, top - y + 5, arrow.label)
    kind = "arrow" if arrow.needs_grad else "arrow constant"
    return f'<g class="{kind}" data-arrow="{number}"><path d="{curve}"/>{heads}{label}</g>'


def head(foot: list[float], tip: list[float], top: float) -> str:
    """A triangle from ``foot`` to ``tip``."""
    along_x, along_y = tip[0] - foot[0], tip[1] - foot[1]
    length = (along_x**2 + along_y**2) ** 0.5 or 1
    side_x, side_y = -along_y / length * HEAD / 2, along_x / length * HEAD / 2
    corners = [(foot[0] + side_x, foot[1] + side_y), tip, (foot[0] - side_x, foot[1] - side_y)]
    return f"M{'L'.join([f'{rounded(x)} {rounded(top - y)}' for x, y in corners])}Z"


def rectangle(kind: str, x: float, y: float, width: float, height: float, corner: float) -> str:
    size = f'width="{rounded(width)}" height="{rounded(height)}" rx="{rounded(corner)}"'
    return f'<rect class="{kind}" x="{rounded(x)}" y="{rounded(y)}" {size}/>'


def words(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{rounded(x)}" y="{rounded(y)}">{escape(text)}</text>'


def numbers(text: str) -> list[float]:
    return [float(each) for each in text.split(",")]


def rounded(value: float) -> str:
    """Half a unit is exact enough."""
    return f"{round(value * 2) / 2:.1f}".removesuffix(".0")
