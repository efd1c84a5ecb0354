"""Planted mistakes: those known, those made by rule, a student's tests that are to notice them, one's own to mend."""

import ast
import json
import os
import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import minigrad
from comparisons.cli import app
from comparisons.coursework import mutants, student_tests
from comparisons.coursework.assignments import ASSIGNMENTS, TASKS
from comparisons.coursework.cases import Case
from comparisons.coursework.commands import mutants as commands
from comparisons.coursework.engines import Engine, find_engine
from comparisons.coursework.equivalents import EQUIVALENTS, KINDS, Equivalent
from comparisons.coursework.handout import files_of
from comparisons.coursework.holes import Place, functions_of
from comparisons.coursework.mechanical import changes_of
from comparisons.coursework.mistakes import MISTAKES, by_id
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.mutants import fates_of, gone, outcomes_of
from comparisons.coursework.personal import functions_with, mistake_for
from comparisons.coursework.processes import Limits
from comparisons.coursework.renaming import reference
from comparisons.coursework.sandbox import Sandbox
from comparisons.coursework.student_tests import NoTime, grade_tests, try_tests
from comparisons.coursework.wheats import wheats_of
from comparisons.coursework.workers import Exam, Unfit

pytestmark = pytest.mark.usefixtures("unmeasured", "forked_engines")

PRODUCT = TASKS["1.3"]
W1 = MISTAKES["W1"]

# An engine of two functions, and what is asked of one of them.
SMALL = Engine(
    "small",
    {
        "small/__init__.py": b"from small.rules import both, twice\n",
        "small/rules.py": b'''
def both(x, y):
    """x - y, and y."""
    difference = x - y
    difference += 0.0
    return difference, y


def twice(x):
    """2 x."""
    return 2 * x
''',
    },
)
BOTH = replace(
    PRODUCT,
    id="1.1",
    places=(Place("rules.py", "both"),),
    cases=(
        Case("1.1 equal", "d, y = engine.both(2.0, 2.0)", ("d",), theirs="d, y = 0.0, 2.0"),
        Case("1.1 unequal", "d, y = engine.both(3.0, 2.0)", ("d", "y"), theirs="d, y = 1.0, 2.0"),
    ),
)
WRONG = Mistake("B1", "1.1", "rules.py", "x - y\n ", "y - x\n ", "the wrong way around")


@pytest.fixture(scope="module")
def engine():
    return find_engine("minigrad")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox("limits", Limits(4.0)) as made:
        yield made


@pytest.fixture(scope="module")
def small_sandbox():
    with mutants.our_sandbox(SMALL) as made:
        yield made


@pytest.fixture
def one_sandbox(small_sandbox, monkeypatch):
    """A sandbox that stays, for engines that are asked one after another."""
    monkeypatch.setattr(mutants, "our_sandbox", lambda engine: nullcontext(small_sandbox))


@pytest.fixture(scope="module")
def knowing(engine):
    with Sandbox("limits", Limits(4.0), engine) as made:
        yield made


def command(*words):
    done = CliRunner().invoke(app, ["mutants", *map(str, words)])
    return done.exit_code, done.output


# ------------------------------------------------------------------------------------------------ known mistakes


def test_a_mistake_is_caught_by_its_own_task_or_told(one_sandbox):
    harmless = replace(WRONG, id="harmless", new="+x - y\n ", what="nothing")
    elsewhere = replace(WRONG, id="elsewhere", old="what stands nowhere")
    caught, missed, unplanted = outcomes_of(SMALL, [WRONG, harmless, elsewhere], [BOTH], jobs=1)
    assert caught.caught and caught.reason == "1.1 unequal: d: ours -1.0, theirs 1.0"
    assert [each.case for each in caught.noticed["1.1"]] == ["1.1 unequal"]
    assert not missed.caught and missed.reason == "no case notices it"
    assert not unplanted.caught and "0 times, not once" in unplanted.reason


def test_a_mistake_noticed_by_other_tasks_alone_is_not_caught(one_sandbox):
    other = replace(BOTH, id="9.9", cases=(replace(BOTH.cases[1], name="9.9 unequal"),))
    own = replace(BOTH, cases=BOTH.cases[:1])
    (outcome,) = outcomes_of(SMALL, [WRONG], [own, other], jobs=1)
    assert not outcome.caught and list(outcome.noticed) == ["9.9"]


