"""The drawings of a chapter's graphs, laid out, as parts of one page: each engine's, and both in one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from comparisons.page.elements import Html, element, joined
from minigrad.viz.drawing import Drawing

__all__ = ["graphs_of"]

LARGEST = 400_000  # letters of a picture on the page
SIDES = {"minigrad": "minigrad", "torch": "PyTorch", "diff": "both in one"}


def graphs_of(figures: Mapping[str, Drawing]) -> Html:
    """Three pictures of each graph. The first is open, and those that differ; the others open at a click."""
    names = list(dict.fromkeys(name.rpartition("-")[0] for name in figures))
    parts = []
    for name in names:
        found = (figures[f"{name}-diff"].told or "").partition(": ")[2]
        pictures = [picture_of(figures[f"{name}-{side}"], f"{name}-{side}", title) for side, title in SIDES.items()]
        summary = element("summary", f"Graphs: {name}, ", element("span", found, class_="faint"))
        shown = "" if name == names[0] or not found.endswith("equal") else None
        parts.append(element("details", summary, element("div", *pictures, class_="graphs"), open=shown))
    return joined(parts)


def picture_of(drawing: Drawing, name: str, title: str) -> Html:
    """A drawing laid out, or why it is not."""
    try:
        picture = str(drawing.pipe("svg", quiet=True, encoding="utf-8"))
    except (ImportError, RuntimeError, TimeoutError) as error:
        return element("p", f"{title} is not drawn: {error}")
    picture = re.sub(r"<style>.*?</style>\n", "", picture[picture.index("<svg") :], flags=re.DOTALL)
    picture = re.sub(r'( id=")', rf"\1{name}-", picture)  # the names of elements hold for the whole page
    picture = re.sub(r'^(<svg .*? width="\d+)pt(" height="\d+)pt', r"\1px\2px", picture)  # letters as those around
    if len(picture) > LARGEST:
        return element("p", f"{title} is too large for this page: --figures writes it to {name}.svg.")
    graph = element("div", Html(picture), class_="graph", role="region", tabindex="0", aria_label=f"{name}, {title}")
    return element("figure", element("figcaption", title), graph)
