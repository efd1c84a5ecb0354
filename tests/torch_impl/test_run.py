"""``torch_impl.run``: a run stopped anywhere and resumed is the run not stopped, to the last bit; killed runs too."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import torch_impl.run
from torch_impl import lit_run
from torch_impl.checkpoint import CheckpointError, load_checkpoint, load_model
from torch_impl.data import ImageData, load_data
from torch_impl.networks import build_model
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.reporting import COLUMNS
from torch_impl.run import Place, Run, best_epoch
from torch_impl.training import Step, Tally, evaluate

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

    def on_step(self, tally: Tally, done: Step) -> None:
        super().on_step(tally, done)
        if self.step == self.last_step:
            raise StoppedHere


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every eighth of a data set's images, on which convolutions are soon through."""

    def load_some(options: TrainingOptions, root: Path | None) -> ImageData:
        data = load_data(options, root)
        parts = {name: getattr(data, name).tensors for name in ("training", "validation", "test")}
        fewer = {name: TensorDataset(*(tensor[::8] for tensor in tensors)) for name, tensors in parts.items()}
        return dataclasses.replace(data, **fewer)

    monkeypatch.setattr(torch_impl.run, "load_data", load_some)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"augment": True, "accumulate": 3, "optimizer": "sgd", "lr": 0.1, "schedule": "one-cycle"},
        {"precision": "fp16", "optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 1.0, "deterministic": True},
        {"model": "conv-block", "channels_last": True, "batch_size": 50, "ema": 0.9},
        {"optimizer": "sgd", "momentum": 0.0},
    ],
    ids=str,
)
@pytest.mark.usefixtures("few_images")
def test_stopped_and_resumed_is_not_stopped(change: dict[str, Any], tmp_path: Path) -> None:
    """Stopped twice, in the middle of epochs; checkpoints are written every three steps."""
    options = dataclasses.replace(SMALL, **{"batch_size": 20, **change})
    whole = Run(options, place(tmp_path / "whole", save_every=3)).run()
    steps = load_checkpoint(tmp_path / "whole" / "last.ckpt")["step"]
    for stop, resume in ((steps // 2 + 1, False), (steps - 1, True)):
        with pytest.raises(StoppedHere):
            StoppingRun(options, place(tmp_path / "stopped", save_every=3, resume=resume), stop).run()
    resumed = Run(options, place(tmp_path / "stopped", save_every=3, resume=True)).run()
    assert (resumed.loss, resumed.accuracy) == (whole.loss, whole.accuracy)
    for name in ("last.ckpt", "best.ckpt"):
        first, second = (load_checkpoint(tmp_path / folder / name) for folder in ("whole", "stopped"))
        assert same(first, second), name
    assert same((tmp_path / "whole" / "metrics.csv").read_text(), (tmp_path / "stopped" / "metrics.csv").read_text())
    torch.use_deterministic_algorithms(False)


# Starts the command again and again in forks of one process, which spares importing torch each time, and kills it.
# Arguments: folder, kills, the command. Prints how many kills there were, how many while a file was being written, and
# the folders of the runs that ended.
KILLER = """
import functools, gc, json, os, random, signal, sys, time
import sklearn.datasets, torch._dynamo, typer.testing  # which a run imports when it needs them
from torch_impl import cli, commands

typer.testing.CliRunner().invoke(cli.app, ["train", "--epochs", "0"])  # wrong: it imports how options are read
sklearn.datasets.load_digits = functools.cache(sklearn.datasets.load_digits)
sklearn.datasets.load_digits()
folder, kills, *options = sys.argv[1:]
random = random.Random(0)
gc.freeze()  # so that the forks share what was imported

def start(out):
    child = os.fork()
    if child == 0:
        begun = any(os.path.exists(f"{out}/{name}.ckpt") for name in ("last", "previous", "best"))
        sys.argv[1:] = [*options, out, *["--resume"] * begun]
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
        time.sleep(0.0002 if patient else 0.001)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]

killed, torn, run, duration = 0, 0, 0, 60.0  # the first run is not killed: how long does it take?
while killed < int(kills):
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
@pytest.mark.usefixtures("forked")
def test_killed_at_twenty_moments_and_resumed(tmp_path: Path) -> None:
    """SIGKILL, some while a checkpoint is being written. All the runs end as the one that was never killed."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    options = "train --epochs 4 --hidden-size 50 --batch-size 300 --seed 1 --no-figures --device cpu --out"
    command = [sys.executable, "-m", "torch_impl", *options.split(), str(tmp_path / "whole")]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120)
    killer = [sys.executable, "-c", KILLER, str(tmp_path), "20", *options.split()]
    done = subprocess.run(killer, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["killed"] == 20 and told["torn"] >= 3, told
    assert len(told["ended"]) >= 2
    for run in told["ended"]:
        for name in ("last.ckpt", "best.ckpt"):
            first, second = (load_checkpoint(tmp_path / folder / name) for folder in ("whole", run))
            assert first["epoch"] == 4 or name == "best.ckpt"
            assert same(first, second), f"{run}/{name}"
        files = ["best.ckpt", "last.ckpt", "metrics.csv", "model.ckpt", "previous.ckpt", "results.json"]
        assert sorted(os.listdir(tmp_path / run)) == files
        assert (tmp_path / run / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()


def test_a_run_that_is_through_is_only_judged_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = Run(SMALL, place(tmp_path)).run()
    before = (tmp_path / "last.ckpt").read_bytes()
    for epochs in (3, 1):
        capsys.readouterr()
        again = Run(dataclasses.replace(SMALL, epochs=epochs), place(tmp_path, resume=True)).run()
        assert (again.loss, again.accuracy) == (first.loss, first.accuracy)
        assert (tmp_path / "last.ckpt").read_bytes() == before
        nothing, judging = capsys.readouterr().out.splitlines()
        assert nothing == f"Nothing is left to do: the run in {tmp_path} has done 3 of --epochs {epochs}"
        assert judging.startswith(f"Judging {tmp_path}/last.ckpt, epoch 3")


def test_an_interruption_says_what_is_left(tmp_path: Path) -> None:
    run = Run(SMALL, place(tmp_path))
    assert run.interrupted() == "interrupted before the first checkpoint: start again, perhaps with --save-every"
    run.run()
    assert run.interrupted() == f"interrupted after the last epoch: --resume judges the run in {tmp_path}"


def test_more_epochs_go_on(tmp_path: Path) -> None:
    Run(dataclasses.replace(SMALL, epochs=4), place(tmp_path / "whole")).run()
    Run(SMALL, place(tmp_path / "longer")).run()
    Run(dataclasses.replace(SMALL, epochs=4), place(tmp_path / "longer", resume=True)).run()
    whole, longer = (load_checkpoint(tmp_path / name / "last.ckpt") for name in ("whole", "longer"))
    assert same(whole["model"], longer["model"]) and same(whole["history"], longer["history"])


def test_a_run_that_died_at_its_first_checkpoint_goes_on_from_the_best(tmp_path: Path) -> None:
    """It is written before the others, and may be there alone."""
    Run(SMALL, place(tmp_path / "whole")).run()
    Run(dataclasses.replace(SMALL, epochs=1), place(tmp_path / "died")).run()
    (tmp_path / "died" / "last.ckpt").unlink()
    assert not (tmp_path / "died" / "previous.ckpt").exists()
    with pytest.raises(CheckpointError, match="go on with it by --resume"):
        Run(SMALL, place(tmp_path / "died"))
    Run(SMALL, place(tmp_path / "died", resume=True)).run()
    whole, died = (load_checkpoint(tmp_path / name / "last.ckpt") for name in ("whole", "died"))
    assert same(whole, died)


def test_a_run_is_not_overwritten_without_a_word(tmp_path: Path) -> None:
    """Nor begun where one was to be gone on with. Overwritten, nothing is left of it."""
    with pytest.raises(
        CheckpointError, match=f"there is no checkpoint in {tmp_path}/no that --resume could go on from"
    ):
        Run(SMALL, place(tmp_path / "no", resume=True)).run()
    assert not (tmp_path / "no").exists()
    Run(SMALL, place(tmp_path, tensorboard=True)).run()
    (tmp_path / "mine.txt").touch()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(
        CheckpointError, match="by --resume, replace it by --overwrite, or name another folder with --o"
    ):
        Run(SMALL, place(tmp_path)).run()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    with pytest.raises(StoppedHere):
        StoppingRun(SMALL, place(tmp_path, overwrite=True, save_every=2), last_step=3).run()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"last.ckpt", "mine.txt"}
    assert load_checkpoint(tmp_path / "last.ckpt")["step"] == 2


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


FP16 = dataclasses.replace(SMALL, hidden_size=3, batch_size=500, precision="fp16", optimizer="adamw")
SGD = dataclasses.replace(
    SMALL, hidden_size=3, batch_size=500, optimizer="sgd", schedule="cosine", accumulate=2, label_smoothing=0.1
)

SAME_IN_BOTH = ("image_shape", "class_names", "epoch", "step", "model", "average", "random_states")  # of the two runs


@pytest.fixture(scope="module", params=[FP16, SGD], ids=["fp16, adamw", "sgd"])
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingOptions]:
    """A run stopped in its second epoch, and its options."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(StoppedHere):
        StoppingRun(request.param, place(folder, save_every=1), last_step=4).run()
    return folder, request.param


def entries_of(value: Any, *names: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every entry of nested containers and the way to it, of long lists the first and the last."""
    if isinstance(value, dict):
        inside = list(value)
    elif isinstance(value, (list, tuple)):
        inside = list(range(len(value)) if len(value) < 12 else (0, len(value) - 1))
    else:
        return
    for name in inside:
        yield (*names, name), value[name]
        yield from entries_of(value[name], *names, name)


def altered(value: Any, names: tuple[Any, ...], wrong: Any) -> Any:
    """A copy of nested containers in which the entry at the end of ``names`` is another one, or gone."""
    if not names:
        return wrong
    parts = dict(value) if isinstance(value, dict) else dict(enumerate(value))
    parts[names[0]] = altered(parts[names[0]], names[1:], wrong)
    if parts[names[0]] is GONE:
        del parts[names[0]]
    return parts if isinstance(value, dict) else type(value)(parts.values())


GONE = object()

WRONG: list[Any] = [GONE, None, "x", [], {}, -1, 10**400, float("nan"), True, 0.3, torch.tensor(0.3), {"a": 1}]


def wrong_for(value: Any) -> list[Any]:
    """What an entry is replaced by. A tensor also by one that is too long, too short, of another type, and so on."""
    if not isinstance(value, Tensor):
        return WRONG
    return [
        *WRONG,
        value[None],
        value.reshape(-1)[:-1],
        value.to(torch.float64),
        value.to(torch.complex64),
        torch.full_like(value, torch.nan, dtype=torch.float32),
        value.to("meta"),
        torch.zeros((), dtype=torch.float16).expand(value.shape),  # one number shown often
    ]


def test_every_entry_of_a_checkpoint_is_checked(
    stopped: tuple[Path, TrainingOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is replaced by what it cannot be: the run says so in a sentence, and has taken nothing yet."""
    folder, options = stopped
    whole = torch.load(folder / "last.ckpt", weights_only=True)
    run = Run(options, place(folder, resume=True))
    weights = [each.clone() for each in run.model.parameters()]
    fresh, taken = run.content(), []
    monkeypatch.setattr(run, "content", lambda: fresh)  # the same each time
    monkeypatch.setattr("torch_impl.checking.build_model", cache(build_model))  # whose shapes alone are looked at
    for names, value in entries_of(whole):
        if names[0] in ("format", "options"):
            continue  # have tests of their own
        if options is SGD and names[0] in SAME_IN_BOTH:
            continue
        for wrong in wrong_for(value):
            content = altered(whole, names, wrong)
            if same_kind(content, whole, names):
                continue
            try:
                if len(names) == 1:
                    monkeypatch.setattr("torch_impl.checkpoint.read", lambda _, content=content: content)
                    content = load_checkpoint(folder / "last.ckpt")
                monkeypatch.setattr("torch_impl.state.load_latest", lambda _, content=content: (content, ""))
                run.resume()
                taken.append((names, wrong))
            except CheckpointError as error:
                assert "\n" not in str(error)
    monkeypatch.undo()
    assert not taken
    assert all(torch.equal(*pair) for pair in zip(weights, run.model.parameters()))
    run.resume()
    assert run.step == 4


def same_kind(content: Any, whole: Any, names: tuple[Any, ...]) -> bool:
    """Whether the entry is still what it was, or a number that a run may well have there."""
    for name in names[:-1]:
        content, whole = content[name], whole[name]
    if not isinstance(content, dict) and len(content) < len(whole):
        return False
    if isinstance(content, dict) and names[-1] not in content:
        return False
    value, before = content[names[-1]], whole[names[-1]]
    if isinstance(value, Tensor) or isinstance(before, Tensor):
        return False
    free = names[-1] in (*COLUMNS[2:], "scale", "_growth_tracker")
    free = free or names in (("tally", 0), ("tally", 1))
    kept = names[0] == "random_states" and names[-1] in (2, 3)  # half of a pair of normal numbers
    return bool(
        (type(value) is type(before) and value == before)
        or (free and type(value) is float and value == 0.3)
        or (kept and type(value) in (int, float) and value in (-1, 0.3))
    )


@pytest.mark.parametrize("part", ["exp_avg", "exp_avg_sq", "step"])
def test_an_optimizer_state_of_another_shape_is_refused(part: str, tmp_path: Path) -> None:
    """The fused Adam would write past the end of it: a segmentation fault."""
    Run(dataclasses.replace(SMALL, epochs=1), place(tmp_path)).run()
    content = load_checkpoint(tmp_path / "last.ckpt")
    content["optimizer"]["state"]["1.fc1.weight"][part] = torch.zeros(2)
    torch.save(content, tmp_path / "last.ckpt")
    sentence = rf"optimizer\.state\.1\.fc1\.weight\.{part} has the shape \(2,\), not "
    with pytest.raises(CheckpointError, match=sentence):
        Run(SMALL, place(tmp_path, resume=True)).run()


def test_early_stopping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A learning rate too low to change anything: the first epoch stays the best, two more are waited for."""
    options = dataclasses.replace(SMALL, optimizer="sgd", lr=1e-12, momentum=0.0, epochs=50, patience=2)
    Run(options, place(tmp_path)).run()
    history = load_checkpoint(tmp_path / "last.ckpt")["history"]
    assert len(history) == 2 + best_epoch(history) < 50
    assert load_checkpoint(tmp_path / "best.ckpt")["epoch"] == best_epoch(history)
    best = f"epoch {best_epoch(history)}"
    lines = capsys.readouterr().out.splitlines()
    accuracy = f"{history[best_epoch(history) - 1]['validation_accuracy']:.2f} %"
    assert lines[0] == f"Starting a run in {tmp_path}: 50 epochs of 12 steps" and lines[-2:] == [
        f"Stopped early after epoch {len(history)}: the best is {best}, whose validation accuracy is {accuracy}, in "
        f"{tmp_path}/best.ckpt",
        f"Judging {tmp_path}/last.ckpt, epoch {len(history)}; the best is {best}, in {tmp_path}/best.ckpt",
    ]


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


@pytest.mark.long
def test_compiled_is_about_the_same(tmp_path: Path) -> None:
    plain = Run(SMALL, place(tmp_path / "plain")).run()
    compiled = Run(dataclasses.replace(SMALL, compile=True), place(tmp_path / "compiled")).run()
    assert compiled.loss == pytest.approx(plain.loss, rel=1e-3)
    first, second = (load_checkpoint(tmp_path / name / "last.ckpt")["model"] for name in ("plain", "compiled"))
    assert list(first) == list(second)


@pytest.mark.usefixtures("few_images")
def test_the_moving_average_is_the_formula_and_is_judged(tmp_path: Path) -> None:
    """Of weights and of running statistics; what evaluate loads is what the run was judged by."""

    class Averaged(Run):
        """Keeps the average by hand."""

        def on_step(self, tally: Tally, done: Step) -> None:
            super().on_step(tally, done)
            state = {name: value.clone().double() for name, value in self.model.state_dict().items()}
            before = state if self.step == 1 else self.by_hand
            self.by_hand = {name: 0.8 * before[name] + 0.2 * value for name, value in state.items()}

        by_hand: dict[str, Tensor]

    options = dataclasses.replace(SMALL, model="conv-block", epochs=1, batch_size=25, ema=0.8)
    run = Averaged(options, place(tmp_path))
    tested = run.run()
    content = load_checkpoint(tmp_path / "last.ckpt")
    for name, value in content["average"].items():
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), run.by_hand[name], rtol=1e-5, atol=1e-6)
            assert not torch.equal(value, content["model"][name]), name
    model, _, _ = load_model(tmp_path / "last.ckpt")
    assert evaluate(model, run.test).loss == tested.loss != evaluate(run.model, run.test).loss
    with pytest.raises(OptionError, match="--ema does not go with --strategy fsdp, which splits the weights: use ddp"):
        Run(options, place(tmp_path / "other", strategy="fsdp"))


def test_batch_norm_is_synchronised_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU; here the networks are looked at, whose names of weights stay the same."""
    options = dataclasses.replace(SMALL, model="conv-block", sync_bn=True)
    monkeypatch.setattr(torch_impl.run, "check_place", lambda *_: None)
    run = Run(options, place(tmp_path))
    plain = build_model(options)
    for network in (run.model, lit_run.build_network(options, run.data)):
        kinds = [type(each) for each in network.modules()]
        assert nn.SyncBatchNorm in kinds and nn.BatchNorm2d not in kinds
        assert network.state_dict().keys() == plain.state_dict().keys()
