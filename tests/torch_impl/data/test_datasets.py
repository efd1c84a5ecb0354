"""``torch_impl.data``: splits, ranges, what happens when files are missing, cut or there already."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torchvision import datasets, transforms

from torch_impl.data import DATASETS, DataError, ImageArrays, load_arrays, load_data, load_datasets
from torch_impl.options import TrainingOptions

MNIST_FOLDER = Path(os.environ.get("MINIGRAD_DATA") or "data")
real_mnist = pytest.mark.skipif(
    not (MNIST_FOLDER / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").is_file(),
    reason="no MNIST: name its folder in MINIGRAD_DATA",
)


def write_idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_tiny(folder: Path, kind: str = "MNIST") -> Path:
    """Six training and four test images in MNIST's format. Returns the folder of the files."""
    random = np.random.default_rng(0)
    raw = folder / kind / "raw"
    for part, count in (("train", 6), ("t10k", 4)):
        write_idx(raw / f"{part}-images-idx3-ubyte", random.integers(0, 256, (count, 28, 28)))
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.arange(count))
    return raw


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Downloads fail as they do without a network. Returns the list of what was asked for."""
    asked: list[str] = []

    def download(url: str, **_: object) -> None:
        asked.append(url)
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", download)
    return asked


def check_form(arrays: ImageArrays) -> None:
    for images, labels in (
        (arrays.train_images, arrays.train_labels),
        (arrays.test_images, arrays.test_labels),
    ):
        assert images.shape == (len(labels), 1, 28, 28)
        assert (images.dtype, labels.dtype) == (np.float32, np.int64)
        assert images.min() == 0 and images.max() == 1
        assert set(np.unique(labels)) == set(range(10))


def test_digits_split_and_label_counts() -> None:
    arrays = load_arrays("digits")
    check_form(arrays)
    assert (len(arrays.train_labels), len(arrays.test_labels)) == (1437, 360)
    labels = np.concatenate([arrays.train_labels, arrays.test_labels])
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_array_equal(labels, load_digits().target)


def test_digits_are_the_original_pixels_tripled_with_a_margin() -> None:
    arrays = load_arrays("digits")
    images = np.concatenate([arrays.train_images, arrays.test_images])[:, 0]
    expected = np.zeros((1797, 28, 28), np.float32)
    expected[:, 2:26, 2:26] = np.kron(load_digits().images, np.ones((3, 3))) / 16
    np.testing.assert_array_equal(images, expected)


def test_digits_are_the_same_every_time() -> None:
    first, second = load_arrays("digits"), load_arrays("digits")
    assert first.train_images.tobytes() == second.train_images.tobytes()
    assert first.test_images.tobytes() == second.test_images.tobytes()


def test_datasets_are_the_arrays_as_tensors() -> None:
    arrays = load_arrays("digits")
    training, test = load_datasets("digits")
    assert (len(training), len(test)) == (1437, 360)
    image, label = test[7]
    assert (image.dtype, image.shape, label.dtype) == (torch.float32, (1, 28, 28), torch.int64)
    np.testing.assert_array_equal(image.numpy(), arrays.test_images[7])
    assert label == arrays.test_labels[7]


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match="no data set 'cifar': choose from digits, mnist, fashion-mnist"):
        load_arrays("cifar")
    assert DATASETS == ("digits", "mnist", "fashion-mnist")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_without_network_one_sentence_names_the_ways_out(name: str, tmp_path: Path, no_network: list[str]) -> None:
    with pytest.raises(DataError) as raised:
        load_arrays(name, tmp_path)
    message = str(raised.value)
    assert no_network, "a download should have been tried"
    assert "\n" not in message
    for part in (name, str(tmp_path), "--data-root", "--data digits", "Temporary failure in name resolution"):
        assert part in message


@pytest.mark.parametrize(("name", "kind"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_network_is_not_touched_when_the_files_are_there(
    name: str, kind: str, tmp_path: Path, no_network: list[str]
) -> None:
    write_tiny(tmp_path, kind)
    arrays = load_arrays(name, tmp_path)
    assert no_network == []
    assert (arrays.train_images.shape, arrays.test_images.shape) == ((6, 1, 28, 28), (4, 1, 28, 28))
    assert arrays.train_labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert arrays.train_images.dtype == np.float32 and arrays.train_labels.dtype == np.int64


def test_pixels_are_those_of_to_tensor(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    training, _ = load_datasets("mnist", tmp_path)
    theirs = datasets.MNIST(str(tmp_path), transform=transforms.ToTensor())
    for (image, label), (their_image, their_label) in zip(training, theirs):
        assert torch.equal(image, their_image)
        assert label == their_label


def test_root_argument_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny(tmp_path / "environment")
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "environment"))
    assert len(load_arrays("mnist").train_labels) == 6
    write_idx(tmp_path / "default" / "x", np.zeros(1))
    with pytest.raises(DataError, match="argument"):
        monkeypatch.setattr(datasets.MNIST, "mirrors", [])
        load_arrays("mnist", tmp_path / "argument")


def test_default_root_is_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_DATA", "")
    write_tiny(tmp_path / "data")
    assert len(load_arrays("mnist").train_labels) == 6


def test_one_missing_file_asks_the_network(tmp_path: Path, no_network: list[str]) -> None:
    (write_tiny(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="cannot be downloaded"):
        load_arrays("mnist", tmp_path)
    assert no_network


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("length", [0, 2, 6, 9, 300, -1])
def test_cut_file(file: str, length: int, tmp_path: Path, no_network: list[str]) -> None:
    path = write_tiny(tmp_path) / file
    content = path.read_bytes()
    path.write_bytes(content[: length if length < len(content) else -2])
    with pytest.raises(DataError, match="damaged or cannot be read") as raised:
        load_arrays("mnist", tmp_path)
    assert str(path.parent) in str(raised.value) and "\n" not in str(raised.value)
    assert no_network == []


@pytest.mark.parametrize(
    ("file", "array", "reason"),
    [
        ("train-images-idx3-ubyte", np.zeros((5, 28, 28)), "5 images but 6 labels"),
        ("train-images-idx3-ubyte", np.zeros((6, 20, 28)), r"shape \(20, 28\)"),
        ("t10k-labels-idx1-ubyte", np.array([0, 1, 2, 10]), "a label is 10"),
        ("t10k-labels-idx1-ubyte", np.zeros((4, 2)), "1 dimension"),
    ],
)
def test_files_that_do_not_fit(file: str, array: np.ndarray, reason: str, tmp_path: Path) -> None:
    write_idx(write_tiny(tmp_path) / file, array)
    with pytest.raises(DataError, match=reason):
        load_arrays("mnist", tmp_path)


@real_mnist
def test_real_mnist(no_network: list[str]) -> None:
    arrays = load_arrays("mnist", MNIST_FOLDER)
    check_form(arrays)
    assert (len(arrays.train_labels), len(arrays.test_labels)) == (60_000, 10_000)
    assert np.bincount(arrays.train_labels).tolist() == [
        *(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    ]
    assert np.bincount(arrays.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.usefixtures("forked")
def test_minigrad_is_never_imported() -> None:
    """Nor torchvision, which takes a second: an import of either would fail here."""
    code = (
        "import sys; sys.modules['minigrad'] = sys.modules['torchvision'] = None;"
        "import torch_impl.cli, torch_impl.commands, torch_impl.data as data; data.load_arrays('digits')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def write_cifar(folder: Path) -> None:
    """CIFAR-10's files with two images each, and the check sums that torchvision asks for."""
    base = folder / datasets.CIFAR10.base_folder
    base.mkdir(parents=True)
    random = np.random.default_rng(0)
    names = [name for name, _ in [*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list]]
    for name in names:
        content = {"data": random.integers(0, 256, (2, 3072), dtype=np.uint8), "labels": [3, 9]}
        (base / name).write_bytes(pickle.dumps(content))
    (base / datasets.CIFAR10.meta["filename"]).write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))


