"""``torch_impl.folder``: one run at a time writes to a folder; which checkpoint an argument means."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from torch_impl.checkpoint import CheckpointError
from torch_impl.folder import find_checkpoint, locked
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows neither locks folders nor forks")


def is_free(folder: Path) -> bool:
    """Whether another run could begin in the folder now."""
    try:
        with locked(folder):
            return True
    except CheckpointError as error:
        assert str(error).startswith(f"another run is writing to {folder}: wait for its end, or name another folder")
        return False


@POSIX
def test_a_folder_is_one_runs_until_it_ends(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        assert not is_free(tmp_path)
        (tmp_path / "other").mkdir()
        assert is_free(tmp_path / "other")
        raise ZeroDivisionError
    assert is_free(tmp_path) and os.listdir(tmp_path) == ["other"]


@POSIX
def test_the_lock_dies_with_its_process_though_its_readers_live_on(tmp_path: Path) -> None:
    """A run that is killed, with a process of its own, as one that reads images, which survives it for a while."""
    ready, tell = os.pipe()
    run = os.fork()
    if run == 0:
        with locked(tmp_path):
            reader = os.fork()
            os.write(tell, f"{reader or os.getpid()}\n".encode())
            time.sleep(60)
            os._exit(0)
    lines = b""
    while lines.count(b"\n") < 2:
        lines += os.read(ready, 100)
    assert not is_free(tmp_path)
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    reader = int(lines.split()[0])
    os.kill(reader, 0)  # it is there
    assert is_free(tmp_path)
    os.kill(reader, signal.SIGKILL)


@POSIX
def test_a_second_run_is_refused_before_it_changes_anything(tmp_path: Path) -> None:
    """While the first one writes, and when it has ended meanwhile."""
    options, place = TrainingOptions(hidden_size=3, epochs=1), Place(torch.device("cpu"), tmp_path, figures=False)
    first, second = Run(options, place), Run(options, place)
    with locked(tmp_path):
        for run in (first, second, Run(options, replace(place, overwrite=True))):
            with pytest.raises(CheckpointError, match="another run is writing"):
                run.run()
    assert os.listdir(tmp_path) == []
    first.run()
    written = (tmp_path / "last.ckpt").read_bytes()
    with pytest.raises(CheckpointError, match="there is a run in"):
        second.run()
    assert (tmp_path / "last.ckpt").read_bytes() == written


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("run", "run/last.ckpt"),
        ("run/best", "run/best.ckpt"),
        ("run/last", "run/last.ckpt"),
        ("last", "run/last.ckpt"),
        ("best", "run/best.ckpt"),
        ("torn", "torn/previous.ckpt"),
        ("inside/best", "inside/best.ckpt"),
        ("run/best.ckpt", "run/best.ckpt"),
        ("run/mine", "run/mine"),
        ("nowhere", "nowhere"),
        ("folder/best", "folder/best/last.ckpt"),
    ],
)
def test_what_an_argument_means(named: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, names in {
        "run": ("last", "best"),
        "torn": ("previous",),
        "inside": ("best",),
        "folder/best": (),
    }.items():
        Path(folder).mkdir(parents=True)
        for name in names:
            Path(folder, f"{name}.ckpt").touch()
    assert find_checkpoint(Path(named)) == Path(meant)
    if named == "inside/best":
        monkeypatch.chdir("inside")
        assert find_checkpoint(Path("best")) == Path("best.ckpt")
