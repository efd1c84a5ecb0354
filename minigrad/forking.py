"""What a child of a fork begins anew. Of its parent's threads it has only the one that forked, and of the locks that
others held it has copies that nobody will open.
"""

from __future__ import annotations

import os
from collections.abc import Callable

__all__ = ["in_forked_child"]


def in_forked_child(begin_anew: Callable[[], None]) -> Callable[[], None]:
    """Call ``begin_anew`` in every child of a fork, where the system has forks. A decorator."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=begin_anew)
    return begin_anew
