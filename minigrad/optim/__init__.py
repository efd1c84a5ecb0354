"""Optimizers: what changes the parameters once their gradients are there. One file an optimizer."""

from minigrad.optim.adam import Adam
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
