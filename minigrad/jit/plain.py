"""The operations of a program on Python's numbers, lists and texts: ``n + 1``, ``x.shape[0]``, an f-string.

Whoever wrote the program may be a stranger, so integers have 64 bits, as in PyTorch, and nothing grows beyond what it
was made of.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from minigrad import Tensor

__all__ = ["ONE_NUMBER", "ON_LISTS", "ON_NUMBERS", "RAISED", "in_64_bits"]

LONGEST = 10_000  # letters of a text that is put together


def in_64_bits(value: Any) -> Any:
    """``value``, if it is neither an integer of more than 64 bits nor a complex number.

    Raises:
        RuntimeError: it is.
    """
    if isinstance(value, complex):
        raise RuntimeError("a program's numbers are real, and this one is complex")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise RuntimeError("a program's integers have 64 bits, and this one has more")
    return value


def power(base: Any, exponent: Any) -> Any:
    """``base ** exponent``."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 64:
        raise RuntimeError("a program's integers have 64 bits, and this power has more")
    return base**exponent


ON_NUMBERS: dict[str, Callable[..., Any]] = {"abs": abs, "max": max, "min": min, "neg": operator.neg, "pow": power}
ON_NUMBERS |= {"div": operator.truediv, "floor_divide": operator.floordiv, "remainder": operator.mod}
ON_NUMBERS |= {name: getattr(operator, name) for name in ("add", "sub", "mul", "eq", "ne", "lt", "le", "gt", "ge")}
ON_NUMBERS |= {name: getattr(math, name) for name in ("sqrt", "exp", "log", "floor", "ceil")}


def length_of_range(start: int, stop: int, step: int) -> int:
    """How often a loop over ``range(start, stop, step)`` runs."""
    return len(range(start, stop, step))


def derive_index(index: int, start: int, step: int) -> int:
    """The variable of such a loop in its round ``index``."""
    return start + index * step


def format_text(text: str, *values: Any) -> str:
    """``text`` with each ``{}`` replaced.

    Raises:
        RuntimeError: it becomes very long.
    """
    parts = text.split("{}")
    if len(parts) != len(values) + 1:
        raise RuntimeError("a text has another number of places than values")
    shown = [f"{each:.1000}" if isinstance(each, str) else f"{each}" for each in values]
    result = parts[0] + "".join([each + after for each, after in zip(shown, parts[1:])])
    if len(result) > LONGEST:
        raise RuntimeError(f"a text becomes longer than {LONGEST} letters")
    return result


def slice_list(values: Any, start: Any, end: Any, step: Any) -> list[Any]:
    """``values[start:end:step]``."""
    return list(values[start:end:step])


def append(values: list[Any], value: Any) -> list[Any]:
    """``values`` with ``value`` at their end."""
    values.append(value)
    return values


def size(x: Tensor, dim: int | None = None) -> Any:
    """The sizes of ``x``, or one of them."""
    return list(x.shape) if dim is None else x.size(dim)


ON_LISTS: dict[str, tuple[Callable[..., Any], str, tuple[int, ...]]] = {
    # the function, the type of its result ("" where it depends), and how many values it takes (none: any number)
    "size": (size, "", (1, 2)),
    "len": (len, "int", (1,)),
    "__getitem__": (operator.getitem, "", (2,)),
    "slice.t": (slice_list, "", (4,)),
    "__contains__": (operator.contains, "bool", (2,)),
    "append": (append, "", (2,)),
    "format": (format_text, "str", ()),
    "__not__": (operator.not_, "bool", (1,)),
    "__is__": (operator.is_, "bool", (2,)),
    "__isnot__": (operator.is_not, "bool", (2,)),
    "__range_length": (length_of_range, "int", (3,)),
    "__derive_index": (derive_index, "int", (3,)),
    "Bool": (bool, "bool", (1,)),
    "Int": (int, "int", (1,)),
    "Float": (float, "float", (1,)),
}
ONE_NUMBER = ("neg", "abs", "sqrt", "exp", "log", "floor", "ceil")  # the other operations on numbers take two

ERRORS = (AssertionError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)
RAISED: dict[str, type[Exception]] = {each.__name__: each for each in ERRORS}  # that a program may raise
