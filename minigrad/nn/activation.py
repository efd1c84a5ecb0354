"""Activations as modules: ReLU."""

from __future__ import annotations

from minigrad.nn import functional
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

__all__ = ["ReLU"]


class ReLU(Module):
    """y = max(x, 0), elementwise; the gradient at 0 is 0. ``inplace`` writes y into x. Shapes: any, the same out.

    Counterpart: ``torch.nn.ReLU``. Source: Nair & Hinton, "Rectified Linear Units Improve RBMs", 2010.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""
