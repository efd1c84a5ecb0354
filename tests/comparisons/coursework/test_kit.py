"""``python -m check``, run as a newcomer does: in a process, in a handout, without PyTorch and the comparisons.

The engine that is handed out is a small one, which each of these processes imports at once.
"""

import contextlib
import itertools
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from comparisons.coursework import handout as handouts
from comparisons.coursework.cases import Case, uniform
from comparisons.coursework.grading.transplant import transplanted
from comparisons.coursework.handout import files_of, write_handout
from comparisons.coursework.holes import Place, hollowed
from comparisons.coursework.renaming import renamed
from comparisons.coursework.tasks import Assignment, Question, Task
from tests import forking
from tests.comparisons.coursework import forking_checks

pytestmark = pytest.mark.usefixtures("unmeasured")

ENGINE = "hw9engine"
HINTS = ("Look once.", "Look twice.", "Look three times.")
INPUTS = {"x": uniform(2, 3), "y": uniform(2, 3), "w": uniform(2, 3)}
MUL, NEG = Place("ops/arithmetic.py", "Mul.backward"), Place("ops/arithmetic.py", "Neg.backward")
PROGRAM = "z = x * x\nz.backward(w)\nfor each in (1,):\n    name = ' z '" + " + ''" * 20
ASSIGNMENT = Assignment(
    "A9",
    "Trial",
    (
        Task("9.1", "Predict", "Predict.", 2, HINTS, questions=(Question("edges", "How many edges?", "4 edges"),)),
        Task(
            "9.2",
            "Product",
            "Write it.",
            4,
            HINTS,
            (MUL,),
            cases=(
                Case("9.2 two", "z = x * y\nz.backward(w)", ("z", "graph(z)", "x.grad", "y.grad"), INPUTS),
                Case("9.2 one", PROGRAM, ("name", "x.grad"), INPUTS),
            ),
        ),
        Task(
            "9.3",
            "Minus",
            "Write it too.",
            3,
            HINTS,
            (NEG,),
            ("9.2",),
            (Case("9.3 minus", "(-x).backward(w)", ("x.grad",), INPUTS),),
        ),
        Task("9.4", "Tests", "Write tests.", 5, HINTS, tests_of=("A1",)),
        Task("9.5", "A mistake", "Mend it.", 5, HINTS, mistake_of=("A1",)),
    ),
    (Case("A9 both", "(-x * y).backward(w)", ("x.grad", "y.grad"), INPUTS),),
    2,
)
SMALL_ENGINE = Path(__file__).with_name("small_engine")
REFERENCE = {path.relative_to(SMALL_ENGINE).as_posix(): path.read_bytes() for path in SMALL_ENGINE.rglob("*.py")}
RIGHT = renamed(REFERENCE, ENGINE)["ops/arithmetic.py"].decode()
MINE = f"""
import pytest

import {ENGINE} as engine


@pytest.mark.parametrize("x", [1.0, 2.0])
def test_right(x):
    assert engine.tensor(x).item() == pytest.approx(x)
"""
WRONG = MINE.replace("== pytest.approx(x)", "== 1")
HOLE = 'raise NotImplementedError("9.2 Product: not written yet")'


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A handout that was used once, so that Python has compiled the engine."""
    folder = tmp_path_factory.mktemp("course") / "hw9"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handouts, "reference", lambda: REFERENCE)
        files = files_of(ASSIGNMENT, ENGINE)
    write_handout(files, folder)
    check(folder, "9.2")
    mine = {TESTS: MINE.encode()}
    return folder, {**{path: files[path] for path in (SOURCE, RUNNER, "answers.json")}, **mine}, files[TESTS]


@pytest.fixture(scope="module")
def checks():
    """Where a process is asked for forks that begins as those that check do."""
    with contextlib.nullcontext() if sys.platform != "linux" else forking_checks.begun(environment()) as place:
        yield place


@pytest.fixture
def forked_checks(checks, monkeypatch):
    """Checks have imported NumPy already, where that is possible.

    It is for tests of what is said of a file, not of what a newcomer's Python does.
    """
    if checks is not None:
        monkeypatch.setenv(forking.SOCKET, checks)
        monkeypatch.setattr(subprocess, "Popen", forking.Popen)


@pytest.fixture
def hw(written):
    """The handout as it was handed out."""
    folder, files, _ = written
    for path, text in files.items():
        (folder / path).write_bytes(text)
    in_a_second_of_its_own(folder / SOURCE)
    (folder / "check/progress.json").unlink(missing_ok=True)
    return folder


SECONDS = itertools.count(int(time.time()))
SOURCE, TESTS, RUNNER = f"{ENGINE}/ops/arithmetic.py", "tests/test_mine.py", "check/runner.py"


def environment(**more):
    """What a student has: no PYTHONPATH with the comparisons in it, compiled files that are kept, buffered streams."""
    without = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    kept = {name: each for name, each in os.environ.items() if name not in without}
    return {**kept, "PYTHONWARNINGS": "error", **more}


def check(folder, *arguments, python=(), typed="", **more):
    """Run the command: its exit status, what it prints, and what it says of errors; no line is too long."""
    command = [sys.executable, *(python or ["-m", "check"]), *arguments]
    done = subprocess.run(
        command, cwd=folder, input=typed, capture_output=True, text=True, timeout=60, env=environment(**more)
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert max(map(len, done.stdout.splitlines()), default=0) <= 80, done.stdout
    assert "correct" not in done.stdout and "all passed" not in done.stdout.lower()
    return done.returncode, done.stdout, done.stderr


def solve(folder, *places):
    """Graft solutions in."""
    text = (folder / SOURCE).read_text(encoding="utf-8")
    solved = transplanted(text, RIGHT, [place.name for place in places], "not written yet").text
    (folder / SOURCE).write_text(solved, encoding="utf-8")


def fill(folder, body):
    """Write a body in the place of the product's hole."""
    text = (folder / SOURCE).read_text(encoding="utf-8")
    assert HOLE in text
    (folder / SOURCE).write_text(text.replace(HOLE, body), encoding="utf-8")
    in_a_second_of_its_own(folder / SOURCE)


