"""The command line: run the chapters, train on both engines in step (``train``), measure the speed (``bench``),
judge an engine that may be anybody's (``judge``), grade what a class handed in (``grade``), or run the book (``book``).

Exit status 0 when all agree, 1 when anything differs or something cannot be written, 2 on wrong usage, 3 when nothing
differs but something did not finish, 130 on Ctrl-C.

What takes seconds to import, PyTorch above all, is imported by the command that needs it: the help does without.
"""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import ExitStack
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from comparisons.later import WithLater
from comparisons.stopping import MISSING, STOPPED
from comparisons.tolerances import TOLERANCES
from comparisons.usage import check_folder, check_output, failing, refused, show_progress, wrong_usage
from torch_impl.files import replace_file
from torch_impl.missing import require
from torch_impl.names import DATASETS
from torch_impl.starting import stopping_at_once

if TYPE_CHECKING:
    from comparisons.comparing import Comparison
    from comparisons.harness import Report
    from comparisons.running import Here, InItsProcess

__all__ = ["app", "main"]

app = typer.Typer(
    name="comparisons",
    cls=WithLater,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LARGEST = 2**31 - 1  # of what is counted
MOST_THREADS = 1024
SEEDS = {"min": -(2**63), "max": 2**64 - 1}  # as PyTorch's


class Dtype(str, Enum):
    """The types that the chapters run in."""

    float64 = "float64"
    float32 = "float32"


DeviceOption = Annotated[str, typer.Option(help="Where PyTorch computes: cpu, cuda, mps.")]
DtypeOption = Annotated[Dtype, typer.Option(help="The type that both engines compute in.")]
DataOption = Annotated[str, typer.Option(help="What the networks are trained on: " + ", ".join(DATASETS))]
DataRootOption = Annotated[str | None, typer.Option(help="The folder of the data sets.")]
SeedOption = Annotated[int, typer.Option(**SEEDS, help="The seed given to both engines.")]
ENGINE = "The engine under test: a module's name, or the path of a file or of a package. By default minigrad."
EngineOption = Annotated[str | None, typer.Option(help=ENGINE)]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", min=1, help="Seconds without a sign of life after which an engine is given up.")
]
PATIENCE = 300.0


VERDICTS = {
    "equal": "[green]equal[/]",
    "differs": "[bold red]DIFFERS[/]",
    STOPPED: "[bold red]stopped[/]",
    MISSING: "[yellow]not there yet[/]",
}


