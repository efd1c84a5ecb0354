"""The course proves itself: each task can fail, the reference passes, and each known mistake is caught by its own task.

What is told of a task, such as its hints, is checked without running anything; then engines are asked: the reference,
the reference with one task's functions unwritten, with all of an assignment's unwritten, and with one mistake planted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from comparisons.coursework.cases import Case
from comparisons.coursework.compiled import without_text
from comparisons.coursework.engines import Engine
from comparisons.coursework.handout import with_holes
from comparisons.coursework.holes import Place, below_docstring, functions_of
from comparisons.coursework.judge import AGREES, Verdict
from comparisons.coursework.kit.questions import normalised
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.mutants import our_sandbox
from comparisons.coursework.sandbox import Sandbox
from comparisons.coursework.tasks import Assignment, Task
from comparisons.coursework.wheats import wheats_of
from comparisons.coursework.workers import JOBS, Exam, Unfit, side_by_side
from comparisons.tolerances import TOLERANCES

__all__ = ["Checked", "Course", "check_course", "read_course", "without"]

AT_IMPORT = "when it was imported: "
HINTS = 3

Progress = Callable[[int, int], None]


@dataclass
class Checked:
    """What was found of a task, or of an assignment as a whole.

    Attributes:
        id: the task's, or the assignment's.
        title: its title.
        cases: how many it has.
        mistakes: how many of them were planted.
        killed: how many of these its own cases noticed.
        faults: what is wrong, a sentence each.
    """

    id: str
    title: str
    cases: int
    mistakes: int = 0
    killed: int = 0
    faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return dict(vars(self))


class Course:
    """Assignments, the known mistakes, and the engine that they are about."""

    def __init__(self, assignments: Mapping[str, Assignment], mistakes: Sequence[Mistake], engine: Engine) -> None:
        self.assignments, self.mistakes, self.engine = assignments, mistakes, engine
        self.tasks = [task for assignment in assignments.values() for task in assignment.tasks]
        self.rows: dict[str, Checked] = {}
        for assignment in assignments.values():
            self.rows |= {each.id: Checked(each.id, each.title, len(each.cases)) for each in assignment.tasks}
            self.rows[assignment.id] = Checked(assignment.id, assignment.title, len(assignment.integration))
        self.plantable: list[Mistake] = []

    def fault(self, where: str, what: str) -> None:
        """Note what is wrong with a task or an assignment."""
        self.rows[where].faults.append(what)


def check_course(
    assignments: Mapping[str, Assignment],
    mistakes: Sequence[Mistake],
    engine: Engine,
    *,
    quick: bool = False,
    jobs: int = JOBS,
    progress: Progress = lambda done, total: None,
) -> list[Checked]:
    """Check a course.

    Args:
        assignments: by their ids, in order.
        mistakes: those that its tasks are to notice.
        engine: the reference.
        quick: whether to plant one mistake a task, and to ask one case of each earlier task.
        jobs: how many engines are asked at a time.
        progress: called with how many are done, and how many there are.

    Returns:
        For each task, and for each assignment as a whole, what was found.
    """
    course = read_course(assignments, mistakes, engine)
    check_by_asking(course, quick, jobs, progress)
    return list(course.rows.values())


def read_course(assignments: Mapping[str, Assignment], mistakes: Sequence[Mistake], engine: Engine) -> Course:
    """A course, and what is wrong with it as far as that shows without asking an engine."""
    course = Course(assignments, mistakes, engine)
    for check in (check_what_is_told, check_names, check_places, check_mistakes, check_handouts):
        check(course)
    return course


# ---------------------------------------------------------------------------------------------------- what is told


def check_what_is_told(course: Course) -> None:
    """Each task has a title, a text, points, three hints that differ, and something to do."""
    for task in course.tasks:
        if not (task.title.strip() and task.text.strip()):
            course.fault(task.id, "it has no title or no text")
        if task.points <= 0:
            course.fault(task.id, f"it has {task.points} points")
        hints = [hint.strip() for hint in task.hints]
        if len(hints) != HINTS or not all(hints):
            course.fault(task.id, f"it has {len([*filter(None, hints)])} hints, not {HINTS}")
        for hint, count in Counter(hints).items():
            if hint and count > 1:
                course.fault(task.id, f"{count} of its hints are the same: {hint[:60]!r}")
        if not (task.places or task.questions or task.tests_of or task.mistake_of):
            course.fault(task.id, "there is nothing to do in it")
        if bool(task.places) != bool(task.cases):
            course.fault(task.id, "functions and cases go together: it has the one without the other")
        for question in task.questions:
            if question.answer != normalised(question.answer) or not question.answer:
                course.fault(task.id, f"the answer to {question.name} is not in lower case with single spaces")
            if not question.text.strip():
                course.fault(task.id, f"the question {question.name} asks nothing")


def check_names(course: Course) -> None:
    """What names something is its own, and what it names is there."""
    seen: set[str] = set()
    for assignment in course.assignments.values():
        for task in assignment.tasks:
            if task.id.partition(".")[0] != assignment.id.removeprefix("A"):
                course.fault(task.id, f"its id does not begin with the number of {assignment.id}")
            for need in task.needs:
                if need not in seen:
                    course.fault(task.id, f"it needs {need}, which is no task before it")
            seen.add(task.id)
        for other in (*assignment.beneath, *[each for task in assignment.tasks for each in places_of_mistakes(task)]):
            if other not in course.assignments:
                course.fault(assignment.id, f"it names {other}, which is no assignment")
    counts = Counter(task.id for task in course.tasks)
    for name, count in counts.items():
        if count > 1:
            course.fault(name, f"{count} tasks have its id")
    groups = [(task.id, task.cases) for task in course.tasks]
    groups += [(each.id, each.integration) for each in course.assignments.values()]
    names = Counter(case.name for _, cases in groups for case in cases)
    for where, cases in groups:
        for case in cases:
            if not case.name.startswith((f"{where} ", f"{where.removeprefix('A')} ")):
                course.fault(where, f"the name of the case {case.name!r} does not begin with {where}")
            if names[case.name] > 1:
                course.fault(where, f"{names[case.name]} cases have the name {case.name!r}")
            if case.tolerance not in TOLERANCES:
                course.fault(where, f"there is no tolerance {case.tolerance!r}, which {case.name!r} names")
    questions = Counter((task.id, question.name) for task in course.tasks for question in task.questions)
    for (task_id, name), count in questions.items():
        if count > 1:
            course.fault(task_id, f"{count} questions have the name {name!r}")


def places_of_mistakes(task: Task) -> tuple[str, ...]:
    """The assignments whose mistakes a task is about."""
    return (*task.tests_of, *task.mistake_of)


def check_places(course: Course) -> None:
    """Each function is there, or nothing else can be asked; and belongs to one task."""
    owners: dict[Place, str] = {}
    for task in course.tasks:
        for place in task.places:
            text = course.engine.sources.get(f"{course.engine.name}/{place.file}")
            if text is None or place.name not in functions_of(text.decode()):
                raise Unfit(f"task {task.id} names a function that there is not: {place}")
            if place in owners:
                course.fault(task.id, f"{place} is written in task {owners[place]} too")
            owners[place] = task.id


def check_mistakes(course: Course) -> None:
    """Each mistake can be planted, has its own id and belongs to a task; each task with functions has one."""
    counts = Counter(each.id for each in course.mistakes)
    for mistake in course.mistakes:
        if mistake.task not in course.rows:
            raise Unfit(f"mistake {mistake.id} is of task {mistake.task}, which there is not")
        if counts[mistake.id] > 1:
            course.fault(mistake.task, f"{counts[mistake.id]} mistakes have the id {mistake.id}")
        if not mistake.what.strip() or mistake.old == mistake.new:
            course.fault(mistake.task, f"mistake {mistake.id} does not say what is wrong, or changes nothing")
        try:
            without_text(mistake.planted(course.engine))
            course.plantable.append(mistake)
        except (KeyError, ValueError, SyntaxError) as error:
            course.fault(mistake.task, f"mistake {mistake.id} cannot be planted: {error}")
    planted = {each.task for each in course.mistakes}
    for task in course.tasks:
        if task.places and task.id not in planted:
            course.fault(task.id, "no mistake is known in it")


# ------------------------------------------------------------------------------------------------ what is handed out


def without(engine: Engine, tasks: Sequence[Task]) -> Engine:
    """The engine with the functions of tasks unwritten."""
    package = {path.removeprefix(f"{engine.name}/"): text for path, text in engine.sources.items()}
    return Engine(engine.name, {f"{engine.name}/{path}": text for path, text in with_holes(package, tasks).items()})


def check_handouts(course: Course) -> None:
    """No line that stands in an assignment's functions alone is left in what is handed out."""
    whole = count_lines(course.engine)
    for assignment in course.assignments.values():
        left = count_lines(without(course.engine, assignment.tasks))
        for task in assignment.tasks:
            for place in task.places:
                path = f"{course.engine.name}/{place.file}"
                for line in solution_of(course.engine.sources[path].decode(), place.name):
                    if left[line] >= whole[line]:
                        course.fault(task.id, f"a line of {place} is left in the handout: {line}")


