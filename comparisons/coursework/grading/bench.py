"""What a submission is graded with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comparisons.coursework.cases import Case
from comparisons.coursework.engines import Engine
from comparisons.coursework.judge import Verdict
from comparisons.coursework.sandbox import Sandbox

__all__ = ["NO_TIME", "PATIENCE", "PATIENCE_WITH_TESTS", "Ask", "Bench"]

PATIENCE, PATIENCE_WITH_TESTS = 120.0, 480.0  # tests are tried on more than a hundred engines
NO_TIME = "the time for the whole submission was over"

Ask = Callable[[Engine, Sequence[Case]], tuple[Verdict, ...]]  # has an engine judged, as long as there is time


@dataclass(frozen=True)
class Bench:
    """What a submission is graded with.

    Attributes:
        reference: the engine that students' functions are put into.
        sandbox: where it runs.
        secret: what inputs are drawn from, with the student's name.
        patience: seconds for a whole submission.
    """

    reference: Engine
    sandbox: Sandbox
    secret: bytes
    patience: float = PATIENCE
