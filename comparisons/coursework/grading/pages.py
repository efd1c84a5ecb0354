"""What people read: a page for each student, and one for whoever teaches. All that a student wrote is text there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from comparisons.coursework.cases import Case, Draw
from comparisons.coursework.grading.copies import Pair
from comparisons.coursework.grading.formats import closing
from comparisons.coursework.grading.grades import TOGETHER, Grade, TaskGrade, as_points
from comparisons.coursework.grading.summary import TaskSummary
from comparisons.coursework.judge import AGREES
from comparisons.coursework.tasks import Assignment

__all__ = ["student_page", "summary_page"]

STYLE = """
:root { color-scheme: light dark; --line: #8885; --good: #1a7f37; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --good: #56d364; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td { overflow-wrap: break-word; } td:last-child { overflow-wrap: anywhere; } table { table-layout: auto; }
h2 { margin: 2rem 0 .3rem; font-size: 1.15rem; }
pre { margin: .3rem 0; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; background: #8882; }
.good { color: var(--good); white-space: nowrap; } .bad { color: var(--bad); white-space: nowrap; }
summary { cursor: pointer; }
footer { margin-top: 3rem; font-size: .85rem; }
@media (max-width: 40rem) {
  tbody, tr, td, td.number { display: block; text-align: left; } tr:has(th) { display: none; }
  tr { padding: .4rem 0; border-bottom: 1px solid var(--line); } td { padding: 0; border: 0; }
  td[data-label]:not(:empty)::before { content: attr(data-label) ": "; opacity: .7; }
}
"""


def page(title: str, parts: Iterable[str]) -> bytes:
    """A page of parts in HTML."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{text(title)}</title>'
    body = "\n".join(parts)
    whole = (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )
    return whole.encode("utf-8", "replace")


def text(value: object) -> str:
    """A text that stays one."""
    return escape(str(value))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of cells in HTML; the columns in ``numbers`` stand to the right.

    On a narrow screen a row is a block, in which a cell says what it is if it is a number.
    """
    kinds = [' class="number"' if number in numbers else "" for number in range(len(headings))]
    labels = [f' data-label="{heading}"' if kind else "" for kind, heading in zip(kinds, headings)]

    def row(tag: str, cells: Sequence[str], more: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}{each}>{cell}</{tag}>" for each, cell in zip(more, cells)) + "</tr>"

    told = [kind + label for kind, label in zip(kinds, labels)]
    return f"<table>{row('th', headings, kinds)}{''.join(row('td', each, told) for each in rows)}</table>"


def how(about: Mapping[str, Any]) -> str:
    """How it was graded, at the end of each page."""
    versions = about["versions"]
    told = f"Version {about['version']} of the tasks; sandbox: {about['sandbox']}"
    told += " alone, which is unsafe" if about["unsafe"] else ""
    return f"<footer>{told}; PyTorch {text(versions['torch'])}, NumPy {text(versions['numpy'])}.</footer>"


def student_page(grade: Grade, assignment: Assignment, about: Mapping[str, Any]) -> bytes:
    """A student's page: tasks, cases, points, reasons; and what each case does, but not with which numbers."""
    cases = {case.name: case for task in assignment.tasks for case in task.cases}
    cases |= {case.name: case for case in assignment.integration}
    questions = {task.id: {each.name: each.text for each in task.questions} for task in assignment.tasks}
    title = f"{assignment.id} {assignment.title}: {grade.student}"
    parts = [f"<h1>{text(title)}</h1>", f"<p>{text(closing(grade))}</p>"]
    if not grade.problem:
        parts.append(
            "<p>The inputs are hidden, and each student has others. The rules are not: what a case does is shown with "
            "it. Agreeing on these inputs is no proof that a function is right on all.</p>"
        )
        rows = [
            [f'<a href="#{text(task.id)}">{text(name_of(task))}</a>', f"{as_points(task.score):g} of {task.points}"]
            for task in grade.tasks
        ]
        parts.append(table(("task", "points"), rows, numbers=(1,)))
        for task in grade.tasks:
            parts += task_parts(task, cases, questions.get(task.id, {}))
    return page(title, [*parts, how(about)])


def name_of(task: TaskGrade) -> str:
    """What a task is called."""
    return task.title if task.id == TOGETHER else f"{task.id} {task.title}"


def task_parts(task: TaskGrade, cases: Mapping[str, Case], questions: Mapping[str, str]) -> list[str]:
    """A task on a student's page."""
    rows = []
    for verdict in task.cases:
        told = text(verdict.case)
        if verdict.case in cases:
            told = f"<details><summary>{told}</summary>{program_of(cases[verdict.case])}</details>"
        elif verdict.case in questions:
            told = f"<details><summary>{told}</summary>{text(questions[verdict.case])}</details>"
        kind = "good" if verdict.status == AGREES else "bad"
        rows.append([told, f'<span class="{kind}">{text(verdict.status)}</span>', text(verdict.reason)])
    heading = f'<h2 id="{text(task.id)}">{text(name_of(task))}: {as_points(task.score):g} of {task.points} points</h2>'
    return [heading, table(("case", "verdict", "reason"), rows)]


def program_of(case: Case) -> str:
    """What a case does."""
    inputs = "".join(f"# {name}: {kind_of(draw)}\n" for name, draw in case.inputs.items())
    return f"<pre>{text(inputs + case.program)}\n# compared: {text(', '.join(case.show))}</pre>"


def kind_of(draw: Draw) -> str:
    """An input in words."""
    values = f"of {', '.join(f'{each:g}' for each in draw.among)}" if draw.among else f"{draw.low:g} to {draw.high:g}"
    return f"{draw.dtype}, shape {draw.shape}, {values}"


def summary_page(
    grades: Sequence[Grade], about: Mapping[str, Any], summary: Sequence[TaskSummary], copies: Sequence[Pair]
) -> bytes:
    """The teacher's page: what the class got wrong, who has what, and whose functions look alike."""
    title = f"{about['assignment']} {about['title']}: {len(grades)} submissions"
    mean = sum(each.score for each in grades) / max(1, len(grades))
    parts = [f"<h1>{text(title)}</h1>", f"<p>On average {as_points(mean):g} of {about['points']} points.</p>"]
    rows = [
        [
            text(task.id),
            text(task.title),
            f"{task.mean:g} of {task.points}",
            str(task.full),
            str(task.none),
            "<br>".join(f"{count} × {text(reason)}" for reason, count in task.reasons.items()),
        ]
        for task in summary
    ]
    headings = ("task", "", "mean", "all points", "none", "first reasons")
    parts += ["<h2>By task</h2>", table(headings, rows, numbers=(2, 3, 4))]
    parts += ["<h2>By case: the hardest</h2>", hardest(summary, len(grades))]
    parts += ["<h2>Functions that look alike</h2>", *copy_parts(copies)]
    rows = [[text(each.student), f"{as_points(each.score):g}", text(each.problem)] for each in grades]
    parts += ["<h2>Students</h2>", table(("student", "points", "problem"), rows, numbers=(1,))]
    return page(title, [*parts, how(about)])


def hardest(summary: Sequence[TaskSummary], students: int) -> str:
    """The ten cases that the fewest agree on."""
    cases = sorted((agree, name) for task in summary for name, agree in task.cases.items())[:10]
    return table(("case", "agree"), [[text(name), f"{agree} of {students}"] for agree, name in cases], numbers=(1,))


def copy_parts(copies: Sequence[Pair]) -> list[str]:
    """The near-copies."""
    if not copies:
        return ["<p>None but what is the reference's, trivial, or written so by many.</p>"]
    rows = [
        [*map(text, pair.students), "<br>".join(f"{text(name)}: {like:.0%}" for name, like in pair.functions.items())]
        for pair in copies
    ]
    told = "<p>Whatever their names, comments and layout. It proves nothing: look at them.</p>"
    return [told, table(("student", "student", "functions"), rows)]
