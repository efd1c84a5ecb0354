"""The PyTorch side: the tutorial's models and their training, complete. It never imports minigrad.

Begin with ``models.py``, then ``training.py``; ``cli.py`` is ``python -m torch_impl``.
"""

from torch_impl.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from torch_impl.data import DATASETS, Arrays, DataError, load_arrays, load_datasets
from torch_impl.models import NeuralNet
from torch_impl.training import Batches, choose_device, evaluate, seed_everything, train

__all__ = [
    "DATASETS",
    "Arrays",
    "Batches",
    "CheckpointError",
    "DataError",
    "NeuralNet",
    "choose_device",
    "evaluate",
    "load_arrays",
    "load_checkpoint",
    "load_datasets",
    "save_checkpoint",
    "seed_everything",
    "train",
]
