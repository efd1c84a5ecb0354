"""What convolution, pooling, batch normalisation and recurrence compute on arrays: no tensor, no graph, NumPy alone.

Each computation stands here twice: as the plain loop that says what it is, and as the fast kernel that says the same
in a few large NumPy calls. Tests hold the two to one result. ``with minigrad.reference_kernels():`` lets the plain
loops compute, so that a debugger can step through them. The rules that call the kernels are in ``minigrad/ops``.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar
from types import TracebackType
from typing import NamedTuple

__all__ = ["kernel_mode", "large_winograd_tiles", "reference_kernels"]


class KernelMode(NamedTuple):
    """Which kernels compute."""

    reference: bool = False  # True: the plain loops
    large_winograd_tiles: bool = False  # True: 3x3 convolutions in tiles of 4x4 outputs (see winograd.py)


# Every thread starts with the fast kernels; threads that help another compute as that one does.
FAST = KernelMode()
kernel_mode: ContextVar[KernelMode] = ContextVar("kernel mode", default=FAST)


class reference_kernels(ContextDecorator):
    """Inside, the plain loops compute instead of the fast kernels. A context manager and a decorator, for this thread.

    A backward pass computes with what is on while it runs, whatever was on in its forward pass. PyTorch has no
    counterpart.
    """

    attribute = "reference"

    def __init__(self) -> None:
        self.previous: list[KernelMode] = []  # one for each time that it was entered and not left

    def __enter__(self) -> None:
        self.previous.append(kernel_mode.get())
        try:
            kernel_mode.set(kernel_mode.get()._replace(**{self.attribute: True}))
        except BaseException:  # Ctrl-C may come when it is set, and then nobody leaves what was not quite entered
            kernel_mode.set(self.previous.pop())
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        kernel_mode.set(self.previous.pop())

    def _recreate_cm(self) -> reference_kernels:
        return type(self)()  # one object a call, so that a recursive function nests


class large_winograd_tiles(reference_kernels):
    """Inside, 3x3 convolutions compute in tiles of 4x4 outputs, F(4,3): fewer multiplications, one digit less.

    Their float32 results err by about 1e-5 relative to the largest, where F(2,3) and the plain loops err by 1e-6.
    """

    attribute = "large_winograd_tiles"
