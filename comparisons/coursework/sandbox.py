"""Where an engine under test runs: a process of its own, at one of three levels.

===========  ==================================================================================================
bubblewrap   namespaces of its own; of the machine's files it has Python, NumPy and the engine, to read
user         the same files in a folder of their own (chroot), as a user whom nobody else is. Begun by root alone
limits       limits alone. It can read what its user can, the judge's memory too: for checks of one's own
===========  ==================================================================================================

At each level memory is limited, no file is written, what is sent is limited in size and time; on Linux no process or
thread can be begun, no process signalled and no network opened (``confinement.py``).
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from comparisons.coursework import confinement
from comparisons.coursework.engines import Engine
from comparisons.coursework.processes import Limits, NoAnswer, Process
from comparisons.coursework.shelf import Shelf
from comparisons.coursework.student import HERE, READY
from comparisons.coursework.world import INSTALLED, LAB, SITE, make_site, make_world, world

__all__ = ["LEVELS", "UNSAFE", "Sandbox", "SandboxError", "open_sandbox"]

LEVELS = ("bubblewrap", "user", "limits")
UNSAFE = "limits"
WORK = "/engine"  # where the engine is
START_SECONDS = 30.0  # until Python and NumPy are there, on a machine that is busy
FIRST_USER, USERS = 1 << 30, 1 << 30  # numbers that no machine gives to its users


class SandboxError(RuntimeError):
    """A level cannot be had here; the message says why."""


class Sandbox:
    """A level with its limits; a context manager. What its processes share is made once.

    Args:
        level: one of ``LEVELS``.
        limits: what a process may use.
        known: an engine that most of what will run here is made of: it starts sooner then.

    Raises:
        SandboxError: the level cannot be had here.
    """

    def __init__(self, level: str, limits: Limits | None = None, known: Engine | None = None) -> None:
        self.level = level
        self.limits = limits or Limits()
        self.numpy = ""
        if os.name != "posix":
            raise SandboxError("an engine is judged on Linux or macOS only")
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="minigrad-judge-")))
            kept = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="minigrad-known-")))
            self.shelf = Shelf(kept, known or Engine("nothing", {}))
            self.nowhere = os.open(os.devnull, os.O_RDWR)
            stack.callback(os.close, self.nowhere)
            try:
                self.prepare()
                with self.start(Engine("nothing", {"nothing.py": b""})) as process:
                    process.ask(READY)
            except (NoAnswer, OSError) as reason:
                raise SandboxError(f"an empty engine did not start: {reason}") from None
            self.stack = stack.pop_all()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    @contextmanager
    def start(self, engine: Engine) -> Iterator[Process]:
        """A process that has NumPy and is about to import the engine: its next message tells how that went.

        Raises:
            SandboxError: it did not come so far.
        """
        user = FIRST_USER + secrets.randbelow(USERS)
        with tempfile.TemporaryDirectory(dir=self.folder) as given:
            folder = Path(given)
            self.shelf.lay_out(engine, folder)
            with Process(self.command(engine, folder, user), self.limits, self.nowhere) as process:
                try:
                    text, _ = process.ask(HERE, seconds=START_SECONDS)
                except NoAnswer as reason:
                    os.killpg(process.process.pid, signal.SIGKILL)
                    complaint = process.complaints.read(10_000).decode(errors="replace").strip().rpartition("\n")[2]
                    raise SandboxError(complaint or str(reason)) from None
                self.numpy = json.loads(text)["numpy"]
                yield process

    def command(self, engine: Engine, folder: Path, user: int) -> list[str]:
        """The command line of a process for an engine whose files are in ``folder``."""
        root, work = "", WORK
        if self.level == "bubblewrap":
            outside = [*bubblewrap(), "--ro-bind", str(folder), WORK, "--remount-ro", "/"]
        elif self.level == "user":
            os.chown(folder, 0, user)
            folder.chmod(0o750)  # nobody else comes to what is in it
            for each in folder.rglob("*"):
                each.chmod(0o755 if each.is_dir() else 0o644)
            work = f"{WORK}/{folder.name}"
            outside = [executable("chroot"), f"--userspec={user}:{user}", f"--groups={user}", str(self.root)]
        else:
            outside, root, work = [], str(self.folder), str(folder)
        python = [os.path.realpath(sys.executable), "-I", "-S", "-B", f"{root}{LAB}/confinement.py"]
        order = {"site": f"{root}{SITE}", "engine": engine.name, "folder": work}
        return [*outside, *python, json.dumps({**order, "memory": self.limits.memory, "nowhere": self.nowhere})]

    def prepare(self) -> None:
        """Lay out what processes are given. At the level "user" that is the root folder of all that they see."""
        if self.level == "limits":
            make_site(self.folder)
            return
        if not confinement.has_filter():
            raise SandboxError(f"no filter of system calls is known for {sys.platform} on {os.uname().machine}")
        if self.level == "bubblewrap":
            return
        if os.geteuid() != 0:
            raise SandboxError("another user's process can be begun by root only")
        executable("chroot")
        make_world(self.folder)
        self.root, self.folder = self.folder, self.folder / WORK.lstrip("/")
        self.folder.mkdir()
        self.folder.chmod(0o711)  # what is in it cannot be listed


def executable(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
    if path is None:
        raise SandboxError(f"there is no program {name} here")
    return path


@functools.cache
def bubblewrap() -> list[str]:
    """The beginning of bubblewrap's command line. Nothing is mounted at /proc, /dev and /tmp."""
    command = [executable("bwrap"), "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"]
    command += ["--cap-drop", "ALL", "--die-with-parent", "--hostname", "sandbox"]
    for source, place in world():
        command += ["--ro-bind", str(source), place]
        for name in INSTALLED:
            if (source / name).is_dir():
                command += ["--tmpfs", f"{place}/{name}", "--remount-ro", f"{place}/{name}"]
    return command


def open_sandbox(limits: Limits | None = None, *, unsafe: bool = False, known: Engine | None = None) -> Sandbox:
    """The best level that can be had here.

    Args:
        limits: what a process may use.
        unsafe: whether limits alone are enough.
        known: as :class:`Sandbox` has it.

    Raises:
        SandboxError: there is none.
    """
    reasons = []
    for level in LEVELS:
        if level == UNSAFE and not unsafe:
            continue
        try:
            return Sandbox(level, limits, known)
        except SandboxError as reason:
            reasons.append(f"{level}: {reason}")
    raise SandboxError("; ".join(reasons))
