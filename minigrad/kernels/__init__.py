"""What convolution, pooling and batch normalisation compute on arrays: no tensor, no graph, NumPy alone.

Each computation stands here twice: as the plain loop that says what it is, and as the fast kernel that says the same
in a few large NumPy calls. Tests hold the two to one result. ``with minigrad.reference_kernels():`` lets the plain
loops compute, so that a debugger can step through them. The rules that call the kernels are in ``minigrad/ops``.
"""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from types import TracebackType

__all__ = ["kernel_mode", "reference_kernels"]


class _KernelMode(threading.local):
    """Which kernels compute. Every thread starts with its own switch, the fast kernels on."""

    reference = False  # True: the plain loops


kernel_mode = _KernelMode()


class reference_kernels(ContextDecorator):
    """Inside, the plain loops compute instead of the fast kernels. A context manager and a decorator, for this thread.

    A backward pass computes with what is on while it runs, whatever was on in its forward pass.
    """

    def __enter__(self) -> None:
        self.previous = kernel_mode.reference
        kernel_mode.reference = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        kernel_mode.reference = self.previous

    def _recreate_cm(self) -> reference_kernels:
        return type(self)()  # one object a call, so that a recursive function nests
