"""``torch_impl.lit`` and ``lit_run``: Lightning's run and the plain loop's end with the same weights."""

import errno
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from lightning import Trainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader
from typer.testing import CliRunner

from torch_impl import checkpoint, lit, lit_run, reporting
from torch_impl.checkpoint import CheckpointError, load_checkpoint
from torch_impl.cli import app
from torch_impl.data import load_datasets
from torch_impl.networks import build_model
from torch_impl.optimization import build_optimizer, scheduler_at
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.run import Place, Run, TrainingError
from torch_impl.seeds import seed_everything
from torch_impl.soundness import unsound_part
from torch_impl.state import RunState
from torch_impl.training import evaluate, train

OPTIONS = TrainingOptions(epochs=2, seed=5, hidden_size=40)

RICH = replace(
    OPTIONS,
    validation=0.2,
    augment=True,
    batch_size=128,
    accumulate=2,
    optimizer="sgd",
    weight_decay=0.01,
    schedule="cosine",
    warmup=3,
    label_smoothing=0.1,
    clip_norm=0.5,
    precision="bf16",
    lr=0.1,
    patience=5,
    ema=0.9,
)


def place(folder, **others):
    return Place(torch.device("cpu"), folder, figures=False, **others)


def assert_same_run(ours, theirs, epochs):
    """Two folders: everything that a run would go on from is equal, bit for bit."""
    a, b = (load_checkpoint(folder / "last.ckpt") for folder in (ours, theirs))
    assert a["epoch"] == b["epoch"] == epochs and a["step"] == b["step"] > 0
    assert a["model"].keys() == b["model"].keys()
    for name, weight in a["model"].items():
        assert torch.equal(weight, b["model"][name]), name
    assert a["average"].keys() == b["average"].keys()
    for name, weight in a["average"].items():
        assert torch.equal(weight, b["average"][name]) and not torch.equal(weight, a["model"][name]), name
    for name, state in a["optimizer"]["state"].items():
        for part, value in state.items():
            assert torch.equal(value, b["optimizer"]["state"][name][part]), (name, part)
    assert torch.equal(a["loader"]["epoch_state"], b["loader"]["epoch_state"])
    assert a["scheduler"] == b["scheduler"] and a["loader"]["done"] == b["loader"]["done"] == 0
    for mine, yours in zip(a["history"], b["history"], strict=True):
        assert mine.keys() >= yours.keys()
        for column, value in yours.items():
            if column != "images_per_second":
                assert mine[column] == (value and pytest.approx(value, rel=1e-5)), column


@pytest.mark.parametrize("options", [OPTIONS, RICH], ids=["defaults", "everything"])
def test_lightning_and_the_plain_loop_end_with_the_same_weights(options, tmp_path):
    tested = Run(options, place(tmp_path / "plain")).run()
    images, accuracy = lit_run.fit(options, place(tmp_path / "lightning", save_every=2))
    assert_same_run(tmp_path / "lightning", tmp_path / "plain", epochs=2)
    assert images == tested.images and accuracy == pytest.approx(tested.accuracy, rel=1e-6)
    files = {path.name for path in (tmp_path / "lightning").iterdir()}
    assert files == {"best.ckpt", "last.ckpt", "model.ckpt", "previous.ckpt", "metrics.csv", "results.json"}


def test_another_seed_ends_with_other_weights(tmp_path):
    for seed in (1, 2):
        lit_run.fit(replace(OPTIONS, epochs=1, seed=seed), place(tmp_path / str(seed)))
    a, b = (load_checkpoint(tmp_path / str(seed) / "last.ckpt")["model"] for seed in (1, 2))
    assert not any(torch.equal(a[name], b[name]) for name in a)


TRAINERS = {"plain": lambda options, place: Run(options, place).run(), "lightning": lit_run.fit}


class StoppedHere(Exception):
    """The end of a run's process."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a plain run of two epochs, of nine steps each."""
    folder = tmp_path_factory.mktemp("whole")
    Run(RICH, place(folder)).run()
    return folder


