"""What the backends share: their switches set for a while, and the answer that they are not there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["is_available", "set_for_a_while"]


def is_available() -> bool:
    """Always False."""
    return False


@contextlib.contextmanager
def set_for_a_while(module: dict[str, Any], switches: dict[str, Any]) -> Iterator[None]:
    """Inside ``with``, the module's switches are these; those that are None stay as they are."""
    chosen = {name: value for name, value in switches.items() if value is not None}
    before = {name: module[name] for name in chosen}
    module.update(chosen)
    try:
        yield
    finally:
        module.update(before)
