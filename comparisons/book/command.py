"""``book``: run the book's sections and look whether they show what they showed; or make the web site of them."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from comparisons.book.checking import Checked, check, fault_of
from comparisons.book.sections import Section, find_sections
from comparisons.book.site.building import SiteError, build, check_place
from comparisons.usage import check_folder, show_progress, wrong_usage
from torch_impl.missing import require

__all__ = ["book"]


def book(
    section: Annotated[
        list[str] | None, typer.Option(help="Run this section only, by its number or name; may be given several times.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Make the notebooks anew of what the sections show now.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Build the web site of the notebooks in this folder; without --write, no more.")
    ] = None,
    limit: Annotated[float, typer.Option(min=1, help="Seconds that a cell may take.")] = 30.0,
) -> None:
    """Run the book offline, section by section, and compare what it shows with its notebooks; or build its web site.

    A changed output is shown and is a failure; the notebook stays as it is unless --write is given.
    """
    if out is not None:
        check_site(out, section is not None and not write)
    try:
        sections = find_sections(section)
        everything = find_sections()
    except LookupError as error:
        raise wrong_usage(error.args[0]) from None
    console = Console()
    if out is None or write:
        run(sections, limit, write, console)
    if out is not None:
        make_site(everything, out, console)


def run(sections: list[Section], limit: float, write: bool, console: Console) -> None:
    """Run sections and tell what came of each; what is not as it should be ends the command."""
    results = []
    for each in sections:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            progress = partial(show_progress, bar, bar.add_task(each.name, total=None))
            results.append(check(each, limit, write, progress))
        tell(console, results[-1])
    seconds = sum(sum(each.run.seconds) for each in results if each.run)
    console.print(f"{len(results)} sections, {seconds:.0f} s: {closing(results)}", highlight=False)
    statuses = {each.status for each in results}
    if statuses - {0}:
        raise typer.Exit(min(statuses - {0}))


def check_site(folder: Path, alone: bool) -> None:
    """Refuse a folder in which no site can be made, before anything is run."""
    if alone:
        raise wrong_usage("--section is what is run, and --out alone runs nothing: the site is of the whole book")
    require("sphinx", "myst_nb", "furo", "sphinx_copybutton", "sphinx-mathjax-offline")
    check_folder("--out", folder, "index.html")
    reason = check_place(folder)
    if reason is not None:
        raise wrong_usage(f"--out {folder}: {reason}")


def make_site(sections: list[Section], folder: Path, console: Console) -> None:
    """Build the site, or tell why there is none; what was there before stays then."""
    faults = [fault for fault in map(fault_of, sections) if fault]
    if not faults:
        started = time.perf_counter()
        try:
            with console.status("the site"):
                build(sections, folder)
        except SiteError as error:
            faults = str(error).splitlines()
    for fault in faults:
        console.print(Text(fault, "bold red"), soft_wrap=True)
    if faults:
        raise typer.Exit(1)
    seconds = time.perf_counter() - started
    told = f"The site, made in {seconds:.0f} s: {folder / 'index.html'}"
    console.print(told, markup=False, highlight=False, soft_wrap=True)


def tell(console: Console, checked: Checked) -> None:
    """A line about a section, and what is to be looked at in it."""
    line = f"{checked.section.name:24}"
    if checked.run is not None:
        seconds = checked.run.seconds
        line += f"{len(seconds):4} cells {sum(seconds):6.1f} s, the slowest {max(seconds, default=0):5.1f} s  "
    line += "written" if checked.written else ("equal" if checked.status == 0 else "")
    console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)
    for each in checked.changed:
        title = f"{checked.section.notebook.name}, cell {each.cell}: {each.source}"
        console.print(Text(title, "bold red"), soft_wrap=True)
        for text in each.lines:
            style = {"-": "red", "+": "green"}.get(text[:1], "")
            console.print(Text(text, style), soft_wrap=True)
    if checked.fault:
        console.print(Text(checked.fault, "bold red"), soft_wrap=True)


def closing(results: list[Checked]) -> str:
    """How many sections are not as they should be."""
    wrong = sum(each.status != 0 for each in results)
    if wrong:
        return f"{wrong} to be looked at"
    return "all written" if all(each.written for each in results) else "all equal"
