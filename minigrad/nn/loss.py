"""Losses as modules. ``reduction`` is "mean", "sum" or "none"; the formulas are told with the functions of one name.

Each is PyTorch's ``torch.nn`` class of the same name.
"""

from __future__ import annotations

from minigrad.nn import functional
from minigrad.nn.module import Module
from minigrad.ops.losses import legacy_reduction
from minigrad.tensor import Tensor

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss"]
__all__ += ["HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss", "NLLLoss"]
__all__ += ["PairwiseDistance", "SmoothL1Loss", "TripletMarginLoss"]


class MSELoss(Module):
    """(x - y)². Shapes: (...), (...) -> (), or (...) with reduction "none".

    Errors: :func:`functional.mse_loss`.

    >>> minigrad.nn.MSELoss()(minigrad.tensor([1.0, 2.0]), minigrad.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Module):
    """``|x - y|``. Shapes: (...), (...) -> (), or (...) with reduction "none".

    Errors: :func:`functional.l1_loss`.
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Module):
    """(x - y)² / (2 beta) where they are nearer than ``beta``, else ``|x - y|`` - beta/2. Source: Girshick, "Fast
    R-CNN", 2015.

    Shapes: (...), (...) -> (), or (...) with reduction "none". Errors: :func:`functional.smooth_l1_loss`.
    """

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.smooth_l1_loss(input, target, beta=self.beta, reduction=self.reduction)


class HuberLoss(Module):
    """(x - y)² / 2 where nearer than ``delta``, else delta (``|x - y|`` - delta/2). Source: Huber, 1964.

    Shapes: (...), (...) -> (), or (...) with reduction "none". Errors: :func:`functional.huber_loss`.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__()
        self.reduction = reduction
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.huber_loss(input, target, delta=self.delta, reduction=self.reduction)


class KLDivLoss(Module):
    """y (ln y - x), the divergence of exp(x) from y; "batchmean" is its definition. Shapes: (...), (...) -> ().

    Source: Kullback & Leibler, 1951. Errors: :func:`functional.kl_div`.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.kl_div(input, target, log_target=self.log_target, reduction=self.reduction)


class HingeEmbeddingLoss(Module):
    """x where the target is 1, max(0, margin - x) where it is -1. Shapes: (...), (...) -> ().

    Errors: :func:`functional.hinge_embedding_loss`.
    """

    def __init__(
        self, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Module):
    """max(0, -y (x1 - x2) + margin). Shapes: (N,), (N,), (N,) -> ().

    Errors: :func:`functional.margin_ranking_loss`.
    """

    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return functional.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Module):
    """1 - cos(x1, x2) where y is 1, max(0, cos - margin) where it is -1. Shapes: (N, D), (N, D), (N,) -> ().

    Errors: :func:`functional.cosine_embedding_loss`.
    """

    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return functional.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class BCELoss(Module):
    """-(y ln x + (1 - y) ln(1 - x)) of probabilities x, times ``weight``. Shapes: (...), (...) -> ().

    Errors: :func:`functional.binary_cross_entropy`.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction = legacy_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Module):
    """:class:`BCELoss` of sigmoid(x), without overflow; ``pos_weight`` weighs the target's ones.

    Errors: :func:`functional.binary_cross_entropy_with_logits`.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = legacy_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class TripletMarginLoss(Module):
    """``max(0, |anchor - positive| - |anchor - negative| + margin)``. Shapes: (N, D) three times -> ().

    Source: Balntas et al., 2016.

    Raises:
        ValueError: ``margin`` is not positive.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-06,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap
        self.reduction = legacy_reduction(size_average, reduce, reduction)

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return functional.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class CosineSimilarity(Module):
    """``x1 · x2 / (|x1| |x2|)`` along ``dim``. Shapes: (..., D, ...), (..., D, ...) -> (..., ...).

    Errors: :func:`functional.cosine_similarity`.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-08) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The ``p``-norm of x1 - x2 + eps over the last dimension. Shapes: (N, D), (N, D) -> (N,)."""

    def __init__(self, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class NLLLoss(Module):
    """-x[n, target[n]], averaged over the samples n: the negative log-likelihood of log-probabilities x.

    Shapes: x (N, C), target (N,) of classes -> (). ``weight`` (C,) weighs the classes; samples of class
    ``ignore_index`` do not count. Counterpart: ``torch.nn.NLLLoss``. Errors: :func:`functional.nll_loss`.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = legacy_reduction(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(NLLLoss):
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
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, ignore_index, reduce, reduction)
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
