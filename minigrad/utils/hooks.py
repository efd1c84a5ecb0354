"""The handle that a hook's registration gives, under PyTorch's path. Counterpart: ``torch.utils.hooks``."""

from minigrad.graph.hooks import RemovableHandle

__all__ = ["RemovableHandle"]
