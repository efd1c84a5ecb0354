"""Apple's GPUs: minigrad does not compute on them."""

from minigrad.backends.switches import is_available

__all__ = ["is_available", "is_built"]

is_built = is_available