def test_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(tmp_path)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    arrays = load_arrays("cifar10", tmp_path)
    assert (arrays.train_images.shape, arrays.test_images.shape) == ((10, 3, 32, 32), (2, 3, 32, 32))
    assert (arrays.train_images.dtype, arrays.train_labels.dtype) == (np.float32, np.int64)
    theirs = datasets.CIFAR10(str(tmp_path), transform=transforms.ToTensor())
    for image, label, (their_image, their_label) in zip(arrays.train_images, arrays.train_labels, theirs):
        np.testing.assert_array_equal(image, their_image.numpy())
        assert label == their_label
    data = load_data(TrainingOptions(data="cifar10"), tmp_path)
    assert (data.image_shape, data.class_names[3], data.mirrored) == ((3, 32, 32), "cat", True)


def test_cifar10_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> None:
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", download)
    with pytest.raises(DataError, match="cifar10 is not in .* and cannot be downloaded .*--data-root"):
        load_arrays("cifar10", tmp_path)
    write_cifar(tmp_path)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    (tmp_path / datasets.CIFAR10.base_folder / "data_batch_3").write_bytes(b"no pickle")
    with pytest.raises(DataError, match="damaged .*delete that folder"):
        load_arrays("cifar10", tmp_path)


def test_neither_a_data_set_nor_a_folder() -> None:
    with pytest.raises(
        ValueError, match="no data set 'nowhere': choose from digits, mnist, fashion-mnist, cifar10, or"
    ):
        load_data(TrainingOptions(data="nowhere"))


def test_validation_images_are_drawn_from_the_seed() -> None:
    whole = load_data(TrainingOptions())
    assert whole.validation is None and whole.class_names == tuple("0123456789")
    parts = [load_data(TrainingOptions(validation=0.2, seed=seed)) for seed in (0, 0, 1)]
    kept_out = [part.validation.tensors[0] for part in parts]  # type: ignore[union-attr]
    assert [len(images) for images in kept_out] == [287] * 3
    assert torch.equal(kept_out[0], kept_out[1]) and not torch.equal(kept_out[0], kept_out[2])
    everything = torch.cat([parts[0].training.tensors[0], kept_out[0]])  # type: ignore[attr-defined]
    assert sorted(everything.sum((1, 2, 3)).tolist()) == sorted(whole.training.tensors[0].sum((1, 2, 3)).tolist())  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="is none: raise it"):
        load_data(TrainingOptions(validation=0.0001))
