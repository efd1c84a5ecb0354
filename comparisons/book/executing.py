"""A section run as its reader runs it: from a clean kernel, cell by cell. It reaches no network, and has limited time.

Everything that a number could depend on is fixed: two threads, no GPU (the notebooks' outputs are a CPU's), the seed of
Python's hashes. The kernel is this Python's own, in an empty folder, without the settings of whoever runs it.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from comparisons.book.sections import Section

__all__ = ["Run", "execute"]

ROOT = Path(__file__).parents[2]  # what the kernel imports comparisons from
OFFLINE = "from comparisons.book.offline import refuse_network; refuse_network(); del refuse_network"
ELSEWHERE = re.compile(r"(?:~|[A-Z]:)?[\\/][^\s:'\"]*?(?=site-packages[\\/]|python3\.\d+[\\/](?!site-packages))")
FIXED = {
    "CUDA_VISIBLE_DEVICES": "",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "2",
    "PYTHONHASHSEED": "0",
}


@dataclass
class Run:
    """What became of a section.

    Attributes:
        notebook: its cells, with the outputs of those that were run.
        seconds: how long each cell took that was run, Markdown included.
        stopped: why the last of them did not end; None where all were run.
        unfinished: whether that one was given up, and did not raise.
    """

    section: Section
    notebook: Any
    seconds: list[float] = field(default_factory=list)
    stopped: str | None = None
    unfinished: bool = False

    @property
    def ended(self) -> bool:
        return self.stopped is None


def execute(section: Section, limit: float, progress: Callable[[int, int], None] = lambda done, total: None) -> Run:
    """Run a section; nothing is written.

    Args:
        limit: the seconds that a cell may take.
        progress: is told how many cells of how many have been run.
    """
    run = Run(section, section.read())
    cells = run.notebook.cells
    with tempfile.TemporaryDirectory(prefix="minigrad-book-") as folder:
        client = client_in(folder, run.notebook, limit)
        with client.setup_kernel(cleanup_kc=True, env=environment(folder), cwd=folder):
            for index, cell in enumerate(cells):
                progress(index, len(cells))
                run_cell(client, run, index, cell)
                if not run.ended:
                    break
    progress(len(cells), len(cells))
    for cell in cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = without_folders(output.text)
            elif output.output_type == "error":
                output.traceback = [without_folders(line) for line in output.traceback]
    return run


def without_folders(text: str) -> str:
    """Text without the folders of this machine: our files are named from the repository on, others from Python's."""
    for root in (str(ROOT), str(ROOT).replace(os.path.expanduser("~"), "~")):  # IPython writes the second
        text = text.replace(root + os.sep, "")
    return ELSEWHERE.sub("", text)


def run_cell(client: NotebookClient, run: Run, index: int, cell: Any) -> None:
    """Run one cell, and note how long it took or why it did not end."""
    started = time.perf_counter()
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        run.stopped = f"{error.ename}: {error.evalue}"
    except CellTimeoutError:
        run.stopped, run.unfinished = f"it took longer than {client.timeout:g} s", True
    except DeadKernelError:
        run.stopped, run.unfinished = "its process died", True
    run.seconds.append(time.perf_counter() - started)


def client_in(folder: str, notebook: Any, limit: float) -> NotebookClient:
    """What runs the notebook in ``folder``. Kernels that others have put on this machine are not asked."""
    kernel = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        transport="ipc" if os.name == "posix" else "tcp",  # through files that nobody else may read
        connection_file=os.path.join(folder, "kernel.json"),
    )
    return NotebookClient(
        notebook,
        km=kernel,
        extra_arguments=[f"--IPKernelApp.exec_lines=['{OFFLINE}']"],
        timeout=limit,
        record_timing=False,
        coalesce_streams=True,
        shutdown_kernel="immediate",
    )


def environment(folder: str) -> dict[str, str]:
    """The variables of the kernel's process."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    settings = {"IPYTHONDIR": os.path.join(folder, ".ipython"), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return {**os.environ, **FIXED, **settings}