@pytest.mark.parametrize("step", [4, 9], ids=["within an epoch", "between two"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("plain", "lightning"),
        ("lightning", "plain"),
        pytest.param("lightning", "lightning", marks=pytest.mark.long),  # it leaves and takes what it does above
    ],
)
def test_each_trainer_goes_on_from_what_the_other_has_left(first, second, step, whole, tmp_path, monkeypatch, capsys):
    save = RunState.save

    def stopping(run, best):
        save(run, best)
        if run.step == step:
            raise StoppedHere

    monkeypatch.setattr(RunState, "save", stopping)
    with pytest.raises(StoppedHere):
        TRAINERS[first](RICH, place(tmp_path, save_every=4))
    monkeypatch.undo()
    TRAINERS[second](RICH, place(tmp_path, resume=True))
    where = "at epoch 1, step 5 of 9" if step == 4 else "at epoch 2, step 1 of 9"
    assert f"Going on with the run in {tmp_path} {where}\n" in capsys.readouterr().out
    assert_same_run(tmp_path, whole, epochs=2)
    TRAINERS[first](replace(RICH, patience=1), place(tmp_path, resume=True))
    assert f"Nothing is left to do: the run in {tmp_path} has done 2 of --epochs 2\n" in capsys.readouterr().out


def test_lightning_refuses_a_checkpoint_of_another_run_or_that_is_damaged(whole, tmp_path):
    for name in ("last.ckpt", "metrics.csv"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    with pytest.raises(CheckpointError, match="is of a run with --momentum 0.9, not 0.1: give the same options"):
        lit_run.fit(replace(RICH, momentum=0.1), place(tmp_path, resume=True))
    last = tmp_path / "last.ckpt"
    content = torch.load(last, weights_only=True)
    content["optimizer"]["state"]["1.fc1.bias"]["momentum_buffer"] = torch.zeros(2)
    torch.save(content, last)
    with pytest.raises(CheckpointError, match=r"1\.fc1\.bias\.momentum_buffer has the shape \(2,\), not \(40,\)"):
        lit_run.fit(RICH, place(tmp_path, resume=True))
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is damaged"):
        lit_run.fit(RICH, place(tmp_path, resume=True))


def test_patience_ends_a_run(tmp_path):
    options = replace(OPTIONS, epochs=9, lr=1e-12, validation=0.2, patience=2)
    lit_run.fit(options, place(tmp_path))
    assert load_checkpoint(tmp_path / "last.ckpt")["epoch"] == 3  # the first is the best, two more are not better


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"lr": 1e30}, r"lower --lr, which is 1e\+30, or try --clip-norm 1"),
        ({"weight_decay": 1e9, "clip_norm": 1.0}, r"lower --weight-decay, which is 1e\+09"),
        ({"weight_decay": 0.1, "lr": 1e30, "clip_norm": 1.0, "precision": "bf16"}, r"lower --lr, which is 1e\+30"),
    ],
    ids=str,
)
def test_a_loss_that_is_not_finite_ends_a_run_at_its_step(change, remedy, trainer, tmp_path):
    """The checkpoint of the step before it is sound, and says which step that was."""
    options = replace(OPTIONS, optimizer="sgd", momentum=0.0, **change)
    with pytest.raises(TrainingError) as caught:
        TRAINERS[trainer](options, place(tmp_path, save_every=1))
    content = load_checkpoint(tmp_path / "last.ckpt")
    where = r"the loss is not finite at step (\d+) \(epoch 1, step \1 of 15\)"
    found = re.fullmatch(
        where + rf", and the first gradient that is not finite is that of 1\.fc1\.weight: {remedy}", str(caught.value)
    )
    assert found and int(found[1]) == content["step"] + 1 and unsound_part(content) == ""


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_disk_that_is_full_leaves_the_last_whole_checkpoint(trainer, tmp_path, monkeypatch):
    """Or a folder that has turned read-only: the third file is not brought to it."""
    for number, error in enumerate((OSError(errno.ENOSPC, "No space left"), OSError(errno.EROFS, "Read-only"))):
        folder, steps = tmp_path / str(number), []

        def bring_to_disk(file, error=error, steps=steps):
            steps.append(1)
            if len(steps) == 3:
                raise error

        monkeypatch.setattr(checkpoint, "bring_to_disk", bring_to_disk)
        with pytest.raises(CheckpointError, match=f"cannot write {folder}/last.ckpt: {error.strerror}"):
            TRAINERS[trainer](OPTIONS, place(folder, save_every=4))
        monkeypatch.undo()
        assert load_checkpoint(folder / "last.ckpt")["step"] == 8
        assert not [path for path in folder.iterdir() if path.suffix == ".partial"]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_batch_normalisation_is_given_no_single_image(trainer, tmp_path):
    options = replace(OPTIONS, model="resnet18", batch_size=718)
    with pytest.raises(OptionError, match="--batch-size 718 with 1,437 training images .*: --batch-size 717 works"):
        TRAINERS[trainer](options, place(tmp_path))
    assert not list(tmp_path.iterdir())


