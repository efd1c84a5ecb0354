"""The losses of a training on both engines, as one picture in SVG that follows the page's colours."""

from __future__ import annotations

import math
from collections.abc import Sequence

from comparisons.page.elements import Html, element

__all__ = ["curve_of"]

WIDTH, HEIGHT = 460, 210
LEFT, RIGHT, TOP, BOTTOM = 76, 18, 12, 38  # of the letters around
TICKS = 5  # at most between the lowest and the highest number
LARGEST = 1e300  # of the numbers that can be reckoned with


def curve_of(name: str, sides: tuple[str, str], ours: Sequence[float], theirs: Sequence[float]) -> Html:
    """Both curves: the second's, PyTorch's, broad, and the first's thin upon it. What is no number is a gap.

    ``name`` ends with what the curves go along, such as "loss by step".
    """
    finite = [each for each in (*ours, *theirs) if drawable(each)]
    if not finite:
        return element("p", f"{name}: no number of it can be drawn.")
    low, high = min(finite), max(finite)
    low = 0.0 if 0 <= low < high / 2 else low
    ticks = nice_ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    last = max(len(ours), len(theirs))

    def x_of(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (step - 1) / max(last - 1, 1)

    def y_of(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    inside = [element("path", d=f"M{LEFT} {y_of(tick):.1f}H{WIDTH - RIGHT}", class_="grid") for tick in ticks]
    inside += [letters(LEFT - 8, y_of(tick) + 4, f"{tick:.6g}", "end") for tick in ticks]
    steps = [step for step in nice_ticks(1, last) if step == int(step) and 1 <= step <= last]
    inside += [letters(x_of(step), HEIGHT - BOTTOM + 18, f"{step:g}", "middle") for step in steps]
    inside.append(letters((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, name.rpartition(" ")[2], "middle"))
    for points, kind in ((theirs, "theirs"), (ours, "ours")):
        placed = [(x_of(step), y_of(loss)) if drawable(loss) else None for step, loss in enumerate(points, 1)]
        inside.append(element("path", d=path_of(placed), class_=kind))
    told = sentence(sides, ours, theirs)
    picture = element(
        "svg", *inside, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{name}: {told}", class_="curve"
    )
    key = [element("span", side, class_=kind) for side, kind in zip(sides, ("ours", "theirs"))]
    caption = element("figcaption", element("strong", name), f": {told}")
    return element("figure", caption, picture, element("p", *key, class_="key"))


def drawable(number: float) -> bool:
    """Whether it has a place: it is neither NaN nor beyond all measure."""
    return abs(number) < LARGEST


def letters(x: float, y: float, text: str, anchor: str) -> Html:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def path_of(points: Sequence[tuple[float, float] | None]) -> str:
    """Lines between neighbours; a point without a neighbour is a dot."""
    told, drawing = "", False
    for place, point in enumerate(points):
        if point is not None:
            told += f"{'L' if drawing else 'M'}{point[0]:.1f} {point[1]:.1f}"
            alone = not drawing and (place + 1 == len(points) or points[place + 1] is None)
            told += "h0" if alone else ""
        drawing = point is not None
    return told


def nice_ticks(low: float, high: float) -> list[float]:
    """Round numbers from below ``low`` to above ``high``."""
    if high - low <= max(1e-9 * abs(high), 1 / LARGEST):  # one number
        margin = abs(high) / 100 if abs(high) > 100 / LARGEST else 1.0
        return [high - margin, high, high + margin]
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = min(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= rough)
    return [step * number for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def sentence(sides: tuple[str, str], ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Where both begin and end, and how far apart they were."""
    apart = [abs(mine - yours) / abs(yours) if yours else abs(mine) for mine, yours in zip(ours, theirs)]
    if list(ours) == list(theirs):
        return f"from {ours[0]:.4g} to {ours[-1]:.4g}, on both the same to the last bit"
    ends = [f"{side} from {points[0]:.4g} to {points[-1]:.4g}" for side, points in zip(sides, (ours, theirs))]
    return f"{', '.join(ends)}; they differ by at most {max(apart):.1e} of {sides[1]}’s"
