"""What surrounds training: ``utils.data`` brings the batches, ``utils.checkpoint`` trades time for memory."""

from minigrad.utils import checkpoint, data, hooks

__all__ = ["checkpoint", "data", "hooks"]
