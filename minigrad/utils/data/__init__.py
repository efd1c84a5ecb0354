"""Data loading: data sets (``dataset.py``), in which order (``sampler.py``), as batches (``dataloader.py``)."""

from minigrad.utils.data import _utils as _utils
from minigrad.utils.data.collate import *
from minigrad.utils.data.dataloader import *
from minigrad.utils.data.dataset import *
from minigrad.utils.data.distributed import DistributedSampler
from minigrad.utils.data.sampler import *
from minigrad.utils.data.worker import *

__all__ = ["BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler"]
__all__ += ["IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "StackDataset", "Subset"]
__all__ += ["SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "default_collate", "default_convert"]
__all__ += ["get_worker_info", "random_split"]
