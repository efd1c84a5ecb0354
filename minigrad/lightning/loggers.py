"""Loggers: what writes down the metrics of a training. ``CSVLogger`` into a table, one line a time."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.caller import warn_user
from minigrad.saving.files import replace_file

__all__ = ["CSVLogger", "Logger"]


class Logger:
    """The base of every logger. Counterpart: ``lightning.pytorch.loggers.Logger``."""

    name: str | None = None
    version: int | str | None = None
    save_dir: str | None = None  # what a checkpoint's folder is made of, with name and version

    @property
    def log_dir(self) -> str | None:
        """The folder of this run."""
        return None

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Metrics at one step.

        Raises:
            NotImplementedError: a logger of one's own does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what it does with metrics")

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        """What the module was made with."""

    def save(self) -> None:
        """Write what was not written yet."""

    def finalize(self, status: str) -> None:
        """The run is over: "success" or "failed"."""
        self.save()


class CSVLogger(Logger):
    """Writes ``save_dir/name/version_0/metrics.csv``: a line for each time that metrics came, a column a metric.

    Beside the metrics there are "step", the number of the optimizer step, and "epoch". Hyperparameters go into
    ``hparams.yaml``. Counterpart: ``lightning.pytorch.loggers.CSVLogger``.

    Args:
        save_dir: the folder of all runs.
        name: of the folder of some of them. None: none.
        version: the number of the run, or its folder's name. Default: the next number that is free.
        prefix: put before every metric's name, with a "-".
        flush_logs_every_n_steps: how often lines are written by themselves; a Trainer has them written at once.
    """

    save_dir: str
    name: str

    def __init__(
        self,
        save_dir: str | os.PathLike[str],
        name: str | None = "lightning_logs",
        version: int | str | None = None,
        prefix: str = "",
        flush_logs_every_n_steps: int = 100,
    ) -> None:
        self.save_dir = os.fspath(save_dir)
        self.name = name or ""
        self.prefix = prefix
        self.flush_logs_every_n_steps = flush_logs_every_n_steps
        self.version = next_version(self.root_dir) if version is None else version
        self.hyperparameters: dict[str, Any] = {}
        self._columns: list[str] = []
        self._lines: list[dict[str, Any]] = []  # not written yet
        self._begun = False

    @property
    def root_dir(self) -> str:
        """The folder of the runs of this name."""
        return os.path.join(self.save_dir, self.name)

    @property
    def log_dir(self) -> str:
        """The folder of this run."""
        return os.path.join(self.root_dir, self.version if isinstance(self.version, str) else f"version_{self.version}")

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """One line: numbers, or tensors of one element; ``step`` counts up by default."""
        line = {f"{self.prefix}-{name}" if self.prefix else name: number(each) for name, each in metrics.items()}
        self._lines.append({**line, "step": len(self._lines) if step is None else step})
        if (self._lines[-1]["step"] + 1) % self.flush_logs_every_n_steps == 0:
            self.save()

    def log_hyperparams(self, params: Mapping[str, Any]) -> None:
        """Write them at once. Values are written as JSON, which YAML reads."""
        self._begin()
        self.hyperparameters.update(params)
        lines = [f"{name}: {json.dumps(each, default=str)}\n" for name, each in self.hyperparameters.items()]
        replace_file(os.path.join(self.log_dir, "hparams.yaml"), "".join(lines).encode())

    def save(self) -> None:
        """Add the lines that were not written yet; where they have new columns, the table is written anew."""
        if not self._lines:
            return
        self._begin()
        path = os.path.join(self.log_dir, "metrics.csv")
        columns = sorted({*self._columns, *[name for line in self._lines for name in line]})
        if columns == self._columns:
            with open(path, "a", encoding="utf-8", newline="") as file:
                file.write(table(columns, self._lines))
        else:
            before: list[dict[str, Any]] = []
            if self._columns:
                with open(path, encoding="utf-8", newline="") as file:
                    before = list(csv.DictReader(file))
            replace_file(path, table(columns, [*before, *self._lines], header=True).encode())
        self._columns, self._lines = columns, []

    def _begin(self) -> None:
        """Make the run's folder."""
        if not self._begun:
            if os.path.isdir(self.log_dir) and os.listdir(self.log_dir):
                warn_user(
                    f"Experiment logs directory {self.log_dir} exists and is not empty. Previous log files in this "
                    f"directory will be deleted when the new ones are saved!"
                )
            os.makedirs(self.log_dir, exist_ok=True)
            self._begun = True


def number(value: Any) -> Any:
    """What a line holds of a number, or of a tensor of one element."""
    return value.item() if hasattr(value, "item") else value


def table(columns: list[str], lines: Iterable[Mapping[str, Any]], header: bool = False) -> str:
    """Lines as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    if header:
        writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def next_version(folder: str) -> int:
    """The number after the highest of a folder's ``version_`` folders."""
    if not os.path.isdir(folder):
        return 0
    versions = [name.removeprefix("version_") for name in os.listdir(folder) if name.startswith("version_")]
    return max([int(each) for each in versions if each.isdigit()], default=-1) + 1
