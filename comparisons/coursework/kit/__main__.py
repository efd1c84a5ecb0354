"""``python -m check``: does what is written so far agree with what PyTorch computed?

Exit status 0 where what was checked passed, 1 where something did not, 2 on wrong usage or a handout that cannot be
used, 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from comparisons.coursework.kit.checking import Verdict, check, find_task, in_turn
from comparisons.coursework.kit.handed_out import Broken, Handout, Task, read_handout
from comparisons.coursework.kit.progress import Progress, read_progress
from comparisons.coursework.kit.runner import attached, runner
from comparisons.coursework.kit.telling import closing, ready_to_print, tell, tell_failed, tell_hints, tell_verdict

__all__ = ["main"]

USAGE = """\
python -m check              the next task: from the one that was reached on,
                                    to the first that fails
       python -m check 2.2          one task
       python -m check all          all of them
       python -m check hint [2.2]   a hint, one more each time
       python -m check [2.2] --watch    again whenever a file is saved
       python -m check [2.2] --debug    the first case that fails, in the debugger"""


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m check", usage=USAGE)
    parser.add_argument("words", nargs="*", metavar="WORD", help="a task's id, all, or hint and a task's id")
    parser.add_argument("--watch", action="store_true", help="check again whenever a file is saved")
    parser.add_argument("--manual", action="store_true", help="as --watch, but again only when r is pressed")
    parser.add_argument("--debug", action="store_true", help="stop in the function, in the case that fails first")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a case may take, by default 10")
    told = parser.parse_args()
    told.hint = told.words[:1] == ["hint"]
    told.words = told.words[told.hint :]
    told.all = told.words == ["all"] and not told.hint
    told.task = "" if told.all or not told.words else told.words[0]
    modes = [told.hint, told.all, told.watch or told.manual, told.debug]
    if len(told.words) > 1:
        parser.error(f"give one task, not {' '.join(told.words)}")
    if sum(modes) > 1:
        parser.error("give one of hint, all, --watch (or --manual) and --debug")
    if not 0.1 <= told.seconds <= 3600:
        parser.error("--seconds takes a number from 0.1 to 3600")
    return told


def main() -> int:
    """Do what the command line says; the exit status."""
    ready_to_print()
    told = read_arguments()
    try:
        if importlib.util.find_spec("numpy") is None:
            raise Broken('NumPy is not installed: python -m pip install "numpy>=2"')
        handout = read_handout(Path(__file__).parents[1])
        progress = read_progress()
        if told.task:
            find_task(handout, told.task)
        return run(told, handout, progress)
    except Broken as error:
        print(f"python -m check: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, EOFError):
        print()
        return 130


def run(told: argparse.Namespace, handout: Handout, progress: Progress) -> int:
    """What is asked for, on a handout that can be read."""
    reached = in_turn(handout, progress.task)[0]
    task = find_task(handout, told.task) if told.task else None
    if told.hint:
        tell_hints(task or reached, progress)
        progress.keep()
        return 0
    if told.watch or told.manual:
        from comparisons.coursework.kit.watching import watch

        progress.task = (task or reached).id
        return watch(handout, progress, told.seconds, manual=told.manual)
    if told.debug:
        return run_debugger(handout, task or reached, progress, told.seconds)
    if task is not None:
        return check_tasks(handout, [task], progress, told.seconds, to_the_end=True)
    tasks = handout.tasks if told.all else in_turn(handout, progress.task)
    return check_tasks(handout, tasks, progress, told.seconds, to_the_end=told.all)


def check_tasks(handout: Handout, tasks: list[Task], progress: Progress, seconds: float, *, to_the_end: bool) -> int:
    """Check tasks in turn, all of them or to the first that fails, which is where the next check begins."""
    verdicts: list[Verdict] = []
    with runner(handout, seconds) as engine:
        for task in tasks:
            verdicts.append(check(handout, task, engine, progress, ask=True))
            tell_verdict(handout, verdicts[-1])
            if not verdicts[-1].passed and not to_the_end:
                break
    failed = [each.task.id for each in verdicts if not each.passed]
    if failed:
        progress.task = failed[0]
    progress.keep()
    closing(handout, verdicts, progress)
    return 1 if failed else 0


def run_debugger(handout: Handout, task: Task, progress: Progress, seconds: float) -> int:
    """Find the first case of a task that fails, and run it again, to be stepped through."""
    from comparisons.coursework.kit.debugging import debug

    if not task.cases:
        raise Broken(f"task {task.id} has nothing to step through")
    with runner(handout, seconds) as engine:
        verdict = check(handout, task, engine, progress, ask=False)
    if verdict.passed:
        tell(f"{task.id} {task.title}: its cases pass, so this is the first of them.")
        case = task.cases[0]
    else:
        case = next((each for each in task.cases if each.name == verdict.failed.case), task.cases[0])
    names = ", ".join(place.name for place in task.places) or "nothing: this is what all tasks do together"
    tell(f"case {case.name!r}: stops in {names}", "head")
    if not attached():
        tell("n next line, s into a call, p NAME a value, c on, q quit, h help", "quiet")
    result = debug(handout, task, case)
    tell(f"case {case.name!r}: {result.status}", "good" if result.passed else "bad")
    if not result.passed:
        tell_failed(handout, task, result)
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
