"""One line about a node, for whoever prints it or looks at it in a debugger: ``repr(node)``.

It is read off the node and its rule's text: nothing is computed, and no hook of the user's runs.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from pathlib import PurePath
from types import CodeType
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.caller import told_file

__all__ = ["brief", "described", "formula", "line_of", "made_at", "saved_by_name", "saved_names", "short_name"]
__all__ += ["short_type"]

WIDTH = 120  # a line's
FORMULA = 60
SHOWN = 4  # elements of an array

SHORT_TYPES = {"float": "f", "uint": "u", "int": "i", "bool": "bool"}


def described(node: Any) -> str:
    """``<MulBackward0 of shape [3]: z = x * y, train.py:12, saved x = [1, 2, 3], y = 2>``, in :data:`WIDTH` columns.

    What does not fit is left out, what comes last first.
    """
    outputs = getattr(node, "outputs", None)
    if outputs is None:
        return shortened(f"<{short_name(node)}, not recorded", WIDTH - 1) + ">"
    shapes = ", ".join(["none" if each is None else str(list(each[0])) for each in outputs])
    line = shortened(f"<{short_name(node)} of shape {shapes}", WIDTH - 1)
    separator = ": "
    for part in parts(node):
        if len(line) + len(separator) + len(part) >= WIDTH:
            break
        line += separator + part
        separator = ", "
    return line + ">"


def parts(node: Any) -> list[str]:
    """What there is to tell of a node beside its name and shape, the most telling first."""
    variable = getattr(node, "variable", None)
    if variable is not None:
        lead = f"leaf {shortened(variable._name, 40)} = " if variable._name else "leaf "
        return [lead + brief(variable.array)]
    told = [part for part in (formula(type(node)), made_at(node)) if part]
    saved = getattr(node, "_saved", ())
    if saved is None:
        return [*told, "what it saved is freed"]
    if getattr(node, "packed", False):
        return [*told, "what it saved is with the user's hooks"]
    lead = "saved "
    for name, value in saved_by_name(node).items():
        if value is not None:
            told.append(lead + (f"{name} = " if type(name) is str else "") + brief(value))
            lead = ""
    return told


def short_name(node: Any) -> str:
    """PyTorch's name of the node, without a C++ namespace."""
    return str(node.name()).rpartition("::")[2]


def formula(rule: type) -> str:
    """The formula of an operation: what its docstring begins with. Empty where it does not begin with one."""
    sentence = re.split(r"[.:](?:\s|$)", inspect.cleandoc(rule.__doc__ or ""), maxsplit=1)[0]
    text = " ".join(sentence.replace("``", "").split())
    return shortened(text, FORMULA) if re.match(r"\w+(\[[^=]*\])? (=|becomes) ", text) else ""


def made_at(node: Any) -> str:
    """``train.py:12``, the line that made the node, where it was noted; else empty."""
    line = line_of(node)
    return "" if line is None else PurePath(line).name


def line_of(node: Any) -> str | None:
    """``file:line`` of the user's program that made the node, where somebody watched forward (``viz/watching.py``) or
    anomaly detection was on; else None.
    """
    if node.made is not None:
        return f"{told_file(node.made.file)}:{node.made.line}"
    stack = vars(node).get("_metadata", {}).get("traceback_")
    found = re.search(r'File "(.+)", line (\d+)', stack[-1]) if stack else None
    return f"{found[1]}:{found[2]}" if found else None


def saved_by_name(node: Any) -> dict[str | int, Any]:
    """What the node's forward saved, as it is kept, under the name that the rule gives it, or its number; what the
    rule drops is left out.
    """
    names, saved = saved_names(type(node)), getattr(node, "_saved", ())
    found: dict[str | int, Any] = {}
    for position, value in enumerate(saved if type(saved) is tuple else ()):
        name = names[position] if position < len(names) else ""
        if name != "_":
            found[name or position] = value
    return found


def saved_names(rule: Any) -> tuple[str, ...]:
    """How the rule's backward calls what forward saved, in order; where its source does not say so, nothing."""
    code = getattr(getattr(rule, "backward", None), "__code__", None)
    return () if code is None else names_unpacked(code)


@functools.lru_cache(1000)
def names_unpacked(code: CodeType) -> tuple[str, ...]:
    """The names of ``x, y = ctx.saved_tensors`` in a function's source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):  # typed in, frozen, or a part of a line
        return ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.value, "attr", "") == "saved_tensors":
            target = node.targets[0]
            if isinstance(target, ast.Tuple):
                return tuple([each.id if isinstance(each, ast.Name) else "" for each in target.elts])
    return ()


def brief(value: Any) -> str:
    """A value in a few words: numbers themselves, of an array its type and shape and the first elements."""
    value = getattr(value, "array", value)
    if isinstance(value, ndarray):
        numbers = [number(each) for each in value.flat[:SHOWN]]
        if value.ndim == 0:
            return numbers[0]
        if value.size <= SHOWN and value.ndim == 1:
            return f"[{', '.join(numbers)}]"
        more = ", …" if value.size > SHOWN else ""
        return f"{short_type(value.dtype.name)}{list(value.shape)} ({', '.join(numbers)}{more})"
    if value is None or isinstance(value, (bool, int, float, str)):
        return shortened(number(value), 20)
    if type(value) is tuple and all(isinstance(each, int) for each in value):
        return shortened(str(value), 30)
    return f"a {type(value).__name__}"


def number(value: Any) -> str:
    """A floating number in four digits; what is none, as Python writes it."""
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def short_type(name: str) -> str:
    """``f32`` for ``float32``."""
    for long, short in SHORT_TYPES.items():
        if name.startswith(long):
            return short + name[len(long) :]
    return name


def shortened(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"
