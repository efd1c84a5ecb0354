"""What the processor can do: NumPy finds out by itself."""

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """``"DEFAULT"``, PyTorch's word for code that asks nothing special of the processor."""
    return "DEFAULT"