def test_mistakes_are_not_tried_where_the_reference_or_pytorch_fails(one_sandbox):
    wrong = replace(BOTH.cases[0], name="1.1 wrong", theirs="d = 5.0")
    with pytest.raises(Unfit, match="the reference itself fails 1.1 wrong: d: "):
        outcomes_of(SMALL, [WRONG], [replace(BOTH, cases=(wrong,))], jobs=1)
    with pytest.raises(Unfit, match="PyTorch cannot answer 1.1 wrong: NameError"):
        Exam([replace(wrong, theirs="nothing")])


def test_too_many_lost_answers_end_an_engine(one_sandbox):
    ends = replace(WRONG, new="0\n    import os; os._exit(1)\n ")
    cases = tuple(replace(BOTH.cases[0], name=f"1.1 {number}") for number in range(5))
    (outcome,) = outcomes_of(SMALL, [ends], [replace(BOTH, cases=cases)], jobs=1)
    assert outcome.caught and len(outcome.noticed["1.1"]) == 3 and outcome.unasked == 2


def test_the_command_tells_of_each_known_mistake(tmp_path, monkeypatch):
    """Here it asks two tasks' cases of two mistakes; ``.ci/full`` those of all tasks."""
    monkeypatch.setattr(commands, "TASKS", {name: TASKS[name] for name in ("1.3", "1.4")})
    monkeypatch.setattr(commands, "MISTAKES", {name: MISTAKES[name] for name in ("W1", "W17")})
    file = tmp_path / "found.json"
    status, printed = command("--task", "1.3", "--jobs", 1, "--json", file)
    assert status == 0 and "W1" in printed and "are caught by the cases of their own task" in printed
    (found,) = [each for each in json.loads(file.read_text())["mistakes"] if each["id"] == "W1"]
    assert found["caught"] and found["reason"].startswith("1.3 ") and "1.3" in found["noticed"]


# ------------------------------------------------------------------------------------------------ made by rule

FUNCTION = '''
def f(x, ready=True):
    """Not -x."""
    if x < 0 and not ready:
        raise ValueError(f"{x + 1}")
    total = -x
    total += x.sum(axis=0) * 2.5
    for number in range(len(x)):  # θ
        total = total @ x.T - number
    check(x)
    return total, x if ready else 1
'''


def test_rules_change_one_thing_each():
    changes = {(change.old, change.new) for change in changes_of(Place("f.py", "f"), FUNCTION)}
    head = "if x < 0 and (not ready):"
    last = "return (total, x if ready else 1)"
    assert changes == {
        (head, "if x <= 0 and (not ready):"),
        (head, "if x < 0 or not ready:"),
        (head, "if x < 0 and ready:"),
        (head, "if x < 1 and (not ready):"),
        (head, "if True:"),
        (head, "if False:"),
        ("total = -x", "total = x"),
        *[("total += x.sum(axis=0) * 2.5", new) for new in UPDATES],
        ("for number in range(len(x)):", "for number in range(len(x) - 1):"),
        *[("total = total @ x.T - number", new) for new in PRODUCTS],
        ("check(x)", "pass"),
        (last, "return (x if ready else 1, total)"),
        (last, "return (total, x)"),
        (last, "return (total, 1)"),
        (last, "return (total, x if ready else 2)"),
    }


UPDATES = (
    *("total = x.sum(axis=0) * 2.5", "total -= x.sum(axis=0) * 2.5", "total += x.sum(axis=0) / 2.5"),
    *("total += x.sum(axis=0)", "total += 2.5", "total += x * 2.5", "total += x.sum(axis=1) * 2.5"),
    "total += x.sum(axis=0) * 3.5",
)
PRODUCTS = (
    *("total = total @ x.T + number", "total = number - total @ x.T", "total = total @ x.T", "total = number"),
    *("total = x.T @ total - number", "total = total - number", "total = x.T - number", "total = total @ x - number"),
)


