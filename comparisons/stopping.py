"""What stopped a check of an engine under test: where in its code, or what it has not got yet."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from types import CodeType

__all__ = ["MISSING", "STOPPED", "why"]

STOPPED, MISSING = "stopped", "not there yet"

OURS = Path(__file__).parent
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {"<"})
LACKING = (AttributeError, ImportError, NotImplementedError, TypeError)
BUILT_IN = (type(None), int, float, str, list, tuple, dict)


def why(error: BaseException) -> tuple[str, str]:
    """Whether the engine stopped or has not got what was asked for; and what it said, and where."""
    steps = list(traceback.walk_tb(error.__traceback__))
    text = " ".join(str(error).split()) or "without a word"
    if is_lack(error, steps[-1][0].f_code):
        return MISSING, text if isinstance(error, AttributeError) else f"{type(error).__name__}: {text}"
    own = [step for step in steps if not step[0].f_code.co_filename.startswith((*LIBRARIES, str(OURS)))]
    frame, line = (own or steps)[-1]
    if isinstance(error, SyntaxError) and error.filename:
        return STOPPED, f"{type(error).__name__}: {error.msg}, line {error.lineno} of {Path(error.filename).name}"
    name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name).replace("<locals>.", "")
    place = f"line {line} of {Path(frame.f_code.co_filename).name}"
    return STOPPED, f"{type(error).__name__}: {text}, in {name}, {place}"


def is_lack(error: BaseException, code: CodeType) -> bool:
    """Whether ``error``, raised by ``code``, tells of something that is not written, rather than written wrongly.

    What a line of ours asks for in vain is not there: a name, an argument, an operator. An engine's own lines may fail
    in the same way by mistake; only NotImplementedError is one by intent.
    """
    if isinstance(error, NotImplementedError):
        return True
    asked_by_us = Path(code.co_filename).is_relative_to(OURS) or code.co_name == "__getattr__"
    of_nothing = isinstance(error, AttributeError) and isinstance(getattr(error, "obj", error), BUILT_IN)
    return isinstance(error, LACKING) and asked_by_us and not of_nothing
