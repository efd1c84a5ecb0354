"""Do two engines record the same graph? Node by node, edge by edge, from the result back to the leaves."""

from __future__ import annotations

from typing import Any

from comparisons.harness import Comparison

__all__ = ["compare_graphs"]


def short_name(node: Any) -> str:
    """A node's name without PyTorch's C++ namespace."""
    return "None" if node is None else node.name().rpartition("::")[2]


def compare_graphs(subject: str, ours: Any, theirs: Any) -> Comparison:
    """Walk both graphs in step and compare names, numbers of edges, output numbers, and which nodes are shared.

    Args:
        subject: what is compared, for the table and the message.
        ours, theirs: a tensor of each engine, whose ``grad_fn`` is where the walk begins.

    Returns:
        The comparison; ``values`` counts the nodes and edges compared. Its message names the path to the first node
        that differs.
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
                return difference(subject, compared, path, ours_node, theirs_node)
            continue
        if ours_node in partner or theirs_node in taken:
            if partner.get(ours_node) is not theirs_node or taken.get(theirs_node) is not ours_node:
                return difference(subject, compared, f"{path} (shared with another path)", ours_node, theirs_node)
            continue
        partner[ours_node], taken[theirs_node] = theirs_node, ours_node
        edges, their_edges = ours_node.next_functions, theirs_node.next_functions
        numbers = [number for _, number in edges]
        their_numbers = [number for _, number in their_edges]
        if short_name(ours_node) != short_name(theirs_node) or numbers != their_numbers:
            return difference(subject, compared, path, ours_node, theirs_node)
        for position, ((next_ours, _), (next_theirs, _)) in enumerate(zip(edges, their_edges)):
            waiting.append((f"{path} -> {short_name(ours_node)}[{position}]", next_ours, next_theirs))
    return Comparison(subject, compared, 0.0, 0.0, "exact", True)


def difference(subject: str, compared: int, path: str, ours: Any, theirs: Any) -> Comparison:
    """The graphs differ at ``path``."""

    def described(node: Any) -> str:
        edges = [] if node is None else [short_name(next_node) for next_node, _ in node.next_functions]
        return f"{short_name(node)}({', '.join(edges)})"

    message = f"{subject}: the graphs differ at {path}: ours {described(ours)}, theirs {described(theirs)}"
    return Comparison(subject, compared, float("inf"), float("inf"), "exact", False, message)