def count_lines(engine: Engine) -> Counter[str]:
    """How often each line stands in an engine."""
    return Counter(line for text in engine.sources.values() for line in lines_of(text.decode()))


def lines_of(text: str) -> list[str]:
    """The lines of a text without what surrounds them."""
    return [line.strip() for line in text.splitlines()]


def solution_of(text: str, name: str) -> Iterator[str]:
    """The lines of a function below its docstring, those that say nothing left out."""
    statements = below_docstring(functions_of(text)[name].node)
    if statements:
        lines = lines_of(text)[statements[0].lineno - 1 : statements[-1].end_lineno]
        yield from (line for line in lines if any(letter.isalnum() for letter in line) and not line.startswith("#"))


# -------------------------------------------------------------------------------------------------- what is asked


@dataclass(frozen=True)
class Trial:
    """An engine, what it is asked, and what is wrong with its verdicts."""

    engine: Engine
    cases: Sequence[Case]
    judge: Callable[[Iterator[Verdict]], None]


def check_by_asking(course: Course, quick: bool, jobs: int, progress: Progress) -> None:
    """The reference agrees; what is unwritten fails, and nothing before it; each mistake is noticed by its own task."""
    groups = [(task.id, task.cases) for task in course.tasks]
    groups += [(each.id, each.integration) for each in course.assignments.values()]
    exam = Exam([])
    for where, cases in groups:
        try:
            exam.add(cases)
        except Unfit as reason:
            course.fault(where, str(reason))
            return
    trials = [reference_of(course, {case.name: (where, case) for where, cases in groups for case in cases})]
    trials += [stub_of(course, task, quick) for task in course.tasks if task.places]
    trials += [handout_of(course, each) for each in course.assignments.values() if each.integration]
    if not quick:
        trials += [trial for each in course.assignments.values() for trial in lone_tasks_of(course, each)]
        trials += [trial for task in course.tasks if task.tests_of for trial in wheats_for(course, task, exam.secret)]
    done: set[str] = set()
    for mistake in course.plantable:
        if not quick or mistake.task not in done:
            trials.append(mistake_of(course, mistake))
            done.add(mistake.task)

    def run(trial: Trial, sandbox: Sandbox) -> None:
        verdicts = exam.ask(without_text(trial.engine), trial.cases, sandbox)
        trial.judge(verdicts)
        verdicts.close()

    side_by_side(run, trials, partial(our_sandbox, course.engine), jobs=jobs, progress=progress)


