"""``python -m torch_impl``: options, exit statuses, and that evaluate prints what train printed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

import torch_impl.cli as cli
from torch_impl.checkpoint import load_checkpoint, save_checkpoint
from torch_impl.models import NeuralNet

REPOSITORY = Path(__file__).parents[2]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(each) for each in arguments])


def test_train_then_evaluate_as_a_user_does(tmp_path: Path) -> None:
    """In processes of their own, with the defaults, from a folder of the user's."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    outputs = []
    for arguments in (["train"], ["evaluate"]):
        command = [sys.executable, "-W", "error", "-m", "torch_impl", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        outputs.append(done.stdout.splitlines())
    trained, evaluated = outputs
    for epoch, line in enumerate(trained[:5], start=1):
        assert re.fullmatch(rf"Epoch \[{epoch}/5\], Step \[15/15\], Loss: \d+\.\d{{4}}", line)
    assert re.fullmatch(r"Accuracy on the 360 test images: \d\d\.\d\d %", trained[5])
    assert trained[6:] == ["Saved model.ckpt"]
    assert evaluated == [trained[5]]
    assert float(trained[5].split()[-2]) > 85
    assert os.listdir(tmp_path) == ["model.ckpt"]


def test_every_option_of_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "LOG_EVERY", 2)
    options = [
        "--data",
        "digits",
        "--epochs",
        "2",
        "--batch-size",
        "300",
        "--lr",
        "0.002",
        "--seed",
        "7",
        "--device",
        "cpu",
    ]
    models = []
    for folder in ("a", "b"):
        result = run("train", *options, "--data-root", tmp_path, "--out", tmp_path / folder)
        assert result.exit_code == 0, result.output
        steps = [re.findall(r"\[(\d+)/", line) for line in result.stdout.splitlines() if "Step" in line]
        assert steps == [["1", "2"], ["1", "4"], ["1", "5"], ["2", "2"], ["2", "4"], ["2", "5"]]
        model, content = load_checkpoint(tmp_path / folder / "model.ckpt")
        assert (content["data"], content["epoch"]) == ("digits", 2)
        assert f"{content['accuracy']:.2f} %" in result.stdout
        models.append(model)
    assert torch.equal(models[0].fc1.weight, models[1].fc1.weight)
    result = run(
        *("evaluate", tmp_path / "a" / "model.ckpt", "--data", "digits"),
        *("--data-root", tmp_path, "--batch-size", 50, "--device", "cpu"),
    )
    assert result.exit_code == 0 and f"{content['accuracy']:.2f} %" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("train --epochs 0", "--epochs must be at least 1, not 0"),
        ("train --batch-size 0", "--batch-size must be at least 1, not 0"),
        ("train --lr -0.1", "--lr must be a positive number, not -0.1"),
        ("train --lr nan", "--lr must be a positive number, not nan"),
        ("train --lr inf", "--lr must be a positive number, not inf"),
        ("train --seed -1", "--seed must be in 0"),
        ("train --data cifar", "no data set 'cifar', choose from digits, mnist, fashion-mnist"),
        ("train --device cuda:99", "cannot compute on the device 'cuda:99'"),
        ("evaluate --batch-size -5", "--batch-size must be at least 1, not -5"),
        ("evaluate --data cifar", "no data set 'cifar'"),
        ("evaluate --device gpu", "cannot compute on the device 'gpu'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_2(arguments: str, sentence: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", ["train --epochs many", "train --colour", "fly", "evaluate a b"])
def test_what_the_parser_refuses_is_2(arguments: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert result.stdout == "" and "Error: " in result.stderr


def one_sentence(result: Result) -> str:
    """What was said on stderr by a command that failed without having trained."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_no_data_is_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.mnist.MNIST.download", download)
    sentence = one_sentence(run("train", "--data", "mnist", "--data-root", tmp_path, "--out", tmp_path))
    assert "--data-root" in sentence and "--data digits" in sentence


def test_folder_that_cannot_be_written_is_1_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot write to the folder" in one_sentence(run("train", "--out", tmp_path / "file"))
    (tmp_path / "model.ckpt").mkdir()
    assert "it is a folder" in one_sentence(run("train", "--out", tmp_path))


def test_checkpoints_that_are_no_use_are_1(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    assert "there is no checkpoint" in one_sentence(run("evaluate", path))
    path.write_text("hello")
    assert "no checkpoint" in one_sentence(run("evaluate", path))
    save_checkpoint(path, NeuralNet(), "cifar", 1, 10.0)
    assert "choose one with --data" in one_sentence(run("evaluate", path))
    save_checkpoint(path, NeuralNet(input_size=5), "digits", 1, 10.0)
    assert "does not take images of 784 pixels" in one_sentence(run("evaluate", path))


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_is_130_and_leaves_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-u",
        "-m",
        "torch_impl",
        "train",
        "--epochs",
        "100000",
        "--out",
        str(tmp_path),
    ]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert "Epoch [1/100000]" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert os.listdir(tmp_path) == []


def test_a_terminal_gets_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    result = run("train", "--epochs", "1", "--out", tmp_path)
    assert result.exit_code == 0
    assert "━" in result.stdout and "Step [15/15]" in result.stdout


def test_help_names_every_option() -> None:
    result = run("train", "--help")
    assert result.exit_code == 0
    for option in [
        "--data",
        "--data-root",
        "--epochs",
        "--batch-size",
        "--lr",
        "--seed",
        "--device",
        "--out",
    ]:
        assert option in result.stdout


@pytest.mark.slow
@pytest.mark.skipif("MINIGRAD_DATA" not in os.environ, reason="MINIGRAD_DATA names no folder that holds MNIST")
def test_mnist_reaches_97_and_a_half_percent(tmp_path: Path) -> None:
    result = run("train", "--data", "mnist", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    accuracy = float(result.stdout.split("test images: ")[1].split(" %")[0])
    assert accuracy >= 97.5