def test_the_text_of_a_change_is_that_change_and_nothing_else():
    for change in changes_of(Place("f.py", "f"), FUNCTION):
        assert change.new.removesuffix(":") in ast.unparse(ast.parse(change.text))
        different = [one for one, other in zip(FUNCTION.splitlines(), change.text.splitlines()) if one != other]
        assert len(different) == 1, change


def test_survivors_are_told_and_known_ones_must_survive(one_sandbox, monkeypatch):
    monkeypatch.setattr(mutants, "EQUIVALENTS", ())
    fates = fates_of(SMALL, [BOTH], jobs=1)
    assert [fate.change.new for fate in fates if fate.killed is None] == ["difference -= 0.0"]
    assert [fate.wrong for fate in fates if fate.wrong] == ["no case notices it"]
    survivor = next(fate.change for fate in fates if fate.wrong)
    noticed = next(fate.change for fate in fates if not fate.wrong)
    known, claimed = [Equivalent(str(each.place), each.old, each.new, "so it is said") for each in (survivor, noticed)]
    stale = replace(known, old="what stood there once")
    monkeypatch.setattr(mutants, "EQUIVALENTS", (known, claimed, stale))
    both = [(survivor, BOTH.cases), (noticed, BOTH.cases)]
    monkeypatch.setattr(mutants, "changes_in", lambda engine, tasks: both)
    fates = fates_of(SMALL, [BOTH], jobs=1)
    assert [fate.wrong for fate in fates if fate.wrong] == ["it is no equivalent, for 1.1 equal notices it"]
    assert list(gone(fates, [BOTH])) == [stale]


def test_a_gradient_that_nobody_asked_for_is_of_no_matter(engine):
    """The same reason everywhere: it need not be given for each."""
    text = engine.sources["minigrad/ops/arithmetic.py"].decode()
    known = [change.new for change in changes_of(PRODUCT.places[0], text) if any(kind.covers(change) for kind in KINDS)]
    assert known == ["grad_x = grad_z * y", "grad_y = grad_z * x"]


def test_what_no_case_notices_is_printed_and_the_status_is_1(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "find_engine", lambda name: SMALL)
    monkeypatch.setattr(commands, "TASKS", {"1.1": BOTH})
    file = tmp_path / "found.json"
    status, printed = command("--mechanical", "--task", "1.1", "--json", file)
    assert status == 1
    assert "rules.py: both: no case notices it\n    difference += 0.0\nto  difference -= 0.0\n" in printed
    assert len(json.loads(file.read_text())["changes"]) == 8


# -------------------------------------------------------------------------------------------- a student's tests

GOOD = b"""
import small
import pytest


@pytest.mark.parametrize("x, y", [(2.0, 2.0), (-1.5, 0.5)])
def test_the_difference(x, y):
    assert small.both(x, y) == pytest.approx([x - y, y])


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match="unsupported"):
        small.both(1, "a")
"""
WHY = "test_it(): PermissionError: a test asks what the engine does, not how it is written"
LEAVING = b"""Context = type('Context', (), {
        '__enter__': lambda self: 0, '__exit__': lambda self, kind, error, trace: trace.tb_next.tb_frame.f_code})
    with Context():
        small.both(1, 'a')
"""
ORDINARY = b"""import dataclasses, collections, warnings, numpy, small

@dataclasses.dataclass
class Pair:
    x: float = 2.0

def test_it():
    @dataclasses.dataclass(eq=False)
    class Other(Pair):
        y: float = 3.0
    collections.namedtuple('Three', 'x y z')(1, 2, 3)
    with warnings.catch_warnings(record=True):
        warnings.warn('so')
    warnings.warn('and so')
    numpy.testing.assert_allclose(small.both(Pair().x, Other().y), numpy.array([-1.0, 3.0]))
    assert getattr(small, 'twice')(2.0) == 4.0
"""
HEAD = b"import small\ndef test_it():\n    "


def graded(sandbox, source):
    """Graded by one mistake, in one sandbox that stays."""
    return grade_tests(source, SMALL, [BOTH], [WRONG], lambda: nullcontext(sandbox), secret=b"a secret", jobs=1)


