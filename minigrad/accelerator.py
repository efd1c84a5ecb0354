"""Answers what PyTorch code asks of any accelerator: there is none here, minigrad computes on the CPU."""

from __future__ import annotations

from minigrad.attributes import device
from minigrad.cuda import device_count, empty_cache, is_available, max_memory_allocated, memory_allocated, refusing

__all__ = ["current_accelerator", "device_count", "empty_cache", "is_available", "max_memory_allocated"]
__all__ += ["memory_allocated"]

REFUSED = {"current_device_idx", "current_device_index", "current_stream", "device_index", "get_device_capability"}
REFUSED |= {"get_memory_info", "set_device_idx", "set_device_index", "set_stream", "synchronize"}


def current_accelerator(check_available: bool = False) -> device | None:
    """None: PyTorch's answer where it was built without any."""
    return None


__getattr__ = refusing(__name__, REFUSED)
