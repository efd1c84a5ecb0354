"""Parametrizations that come along: weights as direction and length, with a largest singular value of 1, orthogonal.

``parametrize.py`` has the mechanism.
"""

from __future__ import annotations

from typing import Any

from minigrad.creation import randn
from minigrad.graph.grad_mode import no_grad
from minigrad.nn.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minigrad.nn.functional import normalize
from minigrad.nn.module import Module
from minigrad.nn.utils.parametrize import register_parametrization
from minigrad.tensor import Tensor

__all__ = ["spectral_norm", "weight_norm"]


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The norm of each slice of ``v`` along ``dim``, in the other dimensions 1 long; -1: of all of it. Shape: ()."""
    if dim == -1:
        return v.norm()
    moved = v.movedim(dim, 0)
    return moved.reshape(len(moved), -1).norm(2, 1).view([-1 if each == dim else 1 for each in range(v.ndim)])


class _WeightNorm(Module):
    """weight = g · v / ‖v‖, from ``original0``, g, and ``original1``, v."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train a tensor as length g and direction v, one length a slice along ``dim``, or one for all where it is None.

    States that the older :func:`minigrad.nn.utils.weight_norm` saved are loaded too. Source: Salimans & Kingma, "Weight
    Normalization", 2016.

    Raises:
        ValueError: there is no such tensor.
    """

    def take_older_names(_: Module, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        if f"{prefix}{name}_g" in state_dict and f"{prefix}{name}_v" in state_dict:
            for number, part in enumerate("gv"):
                value = state_dict.pop(f"{prefix}{name}_{part}")
                state_dict[f"{prefix}parametrizations.{name}.original{number}"] = value

    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module.register_load_state_dict_pre_hook(take_older_names)
    return module


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """``weight`` with ``dim`` as the rows and all else as the columns."""
    return weight.movedim(dim, 0).flatten(1)


@no_grad()
def iterate(matrix: Tensor, u: Tensor, v: Tensor, eps: float, times: int) -> None:
    """Bring u (h,) and v (w,), in place, nearer to the first singular vectors of a matrix (h, w): u first."""
    for _ in range(times):
        u.copy_(normalize(matrix.mv(v), dim=0, eps=eps))
        v.copy_(normalize(matrix.t().mv(u), dim=0, eps=eps))


class _SpectralNorm(Module):
    """weight / σ, where σ = uᵀ W v; while training, u and v go on to W's first singular vectors."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        check_iterations(n_power_iterations)
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            for name, size in zip(("_u", "_v"), matrix.shape):
                self.register_buffer(name, normalize(randn(size, dtype=weight.dtype), dim=0, eps=eps))
            iterate(matrix, self._u, self._v, eps, 15)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix, self._u, self._v, self.eps, self.n_power_iterations)
        return weight / self._u.clone().dot(matrix.mv(self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def check_iterations(n_power_iterations: int) -> None:
    """Raise PyTorch's ValueError for a number that is not positive."""
    if n_power_iterations <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")


def default_dim(module: Module, dim: int | None) -> int:
    """The dimension of a layer's outputs in its weight, unless another is given."""
    return int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d))) if dim is None else dim


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a tensor by its largest singular value, with ``dim`` as the rows (default: that of the layer's outputs).

    The value is found by ``n_power_iterations`` of the power method at each use while training, from random vectors.
    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018.

    Raises:
        ValueError: there is no such tensor, or the number of iterations is not positive.
        IndexError: there is no such dimension.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    part = _SpectralNorm(weight, n_power_iterations, default_dim(module, dim), eps)
    return register_parametrization(module, name, part)
