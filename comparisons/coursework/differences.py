"""Where an engine's answer to a case differs from PyTorch's.

The judge compares by this, and a student's own checks do: it stands on NumPy, without PyTorch and the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.alignment import compare_graphs
from comparisons.comparing import Comparison, compare_values, failed

__all__ = ["GraphData", "NodeData", "first_differing"]


class NodeData:
    """A node that was sent as data: what the comparison of graphs asks of a node."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.next_functions: list[tuple[NodeData | None, int]] = []

    def name(self) -> str:
        """The node's name."""
        return self._name


@dataclass(frozen=True)
class GraphData:
    """A graph that was sent as data, in the place of the tensor that it ends at."""

    grad_fn: NodeData | None

    @classmethod
    def of(cls, told: Sequence[tuple[str, Sequence[tuple[int | None, int]]]]) -> GraphData:
        """The graph of a list: for each node its name, and for each edge the next node's number and its output's."""
        nodes = [NodeData(name) for name, _ in told]
        for node, (_, edges) in zip(nodes, told):
            node.next_functions = [(None if number is None else nodes[number], output) for number, output in edges]
        return cls(nodes[0] if nodes else None)


def first_differing(
    show: Sequence[str], ours: Mapping[str, Any], theirs: Mapping[str, Any], tolerance: str
) -> Comparison | None:
    """The first of what is shown that differs from PyTorch's, in its order; None where nothing does."""
    for expression in show:
        comparison = compared(expression, ours[expression], theirs[expression], tolerance)
        if not comparison.agrees:
            return comparison
    return None


def compared(expression: str, ours: Any, theirs: Any, tolerance: str) -> Comparison:
    """One value compared with PyTorch's: an array, a :class:`GraphData`, or None, a bool, a number or a text."""
    if isinstance(ours, GraphData) and isinstance(theirs, GraphData):
        return compare_graphs(expression, ours, theirs)
    if isinstance(theirs, np.ndarray) and (ours is None or isinstance(ours, np.ndarray)):
        return compare_values(expression, ours, theirs, tolerance)
    if isinstance(ours, (GraphData, np.ndarray)) or isinstance(theirs, (GraphData, np.ndarray)):
        return failed(expression, "exact", f"ours is {kind_of(ours)}, theirs {kind_of(theirs)}")
    if json.dumps(in_words(ours)) != json.dumps(in_words(theirs)):
        return failed(expression, "exact", f"ours {ours!r}, theirs {theirs!r}")
    return Comparison(expression, 1, 0.0, 0.0, "exact", True)


def in_words(value: Any) -> Any:
    """A text with its words parted by single spaces, as it is where an answer was read; another value as it is."""
    return " ".join(value.split()) if isinstance(value, str) else value


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return "a graph" if isinstance(value, GraphData) else repr(value)