def in_a_second_of_its_own(path):
    """Date a file that was changed: compiled files know their source by its size and second, and tests are quick."""
    second = next(SECONDS)
    os.utime(path, (second, second))


def answer(folder, text):
    (folder / "answers.json").write_text(json.dumps({"9.1": {"edges": text}}), encoding="utf-8")


def joined(text):
    """A text as one line."""
    return " ".join(text.split())


# --------------------------------------------------------------------------------------------- from task to task


def test_it_goes_from_task_to_task_and_remembers(hw):
    status, said, _ = check(hw)
    assert status == 1 and said.startswith("9.1 Predict: not answered yet, 0 of 2 points\n")
    assert "How many edges? Answer it in answers.json." in said and "hint 9.1" in said
    answer(hw, " 4   EDGES")
    status, said, _ = check(hw)
    assert status == 1 and "9.1 Predict: passed, 2 of 2 points (1 question)" in said
    assert "9.2 Product: not written yet, 0 of 4 points\n  case 'two' (of 2)\n    z = x * y\n" in said
    line = (hw / SOURCE).read_text(encoding="utf-8").splitlines().index(f"        {HOLE}") + 1
    assert f"open {SOURCE}, line {line}: Mul.backward" in said and said.count("9.2 Product: not written yet") == 1
    solve(hw, MUL)
    status, said, _ = check(hw)
    assert status == 1 and "9.1 Predict" not in said and "9.2 Product: passed, 4 of 4 points (2 cases)" in said
    assert "9.3 Minus: not written yet" in said and "Not run again now: 9.1." in said
    assert "Public checks passed: 2 of 5 tasks, 6 of 16 points." in said
    solve(hw, NEG)
    status, said, _ = check(hw)
    assert status == 0 and "Public checks passed: 5 of 5 tasks, 16 of 16 points." in said
    assert said.index("9.3 Minus: passed") < said.index("A9 all of it together: passed") < said.index("9.1 Predict")
    assert "tests that pass, as they should on an engine that is right: 2" in joined(said)


@pytest.mark.usefixtures("forked_checks")
def test_one_task_and_all_of_them(hw):
    solve(hw, NEG)
    status, said, _ = check(hw, "9.3")
    assert status == 0 and "9.3 Minus: passed" in said and "9.2" not in said
    status, said, _ = check(hw, "all")
    assert status == 1 and re.findall(r"^(\S+) .*: (?=not|passed|stopped)", said, re.M) == [
        "9.1",
        "9.2",
        "9.3",
        "9.4",
        "A9",
    ]
    assert "9.2 Product: not written yet" in said[said.index("A9") :]  # what the whole lacks


