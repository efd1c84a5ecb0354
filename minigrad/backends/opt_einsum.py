"""opt_einsum, which finds an order of products: ``minigrad.einsum`` goes from left to right, as PyTorch without it."""

from minigrad.backends.switches import is_available

__all__ = ["is_available"]
