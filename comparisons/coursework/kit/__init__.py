"""The checks that come with a handout: ``python -m check``. They stand alone on NumPy and the standard library.

In a handout this folder is called ``check``, and beside these files are those of the comparisons that they need:
``student.py`` runs a case, ``differences.py`` compares, ``causes.py`` guesses. ``__main__.py`` is the command;
``runner.py`` asks a process of its own, in which ``running.py`` runs the engine, so that a loop without an end, or an
engine that ends the process, is told in a sentence.
"""
