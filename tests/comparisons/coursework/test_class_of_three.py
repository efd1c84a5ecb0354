"""``docs/teaching.md`` with a class of three: its commands as they stand, in order, and what comes of them.

Ann hands in a folder in which all is solved, Ben a zip with two tasks, Cem a notebook with a mistake, which he mends.
"""

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import minigrad
from comparisons.cli import app
from comparisons.coursework.assignments import ASSIGNMENTS
from comparisons.coursework.grading.transplant import transplanted

pytestmark = pytest.mark.usefixtures("unmeasured")

PAGE = Path(__file__).parents[3] / "docs/teaching.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
REFERENCE = Path(minigrad.__file__).parent
TASKS = {task.id: task for task in ASSIGNMENTS["A1"].tasks}
SOME = ["1.2", "1.3"]
CELL = """def backward(ctx, grad_z):
    x, y = ctx.saved_tensors
    needs_x, needs_y = ctx.needs_input_grad
    return grad_z * y if needs_x else None, grad_z * x if needs_y else None
"""
MISTAKEN = CELL.replace("grad_z * y", "grad_z * x")


def solve(folder, tasks):
    """Write the functions of tasks as the reference has them."""
    for place in [place for task in tasks for place in TASKS[task].places]:
        file = folder / "minigrad" / place.file
        solution = (REFERENCE / place.file).read_text(encoding="utf-8")
        solved = transplanted(file.read_text(encoding="utf-8"), solution, [place.name], "not written").text
        file.write_text(solved, encoding="utf-8")


def notebook(cell):
    made = {"cell_type": "code", "metadata": {"tags": ["1.3"]}, "source": cell, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [made], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def student(folder, command):
    """What a student types, in the folder that was handed out."""
    command = [sys.executable, *shlex.split(command)[1:]]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60)
    return done.returncode, done.stdout


def teacher(command):
    """What the teacher types; where there is no sandbox, also what the refusal says to add."""
    arguments = shlex.split(command)[3:]
    done = CliRunner().invoke(app, arguments)
    if done.exit_code == 2 and "--unsafe" in done.output:
        done = CliRunner().invoke(app, [*arguments, "--unsafe"])
    assert done.exit_code == 0, done.output
    return done.output


def scores(results):
    """The points of each student, by task, out of the file for a spreadsheet; and what stands beside them."""
    with (results / "class.csv").open(encoding="utf-8", newline="") as file:
        rows = {row.pop("student"): row for row in csv.DictReader(file)}
    assert not any(row.pop("problem") for row in rows.values())
    return {name: {task: float(points) for task, points in row.items()} for name, row in rows.items()}


@pytest.mark.long
def test_assignment_1_with_a_class_of_three(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (handout,), students, (grade,), (replay,) = [block.splitlines() for block in BLOCKS]

    assert "Begin with hw1/README.md" in teacher(handout)
    handed_out, submissions, results = Path("hw1"), Path("submissions"), Path("results")
    status, told = student(handed_out, students[0])
    assert status == 1 and told.startswith("1.1 Central differences: not written yet")

    shutil.copytree(handed_out, submissions / "ann")
    solve(submissions / "ann", TASKS)
    typed = [student(submissions / "ann", command) for command in students]
    assert [status for status, _ in typed] == [0, 0, 0, 0]
    assert "40 of 40 points" in typed[-1][1] and "Hold y still" in typed[2][1]
    solve(handed_out, SOME)
    shutil.make_archive(str(submissions / "ben"), "zip", handed_out)
    (submissions / "cem.ipynb").write_text(notebook(MISTAKEN), encoding="utf-8")

    assert "3 submissions, on average" in teacher(grade)
    points = {task.id: task.points for task in TASKS.values()}
    first = scores(results)
    assert first["ann"] == {"score": 40, "points": 40, **points, "together": 4}
    ben = {task: worth if task in SOME else 0 for task, worth in points.items()}
    assert first["ben"] == {"score": sum(ben.values()), "points": 40, **ben, "together": 0}
    assert 0 < first["cem"]["1.3"] < 4 and first["cem"]["score"] == first["cem"]["1.3"]

    pages = {path.stem: path.read_text(encoding="utf-8") for path in (results / "students").iterdir()}
    assert sorted(pages) == ["ann", "ben", "cem"] and "40 of 40 points" in pages["ann"]
    assert "1.4 Quotient: 0 of 4 points" in pages["ben"] and "not written" in pages["ben"]
    assert "x.grad: 12 of 12 values differ" in pages["cem"]
    assert all(name in (results / "summary.html").read_text(encoding="utf-8") for name in pages)

    told = teacher(replay)
    assert "1.3 a product" in told and "x.grad" in told

    kept = {path: path.stat().st_mtime_ns for path in (results / "finished").iterdir()}
    (submissions / "cem.ipynb").write_text(notebook(CELL), encoding="utf-8")
    teacher(grade)
    assert scores(results) == {**first, "cem": {**first["cem"], "score": 4, "1.3": 4}}
    again = {path: path.stat().st_mtime_ns for path in (results / "finished").iterdir()}
    assert kept.items() <= again.items() and len(again) == len(kept) + 1
