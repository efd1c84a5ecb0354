"""What is begun by a fork is to whoever began it as a process of its own would be."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")

PROGRAMS = {"pass": 0, "raise SystemExit(3)": 3, "os.kill(os.getpid(), 9)": -9, "os.abort()": -6}


def state_of(pid):
    """A letter, as ``ps`` shows it: Z of what has ended."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


@pytest.mark.parametrize("kind", ["new", "forked"])
@pytest.mark.parametrize(("program", "status"), PROGRAMS.items())
def test_a_number_is_kept_until_its_status_is_read(program, status, kind, request):
    """A signal to a process that has just ended finds no other in its place, and is no error."""
    if kind == "forked":
        request.getfixturevalue("forked")
    with subprocess.Popen([sys.executable, "-c", f"import os; {program}"], stderr=subprocess.DEVNULL) as process:
        while (state := state_of(process.pid)) != "Z":
            assert state in "RSD"
        time.sleep(0.05)  # in which others might read it
        os.kill(process.pid, 15)
        assert process.wait() == status
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
