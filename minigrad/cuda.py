"""Answers the question that PyTorch code asks first: there is no GPU here, minigrad computes on the CPU."""

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]


def is_available() -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing, as in PyTorch where there is no GPU."""


def manual_seed_all(seed: int) -> None:
    """Nothing, as in PyTorch where there is no GPU."""
