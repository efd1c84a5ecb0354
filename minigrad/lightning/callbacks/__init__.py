"""Callbacks: what is done around a training, whatever the module."""

from minigrad.lightning.callbacks.callback import Callback
from minigrad.lightning.callbacks.early_stopping import EarlyStopping
from minigrad.lightning.callbacks.model_checkpoint import ModelCheckpoint
from minigrad.lightning.callbacks.progress import ProgressBar

__all__ = ["Callback", "EarlyStopping", "ModelCheckpoint", "ProgressBar"]
