"""Normalisation of channels over a batch, alone or in groups. Of each sample alone: ``instancenorm.py``.

Normalisation over the last dimensions: ``normalization.py``.
"""

from __future__ import annotations

from typing import Any

from minigrad.creation import empty, ones, tensor, zeros
from minigrad.dtypes import int64
from minigrad.nn import functional
from minigrad.nn.normalization import _Affine
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm"]


class _NormBase(_Affine):
    """What layers share that normalise channels: the parameters, the running statistics, and how many dimensions."""

    _version = 2  # since 2 the state has ``num_batches_tracked``
    dims: tuple[int, ...] = ()  # how many dimensions an input may have
    dims_in_words = ""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        options = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(num_features, **options)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_features, **options)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features, **options) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, **options) if track_running_stats else None)
        count = tensor(0, dtype=int64) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the count of batches to 0."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Reset the running statistics, and set the weight to 1 and the bias to 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *others: Any
    ) -> None:
        key = f"{prefix}num_batches_tracked"
        is_old = (local_metadata.get("version") or 1) < 2
        if is_old and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = tensor(0, dtype=int64) if count is None else count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *others)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in self.dims:
            raise ValueError(f"expected {self.dims_in_words} input (got {input.ndim}D input)")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """What :class:`BatchNorm1d`, ``2d`` and ``3d`` share: all but the number of dimensions."""

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                factor = 1.0 / float(self.num_batches_tracked)
        has_running = self.running_mean is not None or self.running_var is not None
        of_batch = self.training or not has_running
        tracked = not self.training or self.track_running_stats
        mean, variance = (self.running_mean, self.running_var) if tracked else (None, None)
        return functional.batch_norm(input, mean, variance, self.weight, self.bias, of_batch, factor, self.eps)


class BatchNorm1d(_BatchNorm):
    """(x - mean) / √(variance + eps) · weight + bias, channel by channel. Source: Ioffe & Szegedy, 2015.

    In training the mean and the biased variance are those of the batch, and the running ones are moved towards them:
    running = (1 - momentum) · running + momentum · new, the new variance unbiased; ``momentum`` None averages all
    batches alike. In evaluation the running ones are used, or, without ``track_running_stats``, the batch's.

    Shapes: (N, C) or (N, C, L), the same out. ``weight`` and ``bias`` (C,), first 1 and 0, are there where ``affine``
    is true, the bias unless ``bias`` is false.

    Raises:
        ValueError: from forward, where x has another number of dimensions, or in training one value a channel.
        RuntimeError: from forward, where x has another number of channels or another type.
    """

    dims = (2, 3)
    dims_in_words = "2D or 3D"


class BatchNorm2d(_BatchNorm):
    """:class:`BatchNorm1d` of images. Shapes: (N, C, H, W), the same out.

    >>> layer = minigrad.nn.BatchNorm2d(8)
    >>> layer(minigrad.rand(4, 8, 5, 5)).mean(dim=(0, 2, 3)).abs().max() < 1e-5
    tensor(True)
    """

    dims = (4,)
    dims_in_words = "4D"


class BatchNorm3d(_BatchNorm):
    """:class:`BatchNorm1d` of volumes. Shapes: (N, C, D, H, W), the same out."""

    dims = (5,)
    dims_in_words = "5D"


class GroupNorm(_Affine):
    """(x - mean) / √(variance + eps) · weight + bias, over each sample's groups of channels. Source: Wu & He, 2018.

    Shapes: (N, C, ...), the same out; ``weight`` and ``bias`` (C,), first 1 and 0, are there where ``affine`` is true,
    the bias unless ``bias`` is false. Training or evaluation is the same.

    Raises:
        ValueError: the channels do not divide into the groups.
        RuntimeError: from forward, where x has another number of channels.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-05,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        options = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(num_channels, **options)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_channels, **options)) if affine and bias else None)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        has_bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={has_bias}"
