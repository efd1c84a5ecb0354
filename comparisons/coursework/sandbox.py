"""Where an engine under test runs: a process of its own, at one of three levels.

===========  ==================================================================================================
bubblewrap   namespaces of its own; of the machine's files it has Python, NumPy and the engine, to read
user         the same files in a folder of their own (chroot), as a user whom nobody else is. Begun by root alone
limits       limits alone. It can read what its user can, the judge's memory too: for checks of one's own
===========  ==================================================================================================

At each level memory is limited, no file is written, what is sent is limited in size and time; on Linux no process can
be begun or signalled and no network opened (``confinement.py``).
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import json
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from comparisons.coursework import confinement
from comparisons.coursework.engines import Engine
from comparisons.coursework.student import FIRST, HEAD, HERE, READY

__all__ = ["LEVELS", "Limits", "NoAnswer", "Process", "Sandbox", "SandboxError"]
__all__ += ["UNSAFE", "open_sandbox"]

LEVELS = ("bubblewrap", "user", "limits")
UNSAFE = "limits"
FIRST_USER, USERS = 1 << 30, 1 << 30  # numbers that no machine gives to its users
LAB, SITE, WORK = "/lab", "/site", "/work"  # in the sandbox: our two files, NumPy, and the engine
MOST_TEXT = 1 << 20  # bytes of a message's text
LEFT_OUT = ("site-packages", "dist-packages", "test", "idlelib", "turtledemo", "tkinter", "ensurepip", "config-*")
START_SECONDS = 30.0  # until Python and NumPy are there, on a machine that is busy
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class SandboxError(Exception):
    """A level cannot be had here; the message says why."""


class NoAnswer(Exception):
    """The process did not answer as it should; the message says what it did instead."""


@dataclass(frozen=True)
class Limits:
    """What an engine may use: seconds for its import and for each case, bytes of memory and of an answer's arrays."""

    seconds: float = 10.0
    memory: int = 2 << 30
    answer: int = 16 << 20


class Process:
    """A process that answers requests, each within its time; ended, with all that it began, where its block ends."""

    def __init__(self, command: list[str], limits: Limits, nowhere: int) -> None:
        self.limits = limits
        self.process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[nowhere],
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        assert self.process.stdin is not None and self.process.stdout is not None and self.process.stderr is not None
        self.requests, self.answers = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.complaints = self.process.stderr
        os.set_blocking(self.requests, False)
        self.received = bytearray()
        self.numbers = itertools.count(FIRST)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS: of processes that have ended already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def ask(self, number: int, request: bytes = b"", seconds: float | None = None) -> tuple[bytes, bytes]:
        """Send a request and wait for the answer: the bytes of its text and of its arrays.

        The first message with the request's number is the answer; others are left over from before, and dropped.

        Raises:
            NoAnswer: none came in time, the process has ended, or it sent more than it may.
        """
        seconds = self.limits.seconds if seconds is None else seconds
        deadline = time.monotonic() + seconds
        while True:
            while (message := self.next_message()) is not None:
                if message[0] == number:
                    return message[1:]
            left = deadline - time.monotonic()
            if left <= 0:
                raise NoAnswer(f"no answer within {seconds:g} s")
            readable, writable, _ = select.select([self.answers], [self.requests] if request else [], [], left)
            if writable:
                request = request[self.write(request) :]
            if readable:
                part = os.read(self.answers, 1 << 16)
                if not part:
                    raise NoAnswer(self.ending())
                self.received += part

    def lives(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None

    def next_message(self) -> tuple[int, bytes, bytes] | None:
        """The first message of what was received, which is taken out; None where it is not whole yet."""
        if len(self.received) < HEAD.size:
            return None
        number, text, arrays = HEAD.unpack(self.received[: HEAD.size])
        if text > MOST_TEXT or arrays > self.limits.answer:
            raise NoAnswer(f"it sent more than {self.limits.answer:,} bytes, or no answer at all")
        end = HEAD.size + text + arrays
        if len(self.received) < end:
            return None
        message = bytes(self.received[HEAD.size : end])
        del self.received[:end]
        return number, message[:text], message[text:]

    def write(self, request: bytes) -> int:
        """Write what the pipe takes; all of it where nobody reads any more."""
        try:
            return os.write(self.requests, request)
        except BrokenPipeError:
            return len(request)

    def ending(self) -> str:
        """How the process ended, or that it stopped to answer."""
        try:
            status = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "its process closed the pipe without an answer"
        number = -status if status < 0 else status - 128
        if number in signal.valid_signals():
            return f"its process was ended by {signal.Signals(number).name} before it answered"
        return f"its process ended, with exit status {status}, before it answered"


class Sandbox:
    """A level with its limits; a context manager. What its processes share is made once.

    Raises:
        SandboxError: the level cannot be had here.
    """

    def __init__(self, level: str, limits: Limits | None = None) -> None:
        self.level = level
        self.limits = limits or Limits()
        self.numpy = ""
        self.stack = ExitStack()
        if os.name != "posix":
            raise SandboxError("an engine is judged on Linux or macOS only")
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="minigrad-judge-")))
            self.nowhere = os.open(os.devnull, os.O_RDWR)
            stack.callback(os.close, self.nowhere)
            {"bubblewrap": self.check_bubblewrap, "user": self.make_root, "limits": self.make_site}[level]()
            self.stack = stack.pop_all()
        try:
            with self.start(Engine("nothing", {"nothing.py": b""})) as process:
                process.ask(READY)
        except NoAnswer as reason:
            self.stack.close()
            raise SandboxError(f"an empty engine did not start: {reason}") from None
        except BaseException:
            self.stack.close()
            raise

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
            engine.write(folder)
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
        order = {"engine": engine.name, "memory": self.limits.memory, "nowhere": self.nowhere}
        lab = LAB
        if self.level == "bubblewrap":
            order |= {"site": SITE, "folder": WORK}
            outside = [*bubblewrap(), "--ro-bind", str(folder), WORK, "--remount-ro", "/"]
        elif self.level == "user":
            for each in [folder, *folder.rglob("*")]:  # its group alone may read them
                os.chown(each, 0, user)
                each.chmod(0o750 if each.is_dir() else 0o640)
            order |= {"site": SITE, "folder": f"{WORK}/{folder.name}"}
            outside = [executable("chroot"), f"--userspec={user}:{user}", f"--groups={user}", str(self.root)]
        else:
            order |= {"site": str(self.folder / "site"), "folder": str(folder)}
            outside, lab = [], str(Path(confinement.__file__).parent)
        python = [os.path.realpath(sys.executable), "-I", "-S", "-B"]
        return [*outside, *python, f"{lab}/confinement.py", json.dumps(order)]

    def check_bubblewrap(self) -> None:
        """See that the program is there and that its filter can be had."""
        needs_filter()
        executable("bwrap")

    def make_site(self) -> None:
        """A folder to import NumPy from, and nothing that is installed beside it."""
        (self.folder / "site").mkdir()
        for package in numpy_folders():
            (self.folder / "site" / package.name).symlink_to(package)

    def make_root(self) -> None:
        """The root folder of processes that see nothing else."""
        needs_filter()
        if os.geteuid() != 0:
            raise SandboxError("another user's process can be begun by root only")
        executable("chroot")
        root = self.folder
        for source, place in world():
            target = root / place.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                ignore = shutil.ignore_patterns(*LEFT_OUT)
                shutil.copytree(source, target, copy_function=link, ignore=ignore, dirs_exist_ok=True)
            elif not target.exists():
                link(str(source), str(target))
        for each in [root, *(Path(folder) for folder, _, _ in os.walk(root))]:
            each.chmod(0o755)
        (root / WORK.lstrip("/")).mkdir(mode=0o711)
        self.root, self.folder = root, root / WORK.lstrip("/")


