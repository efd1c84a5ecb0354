"""What the cases of A4, A5 and A6 must reach to be worth their names, and that their mistakes can be planted."""

import ast

import pytest

import minigrad
from comparisons.coursework.assignments import ASSIGNMENTS, TASKS
from comparisons.coursework.engines import find_engine
from comparisons.coursework.mistakes import learning, pictures, sequences
from comparisons.coursework.student import answer_of
from minigrad.kernels.convolution import Reading

ENGINE = find_engine("minigrad")
MISTAKES = {"A4": learning.MISTAKES, "A5": pictures.MISTAKES, "A6": sequences.MISTAKES}


@pytest.mark.parametrize("assignment", MISTAKES)
def test_each_task_has_a_mistake_that_can_be_planted_in_what_it_asks_for(assignment):
    tasks = {task.id: task for task in ASSIGNMENTS[assignment].tasks}
    assert {each.task for each in MISTAKES[assignment]} == set(tasks)
    for mistake in MISTAKES[assignment]:
        planted = mistake.planted(ENGINE).sources[f"minigrad/{mistake.file}"]
        assert planted != ENGINE.sources[f"minigrad/{mistake.file}"]
        ast.parse(planted)


@pytest.mark.parametrize("case", TASKS["5.4"].cases, ids=lambda case: case.name)
def test_rows_are_gathered_forward_and_for_the_gradient(case, monkeypatch):
    gathered = []
    rows = Reading.rows

    def noted(reading, chunk):
        gathered.append(chunk)
        return rows(reading, chunk)

    monkeypatch.setattr(Reading, "rows", noted)
    answer_of(minigrad, case.program, case.draw(b"secret", "submission"), case.show)
    assert len(gathered) >= 2 and len(gathered) % 2 == 0  # as often backward as forward
    if "a picture in several chunks" in case.name:
        assert any(top > 0 for _, _, top, _ in gathered)
    if "several pictures a chunk" in case.name:
        assert any(first > 0 for first, *_ in gathered) and any(end - first > 1 for first, end, *_ in gathered)
