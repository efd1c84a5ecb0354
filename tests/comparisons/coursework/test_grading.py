"""Grading: what is given for right, wrong, missing, broken and hostile submissions, and that it is the same twice.

One small assignment of a small engine and one class, graded once; what needs no process is tested by itself.
"""

import ast
import csv
import errno
import functools
import hashlib
import io
import json
import os
import random
import stat
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from comparisons.cli import app
from comparisons.coursework import handout, student_tests
from comparisons.coursework.assignments import ASSIGNMENTS, TASKS
from comparisons.coursework.cases import Case, uniform
from comparisons.coursework.engines import Engine, find_engine
from comparisons.coursework.grading import classroom, graders, outcome, secrecy
from comparisons.coursework.grading.bench import Bench
from comparisons.coursework.grading.copies import pairs_of
from comparisons.coursework.grading.formats import FORMATS
from comparisons.coursework.grading.grader import grade_submission, names_in
from comparisons.coursework.grading.grades import Grade
from comparisons.coursework.grading.modules import Unreadable
from comparisons.coursework.grading.prints import print_of
from comparisons.coursework.grading.secrecy import Seal
from comparisons.coursework.grading.submissions import Submission, entries_of, read_submission
from comparisons.coursework.grading.summary import kind_of
from comparisons.coursework.grading.transplant import transplanted
from comparisons.coursework.grading.trees import MOST_BYTES
from comparisons.coursework.grading.workers import Lost, NoWorker, side_by_side
from comparisons.coursework.holes import Place, hollowed
from comparisons.coursework.mistakes import MISTAKES
from comparisons.coursework.processes import Limits
from comparisons.coursework.sandbox import Sandbox
from comparisons.coursework.tasks import Assignment, Question, Task
from tests.one_by_one import one_by_one

pytestmark = pytest.mark.usefixtures("unmeasured", "forked_engines")

HINTS = ("one", "two", "three")
MUL, DIV = "ops/arithmetic.py", "ops/division.py"
NUMBERS = {name: uniform(3, low=0.5) for name in "xyw"}
PRODUCT = Task(
    "1.3",
    "Product",
    "The rule of a product.",
    4,
    HINTS,
    (Place(MUL, "Mul.backward"),),
    cases=(
        Case("1.3 a product", "z = x * y\nz.backward(w)", ("x.grad", "y.grad"), NUMBERS),
        Case("1.3 a square", "z = x * x\nz.backward(w)", ("x.grad",), NUMBERS),
    ),
)
QUOTIENT = Task(
    "1.4",
    "Quotient",
    "The rule of a quotient.",
    3,
    HINTS,
    (Place(DIV, "Div.backward"),),
    cases=(Case("1.4 a quotient", "z = x / y\nz.backward(w)", ("x.grad", "y.grad"), NUMBERS),),
)
PREDICT = Task(
    "1.0",
    "Predict",
    "What is recorded?",
    2,
    HINTS,
    questions=(Question("node", "Which node?", "mul backward0"), Question("edges", "How many?", "2")),
)
TOGETHER = Case("A1 together", "z = x * y / (x + 1)\nz.backward(w)", ("x.grad", "y.grad"), NUMBERS)
SMALL = Assignment("A1", "Rules", (PREDICT, PRODUCT, QUOTIENT), (TOGETHER,), 1)
ALL = 10
ANSWERS = {"1.0": {"node": " Mul  Backward0", "edges": "2"}}

SMALL_ENGINE = Path(__file__).with_name("small_engine")
REFERENCE = {path.relative_to(SMALL_ENGINE).as_posix(): path.read_text() for path in SMALL_ENGINE.rglob("*.py")}
ENGINE = Engine("minigrad", {f"minigrad/{path}": text.encode() for path, text in REFERENCE.items()})
HANDED_OUT = {
    **REFERENCE,
    MUL: hollowed(REFERENCE[MUL], {"Mul.backward": "1.3 Product: not written yet"}),
    DIV: hollowed(REFERENCE[DIV], {"Div.backward": "1.4 Quotient: not written yet"}),
}
PLANTED = MISTAKES["W1"].planted(ENGINE).sources[f"minigrad/{MUL}"].decode()
RULE = """    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        needs_x, needs_y = ctx.needs_input_grad
        grad_x = grad_z * y if needs_x else None  # dz/dx = y
        grad_y = grad_z * x if needs_y else None  # dz/dy = x
        return grad_x, grad_y
"""
assert REFERENCE[MUL].count(RULE) == 1


def product(body, before="", after=""):
    """The reference's file with another rule for the product."""
    head = "    def backward(ctx, grad_z):\n        x, y = ctx.saved_tensors\n"
    text = REFERENCE[MUL].replace(RULE, head + "".join(f"        {line}\n" for line in body.splitlines()))
    return text.replace("\n\nclass Add(", f"\n\n{before}\n\nclass Add(") + after


def files_of(handed_in, name="minigrad", **changes):
    """The files of a submission, by path."""
    told = {"assignment": "A1", "version": 1, "engine": name, **changes}
    return {
        "handout.json": json.dumps(told).encode(),
        **{f"{name}/{path}": renamed_text(text, name) for path, text in handed_in.items()},
    }


def renamed_text(text, name):
    text = text if isinstance(text, bytes) else text.encode()
    return text.replace(b"minigrad", name.encode())


def folder_of(place, files):
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)


def zip_of(place, files, inside="hw/"):
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path if isinstance(path, zipfile.ZipInfo) else inside + path, content)


