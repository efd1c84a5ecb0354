"""Activations as modules. Shapes: any, the same out, unless said otherwise. ``inplace`` writes into the input.

Each is PyTorch's ``torch.nn`` class of the same name. The formulas and what happens at kinks: ``ops/activation.py``.
"""

from __future__ import annotations

from typing import Any

from minigrad.caller import warn_user
from minigrad.creation import empty
from minigrad.nn import functional
from minigrad.nn.layer import Layer
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU"]
__all__ += ["LogSigmoid", "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax"]
__all__ += ["Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold"]


class ReLU(Module):
    """max(x, 0). At 0 the gradient is 0. Source: Nair & Hinton, 2010. Shapes: any, the same out.

    >>> minigrad.nn.ReLU()(minigrad.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class _Activation(Layer):
    """An activation that may write into its input: of ``inplace`` it tells only where it does."""

    def extra_repr(self) -> str:
        return ", ".join([each for each in (super().extra_repr(), "inplace=True" if self.inplace else "") if each])


class _Plain(_Activation):
    """One without further options."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class LeakyReLU(_Activation):
    """x where x > 0, else ``negative_slope * x``. Shapes: any, the same out. Source: Maas et al., 2013."""

    shown = "negative_slope"

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.leaky_relu(input, self.negative_slope, self.inplace)


class RReLU(_Activation):
    """x where x > 0, else slope · x: in training a slope for each, drawn from [lower, upper), else their mean.

    Shapes: any, the same out. Source: Xu et al., 2015. Errors: :func:`functional.rrelu`.
    """

    shown = "lower upper"

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(lower=lower, upper=upper, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class ELU(_Activation):
    """x where x > 0, else ``alpha * (exp(x) - 1)``. Source: Clevert et al., 2015. Shapes: any, the same out."""

    shown = "alpha"

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.elu(input, self.alpha, self.inplace)


class SELU(_Plain):
    """ELU with the scale and alpha that keep mean 0 and variance 1. Source: Klambauer et al., 2017.

    Shapes: any, the same out.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.selu(input, self.inplace)


class CELU(_Activation):
    """x where x > 0, else ``alpha * (exp(x / alpha) - 1)``. Source: Barron, 2017. Shapes: any, the same out."""

    shown = "alpha"

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.celu(input, self.alpha, self.inplace)


class GELU(Layer):
    """x Φ(x), Φ the normal distribution function; ``approximate`` 'tanh' a nearby formula. Shapes: any, the same out.

    Source: Hendrycks & Gimpel, 2016.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__(approximate=approximate)

    def forward(self, input: Tensor) -> Tensor:
        return functional.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(_Plain):
    """x · sigmoid(x). Source: Elfwing et al., 2017. Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.silu(input, self.inplace)


class Mish(_Plain):
    """x · tanh(softplus(x)). Source: Misra, 2019. Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.mish(input, self.inplace)


class Hardtanh(_Activation):
    """min(max(x, ``min_val``), ``max_val``). Shapes: any, the same out.

    Raises:
        AssertionError: ``max_val`` is not above ``min_val``.
    """

    shown = "min_val max_val"

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        for old, new, value in (("min_value", "min_val", min_value), ("max_value", "max_val", max_value)):
            if value is not None:
                warn_user(f"keyword argument `{old}` is deprecated and rename to `{new}`", FutureWarning)
        min_val = min_val if min_value is None else min_value
        max_val = max_val if max_value is None else max_value
        if min_val >= max_val:
            raise AssertionError(f"max_val must be larger than min_val: {max_val}, {min_val}")
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    """min(max(x, 0), 6). Shapes: any, the same out. Source: Krizhevsky, 2010."""

    shown = ""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.relu6(input, self.inplace)


class Hardswish(Layer):
    """x · relu6(x + 3) / 6. Source: Howard et al., 2019. Shapes: any, the same out."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardswish(input, self.inplace)


class Hardsigmoid(Layer):
    """relu6(x + 3) / 6. Shapes: any, the same out. Source: Howard et al., 2019."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardsigmoid(input, self.inplace)


class Sigmoid(Module):
    """1 / (1 + exp(-x)). Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class Tanh(Module):
    """The hyperbolic tangent. Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class Softplus(Layer):
    """ln(1 + exp(beta · x)) / beta, x itself where beta · x is above ``threshold``. Shapes: any, the same out.

    Source: Dugas et al., 2000.
    """

    shown = "beta threshold"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)

    def forward(self, input: Tensor) -> Tensor:
        return functional.softplus(input, self.beta, self.threshold)


class Softsign(Module):
    """``x / (1 + |x|)``. Source: Turian et al., 2009. Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softsign(input)


class LogSigmoid(Module):
    """ln(sigmoid(x)). Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.logsigmoid(input)


class Tanhshrink(Module):
    """x - tanh(x). Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.tanhshrink(input)


class _Shrink(Layer):
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(_Shrink):
    """x moved towards 0 by ``lambd``, 0 where it is nearer. Shapes: any, the same out.

    Source: Donoho & Johnstone, 1994.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.softshrink(input, self.lambd)


class Hardshrink(_Shrink):
    """x where ``|x|`` > ``lambd``, else 0. Source: Donoho & Johnstone, 1994. Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardshrink(input, self.lambd)


class Threshold(_Activation):
    """x where x > ``threshold``, else ``value``. Shapes: any, the same out."""

    shown = "threshold value"

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(threshold=threshold, value=value, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return functional.threshold(input, self.threshold, self.value, self.inplace)


class GLU(Layer):
    """a · sigmoid(b), a and b the halves of x along ``dim``. Source: Dauphin et al., 2016.

    Shapes: (..., 2 n, ...) -> (..., n, ...).
    """

    shown = "dim"

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim=dim)

    def forward(self, input: Tensor) -> Tensor:
        return functional.glu(input, self.dim)


class _Softmax(Layer):
    shown = "dim"

    def __init__(self, dim: int | None = None) -> None:
        if dim is not None and (not isinstance(dim, int) or isinstance(dim, bool)):
            raise TypeError(f"dim must be an int or None, got {type(dim)}")
        super().__init__(dim=dim)


class Softmax(_Softmax):
    """exp(x) divided by its sum along ``dim``. Shapes: any, the same out. Source: Bridle, 1990."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softmax(input, self.dim)


class Softmin(Layer):
    """softmax(-x) along ``dim``. Shapes: any, the same out."""

    shown = "dim"

    def __init__(self, dim: int | None = None) -> None:
        super().__init__(dim=dim)

    def forward(self, input: Tensor) -> Tensor:
        return functional.softmin(input, self.dim)


class Softmax2d(Module):
    """:class:`Softmax` over the channels of each place. Shapes: (N, C, H, W) or (C, H, W), the same out.

    Source: Bridle, 1990.

    Raises:
        ValueError: from forward, where x has other than three or four dimensions.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return functional.softmax(input, -3)


class LogSoftmax(_Softmax):
    """The logarithm of softmax along ``dim``, computed without overflow. Shapes: any, the same out."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.log_softmax(input, self.dim)


class PReLU(Layer):
    """x where x > 0, else ``weight * x``, the weight learned: one, or one a channel, dimension 1.

    Shapes: any, the same out. ``weight`` (num_parameters,) begins as ``init``. Source: He et al., 2015.
    """

    shown = "num_parameters"

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__(num_parameters=num_parameters, init=init)
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to ``init``."""
        self.weight.data.fill_(self.init)

    def forward(self, input: Tensor) -> Tensor:
        return functional.prelu(input, self.weight)
