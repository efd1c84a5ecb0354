"""``--watch``: check again when a file is saved, from the task that was reached on, in a new process each time."""

from __future__ import annotations

import importlib.util
import os
import queue
import threading
import time
from pathlib import Path

from comparisons.coursework.kit.checking import check, in_turn
from comparisons.coursework.kit.handed_out import Broken, Handout
from comparisons.coursework.kit.keys import Keys
from comparisons.coursework.kit.progress import Progress
from comparisons.coursework.kit.runner import InAProcess
from comparisons.coursework.kit.telling import WIDTH, closing, tell, tell_hints, tell_verdict

__all__ = ["Changes", "watch"]

PAUSE = 0.2  # seconds between two looks
KEYS = "h hint  n next task  r run  q quit"


class Changes:
    """Whether a file that a check reads has changed."""

    def __init__(self, handout: Handout) -> None:
        self.folder, self.engine = handout.folder, handout.engine
        self.seen = self.now()
        self.told: threading.Event | None = None
        if importlib.util.find_spec("watchfiles") is not None:
            self.told = threading.Event()
            threading.Thread(target=self.listen, daemon=True).start()

    def now(self) -> dict[str, tuple[int, int]]:
        """When each file was changed, and its size."""
        found = {}
        files = [self.folder / "answers.json"]
        for top in (self.folder / self.engine, self.folder / "tests"):
            files += [Path(folder, name) for folder, _, names in os.walk(top) for name in names if name.endswith(".py")]
        for file in files:
            try:
                state = os.stat(file)
            except OSError:
                continue  # it is not there, or not at this moment: an editor writes it anew
            found[str(file)] = (state.st_mtime_ns, state.st_size)
        return found

    def listen(self) -> None:
        """Have the system tell when something changes."""
        import watchfiles

        assert self.told is not None
        for _ in watchfiles.watch(self.folder):
            self.told.set()

    def any(self) -> bool:
        """Whether there is a change since this was last true."""
        if self.told is not None:
            if not self.told.is_set():
                return False
            self.told.clear()
        now = self.now()
        changed, self.seen = now != self.seen, now
        return changed


def watch(handout: Handout, progress: Progress, seconds: float, *, manual: bool) -> int:
    """Check, wait for a file or a key, and check again, until q. The exit status is that of the last check."""
    changes = Changes(handout)
    with Keys() as keys:
        while True:
            status = run(handout, progress, seconds)
            mode = "manual, r runs again" if manual else "watching, runs when a file is saved"
            tell(f"[{mode}]  {KEYS}", "quiet")
            if not wait(handout, progress, keys, changes, manual=manual):
                return status


def run(handout: Handout, progress: Progress, seconds: float) -> int:
    """One check: the task that was reached, then those that passed before, then the others, to the first that fails."""
    tell(f"{time.strftime('-- %H:%M:%S '):-<{WIDTH}}", "quiet")
    verdicts = []
    reached, *others = in_turn(handout, progress.task)
    passed = [task for task in others if task.cases and progress.points.get(task.id, 0.0) >= task.points]
    with InAProcess(handout, seconds) as engine:
        for task in [reached, *passed, *[task for task in others if task not in passed]]:
            try:
                verdicts.append(check(handout, task, engine, progress, ask=False))
            except Broken as error:  # such as answers.json, which is being written
                tell(f"{task.id} {task.title}: {error}", "bad")
                return 1
            if task not in passed or not verdicts[-1].passed:
                tell_verdict(handout, verdicts[-1])
            if not verdicts[-1].passed:
                progress.task = task.id
                break
    progress.keep()
    closing(handout, verdicts, progress, advice=False)
    return 0 if verdicts[-1].passed else 1


def wait(handout: Handout, progress: Progress, keys: Keys, changes: Changes, *, manual: bool) -> bool:
    """Wait until it is to be checked again; False where it is to end."""
    while True:
        try:
            key = keys.pressed.get(timeout=PAUSE)
        except queue.Empty:
            if not manual and changes.any():
                return True
            continue
        task, following = (in_turn(handout, progress.task) * 2)[:2]
        if key == "q":
            return False
        if key == "r":
            changes.any()  # what has changed until now is run
            return True
        if key == "n":
            progress.task = following.id
            return True
        if key == "h":
            tell_hints(task, progress)
            progress.keep()
