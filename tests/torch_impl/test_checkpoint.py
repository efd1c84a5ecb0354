"""``torch_impl.checkpoint``: what is written comes back, whole or not at all, and nothing foreign is taken."""

from __future__ import annotations

import os
import pickle
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from torch_impl.checkpoint import CheckpointError, check_writable, load_checkpoint, save_checkpoint
from torch_impl.models import NeuralNet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good checkpoint, of a small network."""
    torch.manual_seed(0)
    path = tmp_path / "model.ckpt"
    save_checkpoint(path, NeuralNet(6, 5, 4), "digits", 3, 97.5)
    return path


def test_what_was_saved_comes_back(path: Path) -> None:
    torch.manual_seed(0)
    model = NeuralNet(6, 5, 4)
    loaded, content = load_checkpoint(path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])
    assert (content["data"], content["epoch"], content["accuracy"]) == ("digits", 3, 97.5)


def test_permissions_are_those_of_any_new_file(path: Path) -> None:
    other = path.with_name("other")
    other.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


class FailingFile:
    """A file whose disk is full after a hundred bytes."""

    def __init__(self, file: Any, error: BaseException) -> None:
        self.file, self.error = file, error

    def __enter__(self) -> FailingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, content: memoryview) -> None:
        self.file.write(content[:100])
        self.file.flush()
        raise self.error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_failure_at_any_moment_leaves_the_old_file(
    error: BaseException, moment: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    reached = []

    def fail(*_: object) -> None:
        reached.append(os.listdir(path.parent))
        raise error

    if moment == "write":
        opened = Path.open

        def open_failing(self: Path, mode: str = "r") -> FailingFile:
            reached.append(mode)
            return FailingFile(opened(self, mode), error)

        monkeypatch.setattr(Path, "open", open_failing)
    else:
        monkeypatch.setattr(os, moment, fail)
    expected = CheckpointError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        save_checkpoint(path, NeuralNet(6, 5, 4), "digits", 9, 1.0)
    monkeypatch.undo()
    assert reached
    assert os.listdir(path.parent) == ["model.ckpt"]
    assert path.read_bytes() == before


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def watched_replace(source: Path, target: Path) -> None:
        order.append("replace")
        assert Path(source).parent == path.parent
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    save_checkpoint(path, NeuralNet(6, 5, 4), "digits", 1, 1.0)
    assert order == (["file", "replace", "folder"] if os.name == "posix" else ["file", "replace"])


def refused(path: Path) -> str:
    """The sentence that loading ends with."""
    with pytest.raises(CheckpointError) as raised:
        load_checkpoint(path)
    message = str(raised.value)
    assert str(path) in message and "\n" not in message
    return message


def test_missing(tmp_path: Path) -> None:
    assert "there is no checkpoint" in refused(tmp_path / "model.ckpt")


def test_a_folder(tmp_path: Path) -> None:
    assert "cannot read" in refused(tmp_path)


def test_cut_anywhere(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 101):
        path.write_bytes(content[:length])
        assert "damaged" in refused(path)


def test_a_changed_weight(path: Path) -> None:
    model, _ = load_checkpoint(path)
    content = bytearray(path.read_bytes())
    at = content.index(model.fc1.weight.detach().numpy().tobytes())
    content[at + 2] ^= 1
    path.write_bytes(content)
    assert "has changed" in refused(path)


class Harmful:
    """Unpickled the ordinary way it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("kind", ["text", "pickle", "zip", "npz", "state_dict", "whole model", "list", "harmful"])
def test_foreign_files(kind: str, path: Path) -> None:
    harm = path.with_name("harm")
    if kind == "text":
        path.write_text("no checkpoint\n" * 10)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"format": 1}))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a", "b")
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, a=np.zeros(3))
    else:
        model = NeuralNet(6, 5, 4)
        content = {
            "state_dict": model.state_dict(),
            "whole model": model,
            "list": [1],
            "harmful": Harmful(harm),
        }
        torch.save(content[kind], path)
    assert "no checkpoint" in refused(path)
    assert not harm.exists()


@pytest.mark.parametrize(
    "change",
    [{"sizes": [6, 5, 3]}, {"sizes": "abc"}, {"sizes": [6, 5]}, {"model": {}}, {"model": None}],
    ids=str,
)
def test_weights_that_do_not_fit(change: dict[str, Any], path: Path) -> None:
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    refused(path)


def test_check_writable(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep" / "model.ckpt")
    assert os.listdir(tmp_path / "new" / "deep") == []
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot write to the folder"):
        check_writable(tmp_path / "file" / "model.ckpt")
    with pytest.raises(CheckpointError, match="it is a folder"):
        check_writable(tmp_path / "new")
