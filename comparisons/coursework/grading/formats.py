"""A student's grade as other programs read it: Gradescope's ``results.json``, and JUnit's XML.

Sources: https://gradescope-autograders.readthedocs.io/en/latest/specs/, https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from comparisons.coursework.grading.grades import Grade, TaskGrade, as_points
from comparisons.coursework.judge import AGREES, DIFFERS
from comparisons.coursework.tasks import Assignment

__all__ = ["FORMATS", "as_gradescope", "as_junit", "closing", "nothing_graded"]


def closing(grade: Grade) -> str:
    """A grade in a sentence. It was made with some inputs of many: nobody is told that all is right."""
    if grade.problem:
        return f"Nothing could be graded: {grade.problem}."
    cases = [each for task in grade.tasks for each in task.cases]
    agreeing = sum(each.status == AGREES for each in cases)
    told = f"{agreeing} of {len(cases)} cases agree with PyTorch, on hidden inputs"
    return f"{as_points(grade.score):g} of {grade.points} points: {told}."


def lines_of_task(task: TaskGrade) -> str:
    """What a student is told of a task: each case, and why it fails."""
    return "\n".join(f"{each.case}: {each.status}" + (f": {each.reason}" if each.reason else "") for each in task.cases)


def as_gradescope(grade: Grade, assignment: Assignment, about: Mapping[str, Any]) -> bytes:
    """A grade as Gradescope's ``results.json``: a test for each task."""
    tests = [
        {
            "name": f"{task.id} {task.title}",
            "name_format": "text",
            "number": task.id,
            "score": as_points(task.score),
            "max_score": task.points,
            "status": "passed" if task.cases and task.agreeing == len(task.cases) else "failed",
            "output": lines_of_task(task),
            "output_format": "text",
            "visibility": "visible",
            "extra_data": {"cases": [each.as_dict() for each in task.cases]},
        }
        for task in grade.tasks
    ]
    told = {
        "score": as_points(grade.score),
        "execution_time": grade.seconds,
        "output": closing(grade),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {**about, "digest": grade.digest, "problem": grade.problem, "failed": grade.failed},
        "tests": tests,
    }
    return (json.dumps(told, indent=2) + "\n").encode()


def nothing_graded(reason: str) -> bytes:
    """Gradescope's ``results.json`` where grading itself failed: there is always one."""
    output = f"Your submission was not graded, through no fault of yours: {reason}. Tell whoever teaches you."
    told = {"score": 0, "output": output, "output_format": "text", "visibility": "visible", "tests": []}
    return (
        json.dumps({**told, "stdout_visibility": "hidden", "extra_data": {"failed": True}}, indent=2) + "\n"
    ).encode()


def as_junit(grade: Grade, assignment: Assignment, about: Mapping[str, Any]) -> bytes:
    """A grade as JUnit's XML: a suite for each task, and a test for each of its cases."""
    root = ElementTree.Element("testsuites", name=xml_text(f"{assignment.id} {grade.student}"))
    totals = dict.fromkeys(("tests", "failures", "errors"), 0)
    for task in grade.tasks:
        failures = sum(each.status == DIFFERS for each in task.cases)
        counts = {"tests": len(task.cases), "failures": failures}
        counts["errors"] = len(task.cases) - task.agreeing - failures
        totals = {key: totals[key] + counts[key] for key in totals}
        seconds = sum(each.seconds for each in task.cases)
        suite = ElementTree.SubElement(root, "testsuite", name=f"{task.id} {task.title}", time=f"{seconds:.3f}")
        suite.attrib.update({key: str(value) for key, value in counts.items()})
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in (("score", as_points(task.score)), ("points", task.points), *about_grade(about)):
            ElementTree.SubElement(properties, "property", name=name, value=xml_text(str(value)))
        for each in task.cases:
            case = ElementTree.SubElement(suite, "testcase", classname=task.id, name=xml_text(each.case))
            case.set("time", f"{each.seconds:.3f}")
            if each.status != AGREES:
                kind = "failure" if each.status == DIFFERS else "error"
                ElementTree.SubElement(case, kind, type=each.status, message=xml_text(each.reason or each.status))
    root.attrib.update({key: str(value) for key, value in totals.items()})
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def about_grade(about: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What every result records of how it was made."""
    return [(name, about[name]) for name in ("version", "sandbox", "unsafe")]


def xml_text(text: str) -> str:
    """A text without what XML cannot hold."""
    return "".join(each if each.isprintable() else "�" for each in text)


# By name what makes the bytes, and how the file's name ends.
FORMATS: dict[str, tuple[Callable[[Grade, Assignment, Mapping[str, Any]], bytes], str]] = {
    "gradescope": (as_gradescope, ".json"),
    "json": (as_gradescope, ".json"),
    "junit": (as_junit, ".xml"),
}
