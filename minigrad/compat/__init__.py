"""``python -m minigrad compat``: which of PyTorch's names a program uses, and which of them are here.

``programs.py`` reads files, ``uses.py`` finds the names in them, ``verdicts.py`` tells of each whether it is here, and
``report.py`` tells all of it. Nothing of a program is run.
"""
