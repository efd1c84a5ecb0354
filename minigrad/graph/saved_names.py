"""What a node saved, by the names that PyTorch gives it: ``node._saved_self``, ``_saved_other``, ``_saved_result``.

Most names follow from whose the value is: an operation's first tensor is ``self``, its second ``other``, its result
``result``, one of integers ``indices``. Where PyTorch has another name, the operation says it: ``saved_names``, one for
each value that it saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.graph.node import Node
from minigrad.graph.saved_tensors import THIS_NODE

__all__ = ["names_of_saved", "values_saved"]

OF_INPUTS = ("self", "other")  # then "input2", "input3", …


def names_of_saved(node: Any) -> list[str]:
    """The name of each value that ``node`` saved; none where they were freed, or where the node saves nothing."""
    if not isinstance(node, Node) or not getattr(node, "_saved", None):
        return []
    saved: Any = node._saved  # type: ignore[attr-defined]
    given = node.saved_names  # type: ignore[attr-defined]
    names: list[str] = []
    taken: Any = node.saved_inputs  # type: ignore[attr-defined]
    places: Sequence[int] = () if taken is None else range(len(node.edges))[taken]
    for position, origin in enumerate(node.origins()):  # type: ignore[attr-defined]
        if position < len(given):
            name = given[position]
        elif position < len(places):
            name = of_input(places[position])
        elif origin is None:
            name = f"value{position}"
        elif origin[0][0] is THIS_NODE and is_integer(saved[position]):
            name = "indices"
        elif origin[0][0] is THIS_NODE:
            name = f"result{origin[0][1]}" if len(node.outputs) > 1 else "result"
        else:
            name = name_of_input(node, origin, position, names)
        names.append(name)
    return names[: len(saved)]


def values_saved(node: Any) -> dict[str, Any]:
    """What ``node`` saved, as it is kept, by these names; without None, and without marks that are True or False."""
    named = zip(names_of_saved(node), getattr(node, "_saved", None) or ())
    return {name: value for name, value in named if value is not None and type(value) is not bool}


def name_of_input(node: Any, origin: Any, position: int, taken: list[str]) -> str:
    """The name of the first input that ``origin`` tells of and that has none yet."""
    edge, counter, _ = origin
    for place, (maker, output_nr, changes) in enumerate(node.edges):
        name = of_input(place)
        if (maker, output_nr) == edge and changes is counter and name not in taken:
            return name
    return f"value{position}"


def is_integer(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "i"


def of_input(place: int) -> str:
    return OF_INPUTS[place] if place < len(OF_INPUTS) else f"input{place}"
