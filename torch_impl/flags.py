"""A command's options, made from the fields of ``TrainingOptions``: ``options.py`` has all that is known of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from torch_impl.config import Config, read_config
from torch_impl.options import TrainingOptions, refuse_idle, types

__all__ = ["Grouped", "combine", "with_training_options"]

CONFIG_HELP = "Options from a file: .toml, .yaml or .json; or those of a run: its folder, results.json or a checkpoint"


class Grouped(TyperCommand):
    """A command whose help lists its options group by group."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(each, "rich_help_panel", None) or "Options", []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


def with_training_options(command: Callable[..., None]) -> Callable[..., None]:
    """``command``, with an option for every field of ``TrainingOptions`` before its own, and ``--config``.

    Typer reads a command's options from the function's signature, so the fields are written into it. ``command`` gets
    one argument in their place, the checked ``options``.
    """

    @wraps(command)
    def run(context: typer.Context, config: Path | None, **values: Any) -> None:
        named = {name: values.pop(name) for name in types()}
        given = {name: value for name, value in named.items() if is_given(context, name)}
        command(combine(given, None if config is None else read_config(config)), **values)

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    made = [parameter(each) for each in fields(TrainingOptions)]
    config = annotated("config", Path | None, None, typer.Option(help=CONFIG_HELP))
    context = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    run.__signature__ = inspect.Signature([context, *made, config, *own])  # type: ignore[attr-defined]
    return run


def parameter(field: Field[Any]) -> Parameter:
    """A field as a parameter of a function that Typer reads."""
    about = typer.Option(help=field.metadata["help"], rich_help_panel=field.metadata["group"])
    return annotated(field.name, types()[field.name], field.default, about)


def annotated(name: str, kind: Any, default: Any, about: Any) -> Parameter:
    """A parameter of the type ``kind``, and what Typer is to know about it."""
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=Annotated[kind, about])


def is_given(context: typer.Context, name: str) -> bool:
    """Whether the option stands on the command line, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def combine(given: dict[str, Any], config: Config | None) -> TrainingOptions:
    """The options: what is ``given`` goes before what the config says, and that before the defaults.

    Raises:
        OptionError: a value cannot be, or somebody chose an option that changes nothing beside the others.
    """
    values, chosen = config or Config({}, chosen=False)
    options = TrainingOptions(**{**values, **given})
    options.check()
    refuse_idle({**values, **given} if chosen else given, options)
    return options
