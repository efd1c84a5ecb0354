"""``torch_impl.lit`` and ``lit_run``: Lightning's run and the plain loop's end with the same weights."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from lightning import Trainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader
from typer.testing import CliRunner

from torch_impl import lit, lit_run
from torch_impl.checkpoint import CheckpointError, load_checkpoint
from torch_impl.cli import app
from torch_impl.data import load_datasets
from torch_impl.networks import build_model
from torch_impl.optimization import build_optimizer, rate_factor
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.run import Place, Run, TrainingError
from torch_impl.seeds import seed_everything
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
    images, accuracy = lit_run.fit(options, place(tmp_path / "lightning"))
    assert_same_run(tmp_path / "lightning", tmp_path / "plain", epochs=2)
    assert images == tested.images and accuracy == pytest.approx(tested.accuracy, rel=1e-6)
    files = {path.name for path in (tmp_path / "lightning").iterdir()}
    assert {"best.ckpt", "last.ckpt", "metrics.csv", "lightning"} <= files


def test_another_seed_ends_with_other_weights(tmp_path):
    for seed in (1, 2):
        lit_run.fit(replace(OPTIONS, epochs=1, seed=seed), place(tmp_path / str(seed)))
    a, b = (load_checkpoint(tmp_path / str(seed) / "last.ckpt")["model"] for seed in (1, 2))
    assert not any(torch.equal(a[name], b[name]) for name in a)


def test_the_plain_loop_goes_on_from_lightnings_run(tmp_path):
    lit_run.fit(replace(OPTIONS, epochs=1), place(tmp_path / "both"))
    Run(OPTIONS, place(tmp_path / "both", resume=True)).run()
    Run(OPTIONS, place(tmp_path / "plain")).run()
    assert_same_run(tmp_path / "both", tmp_path / "plain", epochs=2)


def test_lightning_goes_on_from_its_own_checkpoint(tmp_path):
    lit_run.fit(replace(OPTIONS, epochs=1), place(tmp_path / "twice"))
    lit_run.fit(OPTIONS, place(tmp_path / "twice", resume=True))
    Run(OPTIONS, place(tmp_path / "plain")).run()
    assert_same_run(tmp_path / "twice", tmp_path / "plain", epochs=2)


def test_lightnings_checkpoint_is_refused_if_it_is_damaged_or_of_another_run(tmp_path):
    lit_run.fit(replace(OPTIONS, epochs=1), place(tmp_path))
    with pytest.raises(CheckpointError, match="is of a run with --lr 0.001, not 0.1: give the same options"):
        lit_run.fit(replace(OPTIONS, lr=0.1), place(tmp_path, resume=True))
    own = tmp_path / "lightning" / "last.ckpt"
    own.write_bytes(own.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is damaged"):
        lit_run.fit(OPTIONS, place(tmp_path, resume=True))


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (("optimizer_states", 0, "state", 0, "exp_avg"), torch.zeros(2)),
        (("optimizer_states", 0, "param_groups", 0, "lr"), 0.5),
        (("optimizer_states",), []),
        (("lr_schedulers", 0, "last_epoch"), -1),
        (("state_dict", "model.1.fc1.bias"), torch.full((20,), torch.nan)),
        (("state_dict",), {}),
        (("history", 0, "loss"), "x"),
        (("loader", "done"), 10**9),
        (("global_step",), 7),
        (("epoch",), 5),
        (("loops",), {}),
        (("loops", "fit_loop"), {}),
        (("callbacks",), {"ModelCheckpoint": {"best_k_models": {"run/../../thesis.pdf": torch.tensor(0.5)}}}),
        (("options",), None),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_does_not_fit_in_lightnings_checkpoint_is_refused(names, value, tmp_path):
    options = replace(OPTIONS, epochs=1, hidden_size=20, batch_size=500)
    lit_run.fit(options, place(tmp_path))
    own = tmp_path / "lightning" / "last.ckpt"
    content = torch.load(own, weights_only=True)
    part = content
    for name in names[:-1]:
        part = part[name]
    part[names[-1]] = value
    torch.save(content, own)
    with pytest.raises(CheckpointError) as caught:
        lit_run.fit(replace(options, epochs=2), place(tmp_path, resume=True))
    assert str(own) in str(caught.value) and "\n" not in str(caught.value)


def test_patience_ends_a_run(tmp_path):
    options = replace(OPTIONS, epochs=9, lr=1e-12, validation=0.2, patience=2)
    lit_run.fit(options, place(tmp_path))
    assert load_checkpoint(tmp_path / "last.ckpt")["epoch"] == 3  # the first is the best, two more are not better


def test_a_loss_that_is_no_number_ends_a_run(tmp_path):
    with pytest.raises(TrainingError, match="the loss of epoch 1 is (nan|inf): lower --lr"):
        lit_run.fit(replace(OPTIONS, optimizer="sgd", lr=1e30), place(tmp_path))
    assert not (tmp_path / "last.ckpt").exists()


def scalars(folder):
    """TensorBoard's: by tag, for each step its value."""
    log = EventAccumulator(str(folder / "tensorboard")).Reload()
    tags = [tag for tag in log.Tags()["scalars"] if not tag.endswith("per_second")]
    return {tag: {event.step: event.value for event in log.Scalars(tag)} for tag in tags}


def test_both_trainers_log_what_happened(tmp_path):
    """A step an epoch, in two pieces: its loss is the epoch's, and its learning rate the one that it went by."""
    options = replace(RICH, epochs=3, batch_size=1150, warmup=1, augment=False, precision="fp32")
    Run(options, place(tmp_path / "ours", tensorboard=True)).run()
    lit_run.fit(options, place(tmp_path / "theirs", tensorboard=True))
    ours, theirs = [scalars(tmp_path / name) for name in ("ours", "theirs")]
    history = load_checkpoint(tmp_path / "ours/last.ckpt")["history"]
    names = {"loss", "smoothed_loss", "accuracy", "validation_loss", "validation_accuracy"}
    assert ours.keys() == theirs.keys() == {"training/loss", "training/lr", *(f"epoch/{name}" for name in names)}
    for tag, values in ours.items():
        assert values == pytest.approx(theirs[tag], rel=1e-5) and list(values) == [1, 2, 3], tag
        assert list(values.values()) == pytest.approx([row[tag.partition("/")[2]] for row in history], rel=1e-5), tag
    assert list(ours["training/lr"].values()) == pytest.approx([0.1 * rate_factor(options, 3, n) for n in range(3)])
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
        (["--trainer", "keras"], "--trainer must be one of: plain, lightning, not keras"),
        (["--trainer", "lightning", "--devices", "0"], "--devices must be at least 1"),
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
