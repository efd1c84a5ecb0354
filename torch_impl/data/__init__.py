"""Images and how they become batches.

``datasets.py`` has the data sets, ``folders.py`` those of people's own pictures and ``pictures.py`` reads one of them.
``batches.py`` cuts batches from one tensor on the device, ``streaming.py`` reads what is too large for that,
``augmentation.py`` shifts and mirrors.
"""

from torch_impl.data.augmentation import Augmentation
from torch_impl.data.batches import Batches, Loader, as_floats
from torch_impl.data.datasets import (
    DATASETS,
    NAMES,
    ImageArrays,
    ImageData,
    check_data,
    load_arrays,
    load_data,
    load_datasets,
)
from torch_impl.data.errors import DataError
from torch_impl.data.streaming import Stream, make_loader

__all__ = [
    "DATASETS",
    "NAMES",
    "Augmentation",
    "Batches",
    "DataError",
    "ImageArrays",
    "ImageData",
    "Loader",
    "Stream",
    "as_floats",
    "check_data",
    "load_arrays",
    "load_data",
    "load_datasets",
    "make_loader",
]
