"""A case once more, for an appeal: what went in, what PyTorch has, what the student's engine has."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from comparisons.coursework.answers import GraphData, read_answer
from comparisons.coursework.cases import Case
from comparisons.coursework.grading.bench import Bench
from comparisons.coursework.grading.grades import TOGETHER
from comparisons.coursework.grading.grafting import engine_for, grafts_of, with_grafts
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.judge import expected, import_failure
from comparisons.coursework.processes import NoAnswer
from comparisons.coursework.student import packed
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["NoCase", "Replayed", "find_case", "replay", "told"]


class NoCase(ValueError):
    """There is no such case, or several; the message says so."""


@dataclass(frozen=True)
class Replayed:
    """What a case was given and gave: values by name, ``reason`` where the student's engine stopped instead."""

    case: Case
    inputs: dict[str, np.ndarray]
    theirs: dict[str, Any]
    ours: dict[str, Any]
    reason: str = ""


def find_case(assignment: Assignment, name: str) -> tuple[Task | None, Case]:
    """The case of a name, or the only one with this in its name; its task, or None where all is asked together.

    Raises:
        NoCase: there is none, or several.
    """
    every: list[tuple[Task | None, Case]] = [(task, case) for task in assignment.tasks for case in task.cases]
    every += [(None, case) for case in assignment.integration]
    found = [each for each in every if each[1].name == name] or [each for each in every if name in each[1].name]
    if len(found) > 1:
        names = ", ".join(repr(case.name) for _, case in found)
        raise NoCase(f"{len(found)} cases of {assignment.id} have {name!r} in their name: choose one of {names}")
    if not found:
        near = get_close_matches(name, [case.name for _, case in every], cutoff=0.5)
        advice = f"did you mean {' or '.join(map(repr, near))}?" if near else "a student's page has the names"
        raise NoCase(f"no case of {assignment.id} has {name!r} in its name: {advice}")
    return found[0]


def replay(submission: Submission, assignment: Assignment, task: Task | None, case: Case, bench: Bench) -> Replayed:
    """Ask a case once more, with the same inputs.

    Raises:
        Unreadable: the student's text is no Python.
        SandboxError: the sandbox fails.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if task is None:
            engine = engine_for(submission, assignment, bench.reference)
        else:
            engine = with_grafts(bench.reference, grafts_of(submission, task, bench.reference))
    inputs = case.draw(bench.secret, submission.student)
    theirs = expected(case, inputs).values
    with bench.sandbox.start(engine) as process:
        failed = import_failure(process)
        if failed is not None:
            return Replayed(case, inputs, theirs, {}, failed[1])
        number = next(process.numbers)
        request = {"program": case.program, "show": case.show, "inputs": list(inputs)}
        try:
            answer = read_answer(*process.ask(number, packed(number, request, inputs)))
        except NoAnswer as error:
            return Replayed(case, inputs, theirs, {}, str(error))
    return Replayed(case, inputs, theirs, answer.values, answer.stopped.reason if answer.stopped else "")


def told(replayed: Replayed, student: str, task: Task | None) -> str:
    """A replayed case as a text."""
    lines = [f"{student}, {TOGETHER if task is None else task.id}: {replayed.case.name}", "", "program"]
    lines += [f"  {line}" for line in replayed.case.program.splitlines()]
    for name, value in replayed.inputs.items():
        lines += ["", f"{name} is", shown(value)]
    for expression in replayed.case.show:
        lines += ["", f"{expression}, expected", shown(replayed.theirs.get(expression))]
        got = shown(replayed.ours[expression]) if expression in replayed.ours else f"  nothing: {replayed.reason}"
        lines += [f"{expression}, got", got]
    return "\n".join(lines)


def shown(value: Any) -> str:
    """A value in full."""
    if isinstance(value, np.ndarray):
        digits = np.array2string(value, separator=", ", threshold=10_000, floatmode="unique", max_line_width=116)
        value = f"{value.dtype} {value.shape}\n{digits}"
    elif isinstance(value, GraphData):
        value = graph_text(value)
    else:
        value = repr(value)
    return "\n".join(f"  {line}" for line in value.splitlines())


def graph_text(graph: GraphData) -> str:
    """A graph, a node a line, with the numbers of the nodes that come next."""
    nodes = [graph.grad_fn] if graph.grad_fn is not None else []
    for node in nodes:  # which grows
        nodes += [each for each, _ in node.next_functions if each is not None and each not in nodes]
    lines = []
    for number, node in enumerate(nodes):
        edges = ["None" if each is None else str(nodes.index(each)) for each, _ in node.next_functions]
        lines.append(f"{number} {node.name()} -> {', '.join(edges) or 'nothing'}")
    return "\n".join(lines) or "no graph"
