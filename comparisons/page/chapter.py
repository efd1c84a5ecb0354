"""One chapter on the page: what it is about, what differs, its numbers, curves, graphs and code."""

from __future__ import annotations

import sys

from comparisons.chapters import CHAPTERS
from comparisons.harness import Comparison, Report
from comparisons.page.code import sides_of
from comparisons.page.curves import curve_of
from comparisons.page.elements import Html, element, joined, prose, table
from comparisons.page.verdicts import verdict, verdict_of
from comparisons.stopping import MISSING
from comparisons.tolerances import TOLERANCES

__all__ = ["about", "chapter_of"]

COLUMNS = ("compared", "values", "max abs", "max rel", "allowed", "verdict")
MEASURES = {
    "element": "of each value",
    "largest": "of the largest value",
    "norm": "of the length of all values together",
}


def about(chapter: str) -> str:
    """What the chapter says of itself, in its paragraphs."""
    return sys.modules[CHAPTERS[chapter].__module__].__doc__ or ""


def chapter_of(report: Report, engine: str, graphs: Html, code: Html) -> Html:
    """The chapter's section. ``graphs`` and ``code`` are there already."""
    name = report.chapter
    told = verdict(verdict_of(report)), element("span", f" {report.seconds:.2f} s", class_="faint")
    curves = [curve_of(each, sides_of(name, engine), *points) for each, points in report.curves.items()]
    return element(
        "section",
        element("h2", name, " ", *told, id=f"{name}-title"),
        *[element("p", prose(each)) for each in about(name).split("\n\n")],
        numbers(report),
        element("div", *curves, class_="curves") if curves else "",
        graphs,
        code,
        element("p", element("a", "↑ all chapters", href="#chapters"), class_="up"),
        id=name,
        aria_labelledby=f"{name}-title",
    )


def numbers(report: Report) -> Html:
    """Every row of the chapter, and why so much is allowed."""
    rows = joined([row_of(each) for each in report.rows])
    used = dict.fromkeys(row.tolerance for row in report.rows if not row.unfinished)
    reasons = [element("div", element("dt", limit(name)), element("dd", why(name))) for name in used]
    return joined(
        [
            table(COLUMNS, [rows], class_="numbers", aria_label=f"The numbers of {report.chapter}"),
            element("dl", *reasons, class_="reasons") if reasons else "",
        ]
    )


def row_of(row: Comparison) -> Html:
    """One comparison, with what is to be said of it below."""
    cells: list[object] = [""] * 4
    if not row.unfinished:
        cells = [f"{row.values:,}", *row.differences, limit(row.tolerance)]
    told = [element("td", each) for each in (*cells, verdict(row.status))]
    kind = None if row.agrees else "lacking" if row.unfinished == MISSING else "bad"
    line = element("tr", element("th", row.subject, scope="row"), *told, class_=kind)
    if row.agrees:
        return line
    message = row.message.removeprefix(f"{row.subject}: ")
    cause = element("p", element("strong", "likely cause: "), row.cause) if row.cause else ""
    return joined([line, element("tr", element("td", element("p", message), cause, colspan="6"), class_="told")])


def limit(name: str) -> Html:
    """How much a tolerance allows, and which it is."""
    allowed = TOLERANCES[name].limit
    return joined([allowed, element("span", f" {name}", class_="faint")]) if name != allowed else joined([name])


def why(name: str) -> str:
    """What a tolerance allows in full, and its reason; "as above" is said of the entries before it."""
    allowed = TOLERANCES[name]
    names = list(TOLERANCES)
    before = [TOLERANCES[each].reason for each in names[: names.index(name)]]
    above = next((each for each in reversed(before) if not each.startswith("as above")), "")
    reason = allowed.reason.replace("as above", above, 1) if allowed.reason.startswith("as above") else allowed.reason
    if not allowed.relative and not allowed.absolute:
        return reason
    parts = [f"{allowed.relative:g} {MEASURES[allowed.measure]}"] if allowed.relative else []
    parts += [f"{allowed.absolute:g}"] if allowed.absolute else []
    return f"{' + '.join(parts)}: {reason}"
