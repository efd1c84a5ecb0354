"""Data loading: data sets (``dataset.py``), in which order (``sampler.py``), as batches (``dataloader.py``)."""

from minigrad.utils.data.dataloader import DataLoader, default_collate
from minigrad.utils.data.dataset import Dataset, Subset, TensorDataset, random_split
from minigrad.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = [
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "TensorDataset",
    "default_collate",
    "random_split",
]
