"""The book: a section a notebook, kept as Markdown beside it, and what its cells import.

Read the sections in their order, from ``00-from-scratch.md`` on. The cases of their exercises are in ``exercises/``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comparisons.tutorial.exercises.checking import check

__all__ = ["check"]


def __getattr__(name: str) -> object:
    """``check``, when it is asked for: it brings PyTorch along, which a figure does without."""
    if name != "check":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from comparisons.tutorial.exercises.checking import check

    return check
