"""An SVG of Graphviz's made fit to be read: tooltips that browsers show, a text instead of it, and both themes."""

from __future__ import annotations

import re
from html import escape

from minigrad.viz.looks import CSS

__all__ = ["finished", "inline"]

ROOT = re.compile(r"<svg (?=width=)")
TITLE = re.compile(r"(<g id=\"graph0\" class=\"graph\"[^>]*>\n)<title>[^<]*</title>\n")
# Graphviz writes a box's name as its title, and wraps what has a tooltip in a link that leads nowhere.
TIP = re.compile(r"<title>[^<]*</title>\n<g id=\"a_[^\"]*\"><a xlink:title=\"([^\"]*)\">\n(.*?)</a>\n</g>\n", re.DOTALL)
UNTOLD = re.compile(r"(<g id=\"[^\"]*\" class=\"cluster[^>]*>\n)<title>[^<]*</title>\n")


def finished(picture: str, told: str, *, follows_theme: bool) -> str:
    """``picture`` with ``told`` for who cannot see it, and tooltips.

    ``follows_theme``: light or dark as its reader's surroundings are.
    """
    picture = TIP.sub(r"<title>\1</title>\n\2", UNTOLD.sub(r"\1", TITLE.sub(r"\1", picture)))
    style = f"<style>{CSS}</style>\n" if follows_theme else ""
    kind = 'class="minigrad-graph" ' if follows_theme else ""  # for which the style holds, in all of a notebook
    root = f'<svg {kind}role="img" aria-label="{escape(told)}" '
    picture = ROOT.sub(lambda _: root, picture, count=1)
    return re.sub(r"(<svg [^>]*>\n)", lambda found: f"{found[1]}{style}", picture, count=1)


def inline(picture: str) -> str:
    """``picture`` as a part of an HTML page; what is too wide for it scrolls."""
    return f'<div style="overflow: auto">\n{picture[picture.find("<svg") :]}</div>'
