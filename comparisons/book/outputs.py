"""What a reader sees under a cell, as lines of text; and where two runs of a section differ in it.

Compared are printed text, results, warnings and errors (not their tracebacks), which kinds of picture there are, and
what can be read in drawn graphs and in the pages to step through. Pixels are not, nor what cells print that are tagged
``varies``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from html.parser import HTMLParser
from typing import Any

__all__ = ["VARIES", "Difference", "differences", "seen"]

VARIES = "varies"
SILENT = ("script", "style", "template")  # elements whose text nobody sees
MOST_LINES = 60  # of a difference


@dataclass(frozen=True)
class Difference:
    """A cell whose output is not what it was.

    Attributes:
        cell: its number in the notebook, from 1, Markdown cells counted.
        source: its first line.
        lines: what was and what is, as ``diff -u`` shows it.
    """

    cell: int
    source: str
    lines: list[str]


def differences(before: Any, after: Any, first: int | None = None) -> Iterator[Difference]:
    """The cells of two runs of the same cells that differ in what is seen; in the ``first`` so many if it is given."""
    for number, (was, now) in enumerate(zip(before.cells[:first], after.cells), 1):
        if now.cell_type != "code" or VARIES in now.metadata.get("tags", []):
            continue
        was_seen, now_seen = seen(was), seen(now)
        if was_seen != now_seen:
            lines = list(unified_diff(was_seen, now_seen, "what was", "what is", n=2, lineterm=""))
            if len(lines) > MOST_LINES:
                lines[MOST_LINES:] = [f"… and {len(lines) - MOST_LINES} lines more"]
            yield Difference(number, next(iter(now.source.splitlines()), ""), lines)


def seen(cell: Any) -> list[str]:
    """All that is compared of a code cell's outputs."""
    return [line for output in cell.outputs for line in lines_of(output)]


def lines_of(output: Any) -> Iterator[str]:
    """One output: a line that says what it is, then its text."""
    if output.output_type == "stream":
        yield f"[{output.name}]"
        yield from output.text.splitlines()
    elif output.output_type == "error":
        yield "[error]"
        yield from f"{output.ename}: {output.evalue}".splitlines()
    else:
        yield f"[{output.output_type}: {', '.join(sorted(output.data))}]"
        yield from text_of(output.data.get("text/plain", "")).splitlines()
        yield from words_of(text_of(output.data.get("text/html", "")))


def text_of(content: str | list[str]) -> str:
    """What a notebook keeps as one text or as lines."""
    return content if isinstance(content, str) else "".join(content)


def words_of(page: str) -> list[str]:
    """What can be read in HTML: its texts, those that stand for pictures, and those of a page in a frame."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader.lines


class Reader(HTMLParser):
    """Collects the texts of a page, one a line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        for name, value in attrs:
            if name in ("alt", "aria-label"):
                self.lines.append(f"({value})")
            elif name == "srcdoc":
                self.lines += words_of(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.lines += filter(None, map(str.strip, data.splitlines()))