@pytest.mark.usefixtures("forked_checks")
def test_a_difference_is_told_with_index_values_and_a_guess(hw):
    fill(hw, "x, y = ctx.saved_tensors\n        return grad_z * y, grad_z * x * 2")
    status, said, _ = check(hw, "9.2")
    assert status == 1 and "9.2 Product: differs, 0 of 4 points" in said
    found = re.search(
        r"y\.grad: 6 of 6 values differ .*index \((\d), (\d)\)\n +ours +(\S+)\n +PyTorch (\S+)\n", said, re.S
    )
    assert float(found[3]) == pytest.approx(2 * float(found[4]))
    assert "likely cause: a constant factor: ours is 2 times theirs" in said and "all of PyTorch's:" in said
    assert re.search(rf"open {SOURCE}, line \d+: Mul.backward", said) and "\x1b" not in said


@pytest.mark.usefixtures("forked_checks")
def test_what_the_student_prints_is_heard(hw):
    fill(hw, "print('here', grad_z.shape)\n        x, y = ctx.saved_tensors\n        return grad_z * y, grad_z * x")
    status, said, heard = check(hw, "9.2")
    assert status == 0 and heard.startswith("here (2, 3)\n") and "here" not in said


# ------------------------------------------------------------------------------------- what a file can do wrong

NUMPY = "import numpy as np"
MISTAKES = {
    "syntax": ("return (", "when the engine is imported: SyntaxError: '(' was never closed"),
    "error": ("return grad_z * unknown", "NameError: name 'unknown' is not defined"),
    "exit": ("import sys; sys.exit(0)", "SystemExit: 0"),
    "end": ("import os; os._exit(0)", "the process was ended, with exit status 0"),
    "hang": ("while True: pass", "no answer within 0.5 s: a loop without an end?"),
    "stop": ("breakpoint()", "breakpoint() stops where a check is debugged"),
    "read": ("input()", "EOFError"),
    "shape": ("return grad_z.sum(), None", "invalid gradient at index 0"),
}


@pytest.mark.parametrize("body, said", MISTAKES.values(), ids=MISTAKES)
@pytest.mark.usefixtures("forked_checks")
def test_whatever_the_file_does_is_told_in_a_sentence(hw, body, said):
    fill(hw, body)
    status, told, _ = check(hw, "9.2", "--seconds", "0.5" if "while" in body else "10")
    assert status == 1 and said in joined(told), told
    if "end" not in said and "invalid" not in said:
        place = "" if "Syntax" in said else ": Mul.backward"
        assert re.search(rf"open {SOURCE}, line \d+{re.escape(place) if sys.version_info >= (3, 11) else ''}", told)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda text: hollowed_out(text), "there is no Neg.backward in hw9engine/ops/arithmetic.py"),
        (lambda text: text.replace("class Neg(", "class Negative("), "there is no Neg.backward"),
        (lambda text: text.replace("def neg(", "def negated("), "when the engine is imported: "),
        (
            lambda text: text.replace(NUMPY, "import no_such_module"),
            "ModuleNotFoundError: No module named 'no_such_module'",
        ),
        (
            lambda text: text.replace(NUMPY, "import time; time.sleep(60)"),
            "when the engine is imported: no answer within 2 s",
        ),
        (lambda text: text + "\0", "when the engine is imported: "),
    ],
    ids=["deleted", "class renamed", "renamed", "import", "hang", "null"],
)
@pytest.mark.usefixtures("forked_checks")
def test_what_is_missing_is_told_in_a_sentence(hw, change, said):
    path = hw / SOURCE
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    runner = hw / RUNNER
    runner.write_text(runner.read_text(encoding="utf-8").replace("IMPORTING = 10.0", "IMPORTING = 2.0"))
    status, told, _ = check(hw, "9.3", "--seconds", "2" if "2 s" in said else "10")
    assert status == 1 and said in joined(told), told


def hollowed_out(text):
    """Without the function at all."""
    hollow = hollowed(text, {"Neg.backward": "gone: gone"})
    return re.sub(r"    def backward\(ctx, grad_z\):\n        # Task gone\n.*\n", "", hollow)


