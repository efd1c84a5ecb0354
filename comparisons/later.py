"""The commands of coursework and of the book, in files of their own: each is imported when it is named, for it brings
PyTorch, or what makes web sites, along."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from torch_impl.errors import Commands
from torch_impl.starting import stopping_at_once

__all__ = ["LATER", "WithLater"]

# The module in comparisons and the function of each command.
LATER = {
    "judge": ("coursework.commands.judge", "judge_engine"),
    "handout": ("coursework.commands.handout", "hand_out"),
    "mutants": ("coursework.commands.mutants", "mutants"),
    "check-course": ("coursework.commands.check_course", "check_the_course"),
    "grade": ("coursework.commands.grade", "grade"),
    "book": ("book.command", "book"),
    "program": ("program.command", "program"),
}


class WithLater(Commands):
    """The commands of ``cli.py``, and those in files of their own."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *LATER]

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in LATER:
            return super().get_command(ctx, name)
        place, function = LATER[name]
        with stopping_at_once():
            module = import_module(f"comparisons.{place}")
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(getattr(module, function))
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Names and what they do, without importing what they need."""
        rows = [(name, command.get_short_help_str(limit=200)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows + [(name, summary(*place)) for name, place in LATER.items()])


def summary(place: str, function: str) -> str:
    """The first line of what the source says about a command."""
    path = Path(__file__).parent.joinpath(*place.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (told,) = (ast.get_docstring(each) for each in tree.body if getattr(each, "name", "") == function)  # type: ignore[arg-type]
    return (told or "").splitlines()[0]
