"""What ``--config`` reads: a file that names options, in TOML, YAML or JSON, or the options that an earlier run had.

A file holds names and values and nothing else, ``batch-size`` or ``batch_size`` alike::

    model = "resnet18"
    small-images = true
    epochs = 30
"""

from __future__ import annotations

import json
import re
import reprlib
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from torch_impl.missing import require
from torch_impl.options import OptionError, check_value, types

__all__ = ["Config", "read_config"]

SUFFIXES = (".toml", ".yaml", ".yml", ".json", ".ckpt")

OF_A_RUN = ("results.json", "last.ckpt")  # in its folder; the first that is there

MOST_BYTES = 2**20


class Config(NamedTuple):
    """Options by name, each of its type and in its range, and whether somebody chose each of them to be named."""

    values: dict[str, Any]
    chosen: bool


def read_config(path: Path) -> Config:
    """The options that a file names, or those of a run: of its folder, its ``results.json`` or one of its checkpoints.

    Raises:
        OptionError: there is no such file, it cannot be read, or something in it is no option or cannot be one.
        CheckpointError: a checkpoint cannot be read.
    """
    if path.is_dir():
        there = [path / name for name in OF_A_RUN if (path / name).exists()]
        if not there:
            raise OptionError(f"--config: the folder {path} holds no run: there is neither {' nor '.join(OF_A_RUN)}")
        path = there[0]
    if path.suffix not in SUFFIXES:
        raise OptionError(f"--config {path}: the name must end in {', '.join(SUFFIXES)}, or be that of a run's folder")
    if path.suffix == ".ckpt":
        from torch_impl.checkpoint import load_checkpoint, options_of  # with PyTorch, which files of text do without

        return Config(options_of(load_checkpoint(path), path).as_dict(), chosen=False)
    content = parse(path)
    saved = isinstance(content, dict) and isinstance(content.get("options"), dict)
    return Config(checked(content["options"] if saved else content, path), chosen=not saved)


def parse(path: Path) -> Any:
    """What a file of text holds."""
    try:
        if path.exists() and not path.is_file():
            raise OptionError(f"--config {path} is a device or a pipe, not a file")
        if path.stat().st_size > MOST_BYTES:
            raise OptionError(f"--config {path} is larger than {MOST_BYTES:,} bytes: it is no file of options")
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return parse_toml(text)
        return json.loads(text, object_pairs_hook=no_name_twice) if path.suffix == ".json" else parse_yaml(text)
    except OSError as error:
        raise OptionError(f"--config: cannot read {path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise OptionError(f"--config {path}: it is nested too deeply") from error
    except OptionError:
        raise
    except ValueError as error:  # of each parser, and of bytes that are no UTF-8
        raise OptionError(f"--config {path}: {' '.join(str(error).split())}") from error


def parse_toml(text: str) -> Any:
    """What TOML says."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        require("tomli")
        import tomli as tomllib

    return tomllib.loads(text)


def parse_yaml(text: str) -> Any:
    """What YAML says, with two things that PyYAML does not do: 1e-3 is a number, and no name may be there twice."""
    require("yaml")
    import yaml

    class Loader(yaml.SafeLoader):
        """With the numbers of YAML 1.2."""

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), "+-0123456789"
    )
    try:
        node = yaml.compose(text, Loader)
        if isinstance(node, yaml.MappingNode):
            no_name_twice([(str(name.value), None) for name, _ in node.value])
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Names and values as a dict.

    Raises:
        ValueError: a name is there twice.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is there twice")
    return values


def checked(content: Any, path: Path) -> dict[str, Any]:
    """The options by their own names, if the content is nothing else."""
    if not isinstance(content, dict):
        raise OptionError(f"--config {path}: it must hold names and values, not {reprlib.repr(content)}")
    values: dict[str, Any] = {}
    for written, value in content.items():
        name = str(written).replace("-", "_")
        if name not in types():
            likely = get_close_matches(name, types(), 1)
            advice = f": is it {likely[0]}?" if likely else ", see `python -m torch_impl train --help`"
            raise OptionError(f"--config {path}: there is no option {reprlib.repr(written)} of a training{advice}")
        if name in values:
            raise OptionError(f"--config {path}: {name} is there twice")
        try:
            check_value(name, value)
        except OptionError as error:
            raise OptionError(f"--config {path}: {error}") from error
        values[name] = value
    return values
