"""The book: a section a notebook, kept as Markdown beside it, and what its cells import.

Read the sections in their order, from ``00-from-scratch.md`` on. The cases of their exercises are in ``exercises/``.
"""

from comparisons.tutorial.exercises.checking import check

__all__ = ["check"]
