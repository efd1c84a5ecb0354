"""What students have beside Linux: macOS, Windows. Nothing that only POSIX has is needed, for imports or their work.

Those systems are not here, but what they lack can be taken away: in ``sitecustomize.py``, so that every Python that is
begun lacks it from its first line, and those that it begins too.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from comparisons.coursework.assignments import ASSIGNMENTS
from comparisons.coursework.handout import files_of, write_handout

ROOT = Path(__file__).parent.parent
PACKAGES = ("minigrad", "comparisons", "torch_impl")

LACKING = """
import fcntl, os, select, signal, subprocess, sys, types

import numpy  # which asks what system this is

MODULES = "resource fcntl termios pwd grp pty tty syslog readline curses _curses".split()
NAMES = {
    os: "fork forkpty killpg getuid geteuid getgid getegid setuid setgid setsid getpgid getpgrp mkfifo mknod chown"
    " lchown fchown fchmod chroot uname sysconf statvfs sched_getaffinity sched_setaffinity register_at_fork nice"
    " getloadavg pipe2 posix_spawn memfd_create wait3 wait4 O_NOFOLLOW O_NONBLOCK O_DIRECTORY O_CLOEXEC",
    signal: "SIGKILL SIGALRM SIGHUP SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGSTOP alarm setitimer pthread_kill",
    select: "poll epoll",
}


class Refused:
    def find_spec(self, name, path=None, target=None):
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def no_links(*_, **__):
    raise OSError("a required privilege is not held by the client")


def locking(handle, mode, size, lock=fcntl.flock, how=fcntl.LOCK_EX | fcntl.LOCK_NB):
    assert size == 1 and os.path.isfile(f"/proc/self/fd/{handle}"), "Windows locks bytes of files"
    try:
        lock(handle, how)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied")


sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)  # what Windows has in their place
for name in MODULES:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Refused())
for module, names in NAMES.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
os.symlink = no_links
subprocess.Popen.kill = subprocess.Popen.terminate
"""

IMPORTING = """
import importlib, pkgutil, sys

def import_all(packages):
    for package in packages:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
            if not found.name.endswith("__main__") and found.name not in LEFT_OUT:
                importlib.import_module(found.name)

LEFT_OUT = ("torch_impl.lit", "torch_impl.lit_run")  # importing Lightning takes seconds
"""


@pytest.fixture
def run(tmp_path):
    """Runs Python in a folder whose name is not plain, with files written as Windows' editors do."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(LACKING, encoding="utf-8")
    folder = tmp_path / "Übung & more"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])}
    environment |= {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning"}

    def run(*arguments, inside="", status=0, **files):
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8", newline="\r\n")
        command = [sys.executable, *arguments]
        options = {"cwd": folder / inside, "env": environment, "encoding": "utf-8"}
        done = subprocess.run(command, capture_output=True, timeout=120, **options)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    run.folder = folder
    return run


LOSS = """
import minigrad

# Größe: σ²
weight = minigrad.ones(2, requires_grad=True)

def loss():
    return (weight * 3).sum()  # Σ
"""

WORK = {
    "every module": IMPORTING + "import_all(['minigrad'])\n",
    "a page and a picture": (
        "import minigrad, verlust\n"
        "minigrad.explain(verlust.loss, 'Seite ä.html')\n"
        "minigrad.viz.draw(verlust.loss()).save('Bild ä.svg')\n"
        "assert 'Σ' in open('Seite ä.html', encoding='utf-8').read()\n"
    ),
    "files": (
        "import minigrad\n"
        "minigrad.save({'a': minigrad.ones(2)}, 'ä.pt')\n"
        "minigrad.save({'a': minigrad.ones(3)}, 'ä.pt')\n"
        "assert minigrad.load('ä.pt')['a'].shape == (3,)\n"
    ),
    "a program without an end is ended": (
        "import subprocess, sys\n"
        "from minigrad.viz import layout\n"
        "try: layout.run([sys.executable, '-S', '-c', 'import time; time.sleep(60)'], '', 'svg', 0.2)\n"
        "except subprocess.TimeoutExpired: pass\n"
    ),
    "training": (
        "import minigrad as m\n"
        "data = m.utils.data.TensorDataset(m.rand(8, 2), m.randint(0, 3, (8,)))\n"
        "model = m.nn.Linear(2, 3)\n"
        "optimizer = m.optim.Adam(model.parameters())\n"
        "for inputs, labels in m.utils.data.DataLoader(data, batch_size=4, shuffle=True):\n"
        "    m.nn.functional.cross_entropy(model(inputs), labels).backward()\n"
        "    optimizer.step()\n"
    ),
}


@pytest.mark.parametrize("work", WORK)
def test_minigrad(work, run):
    run("-c", WORK[work], verlust=LOSS)


def test_the_command_line(run):
    for arguments in (["draw", "verlust ü.py:loss", "-o", "ö.svg"], ["explain", "verlust ü.py:loss", "-o", "ö.html"]):
        assert run("-m", "minigrad", *arguments, **{"verlust ü": LOSS}).strip() == arguments[-1]
        assert (run.folder / arguments[-1]).stat().st_size > 1000


def test_the_checks_of_a_handout(run):
    write_handout(files_of(ASSIGNMENTS["A1"]), run.folder / "hw")
    assert "not written yet" in run("-m", "check", "1.3", inside="hw", status=1)


AFTERWARDS = """
import minigrad, sys
import_all(["minigrad", "comparisons", "torch_impl"])  # and with them PyTorch, which knows what system this is
for name in [name for name in sys.modules if name.partition(".")[0] in ("minigrad", "comparisons", "torch_impl")]:
    del sys.modules[name]
exec(open(sys.argv[1], encoding="utf-8").read())
import_all(["minigrad", "comparisons", "torch_impl"])
from typer.testing import CliRunner
import comparisons.cli, pathlib
from torch_impl.checkpoint import CheckpointError
from torch_impl.folder import locked
here = pathlib.Path()
with locked(here):
    try:
        with locked(here):
            sys.exit("two runs in one folder")
    except CheckpointError as error:
        assert "another run is writing" in str(error)
with locked(here):
    pass
for command in sys.argv[2:]:
    done = CliRunner().invoke(comparisons.cli.app, command.split())
    assert done.exit_code == 0, (command, done.output, done.exception)
"""

COMMANDS = ["--list", "--only dynamic-graph --json results.json", "handout A1 --out hw"]


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_the_packages_beside_pytorch(tmp_path):
    """Whose own modules are imported before anything is taken away."""
    (tmp_path / "lacking.py").write_text(LACKING, encoding="utf-8")
    command = [sys.executable, "-c", IMPORTING + AFTERWARDS, "lacking.py", *COMMANDS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr


POSIX = {"resource", "fcntl", "termios", "pwd", "grp", "pty", "tty", "syslog", "readline", "curses"}


def imported_at_once(node):
    """What is imported where a module is: not in a function, nor in a ``try`` or an ``if``, which have another way."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child.module
        elif isinstance(child, ast.ClassDef):
            yield from imported_at_once(child)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_what_only_posix_has(package):
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if POSIX & set(re.findall(r"\w+", text)):  # to read words takes a tenth of what it takes to read Python
            assert not POSIX & set(imported_at_once(ast.parse(text))), path
