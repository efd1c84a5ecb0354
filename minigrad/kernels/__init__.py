"""What convolution, pooling and batch normalisation compute on arrays: no tensor, no graph, NumPy alone.

Each computation stands here twice: as the plain loop that says what it is, and as the fast kernel that says the same
in a few large NumPy calls. Tests hold the two to one result. ``with minigrad.reference_kernels():`` lets the plain
loops compute, so that a debugger can step through them. The rules that call the kernels are in ``minigrad/ops``.
"""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from types import TracebackType

__all__ = ["kernel_mode", "large_winograd_tiles", "reference_kernels"]


class _KernelMode(threading.local):
    """Which kernels compute. Every thread starts with its own switch, the fast kernels on."""

    reference = False  # True: the plain loops
    large_winograd_tiles = False  # True: 3x3 convolutions in tiles of 4x4 outputs (see winograd.py)


kernel_mode = _KernelMode()


class reference_kernels(ContextDecorator):
    """Inside, the plain loops compute instead of the fast kernels. A context manager and a decorator, for this thread.

    A backward pass computes with what is on while it runs, whatever was on in its forward pass.
    """

    attribute = "reference"

    def __enter__(self) -> None:
        self.previous = getattr(kernel_mode, self.attribute)
        setattr(kernel_mode, self.attribute, True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        setattr(kernel_mode, self.attribute, self.previous)

    def _recreate_cm(self) -> reference_kernels:
        return type(self)()  # one object a call, so that a recursive function nests


class large_winograd_tiles(reference_kernels):
    """Inside, 3x3 convolutions compute in tiles of 4x4 outputs, F(4,3): fewer multiplications, one digit less.

    Their float32 results err by about 1e-5 relative to the largest, where F(2,3) and the plain loops err by 1e-6.
    """

    attribute = "large_winograd_tiles"
