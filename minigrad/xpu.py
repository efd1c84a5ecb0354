"""Answers what PyTorch code asks of an Intel GPU: there is none here. See ``cuda``, whose answers they are."""

from minigrad.cuda import device_count, empty_cache, is_available, manual_seed, manual_seed_all

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all"]
