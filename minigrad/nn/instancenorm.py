"""Normalisation of each sample's channels alone. Over a batch: ``batchnorm.py``."""

from __future__ import annotations

from typing import Any

from minigrad.caller import warn_user
from minigrad.nn import functional
from minigrad.nn.batchnorm import _NormBase
from minigrad.tensor import Tensor

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(_NormBase):
    """What :class:`InstanceNorm1d`, ``2d`` and ``3d`` share: all but the number of dimensions."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        dim = input.ndim - self.dims[0]
        if input.shape[dim] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features ({self.num_features}), but got: "
                    f"{input.shape[dim]}."
                )
            warn_user(
                f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing "
                f"in num_features, which is not used because affine=False"
            )
        statistics = (self.running_mean, self.running_var, self.weight, self.bias)
        of_input = self.training or not self.track_running_stats
        samples = input.unsqueeze(0) if dim == 0 else input
        result = functional.instance_norm(samples, *statistics, of_input, self.momentum or 0.0, self.eps)
        return result.squeeze(0) if dim == 0 else result


class InstanceNorm1d(_InstanceNorm):
    """(x - mean) / √(variance + eps) · weight + bias, for each channel of each sample. Source: Ulyanov et al., 2016.

    Mean and biased variance are the sample's own, in evaluation too, unless ``track_running_stats``: then the running
    ones are moved towards the samples' mean in training, as in :class:`BatchNorm1d`, and used in evaluation. ``weight``
    and ``bias`` (C,), first 1 and 0, are there where ``affine`` is true.

    Shapes: (N, C, L) or (C, L), the same out.

    Raises:
        ValueError: from forward, where x has another number of dimensions or, with ``affine``, of channels; or a
            channel has one value only.
    """

    dims = (2, 3)
    dims_in_words = "2D or 3D"


class InstanceNorm2d(_InstanceNorm):
    """:class:`InstanceNorm1d` of images. Shapes: (N, C, H, W) or (C, H, W), the same out.

    >>> layer = minigrad.nn.InstanceNorm2d(8)
    >>> layer(minigrad.rand(4, 8, 5, 5)).mean(dim=(2, 3)).abs().max() < 1e-5
    tensor(True)
    """

    dims = (3, 4)
    dims_in_words = "3D or 4D"


class InstanceNorm3d(_InstanceNorm):
    """:class:`InstanceNorm1d` of volumes. Shapes: (N, C, D, H, W) or (C, D, H, W), the same out."""

    dims = (4, 5)
    dims_in_words = "4D or 5D"
