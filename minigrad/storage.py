"""``minigrad.storage``, PyTorch's path to a tensor's memory: it is written in ``graph/storage.py``."""

from minigrad.graph.storage import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
