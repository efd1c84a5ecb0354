"""What a task is: functions of the engine for a student to write, or questions to answer, and the cases that grade it.

The assignments themselves are in ``assignments/``, a file each. A function is named by its :class:`~.holes.Place`, and
``holes.py`` cuts it out of the engine's text.
"""

from __future__ import annotations

from dataclasses import dataclass

from comparisons.coursework.cases import Case
from comparisons.coursework.holes import Place

__all__ = ["KNOWN_VERSIONS", "VERSION", "Assignment", "Question", "Task"]

VERSION = 1  # of the tasks and of the engine's places that they name: written into each handout
KNOWN_VERSIONS = (1,)  # of the handouts that can be graded


@dataclass(frozen=True)
class Question:
    """Something to predict before it is run.

    Attributes:
        name: its own within the task.
        text: what is asked, in a sentence or two.
        answer: what is right, in lower case, words and numbers parted by single spaces.
    """

    name: str
    text: str
    answer: str


@dataclass(frozen=True)
class Task:
    """One thing that a student does.

    Attributes:
        id: assignment and number, such as "2.3".
        title: a few words.
        text: what to do, and what is easily overlooked: a paragraph or two of Markdown.
        points: for all of it; each case earns its equal part.
        hints: three, from a nudge to nearly the whole.
        places: the functions to be written.
        needs: the tasks that come first.
        cases: what the functions are asked. They grade this task, and this task alone can fail them while all else is
            the reference.
        questions: what is to be predicted, where nothing is to be written.
        tests_of: the assignments whose known mistakes the student's own tests are to notice.
        mistake_of: the assignments from whose known mistakes one's own is drawn, to be found and mended.
    """

    id: str
    title: str
    text: str
    points: int
    hints: tuple[str, str, str]
    places: tuple[Place, ...] = ()
    needs: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    questions: tuple[Question, ...] = ()
    tests_of: tuple[str, ...] = ()
    mistake_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """Tasks that are handed out together.

    Attributes:
        id: such as "A2".
        title: a few words.
        tasks: in the order in which they are done.
        integration: what the assembled engine is asked at the end: everything written works together.
        points: for the integration.
        beneath: assignments that come earlier in a course, and whose cases run what is written here: while it is
            unwritten, they fail as well. Of all other earlier tasks no case does.
    """

    id: str
    title: str
    tasks: tuple[Task, ...]
    integration: tuple[Case, ...] = ()
    points: int = 0
    beneath: tuple[str, ...] = ()
