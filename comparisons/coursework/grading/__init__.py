"""Grading: a class's submissions against the tasks of an assignment.

``submissions.py`` reads what was handed in, out of folders, zips (``trees.py``) and notebooks (``notebooks.py``), as
data. ``transplant.py`` puts a student's functions into the reference's engine, and ``grader.py`` has the judge ask the
tasks' cases of it. ``classroom.py`` does so for all, in processes (``workers.py``), and goes on where it was stopped.
``grades.py`` says what a result is; ``summary.py``, ``copies.py``, ``pages.py`` and ``formats.py`` tell it.
"""
