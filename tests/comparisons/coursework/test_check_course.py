"""The course proves itself: it is in order, and where a fault is planted in it, the fault is told."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from comparisons.cli import app
from comparisons.coursework.assignments import ASSIGNMENTS
from comparisons.coursework.cases import Case
from comparisons.coursework.check_course import check_course, read_course, without
from comparisons.coursework.commands import check_course as the_command
from comparisons.coursework.engines import Engine
from comparisons.coursework.holes import Place
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.mutants import our_sandbox
from comparisons.coursework.tasks import Assignment, Question, Task
from comparisons.coursework.workers import Unfit

pytestmark = pytest.mark.usefixtures("unmeasured", "forked_engines")

# A course of two tasks about an engine of two functions.
ENGINE = Engine(
    "engine",
    {
        "engine/__init__.py": b'from engine.rules import double, square\n\n__all__ = ["double", "square"]\n',
        "engine/rules.py": b'''

def double(x):
    """Twice x."""
    twice = x + x
    return twice


def square(x):
    """x times itself."""
    return x * x
''',
    },
)
HINTS = ("Think.", "Think again.", "Ask.")
DOUBLE = Task(
    "1.1",
    "Double",
    "Twice x.",
    2,
    HINTS,
    (Place("rules.py", "double"),),
    cases=(Case("1.1 of three", "z = engine.double(3.0)", ("z",), theirs="z = 6.0"),),
)
SQUARE = Task(
    "2.1",
    "Square",
    "x times itself.",
    2,
    HINTS,
    (Place("rules.py", "square"),),
    ("1.1",),
    (Case("2.1 of three", "z = engine.square(3.0)", ("z",), theirs="z = 9.0"),),
)
MISTAKES = (
    Mistake("D1", "1.1", "rules.py", "x + x", "x * x", "squared"),
    Mistake("S1", "2.1", "rules.py", "return x * x", "return x + x", "doubled"),
)
TOGETHER = Case("A2 both", "z = engine.square(engine.double(3.0))", ("z",), theirs="z = 36.0")


@pytest.fixture(scope="module")
def sandbox():
    with our_sandbox(ENGINE) as made:
        yield made


@pytest.fixture
def one_sandbox(sandbox, monkeypatch):
    """A sandbox that stays, for engines that are asked one after another."""
    monkeypatch.setattr("comparisons.coursework.check_course.our_sandbox", lambda engine: nullcontext(sandbox))


def course_of(double=DOUBLE, square=SQUARE, **last):
    first = Assignment("A1", "Sums", (double,))
    return {"A1": first, "A2": replace(Assignment("A2", "Products", (square,), (TOGETHER,), 1), **last)}


def faults_of(assignments, mistakes=MISTAKES, engine=ENGINE, quick=False):
    rows = check_course(assignments, mistakes, engine, quick=quick, jobs=1)
    return [f"{row.id}: {fault}" for row in rows for fault in row.faults]


def faults_told(assignments, mistakes=MISTAKES):
    """Those that show without asking an engine."""
    rows = read_course(assignments, mistakes, ENGINE).rows.values()
    return [f"{row.id}: {fault}" for row in rows for fault in row.faults]


def changed(task, **fields):
    """A task with its only case changed."""
    return replace(task, cases=(replace(task.cases[0], **fields),))


def test_a_course_in_order_has_no_fault(one_sandbox):
    rows = check_course(course_of(), MISTAKES, ENGINE, jobs=1)
    assert [(row.id, row.cases, row.mistakes, row.killed, row.faults) for row in rows] == [
        ("1.1", 1, 1, 1, []),
        ("A1", 0, 0, 0, []),
        ("2.1", 1, 1, 1, []),
        ("A2", 1, 0, 0, []),
    ]


# ------------------------------------------------------------------------------------- what is found by asking


@pytest.mark.parametrize(
    ("course", "fault"),
    [
        (
            course_of(changed(DOUBLE, program="z = 6.0")),
            "1.1: '1.1 of three' passes though it is unwritten",
        ),
        (
            course_of(changed(DOUBLE, theirs="z = 7.0")),
            "1.1: the reference fails '1.1 of three': z: ours 6.0, theirs 7.0",
        ),
        (
            course_of(changed(DOUBLE, theirs="z = nothing")),
            "1.1: PyTorch cannot answer 1.1 of three: NameError: name 'nothing' is not defined",
        ),
        (
            course_of(changed(DOUBLE, program="z = engine.double(2.0) + 2", theirs="z = 6.0")),
            "1.1: mistake D1 is not noticed: squared",
        ),
        (
            course_of(changed(DOUBLE, program="z = engine.double(engine.square(3.0)) / 3")),
            "2.1: unwritten, it fails '1.1 of three' of an earlier task: NotImplementedError: 2.1 Square: not written",
        ),
        (
            course_of(integration=(replace(TOGETHER, program="z = 36.0"),)),
            "A2: 'A2 both' passes though nothing is written",
        ),
    ],
    ids=["cannot fail", "reference", "PyTorch", "survives", "earlier", "handout"],
)
def test_a_fault_that_shows_when_engines_are_asked(course, fault, one_sandbox):
    found = faults_of(course, quick=True)
    assert [each for each in found if each.startswith(fault)], found


def test_what_runs_through_a_task_may_be_named(one_sandbox):
    through = changed(DOUBLE, program="z = engine.double(engine.square(3.0)) / 3")
    assert faults_of(course_of(through, beneath=("A1",)), MISTAKES[1:]) == ["1.1: no mistake is known in it"]


def test_quick_plants_one_mistake_a_task(one_sandbox):
    unnoticed = replace(MISTAKES[0], id="D2", new="x + x + 0")
    assert faults_of(course_of(), [*MISTAKES, unnoticed]) == ["1.1: mistake D2 is not noticed: squared"]
    assert faults_of(course_of(), [*MISTAKES, unnoticed], quick=True) == []


def test_right_engines_for_a_student_s_tests_must_be_right(one_sandbox, monkeypatch):
    tests = Task("2.2", "Tests", "Of sums.", 3, HINTS, tests_of=("A1",))
    course = course_of(tasks=(SQUARE, tests))
    assert faults_of(course) == []
    wrong = [("said otherwise", MISTAKES[0].planted(ENGINE))]
    monkeypatch.setattr("comparisons.coursework.check_course.wheats_of", lambda engine, places, secret: wrong)
    assert faults_of(course) == ["2.2: the engine said otherwise fails '1.1 of three': z: ours 9.0, theirs 6.0"]
    assert faults_of(course, quick=True) == []


def test_an_unwritten_task_may_not_keep_the_engine_from_being_imported(one_sandbox):
    needed = ENGINE.sources["engine/__init__.py"] + b"\nFOUR = double(2)\n"
    engine = Engine("engine", {**ENGINE.sources, "engine/__init__.py": needed})
    assert "1.1: unwritten, it keeps the engine from being imported" in "".join(faults_of(course_of(), engine=engine))


# ------------------------------------------------------------------------------------ what is found by reading


@pytest.mark.parametrize(
    ("course", "fault"),
    [
        (course_of(replace(DOUBLE, hints=("Think.", "", "Ask."))), "1.1: it has 2 hints, not 3"),
        (course_of(replace(DOUBLE, hints=("Think.", "Think.", "Ask."))), "1.1: 2 of its hints are the same: 'Think.'"),
        (course_of(replace(DOUBLE, text=" ")), "1.1: it has no title or no text"),
        (course_of(replace(DOUBLE, points=0)), "1.1: it has 0 points"),
        (course_of(replace(DOUBLE, places=())), "1.1: functions and cases go together"),
        (course_of(replace(DOUBLE, places=(), cases=())), "1.1: there is nothing to do in it"),
        (course_of(replace(DOUBLE, needs=("2.1",))), "1.1: it needs 2.1, which is no task before it"),
        (course_of(replace(DOUBLE, id="3.1")), "3.1: its id does not begin with the number of A1"),
        (course_of(changed(DOUBLE, name="of three")), "1.1: the name of the case 'of three' does not begin with 1.1"),
        (course_of(replace(DOUBLE, cases=DOUBLE.cases * 2)), "1.1: 2 cases have the name '1.1 of three'"),
        (course_of(changed(DOUBLE, tolerance="wide")), "1.1: there is no tolerance 'wide', which '1.1 of three' names"),
        (course_of(square=replace(SQUARE, places=DOUBLE.places)), "2.1: rules.py: double is written in task 1.1 too"),
        (course_of(beneath=("A9",)), "A2: it names A9, which is no assignment"),
        (
            course_of(replace(DOUBLE, questions=(Question("name", "What?", "Add  Mul"),))),
            "1.1: the answer to name is not in lower case with single spaces",
        ),
    ],
)
def test_a_fault_in_what_is_told(course, fault):
    mistakes = [each for each in MISTAKES if any(each.task == task.id for one in course.values() for task in one.tasks)]
    found = faults_told(course, mistakes)
    assert [each for each in found if each.startswith(fault)], found


@pytest.mark.parametrize(
    ("mistakes", "fault"),
    [
        (MISTAKES[:1], "2.1: no mistake is known in it"),
        ((*MISTAKES, MISTAKES[0]), "1.1: 2 mistakes have the id D1"),
        ((*MISTAKES, replace(MISTAKES[0], id="D2", old="(x)")), "1.1: mistake D2 cannot be planted: "),
        ((*MISTAKES, replace(MISTAKES[0], id="D2", new="x +")), "1.1: mistake D2 cannot be planted: "),
        ((*MISTAKES, replace(MISTAKES[0], id="D2", new="x + x")), "1.1: mistake D2 does not say what is wrong"),
    ],
)
def test_a_fault_in_the_mistakes(mistakes, fault):
    found = faults_told(course_of(), mistakes)
    assert [each for each in found if each.startswith(fault)], found


def test_what_is_about_nothing_keeps_the_course_from_being_checked():
    with pytest.raises(Unfit, match="task 1.1 names a function that there is not: rules.py: triple"):
        faults_told(course_of(replace(DOUBLE, places=(Place("rules.py", "triple"),))))
    with pytest.raises(Unfit, match=r"mistake D1 is of task 9\.9, which there is not"):
        faults_told(course_of(), [replace(MISTAKES[0], task="9.9")])


def test_a_line_of_a_solution_that_is_left_is_found(monkeypatch):
    """Here the handout's function keeps its body, as a stub that is forgotten would."""
    monkeypatch.setattr("comparisons.coursework.check_course.without", lambda engine, tasks: engine)
    left = [each for each in faults_told(course_of()) if "is left in the handout" in each]
    assert left[:2] == [
        "1.1: a line of rules.py: double is left in the handout: twice = x + x",
        "1.1: a line of rules.py: double is left in the handout: return twice",
    ]


