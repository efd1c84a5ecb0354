"""OpenMP: minigrad's threads are Python's."""

from minigrad.backends.switches import is_available

__all__ = ["is_available"]