def scalars(folder):
    """TensorBoard's: by tag, for each step its value."""
    log = EventAccumulator(str(folder / "tensorboard")).Reload()
    tags = [tag for tag in log.Tags()["scalars"] if not tag.endswith("per_second")]
    return {tag: {event.step: event.value for event in log.Scalars(tag)} for tag in tags}


def test_both_trainers_log_what_happened(tmp_path, monkeypatch):
    """A step an epoch, in two pieces: its loss is the epoch's, and its learning rate the one that it went by."""
    monkeypatch.setattr(reporting, "MOST_MISTAKES", 5)  # a row of them: to draw takes longer than to train
    options = replace(RICH, epochs=3, batch_size=1150, warmup=1, augment=False, precision="fp32")
    where = replace(place(tmp_path / "ours", tensorboard=True), figures=True)
    Run(options, where).run()
    lit_run.fit(options, replace(where, out=tmp_path / "theirs"))
    for name in ("confusion.png", "mistakes.png"):
        assert (tmp_path / "ours" / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes(), name
    assert (tmp_path / "theirs/curves.png").exists()  # numbers that Lightning has rounded otherwise
    ours, theirs = [scalars(tmp_path / name) for name in ("ours", "theirs")]
    history = load_checkpoint(tmp_path / "ours/last.ckpt")["history"]
    names = {"loss", "smoothed_loss", "accuracy", "validation_loss", "validation_accuracy"}
    steps = {"training/loss", "training/lr", "training/gradient_norm"}
    assert ours.keys() == theirs.keys() == {*steps, *(f"epoch/{name}" for name in names)}
    for tag, values in ours.items():
        assert values == pytest.approx(theirs[tag], rel=1e-5) and list(values) == [1, 2, 3], tag
        if tag == "training/gradient_norm":
            continue
        assert list(values.values()) == pytest.approx([row[tag.partition("/")[2]] for row in history], rel=1e-5), tag
    rates = [scheduler_at(options, 3, step).get_last_lr()[0] for step in range(3)]
    assert list(ours["training/lr"].values()) == pytest.approx(rates)
    assert all(row["smoothed_loss"] > row["loss"] for row in history[1:])
    told = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("ours", "theirs")]
    assert [each["test"].pop("top5_accuracy") for each in told] == [None, None] and told[1]["trainer"] == "lightning"
    assert told[0]["test"] == pytest.approx(told[1]["test"], rel=1e-5)
    for name in ("options", "epochs", "images", "parameters", "versions", "commit"):
        assert told[0][name] == told[1][name], name


def test_both_trainers_are_patient_alike(tmp_path):
    """At a tie of accuracies the loss decides: an epoch that is better by its loss alone is waited for."""
    options = replace(OPTIONS, epochs=8, validation=0.01, patience=1, optimizer="sgd", lr=1e-4, momentum=0.0)
    Run(options, place(tmp_path / "ours")).run()
    lit_run.fit(options, place(tmp_path / "theirs"))
    history = load_checkpoint(tmp_path / "ours/last.ckpt")["history"]
    assert len({row["validation_accuracy"] for row in history}) < len(history) == 8
    assert_same_run(tmp_path / "ours", tmp_path / "theirs", 8)


