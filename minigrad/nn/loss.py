"""Losses as modules: cross-entropy, negative log-likelihood, mean squared error."""

from __future__ import annotations

from minigrad.nn import functional
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

__all__ = ["CrossEntropyLoss", "MSELoss", "NLLLoss"]


class MSELoss(Module):
    """The mean of (x - y)², or their sum, or each (``reduction`` "mean", "sum", "none"). Shapes: (*), (*) -> ().

    Counterpart: ``torch.nn.MSELoss``.
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(input, target, reduction=self.reduction)


class NLLLoss(Module):
    """-x[n, target[n]], averaged over the samples n: the negative log-likelihood of log-probabilities x.

    Shapes: x (N, C), target (N,) of classes -> (). ``weight`` (C,) weighs the classes; samples of class
    ``ignore_index`` do not count. Counterpart: ``torch.nn.NLLLoss``.
    """

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(NLLLoss):
    """-ln softmax(x)[n, target[n]], averaged over the samples n. Shapes and arguments: those of :class:`NLLLoss`.

    x are scores ("logits"), not probabilities. Counterpart: ``torch.nn.CrossEntropyLoss``, for targets that are
    classes of two-dimensional scores, without label smoothing.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction)