@pytest.mark.parametrize(
    "file, content, said",
    [
        ("handout.json", "{", "handout.json is no JSON"),
        ("handout.json", "[]", "handout.json does not name the engine"),
        ("handout.json", '{"engine": "../x"}', "handout.json does not name the engine"),
        ("handout.json", '{"engine": "gone"}', "gone/__init__.py, which handout.json names, is missing"),
        ("handout.json", None, "handout.json is missing"),
        ("check/tasks.json", '{"tasks": [{"id": 1}]}', "check/tasks.json is not as it was handed out"),
        ("answers.json", "{", "answers.json is no JSON"),
        ("answers.json", '{"9.1": 3}', "answers.json must have"),
    ],
)
@pytest.mark.usefixtures("forked_checks")
def test_a_broken_handout_is_told_in_a_sentence(hw, file, content, said):
    path = hw / file
    before = path.read_bytes()
    try:
        if content is None:
            path.unlink()
        else:
            path.write_text(content)
        status, _, error = check(hw)
    finally:
        path.write_bytes(before)
    assert status == 2 and error.startswith("python -m check: ") and said in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["8.1"], ["9.1", "9.2"], ["hint", "8.1"], ["all", "--watch"], ["9.1", "--debug"], ["--seconds", "0"]]
)
@pytest.mark.usefixtures("forked_checks")
def test_wrong_usage_has_status_2(hw, arguments):
    status, told, error = check(hw, *arguments)
    assert status == 2 and not told and "python -m check" in error


@pytest.mark.usefixtures("forked_checks")
def test_what_is_remembered_may_be_broken(hw):
    (hw / "check/progress.json").write_text('{"task": 7, "points": []}')
    assert check(hw)[0] == 1
    assert json.loads((hw / "check/progress.json").read_text())["task"] == "9.1"


# --------------------------------------------------------------------------------------- hints, questions, tests


@pytest.mark.usefixtures("forked_checks")
def test_hints_come_one_at_a_time(hw):
    for count in (1, 2, 3, 3):
        status, said, _ = check(hw, "hint", "9.2")
        lines = said.splitlines()
        assert status == 0 and len(lines) == count and lines[-1] == f"9.2, hint {count} of 3: {HINTS[count - 1]}"
    assert check(hw, "hint")[1].startswith("9.1, hint 1 of 3")


@pytest.mark.usefixtures("forked_checks")
def test_a_wrong_answer_is_not_right(hw):
    answer(hw, "5")
    status, said, _ = check(hw, "9.1")
    assert status == 1 and "9.1 Predict: not right" in said and "'5' is not right: How many edges?" in said


@pytest.mark.usefixtures("forked_checks")
def test_the_students_tests_are_run_on_the_engine(hw, written):
    path = hw / TESTS
    status, said, _ = check(hw, "9.4")
    assert status == 0 and "engine that is right: 2\n" in said
    path.write_bytes(written[2])
    assert "has no function whose name begins with test_" in joined(check(hw, "9.4")[1])
    path.write_text(WRONG)
    status, said, _ = check(hw, "9.4")
    assert status == 1 and "test_right(x=2.0): AssertionError: the engine is right, so the test is wrong" in joined(
        said
    )
    assert f"open tests/test_mine.py, line {len(WRONG.splitlines())}" in said


@pytest.mark.usefixtures("forked_checks")
def test_a_mistake_of_ones_own_is_named_and_tests_may_find_it(tmp_path):
    hw = tmp_path / "hw"
    write_handout(files_of(ASSIGNMENT, ENGINE, REFERENCE), hw)
    status, said, _ = check(hw, "9.5")
    assert status == 1 and "9.5 A mistake: not answered yet" in said and "the file and the function" in joined(said)
    answers = json.loads((hw / "answers.json").read_text())
    assert answers["9.5"] == {"file": "", "function": ""}
    answers["9.5"] = {"file": "ops/arithmetic.py", "function": "Mul.backward"}
    (hw / "answers.json").write_text(json.dumps(answers))
    status, said, _ = check(hw, "9.5")
    assert status == 0 and "is found out in grading" in joined(said)
    (hw / "tests/test_mine.py").write_text(WRONG)
    assert "or it has found the engine's mistake" in joined(check(hw, "9.4")[1])


# --------------------------------------------------------------------------------------------- other machines

