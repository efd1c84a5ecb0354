"""Lightning's idea in NumPy: a module says what is done with a batch, a Trainer runs the loops around it.

``import minigrad.lightning as pl`` stands for ``import lightning.pytorch as pl``. Begin with ``fit_loop.py``, the loop
that everybody writes, with the hooks put in; then ``module.py``, ``hooks.py``, ``evaluation_loop.py``, ``trainer.py``.

What is there: ``fit``, ``validate``, ``test`` and ``predict`` on one CPU, logging, accumulation, clipping, schedules,
callbacks, checkpoints that go on from where they were written. What is not is refused by the argument that asks for it.

Source: https://lightning.ai/docs/pytorch/stable/
"""

from minigrad.lightning import callbacks, loggers
from minigrad.lightning.callbacks import Callback
from minigrad.lightning.datamodule import LightningDataModule
from minigrad.lightning.module import LightningModule
from minigrad.lightning.seeds import seed_everything
from minigrad.lightning.trainer import Trainer

__all__ = ["Callback", "LightningDataModule", "LightningModule", "Trainer", "callbacks", "loggers", "seed_everything"]