def reference_of(course: Course, cases: Mapping[str, tuple[str, Case]]) -> Trial:
    """The reference agrees with all cases; they are given with whose they are, by name."""

    def judge(verdicts: Iterator[Verdict]) -> None:
        for each in verdicts:
            if each.status != AGREES:
                course.fault(cases[each.case][0], f"the reference fails {each.case!r}: {each.reason}")

    return Trial(course.engine, [case for _, case in cases.values()], judge)


def stub_of(course: Course, task: Task, quick: bool) -> Trial:
    """While a task is unwritten, the engine can be imported, and fails its cases, each of them, and none before it."""
    own = {case.name for case in task.cases}
    earlier = [case for each in before(course, task) for case in (each.cases[:1] if quick else each.cases)]

    def judge(verdicts: Iterator[Verdict]) -> None:
        for each in verdicts:
            if each.reason.startswith(AT_IMPORT):
                course.fault(task.id, f"unwritten, it keeps the engine from being imported: {each.reason}")
                return
            if each.case in own and each.status == AGREES:
                course.fault(task.id, f"{each.case!r} passes though it is unwritten")
            if each.case not in own and each.status != AGREES:
                course.fault(task.id, f"unwritten, it fails {each.case!r} of an earlier task: {each.reason}")

    return Trial(without(course.engine, [task]), [*task.cases, *earlier], judge)