BLOCKED = """
import os, subprocess, sys
for name in ("resource", "fcntl", "termios", "tty", "pwd", "grp", "torch", "comparisons", "minigrad", "torch_impl"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "register_at_fork", "symlink", "killpg", "setsid", "getuid"):
    if hasattr(os, name):
        delattr(os, name)
"""


def test_nothing_that_only_posix_has_is_needed(hw, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(BLOCKED)
    solve(hw, MUL, NEG)
    answer(hw, "4 edges")
    status, said, error = check(hw, PYTHONPATH=str(tmp_path), PYTHONWARNINGS="default")
    assert status == 0 and "5 of 5 tasks" in said and not error
    program = "import fcntl"
    assert subprocess.run([sys.executable, "-c", program], env=environment(PYTHONPATH=str(tmp_path))).returncode == 1
    program = f"{BLOCKED}\ndel sys.modules['minigrad']\nimport minigrad"
    subprocess.run([sys.executable, "-c", program], env=environment(), cwd=Path(__file__).parents[3], check=True)


def test_an_output_without_the_letters_gets_question_marks(hw):
    fill(hw, "raise ValueError('½ of “x”, Σ')")
    status, said, _ = check(hw, "9.2", PYTHONIOENCODING="ascii")
    assert status == 1 and "ValueError: ? of ?x?, ?" in said


ATTACHED = """
import runpy, subprocess, sys, types
sys.modules["debugpy"] = types.ModuleType("debugpy")
subprocess.Popen = None
sys.breakpointhook = lambda: print("stopped in", sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno)
sys.path.insert(0, "")
sys.argv = ["check", *sys.argv[1:]]
runpy.run_module("check", run_name="__main__")
"""


def test_where_a_debugger_is_attached_the_engine_is_in_its_process(hw):
    fill(hw, "x, y = ctx.saved_tensors\n        return grad_z * y, grad_z * y")
    line = (hw / SOURCE).read_text(encoding="utf-8").splitlines().index("        return grad_z * y, grad_z * y")
    status, said, _ = check(hw, "9.2", python=["-c", ATTACHED])
    assert status == 1 and "9.2 Product: differs" in said and "stopped in" not in said
    status, said, _ = check(hw, "9.2", "--debug", python=["-c", ATTACHED])
    assert status == 1 and f"stopped in backward {line - 1}\n" in said and "q quit" not in said


def test_how_long_a_task_takes_is_noted(hw, record_property):
    """Half a second at most where nothing else runs; here much else may."""
    begun = time.perf_counter()
    check(hw, "9.2")
    record_property("seconds", time.perf_counter() - begun)
    assert time.perf_counter() - begun < 10


# -------------------------------------------------------------------------------------------------- in a terminal


class Terminal:
    """The command in a terminal of its own."""

    def __init__(self, folder, *arguments, **more):
        pty = pytest.importorskip("pty")
        self.master, slave = pty.openpty()
        command = [sys.executable, "-m", "check", *arguments]
        env = environment(TERM="xterm", **more)
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        os.close(slave)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def until(self, pattern):
        """What is printed up to a pattern."""
        end = time.monotonic() + 60
        while (found := re.search(pattern, self.text)) is None:
            assert time.monotonic() < end, self.text
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 1 << 16).decode()
        said, self.text = self.text[: found.end()], self.text[found.end() :]
        return said

    def type(self, keys):
        os.write(self.master, keys.encode())

    def ends(self):
        """The exit status; what was printed to the end is kept."""
        with contextlib.suppress(OSError):  # Linux says the end so
            while part := os.read(self.master, 1 << 16):
                self.text += part.decode()
        return self.process.wait(60)


READY = r"q quit\S*\r\n"


def saved(path, text):
    """Save a file as an editor does; its time is another, however coarse the clock of files is."""
    path.write_text(text, encoding="utf-8")
    later = path.stat().st_mtime + 2
    os.utime(path, (later, later))