def notebook(**cells):
    made = [
        {"cell_type": "code", "metadata": {"tags": [tag]}, "source": source, "outputs": [], "execution_count": None}
        for tag, source in cells.items()
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


HELPED = product(
    "if Mul.calls_helper(ctx):\n    return table['x'](grad_z, y), table['y'](grad_z, x)",
    before="import operator\n\ntable = {'x': operator.mul}\ntable['y'] = lambda a, b: late(a) * b",
    after="\n\ndef late(a):\n    return a\n\nprint(undefined_name if False else late(1))\n",
).replace(
    "class Mul(Function):\n", "class Mul(Function):\n    def calls_helper(ctx):\n        return len(table) == 2\n\n"
)
STOPPING = product("raise ValueError('[red]stopped')", before="# one\n# two\n# three")
NAMES = {"hostile": "=cmd|'x'!A0 <script>alert(1)</script> \x1b[31m"}

# What is handed in beside the reference's answers: by student the changed files.
WRITTEN = {
    "full": {},
    "none": {MUL: HANDED_OUT[MUL], DIV: HANDED_OUT[DIV]},
    "product": {DIV: HANDED_OUT[DIV]},
    "mistaken": {MUL: PLANTED},
    "helped": {MUL: HELPED},
    "stopping": {MUL: STOPPING},
    "hanging": {MUL: product("time.sleep(99)", before="import time")},
    "leaving": {MUL: product("os._exit(0)", before="import os")},
    "crashing": {"__init__.py": REFERENCE["__init__.py"] + "\n1 / 0\n"},
    "unfinished": {MUL: REFERENCE[MUL] + "\ndef ("},
    "garbage": {MUL: bytes(range(256)) * 10},
    "nested": {MUL: "x = " + "(" * 5000 + ")" * 5000},
    NAMES["hostile"]: {MUL: PLANTED},
}
# By student points of 1.0, 1.3, 1.4 and all together, and a part of the first reason.
EXPECTED = {
    "full": (2, 4, 3, 1, ""),
    "none": (0, 0, 0, 0, "not written"),
    "product": (2, 4, 0, 0, "not written"),
    "quotient": (2, 0, 3, 0, "not written"),
    "mistaken": (2, 2, 3, 0, "x.grad: 3 of 3 values differ"),
    "helped": (2, 4, 3, 1, ""),
    "hanging": (2, 0, 3, 0, "no answer within"),
    "leaving": (2, 0, 3, 0, "its process ended, with exit status 0"),
    "crashing": (2, 4, 3, 0, "when it was imported: ZeroDivisionError"),
    "unfinished": (2, 0, 3, 0, "SyntaxError: "),
    "garbage": (2, 0, 3, 0, "the file is no text"),
    "nested": (2, 0, 3, 0, "of minigrad/ops/arithmetic.py"),
    "renamed": (2, 4, 3, 1, ""),
    "pages": (0, 2, 3, 0, "x.grad: 3 of 3 values differ"),
}
BROKEN = {
    "torn": "it is no zip that can be read",
    "bomb": "packed so tightly",
    "outside": "a file outside of its folder: ../x.py",
    "linked": "minigrad/__init__.py cannot be read: it is a link",
    "notes.txt": "it is neither a folder, nor a zip, nor a notebook",
    "lost": "it has no handout.json",
    "older": "it is of version 0 of the handout, and graded are those of version 1",
    "other": "it is a handout of A2, not of A1",
    "pointing": "it is a link",
    "spoiled": "it is no notebook",
    "crowded": "it has more than 20,000 parts",
    "untagged": "none of its cells is tagged with a task of A1",
    "deep": "its handout.json is no JSON",
    "large": "more than 10 MB",
    "waiting": "it is no file",
    "twofold": "a file that is a folder too",
    "lengthy": "a name that is too long for a file",
}


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    """A class's folder."""
    place = tmp_path_factory.mktemp("class")
    for student, changes in WRITTEN.items():
        files = files_of({**REFERENCE, **changes})
        if student != "none":
            files["answers.json"] = json.dumps(ANSWERS).encode()
        folder_of(place / student.replace("/", "∕"), files)
    (place / "full/minigrad/again").symlink_to(place / "full")
    answers = {"answers.json": json.dumps(ANSWERS).encode()}
    zip_of(place / "renamed.zip", {**files_of(REFERENCE, "hw_engine"), **answers})
    others = {**answers, "minigrad/__pycache__/x.pyc": b"x"}
    zip_of(place / "quotient.zip", {**files_of({**REFERENCE, MUL: HANDED_OUT[MUL]}), **others}, inside="")
    tagged = {"1.3": "%matplotlib inline\nimport math\n\ndef backward(ctx, grad_z):\n"}
    tagged["1.3"] += "    x, y = ctx.saved_tensors\n    return grad_z * x, (grad_z * x if math.pi else None)\n"
    tagged["1.4"] = "class Div:\n  def backward(ctx, g):\n    x, y = ctx.saved_tensors\n"
    tagged["1.4"] += "    return g / y, -g * x / (y * y)\n"
    (place / "pages.ipynb").write_bytes(notebook(**tagged, other="1 / 0"))
    few = files_of({"__init__.py": ""})
    (place / "torn.zip").write_bytes(b"PK\x03\x04 and so on")
    zip_of(place / "bomb.zip", {**few, "minigrad/zeros.py": bytes(50_000_000)})
    zip_of(place / "outside.zip", {**few, "../x.py": b""}, inside="")
    link = zipfile.ZipInfo("minigrad/__init__.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zip_of(place / "linked.zip", {link: b"/etc/passwd", "handout.json": few["handout.json"]}, inside="")
    (place / "notes.txt").write_text("I have no time")
    folder_of(place / "lost", {"minigrad/__init__.py": b""})
    folder_of(place / "older", files_of({"__init__.py": ""}, version=0))
    folder_of(place / "other", files_of({"__init__.py": ""}, assignment="A2"))
    (place / "pointing").symlink_to("/etc")
    (place / "spoiled.ipynb").write_bytes(b"[" * 100_000)
    (place / "crowded.ipynb").write_bytes(notebook(**{f"cell{number}": "" for number in range(10_000)}))
    (place / "untagged.ipynb").write_bytes(notebook(other="1 / 0"))
    folder_of(place / "deep", {**few, "handout.json": b"[" * 100_000})
    os.mkfifo(place / "waiting.zip")
    zip_of(place / "twofold.zip", {**few, "minigrad/x.py": b"", "minigrad/x.py/y.py": b""})
    zip_of(place / "lengthy.zip", {**few, f"minigrad/{'x' * 300}.py": b""})
    folder_of(place / "large", {**few, "minigrad/__init__.py": b"#" * (MOST_BYTES + 1)})
    return place


def command(*arguments, **options):
    return CliRunner().invoke(app, ["grade", *map(str, arguments)], **options)


USUAL = ("--assignment", "A1", "--secret", "of the course", "--sandbox", "limits", "--unsafe", "--seconds", "2")


@pytest.fixture(scope="module", autouse=True)
def each_key_once():
    """To make a key of a secret takes long on purpose, and nearly all that is graded here is by one secret."""
    once = SimpleNamespace(pbkdf2_hmac=functools.cache(hashlib.pbkdf2_hmac), sha256=hashlib.sha256)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrecy, "hashlib", once)
        yield


@pytest.fixture(scope="module")
def small():
    """The small assignment and engine in the place of the real ones, graded in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ASSIGNMENTS, "A1", SMALL)
        patch.setattr("comparisons.coursework.commands.grade.find_engine", lambda name: ENGINE)
        patch.setattr(classroom, "side_by_side", one_by_one)
        yield


@pytest.fixture(scope="module")
def graded(submissions, small, tmp_path_factory):
    """The folder of the results."""
    out = tmp_path_factory.mktemp("graded") / "results"
    done = command(submissions, "--out", out, *USUAL, "--format", "junit")
    assert done.exit_code == 0, done.output
    assert f"{len(WRITTEN) + 3 + len(BROKEN)} submissions" in done.output and "\x1b[31m" not in done.output
    return out


@pytest.fixture(scope="module")
def results(graded):
    return json.loads((graded / "results.json").read_text())


def grade_in(results, student):
    return next(each for each in results["submissions"] if each["student"] == student)


# ------------------------------------------------------------------------------------------------ what is graded


def test_each_student_has_the_points_of_what_is_right_and_a_reason_for_the_rest(results):
    assert results["points"] == ALL and results["sandbox"] == "limits" and results["unsafe"] is True
    for student, (*points, part) in EXPECTED.items():
        grade = grade_in(results, student)
        assert [each["score"] for each in grade["tasks"]] == points, (student, grade)
        assert grade["score"] == sum(points) and not grade["problem"] and grade["unsafe"] is True
        reasons = [each["reason"] for each in grade["tasks"] if each["reason"] and each["id"] != "1.0"]
        assert part in (reasons[0] if reasons else ""), (student, reasons)
        assert all(each.isprintable() and "Traceback" not in each for each in reasons)


def test_a_reason_names_the_line_of_the_students_own_file(results):
    line = STOPPING[: STOPPING.index("raise ValueError('[red]")].count("\n") + 1
    (reason, _) = [each["reason"] for each in grade_in(results, "stopping")["tasks"][1]["cases"]]
    assert reason == f"ValueError: [red]stopped, in Mul.backward, line {line} of minigrad/ops/arithmetic.py"
    line = REFERENCE[MUL].count("\n") + 2
    assert grade_in(results, "unfinished")["tasks"][1]["reason"].endswith(
        f", line {line} of minigrad/ops/arithmetic.py"
    )


def test_what_is_broken_costs_that_student_alone_and_is_told_in_a_sentence(results):
    for student, part in BROKEN.items():
        grade = grade_in(results, student)
        assert grade["score"] == 0 and part in grade["problem"], (student, grade["problem"])
        assert "\n" not in grade["problem"] and not grade["failed"] and len(grade["tasks"]) == 4


def test_names_are_data(results, graded):
    (name,) = [each["student"] for each in results["submissions"] if each["student"].startswith("=")]
    assert name.isprintable() and grade_in(results, name)["score"] == 7
    page = (graded / grade_in(results, name)["page"]).read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page
    rows = list(csv.reader(io.StringIO((graded / "class.csv").read_text())))
    assert rows[0] == ["student", "score", "points", "1.0", "1.3", "1.4", "together", "problem"]
    assert [row for row in rows if "cmd" in row[0]] == [[f"'{name}", "7.0", "10", "2.0", "2.0", "3.0", "0.0", ""]]
    assert len({each["page"] for each in results["submissions"]}) == len(rows) - 1


def test_a_students_page_shows_rules_and_nothing_of_others_or_of_the_secret(graded):
    page = (graded / "students/mistaken.html").read_text()
    assert page.count('<a href="#1.3">1.3 Product</a>') == page.count('<h2 id="1.3">') == 1
    for part in ("7 of 10 points", "z = x * y\nz.backward(w)", "x.grad: 3 of 3 values differ", "hidden", "Which node?"):
        assert part in page, part
    assert "unsafe" in page and "all tests passed" not in page.lower() and "mul backward0" not in page
    seal = Seal("of the course")
    for other in ("of the course", seal.fingerprint, "helped", "renamed"):
        assert other not in page


def test_the_summary_tells_what_the_class_got_wrong(results, graded):
    task = {each["id"]: each for each in results["tasks"]}["1.4"]
    assert task["full"] == len(EXPECTED) and task["reasons"]["not written"] == 2 and task["points"] == 3
    assert 0 < task["mean"] < 3 and task["cases"] == {"1.4 a quotient": task["full"]}
    page = (graded / "summary.html").read_text()
    assert "2 × not written" in page and "of the course" not in page
    reasons = ["x.grad: 3 of 3 values differ; the largest at 2", "x.grad: 1 of 4 values differ; the largest at 0"]
    assert len({kind_of(each) for each in reasons}) == 1
    assert kind_of("ValueError: x, in Mul.backward, line 3 of a/b.py") == "ValueError: x"


def test_junit_has_a_suite_a_task_and_a_test_a_case(graded):
    root = ElementTree.fromstring((graded / "students/mistaken.xml").read_bytes())
    assert root.tag == "testsuites" and [root.get(name) for name in ("tests", "failures", "errors")] == ["6", "2", "0"]
    assert [suite.get("name") for suite in root][1] == "1.3 Product"
    assert [child.tag for child in root[1]] == ["properties", "testcase", "testcase"]
    assert root[1][1][0].tag == "failure" and "values differ" in root[1][1][0].get("message")


# ------------------------------------------------------------------------------------- again, and in another order


def without_times(results):
    told = json.loads(json.dumps(results))
    for grade in told["submissions"]:
        grade["seconds"] = 0
        for task in grade["tasks"]:
            for case in task["cases"]:
                case["seconds"] = 0
    return told


def test_what_is_done_is_not_done_again_and_the_rest_has_the_same_verdicts(graded, submissions, results):
    kept = {path: path.stat().st_mtime_ns for path in (graded / "finished").iterdir()}
    assert len(kept) == len(results["submissions"])
    told = {path: json.loads(path.read_text())["student"] for path in kept}
    again, torn = (path for path, student in told.items() if student in ("mistaken", "helped"))
    again.unlink()
    torn.write_text(torn.read_text()[:-100])
    (graded / "results.json").unlink()
    done = command(submissions, "--out", graded, *USUAL, "--jobs", 1)
    assert done.exit_code == 0, done.output
    now = {path: path.stat().st_mtime_ns for path in (graded / "finished").iterdir()}
    assert now.keys() == kept.keys() and {path for path in now if now[path] != kept[path]} == {again, torn}
    assert without_times(json.loads((graded / "results.json").read_text())) == without_times(results)


def test_a_replay_shows_inputs_expected_and_got(graded, submissions, monkeypatch):
    """Here the student's function is put into the whole of minigrad."""
    monkeypatch.setattr("comparisons.coursework.commands.grade.find_engine", find_engine)
    done = command(submissions, "--out", graded, *USUAL, "--replay", "mistaken", "a product")
    assert done.exit_code == 0, done.output
    inputs = PRODUCT.cases[0].draw(b"of the course", "mistaken")
    for part in ("z = x * y", "x is", "x.grad, expected", "x.grad, got", repr(float(inputs["x"][0]))):
        assert part in done.output, done.output
    expected, got = [done.output.split(f"x.grad, {word}\n")[1].splitlines()[1] for word in ("expected", "got")]
    assert expected != got
    pseudonym = Seal("of the course").pseudonym("full")
    done = command(submissions, *USUAL, "--replay", pseudonym, TOGETHER.name)
    assert done.exit_code == 0 and "full" not in done.output
    for arguments, part in (
        (("--replay", "nobody", "a product"), "nobody is called 'nobody': give the name of an entry"),
        (("--replay", "full", "1.3 a prodct"), "has '1.3 a prodct' in its name: did you mean '1.3 a product'"),
        (("--replay", "full", "quantum"), "has 'quantum' in its name: a student's page has the names"),
        (("--replay", "full", "1.3"), "2 cases of A1 have '1.3' in their name"),
        (("--replay", "torn", "a product"), "no zip"),
        (("--secret", "another", "--replay", "full", "a product"), "made with another secret"),
    ):
        done = command(submissions, "--out", graded, *USUAL, *arguments)
        assert done.exit_code == 2 and part in " ".join(done.output.split()), done.output


def test_nobody_is_named_where_that_is_asked_for(small, tmp_path):
    place = tmp_path / "class"
    for student in ("Ann-Marie", "Bartholomew"):
        folder_of(place / student, files_of({"__init__.py": ""}, version=0))
    out = tmp_path / "results"
    for student in map(str, range(6)):
        folder_of(place / student, files_of({"__init__.py": ""}, version=0))
    done = command(place, "--out", out, *USUAL, "--anonymise", "--jobs", 1)
    assert done.exit_code == 0, done.output
    told = [each["student"] for each in json.loads((out / "results.json").read_text())["submissions"]]
    assert told == sorted(told) and len(told) == 8, "their order is that of the names"
    text = done.output + "".join(f"{path} {path.read_text()}" for path in out.rglob("*") if path.is_file())
    assert (
        "Ann-Marie" not in text and "Bartholomew" not in text and Seal("of the course").pseudonym("Ann-Marie") in text
    )


# ------------------------------------------------------------------------------------------ one, and its formats


@pytest.mark.parametrize("name", ["gradescope", "json", "junit"])
def test_one_submission_in_a_format(name, submissions, small, tmp_path):
    out = tmp_path / "results"
    done = command(submissions / "older", "--one", "--student", "17", "--out", out, *USUAL, "--format", name)
    assert done.exit_code == 0, done.output
    (written,) = out.iterdir()
    assert written.name == f"results{FORMATS[name][1]}"
    if name == "junit":
        assert ElementTree.fromstring(written.read_bytes()).get("name") == "A1 17"
    else:
        check_gradescope(json.loads(written.read_text()))


GRADESCOPE = {  # https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    "score": float | int,
    "execution_time": float | int,
    "output": str,
    "output_format": str,
    "visibility": str,
    "stdout_visibility": str,
    "extra_data": dict,
    "tests": list,
}
GRADESCOPE_TEST = {
    "name": str,
    "name_format": str,
    "number": str,
    "score": float | int,
    "max_score": float | int,
    "status": str,
    "output": str,
    "output_format": str,
    "visibility": str,
    "extra_data": dict,
}


def check_gradescope(told):
    assert dict.fromkeys(told, True) == {key: isinstance(told[key], GRADESCOPE[key]) for key in told}
    assert "score" in told and told["visibility"] == "visible"
    for test in told["tests"]:
        assert dict.fromkeys(test, True) == {key: isinstance(test[key], GRADESCOPE_TEST[key]) for key in test}
        assert test["status"] in ("passed", "failed") and 0 <= test["score"] <= test["max_score"]
        assert (test["status"] == "passed") == (test["score"] == test["max_score"])


def test_gradescopes_form_of_a_grade(results):
    for student in ("full", "mistaken"):
        grade = Grade.of({name: value for name, value in grade_in(results, student).items() if name != "page"})
        told = json.loads(FORMATS["gradescope"][0](grade, SMALL, {"unsafe": True}))
        check_gradescope(told)
        assert told["score"] == grade.score == sum(each["score"] for each in told["tests"])
        assert told["extra_data"]["unsafe"] is True and "hidden inputs" in told["output"]
    assert "1.3 a product: differs: x.grad" in told["tests"][1]["output"]


def test_there_is_a_result_for_gradescope_whatever_happens(small, tmp_path, monkeypatch):
    out = tmp_path / "results"
    arguments = ("--one", "--out", out, *USUAL, "--format", "gradescope")
    done = command(tmp_path / "nothing", *arguments)
    told = json.loads((out / "results.json").read_text())
    assert done.exit_code == 2 and told["score"] == 0 and "not graded" in told["output"]
    check_gradescope(told)

    def fail(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("comparisons.coursework.commands.grade.grade_all", fail)
    folder_of(tmp_path / "ann", files_of({"__init__.py": ""}))
    (out / "results.json").unlink()
    done = command(tmp_path / "ann", *arguments)
    assert done.exit_code and "a fault of ours" in json.loads((out / "results.json").read_text())["output"]


def test_the_autograders_folder(small, tmp_path, monkeypatch):
    place = tmp_path / "autograder"
    done = command("--assignment", "A1", "--secret", "of the course", "--write-autograder", place)
    assert done.exit_code == 0, done.output
    for name in ("setup.sh", "run_autograder"):
        assert os.access(place / name, os.X_OK) and (place / name).read_text().startswith("#!/usr/bin/env bash\n")
        assert "of the course" not in (place / name).read_text()
        subprocess.run(["bash", "-n", place / name], check=True)
    assert (place / "secret").read_text() == "of the course" and (place / "secret").stat().st_mode & 0o077 == 0
    check_gradescope(json.loads((place / "unfinished.json").read_text()))
    assert (place / "comparisons/cli.py").exists() and not list(place.rglob("*.pyc"))
    metadata = tmp_path / "metadata.json"
    for content, told in (('{"users": [{"id": 9}, {"id": 12}]}', "12-9"), ("[", "student")):
        metadata.write_text(content)
        asked = subprocess.run([sys.executable, place / "student.py", metadata], capture_output=True, text=True)
        assert asked.stdout.strip() == told


# ---------------------------------------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--assignment", "A99"), "there is no assignment 'A99'"),
        ((), "--assignment is missing: choose from A0"),
        (("--assignment", "A1"), "--out is missing"),
        (("--assignment", "A1", "--out", "handed-in/results"), "is in the folder of what is handed in"),
        (("--assignment", "A1", "--out", "file"), "--out file"),
        (("--assignment", "A1", "--out", "new", "--sandbox", "limits"), "--unsafe"),
        (("--assignment", "A1", "--out", "new", "--student", "ann"), "--student is of --one"),
        (("--assignment", "A1", "--out", "new", "--replay", "ann", "x"), "--replay needs the --secret"),
        (("--assignment", "A1", "--out", "new", "--format", "xml"), "xml"),
    ],
)
def test_wrong_usage_is_a_sentence_and_writes_nothing(arguments, part, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIGRAD_SECRET", raising=False)
    folder_of(tmp_path / "handed-in/ann", {"handout.json": b"{}"})
    (tmp_path / "file").write_text("")
    done = command("handed-in", *arguments)
    assert done.exit_code == 2 and part in " ".join(done.output.replace("│", "").split()), done.output
    assert "Traceback" not in done.output and not list(tmp_path.rglob("results*"))


def test_what_is_no_folder_of_submissions_is_refused(small, tmp_path, monkeypatch):
    usual = ("--out", tmp_path / "results", *USUAL)
    (tmp_path / "empty").mkdir()
    folder_of(tmp_path / "ann", {"handout.json": b"{}"})
    (tmp_path / "books").mkdir()
    (tmp_path / "books/ann.ipynb").write_bytes(notebook())
    monkeypatch.setattr("comparisons.coursework.grading.notebooks.find_spec", lambda name: None)
    for place, part in (("nowhere", "no folder"), ("empty", "is empty"), ("ann", "--one"), ("books", "[teach]")):
        done = command(tmp_path / place, *usual)
        assert done.exit_code == 2 and part in done.output, done.output


def test_results_that_cannot_be_written_are_a_sentence(small, tmp_path, monkeypatch):
    folder_of(tmp_path / "class/ann", files_of({"__init__.py": ""}, version=0))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/students").touch()
    done = command(tmp_path / "class", "--out", tmp_path / "out", *USUAL)
    assert done.exit_code == 2 and "students is no folder" in " ".join(done.output.split())

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    for module, part in ((outcome, "the results cannot be written into"), (classroom, "No space left on device")):
        monkeypatch.setattr(module, "replace_file", full)
        done = command(tmp_path / "class", "--out", tmp_path / "full", *USUAL)
        assert done.exit_code == 3 and part in done.output and "Traceback" not in done.output


# --------------------------------------------------------------------------------------------------- transplants

OURS = '''"""Rules."""

import numpy as np
from tools import shared


class Rule:
    """A rule."""

    def forward(ctx, x):
        return shared(x)

    def backward(ctx, g):
        """How it goes back."""
        return g * 2


def other():
    return "ours"
'''

THEIRS = '''"""My rules."""

import numpy as np, math
from tools import shared, extra as more
import unused

debug = 1 / 0
memo = {}
memo["a"] = math.pi
other = None


def decorated(f):
    return f


class Rule:
    """A rule."""

    def forward(ctx, x):
        return "changed"

    def helper(ctx):
        return ctx.inner()

    @staticmethod
    def inner():
        return """a
  b"""

    @decorated
    def backward(ctx, g):
        """How it goes back."""
        debug = [unused for unused in (1, 2)]
        return more(memo, ctx.helper(), later(g), other(), debug)


def later(g):
    return g
'''


def test_a_function_takes_along_what_it_needs_and_nothing_else():
    graft = transplanted(OURS, THEIRS, ["Rule.backward"], "not written")
    assert graft.written == ["Rule.backward"] and not graft.unwritten
    tree = ast.parse(graft.text)
    for part in ("import math", "from tools import extra as more", 'memo["a"] = math.pi', "def later", "@decorated"):
        assert part in graft.text
    for part in ("import unused", "1 / 0", "changed", "other = None"):
        assert part not in graft.text
    rule = next(each for each in tree.body if isinstance(each, ast.ClassDef))
    assert {each.name for each in rule.body[1:]} == {"forward", "backward", "helper", "inner"}
    order = [name for each in tree.body for name in [getattr(each, "name", None)] if name]
    assert order == ["decorated", "Rule", "other", "later"] or order == ["decorated", "Rule", "later", "other"]
    theirs = THEIRS.splitlines()
    moved = [(line.strip(), theirs[number - 1].strip()) for line, number in graft.lines if number is not None]
    assert len(moved) > 15 and all(ours == their for ours, their in moved if not ours.startswith(("import", "from")))


@pytest.mark.parametrize(
    ("theirs", "written"),
    [
        ("class Rule:\n    def backward(ctx, g):\n        raise NotImplementedError('not yet')\n", False),
        ('class Rule:\n    def backward(ctx, g):\n        """Doc."""\n        raise NotImplementedError\n', False),
        ("class Rule:\n    pass\n", False),
        ("", False),
        ("class Rule:\n    def backward(ctx, g): return g\n", True),
        ("class Rule:\n\tdef backward(ctx, g):\n\t\treturn '''a\n\tb'''\n", True),
        ("class Rule:\n  def backward(ctx, g):\n    text = '''a\n b'''\n    return text\n", True),
    ],
)
def test_a_hole_is_not_written_and_any_layout_is_taken(theirs, written):
    graft = transplanted(OURS, theirs, ["Rule.backward"], "2.2 rule: not written yet")
    assert bool(graft.written) is written
    ast.parse(graft.text)
    assert "g * 2" not in graft.text and ("2.2 rule: not written yet" in graft.text) is not written
    if "'''" in theirs:
        scope = {}
        exec(graft.text.replace("from tools import shared", ""), scope)
        own = {}
        exec(theirs, own)
        assert scope["Rule"].backward(None, 1) == own["Rule"].backward(None, 1)


CHAIN = "".join(f"a{number} = a{number + 1}\n" for number in range(6_000))
MEMBERS = "".join(f"    def a{number}(self):\n        return self.a{number + 1}\n" for number in range(2_000))


@pytest.mark.parametrize(
    ("theirs", "part"),
    [
        (f"class Rule:\n    def backward(ctx, g):\n        return a0\n{CHAIN}", "\na5999 = a6000\n"),
        (f"class Rule:\n    def backward(ctx, g):\n        return ctx.a0\n{MEMBERS}", "def a1999("),
        ("class Rule:\n    def backward(ctx, g): return 1\n" * 2 + "\n\n" + "x = 1\n" * 9_000, "return 1"),
        (
            "class Rule:\n    def backward(ctx, g): return 1\nclass Rule:\n    def backward(ctx, g): return 2\n",
            "return 2",
        ),
    ],
    ids=["a chain of names", "a chain of members", "many lines", "two classes of one name: the last"],
)
def test_a_text_of_any_kind_is_transplanted_at_once(theirs, part):
    begun = time.process_time()
    graft = transplanted(OURS, theirs, ["Rule.backward"], "1.3 x: not written yet")
    assert part in graft.text and graft.written == ["Rule.backward"]
    assert time.process_time() - begun < 5


def test_a_text_that_would_fill_the_memory_is_refused():
    with pytest.raises(Unreadable, match="more than 200,000 bytes"):
        transplanted(OURS, "x=1\n" * 60_000, ["Rule.backward"], "")


def test_students_of_one_name_are_told_apart(tmp_path):
    for name in ("ann.zip", "bob.zip", "bob.ipynb", ".hidden", "__MACOSX"):
        (tmp_path / name).write_text("")
    (tmp_path / "bob").mkdir()
    (tmp_path / ("x" * 220)).mkdir()
    names = list(entries_of(tmp_path))
    assert names[:4] == ["ann", "bob", "bob.ipynb", "bob.zip"] and len(names[4]) < 220


@pytest.mark.parametrize("seed", range(3))
def test_bytes_of_any_kind_are_read_or_refused(seed, tmp_path):
    draw = random.Random(seed)
    good = io.BytesIO()
    zip_of(good, files_of({"__init__.py": "x = 1\n"}))
    good.seek(0)
    for number in range(60):
        content = bytearray(good.getvalue())
        for _ in range(draw.randrange(1, 8)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(content)
        submission = read_submission("ann", path, "A1")
        assert submission.problem or submission.sources
        assert submission.problem.isprintable() and submission.digest


# --------------------------------------------------------------------------------------------------- near-copies

LONG = "def f(a, b):\n    # {0}\n    {1} = a\n    for {2} in range(b):\n        {1} = {1} * {2} + a[{2}] - {3}\n"
OTHER = "def f(a, b):\n    return [x for x in a if x != b][::-1] + list(map(str, sorted(a)))[b:]\n"
LONG += "        if {1} > b:\n            {1} = {1} - b\n    return {1}\n"


def graded_with(student, source):
    function = ast.parse(source).body[0]
    return Grade(student, "", (), functions={"1.3 f": print_of(function)})


def test_near_copies_are_found_whatever_their_names_and_layout():
    grades = [
        graded_with("ann", LONG.format("mine", "total", "i", "1")),
        graded_with("bob", LONG.format("also mine", "s", "k", "1").replace(" * ", "*")),
        graded_with("cem", LONG.format("", "s", "k", "2")),
        graded_with("dora", OTHER),
        graded_with("eve", "def f(a, b):\n    return a * b\n"),
        graded_with("fay", "def f(c, d):\n    return c * d\n"),
    ]
    pairs = {pair.students: pair.functions["1.3 f"] for pair in pairs_of(grades)}
    assert pairs[("ann", "bob")] == 1.0 and set(pairs) <= {("ann", "bob"), ("ann", "cem"), ("bob", "cem")}
    assert all(like < 1 for students, like in pairs.items() if "cem" in students)
    many = [graded_with(str(number), LONG.format("", f"a{number}", "i", "1")) for number in range(10)]
    assert pairs_of(many) == []  # there is one way to write it


def test_the_references_text_is_no_copy_and_a_mistake_that_two_have_is_one(results):
    (pair,) = results["copies"]  # both have the same mistake
    assert pair["students"][0].startswith("=cmd") and pair["students"][1] == "mistaken"
    assert pair["functions"] == {"1.3 Mul.backward": 1.0}


# -------------------------------------------------------------------------------------------------------- workers

CRASHING = """
import os, time
from pathlib import Path


def make(setting, stack):
    if setting == "unable":
        raise OSError("there is no sandbox")
    if setting == "gone":
        os._exit(4)
    flag = Path(setting)

    def work(job):
        if job == "crash" or (job == "once" and not flag.exists()):
            flag.write_text("")
            os._exit(3)
        if job == "raise":
            raise ValueError("no")
        if job == "hang":
            time.sleep(60)
        return job.upper()

    return work
"""


def test_a_process_that_crashes_or_hangs_costs_its_job_alone(tmp_path, monkeypatch):
    (tmp_path / "crashing_workers.py").write_text(CRASHING)
    monkeypatch.syspath_prepend(tmp_path)
    import crashing_workers

    jobs = ["a", "once", "crash", "raise", "b", "hang"]
    done = dict(side_by_side(crashing_workers.make, str(tmp_path / "flag"), jobs, count=2, seconds=1.0))
    assert {job: done[job] for job in ("a", "b", "once")} == {"a": "A", "b": "B", "once": "ONCE"}
    assert done["crash"] == Lost("its process ended with exit status 3")
    assert done["raise"] == Lost("ValueError: no") and done["hang"] == Lost("it took too long")
    for setting, part in (("unable", "there is no sandbox"), ("gone", "exit status 4")):
        with pytest.raises(NoWorker, match=part):
            list(side_by_side(crashing_workers.make, setting, jobs, count=1, seconds=1.0))


def test_names_of_files_are_safe_and_differ():
    names = ["ann", "Ann", "../ann", "..", "a/b", "a\\b", "", "=1", "x" * 300, "é", "con.", "ann.html"]
    names += ["ann b", outcome.file_name("ann b")]  # whoever takes another's file for a name
    made = [outcome.file_name(each) for each in names]
    assert len({each.lower() for each in made}) == len(names)
    assert all(Path(each).name == each and each not in (".", "..") and len(each) < 100 for each in made)


# ------------------------------------------------------------------------------------------- graded graders

OWN = MISTAKES["W1"]
TESTS = b"""
import pytest
import hw as engine

@pytest.mark.parametrize("x", [2.0, 3.0])
def test_a_product(x):
    x, y = [engine.tensor(each, requires_grad=True) for each in (x, 5.0)]
    (x * y).backward()
    assert (x.grad.item(), y.grad.item()) == (y.item(), x.item())
"""


@pytest.fixture
def alone(monkeypatch):
    """Grades tests, or a repair, by two mistakes and one task's cases."""
    two = {"W1": OWN, "W1 harmless": replace(OWN, id="W1 harmless", new=OWN.old + "  # the same")}
    monkeypatch.setattr(graders, "MISTAKES", two)
    monkeypatch.setattr(graders, "TASKS", {"1.3": PRODUCT})
    monkeypatch.setattr(graders, "mistake_for", lambda student, secret, mistakes: OWN)
    monkeypatch.setattr(student_tests, "wheats_of", lambda engine, places, secret: [("as it is", engine)])

    def graded(submission, task):
        return grade_submission(submission, Assignment("A8", "Graders", (TASKS[task],)), bench).tasks[0]

    with Sandbox("limits", Limits(20.0), ENGINE) as sandbox:
        bench = Bench(ENGINE, sandbox, b"a secret")
        yield graded


def test_a_students_tests_earn_the_part_of_the_mistakes_that_they_notice(alone):
    task = alone(Submission("ann", "hw", tests={"test_mine.py": TESTS}), "8.1")
    noticed, unnoticed = sorted(task.cases, key=lambda each: each.status)
    assert task.score == 6 and task.reason == unnoticed.reason == "no test notices it"
    assert noticed.status == "agrees" and "test_a_product(x=2.0)" in noticed.reason
    assert [each.case for each in task.cases] == [f"mistake {n} in 1.3 {PRODUCT.title}" for n in (1, 2)]
    wrong = alone(Submission("ann", "hw", tests={"test_mine.py": TESTS + b"\ndef test_it(): assert 0\n"}), "8.1")
    assert wrong.score == 0 and wrong.reason.startswith("test_it(): AssertionError")
    assert wrong.reason.endswith("(on an engine that is right: as it is)")


def test_which_mistakes_tests_are_tried_on_is_drawn_and_not_told():
    """Two of each task, by names that tell nothing of them, and that are the same whatever is drawn."""
    drawn = [graders.tried_of(("A2", "A3"), secret) for secret in (b"one", b"other")]
    assert list(drawn[0]) == list(drawn[1]) == names_in(replace(TASKS["8.1"], tests_of=("A2", "A3")))
    assert drawn[0] != drawn[1] and drawn[0] == graders.tried_of(("A2", "A3"), b"one")
    for tried in drawn:
        tasks = [mistake.task for mistake in tried.values()]
        assert tasks == [task.id for name in ("A2", "A3") for task in ASSIGNMENTS[name].tasks for _ in range(2)]
        assert all(f" in {mistake.task} " in name for name, mistake in tried.items())


def test_a_repair_earns_a_quarter_for_each_of_its_parts(alone):
    planted = {path.removeprefix("minigrad/"): text for path, text in OWN.planted(ENGINE).sources.items()}
    mended = {path: text.encode() for path, text in REFERENCE.items()}
    right = {"8.3": {"file": "minigrad\\ops\\arithmetic.py", "function": "Mul.backward()"}}

    def score(sources, answers):
        return alone(Submission("ann", sources=sources, answers=answers), "8.3").score

    assert score(mended, {}) == 0 and score({}, right) == 0  # nothing named, nothing handed in
    assert score(planted, right) == 4
    assert score(mended, right) == 8
    assert score(mended, {"8.3": {"file": "ops/division.py", "function": "Mul.backward"}}) == 4
    told = alone(Submission("ann", sources=planted, answers=right), "8.3")
    assert told.reason == "the engine still does what it should not"  # not which cases, which would tell where


@pytest.mark.slow
def test_handouts_and_broken_tests_of_a8_earn_nothing_and_say_why(tmp_path, monkeypatch):
    """In a process of their own, and with the whole of minigrad, as any class is graded."""
    monkeypatch.setattr(classroom, "side_by_side", side_by_side)
    monkeypatch.setattr("comparisons.coursework.commands.grade.find_engine", find_engine)
    class_of = tmp_path / "class"
    a8 = handout.files_of(ASSIGNMENTS["A8"])
    broken = {"none": None, "unmodified": a8["tests/test_mine.py"], "syntax": b"def test_it(:", "os": b"import os"}
    for name, text in broken.items():
        files = {path: content for path, content in a8.items() if not path.startswith(("check/", "tests/"))}
        folder_of(class_of / name, files if text is None else {**files, "tests/test_mine.py": text})
    arguments = (class_of, "--assignment", "A8", "--out", tmp_path / "out", "--secret", "s", "--unsafe", "--jobs", 1)
    done = command(*arguments)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out/results.json").read_text())["submissions"]
    assert {each["student"]: (each["score"], each["tasks"][0]["reason"].partition(":")[0]) for each in found} == {
        "none": (0, "there is no tests/test_mine.py"),
        "unmodified": (0, "there are no tests in the file"),
        "syntax": (0, "the tests are no Python"),
        "os": (0, "the tests import os, which a test has no need of"),
    }
    assert {each["tasks"][2]["reason"] for each in found} == {"answers.json names neither a file nor a function"}