def test_tests_that_notice_the_mistake_earn_its_part(sandbox):
    grade = graded(sandbox, GOOD)
    assert grade.tests[0] == "test_the_difference(x=2.0, y=2.0)" and len(grade.tests) == 3
    assert grade.failed == "" and grade.share == 1.0
    assert grade.noticed["B1"].startswith("test_the_difference(x=-1.5, y=0.5): AssertionError, in test_the_difference")
    grade = graded(sandbox, HEAD + b"pass")
    assert grade.failed == "" and grade.noticed == {"B1": ""} and grade.share == 0.0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"assert small.twice(1.0) == 1.0", "test_it(): AssertionError, in test_it, line 3 of"),
        (b"raise SystemExit(0)", "test_it(): SystemExit: 0"),
        (b"getattr(small.both, '__co' + 'de__')", "asks what the engine does, not how"),
        (b"pass\n1 / 0", "when the tests were imported: ZeroDivisionError"),
        (b"pass\ntest_it = 0", "there are no tests in it"),
        (b"pass\n" + b"".join(b"def test_%d(): pass\n" % number for number in range(30)), "there are 31 tests, and"),
    ],
    ids=["wrong", "exits", "looks at code", "cannot be imported", "none", "too many"],
)
def test_tests_that_fail_on_a_right_engine_are_worth_nothing(body, reason, sandbox, monkeypatch):
    monkeypatch.setattr(student_tests, "wheats_of", lambda engine, places, secret: [("as it is", engine)])
    grade = graded(sandbox, HEAD + body)
    assert reason in grade.failed and grade.share == 0.0 and grade.noticed == {}


def test_there_is_an_end_of_time(sandbox, monkeypatch):
    with pytest.raises(NoTime):
        grade_tests(GOOD, SMALL, [BOTH], [WRONG], lambda: nullcontext(sandbox), secret=b"", jobs=1, until=0.0)
    late = iter([0.0] * 4)  # as long as the right engine is tried: when it begins, and before each of three tests
    monkeypatch.setattr(student_tests, "monotonic", lambda: next(late, 2.0))
    monkeypatch.setattr(student_tests, "wheats_of", lambda engine, places, secret: [("as it is", engine)])
    grade = grade_tests(GOOD, SMALL, [BOTH], [WRONG], lambda: nullcontext(sandbox), secret=b"", jobs=1, until=1.0)
    assert grade.untried == ("B1",) and grade.share == 0.0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"import time; time.sleep(60)", "test_it(): no answer within 4 s"),
        (b"import os; os._exit(0)", "test_it(): its process ended, with exit status 0, before it answered"),
        (b"open('../small/rules.py')", WHY),
        (b"import inspect; inspect.getsource(small.both)", WHY),
        (b"import dis; list(dis.get_instructions(small.both))", WHY),
        (b"import collections, operator as o; collections.Counter(map(o.attrgetter('__code__'), [small.both]))", WHY),
        (b"import numpy, operator as o; numpy.vectorize(o.attrgetter('__code__'), otypes=['O'])([small.both])", WHY),
        (b"import gc; gc.get_objects()", WHY),
        (b"small.__loader__.get_data(small.__file__)", WHY),
        (b"import numpy; numpy.fromfile(small.__file__, 'u1')", WHY),
        (b"import sys; sys.settrace(lambda *words: None)", WHY),
        (b"exec('small.both.__code__', {'__name__': 'small', 'small': small})", WHY),
        (b"compile('', 'small/rules.py', 'exec')", WHY),
        (b"compile('', '<frozen importlib', 'exec')", WHY),
        (b"match small.both:\n        case object(__code__=code): pass", WHY),
        (LEAVING, WHY),
    ],
)
def test_what_a_test_can_do_costs_itself(body, reason, sandbox):
    """Even where what it names is not refused beforehand."""
    assert reason in try_tests(SMALL, HEAD + body, sandbox)[0]


def test_what_ordinary_tests_do_is_let_be(sandbox):
    assert try_tests(SMALL, ORDINARY, sandbox) == ("", ["test_it()"])


