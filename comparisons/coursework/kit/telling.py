"""What is printed: 80 columns, and colours where a terminal shows them."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence

from comparisons.coursework.holes import Piece, functions_of
from comparisons.coursework.kit.checking import Verdict
from comparisons.coursework.kit.handed_out import Handout, Task, mark_of
from comparisons.coursework.kit.progress import Progress
from comparisons.coursework.kit.runner import Result

__all__ = ["WIDTH", "closing", "counted", "ready_to_print", "tell", "tell_failed", "tell_hints", "tell_verdict"]

WIDTH = 80
COLOURS = {"good": "32", "bad": "1;31", "to do": "33", "head": "1", "quiet": "2"}


def ready_to_print() -> None:
    """What an output has no letters for becomes a question mark, and a console of Windows understands colours."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if os.name == "nt" and sys.stdout.isatty():
        os.system("")


def tell(text: str = "", look: str = "", indent: str = "", further: str | None = None) -> None:
    """Print a text within the width, its lines begun by ``indent``, all but the first by ``further``."""
    coloured = look and sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for number, part in enumerate(text.splitlines() or [""]):
        later = indent if further is None else further
        first = later if number else indent
        lines = textwrap.wrap(
            part, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False, drop_whitespace=True
        )
        for line in lines or [""]:
            print(f"\x1b[{COLOURS[look]}m{line}\x1b[0m" if coloured else line)
    sys.stdout.flush()


def number_of(points: float) -> str:
    """Points, a part of one to two digits."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number} {what}{'s' * (number != 1)}"


def tell_verdict(handout: Handout, verdict: Verdict) -> None:
    """A line for a task that passed; what is wrong, and where to look, for one that did not."""
    task = verdict.task
    what = "question" if task.questions else "case"
    of = f"{number_of(verdict.points)} of {task.points} points"
    if verdict.passed:
        tell(f"{task.id} {task.title}: passed, {of} ({counted(len(verdict.results), what)})", "good", further="  ")
        for each in verdict.results:
            if each.message:
                tell(each.message, indent="  ")
        return
    failed = verdict.failed
    tell(f"{task.id} {task.title}: {failed.status}, {of}", "to do" if "yet" in failed.status else "bad", further="  ")
    if task.cases and failed.case:
        tell_case(task, failed)
    tell_failed(handout, task, failed)


def tell_failed(handout: Handout, task: Task, failed: Result) -> None:
    """What is wrong, and where to look."""
    if failed.message != mark_of(task):
        tell_result(failed)
    tell_places(handout, task, failed)


def tell_case(task: Task, failed: Result) -> None:
    """What the engine was asked."""
    case = next(each for each in task.cases if each.name == failed.case)
    passed = [each.name for each in task.cases].index(case.name)
    before = f", after {passed} that passed" if passed else ""
    tell(f"  case {case.name.removeprefix(task.id).strip()!r} (of {len(task.cases)}{before})")
    for line in case.program.splitlines():
        tell(line, indent="    ", further=" " * (12 + len(line) - len(line.lstrip())))
    if case.shapes:
        tell("with " + ", ".join(f"{name} {shape}" for name, shape in case.shapes.items()), "quiet", "    ")


def tell_result(failed: Result) -> None:
    """What differs: argument, index, ours, PyTorch's, and a guess."""
    what, ours, pair = failed.message.rpartition(": ours ")
    mine, between, theirs = pair.partition(", theirs ")
    if failed.status == "differs" and ours and between:
        tell(what, indent="  ", further="    ")
        tell(mine, "bad", "    ours    ", " " * 12)
        tell(theirs, "good", "    PyTorch ", " " * 12)
    else:
        tell(failed.message, indent="  ", further="    ")
    if failed.whole is not None and failed.whole[0] != failed.whole[1]:
        for name, whole in zip(("all of ours    ", "all of PyTorch's"), failed.whole):
            tell(name.strip() + ":", indent="  ")
            for line in whole.splitlines():
                print(f"    {line}")
    if failed.cause:
        tell(f"likely cause: {failed.cause}", "to do", "  ", "    ")


def tell_places(handout: Handout, task: Task, failed: Result) -> None:
    """Where to look: where the engine stopped, else the functions of the task."""
    if failed.place is not None and failed.place[2] != "the case":
        function, line, file = failed.place
        tell(f"open {file.replace(os.sep, '/')}, line {line}{': ' * bool(function)}{function}", "head", "  ")
        return
    for place in task.places:
        piece = piece_at(handout, task, place.name)
        where = "" if piece is None else f", line {piece.node.lineno}"
        tell(f"open {handout.engine}/{place.file}{where}: {place.name}", "head", "  ")


def piece_at(handout: Handout, task: Task, name: str) -> Piece | None:
    """Where a function of a task stands now; None where it cannot be found."""
    place = next(each for each in task.places if each.name == name)
    try:
        return functions_of(handout.file(place).read_text(encoding="utf-8")).get(name)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def closing(handout: Handout, verdicts: Sequence[Verdict], progress: Progress, *, advice: bool = True) -> None:
    """How far one is, in a sentence, and how it goes on."""
    whole = sum(task.points for task in handout.tasks)
    done = [task for task in handout.tasks if progress.points.get(task.id, 0.0) >= task.points and task.points]
    done += [each.task for each in verdicts if each.passed and not each.task.points]
    points = sum(progress.points.get(task.id, 0.0) for task in handout.tasks)
    again = {each.task.id for each in verdicts}
    before = [task.id for task in done if task.id not in again]
    passed = f"{len(done)} of {counted(len(handout.tasks), 'task')}, {number_of(points)} of {whole} points"
    unchecked = f" Not run again now: {', '.join(before)}." if before else ""
    tell()
    hidden = " Grading asks the same with other numbers." if any(task.cases for task in handout.tasks) else ""
    tell(f"Public checks passed: {passed}.{unchecked}{hidden}")
    open_tasks = [each.task.id for each in verdicts if not each.passed and each.task.hints]
    if open_tasks and advice:
        tell(f"A hint: python -m check hint {open_tasks[0]}")


def tell_hints(task: Task, progress: Progress) -> None:
    """The hints of a task that were read, and one more."""
    if not task.hints:
        tell(f"{task.id} {task.title}: there are no hints.")
        return
    count = min(len(task.hints), progress.hints.get(task.id, 0) + 1)
    progress.hints[task.id] = count
    for number, hint in enumerate(task.hints[:count], 1):
        tell(f"{task.id}, hint {number} of {len(task.hints)}: {hint}", further="  ")