@pytest.mark.usefixtures("forked_checks")
def test_it_runs_again_when_a_file_is_saved(hw):
    hollow = (hw / SOURCE).read_text(encoding="utf-8")
    answer(hw, "4 edges")
    with Terminal(hw, "--watch", NO_COLOR="1") as terminal:
        said = terminal.until(READY)
        assert "9.2 Product: not written yet" in said and "[watching, runs when a file is saved]" in said
        assert "\x1b" not in said
        saved(hw / SOURCE, hollow.replace(HOLE, "return ("))
        assert "SyntaxError" in terminal.until(READY)
        saved(hw / SOURCE, hollow.replace(HOLE, "x, y = ctx.saved_tensors\n        return grad_z * y, grad_z * x"))
        said = terminal.until(READY)
        assert "9.2 Product: passed" in said and "9.3 Minus: not written yet" in said
        terminal.type("h")
        terminal.until("9.3, hint 1 of 3")
        terminal.type("n")
        assert "9.4 Tests: passed" in terminal.until(READY)
        terminal.type("q")
        assert terminal.ends() == 1
    assert json.loads((hw / "check/progress.json").read_text())["hints"] == {"9.3": 1}


@pytest.mark.usefixtures("forked_checks")
def test_watching_notices_a_task_that_passed_and_is_broken_since(hw):
    solve(hw, MUL)
    with Terminal(hw, "9.2", "--watch", NO_COLOR="1") as terminal:
        assert "9.2 Product: passed" in (said := terminal.until(READY)) and "9.3 Minus: not written yet" in said
        solve(hw, NEG)
        text = (hw / SOURCE).read_text(encoding="utf-8")
        saved(hw / SOURCE, text.replace("grad_x = grad_z * y if", "grad_x = grad_z * x if"))
        said = terminal.until(READY)
        assert "9.3 Minus: passed" in said and "9.2 Product: differs" in said and "9.4" not in said
        saved(hw / SOURCE, text + "\n")  # Python knows a changed file by its size and the second of its time
        said = terminal.until(READY)
        assert "9.2 Product: passed" in said and "9.3" not in said and "9.1 Predict: not answered yet" in said
        terminal.type("q")
        assert terminal.ends() == 1


@pytest.mark.usefixtures("forked_checks")
def test_by_hand_it_runs_again_when_it_is_told_to(hw):
    status, said, _ = check(hw, "9.2", "--manual", typed="x\nr\nn\nh\n")
    assert status == 1 and said.count("9.2 Product: not written yet") == 2 and "9.3, hint 1 of 3" in said
    assert "[manual, r runs again]" in said and said.count("9.3 Minus: not written yet") == 1


@pytest.mark.usefixtures("forked_checks")
def test_it_stops_in_the_function_in_the_case_that_fails(hw):
    fill(hw, "x, y = ctx.saved_tensors\n        return grad_z * y, grad_z * y")
    lines = (hw / SOURCE).read_text(encoding="utf-8").splitlines()
    line = lines.index("        return grad_z * y, grad_z * y")  # the number of the line before
    with Terminal(hw, "9.2", "--debug", PYTHON_COLORS="0") as terminal:
        said = terminal.until(r"\(Pdb\) ")
        assert "case '9.2 two': stops in Mul.backward" in said and "\x1b[1m" in said
        assert f"{SOURCE}({line})backward()" in said and "-> x, y = ctx.saved_tensors" in said
        terminal.type("n\n")
        assert "-> return grad_z * y, grad_z * y" in terminal.until(r"\(Pdb\) ")
        terminal.type("p y.shape\n")
        assert "(2, 3)" in terminal.until(r"\(Pdb\) ")
        terminal.type("c\n")
        assert terminal.ends() == 1 and "y.grad: 6 of 6 values differ" in terminal.text
    with Terminal(hw, "9.2", "--debug") as terminal:
        terminal.until(r"\(Pdb\) ")
        terminal.type("q\n")
        assert terminal.ends() == 1 and "the debugger was left" in terminal.text and "Traceback" not in terminal.text


@pytest.mark.usefixtures("forked_checks")
def test_questions_are_asked_in_a_terminal(hw):
    with Terminal(hw, "9.1") as terminal:
        terminal.until("> ")
        terminal.type("4  Edges\n")
        assert terminal.ends() == 0 and "9.1 Predict: passed" in terminal.text
    assert json.loads((hw / "answers.json").read_text()) == {"9.1": {"edges": "4  Edges"}}


@pytest.mark.usefixtures("forked_checks")
def test_a_copy_elsewhere_checks_itself(hw, tmp_path):
    """A folder that was moved, its name with a space, checks its own engine."""
    copy = tmp_path / "my work"
    shutil.copytree(hw, copy)
    solve(copy, MUL)
    assert check(copy, "9.2")[0] == 0 and check(hw, "9.2")[0] == 1
    assert Path(copy / "check/progress.json").is_file()
