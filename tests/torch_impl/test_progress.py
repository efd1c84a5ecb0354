"""``torch_impl.progress``: what is trained and how it goes fits a terminal of 80 columns, and epochs stay on it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import nn

from torch_impl import progress
from torch_impl.progress import TrainingProgress, device_name
from torch_impl.training import Tally

CPU = torch.device("cpu")


def row(epoch: int, accuracy: float = 93.214, validation: float | None = 92.5) -> dict[str, Any]:
    judged = {"validation_loss": 0.2511 if validation else None, "validation_accuracy": validation}
    return {"epoch": epoch, "loss": 0.23144, "accuracy": accuracy, **judged}


def tell(epochs: int, steps: int, begun: int, rows: list[dict[str, Any]]) -> None:
    """A run of the epochs in ``rows``, each shown at its last step and the one before."""
    with TrainingProgress(epochs, steps, quiet=False) as told:
        told.begin(CPU, nn.Linear(784, 500), 54_000, begun)
        for each in rows:
            for step in (steps - 1, steps):
                told.move(each["epoch"], step)
                told.show(each["epoch"], step, Tally(CPU), torch.tensor(0.25), 12_345.6)
            told.end_epoch(each)


def plain(text: str) -> list[str]:
    """The lines that a terminal would have shown, each time that they were."""
    return [
        line for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n").split("\n") if line.strip()
    ]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("epochs", [2, 999])
def test_bar_loss_and_time_left_fit_80_columns_and_epochs_stay(epochs: int, capsys: pytest.CaptureFixture[str]) -> None:
    tell(epochs, 600, 0, [row(epochs - 1), row(epochs)])
    lines = plain(capsys.readouterr().out)
    assert max(len(line) for line in lines) <= 80
    kept = [line for line in lines if "━" not in line]
    threads = torch.get_num_threads()
    header = f"cpu ({threads} thread{'s' * (threads > 1)}), 392,500 parameters, 54,000 images, {epochs} × 600 steps"
    numbers = "loss 0.2314, accuracy 93.21 %, validation 0.2511, 92.50 %, 0.0 s"
    assert kept == [header, *(f"Epoch [{epoch}/{epochs}] {numbers}" for epoch in (epochs - 1, epochs))]
    bar = lines[-1]
    assert re.fullmatch(rf"Epoch \[{epochs}/{epochs}\] loss 0\.2500, 12,346 images/s ━{{9,}} 0:00:00", bar)


@pytest.mark.parametrize("seconds", [0.4, 9.94, 9.96, 123.4, 999.4])
@pytest.mark.parametrize(("accuracy", "shown"), [(9.8765, "9.877"), (93.2, "93.20"), (100.0, "100.0")])
def test_the_longest_lines_fit(
    seconds: float, accuracy: float, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = TrainingProgress(999, 12_345, quiet=False)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: told.since + seconds)
    told.end_epoch(row(999, accuracy, validation=accuracy))
    line = capsys.readouterr().out.rstrip("\n")
    assert len(line) <= 80 and line.count(f"{shown} %") == 2 and line.endswith(" s")
    assert float(line.split()[-2]) == pytest.approx(seconds, abs=0.5 if seconds > 10 else 0.06)


def test_without_a_terminal_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    tell(3, 600, 600, [row(2, validation=None)])
    header, step, epoch = capsys.readouterr().out.splitlines()
    assert header.endswith("54,000 images, 3 × 600 steps")
    assert step == "Epoch [2/3], Step [599/600], Loss: 0.2500, Accuracy: 0.00 %, 12,346 images/s"
    assert epoch == "Epoch [2/3] loss 0.2314, accuracy 93.21 %, 0.0 s"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("step", "epoch"), [(0, 1), (99, 1), (950, 10), (1000, 10)])
def test_the_bar_of_a_resumed_run_begins_where_it_stopped(step: int, epoch: int) -> None:
    with TrainingProgress(10, 100, quiet=False) as told:
        told.begin(CPU, nn.Linear(1, 1), 10, step)
        (task,) = told.bar.tasks
        assert (task.completed, task.fields["epoch"]) == (step, epoch)


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(1, 1, quiet=True) as told:
        told.begin(CPU, nn.Linear(1, 1), 10)
        told.end_epoch(row(1))
        told.complain("nobody hears")
    assert capsys.readouterr() == ("", "")


def test_a_gpu_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "NVIDIA H200")
    assert device_name(torch.device("cuda:1")) == "cuda:1 (H200)"
    assert device_name(torch.device("mps")) == "mps"
