"""Scripting: from a function's source to a graph. ``scripting.py`` has ``script``; read ``items.py`` first.

A class for each kind of thing, each built on the one before: ``building.py``, ``expressions.py``, ``subscripts.py``,
``calls.py``, ``statements.py``, ``loops.py``.
"""
