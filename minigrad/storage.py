"""``minigrad.storage``, PyTorch's path to a tensor's memory: it is written in ``graph/storage.py``."""

from minigrad.graph.storage import UntypedStorage

__all__ = ["UntypedStorage"]
