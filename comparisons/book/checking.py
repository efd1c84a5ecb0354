"""A section is run again, and what it shows held against the notebook that is there; or the notebook is made anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from nbformat.reader import NotJSONError
from nbformat.validator import NotebookValidationError

from comparisons.book.executing import Run, execute
from comparisons.book.outputs import Difference, differences
from comparisons.book.sections import Section, in_step

__all__ = ["Checked", "check", "fault_of"]


@dataclass
class Checked:
    """What came of a section.

    Attributes:
        run: None where there was nothing to hold it against, so that it was not run.
        fault: why it could not be compared or written, in a sentence; None where it could.
        changed: the cells that show something else than before.
    """

    section: Section
    run: Run | None = None
    fault: str | None = None
    changed: list[Difference] = field(default_factory=list)
    written: bool = False

    @property
    def status(self) -> int:
        """As the exit status: 0 all is well, 1 something differs or is not there, 3 something did not finish."""
        if self.changed or (self.fault and not (self.run and self.run.unfinished)):
            return 1
        return 3 if self.fault else 0


def check(section: Section, limit: float, write: bool, progress: Callable[[int, int], None]) -> Checked:
    """Run a section, and compare it or write it.

    Args:
        limit: the seconds that a cell may take.
        write: put what came of it in the notebook's place. A section that does not run to its end is not written.
        progress: is told how many cells of how many have been run.
    """
    if not write and (fault := fault_of(section)):
        return Checked(section, fault=fault)
    run = execute(section, limit, progress)
    checked = Checked(section, run)
    if not run.ended:
        checked.fault = f"{section.source.name}, cell {len(run.seconds)}: {run.stopped}"
    if not write:
        ended = len(run.seconds) - run.unfinished  # what a cell was about to print is not known
        checked.changed = list(differences(section.executed(), run.notebook, ended))
    elif run.ended:
        section.write(run.notebook)
        checked.written = True
    return checked


def fault_of(section: Section) -> str | None:
    """Why the notebook that is there is not that of its source, in a sentence; None where it is."""
    name = section.notebook.name
    advice = f"--write makes it of {section.source.name}"
    try:
        executed = section.executed()
    except (NotJSONError, NotebookValidationError, UnicodeDecodeError):
        return f"{name} is no notebook: {advice}"
    if executed is None:
        return f"there is no {name} yet: {advice}"
    if not in_step(section.read(), executed):
        return f"the cells of {name} are not those of {section.source.name}: {advice}"
    return None
