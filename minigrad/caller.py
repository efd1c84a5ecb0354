"""Whose line called: the first frame that is not minigrad's, however many of its own stand between; in which file."""

from __future__ import annotations

import os
import sys
import warnings
from types import FrameType

__all__ = ["is_own_file", "told_file", "user_frame", "warn_user"]

PACKAGE = os.path.dirname(__file__) + os.sep


def is_own_file(name: str) -> bool:
    """True for a file of this package, wherever it is installed; not for a user's in another folder of that name."""
    return name.startswith(PACKAGE)


def told_file(name: str) -> str:
    """What people call a file: a notebook's cell ``In[3]``, as IPython's tracebacks do, other files by their names."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    naming = getattr(getattr(shell, "compile", None), "format_code_name", None)  # IPython has it from 8 on
    cell = None if naming is None else naming(name)
    return name if cell is None else str(cell[1])


def user_frame() -> tuple[FrameType, int]:
    """The user's frame, and its number: 1 is the function that asks, 2 its caller, and so on, as warnings count."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    return frame, level


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, naming the user's line."""
    warnings.warn(message, category, stacklevel=user_frame()[1])
