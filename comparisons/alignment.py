"""Do two engines record the same graph? Node by node, edge by edge, from the result back to the leaves.

A node is known by what it has, ``name()`` and ``next_functions``, so that it may be any engine's, or data.
"""

from __future__ import annotations

from typing import Any

from comparisons.comparing import Comparison

__all__ = ["GraphsDiffer", "aligned_nodes", "compare_graphs", "short_name"]


def short_name(node: Any) -> str:
    """A node's name without PyTorch's C++ namespace."""
    return "None" if node is None else node.name().rpartition("::")[2]


class GraphsDiffer(Exception):
    """Two graphs differ; the message names the path to the first node that does, and both nodes."""

    def __init__(self, compared: int, path: str, ours: Any, theirs: Any) -> None:
        super().__init__(f"the graphs differ at {path}: ours {described(ours)}, theirs {described(theirs)}")
        self.compared = compared


def described(node: Any) -> str:
    """A node with the names of the nodes that its edges lead to."""
    edges = [] if node is None else [short_name(next_node) for next_node, _ in node.next_functions]
    return f"{short_name(node)}({', '.join(edges)})"


def aligned_nodes(ours: Any, theirs: Any) -> tuple[dict[Any, Any], int]:
    """Walk two graphs in step and compare names, numbers of edges, output numbers, and which nodes are shared.

    Args:
        ours, theirs: a tensor of each engine, whose ``grad_fn`` is where the walk begins.

    Returns:
        For each of our nodes theirs, and how many nodes and edges were compared.

    Raises:
        GraphsDiffer: at the first difference.
    """
    partner: dict[Any, Any] = {}
    taken: dict[Any, Any] = {}
    compared = 0
    waiting = [("result", ours.grad_fn, theirs.grad_fn)]
    while waiting:
        path, ours_node, theirs_node = waiting.pop()
        compared += 1
        if ours_node is None or theirs_node is None:
            if ours_node is not theirs_node:
                raise GraphsDiffer(compared, path, ours_node, theirs_node)
            continue
        if ours_node in partner or theirs_node in taken:
            if partner.get(ours_node) is not theirs_node or taken.get(theirs_node) is not ours_node:
                raise GraphsDiffer(compared, f"{path} (shared with another path)", ours_node, theirs_node)
            continue
        partner[ours_node], taken[theirs_node] = theirs_node, ours_node
        edges, their_edges = ours_node.next_functions, theirs_node.next_functions
        numbers = [number for _, number in edges]
        their_numbers = [number for _, number in their_edges]
        if short_name(ours_node) != short_name(theirs_node) or numbers != their_numbers:
            raise GraphsDiffer(compared, path, ours_node, theirs_node)
        for position, ((next_ours, _), (next_theirs, _)) in enumerate(zip(edges, their_edges)):
            waiting.append((f"{path} -> {short_name(ours_node)}[{position}]", next_ours, next_theirs))
    return partner, compared


def compare_graphs(subject: str, ours: Any, theirs: Any) -> Comparison:
    """Compare the graphs behind a tensor of each engine. See :func:`aligned_nodes`.

    Args:
        subject: what is compared, for the table and the message.
        ours, theirs: the tensors.

    Returns:
        The comparison; ``values`` counts the nodes and edges compared. Its message names the path to the first node
        that differs.
    """
    try:
        _, compared = aligned_nodes(ours, theirs)
    except GraphsDiffer as difference:
        infinite = float("inf")
        return Comparison(subject, difference.compared, infinite, infinite, "exact", False, f"{subject}: {difference}")
    return Comparison(subject, compared, 0.0, 0.0, "exact", True)
