"""Graded graders: a student's tests against planted mistakes, and one mistake to find."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

RULES = (
    "Write tests in `tests/test_mine.py`: plain functions whose names begin with `test_`, for 8.1 and 8.2 together at "
    "most 30, each set of values of `pytest.mark.parametrize` counted as one. They may import the engine, NumPy, "
    "`pytest` (of which there are `raises`, `approx`, `fail` and `mark.parametrize`) and modules that compute, such as "
    "`math`; they read no file and no code. PyTorch is not there: say what is right by hand, with NumPy or by finite "
    "differences.\n\n"
    "First they run on two engines that are right, one of them written otherwise: where one test fails there, all of "
    "them are worth nothing. Then they run on engines with one mistake each, two for each task, which are drawn and "
    "told to nobody; each mistake at which a test fails earns its part of the points. A test may take ten seconds."
)

TASKS = (
    Task(
        "8.1",
        "Tests of the rules and the shapes",
        "Some of the mistakes are in the rules (A1), others in what shapes ask for (A2).\n\n" + RULES,
        12,
        (
            "Which numbers make a wrong rule right by chance? 1, 0, equal operands, a square matrix, a gradient of "
            "ones.",
            "Go through the tasks of A1 and A2: each text says what is easily overlooked, and each such place is a "
            "test.",
            "Compare every gradient with central differences at uneven numbers with a weight on each element; then "
            "test by hand what differences cannot see: ties, kinks, an element used twice, sizes of one, the far "
            "tails.",
        ),
        tests_of=("A1", "A2"),
    ),
    Task(
        "8.2",
        "Tests of the tape",
        "The mistakes are in the tape (A3): in what is recorded, in the walk, and in what arrives at a leaf.\n\n"
        + RULES,
        12,
        (
            "Gradients alone show little of it: ask what a second call does, and what must be refused.",
            "A tensor used twice, two paths of unequal length, a second backward, a graph that was freed, a saved "
            "value that was changed in place, no_grad, create_graph: a few lines each.",
            "For each task of A3 write one test in which what it does is left out: which number is different then, or "
            "which error is missing? `pytest.raises(RuntimeError)` says the second.",
        ),
        tests_of=("A3",),
    ),
    Task(
        "8.3",
        "Find the mistake and mend it",
        "The engine in this folder has one mistake, and it is yours alone: others have others. Find it, mend it, and "
        "write into `answers.json` the file (such as `ops/arithmetic.py`) and the function (such as `Mul.backward`) "
        "that it is in.\n\n"
        "The file and the function are worth a quarter of the points each; so is a mended mistake, and, once it is, an "
        "engine that agrees with PyTorch in all other tasks too.",
        8,
        (
            "Do not read all of it. Find one small program whose result is wrong, then make it smaller.",
            "`gradcheck` says which operation's gradient is wrong; where all are right, use a tensor twice, walk "
            "twice, or change something on the way.",
            "Once one operation is left, step into it with a debugger and compare each line with its formula.",
        ),
        mistake_of=("A1", "A2", "A3"),
    ),
)

ASSIGNMENT = Assignment("A8", "Graded graders", TASKS)
