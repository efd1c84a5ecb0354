"""``torch_impl.checkpoint``: what is written comes back, whole or not at all, and nothing foreign is taken."""

from __future__ import annotations

import os
import pickle
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from torch_impl import files
from torch_impl.checkpoint import (
    CheckpointError,
    check_writable,
    load_checkpoint,
    load_latest,
    load_model,
    save_checkpoint,
)
from torch_impl.networks import build_model
from torch_impl.options import TrainingOptions

OPTIONS = TrainingOptions(hidden_size=5)


def content(epoch: int = 3) -> dict[str, Any]:
    """All that a checkpoint holds, of a small network that knows its epoch by its weights."""
    torch.manual_seed(epoch)
    return {
        "options": OPTIONS.as_dict(),
        "image_shape": [1, 2, 3],
        "class_names": ["a", "b", "c", "d"],
        "epoch": epoch,
        "step": 10 * epoch,
        "model": build_model(OPTIONS, (1, 2, 3), 4).state_dict(),
        **{name: {} for name in ("average", "optimizer", "scheduler", "scaler", "loader")},
        **{name: [] for name in ("tally", "random_states", "history")},
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good checkpoint."""
    save_checkpoint(tmp_path, content(), best=False)
    return tmp_path / "last.ckpt"


def test_what_was_saved_comes_back(path: Path) -> None:
    model, options, found = load_model(path)
    assert options == OPTIONS
    for name, tensor in content()["model"].items():
        assert torch.equal(tensor, model.state_dict()[name])
    assert (found["epoch"], found["step"], found["class_names"]) == (3, 30, ["a", "b", "c", "d"])


def test_last_previous_and_best(tmp_path: Path) -> None:
    for epoch, best in ((1, True), (2, True), (3, False)):
        save_checkpoint(tmp_path, content(epoch), best)
    found = {name: load_checkpoint(tmp_path / name)["epoch"] for name in os.listdir(tmp_path)}
    assert found == {"last.ckpt": 3, "previous.ckpt": 2, "best.ckpt": 2}


def test_permissions_are_those_of_any_new_file(path: Path) -> None:
    other = path.with_name("other")
    other.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


class FailingFile:
    """A file whose disk is full after a hundred bytes."""

    def __init__(self, file: Any, fail: Callable[[], None]) -> None:
        self.file, self.name, self.fail = file, file.name, fail

    def __enter__(self) -> FailingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, content: memoryview) -> None:
        self.file.write(content[:100])
        self.file.flush()
        self.fail()


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
        create = files.create
        monkeypatch.setattr(files, "create", lambda folder: FailingFile(create(folder), fail))
    else:
        monkeypatch.setattr(os, moment, fail)
    expected = CheckpointError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        save_checkpoint(path.parent, content(9), best=True)
    monkeypatch.undo()
    assert reached
    assert os.listdir(path.parent) == ["last.ckpt"]
    assert path.read_bytes() == before


def test_dying_between_the_two_renames_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def die_after(source: Path, target: Path) -> None:
        replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", die_after)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path.parent, content(9), best=False)
    assert os.listdir(path.parent) == ["previous.ckpt"]
    found, complaint = load_latest(path.parent)
    assert found is not None and (found["epoch"], complaint) == (3, "")


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def watched_replace(source: str | Path, target: str | Path) -> None:
        name = "new" if str(source).endswith(".partial") else Path(source).name
        order.append(f"{name} becomes {Path(target).name}")
        assert Path(source).parent == path.parent
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    save_checkpoint(path.parent, content(9), best=True)
    expected = ["file", "new becomes best.ckpt", "folder"]
    expected += ["file", "last.ckpt becomes previous.ckpt", "new becomes last.ckpt", "folder"]
    assert order == [each for each in expected if os.name == "posix" or each != "folder"]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_one_is_set_aside_and_the_one_before_it_is_used(damage: str, path: Path) -> None:
    save_checkpoint(path.parent, content(4), best=False)
    whole = bytearray(path.read_bytes())
    whole[whole.index(content(4)["model"]["1.fc2.weight"].numpy().tobytes())] ^= 1
    path.write_bytes({"cut": whole[:-100], "changed": whole, "empty": b""}[damage])
    found, complaint = load_latest(path.parent)
    assert found is not None and found["epoch"] == 3
    assert "damaged" in complaint and "going on from" in complaint and "\n" not in complaint
    save_checkpoint(path.parent, content(5), best=False)
    epochs = {name: load_checkpoint(path.with_name(name))["epoch"] for name in ("last.ckpt", "previous.ckpt")}
    assert epochs["last.ckpt"] == 5 and sorted(os.listdir(path.parent))[1] == "last.ckpt.damaged"


def test_both_damaged(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="last.ckpt is damaged"):
        load_latest(path.parent)
    path.with_name("previous.ckpt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="previous.ckpt is damaged"):
        load_latest(path.parent)
    assert sorted(os.listdir(path.parent)) == ["last.ckpt", "previous.ckpt"]


def refused(path: Path) -> str:
    """The sentence that loading ends with."""
    with pytest.raises(CheckpointError) as raised:
        load_model(path)
    message = str(raised.value)
    assert str(path) in message and "\n" not in message
    return message


def test_missing(tmp_path: Path) -> None:
    assert "there is no checkpoint" in refused(tmp_path / "last.ckpt")
    assert load_latest(tmp_path) == (None, "")


def test_a_folder(tmp_path: Path) -> None:
    assert "cannot read" in refused(tmp_path)


def test_cut_anywhere(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 101):
        path.write_bytes(content[:length])
        assert "damaged" in refused(path)


def test_a_changed_weight(path: Path) -> None:
    model, _, _ = load_model(path)
    content = bytearray(path.read_bytes())
    at = content.index(next(model.parameters()).detach().numpy().tobytes())
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
        path.write_text("no checkpoint\n" * 10, encoding="utf-8")
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"format": 1}))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a", "b")
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, a=np.zeros(3))
    else:
        model = build_model(OPTIONS)
        torch.save(
            {"state_dict": model.state_dict(), "whole model": model, "list": [1], "harmful": Harmful(harm)}[kind], path
        )
    assert "no checkpoint" in refused(path)
    assert not harm.exists()


def test_a_network_that_is_not_in_the_file_takes_no_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four kilobytes can name a network of ten gigabytes; its weights may be there as one number, shown often."""
    size, shapes = 2**20, {"1.fc1.weight": (2**20, 6), "1.fc1.bias": (2**20,), "1.fc2.weight": (4, 2**20)}
    weights = {**content()["model"], **{name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}}
    for model in (content()["model"], weights):
        change = {"options": {**OPTIONS.as_dict(), "hidden_size": size}, "model": model}
        torch.save({**torch.load(path, weights_only=True), **change}, path)
        with monkeypatch.context() as patched:
            patched.setattr(torch.nn.Module, "load_state_dict", None)
            assert "do not fit" in refused(path)


@pytest.mark.parametrize("kind", ["doubled", "doubled in capitals", "compressed"])
def test_archives_that_readers_take_for_another_are_refused(kind: str, path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, of the name
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            name = next(name for name in parts if name.endswith("data/0"))
            archive.writestr(name.upper() if kind == "doubled in capitals" else name, parts[name])
            if kind == "compressed":
                archive.writestr(f"{name}0", bytes(2**25))
    assert "damaged or no checkpoint" in refused(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_devices_and_pipes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert "a device or a pipe" in refused(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image_shape": [1, 2, 4]}, "do not fit"),
        ({"image_shape": [1]}, "do not fit"),
        ({"class_names": ["a"]}, "do not fit"),
        ({"model": {}}, "model lacks '1.fc1.weight'"),
        ({"model": {**content()["model"], "more": torch.zeros(1)}}, "model has 'more'"),
        ({"model": {**content()["model"], "1.fc1.bias": torch.zeros(4)}}, r"has the shape (4,), not (5,)"),
        ({"model": {**content()["model"], "1.fc1.bias": torch.zeros(5, dtype=torch.int64)}}, "is of the type"),
        ({"model": {**content()["model"], "1.fc1.bias": torch.full((5,), torch.nan)}}, "holds NaN"),
        ({"model": {**content()["model"], "1.fc1.bias": torch.zeros(5, device="meta")}}, "all of its elements"),
        ({"model": {**content()["model"], "1.fc1.bias": torch.zeros(1).expand(5)}}, "all of its elements"),
        ({"model": {**content()["model"], "1.fc1.bias": [0.0] * 5}}, "no tensor"),
        ({"image_shape": [1, 2, -3]}, "image_shape"),
        ({"image_shape": [1, 2.0, 3]}, "image_shape"),
        ({"image_shape": [1, 10**9, 10**9]}, "image_shape"),
        ({"class_names": [1, 2, 3, 4]}, "class_names"),
        ({"class_names": []}, "class_names"),
        ({"options": {**OPTIONS.as_dict(), "hidden_size": 2**31 - 1}}, "has the shape (5, 6)"),
        ({"more": 1}, "has 'more' too"),
        ({"model": None}, "lacks its model"),
        ({"history": 1}, "lacks its history"),
        ({"options": {"colour": 1}}, "no options of this program"),
        ({"options": {**OPTIONS.as_dict(), "model": "vgg"}}, "no options of this program"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_parts_that_do_not_fit(change: dict[str, Any], reason: str, path: Path) -> None:
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    assert reason in refused(path)


def test_check_writable(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep")
    assert os.listdir(tmp_path / "new" / "deep") == []
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot write to the folder"):
        check_writable(tmp_path / "file")
    (tmp_path / "new" / "best.ckpt").mkdir()
    with pytest.raises(CheckpointError, match="it is a folder"):
        check_writable(tmp_path / "new")