def table_of(report: Report) -> Table:
    """One chapter as a table: a row a subject."""
    table = Table(title=report.chapter, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("compared")
    for heading in ("values", "max abs", "max rel", "allowed"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in report.rows:
        table.add_row(*cells(row))
    return table


def cells(row: Comparison) -> list[str]:
    """One comparison as the cells of its row."""
    verdict = VERDICTS[row.status]
    if row.unfinished:
        return [row.subject, "", "", "", "", verdict]
    return [row.subject, f"{row.values:,}", *row.differences, TOLERANCES[row.tolerance].limit, verdict]


def check_data(name: str) -> None:
    """Refuse an unknown data set."""
    if name not in DATASETS:
        raise wrong_usage(f"there is no data set {name!r}: choose from {', '.join(DATASETS)}")


def engine_under_test(name: str, patience: float) -> Here | InItsProcess:
    """The engine under test, ready; refused where it cannot be imported."""
    from comparisons.engines import NoEngine
    from comparisons.running import engine_for

    try:
        return engine_for(name, patience)
    except NoEngine as error:
        raise wrong_usage(str(error)) from None


def check_place(context: typer.Context) -> None:
    """Refuse options of the chapters before a command, all but --engine: the command would not heed them."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if name != "engine" and source is not None and source.name == "COMMANDLINE":
            option = {"list_chapters": "list", "json_file": "json"}.get(name, name.replace("_", "-"))
            command = context.invoked_subcommand
            raise wrong_usage(
                f"--{option} before {command} is the chapters': give what {command} --help names after it"
            )


def engine_of(context: typer.Context, engine: str | None) -> str:
    """The engine named after a command, or else before it."""
    before = context.parent.params["engine"] if context.parent else None
    return next((name for name in (engine, before) if name is not None), "minigrad")


def check_device(device: str) -> str:
    """The device, if PyTorch can compute on it."""
    import torch

    try:
        torch.zeros((), device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise wrong_usage(f"PyTorch cannot compute on --device {device}: {reason}") from None
    return device


@app.callback(invoke_without_command=True)
def compare(
    context: typer.Context,
    only: Annotated[list[str] | None, typer.Option(help="Run this chapter only; may be given several times.")] = None,
    list_chapters: Annotated[bool, typer.Option("--list", help="Name the chapters and stop.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Write the chapters' graphs, and where they differ, into this folder.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with code, numbers, graphs and curves into this folder.")
    ] = None,
    device: DeviceOption = "cpu",
    dtype: DtypeOption = Dtype.float64,
    data: DataOption = "digits",
    data_root: DataRootOption = None,
    seed: SeedOption = 0,
    engine: EngineOption = None,
    timeout: TimeoutOption = PATIENCE,
) -> None:
    """Run every concept on minigrad and on PyTorch and assert equal outputs and gradients."""
    if context.invoked_subcommand is not None:
        check_place(context)
        return
    with stopping_at_once():
        from comparisons.chapters import CHAPTERS, NEEDS
        from comparisons.page import Page
        from comparisons.results import Results
        from comparisons.settings import Settings
    if list_chapters:
        for name, chapter in CHAPTERS.items():
            summary = (sys.modules[chapter.__module__].__doc__ or "").splitlines()[0]
            typer.echo(f"{name:15} {summary}")
        return
    for name in only or []:
        if name not in CHAPTERS:
            raise wrong_usage(f"there is no chapter {name!r}: choose from {', '.join(CHAPTERS)}")
    check_data(data)
    if json_file is not None:
        check_output("--json", json_file)
    if html is not None:
        check_folder("--html", html, "index.html")
    if figures is not None and not figures.is_dir():
        raise wrong_usage(f"--figures {figures}: there is no such folder")
    chosen_engine = engine_of(context, engine)
    if figures is not None and chosen_engine != "minigrad":
        raise wrong_usage("--figures draws the graphs of minigrad and PyTorch: leave it out with another engine")
    check_device(device)
    chosen = list(dict.fromkeys(only or CHAPTERS))
    require(*[library for name in chosen for library in NEEDS.get(name, ())])
    if figures is not None and shutil.which("dot") is None:
        require("pygraphviz")
    console = Console()
    results = Results(seed, dtype.value, device, data, chosen)
    page = None if html is None else Page(html, chosen_engine)
    try:
        with engine_under_test(chosen_engine, timeout) as tested:
            results.engine = tested.about
            for name in chosen:
                with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
                    settings = Settings(
                        dtype=dtype.value,
                        device=device,
                        data=data,
                        data_root=data_root,
                        seed=seed,
                        figures=figures is not None or (page is not None and page.draws),
                        progress=partial(show_progress, bar, bar.add_task(name, total=None)),
                    )
                    report = tested.chapter(name, settings)
                results.reports.append(report)
                console.print(table_of(report))
                if figures is not None:
                    for title, drawing in report.figures.items():
                        drawing.save(figures / f"{title}.svg")
                if page is not None:
                    page.draw(report)
    except BaseException as error:
        results.stopped(error)
        raise
    finally:
        with ExitStack() as written:  # each, whatever becomes of the other
            if page is not None:
                written.callback(page.write, results)
            if json_file is not None:
                written.callback(replace_file, json_file, (json.dumps(results.as_dict(), indent=2) + "\n").encode())
    for line in results.findings():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(results.closing())
    if page is not None:
        console.print(f"The page: {page.file}", markup=False, highlight=False, soft_wrap=True)
    if results.status:
        raise typer.Exit(results.status)


@app.command()
def train(
    context: typer.Context,
    model: Annotated[Literal["neural-net", "resnet18", "resnet34"], typer.Option(help="The network.")] = "neural-net",
    epochs: Annotated[int, typer.Option(min=1, max=LARGEST, help="How often every image is seen.")] = 1,
    batch_size: Annotated[int, typer.Option(min=2, max=LARGEST, help="Images a step.")] = 50,
    limit: Annotated[int | None, typer.Option(min=2, max=LARGEST, help="Train on so many images only.")] = None,
    figure: Annotated[Path, typer.Option(help="The picture of both loss curves: .png, .svg or .pdf.")] = Path(
        "loss-curves.png"
    ),
    device: DeviceOption = "cpu",
    dtype: DtypeOption = Dtype.float32,
    data: DataOption = "digits",
    data_root: DataRootOption = None,
    seed: SeedOption = 0,
    engine: EngineOption = None,
    timeout: TimeoutOption = PATIENCE,
) -> None:
    """Train a network on both engines in step, and write both loss curves into one picture."""
    if figure.suffix not in (".png", ".svg", ".pdf"):
        raise wrong_usage(f"--figure {figure}: the name must end in .png, .svg or .pdf")
    check_data(data)
    check_output("--figure", figure)
    require("matplotlib")
    with stopping_at_once():
        from comparisons.curves import check_batches, plot
        from comparisons.running import TrainingStopped
        from comparisons.settings import Settings
    check_device(device)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal)
    with engine_under_test(engine_of(context, engine), timeout) as tested, bar:
        settings = Settings(
            dtype=dtype.value,
            device=device,
            data=data,
            data_root=data_root,
            seed=seed,
            progress=partial(show_progress, bar, bar.add_task(model, total=None)),
        )
        check_batches(settings, model, batch_size, limit)
        try:
            curves = tested.train(settings, model, batch_size, epochs, limit)
        except TrainingStopped as error:
            raise refused(model, str(error)) from None
    replace_file(figure, plot(curves, figure.suffix.removeprefix(".")))
    table = Table(title=curves.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("engine", "first loss", "last loss", "test accuracy"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    for name, losses, accuracy in zip((curves.engine, "PyTorch"), (curves.ours, curves.theirs), curves.accuracies):
        table.add_row(name, f"{losses[0]:.4f}", f"{losses[-1]:.4f}", f"{accuracy:.1f} %")
    console.print(table)
    console.print(f"The losses differ by at most {curves.largest_difference:.1e} of PyTorch's. Both curves: {figure}")


@app.command()
def bench(
    context: typer.Context,
    rounds: Annotated[int, typer.Option(min=1, max=LARGEST, help="How often each side is measured, in turn.")] = 15,
    threads: Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="Threads that each side may use.")] = 2,
    only: Annotated[list[str] | None, typer.Option(help="Only work with this in its name; may be repeated.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")] = None,
    engine: EngineOption = None,
) -> None:
    """Measure an engine against PyTorch: a process each, in turn, same threads, medians."""
    if json_file is not None:
        check_output("--json", json_file)
    with stopping_at_once():
        from comparisons.benchmark import measure
    chosen = engine_of(context, engine)
    with engine_under_test(chosen, PATIENCE) as tested:
        name = tested.about["name"]
    console = Console()
    with failing("bench"):
        measured = measure(rounds, threads, only or (), chosen)
    table = Table(title=measured.conditions, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("work")
    for heading in (name, "PyTorch", "ratio", "best", "quartiles"):
        table.add_column(heading, justify="right")
    for row in measured.rows:
        low, high = row.spread
        table.add_row(
            row.work,
            f"{row.ours * 1e6:,.1f} µs",
            f"{row.theirs * 1e6:,.1f} µs",
            f"{row.ratio:.2f}",
            f"{row.best_ratio:.2f}",
            f"{low:.2f}–{high:.2f}",
        )
    console.print(table)
    for each in measured.memory:
        megabytes = f"{each.ours / 1e6:,.0f} MB, PyTorch {each.theirs / 1e6:,.0f} MB, ratio {each.ratio:.2f}"
        console.print(f"Net peak memory of {each.work}: {name} {megabytes}")
    for work, reason in measured.missing.items():
        console.print(f"{work}: {MISSING}: {reason}", markup=False, highlight=False, soft_wrap=True)
    if json_file is not None:
        replace_file(json_file, (json.dumps({"engine": tested.about, **measured.as_dict()}, indent=2) + "\n").encode())


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m comparisons")
