"""Coursework: engines that students write are judged by the comparisons.

An engine (``engines.py``) runs in a process of its own (``student.py``), shut in (``sandbox.py``, ``confinement.py``),
and sends values; ``answers.py`` reads them as a stranger's, ``judge.py`` compares them with PyTorch's and says the
verdict. ``cases.py`` says what a case is, ``basics.py`` has the cases that every engine can be judged on.

The graders are graded: ``mutants.py`` plants the mistakes of ``mistakes/`` and those that ``mechanical.py`` makes by
rule, ``check_course.py`` checks the course itself, ``student_tests.py`` grades tests that students wrote, and
``personal.py`` gives each student a mistake to find.
"""
