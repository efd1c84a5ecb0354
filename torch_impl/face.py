"""The names of the package ``torch_impl``, imported when one is asked for."""

from torch_impl.checkpoint import CheckpointError, load_checkpoint, load_model, save_checkpoint
from torch_impl.data import DATASETS, Batches, DataError, ImageArrays, load_arrays, load_data, load_datasets
from torch_impl.models import NeuralNet
from torch_impl.networks import MODELS, build_model
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.seeds import choose_device, seed_everything
from torch_impl.training import evaluate, train
from torch_impl.weights import load_network

__all__ = [
    "DATASETS",
    "MODELS",
    "Batches",
    "CheckpointError",
    "DataError",
    "ImageArrays",
    "NeuralNet",
    "OptionError",
    "TrainingOptions",
    "build_model",
    "choose_device",
    "evaluate",
    "load_arrays",
    "load_checkpoint",
    "load_data",
    "load_datasets",
    "load_model",
    "load_network",
    "save_checkpoint",
    "seed_everything",
    "train",
]
