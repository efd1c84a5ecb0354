"""The commands of coursework, in files of their own: each is imported when it is named, for it brings PyTorch along."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from torch_impl.errors import Commands
from torch_impl.starting import stopping_at_once

__all__ = ["COURSEWORK", "WithCoursework"]

# The file in coursework/commands/ and the function of each command.
COURSEWORK = {
    "judge": ("judge", "judge_engine"),
    "handout": ("handout", "hand_out"),
    "mutants": ("mutants", "mutants"),
    "check-course": ("check_course", "check_the_course"),
    "grade": ("grade", "grade"),
}


class WithCoursework(Commands):
    """The commands of ``cli.py``, and those of coursework."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *COURSEWORK]

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in COURSEWORK:
            return super().get_command(ctx, name)
        file, function = COURSEWORK[name]
        with stopping_at_once():
            module = import_module(f"comparisons.coursework.commands.{file}")
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(getattr(module, function))
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Names and what they do, without importing what they need."""
        rows = [(name, command.get_short_help_str(limit=200)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows + [(name, summary(*place)) for name, place in COURSEWORK.items()])


def summary(file: str, function: str) -> str:
    """The first line of what the source says about a command."""
    path = Path(__file__).parent / "coursework" / "commands" / f"{file}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (told,) = (ast.get_docstring(each) for each in tree.body if getattr(each, "name", "") == function)  # type: ignore[arg-type]
    return (told or "").splitlines()[0]