def test_a_right_engine_that_is_written_otherwise(engine, knowing):
    """What is different of an engine with a mistake is different of a right one too: names, lines, and code itself."""
    wheats = dict(wheats_of(engine, PRODUCT.places, b"a secret"))
    texts = [wheat.sources[f"{engine.name}/ops/arithmetic.py"].decode() for wheat in wheats.values()]
    before, after = [ast.unparse(functions_of(text)["Mul.backward"].node) for text in texts]
    (word,) = set(re.findall(r"grad_x(_[0-9a-f]{8})\b", after))
    assert f"    {word} = '{word}'\n" in after and "grad_x = " not in after
    same_names = after.replace(f"    {word} = '{word}'\n", "").replace(word, "")
    assert same_names != before and "None if not needs_x else grad_z * y" in same_names
    exam = Exam(PRODUCT.cases)
    for what, wheat in wheats.items():
        assert {each.status for each in exam.ask(wheat, PRODUCT.cases, knowing)} == {"agrees"}, what


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"def test_it(:", "are no Python"),
        (b"import os\ndef test_it(): pass", "import os, which"),
        (b"from importlib import resources\ndef test_it(): pass", "import importlib, which"),
        (b"def test_it(): open('/etc/passwd')", "ask for open, which"),
        (b"def test_it(): (lambda: 0).__code__", "ask for __code__, which"),
        (b"def try_it(): pass", "there are no tests in the file"),
        (b"#" * 100_001, "more than 100,000 bytes"),
    ],
)
def test_what_is_no_file_of_tests_is_refused(source, reason, tmp_path):
    file = tmp_path / "test_mine.py"
    file.write_bytes(source)
    status, printed = command("--tests", file, "--unsafe")
    assert status == 2 and reason in " ".join(printed.split())


# ---------------------------------------------------------------------------------------------- a mistake of one's own


def test_who_gets_which_mistake_is_drawn_from_the_secret():
    several = [replace(W1, id=f"M{number}") for number in range(20)]
    drawn = [mistake_for(f"student {number}", b"a secret", several).id for number in range(100)]
    assert len(set(drawn)) > 10 and drawn == [mistake_for(f"student {n}", b"a secret", several).id for n in range(100)]
    assert drawn != [mistake_for(f"student {number}", b"another", several).id for number in range(100)]


def test_nothing_of_a_handout_tells_whose_mistake_it_is(engine):
    handed = []
    for mistake in (W1, MISTAKES["B2"]):
        planted = mistake.planted(engine).sources[f"minigrad/{mistake.file}"]
        files = files_of(ASSIGNMENTS["A8"], package={**reference(), mistake.file: planted})
        handed.append({path: text for path, text in files.items() if path != f"minigrad/{mistake.file}"})
        assert files[f"minigrad/{mistake.file}"] == planted
    one, other = handed
    assert all(one[path] == other[path] for path in one.keys() & other.keys())
    assert {"README.md", "answers.json", ".vscode/launch.json", "tests/test_mine.py", "check/tasks.json"} <= one.keys()
    assert "## 8.3 Find the mistake" in one["README.md"].decode()


def test_each_known_mistake_and_each_change_that_changes_nothing_can_still_be_made(engine):
    """They are known by the engine's text. Which of them a case notices is tried by ``.ci/full``."""
    assert all(mistake.planted(engine).sources != engine.sources for mistake in MISTAKES.values())
    known = {each.place for each in EQUIVALENTS}
    made = set()
    for place in {place for task in TASKS.values() for place in task.places if str(place) in known}:
        changes = changes_of(place, engine.sources[f"minigrad/{place.file}"].decode())
        made |= {(str(place), change.old, change.new) for change in changes}
    assert [each for each in EQUIVALENTS if (each.place, each.old, each.new) not in made] == []


def test_two_mistakes_of_one_id_are_an_error():
    with pytest.raises(ValueError, match="two mistakes have the id W1: one in 1.3, one in 9.9"):
        by_id([W1, replace(W1, id="W2"), replace(W1, task="9.9")])


