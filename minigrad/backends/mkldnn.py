"""oneDNN, which PyTorch computes with on CPUs: minigrad does not."""

from __future__ import annotations

from contextlib import AbstractContextManager

from minigrad.backends.switches import is_available, set_for_a_while

__all__ = ["flags", "is_available"]

enabled = True
deterministic = False
allow_tf32 = True


def flags(enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True) -> AbstractContextManager[None]:
    """Inside ``with``, the switches are these."""
    return set_for_a_while(globals(), {"enabled": enabled, "deterministic": deterministic, "allow_tf32": allow_tf32})
