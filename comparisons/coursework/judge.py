"""The judge: draws a case's inputs, has PyTorch compute what is right, asks the engine, compares, and says the verdict.

PyTorch, the values that it computes, and the comparing are in this process; the engine is in the sandbox. A process
answers case after case. Where it is lost, the case that lost it is lost, and another goes on with the next.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from comparisons.coursework.answers import NO_ANSWER, Answer, read_answer
from comparisons.coursework.cases import Case
from comparisons.coursework.differences import first_differing
from comparisons.coursework.engines import Engine
from comparisons.coursework.processes import NoAnswer, Process
from comparisons.coursework.sandbox import Sandbox
from comparisons.coursework.student import FIRST, HEAD, READY, answer_of, packed, packed_answer

__all__ = [
    "AGREES",
    "DIFFERS",
    "LOST",
    "MISSING",
    "STOPPED",
    "Right",
    "Verdict",
    "expected",
    "judge",
    "judging",
    "status_of",
]

AGREES, DIFFERS = "agrees", "differs"
MISSING = "not there yet"
STOPPED = "stopped"
LOST = "no answer"
LONGEST_REASON = 1000

Right = Callable[[Case, dict[str, np.ndarray]], Answer]  # PyTorch's answer to a case with its inputs


@dataclass(frozen=True)
class Verdict:
    """What the judge says of one case.

    Attributes:
        case: its name.
        status: "agrees", "differs", "not there yet", "stopped" (by an exception) or "no answer".
        reason: one line; empty where all agrees.
        seconds: how long the engine took to answer.
    """

    case: str
    status: str
    reason: str = ""
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def judge(
    engine: Engine,
    cases: Sequence[Case],
    sandbox: Sandbox,
    *,
    secret: bytes,
    submission: str,
) -> list[Verdict]:
    """Judge an engine on cases.

    Args:
        engine: the engine under test.
        cases: what it is asked, in order.
        sandbox: where it runs.
        secret: what the inputs are drawn from, with ``submission``.
        submission: whose engine it is.

    Returns:
        A verdict for each case.

    Raises:
        SandboxError: the sandbox fails, whatever the engine is.
    """
    return list(judging(engine, cases, sandbox, secret=secret, submission=submission))


def judging(
    engine: Engine,
    cases: Sequence[Case],
    sandbox: Sandbox,
    *,
    secret: bytes,
    submission: str,
    right: Right | None = None,
) -> Generator[Verdict, None, None]:
    """Judge an engine case by case, as :func:`judge` does; whoever asks no further has ended the engine's process.

    Args:
        right: tells PyTorch's answer to a case with its inputs. By default it is computed.
    """
    done = 0
    while done < len(cases):
        with sandbox.start(engine) as process:
            failed = import_failure(process)
            if failed is not None:
                yield from (Verdict(case.name, *failed) for case in cases[done:])
                return
            for case in cases[done:]:  # one at least
                verdict = judge_case(process, case, case.draw(secret, submission), right or expected)
                done += 1
                yield verdict
                if verdict.status == LOST or not process.lives():
                    break


def status_of(verdicts: Sequence[Verdict]) -> int:
    """The exit status: 0 where all agree, 1 where anything differs, else 3, for something did not finish."""
    statuses = {each.status for each in verdicts}
    if DIFFERS in statuses:
        return 1
    return 0 if statuses == {AGREES} else 3


def import_failure(process: Process) -> tuple[str, str] | None:
    """The status and the reason of every case, where the engine cannot be imported; None where it can."""
    try:
        stopped = read_answer(*process.ask(READY)).stopped
    except NoAnswer as reason:
        return LOST, f"when it was imported: {reason}"
    if stopped is not None:
        return STOPPED, f"when it was imported: {stopped.reason}"
    return None


def judge_case(process: Process, case: Case, inputs: dict[str, np.ndarray], answer_to: Right) -> Verdict:
    """Ask a process one case, and compare what it answers."""
    number = next(process.numbers)
    request = {"program": case.program, "show": case.show, "inputs": list(inputs)}
    right = answer_to(case, inputs)
    begun = time.monotonic()
    try:
        answer = read_answer(*process.ask(number, packed(number, request, inputs)))
    except NoAnswer as error:
        return Verdict(case.name, LOST, str(error), time.monotonic() - begun)
    seconds = time.monotonic() - begun
    if answer.stopped is None and answer.values.keys() != set(case.show):
        return Verdict(case.name, LOST, NO_ANSWER, seconds)
    if answer.stopped is not None:
        return Verdict(case.name, MISSING if answer.stopped.missing else STOPPED, answer.stopped.reason, seconds)
    with np.errstate(all="ignore"):  # of the numbers that came, whatever they are
        reason = first_difference(case, answer, right)
    return Verdict(case.name, DIFFERS if reason else AGREES, reason[:LONGEST_REASON], seconds)


def expected(case: Case, inputs: dict[str, np.ndarray]) -> Answer:
    """What PyTorch answers. It goes through the same message as an engine's answer."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        message = packed_answer(FIRST, answer_of(torch, case.theirs or case.program, inputs, case.show))
    end = HEAD.size + HEAD.unpack_from(message)[1]
    return read_answer(message[HEAD.size : end], message[end:])


def first_difference(case: Case, ours: Answer, theirs: Answer) -> str:
    """Where an engine's answer first differs from PyTorch's, in the order of what is shown; empty if nowhere."""
    differing = first_differing(case.show, ours.values, theirs.values, case.tolerance)
    return "" if differing is None else differing.message
