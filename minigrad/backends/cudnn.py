"""cuDNN, which computes on GPUs: its switches change nothing here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from minigrad.backends.switches import is_available, set_for_a_while

__all__ = ["flags", "is_acceptable", "is_available", "version"]

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def version() -> None:
    """None: there is no cuDNN."""
    return None


def is_acceptable(tensor: Any) -> bool:
    """Whether cuDNN could compute with a tensor, of whatever shape: False."""
    return False


def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> AbstractContextManager[None]:
    """Inside ``with``, the switches are these."""
    switches = {"enabled": enabled, "deterministic": deterministic, "allow_tf32": allow_tf32}
    return set_for_a_while(globals(), switches | {"benchmark": benchmark, "benchmark_limit": benchmark_limit})
