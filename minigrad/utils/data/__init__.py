"""Data loading: data sets (``dataset.py``), in which order (``sampler.py``), as batches (``dataloader.py``)."""

from minigrad.utils.data.collate import *
from minigrad.utils.data.dataloader import *
from minigrad.utils.data.dataset import *
from minigrad.utils.data.sampler import *
from minigrad.utils.data.worker import *

__all__ = ["BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler"]
__all__ += ["Sampler", "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset"]
__all__ += ["WeightedRandomSampler", "default_collate", "default_convert", "get_worker_info", "random_split"]
