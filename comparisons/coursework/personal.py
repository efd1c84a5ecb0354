"""One's own mistake: drawn for each student, handed out in the engine, and the repair graded.

Which it is comes from HMAC(secret, student): nobody knows it who does not know the secret, and it is kept nowhere.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from comparisons.coursework.cases import Case
from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.holes import functions_of
from comparisons.coursework.judge import AGREES, Verdict
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.tasks import Task

__all__ = ["PARTS", "Repair", "functions_with", "grade_repair", "mistake_for", "named_in"]

PARTS = ("the file", "the function", "the mistake is mended", "all other tasks still agree")  # each a quarter


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
    return {name for name, begin, end in spans_of(text) if begin <= max(last, first + 1) and end > first}


@functools.lru_cache(maxsize=1024)
def spans_of(text: str) -> tuple[tuple[str, int, int], ...]:
    """The functions of a file, each with its first and its last line: the same for each student of a class."""
    return tuple((name, piece.first, piece.last) for name, piece in functions_of(text).items())


def mistake_for(student: str, secret: bytes, mistakes: Sequence[Mistake]) -> Mistake:
    """The mistake that a student is given."""
    digest = hmac.new(secret, student.encode("utf-8", "surrogateescape"), "sha256").digest()
    return sorted(mistakes, key=lambda each: each.id)[int.from_bytes(digest, "big") % len(mistakes)]


@dataclass(frozen=True)
class Repair:
    """How a student found and mended a mistake.

    Attributes:
        file: whether the right file was named.
        function: whether the right function was named.
        unmended: the verdicts of the mistake's own task that do not agree.
        broken: those of all other tasks.
    """

    file: bool
    function: bool
    unmended: list[Verdict] = field(default_factory=list)
    broken: list[Verdict] = field(default_factory=list)

    @property
    def parts(self) -> tuple[bool, ...]:
        """Which of ``PARTS`` are done. What agreed before anything was mended earns nothing by itself."""
        mended = not self.unmended
        return (self.file, self.function, mended, mended and not self.broken)

    @property
    def share(self) -> float:
        """How much of the points it earns."""
        return sum(self.parts) / len(PARTS)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        verdicts = {name: [each.as_dict() for each in vars(self)[name]] for name in ("unmended", "broken")}
        return {"file": self.file, "function": self.function, "share": self.share, **verdicts}


def named_in(submission: Submission, task: Task) -> tuple[str, str]:
    """The file, below the package, and the function that a student names."""
    answers = submission.answers.get(task.id, {})
    file, function = [answers.get(key, "").strip() for key in ("file", "function")]
    return file.replace("\\", "/").removeprefix(f"{submission.engine}/"), function.removesuffix("()")


def grade_repair(
    named: tuple[str, str],
    mended: Engine,
    mistake: Mistake,
    engine: Engine,
    tasks: Sequence[Task],
    ask: Callable[[Engine, Sequence[Case]], Sequence[Verdict]],
) -> Repair:
    """Grade a repair.

    Args:
        named: the file and the function that the student names.
        mended: the student's engine.
        mistake: the student's own.
        engine: the reference.
        tasks: whose cases the mended engine must agree with.
        ask: has an engine judged on cases.
    """
    own = {case.name for task in tasks if task.id == mistake.task for case in task.cases}
    cases = [case for task in tasks for case in task.cases]
    verdicts = ask(mended, sorted(cases, key=lambda case: case.name not in own))
    wrong = [each for each in verdicts if each.status != AGREES]
    right_file = named[0] == mistake.file
    right_function = right_file and named[1] in functions_with(mistake, engine)
    unmended, broken = [[each for each in wrong if (each.case in own) is mine] for mine in (True, False)]
    return Repair(right_file, right_function, unmended, broken)