@pytest.mark.parametrize(
    ("options", "where", "part"),
    [({"precision": "fp16"}, {}, "--precision fp16"), ({}, {"strategy": "fsdp"}, "--strategy fsdp")],
)
def test_what_lightning_cannot_do_here_is_refused(options, where, part, tmp_path):
    with pytest.raises(OptionError, match=part):
        lit_run.fit(replace(OPTIONS, **options), place(tmp_path, **where))
    assert not (tmp_path / "last.ckpt").exists()


def test_the_data_module_without_a_trainer(tmp_path):
    data = lit.MNISTDataModule(RICH, place(tmp_path))
    data.setup("fit")
    images, labels, step_size = next(iter(data.train_dataloader()))
    assert images.shape == (64, 1, 28, 28) and labels.shape == (64,) and step_size == 128
    assert sum(len(labels) for _, labels, _ in data.val_dataloader()) == 287
    assert sum(len(labels) for _, labels, _ in data.test_dataloader()) == 360
    assert lit.MNISTDataModule(OPTIONS, place(tmp_path)).val_dataloader() == []


def quiet_trainer(folder):
    off = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(max_epochs=1, accelerator="cpu", default_root_dir=folder, **off)


@pytest.mark.filterwarnings("ignore")  # of Lightning: that loaders have no workers, and what PyTorch deprecates
def test_the_model_with_any_loader_and_the_data_module_as_they_come(tmp_path):
    """Without options or a place of ours: what the plain loop makes of the same loader."""
    dataset = load_datasets("digits")[0]

    def loader():
        return DataLoader(dataset, 100, shuffle=True, generator=torch.Generator().manual_seed(0))

    def network():
        seed_everything(0)
        return build_model(TrainingOptions())

    theirs = network()
    model, trainer = lit.LitModel(theirs), quiet_trainer(tmp_path)
    trainer.fit(model, loader(), loader())
    (tested,) = trainer.test(model, loader(), verbose=False)
    ours = network()
    trained = train(ours, loader(), build_optimizer(TrainingOptions(), ours))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters()))
    assert model.history[0]["loss"] == pytest.approx(trained.loss, rel=1e-5)
    judged = evaluate(ours, loader())
    assert tested["test_loss"] == pytest.approx(judged.loss, rel=1e-5)
    assert tested["test_accuracy"] == pytest.approx(judged.accuracy / 100)

    assert lit.MNISTDataModule().options.data == "mnist"
    data = lit.MNISTDataModule(TrainingOptions())
    again = network()
    quiet_trainer(tmp_path).fit(lit.LitModel(again), data)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), again.parameters()))


def command(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--trainer", "lightning", "--devices", "0"], "--devices must be in 1 … 1024, not 0"),
        (["--devices", "2"], "--devices is for --trainer lightning"),
        (["--trainer", "lightning", "--strategy", "fsdp"], "--strategy fsdp is the plain loop's"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_usage_ends_with_2(arguments, part, tmp_path):
    done = command(*arguments, "--out", tmp_path)
    assert done.exit_code == 2 and part in done.stderr and len(done.stderr.splitlines()) == 1


def test_torchrun_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    done = command("--trainer", "lightning", "--out", tmp_path)
    assert done.exit_code == 2 and "--devices instead of torchrun" in done.stderr


@pytest.mark.usefixtures("forked")
def test_two_processes_train_as_one(tmp_path):
    """The command, which Lightning runs a second time. Gradients are added up in another order, so not bit for bit."""
    arguments = ["--epochs", 1, "--hidden-size", 40, "--seed", 5, "--trainer", "lightning", "--device", "cpu", "--out"]
    line = [sys.executable, "-W", "error", "-m", "torch_impl", "train", *map(str, arguments)]
    done = subprocess.run([*line, str(tmp_path / "two"), "--devices", "2"], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Accuracy on the 360 test images") == 1 and done.stdout.count("Epoch [1/1]") == 1
    lit_run.fit(replace(OPTIONS, epochs=1), place(tmp_path / "one"))
    one, two = (load_checkpoint(tmp_path / folder / "last.ckpt") for folder in ("one", "two"))
    assert one["step"] == two["step"] and one["history"][0]["accuracy"] == two["history"][0]["accuracy"]
    for name, weight in one["model"].items():
        torch.testing.assert_close(two["model"][name], weight, rtol=1e-4, atol=1e-6)
