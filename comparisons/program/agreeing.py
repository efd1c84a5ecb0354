"""When two runs of a program agree: losses, parameters after each step, printed numbers and what is left at the end.

Values agree within the table of tolerances. Where a program makes much of rounding (a value crosses a kink, Adam makes
a whole step of a gradient that is zero but for rounding, a long iteration runs away), they may not, though both engines
are right. Such a gradient is named with its parameter. Then a third run tells: PyTorch's with random numbers that are
some units in the last place larger. What its values move by then is what rounding makes of this program, and
:data:`SENSITIVITY` times as much is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from comparisons.comparing import Comparison, compare_values, failed
from comparisons.harness import Report
from comparisons.tolerances import TOLERANCES

__all__ = ["SENSITIVITY", "Event", "Found", "compare_events"]

Event = dict[str, Any]  # what ``recording.py`` told

SENSITIVITY = 10.0
NEXT_TO_NOTHING = 1e-5  # of the largest gradient: what rounding leaves of one that is zero by its formula
TOLERANCE_OF = {
    "float64": "training float64",
    "float32": "training float32",
    "float16": "float16",
    "bfloat16": "float16",
}
WORDS = {"loss": "a loss", "step": "a step of an optimizer", "printed": "printed numbers", "end": "its end"}
SUBJECTS = {
    "loss": "losses",
    "step": "parameters after a step",
    "printed": "printed numbers",
    "end": "tensors at the end",
}


@dataclass
class Found:
    """What came of a comparison.

    Attributes:
        name: the program's.
        counts: how many events of each kind agreed, or were the first not to.
        difference: the first difference, in words; empty where there is none.
        values_differ: whether it is one of values.
        stopped: why the comparison ended before the program's end; empty where it did not.
        rounding: what differed first by rounding alone; empty where all agreed within the table.
        moved: how far PyTorch's values moved in the third run, beside their size: the most so far, by what they are.
    """

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    difference: str = ""
    values_differ: bool = False
    stopped: str = ""
    rounding: str = ""
    moved: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.report = Report(self.name)

    def is_rounding(self, what: str, ours: Any, theirs: Any, nudged: Any) -> bool:
        """Whether values differ by no more than rounding makes: what the third run's differ by, now or before."""
        arrays = [np.asarray(each, np.float64) for each in (ours, theirs, nudged)]
        if len({each.shape for each in arrays}) > 1:
            return False
        size = np.linalg.norm(arrays[1]) or 1.0
        mine, other = (np.linalg.norm(each - arrays[1]) / size for each in (arrays[0], arrays[2]))
        self.moved[what] = max(self.moved.get(what, 0.0), float(other))
        return bool(mine <= SENSITIVITY * self.moved[what])


def compare_events(found: Found, ours: Event, theirs: Event, nudged: Event | None = None) -> bool:
    """Compare two events, beside that of the third run; False where there is nothing to go on with."""
    kind = theirs["kind"]
    if kind in ("error", "gone"):
        found.stopped = f"PyTorch stops: {ended_by(theirs)}"
    elif ours["kind"] in ("error", "gone"):
        found.difference = f"PyTorch goes on, minigrad stops: {ended_by(ours)}"
    elif ours["kind"] != kind:
        found.difference = f"minigrad comes to {happening(ours)}, PyTorch to {happening(theirs)}"
    elif nudged is not None and (nudged["kind"] != kind or layout(nudged) != layout(theirs)):
        found.stopped = f"rounding alone decides what PyTorch does after {happening(theirs)}"
    elif layout(ours) != layout(theirs):
        found.difference = f"at {happening(theirs)} minigrad has {layout(ours)}, PyTorch {layout(theirs)}"
    else:
        found.counts[kind] = found.counts.get(kind, 0) + 1
        compared = list(
            numbers(found, ours, theirs, nudged) if kind == "printed" else tensors(found, ours, theirs, nudged)
        )
        if compared:
            found.report.add(SUBJECTS[kind], compared)
        found.difference = next((each.message for each in compared if not each.agrees), "")
        found.values_differ = bool(found.difference)
    return not (found.difference or found.stopped or kind == "end")


