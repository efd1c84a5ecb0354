"""Losses as modules. ``reduction`` is "mean", "sum" or "none"; the formulas are told with the functions of one name.

Each is PyTorch's ``torch.nn`` class of the same name. Losses of distance and margin: ``margin_loss.py``.
"""

from __future__ import annotations

from typing import Any

from minigrad.caller import warn_user
from minigrad.nn import functional
from minigrad.nn.layer import Layer
from minigrad.nn.module import Module
from minigrad.ops.losses import legacy_reduction
from minigrad.tensor import Tensor

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CrossEntropyLoss", "GaussianNLLLoss", "HuberLoss", "KLDivLoss"]
__all__ += ["L1Loss", "MSELoss", "NLLLoss", "NLLLoss2d", "PoissonNLLLoss", "SmoothL1Loss"]


Old = bool | None  # of an argument that older programs give


class _Loss(Module):
    """What losses share: ``reduction``, which older programs say by ``size_average`` and ``reduce``."""

    def __init__(self, size_average: Old = None, reduce: Old = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)


class _WeightedLoss(_Loss):
    """A loss whose elements, or classes, have a ``weight``."""

    def __init__(
        self, weight: Tensor | None = None, size_average: Old = None, reduce: Old = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """(x - y)². Shapes: (...), (...) -> (), or (...) with reduction "none".

    Errors: :func:`functional.mse_loss`.

    >>> minigrad.nn.MSELoss()(minigrad.tensor([1.0, 2.0]), minigrad.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def __init__(self, size_average: Old = None, reduce: Old = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """``|x - y|``. Shapes: (...), (...) -> (), or (...) with reduction "none".

    Errors: :func:`functional.l1_loss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """(x - y)² / (2 beta) where they are nearer than ``beta``, else ``|x - y|`` - beta/2. Source: Girshick, "Fast
    R-CNN", 2015.

    Shapes: (...), (...) -> (), or (...) with reduction "none". Errors: :func:`functional.smooth_l1_loss`.
    """

    def __init__(
        self, size_average: Old = None, reduce: Old = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.smooth_l1_loss(input, target, beta=self.beta, reduction=self.reduction)


class HuberLoss(Layer):
    """(x - y)² / 2 where nearer than ``delta``, else delta (``|x - y|`` - delta/2). Source: Huber, 1964.

    Shapes: (...), (...) -> (), or (...) with reduction "none". Errors: :func:`functional.huber_loss`.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction, delta=delta)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.huber_loss(input, target, delta=self.delta, reduction=self.reduction)


class KLDivLoss(_Loss):
    """y (ln y - x), the divergence of exp(x) from y; "batchmean" is its definition. Shapes: (...), (...) -> ().

    Source: Kullback & Leibler, 1951. Errors: :func:`functional.kl_div`.
    """

    def __init__(
        self, size_average: Old = None, reduce: Old = None, reduction: str = "mean", log_target: bool = False
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.kl_div(input, target, log_target=self.log_target, reduction=self.reduction)


class BCELoss(_WeightedLoss):
    """-(y ln x + (1 - y) ln(1 - x)) of probabilities x, times ``weight``. Shapes: (...), (...) -> ().

    Errors: :func:`functional.binary_cross_entropy`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """:class:`BCELoss` of sigmoid(x), without overflow; ``pos_weight`` weighs the target's ones.

    Errors: :func:`functional.binary_cross_entropy_with_logits`.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Old = None,
        reduce: Old = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class NLLLoss(_WeightedLoss):
    """-x[n, target[n]], averaged over the samples n: the negative log-likelihood of log-probabilities x.

    Shapes: x (N, C), target (N,) of classes -> (). ``weight`` (C,) weighs the classes; samples of class
    ``ignore_index`` do not count. Counterpart: ``torch.nn.NLLLoss``. Errors: :func:`functional.nll_loss`.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Old = None,
        ignore_index: int = -100,
        reduce: Old = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """-ln softmax(x)[n, target[n]], averaged over the samples n. x are scores ("logits"), not probabilities.

    Shapes: x (N, C, ...) or (C,), target (N, ...) or () of classes, or of x's shape of probabilities -> ().
    ``label_smoothing`` mixes the target with equal probabilities (Szegedy et al., 2015); the other arguments are those
    of :class:`NLLLoss`. Errors: :func:`functional.cross_entropy`.

    >>> scores = minigrad.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> minigrad.nn.CrossEntropyLoss()(scores, minigrad.tensor([0, 0]))
    tensor(1.1269)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Old = None,
        ignore_index: int = -100,
        reduce: Old = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss2d(NLLLoss):
    """:class:`NLLLoss` by its older name, which warns. Shapes: x (N, C, H, W), target (N, H, W) -> ()."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Old = None,
        ignore_index: int = -100,
        reduce: Old = None,
        reduction: str = "mean",
    ) -> None:
        warn_user(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement.", FutureWarning
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class PoissonNLLLoss(_Loss):
    """e^x - y x, the negative log-likelihood of counts y under a Poisson distribution of mean e^x.

    Shapes: (...), (...) -> (). Errors: :func:`functional.poisson_nll_loss`.
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: Old = None,
        eps: float = 1e-08,
        reduce: Old = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        options = (self.log_input, self.full, None, self.eps, None, self.reduction)
        return functional.poisson_nll_loss(log_input, target, *options)


class GaussianNLLLoss(Layer):
    """(ln var + (x - y)² / var) / 2, the negative log-likelihood of y under a normal distribution of mean x.

    Shapes: (...), (...), (...) -> (). Source: Nix & Weigend, 1994. Errors: :func:`functional.gaussian_nll_loss`.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-06, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction, full=full, eps=eps)

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return functional.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class CTCLoss(Layer):
    """-ln of the probability of all ways to spell the target over time, with blanks and repetitions.

    Shapes: log_probs (T, N, C), targets (N, S) or one after the other, lengths (N,) -> (). Source: Graves et al.,
    "Connectionist Temporal Classification", 2006. Errors: :func:`functional.ctc_loss`.
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction, blank=blank, zero_infinity=zero_infinity)

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        options = (self.blank, self.reduction, self.zero_infinity)
        return functional.ctc_loss(log_probs, targets, input_lengths, target_lengths, *options)
