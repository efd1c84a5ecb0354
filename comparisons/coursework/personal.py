"""One's own mistake: drawn for each student, handed out in the engine, and the repair graded.

Which it is comes from HMAC(secret, student): nobody knows it who does not know the secret, and it is kept nowhere.
"""

from __future__ import annotations

import errno
import hmac
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comparisons.coursework.engines import Engine, EngineError, find_engine
from comparisons.coursework.holes import functions_of
from comparisons.coursework.judge import AGREES, Verdict, judge
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.sandbox import Sandbox
from comparisons.coursework.tasks import KNOWN_VERSIONS, VERSION, Task

__all__ = [
    "Repair",
    "RepairError",
    "functions_with",
    "grade_repair",
    "handed_in",
    "handed_out",
    "mistake_for",
    "write_folder",
]

TASK = "8.3"  # that the answers belong to
LONGEST_FILE = 100_000  # bytes, of what is read beside the engine
LONGEST_ANSWER = 200
NAMED, MENDED = 0.25, 0.5  # of the points: for the file, and as much for the function; for the repair


class RepairError(ValueError):
    """A repair cannot be graded; the message says why in one sentence."""


def functions_with(mistake: Mistake, engine: Engine) -> set[str]:
    """The qualified names of the functions that a mistake is in."""
    path = f"{engine.name}/{mistake.file}"
    before = engine.sources[path].decode().splitlines()
    text = mistake.planted(engine).sources[path].decode()
    after = text.splitlines()
    same = [one == other for one, other in zip(before, after)]
    first = same.index(False) if False in same else min(len(before), len(after))
    behind = [one == other for one, other in zip(before[::-1], after[::-1])]
    last = len(after) - (behind.index(False) if False in behind else min(len(before), len(after)))
    pieces = functions_of(text).items()
    return {name for name, piece in pieces if piece.first <= max(last, first + 1) and piece.last > first}


def mistake_for(student: str, secret: bytes, mistakes: Sequence[Mistake]) -> Mistake:
    """The mistake that a student is given."""
    digest = hmac.new(secret, student.encode("utf-8", "surrogateescape"), "sha256").digest()
    return sorted(mistakes, key=lambda each: each.id)[int.from_bytes(digest, "big") % len(mistakes)]


def handed_out(mistake: Mistake, engine: Engine, task: Task) -> dict[str, bytes]:
    """The files that a student is given: the engine with the mistake, and where to write down what was found."""
    answers = {task.id: {"file": "", "function": ""}}
    files = {
        "README.md": f"# {task.id} {task.title}\n\n{task.text}\n",
        "handout.json": json.dumps({"assignment": "A8", "version": VERSION, "engine": engine.name}, indent=2) + "\n",
        "answers.json": json.dumps(answers, indent=2) + "\n",
    }
    return {**{path: text.encode() for path, text in files.items()}, **mistake.planted(engine).sources}


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder that is not there, or is empty: all of them, or none.

    Raises:
        OSError: it cannot be written, or there is something in it.
    """
    target = folder.absolute()
    with tempfile.TemporaryDirectory(prefix=".minigrad-", dir=target.parent) as beside:
        whole = Path(beside, target.name)
        for path, text in files.items():
            (whole / path).parent.mkdir(parents=True, exist_ok=True)
            (whole / path).write_bytes(text)
        if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
            target.rmdir()
        elif os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "it is there already")
        os.rename(whole, target)


@dataclass(frozen=True)
class Repair:
    """How a student found and mended a mistake.

    Attributes:
        file: whether the right file was named.
        function: whether the right function was named.
        unmended: the verdicts that do not agree, of the mistake's own task first, then of all others.
    """

    file: bool
    function: bool
    unmended: list[Verdict] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How much of the points it earns."""
        return NAMED * self.file + NAMED * self.function + MENDED * (not self.unmended)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON. It does not tell which mistake it is."""
        verdicts = [each.as_dict() for each in self.unmended]
        return {"file": self.file, "function": self.function, "share": self.share, "unmended": verdicts}


@dataclass(frozen=True)
class HandedIn:
    """What a student handed in: the engine, and the file and the function that are named."""

    engine: Engine
    file: str
    function: str


def handed_in(folder: Path) -> HandedIn:
    """Read what a student made of the folder that was handed out.

    Raises:
        RepairError: there is nothing that could be graded.
    """
    handout = read_json(folder / "handout.json")
    name = handout.get("engine")
    if handout.get("version") not in KNOWN_VERSIONS or not isinstance(name, str) or not name.isidentifier():
        known = ", ".join(map(str, KNOWN_VERSIONS))
        raise RepairError(f"{folder / 'handout.json'} is of no handout whose version is known here ({known})")
    answers = read_json(folder / "answers.json").get(TASK)
    named = answers if isinstance(answers, dict) else {}
    file, function = [str(named.get(key, ""))[:LONGEST_ANSWER].strip() for key in ("file", "function")]
    try:
        engine = find_engine(str(folder / name))
    except EngineError as error:
        raise RepairError(str(error)) from None
    return HandedIn(engine, file.replace("\\", "/").removeprefix(f"{name}/"), function.removesuffix("()"))


def grade_repair(
    found: HandedIn,
    mistake: Mistake,
    engine: Engine,
    tasks: Sequence[Task],
    sandbox: Sandbox,
    *,
    secret: bytes,
    student: str,
) -> Repair:
    """Grade a repair.

    Args:
        found: what the student handed in.
        mistake: the student's own.
        engine: the reference.
        tasks: whose cases the mended engine must agree with.
        sandbox: where it runs.
        secret: what the inputs are drawn from.
        student: whose it is.
    """
    ordered = sorted(tasks, key=lambda task: task.id != mistake.task)
    cases = [case for task in ordered for case in task.cases]
    verdicts = judge(found.engine, cases, sandbox, secret=secret, submission=student)
    right_file = found.file == mistake.file
    right_function = right_file and found.function in functions_with(mistake, engine)
    return Repair(right_file, right_function, [each for each in verdicts if each.status != AGREES])


def read_json(path: Path) -> dict[str, Any]:
    """An object that a student may have written.

    Raises:
        RepairError: it is none.
    """
    try:
        if path.is_symlink():
            raise RepairError(f"{path} is a link, and none is followed")
        with open(path, "rb") as file:
            text = file.read(LONGEST_FILE + 1)
        told = json.loads(text) if len(text) <= LONGEST_FILE else None
    except OSError as error:
        raise RepairError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise RepairError(f"{path} is no object in JSON")
    return told
