"""PyTorch's private paths that programs import from: ``_utils.collate.default_collate``, ``_utils.worker``."""

import sys

from minigrad.utils.data import collate, worker

__path__: list[str] = []  # a package to Python, whose modules are those here
sys.modules |= {f"{__name__}.collate": collate, f"{__name__}.worker": worker}
