"""Handouts: functions as holes, the engine under another name, nothing of a solution, all of it written or nothing."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comparisons.cli import app
from comparisons.coursework import handout as handouts
from comparisons.coursework.assignments import ASSIGNMENTS
from comparisons.coursework.engines import EngineError
from comparisons.coursework.grading.transplant import transplanted
from comparisons.coursework.handout import HandoutError, files_of, with_holes, write_handout
from comparisons.coursework.holes import Place, functions_of, hollowed
from comparisons.coursework.kit.questions import digest, normalised
from comparisons.coursework.renaming import check_engine_name, reference, renamed
from comparisons.coursework.tasks import Assignment, Question, Task

ROOT = Path(__file__).parents[3]
HANDED_OUT = [each for each in ASSIGNMENTS.values() if each.tasks]
REFERENCE = reference()
RULES = ASSIGNMENTS["A1"]
HINTS = ("Look once.", "Look twice.", "Look three times.")
READING = Assignment(
    "A0",
    "Read",
    (
        Task(
            "0.1", "Predict", "What will be?", 2, HINTS, questions=(Question("edges", "How many edges?", "4 or five"),)
        ),
    ),
)

pytestmark = pytest.mark.usefixtures("unmeasured")

MADE = {}


def made(assignment, name="minigrad"):
    """The files of a handout, made once for all tests that look at them and change nothing."""
    key = assignment.id, assignment.title, name
    if key not in MADE:
        MADE[key] = files_of(assignment, name)
    return MADE[key]


# ---------------------------------------------------------------------------------------------------- holes

MARK = {"f": "2.2 x² “so”: not written yet"}
HOLE = '    # Task 2.2 x² “so”\n    raise NotImplementedError("2.2 x² “so”: not written yet")\n'


@pytest.mark.parametrize(
    "text, expected",
    [
        ("def f(x):\n    return x\n", "def f(x):\n" + HOLE),
        ('def f(x):\n    """x."""\n    return x\n', 'def f(x):\n    """x."""\n' + HOLE),
        ("def f(x): return x\n", "def f(x):\n" + HOLE),
        ("def f(x):  # of x\n    # the secret\n    return x  # here\n    # too\n", "def f(x):  # of x\n" + HOLE),
        ("def f(x):\n    return x\n# beside\n\ny = 1\n", "def f(x):\n" + HOLE + "# beside\n\ny = 1\n"),
        ("@g\ndef f(x: str = ':', *, y=(lambda: 1),\n) -> dict[str, int]:\n    return x\n", None),
        ('def f(x):\n    """x\n    y.\n    """\n\n    # why\n    return {1: 2}[x]\n', None),
        ("x = '\f \u2028'\n\f\nasync def f(x):\n    return x", "x = '\f \u2028'\n\f\nasync def f(x):\n" + HOLE),
    ],
)
def test_a_hole_keeps_signature_and_docstring_and_nothing_else(text, expected):
    hollow = hollowed(text, MARK)
    before, after = functions_of(text)["f"].node, functions_of(hollow)["f"].node
    assert expected is None or hollow == expected
    assert ast.get_docstring(before) == ast.get_docstring(after) and ast.dump(before.args) == ast.dump(after.args)
    assert hollow.endswith(HOLE) or hollow == expected
    assert isinstance(after.body[-1], ast.Raise) and len(after.body) == 1 + (ast.get_docstring(after) is not None)
    assert transplanted(hollow, text, ["f"], MARK["f"]).text.rstrip() == text.replace("    # too\n", "").rstrip()


def test_every_function_of_a_file_can_be_emptied_and_filled_again():
    text = REFERENCE["graph/storage.py"].decode()
    names = functions_of(text)
    hollow = hollowed(text, dict.fromkeys(names, "a hole"))
    assert functions_of(hollow).keys() == names.keys() and hollow.count("# Task a hole\n") == len(names)
    for name in names:
        assert transplanted(hollowed(text, {name: "a hole"}), text, [name], "a hole").text == text, name


# --------------------------------------------------------------------------------------- what a handout holds


@functools.cache
def lines_of(path):
    """The lines of a file of the engine, without the blanks around them."""
    return [line.strip() for line in REFERENCE[path].decode().splitlines()]


def lines_inside_and_outside(assignment):
    """The lines of the bodies that are taken out, and all other lines of the engine."""
    inside, outside = set(), set()
    holes = {(place.file, place.name) for task in assignment.tasks for place in task.places}
    for path, text in REFERENCE.items():
        lines = lines_of(path)
        taken = set()
        for file, name in holes:
            if file == path:
                piece = functions_of(text.decode())[name]
                has_docstring = ast.get_docstring(piece.node) is not None
                first = piece.node.body[0].end_lineno if has_docstring else piece.node.body[0].lineno - 1
                taken |= set(range(first, piece.last))
        inside |= {lines[number] for number in taken}
        outside |= {line for number, line in enumerate(lines) if number not in taken} if taken else set(lines)
    return inside - outside - {""}


@pytest.mark.parametrize("assignment", HANDED_OUT, ids=lambda each: each.id)
def test_nothing_of_a_solution_is_left(assignment):
    secret = lines_inside_and_outside(assignment)
    assert secret or not any(task.places for task in assignment.tasks)
    for path, text in made(assignment, "hw").items():
        if not path.endswith(".npz"):
            found = secret & {line.strip() for line in text.decode().splitlines()}
            assert not found, path


def test_the_package_is_whole_and_nothing_else_is_in_it():
    files = made(RULES)
    tracked = subprocess.run(["git", "ls-files", "minigrad"], cwd=ROOT, capture_output=True, text=True, check=False)
    for path in tracked.stdout.split():
        assert path in files or not (ROOT / path).exists(), path
    assert {path.split("/")[0] for path in files} == {"README.md", "handout.json", "check", "minigrad", ".vscode"}
    assert not [path for path in files if re.search(r"__pycache__|\.pyc|\.git\b|test_|~$|\.orig", path)]
    unchanged = [path for path, text in REFERENCE.items() if files[f"minigrad/{path}"] == text]
    changed = {place.file for task in RULES.tasks for place in task.places}
    assert set(REFERENCE) - set(unchanged) == changed
    assert files_of(RULES) == files  # the same each time


def test_the_checks_need_numpy_alone():
    files = {path: text.decode() for path, text in made(READING).items() if path.startswith("check/")}
    for path, text in files.items():
        if path.endswith(".py"):
            for node in ast.walk(ast.parse(text)):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                for name in names:
                    first = name.partition(".")[0]
                    assert first in {"check", "numpy", "watchfiles", *sys.stdlib_module_names}, (path, name)
                    assert first != "check" or f"{name.replace('.', '/')}.py" in files, (path, name)
            assert "comparisons" not in text.replace("The comparisons", "").replace("of the comparisons", ""), path


def test_answers_are_known_by_slow_digests_alone():
    files = made(READING)
    (question,) = json.loads(files["check/tasks.json"])["tasks"][0]["questions"]
    assert question["digest"] == digest(" 4  OR\nfive", question["salt"]) != digest("4", question["salt"])
    assert json.loads(files["answers.json"]) == {"0.1": {"edges": ""}} and normalised(" A\tb ") == "a b"
    assert not [path for path, text in files.items() if b"4 or five" in text]


@pytest.mark.parametrize("assignment", [*HANDED_OUT, READING], ids=lambda each: f"{each.id} {each.title}")
def test_the_task_sheet_tells_each_task_but_no_hint(assignment):
    files = made(assignment, "hw")
    sheet = files["README.md"].decode()
    how, *sections = sheet.split("\n## ")
    tasks = [task for task in assignment.tasks if not task.mistake_of]
    assert len(how.splitlines()) <= 45 + len(tasks) and len(sections) == len(tasks)
    assert ("Grading asks the same with" in how) == any(task.cases for task in tasks)
    for task, section in zip(tasks, sections):
        assert section.startswith(f"{task.id} {task.title}\n") and task.text.strip() in section
        assert f"{task.points} points." in section and all(f" {need}" in section for need in task.needs)
        assert not [hint for hint in task.hints if hint in sheet]
        for place in task.places:
            line = int(re.search(rf"`{re.escape(place.name)}` in .*, line (\d+)", section)[1])
            assert f"def {place.name.rpartition('.')[2]}(" in files[f"hw/{place.file}"].decode().splitlines()[line - 1]
            marks = f'raise NotImplementedError("{task.id} {task.title}: not written yet")'
            assert marks in files[f"hw/{place.file}"].decode()
    launch = json.loads(files[".vscode/launch.json"])
    assert {each["module"] for each in launch["configurations"]} == {"check"}
    stepped = [task.id for task in assignment.tasks if task.places]
    assert [each["options"] for each in launch.get("inputs", ())] == [stepped] * bool(stepped)
    assert ("--debug" in json.dumps(launch)) == ("--debug" in how) == bool(stepped)


# --------------------------------------------------------------------------------------- under another name


def test_two_engines_of_different_names_work_side_by_side(tmp_path):
    for path, text in renamed(REFERENCE, "hw2engine").items():
        (tmp_path / "hw2engine" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "hw2engine" / path).write_bytes(text)
    program = """
