"""The types of a program's values, as text: ``Tensor``, ``int``, ``int[]``, ``Tensor?``, ``(Tensor, int)``.

They are PyTorch's ``torch.jit`` types, as far as a plain forward needs them. ``Scalar`` is a number of which only the
run will tell whether it is an integer; ``Tensor?`` is a tensor or None.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from minigrad import Tensor, device, dtype

__all__ = ["NUMBERS", "element_of", "is_type", "joined", "number_type", "parts_of", "type_of", "type_of_annotation"]

NUMBERS = ("bool", "int", "float", "Scalar")  # a result of two has the later one's type
PLAIN = (*NUMBERS, "str", "NoneType", "dtype", "Device", "Tensor")
PYTHON: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "str", type(None): "NoneType"}
ELEMENTS = re.compile(rf"({'|'.join(PLAIN)})(\[\]|\?)?")


def type_of(value: Any, depth: int = 0) -> str:
    """The type of a constant.

    Raises:
        TypeError: a program has no constants of this kind, or it is nested deeper than a tuple of lists.
    """
    for kind, name in ((Tensor, "Tensor"), (dtype, "dtype"), (device, "Device")):
        if isinstance(value, kind):
            return name
    if type(value) in PYTHON:
        return PYTHON[type(value)]
    if isinstance(value, (list, tuple)) and depth < 2:
        types = [type_of(each, depth + 1) for each in value]
        if isinstance(value, list) or (types and len(set(types)) == 1 and types[0] in NUMBERS):
            return f"{list_element(types)}[]"
        return f"({', '.join(types)})"
    raise TypeError(f"a program holds tensors, numbers, texts, types and lists of these, not {type(value).__name__}")


def list_element(types: list[str]) -> str:
    """What a list of these types is a list of; an empty one, as in PyTorch, is one of tensors.

    Raises:
        TypeError: the types differ.
    """
    if len(set(types)) > 1:
        raise TypeError(f"a list has elements of one type, not of {' and '.join(sorted(set(types)))}")
    if types and types[0] not in PLAIN:
        raise TypeError(f"a list in a program holds numbers, texts or tensors, not {types[0]}")
    return types[0] if types else "Tensor"


def is_type(text: Any) -> bool:
    """Whether ``text`` is a type: a plain one, a list or an optional one of it, or a tuple of types, two deep."""
    if not isinstance(text, str) or len(text) > 1000:
        return False
    if text.startswith("(") and text.endswith(")"):
        return all(ELEMENTS.fullmatch(each) for each in parts_of(text))
    return ELEMENTS.fullmatch(text) is not None


def parts_of(text: str) -> list[str]:
    """The types in a tuple's."""
    return [each for each in text[1:-1].split(", ") if each]


def element_of(text: str) -> str:
    """The type of what is in a list."""
    return text.removesuffix("[]")


def number_type(types: list[str]) -> str:
    """The type of the sum or the product of numbers."""
    return max([*types, "int"], key=NUMBERS.index)


def joined(one: str, other: str) -> str | None:
    """The type of a value that is of either type; None where there is none."""
    if one == other:
        return one
    return "Tensor?" if {one, other} <= {"Tensor", "Tensor?", "NoneType"} else None


def type_of_annotation(annotation: ast.expr | None) -> str | None:
    """The type that an argument's annotation means: without one, ``Tensor``, as in PyTorch; None if it is unknown."""
    if annotation is None:
        return "Tensor"
    text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
    text = str(text).rpartition("minigrad.")[2] if "[" not in str(text) else str(text)
    text = re.sub(r"\b(?:typing|torch|minigrad|engine)\.", "", text).replace("builtins.", "")
    optional = re.fullmatch(r"Optional\[(.*)\]|(.*) \| None", text)
    if optional:
        text = optional[1] or optional[2]
    elements = re.fullmatch(r"(?:list|List|Sequence)\[(.*)\]", text)
    kind = elements[1] if elements else text
    if text == "Any":
        return "Tensor"
    if kind not in PLAIN or (optional and text != "Tensor"):
        return None
    return f"{kind}[]" if elements else f"{kind}?" if optional else kind
