"""``minigrad.serialization``, PyTorch's path to ``save`` and ``load``: see ``saving/serialization.py``."""

from minigrad.saving.serialization import load, save

__all__ = ["load", "save"]
