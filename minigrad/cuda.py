"""Answers the question that PyTorch code asks first: there is no GPU here, minigrad computes on the CPU."""

__all__ = ["device_count", "is_available"]


def is_available() -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0
