"""The folder that Gradescope runs: what sets its machine up, what it runs for each submission, and our files.

Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from comparisons.coursework.grading.formats import nothing_graded
from torch_impl.checkpoint import replace_file

__all__ = ["NoCheckout", "write_autograder"]

ROOT = Path(__file__).parents[3]
PACKAGES = ("comparisons", "minigrad", "torch_impl")
FILES = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")

SET_UP = """#!/usr/bin/env bash
# Run once, when the autograder is built.
set -e
apt-get update
apt-get install -y --no-install-recommends build-essential bubblewrap graphviz libgraphviz-dev pkg-config \\
    python3 python3-dev python3-venv
chmod 600 /autograder/source/secret
python3 -m venv /autograder/python
/autograder/python/bin/pip install --extra-index-url https://download.pytorch.org/whl/cpu \\
    -c /autograder/source/constraints.txt '/autograder/source[teach]'
"""

RUN = """#!/usr/bin/env bash
# Run for each submission. There is a result whatever happens.
cd /autograder
cp source/unfinished.json results/results.json
MINIGRAD_SECRET="$(cat source/secret)"
export MINIGRAD_SECRET
student="$(python/bin/python source/student.py submission_metadata.json)"
timeout {minutes}m python/bin/python -m comparisons grade submission --one --student "$student" \\
    --assignment {assignment} --format gradescope --out results{unsafe}
exit 0
"""

STUDENT = '''"""Who handed in, as numbers that stay the same for every submission of the same students."""

import json
import sys

try:
    with open(sys.argv[1], encoding="utf-8") as file:
        users = json.load(file)["users"]
    print("-".join(sorted(str(each["id"]) for each in users)) or "student")
except (OSError, ValueError, KeyError, TypeError):
    print("student")
'''


class NoCheckout(RuntimeError):
    """The project's files are not here; the message says so."""


def write_autograder(folder: Path, assignment: str, secret: str, *, unsafe: bool, minutes: int = 10) -> None:
    """Write the folder's files. Zip what is in it, and upload that.

    Raises:
        NoCheckout: this is no checkout of the project, so that its files cannot be put there.
    """
    missing = [each for each in (*FILES, *PACKAGES) if not (ROOT / each).exists()]
    if missing:
        raise NoCheckout(f"an autograder is written from a checkout of the project: here is no {missing[0]}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, dirs_exist_ok=True)
    option = " --unsafe" if unsafe else ""
    run = RUN.format(assignment=shlex.quote(assignment), minutes=minutes, unsafe=option)
    unfinished = nothing_graded("grading did not come to its end")
    texts = {"setup.sh": SET_UP.encode(), "run_autograder": run.encode(), "student.py": STUDENT.encode()}
    for name, content in {**texts, "unfinished.json": unfinished}.items():
        replace_file(folder / name, content)
        os.chmod(folder / name, 0o755 if name in ("setup.sh", "run_autograder") else 0o644)
    write_secret(folder / "secret", secret)


def write_secret(path: Path, secret: str) -> None:
    """Write the secret for its owner alone."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secret)
