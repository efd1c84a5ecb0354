"""``minigrad.serialization``, PyTorch's path to ``save`` and ``load``: they are written in ``saving/serialization.py``."""

from minigrad.saving.serialization import load, save

__all__ = ["load", "save"]