def tensors(found: Found, ours: Event, theirs: Event, nudged: Event | None) -> Iterator[Comparison]:
    """The tensors of two events, each compared."""
    for number, name in enumerate(theirs["names"]):
        subject = f"{name} at {happening(theirs, found.counts[theirs['kind']])}{without_gradient(number, ours, theirs)}"
        dtypes = ours["dtypes"][number], theirs["dtypes"][number]
        if dtypes[0] != dtypes[1]:
            yield failed(subject, "exact", f"dtypes differ: ours {dtypes[0]}, theirs {dtypes[1]}")
            continue
        values = [event["values"][number] for event in (ours, theirs, nudged) if event is not None]
        compared = compare_values(subject, values[0], values[1], TOLERANCE_OF.get(dtypes[0], "exact"))
        if len(values) == 3 and found.is_rounding(f"{theirs['kind']} {name}", *values) and not compared.agrees:
            found.rounding = found.rounding or subject
            compared = replace(compared, agrees=True, message="", cause="")
        yield compared


def without_gradient(number: int, ours: Event, theirs: Event) -> str:
    """For the reader, that a parameter has next to no gradient on either engine; empty where that is not so."""
    gradients = [each.get("gradients", []) for each in (ours, theirs)]
    if not all(max(each, default=0.0) > 0 for each in gradients):
        return ""
    share = max(each[number] / max(each) for each in gradients)
    if not 0 < share <= NEXT_TO_NOTHING:
        return ""
    return f", whose gradient is next to nothing on both engines, {share:.0e} of the largest"


def numbers(found: Found, ours: Event, theirs: Event, nudged: Event | None) -> Iterator[Comparison]:
    """Printed numbers, each compared: one digit in the last place may be rounded otherwise."""
    for number, (text, place) in enumerate(zip(theirs["numbers"], theirs["places"])):
        mine, yours = float(ours["numbers"][number]), float(text)
        distance, size = abs(mine - yours), abs(yours)
        relative = distance / size if size else math.inf if distance else 0.0
        agrees = ours["numbers"][number] == text
        agrees = agrees or distance <= last_place(text) + TOLERANCES["training float32"].relative * size
        if nudged is not None:
            rounding = found.is_rounding(f"printed {place}", mine, yours, float(nudged["numbers"][number]))
            found.rounding = found.rounding or ("" if agrees or not rounding else f"a number printed at {place}")
            agrees = agrees or rounding
        message = "" if agrees else f"printed at {place}: ours {ours['numbers'][number]}, theirs {text}"
        yield Comparison("printed", 1, distance, relative, "training float32", agrees, message)


def last_place(number: str) -> float:
    """What a one is worth in the last place of a number as it was printed; 0 for an integer."""
    digits, _, exponent = number.lower().partition("e")
    decimals = len(digits.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if "." in digits or exponent else 0.0


def layout(event: Event) -> str:
    """How many values of what kind an event tells, in words."""
    if event["kind"] == "printed":
        return f"{len(event['numbers'])} numbers"
    return f"{len(event['names'])} tensors" + (f" ({', '.join(event['names'])})" if event["kind"] == "end" else "")


def happening(event: Event, count: int = 0) -> str:
    """An event, for the reader; with which of its kind it is."""
    word = WORDS[event["kind"]] if not count or event["kind"] == "end" else f"{event['kind']} {count}"
    place = event["places"][0] if event["kind"] == "printed" else event["place"]
    return f"{word} ({place})" if place else word


def ended_by(event: Event) -> str:
    """What ended a process."""
    if event["kind"] == "gone":
        return "its process ended"
    return f"{event['type']}: {event['message']}" + (f" ({event['at']})" if event["at"] else "")
