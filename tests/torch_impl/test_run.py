"""``torch_impl.run``: a run stopped anywhere and resumed is the run not stopped, to the last bit; killed runs too."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_impl.checkpoint import CheckpointError, load_checkpoint
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run, TrainingError, best_epoch
from torch_impl.tally import Tally

REPOSITORY = Path(__file__).parents[2]

SMALL = TrainingOptions(hidden_size=20, epochs=3, validation=0.2)


def place(folder: Path, **others: Any) -> Place:
    return Place(torch.device("cpu"), folder, figures=False, **others)


def same(first: Any, second: Any) -> bool:
    """Whether two checkpoints, or parts of them, are equal to the last bit."""
    if isinstance(first, Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(same(one, other) for one, other in zip(first, second))
    return bool(first == second)


class StoppedHere(Exception):
    """The end of a run's process."""


class StoppingRun(Run):
    """Stops after a step, as if the process had died."""

    def __init__(self, options: TrainingOptions, place: Place, last_step: int) -> None:
        super().__init__(options, place)
        self.last_step = last_step

    def on_step(self, tally: Tally, loss: Tensor) -> None:
        super().on_step(tally, loss)
        if self.step == self.last_step:
            raise StoppedHere


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"augment": True, "accumulate": 3, "optimizer": "sgd", "lr": 0.1, "schedule": "one-cycle", "warmup": 3},
        {"precision": "fp16", "optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 1.0, "deterministic": True},
        {"model": "conv-block", "channels_last": True, "batch_size": 400},
    ],
    ids=str,
)
def test_stopped_and_resumed_is_not_stopped(change: dict[str, Any], tmp_path: Path) -> None:
    """Stopped twice, in the middle of epochs; checkpoints are written every three steps."""
    options = dataclasses.replace(SMALL, **change)
    whole = Run(options, place(tmp_path / "whole", save_every=3)).run()
    steps = load_checkpoint(tmp_path / "whole" / "last.ckpt")["step"]
    for stop in (steps // 2 + 1, steps - 1):
        with pytest.raises(StoppedHere):
            StoppingRun(options, place(tmp_path / "stopped", save_every=3, resume=True), stop).run()
    resumed = Run(options, place(tmp_path / "stopped", save_every=3, resume=True)).run()
    assert (resumed.loss, resumed.accuracy) == (whole.loss, whole.accuracy)
    for name in ("last.ckpt", "best.ckpt"):
        first, second = (load_checkpoint(tmp_path / folder / name) for folder in ("whole", "stopped"))
        assert same(first, second), name
    assert same((tmp_path / "whole" / "metrics.csv").read_text(), (tmp_path / "stopped" / "metrics.csv").read_text())
    torch.use_deterministic_algorithms(False)


# Starts the command again and again in forks of one process, which spares importing torch each time, and kills it.
# Arguments: folder, kills. Prints how many kills there were, how many while a file was being written, and the folders
# of the runs that ended.
KILLER = """
import gc, json, os, random, signal, sys, time
import pydantic, sklearn.datasets, torch._dynamo  # which a run imports when it needs them
from torch_impl import cli

folder, kills = sys.argv[1], int(sys.argv[2])
random = random.Random(0)
gc.freeze()  # so that the forks share what was imported

def start(out):
    child = os.fork()
    if child == 0:
        options = "train --data digits --epochs 6 --seed 1 --no-figures --device cpu --resume --out".split()
        sys.argv[1:] = [*options, out]
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            cli.main()
        except SystemExit as end:
            os._exit(end.code or 0)  # the interpreter's own end would take longer than the run
    return child

def writing(out, since):
    # Whether a file is being written that was not left by a start before this one.
    try:
        files = [file for file in os.scandir(out) if file.name.endswith(".partial")]
        return any(file.stat().st_mtime > since for file in files)
    except FileNotFoundError:
        return False

def patiently(child, out, began, seconds, patient):
    # Waits for the end of a run, and if patient longer, for a file that is being written; then kills. Gives the status.
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or (patient and not writing(out, began)):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0 if patient else 0.001)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]

killed, torn, run, duration = 0, 0, 0, 60.0  # the first run is not killed: how long does it take?
while killed < kills:
    out = f"{folder}/run{run}"
    began = time.time()
    status = patiently(start(out), out, began, random.uniform(0.3, 1) * duration if run else 60, run and killed % 2)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        killed += 1
        torn += writing(out, began)
    else:
        assert status == 0
        duration = min(duration, time.time() - began)
        run += 1
assert os.waitpid(start(f"{folder}/run{run}"), 0)[1] == 0
run += 1
print(json.dumps({"killed": killed, "torn": torn, "ended": [f"run{each}" for each in range(run)]}))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows neither forks nor kills")
def test_killed_at_twenty_moments_and_resumed(tmp_path: Path) -> None:
    """SIGKILL, some while a checkpoint is being written. All the runs end as the one that was never killed."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch_impl", "train", "--data", "digits", "--epochs", "6", "--seed", "1"]
    command += ["--no-figures", "--device", "cpu", "--out", str(tmp_path / "whole")]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120)
    killer = [sys.executable, "-c", KILLER, str(tmp_path), "20"]
    done = subprocess.run(killer, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["killed"] == 20 and told["torn"] >= 3, told
    assert len(told["ended"]) >= 2
    for run in told["ended"]:
        for name in ("last.ckpt", "best.ckpt"):
            first, second = (load_checkpoint(tmp_path / folder / name) for folder in ("whole", run))
            assert first["epoch"] == 6 or name == "best.ckpt"
            assert same(first, second), f"{run}/{name}"
        files = ["best.ckpt", "last.ckpt", "metrics.csv", "previous.ckpt"]
        assert sorted(os.listdir(tmp_path / run)) == files
        assert (tmp_path / run / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()


def test_a_run_that_is_through_is_only_judged_again(tmp_path: Path) -> None:
    first = Run(SMALL, place(tmp_path)).run()
    before = (tmp_path / "last.ckpt").read_bytes()
    again = Run(SMALL, place(tmp_path, resume=True)).run()
    assert (again.loss, again.accuracy) == (first.loss, first.accuracy)
    assert (tmp_path / "last.ckpt").read_bytes() == before


def test_more_epochs_go_on(tmp_path: Path) -> None:
    Run(dataclasses.replace(SMALL, epochs=4), place(tmp_path / "whole")).run()
    Run(SMALL, place(tmp_path / "longer")).run()
    Run(dataclasses.replace(SMALL, epochs=4), place(tmp_path / "longer", resume=True)).run()
    whole, longer = (load_checkpoint(tmp_path / name / "last.ckpt") for name in ("whole", "longer"))
    assert same(whole["model"], longer["model"]) and same(whole["history"], longer["history"])


def test_resuming_with_nothing_there_starts(tmp_path: Path) -> None:
    Run(SMALL, place(tmp_path, resume=True)).run()
    assert load_checkpoint(tmp_path / "last.ckpt")["epoch"] == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "custom-linear"}, "is of a run with --model neural-net, not custom-linear: give the same options"),
        ({"lr": 0.1}, "is of a run with --lr 0.001, not 0.1"),
        ({"batch_size": 10}, "is of a run with --batch-size 100, not 10"),
    ],
    ids=str,
)
def test_a_checkpoint_of_another_run(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    Run(SMALL, place(tmp_path)).run()
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    with pytest.raises(CheckpointError, match=sentence):
        Run(dataclasses.replace(SMALL, **change), place(tmp_path, resume=True)).run()
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    options = dataclasses.replace(SMALL, optimizer="sgd", lr=1e30)
    with pytest.raises(TrainingError, match="the loss of epoch 1 is nan: lower --lr"):
        Run(options, place(tmp_path)).run()
    assert os.listdir(tmp_path) == []


def test_early_stopping(tmp_path: Path) -> None:
    """A learning rate too low to change anything: the first epoch stays the best, two more are waited for."""
    options = dataclasses.replace(SMALL, optimizer="sgd", lr=1e-12, momentum=0.0, epochs=50, patience=2)
    Run(options, place(tmp_path)).run()
    history = load_checkpoint(tmp_path / "last.ckpt")["history"]
    assert len(history) == 2 + best_epoch(history) < 50
    assert load_checkpoint(tmp_path / "best.ckpt")["epoch"] == best_epoch(history)


def test_the_best_epoch() -> None:
    def row(epoch: int, accuracy: float, loss: float, validation: tuple[float, float] | None = None) -> dict[str, Any]:
        judged = dict(zip(("validation_accuracy", "validation_loss"), validation or (None, None)))
        return {"epoch": epoch, "accuracy": accuracy, "loss": loss, **judged}

    assert best_epoch([]) == 0
    assert best_epoch([row(1, 50, 2), row(2, 60, 3), row(3, 60, 1), row(4, 60, 1)]) == 3
    assert best_epoch([row(1, 50, 2, (70, 1)), row(2, 60, 1, (60, 1)), row(3, 99, 0, (70, 1))]) == 1


def test_validation_images_are_not_trained_on(tmp_path: Path) -> None:
    run = Run(SMALL, place(tmp_path))
    assert run.validation is not None
    assert (run.loader.count, run.validation.count, run.test.count) == (1150, 287, 360)


@pytest.mark.slow
def test_compiled_is_about_the_same(tmp_path: Path) -> None:
    plain = Run(SMALL, place(tmp_path / "plain")).run()
    compiled = Run(dataclasses.replace(SMALL, compile=True), place(tmp_path / "compiled")).run()
    assert compiled.loss == pytest.approx(plain.loss, rel=1e-3)
    first, second = (load_checkpoint(tmp_path / name / "last.ckpt")["model"] for name in ("plain", "compiled"))
    assert list(first) == list(second)
