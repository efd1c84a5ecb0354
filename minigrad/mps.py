"""Answers what PyTorch code asks of an Apple GPU: there is none here. See ``cuda``, whose answers they are."""

import functools
from typing import Any

from minigrad.cuda import device_count, is_available, manual_seed, refuse, seed

__all__ = ["device_count", "is_available", "manual_seed", "seed"]

REFUSED = {"current_allocated_memory", "driver_allocated_memory", "empty_cache", "get_rng_state", "synchronize"}


def __getattr__(name: str) -> Any:
    if name in REFUSED:
        return functools.partial(refuse, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