import io, sys, warnings
import minigrad, hw2engine
x, y = [each.tensor([1.0, 2.0], requires_grad=True) for each in (minigrad, hw2engine)]
for each in (x, y):
    (each * each).sum().backward()
assert x.grad.tolist() == y.grad.tolist() and type(x) is not type(y)
assert str(y.dtype) == "hw2engine.float32" and repr(y.shape) == "hw2engine.Size([2])"
file = io.BytesIO()
hw2engine.save({"y": y}, file)
file.seek(0)
assert minigrad.load(file)["y"].tolist() == y.tolist()
graph = hw2engine.viz.trace_graph((y * y).sum())
assert "MulBackward0" in hw2engine.viz.text((y * y).sum()) and graph.engine == "hw2engine"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    (y * y).grad
assert [each.filename for each in caught] == ["<string>"]
assert hw2engine.tensor(1.0) / 0 == float("inf")
assert not [name for name, module in sys.modules.items() if name.startswith("hw2engine") and "minigrad" in
            (getattr(module, "__file__", None) or "").replace(sys.argv[1], "")]
"""
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path)]
    kept = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    there = {**kept, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    subprocess.run(command, check=True, env=there, cwd=tmp_path)
    explained = [sys.executable, "-m", "hw2engine", "explain", "x**2", "x=3", "-o", "page.html"]
    subprocess.run(explained, check=True, env=there, cwd=tmp_path, capture_output=True)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "PowBackward0" in page and "minigrad.explain" not in page


@pytest.mark.parametrize("name", ["torch", "check", "numpy", "json", "2hw", "class", "a.b", "student", ""])
def test_names_that_mean_something_else_are_refused(name):
    with pytest.raises(EngineError):
        check_engine_name(name)


# ------------------------------------------------------------------------------------------------- the command


def handed_out(*arguments):
    return CliRunner().invoke(app, ["handout", *map(str, arguments)])


def test_the_command_writes_what_it_says(tmp_path):
    target = tmp_path / "hw1"
    done = handed_out("a1", "--out", target)
    assert done.exit_code == 0 and "1 task" in done.output.replace(f"{len(RULES.tasks)} task", "1 task")
    written = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert written == made(RULES) and [each.name for each in tmp_path.iterdir()] == ["hw1"]
    assert json.loads(written["handout.json"]) == {"assignment": "A1", "version": 1, "engine": "minigrad"}
    again = handed_out("A1", "--out", target)
    assert again.exit_code == 2 and "is there already" in again.output


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["A99", "--out", "x"], "no assignment 'A99'"),
        (["A1"], "--out"),
        (["A1", "--out", "no/such/folder"], "there is no folder"),
        (["A1", "--out", "file"], "is there already"),
        (["A1", "--out", "full"], "is there already"),
        (["A1", "--out", "link"], "is there already"),
        (["A1", "--out", "x", "--name", "torch"], "cannot have the name torch"),
        (["A1", "--out", "x", "--name", "hw-1"], "cannot be imported"),
        (["A1", "--out", "n" * 300], "cannot be written"),
    ],
)
def test_what_cannot_be_handed_out_is_refused_in_a_sentence(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("", encoding="utf-8")
    Path("full").mkdir()
    Path("full/of").write_text("something", encoding="utf-8")
    Path("link").symlink_to("elsewhere")
    done = handed_out(*arguments)
    assert done.exit_code == 2 and said in " ".join(done.output.split()).replace("│ ", "")
    assert {each.name for each in tmp_path.iterdir()} == {"file", "full", "link"}


def test_a_handout_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    write_handout({"a/b": b"c"}, tmp_path / "empty")
    assert (tmp_path / "empty/a/b").read_bytes() == b"c"

    def fails(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handouts.Path, "write_bytes", fails)
    with pytest.raises(HandoutError, match="No space left"):
        write_handout({"a/b": b"c"}, tmp_path / "full")
    assert [each.name for each in tmp_path.iterdir()] == ["empty"]


def test_a_place_that_is_not_there_is_noticed():
    task = replace(RULES.tasks[0], places=(Place("ops/arithmetic.py", "Mul.sideways"),))
    with pytest.raises(KeyError):
        with_holes(REFERENCE, [task])
