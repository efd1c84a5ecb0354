"""``seed_everything``: one seed for all generators of random numbers."""

from __future__ import annotations

import random

import numpy as np

from minigrad.random import manual_seed

__all__ = ["seed_everything"]


def seed_everything(seed: int, workers: bool = False) -> int:
    """Seed Python's, NumPy's and minigrad's numbers, the last as ``torch.manual_seed`` does. Returns ``seed``.

    Counterpart: ``lightning.pytorch.seed_everything``.

    Args:
        seed: 0 up to 2³² - 1.
        workers: seed those of loaders too, of which there are none.

    Raises:
        ValueError: the seed is beyond that.

    Counterpart: ``lightning.pytorch.seed_everything``.

    >>> minigrad.lightning.seed_everything(0)
    0
    >>> minigrad.rand(1)
    tensor([0.4963])
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"{seed} is not in bounds, seed_everything() takes numbers from 0 to {2**32 - 1}")
    random.seed(seed)
    np.random.seed(seed)
    manual_seed(seed)
    return seed
