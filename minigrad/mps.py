"""Answers what PyTorch code asks of an Apple GPU: there is none here. See ``cuda``, whose answers they are."""

from minigrad.cuda import device_count, is_available, manual_seed, refusing, seed

__all__ = ["device_count", "is_available", "manual_seed", "seed"]

REFUSED = {"current_allocated_memory", "driver_allocated_memory", "empty_cache", "get_rng_state", "synchronize"}


__getattr__ = refusing(__name__, REFUSED)
