"""Intel's MKL: NumPy may compute with it, minigrad does not ask for it."""

from minigrad.backends.switches import is_available

__all__ = ["is_available"]
