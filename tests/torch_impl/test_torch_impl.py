"""The PyTorch side: model, data, training, checkpoints, command line."""

import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from typer.testing import CliRunner

from torch_impl import (
    Batches,
    CheckpointError,
    DataError,
    NeuralNet,
    choose_device,
    evaluate,
    load_arrays,
    load_checkpoint,
    load_datasets,
    save_checkpoint,
    seed_everything,
    train,
)
from torch_impl.cli import app

CPU = torch.device("cpu")


def command(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_model():
    model = NeuralNet()
    assert sum(each.numel() for each in model.parameters()) == 784 * 500 + 500 + 500 * 10 + 10
    assert model(torch.zeros(3, 784)).shape == (3, 10)
    assert list(model.state_dict()) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


def test_digits():
    arrays = load_arrays("digits")
    assert arrays.train_images.shape == (1437, 1, 28, 28) and arrays.test_images.shape == (360, 1, 28, 28)
    assert arrays.train_images.dtype == np.float32 and arrays.train_labels.dtype == np.int64
    assert arrays.train_images.min() == 0 and arrays.train_images.max() == 1
    assert sorted(set(arrays.test_labels)) == list(range(10))
    assert np.array_equal(
        arrays.train_images[0, 0, 2:5, 11:14], np.full((3, 3), 13 / 16 * 0 + arrays.train_images[0, 0, 2, 11])
    )
    with pytest.raises(ValueError, match="choose from digits, mnist"):
        load_arrays("imagenet")


def write_idx(path, array):
    path.write_bytes(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def small_mnist(tmp_path):
    """Four files in MNIST's format with a few random images."""
    random = np.random.default_rng(0)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 30), ("t10k", 10)):
        write_idx(raw / f"{prefix}-images-idx3-ubyte", random.integers(0, 256, (count, 28, 28)).astype(np.uint8))
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    return tmp_path


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("Error downloading:\nno network")

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", refuse)


def test_files_that_are_there_are_used_without_network(small_mnist, no_network, monkeypatch):
    training, test = load_datasets("mnist", small_mnist)
    assert len(training) == 30 and len(test) == 10 and training.tensors[0].max() <= 1
    monkeypatch.setenv("MINIGRAD_DATA", str(small_mnist))
    assert len(load_arrays("mnist").train_labels) == 30


def test_missing_data_is_one_sentence(tmp_path, no_network):
    with pytest.raises(DataError) as caught:
        load_arrays("fashion-mnist", tmp_path)
    message = str(caught.value)
    assert "--data-root" in message and "--data digits" in message and "\n" not in message
    done = command("train", "--data", "mnist", "--data-root", tmp_path, "--out", tmp_path)
    assert done.exit_code == 1 and not (tmp_path / "model.ckpt").exists()


def test_damaged_data_is_told(small_mnist, no_network):
    file = small_mnist / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match="damaged"):
        load_arrays("mnist", small_mnist)


def test_batches_come_in_the_order_of_a_data_loader():
    training, _ = load_datasets("digits")
    seed_everything(5)
    ours = [labels for _ in range(2) for _, labels in Batches(training, 100, CPU, shuffle=True)]
    seed_everything(5)
    loader = DataLoader(training, batch_size=100, shuffle=True)
    theirs = [labels for _ in range(2) for _, labels in loader]
    assert len(ours) == len(theirs) == 30 and all(torch.equal(a, b) for a, b in zip(ours, theirs))


def trained(seed, epochs=2):
    training, test = load_datasets("digits")
    seed_everything(seed)
    model = NeuralNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = Batches(training, 100, CPU, shuffle=True)
    losses = [train(model, batches, optimizer) for _ in range(epochs)]
    return model, losses, Batches(test, 100, CPU)


def test_training_lowers_the_loss_and_repeats():
    model, losses, test = trained(1)
    again, _, _ = trained(1)
    other, _, _ = trained(2, epochs=1)
    assert losses[1] < losses[0] / 2
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters()))
    assert not torch.equal(model.fc1.weight, other.fc1.weight)
    with torch.no_grad():
        correct = sum(int(model(x.flatten(1)).argmax(1).eq(y).sum()) for x, y in test)
    assert evaluate(model, test) == 100 * correct / 360 and not model.training


def test_devices():
    assert choose_device("cpu") == CPU and choose_device().type in ("cpu", "cuda", "mps")
    with pytest.raises(RuntimeError, match="cannot compute on the device"):
        choose_device("no-such-device")


def test_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "model.ckpt"
    model = NeuralNet()
    save_checkpoint(path, model, "digits", 5, 97.5)
    loaded, content = load_checkpoint(path)
    assert content["data"] == "digits" and content["epoch"] == 5
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters()))

    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CheckpointError, match="No space left"):
        save_checkpoint(path, NeuralNet(), "digits", 6, 98.0)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model.ckpt"]


@pytest.mark.parametrize("damage", ["cut", "foreign", "other sizes", "text", "missing"])
def test_checkpoints_that_are_refused(tmp_path, damage):
    path = tmp_path / "model.ckpt"
    save_checkpoint(path, NeuralNet(), "digits", 1, 90.0)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "foreign":
        torch.save({"weights": torch.zeros(1)}, path)
    elif damage == "other sizes":
        content = torch.load(path, weights_only=True)
        torch.save({**content, "sizes": [1, 2, 3]}, path)
    elif damage == "text":
        path.write_text("no checkpoint")
    else:
        path.unlink()
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    done = command("evaluate", path)
    assert done.exit_code == 1 and "Traceback" not in done.output


def test_command_line(tmp_path):
    done = command("train", "--epochs", 2, "--batch-size", 200, "--out", tmp_path / "new", "--seed", 3)
    assert done.exit_code == 0, done.output
    assert "Epoch [2/2], Step [8/8], Loss: " in done.output
    accuracy = next(line for line in done.output.splitlines() if line.startswith("Accuracy"))
    assert accuracy.startswith("Accuracy on the 360 test images: ")
    evaluated = command("evaluate", tmp_path / "new" / "model.ckpt")
    assert evaluated.exit_code == 0 and evaluated.output.strip() == accuracy


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--epochs", "0"],
        ["train", "--batch-size", "0"],
        ["train", "--lr", "-1"],
        ["train", "--lr", "nan"],
        ["train", "--data", "imagenet"],
        ["train", "--device", "no-such-device"],
        ["train", "--no-such-option"],
        ["evaluate", "--data", "imagenet"],
        ["fly"],
    ],
    ids=str,
)
def test_wrong_usage_ends_with_2(arguments):
    done = command(*arguments)
    assert done.exit_code == 2 and "Traceback" not in done.output, done.output


def test_a_folder_that_cannot_be_made_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    done = command("train", "--out", tmp_path / "file" / "folder")
    assert done.exit_code == 1 and "Epoch" not in done.output


def test_the_module_runs(tmp_path):
    done = subprocess.run([sys.executable, "-m", "torch_impl", "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and "train" in done.stdout and "evaluate" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif("MINIGRAD_DATA" not in os.environ, reason="MINIGRAD_DATA names no folder that holds MNIST")
def test_mnist_reaches_97_and_a_half_percent(tmp_path):
    done = command("train", "--data", "mnist", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    accuracy = float(done.output.split("test images: ")[1].split(" %")[0])
    assert accuracy >= 97.5
