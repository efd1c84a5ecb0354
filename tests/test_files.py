"""Files are there whole or not at all, whoever else writes in the folder. Both packages have the same text for that."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import minigrad
import minigrad.saving.files
import torch_impl.files

ROOT = Path(__file__).parent.parent
FILES = pytest.mark.parametrize("files", [minigrad.saving.files, torch_impl.files], ids=lambda files: files.__name__)
POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")


def write(files, path, content=b"new"):
    with files.replacing(path) as file:
        file.write(content)


def test_both_packages_have_the_same_text():
    ours, theirs = (Path(files.__file__).read_bytes() for files in (minigrad.saving.files, torch_impl.files))
    assert ours == theirs


@POSIX
@FILES
def test_what_is_no_regular_file_is_written_into(files, tmp_path):
    write(files, os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(files, pipe)
    reader.join()
    assert read == [b"new"] and pipe.is_fifo() and os.listdir(tmp_path) == ["pipe"]
    if os.path.exists("/dev/full"):
        with pytest.raises(OSError, match="No space left"):
            write(files, "/dev/full")


@POSIX
@FILES
def test_links_permissions_and_what_must_not_be_written_stay(files, tmp_path, monkeypatch):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write(files, link)
    assert link.is_symlink() and target.read_bytes() == b"new" and stat.S_IMODE(target.stat().st_mode) == 0o640
    for path, error in ((tmp_path, IsADirectoryError), (tmp_path / "missing" / "file", FileNotFoundError)):
        with pytest.raises(error):
            write(files, path)
    with pytest.raises(OSError, match="too long"):
        write(files, tmp_path / ("x" * 300))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to every file
    with pytest.raises(PermissionError, match="read-only"):
        write(files, target, b"newer")
    assert target.read_bytes() == b"new" and sorted(os.listdir(tmp_path)) == ["link", "target"]


@POSIX
@FILES
def test_planted_links_are_not_followed(files, tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    (tmp_path / ".minigrad-guessed.partial").symlink_to(victim)
    write(files, tmp_path / "file")
    monkeypatch.setattr(files.secrets, "token_hex", lambda count: "guessed")
    with pytest.raises(FileExistsError):
        write(files, tmp_path / "file")
    assert victim.read_bytes() == b"old"


@POSIX
@FILES
def test_what_killed_processes_left_is_removed_and_what_is_being_written_stays(files, tmp_path):
    program = (
        f"import os, signal, {files.__name__} as files\n"
        "with files.replacing('file') as file:\n"
        "    file.write(bytes(10**6))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment)
    assert killed.returncode == -signal.SIGKILL and len(os.listdir(tmp_path)) == 1
    with files.replacing(tmp_path / "slow") as slow:
        slow.write(b"slow")
        write(files, tmp_path / "file")
        assert sorted(os.listdir(tmp_path)) == sorted([os.path.basename(slow.name), "file"])
    assert sorted(os.listdir(tmp_path)) == ["file", "slow"]


# Waits until both are there, then saves again and again.
SAVER = """
import os, sys, time
{prepare}
open(sys.argv[1], "x").close()
while not (os.path.exists("0") and os.path.exists("1")):
    time.sleep(0.001)
for number in range(100):
    {save}
"""

SAVES = {
    "minigrad.save": ("import minigrad", "minigrad.save({'number': number}, 'file')"),
    "replacing": ("import torch_impl.files as files", "with files.replacing('file') as file: file.write(bytes(10**5))"),
    "save_checkpoint": (
        "from torch_impl.checkpoint import save_checkpoint",
        "save_checkpoint('.', {'number': number}, best=True)",
    ),
}


@pytest.mark.parametrize("name", SAVES)
@pytest.mark.usefixtures("forked")
def test_two_processes_save_in_one_folder_and_nothing_is_lost(name, tmp_path):
    program = SAVER.format(prepare=SAVES[name][0], save=SAVES[name][1])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    savers = [
        subprocess.Popen([sys.executable, "-c", program, number], cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
        for number in ("0", "1")
    ]
    for saver in savers:
        errors = saver.communicate(timeout=240)[1]
        assert saver.returncode == 0, errors.decode()
    files = {"best.ckpt", "last.ckpt", "previous.ckpt"} if name == "save_checkpoint" else {"file"}
    assert set(os.listdir(tmp_path)) == {"0", "1", *files}
