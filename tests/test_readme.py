"""Every command and every code block of the README, run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
CODE = [block for language, block in BLOCKS if language == "python"]
COMMANDS = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
SET_UP = re.compile(r"pip install -c constraints\.txt -e (\.|\"\.\[test\]\") && ")


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_there_is_something_to_run():
    assert len(CODE) >= 4 and len(COMMANDS) >= 7


@pytest.mark.parametrize("code", CODE, ids=[block.splitlines()[-1][:40] for block in CODE])
def test_code_block(code, tmp_path):
    run(tmp_path, sys.executable, "-W", "error", "-c", code)


def test_the_ten_lines_print_the_same_on_both_engines(tmp_path):
    code = next(block for block in CODE if "as engine" in block)
    ours = run(tmp_path, sys.executable, "-c", code)
    theirs = run(tmp_path, sys.executable, "-c", code.replace("import minigrad as engine", "import torch as engine"))
    assert ours == theirs and len(ours.splitlines()) == 5


@pytest.mark.slow
def test_commands(tmp_path):
    """In order, in one folder. Setting up is what brought this test here, and pytest is what runs it."""
    for line in COMMANDS:
        command = SET_UP.sub("", line)
        if command == "python -m pytest":
            continue
        assert command.startswith("python -m "), line
        run(tmp_path, sys.executable, *command.split()[1:])


def test_the_set_up_lines_name_what_exists():
    set_up = [line for line in COMMANDS if SET_UP.match(line)]
    assert len(set_up) == 2 and (ROOT / "constraints.txt").is_file()
