"""``program``: a program of one's own under PyTorch and under minigrad, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from comparisons.program.agreeing import SENSITIVITY, Found
from comparisons.program.running import Request, Unusable, compare_program
from comparisons.usage import wrong_usage
from torch_impl.missing import require

__all__ = ["program"]

DIFFERS, DID_NOT_FINISH = 1, 3


def program(
    file: Annotated[Path, typer.Argument(help="A program for PyTorch: .py or .ipynb.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="What it is told, after --.")] = None,
    steps: Annotated[int, typer.Option(min=0, help="End both after so many steps of an optimizer; 0: by itself.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of all random numbers.")] = 0,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that it may take.")] = 600.0,
    folder: Annotated[
        Path | None, typer.Option(help="What is copied: a folder that holds the program; else its own.")
    ] = None,
) -> None:
    """Run a program of yours on PyTorch and, its imports changed, on minigrad, and name the first difference.

    Losses, parameters after each step, printed numbers and the tensors left at the end are compared. Each engine has a
    copy of the program's folder, or of the one named, which is thrown away; the program runs in its own place there.
    """
    if file.suffix not in (".py", ".ipynb"):
        raise wrong_usage(f"{file}: its name must end in .py or .ipynb")
    if not file.is_file():
        raise wrong_usage(f"there is no file {file}")
    require("torch")
    try:
        found = compare_program(Request(file, arguments or (), steps, seed, timeout, folder))
    except Unusable as error:
        raise wrong_usage(str(error)) from None
    show(found, Console())
    if found.difference or found.stopped:
        raise typer.Exit(DIFFERS if found.difference else DID_NOT_FINISH)


def show(found: Found, console: Console) -> None:
    """Tell what was found: a table, and the first difference."""
    table = Table(title=found.name, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("compared")
    for heading in ("values", "max abs", "max rel", "verdict"):
        table.add_column(heading, justify="right")
    for row in found.report.rows:
        table.add_row(row.subject, f"{row.values:,}", *row.differences, "equal" if row.agrees else "DIFFERS")
    if found.report.rows:
        console.print(table)
    lines = []
    if found.rounding:
        lines.append(
            f"From {found.rounding} on values differ by rounding: by at most {SENSITIVITY:g} times what PyTorch's own "
            "do when its random numbers are larger by some units in the last place."
        )
    if found.difference:
        lines.append(f"The first difference: {found.difference}.")
    elif found.stopped:
        lines.append(f"Equal so far; {found.stopped}.")
    else:
        lines.append("Equal.")
    for line in lines:
        console.print(line, markup=False, highlight=False)
