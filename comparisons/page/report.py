"""The whole page: what ran, at a glance what agrees and what does not, and a section for each chapter."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import torch
from rich.text import Text

import minigrad
from comparisons.coursework.engines import EngineError, find_engine
from comparisons.engines import versions
from comparisons.harness import Report
from comparisons.page.chapter import about, chapter_of
from comparisons.page.code import code_of
from comparisons.page.elements import Html, element, joined, prose, table, text
from comparisons.page.graphs import graphs_of
from comparisons.page.verdicts import NOT_RUN, verdict, verdict_of
from comparisons.results import Results
from minigrad.viz.looks import CSS, variables
from torch_impl.checkpoint import replace_file

__all__ = ["Page"]

MOST_FINDINGS = 3  # of a chapter that are told above; the others are told in the chapter
MEANINGS = {
    0: "all agree",
    1: "something differs, or an error ended the run",
    2: "wrong usage",
    3: "nothing differs, but something did not finish",
    130: "interrupted",
}


class Page:
    """The page of a run, ``index.html`` in a folder that is made when it is written.

    Args:
        folder: where it will be.
        engine: the engine under test, as the command line names it. Its files are read now, and not imported.

    Attributes:
        draws: whether the chapters are to draw their graphs, as they can where minigrad is under test.
    """

    def __init__(self, folder: Path, engine: str) -> None:
        self.file = folder / "index.html"
        self.engine = engine
        self.draws = engine == "minigrad"
        self.begun = datetime.now(timezone.utc)
        self.graphs: dict[str, Html] = {}
        try:
            found = find_engine(engine)
            self.sources, self.digest = found.sources, f"SHA-256 of its files {found.digest}"
        except EngineError as error:
            self.sources, self.digest = {}, f"its files were not read: {error}"

    def draw(self, report: Report) -> None:
        """Lay out the graphs of a chapter that has run."""
        self.graphs[report.chapter] = graphs_of(report.figures)

    def write(self, results: Results) -> None:
        """Write the page: all of it, or nothing.

        Raises:
            OSError: it cannot be written.
        """
        content = self.content(results).encode("utf-8", "replace")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.file, content)

    def content(self, results: Results) -> str:
        """The page as text."""
        style = (Path(__file__).parent / "look.css").read_text(encoding="utf-8")
        style += f"{CSS}@media print {{ .minigrad-graph {{ {variables('light')} }} }}\n"
        hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
        name = str(results.engine.get("name", self.engine))
        title = f"{name} beside PyTorch"
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)}</title>
<style>{style}</style>
</head>
<body>
<header>
{element("h1", title)}
{summary(results)}
</header>
<main>
{contents(results)}
{findings(results)}
{self.facts(results)}
{joined([self.chapter(report, name) for report in results.reports])}
</main>
</body>
</html>
"""

    def chapter(self, report: Report, engine: str) -> Html:
        """A chapter's section."""
        graphs = self.graphs.get(report.chapter, Html())
        if not self.draws and any("graph" in row.subject for row in report.rows):
            graphs = element("p", "Graphs are compared, and drawn only where minigrad is under test.", class_="faint")
        return chapter_of(report, engine, graphs, code_of(report.chapter, engine, self.sources))

    def facts(self, results: Results) -> Html:
        """What the results depend on."""
        engine = {key: value for key, value in results.engine.items() if value is not None} or {"name": self.engine}
        found = versions()
        facts = {
            "engine under test": ", ".join([f"{value}" for value in engine.values()]),
            "its text": self.digest,
            "seed": results.seed,
            "type": results.dtype,
            "PyTorch’s device": results.device,
            "data": results.data,
            "versions": ", ".join([f"{each} {found[each]}" for each in ("minigrad", "torch", "numpy", "python")]),
            "machine": f"{found['system']}, {os.cpu_count()} processors",
            "threads": f"PyTorch {torch.get_num_threads()}, minigrad {minigrad.get_num_threads()}",
            "begun": f"{self.begun:%Y-%m-%d %H:%M:%S} UTC",
            "exit status": f"{results.status}: {MEANINGS.get(results.status, 'an error')}",
        }
        rows = [element("div", element("dt", name), element("dd", value)) for name, value in facts.items()]
        return element("section", element("h2", "The run", id="run"), element("dl", *rows), aria_labelledby="run")


def summary(results: Results) -> Html:
    """The last line of the command line, and what stopped the run before its end."""
    rows = results.counts.total()
    told = [element("p", Text.from_markup(results.closing()).plain)] if rows else []
    if results.stop_reason:
        done = f"{len(results.reports)} of {len(results.chapters)} chapters had run"
        told.insert(0, element("p", f"Stopped: {results.stop_reason}. {done}."))
    return element("div", *told, class_="summary good" if not results.status else "summary")


def contents(results: Results) -> Html:
    """The chapters with their verdicts: those that ran, then those that did not."""
    rows = []
    for report in results.reports:
        counts = [sum(row.status == "equal" for row in report.rows), len(report.rows)]
        link = element("a", report.chapter, href=f"#{report.chapter}")
        cells = [verdict(verdict_of(report)), f"{counts[0]} of {counts[1]}", f"{report.seconds:.2f} s"]
        rows.append(row_of(link, report.chapter, cells))
    for name in results.chapters[len(results.reports) :]:
        rows.append(row_of(name, name, [verdict(NOT_RUN), "", ""]))
    total = f"{sum(report.seconds for report in results.reports):.2f} s"
    headings = ("chapter", "verdict", "equal", joined(["time", element("span", f" {total}", class_="faint")]))
    whole = table([*headings, "what it is about"], rows, class_="contents", aria_label="The chapters")
    return element("nav", element("h2", "Chapters", id="chapters"), whole, aria_labelledby="chapters")


def row_of(link: object, chapter: str, cells: Sequence[object]) -> Html:
    """One chapter in the table of contents."""
    told = [element("td", each) for each in (*cells, prose(about(chapter).partition("\n")[0]))]
    return element("tr", element("th", link, scope="row"), *told)


def findings(results: Results) -> Html:
    """What does not agree, the first causes first."""
    items = []
    for report in results.reports:
        found = [each for each in results.findings() if each.startswith(f"{report.chapter}: ")]
        items += [element("li", each) for each in found[:MOST_FINDINGS]]
        if len(found) > MOST_FINDINGS:
            link = element("a", f"{len(found) - MOST_FINDINGS} more", href=f"#{report.chapter}")
            items.append(element("li", f"{report.chapter}: ", link))
    title = element("h2", "What does not agree, in the order in which it came about", id="findings")
    return element("section", title, element("ul", *items), aria_labelledby="findings") if items else Html()