def test_a_hole_tells_which_task_it_is():
    text = without(ENGINE, [DOUBLE]).sources["engine/rules.py"].decode()
    assert "1.1 Double: not written yet" in text and "twice" not in text.replace("Twice x.", "") and "x * x" in text


# ------------------------------------------------------------------------------------------------- the command


def test_the_commands_that_the_pages_name_are_there(tmp_path, monkeypatch):
    page = "```sh\npython -m comparisons judge minigrad --unsafe\npython -m comparisons jugde\n"
    (tmp_path / "page.md").write_text(page + "python -m comparisons mutants --quick\npython -m pytest\n```\n")
    monkeypatch.setattr(the_command, "DOCS", tmp_path)
    monkeypatch.setattr(the_command, "ASSIGNMENTS", {})
    monkeypatch.setattr(the_command, "MISTAKES", {})
    done = CliRunner().invoke(app, ["check-course"])
    assert done.exit_code == 1 and "The course has 2 faults." in done.output
    assert "page.md: python -m comparisons jugde: there is no command jugde" in done.output
    assert "page.md: python -m comparisons mutants --quick: there is no option --quick" in done.output


@pytest.mark.long
def test_the_course_is_in_order():
    done = CliRunner().invoke(app, ["check-course", "--quick"])
    assert done.exit_code == 0, done.output
    tasks = sum(len(each.tasks) for each in ASSIGNMENTS.values())
    assert f"The course is in order: {tasks} tasks" in done.output
