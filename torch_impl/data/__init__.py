"""Images and how they become batches.

``datasets.py`` has the data sets, ``batches.py`` cuts batches from one tensor on the device, ``streaming.py`` reads
what is too large for that, ``augmentation.py`` shifts and mirrors.
"""

from torch_impl.data.augmentation import Augmentation
from torch_impl.data.batches import IGNORED, Batches, Loader
from torch_impl.data.datasets import (
    DATASETS,
    NAMES,
    DataError,
    ImageArrays,
    ImageData,
    check_data,
    load_arrays,
    load_data,
    load_datasets,
)
from torch_impl.data.streaming import Stream, make_loader

__all__ = [
    "DATASETS",
    "IGNORED",
    "NAMES",
    "Augmentation",
    "Batches",
    "DataError",
    "ImageArrays",
    "ImageData",
    "Loader",
    "Stream",
    "check_data",
    "load_arrays",
    "load_data",
    "load_datasets",
    "make_loader",
]
