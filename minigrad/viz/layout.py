"""Graphviz lays DOT text out here, in a process of its own: it has a time limit, and Ctrl-C ends it.

The program ``dot`` is used where it is installed and works, and otherwise the Graphviz that comes inside the package
``pygraphviz``: so nothing needs to be installed outside Python. What a drawing says is told in ``drawing.py``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec

__all__ = ["laid_out"]

SECONDS = 30.0  # that a graph is given
SECONDS_FOR_NOTHING = 2.0  # that an empty graph is given

BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG\r\n", "pdf": b"%PDF"}  # of pictures, where they are known

# Run by a Python of its own: engine, format and the folder of pygraphviz are its arguments.
BY_PYGRAPHVIZ = """
import sys
sys.path.append(sys.argv[3])
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(prog=sys.argv[1], format=sys.argv[2]))
"""


def laid_out(
    source: str, format: str, engine: str = "dot", *, quiet: bool = False, seconds: float | None = None
) -> bytes:
    """The picture that Graphviz makes of DOT text.

    Args:
        source: the DOT text.
        format: ``"svg"``, ``"png"`` or another format of Graphviz.
        engine: which of Graphviz's ways of laying out.
        quiet: hide what Graphviz writes to its error output.
        seconds: the time limit; by default ``SECONDS``.

    Raises:
        ImportError: neither a program ``dot`` that works nor the package ``pygraphviz`` is installed.
        RuntimeError: Graphviz makes no picture of this.
        TimeoutError: it takes longer than ``seconds``.
    """
    limit = SECONDS if seconds is None else seconds
    try:
        picture, complaints = run(["dot", f"-K{engine}", f"-T{format}"], source, format, limit)
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        if isinstance(error, subprocess.TimeoutExpired) and answers():
            raise too_slow(limit) from None
        picture, complaints = by_pygraphviz(source, format, engine, limit, error)
    if complaints and not quiet:
        sys.stderr.write(complaints)
    return picture


def answers() -> bool:
    """Whether the program ``dot`` lays out an empty graph."""
    try:
        run(["dot", "-Tsvg"], "digraph {}", "svg", SECONDS_FOR_NOTHING)
    except (OSError, RuntimeError, subprocess.TimeoutExpired):
        return False
    return True


def by_pygraphviz(source: str, format: str, engine: str, seconds: float, error: Exception) -> tuple[bytes, str]:
    """The picture that pygraphviz's own Graphviz makes, as ``dot`` has failed with ``error``, and its complaints."""
    found = find_spec("pygraphviz")
    if found is None or found.origin is None:
        raise ImportError(
            "rendering needs Graphviz: pip install 'minigrad[draw]' (which brings its own), or install the program dot "
            f"from https://graphviz.org/download (trying it: {error})"
        ) from error
    folder = os.path.dirname(os.path.dirname(found.origin))
    try:
        return run([sys.executable, "-I", "-c", BY_PYGRAPHVIZ, engine, format, folder], source, format, seconds)
    except subprocess.TimeoutExpired:
        raise too_slow(seconds) from None
    except RuntimeError as failure:
        raise RuntimeError(f"the Graphviz that pygraphviz brings cannot draw {format}: {failure}") from failure


def run(command: list[str], source: str, format: str, seconds: float) -> tuple[bytes, str]:
    """The picture that a program makes of ``source``, and what it writes to its error output.

    Raises:
        OSError: it is not there, or no program.
        RuntimeError: it fails, or what it gives is no picture.
        subprocess.TimeoutExpired: it has no end.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as child:
        try:
            picture, errors = child.communicate(source.encode(), timeout=seconds)
        except BaseException:  # Ctrl-C too
            kill(child)
            raise
    # Fontconfig has something to say where a system has no fonts of its own; the picture is right nevertheless.
    complaints = errors.decode(errors="replace").splitlines(keepends=True)
    told = "".join([line for line in complaints if not line.startswith("Fontconfig ")])
    if child.returncode != 0 or not picture or not picture.lstrip().startswith(BEGINNINGS.get(format, b"")):
        raise RuntimeError(f"{command[0]} ends with status {child.returncode} and no picture: {told.strip()[-500:]}")
    return picture, told


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a process, and what it has begun."""
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def too_slow(seconds: float) -> TimeoutError:
    return TimeoutError(
        f"Graphviz has not laid this graph out in {seconds:g} s: draw less of it, with a smaller depth= or "
        'collapse="auto"'
    )