def before(course: Course, task: Task) -> list[Task]:
    """The tasks before one, those left out whose cases run through it in any case."""
    found: list[Task] = []
    own = next(each for each in course.assignments.values() if task in each.tasks)
    for assignment in course.assignments.values():
        if assignment is own:
            return [*found, *assignment.tasks[: assignment.tasks.index(task)]]
        if assignment.id not in own.beneath:
            found += assignment.tasks
    return found


def handout_of(course: Course, assignment: Assignment) -> Trial:
    """An unmodified handout fails what the whole of it is asked."""

    def judge(verdicts: Iterator[Verdict]) -> None:
        for each in verdicts:
            if each.status == AGREES:
                course.fault(assignment.id, f"{each.case!r} passes though nothing is written")

    return Trial(without(course.engine, assignment.tasks), assignment.integration, judge)


def lone_tasks_of(course: Course, assignment: Assignment) -> Iterator[Trial]:
    """What the whole of an assignment is asked needs more than one of its tasks."""
    written = [task for task in assignment.tasks if task.places]

    def judge(task: Task, verdicts: Iterator[Verdict]) -> None:
        for each in verdicts:
            if each.status == AGREES:
                course.fault(assignment.id, f"{each.case!r} passes though nothing but {task.id} is written")

    for task in written if len(written) > 1 and assignment.integration else ():
        others = [each for each in written if each is not task]
        yield Trial(without(course.engine, others), assignment.integration, partial(judge, task))


def wheats_for(course: Course, task: Task, secret: bytes) -> Iterator[Trial]:
    """The right engines that a student's tests must pass on are right."""
    about = [each for name in task.tests_of for each in course.assignments[name].tasks]

    def judge(what: str, verdicts: Iterator[Verdict]) -> None:
        for each in verdicts:
            if each.status != AGREES:
                course.fault(task.id, f"the engine {what} fails {each.case!r}: {each.reason}")

    for what, wheat in wheats_of(course.engine, [place for each in about for place in each.places], secret):
        cases = [case for each in about for case in each.cases]
        yield Trial(wheat, cases, partial(judge, what))


def mistake_of(course: Course, mistake: Mistake) -> Trial:
    """A mistake is noticed by a case of its own task."""
    cases = next(task.cases for task in course.tasks if task.id == mistake.task)
    row = course.rows[mistake.task]

    def judge(verdicts: Iterator[Verdict]) -> None:
        row.mistakes += 1
        if any(each.status != AGREES for each in verdicts):
            row.killed += 1
        else:
            course.fault(mistake.task, f"mistake {mistake.id} is not noticed: {mistake.what}")

    return Trial(mistake.planted(course.engine), cases, judge)
