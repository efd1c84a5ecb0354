"""Data loading: data sets (``dataset.py``), the order of their samples (``sampler.py``), batches (``dataloader.py``)."""

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
