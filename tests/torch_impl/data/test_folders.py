"""``torch_impl.data.folders``: what in a folder is a picture, and that all that cannot be read is told at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset

from torch_impl.data import DataError, as_floats, folders, load_data
from torch_impl.data.folders import PictureFiles
from torch_impl.options import TrainingOptions

CLASSES = {part: ["cat", "dog"] for part in ("train", "test")}


def write_folder(folder: Path, classes: dict[str, list[str]] = CLASSES) -> None:
    """Four pictures of every class, darker in the first than in the second."""
    for part, names in classes.items():
        for number, name in enumerate(names):
            (folder / part / name).mkdir(parents=True)
            for copy in range(4):
                Image.new("RGB", (30, 20 + copy), (50 * number, copy, 0)).save(folder / part / name / f"{copy}.png")


def options(folder: Path, validation: float = 0.0) -> TrainingOptions:
    return TrainingOptions(data=str(folder), image_size=16, validation=validation)


def contents(dataset: Dataset) -> tuple[torch.Tensor, list[int]]:
    samples = [dataset[index] for index in range(len(dataset))]  # type: ignore[arg-type]
    return torch.stack([image for image, _ in samples]), [int(label) for _, label in samples]


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_folder_of_images(in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same images whether it is small enough to be kept in memory or not."""
    monkeypatch.setattr(folders, "MOST_BYTES", 16 * 3 * 16**2 - (not in_memory))
    write_folder(tmp_path)
    data = load_data(options(tmp_path, validation=0.25))
    assert (data.image_shape, data.class_names, data.mirrored) == ((3, 16, 16), ("cat", "dog"), True)
    parts = [data.training, data.validation, data.test]
    kinds = [TensorDataset] * 3 if in_memory else [Subset, Subset, PictureFiles]
    assert [type(part) for part in parts] == kinds and [len(part) for part in parts] == [6, 2, 8]  # type: ignore[arg-type]
    images, labels = contents(data.test)
    assert labels == [0] * 4 + [1] * 4 and images.dtype == torch.uint8
    for image, label, copy in zip(as_floats(images), labels, [*range(4)] * 2):
        expected = torch.tensor([50 * label, copy, 0]) / 255
        assert torch.equal(image, expected[:, None, None].expand(3, 16, 16))
    kept, kept_out = (contents(part) for part in parts[:2] if part is not None)
    together = sorted(torch.cat([kept[0], kept_out[0]])[:, :2, 0, 0].tolist())
    assert together == sorted(images[:, :2, 0, 0].tolist())


def test_what_is_hidden_is_no_class_and_no_picture(tmp_path: Path) -> None:
    write_folder(tmp_path)
    expected = contents(load_data(options(tmp_path)).training)
    for place in ("train", "train/cat", "test/dog"):
        for name in (".ipynb_checkpoints", "__MACOSX", ".git/deep"):
            (tmp_path / place / name).mkdir(parents=True)
            (tmp_path / place / name / "0-checkpoint.png").write_bytes(b"no picture")
    for name in ("._0.png", ".DS_Store", "Thumbs.db", "labels.csv"):
        (tmp_path / "train" / "cat" / name).write_bytes(b"no picture")
    data = load_data(options(tmp_path))
    assert data.class_names == ("cat", "dog")
    found = contents(data.training)
    assert torch.equal(found[0], expected[0]) and found[1] == expected[1]


def test_pictures_of_a_class_may_be_in_folders_of_their_own(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "train" / "cat" / "more").mkdir()
    os.replace(tmp_path / "train" / "cat" / "0.png", tmp_path / "train" / "cat" / "more" / "0.PNG")
    assert contents(load_data(options(tmp_path)).training)[1] == [0] * 4 + [1] * 4


@pytest.mark.parametrize("most_bytes", [2**30, 0], ids=["memory", "stream"])
def test_all_pictures_that_cannot_be_read_are_named_at_once(
    most_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_BYTES", most_bytes)
    write_folder(tmp_path)
    whole = (tmp_path / "train/cat/0.png").read_bytes()
    (tmp_path / "train/cat/0.png").write_bytes(whole[:-30])
    (tmp_path / "train/dog/photo.heic").write_bytes(b"ftypheic")
    (tmp_path / "test/dog/3.png").write_bytes(b"")
    with pytest.raises(DataError) as raised:
        load_data(options(tmp_path))
    message = str(raised.value)
    assert message.startswith(f"3 of 17 pictures in {tmp_path} cannot be read, replace them by AVIF, ")
    for each in (
        "train/cat/0.png (image file is truncated",
        "train/dog/photo.heic (it is damaged, or",
        "test/dog/3.png (it is damaged",
    ):
        assert each in message
    assert "\n" not in message and "1.png" not in message
    with pytest.raises(DataError, match=r"1 of 8 pictures .*: test/dog/3\.png \(it is damaged, or of another kind"):
        load_data(options(tmp_path), test_only=True)
    (tmp_path / "test/dog/3.png").write_bytes(whole)
    assert contents(load_data(options(tmp_path), test_only=True).test)[1] == [0] * 4 + [1] * 4


@pytest.mark.skipif(os.name != "posix", reason="a shell's commands")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("rm -r train test", "is no folder of images .*: it must hold train and test"),
        ("rm -r train; touch train", "is no folder of images .*Not a directory: .*train"),
        ("mv test/dog test/cow", "do not have the same classes: cow, dog is in one only"),
        ("rm -r train/* test/*; cp /dev/null train/1.png", "train holds no folders"),
        ("mkdir train/cow test/cow", "no picture in train/cow: add some .*, or delete the class"),
        ("rm test/*/*.png; touch test/cat/.png test/dog/text.txt", "no picture in test/cat, test/dog: add some"),
    ],
)
def test_folders_that_are_none(change: str, sentence: str, tmp_path: Path) -> None:
    write_folder(tmp_path)
    assert os.system(f"cd {tmp_path} && {change}") == 0
    with pytest.raises(DataError, match=sentence) as raised:
        load_data(options(tmp_path))
    assert str(tmp_path) in str(raised.value) and "\n" not in str(raised.value)
