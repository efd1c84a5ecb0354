"""Nested tuples, lists and dictionaries: what is in them, in order, and others of the same structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["leaves_of", "parts_of", "with_leaves"]


def parts_of(tree: Any) -> list[Any] | None:
    """What a container holds; None for anything else."""
    if isinstance(tree, dict):
        return list(tree.values())
    return list(tree) if isinstance(tree, (tuple, list)) else None


def leaves_of(tree: Any) -> list[Any]:
    """What is in ``tree`` and is no container itself, in order."""
    parts = parts_of(tree)
    return [tree] if parts is None else [leaf for part in parts for leaf in leaves_of(part)]


def with_leaves(tree: Any, leaves: Iterator[Any]) -> Any:
    """``tree`` with the next of ``leaves`` in the place of each of its own."""
    parts = parts_of(tree)
    if parts is None:
        return next(leaves)
    parts = [with_leaves(part, leaves) for part in parts]
    if isinstance(tree, dict):
        return type(tree)(zip(tree, parts))
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
