"""HTML by small functions. A text that is put into an element is escaped, whoever wrote it; only HTML is not."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from minigrad.viz.telling import shown

__all__ = ["Html", "element", "joined", "prose", "table", "text"]

LONGEST = 4000  # signs of a text that are shown


class Html(str):
    """What is HTML already."""


def text(content: object) -> Html:
    """Any text as HTML: nothing in it is a tag, and signs that cannot be seen are shown by their numbers."""
    if isinstance(content, Html):
        return content
    told = str(content)
    cut = told if len(told) <= LONGEST else f"{told[:LONGEST]} … ({len(told) - LONGEST:,} signs more)"
    return Html("\n".join([escape(shown(line)) for line in cut.split("\n")]))


def element(tag: str, *content: object, **attributes: object) -> Html:
    """``<tag …>content</tag>``.

    Args:
        content: HTML as it is, all else as text.
        attributes: by their names, with ``_`` for ``-``, and ``class_`` for ``class``; one that is None is left out.
    """
    told = [
        f' {name.rstrip("_").replace("_", "-")}="{text(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    return Html(f"<{tag}{''.join(told)}>{joined(content)}</{tag}>")


def joined(parts: Iterable[object]) -> Html:
    """One after the other, as HTML."""
    return Html("".join([text(each) for each in parts]))


def prose(docstring: str) -> Html:
    """A text in which ``code`` stands between two pairs of backquotes."""
    return joined(element("code", part) if place % 2 else part for place, part in enumerate(docstring.split("``")))


def table(headings: Iterable[object], rows: Iterable[Html], **attributes: object) -> Html:
    """A table, which scrolls where it is too wide for its place."""
    head = element("thead", element("tr", *[element("th", each, scope="col") for each in headings]))
    whole = element("table", head, element("tbody", *rows), class_=attributes.pop("class_", None))
    return element("div", whole, class_="wide", role="region", tabindex="0", **attributes)