def test_the_function_that_a_mistake_is_in(engine):
    assert functions_with(W1, engine) == {"Mul.backward"}
    text = b"def f():\n    return 1\n\n\ndef g():\n    return 2\n"
    small = Engine("small", {"small/a.py": text})
    mistake = replace(W1, file="a.py", old="    return 2", new="    x = 3\n    return x")
    assert functions_with(mistake, small) == {"g"}
    assert functions_with(replace(mistake, old="    return 1\n", new="    return\n"), small) == {"f"}


def test_one_s_own_mistake_is_handed_out_and_the_repair_graded(tmp_path, monkeypatch, knowing):
    """The first time in a sandbox of its own, then in one that stays."""
    monkeypatch.setattr("comparisons.coursework.grading.graders.MISTAKES", {"W1": W1})
    monkeypatch.setattr("comparisons.coursework.commands.mutants.TASKS", {each: TASKS[each] for each in ("1.3", "8.3")})
    own, found = tmp_path / "own", tmp_path / "found.json"
    drawn = ("--one-for", "ann", "--secret", "a secret")
    status, _ = command(*drawn, "--out", own)
    assert status == 0 and {each.name for each in own.iterdir()} >= {"minigrad", "handout.json", "answers.json"}
    assert not any("W1" in each.read_text() for each in own.glob("*.*") if each.is_file())

    def share():
        status, printed = command(*drawn, "--repair", own, "--unsafe", "--json", found)
        assert status == 0, printed
        return json.loads(found.read_text())["share"]

    assert share() == 0
    monkeypatch.setattr(commands, "safe_sandbox", lambda unsafe, engine: nullcontext(knowing))
    answers = own / "answers.json"
    answers.write_text(json.dumps({"8.3": {"file": "minigrad/ops/arithmetic.py", "function": "Mul.backward()"}}))
    assert share() == 0.5
    file = own / "minigrad/ops/arithmetic.py"
    file.write_text(file.read_text().replace(W1.new, W1.old))
    assert share() == 1
    answers.write_text(json.dumps({"8.3": {"file": "ops/division.py", "function": "Mul.backward"}}))
    assert share() == 0.5
    file.write_text(file.read_text().replace("grad_z * x", "grad_z"))
    assert share() == 0
    (own / "minigrad").rename(own / "mine")
    for make in (lambda: (own / "minigrad").symlink_to(Path(minigrad.__file__).parent), lambda: None):
        make()
        monkeypatch.chdir(own)
        status, printed = command(*drawn, "--repair", ".", "--unsafe")
        assert status == 2 and "it has no engine" in " ".join(printed.split())
        (own / "minigrad").unlink(missing_ok=True)
    answers.unlink()
    os.mkfifo(answers)
    assert "it is no file" in command(*drawn, "--repair", own, "--unsafe")[1]
    assert "it is no file" in command("--tests", answers)[1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--task", "9.9"], "there is no task '9.9'"),
        (["--task", "8.1"], "no mistake is known in task 8.1"),
        (["--task", "8.1", "--mechanical"], "nothing is written in task 8.1"),
        (["--tests", "nowhere.py"], "No such file"),
        (["--tests", "nowhere.py", "--mechanical"], "do not go together"),
        (["--area", "A1"], "give --tests too"),
        (["--tests", "nowhere.py", "--area", "A99"], "there is no assignment 'A99'"),
        (["--tests", "nowhere.py", "--area", "A8"], "no mistake is known in A8"),
        (["--out", "nowhere"], "--one-for goes with --out"),
        (["--one-for", "ann"], "--one-for goes with --out"),
        (["--one-for", "ann", "--out", "nowhere"], "give --secret"),
        (["--one-for", "ann", "--out", "no/where", "--secret", "s"], "there is no folder"),
        (["--one-for", "ann", "--out", ".", "--secret", "s"], "is there already"),
        (["--one-for", "ann", "--repair", "nowhere", "--secret", "s"], "neither a folder, nor a zip"),
    ],
)
def test_wrong_usage_is_one_sentence(words, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIGRAD_SECRET", raising=False)
    (tmp_path / "something").touch()
    status, printed = command(*words)
    assert status == 2 and reason in " ".join(printed.replace("│", " ").split())
    assert [each.name for each in tmp_path.iterdir()] == ["something"]