def needs_filter() -> None:
    """Refuse a machine for which no filter of system calls is known."""
    if not confinement.has_filter():
        raise SandboxError(f"no filter of system calls is known for {sys.platform} on {os.uname().machine}")


def executable(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
    if path is None:
        raise SandboxError(f"there is no program {name} here")
    return path


def link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where it cannot have one."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)


def numpy_folders() -> list[Path]:
    """NumPy's folder, and that of the libraries that its wheel brings along."""
    spec = importlib.util.find_spec("numpy")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).resolve().parent
    return [each for each in (package, package.with_name("numpy.libs")) if each.is_dir()]


@functools.cache
def world() -> list[tuple[Path, str]]:
    """All that there is in the sandbox beside the engine: files and folders, and their places there."""
    python = Path(os.path.realpath(sys.executable))
    without_venv = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    standard = {Path(sysconfig.get_path(name, vars=without_venv)) for name in ("stdlib", "platstdlib")}
    parts = numpy_folders()
    modules = [
        each for folder in standard for each in (folder / "lib-dynload").glob("*.so") if "tkinter" not in each.name
    ]
    modules += [each for folder in parts for each in folder.rglob("*.so")]
    found = {(each, str(each)) for each in {python, *standard, *libraries([python, *modules])}}
    found |= {(each, f"{SITE}/{each.name}") for each in parts}
    here = Path(__file__).parent
    found |= {(here / name, f"{LAB}/{name}") for name in ("confinement.py", "student.py")}
    return sorted(found, key=lambda pair: pair[1])


def libraries(programs: list[Path]) -> set[Path]:
    """The shared libraries that programs load, those of NumPy's wheel left out, and the list of where they are."""
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False)
    found = {Path(each) for each in re.findall(r"(/\S+) \(0x", done.stdout) if "numpy.libs" not in each}
    listed = Path("/etc/ld.so.cache")
    return found | ({listed} if listed.exists() else set())


@functools.cache
def bubblewrap() -> list[str]:
    """The beginning of bubblewrap's command line. Nothing is mounted at /proc, /dev and /tmp."""
    command = [executable("bwrap"), "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"]
    command += ["--cap-drop", "ALL", "--die-with-parent", "--hostname", "sandbox"]
    for source, place in world():
        command += ["--ro-bind", str(source), place]
        for name in ("site-packages", "dist-packages"):
            if (source / name).is_dir():
                command += ["--tmpfs", f"{place}/{name}", "--remount-ro", f"{place}/{name}"]
    return command


def open_sandbox(limits: Limits | None = None, *, unsafe: bool = False) -> Sandbox:
    """The best level that can be had here.

    Args:
        unsafe: whether limits alone are enough.

    Raises:
        SandboxError: there is none.
    """
    reasons = []
    for level in LEVELS:
        if level == UNSAFE and not unsafe:
            continue
        try:
            return Sandbox(level, limits)
        except SandboxError as reason:
            reasons.append(f"{level}: {reason}")
    raise SandboxError("; ".join(reasons))
