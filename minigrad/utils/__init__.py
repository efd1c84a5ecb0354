"""What surrounds training: so far ``utils.data``, which brings the batches."""

from minigrad.utils import data

__all__ = ["data"]
