"""Answers what PyTorch code asks of the CPU."""

from typing import Any

__all__ = ["current_device", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Always True."""
    return True


def device_count() -> int:
    """Always 1."""
    return 1


def current_device() -> str:
    """Always ``"cpu"``."""
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Nothing: the CPU has computed what was asked of it."""
