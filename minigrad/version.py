"""Which version this is: of PyTorch, whose behaviour minigrad has, and of minigrad.

Programs compare ``__version__`` with PyTorch's, so it is that, with minigrad's own as the local part, as a build for a
GPU says ``+cu130``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["__version__", "cuda", "debug", "hip", "minigrad"]

minigrad = "0.1.0"
cuda = hip = None  # it was built for no GPU
debug = False


class Version(str):
    """A version's text, in whose order 2.9 comes before 2.14. Counterpart: ``torch.torch_version.TorchVersion``."""

    def release(self) -> tuple[int, ...]:
        """The numbers before whatever follows them."""
        return release_of(self)

    def compared(self, by: Callable[[Any, Any], bool], other: Any) -> bool:
        """What a comparison gives; of an object that is neither text nor a tuple, that object decides."""
        return by(release_of(self), release_of(other)) if isinstance(other, Iterable) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self.compared(operator.lt, other)

    def __le__(self, other: Any) -> bool:
        return self.compared(operator.le, other)

    def __gt__(self, other: Any) -> bool:
        return self.compared(operator.gt, other)

    def __ge__(self, other: Any) -> bool:
        return self.compared(operator.ge, other)


def release_of(version: Any) -> tuple[int, ...]:
    """The first three numbers of a version, given as text or as a tuple; what is left out is 0."""
    numbers = re.findall(r"\d+", version.partition("+")[0]) if isinstance(version, str) else list(version)
    return tuple([int(each) for each in [*numbers, 0, 0, 0][:3]])


__version__ = Version(f"2.14.1+minigrad.{minigrad}")
