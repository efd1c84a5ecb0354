"""Lazy layers: they take the size of their input from the first one, and are then the plain layers.

Until then their parameters are uninitialized ones of ``parameter.py``. What a layer computes is told where the plain
one is; here is only how it comes by its sizes.
"""

from __future__ import annotations

from typing import Any

from minigrad import dtypes
from minigrad.creation import tensor
from minigrad.dtypes import int64
from minigrad.nn import convolution
from minigrad.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _NormBase
from minigrad.nn.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from minigrad.tensor import Tensor

__all__ = ["LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d"]
__all__ += ["LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyInstanceNorm1d"]
__all__ += ["LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear"]


class LazyModuleMixin(Module):
    """What stands before a layer among the bases of its lazy class: ``class LazyLinear(LazyModuleMixin, Linear)``.

    Before the first forward it calls ``initialize_parameters`` with that one's arguments. The numbers of initial
    weights are drawn then, so a network begins with other ones than if its layers had been told their sizes.

    Raises:
        NotImplementedError: from the first forward, where the class does not say how its parameters are initialized.
        RuntimeError: from there too, where parameters are left uninitialized.

    Counterpart: ``torch.nn.modules.lazy.LazyModuleMixin``.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(LazyModuleMixin._infer_parameters, with_kwargs=True)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, each in self._state().items():
            destination[f"{prefix}{name}"] = each if keep_vars or is_lazy(each) else each.detach()

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize every uninitialized parameter and buffer, and fill them.

        Raises:
            NotImplementedError: the class does not say how.
        """
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(each) for each in (*self._parameters.values(), *self._buffers.values()))

    def _infer_parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before the first forward: initialize the parameters, and be a lazy module no longer."""
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {type(self).__name__} has not been fully initialized")
        self._initialize_hook.remove()
        del self._initialize_hook
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become  # type: ignore[assignment]


class _Lazy(LazyModuleMixin):
    """What the lazy layers here share: the first input tells the size ``inferred``, and so those of weight and bias."""

    inferred: str
    weight: Any
    bias: Any

    def _leave_open(self, device: Any, dtype: dtypes.dtype | None, weight: bool, bias: bool) -> None:
        """Hold uninitialized parameters where weight and bias are wanted."""
        if weight:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Give weight and bias their first values anew, once their shapes are known."""
        if not self.has_uninitialized_params() and getattr(self, self.inferred) != 0:
            super().reset_parameters()  # type: ignore[misc]


class LazyLinear(_Lazy, Linear):
    """:class:`Linear`, whose ``in_features`` is the last size of its first input.

    Raises:
        AssertionError: from the first forward, where the input does not fit a weight that was loaded before.

    >>> network = minigrad.nn.Sequential(minigrad.nn.Flatten(), minigrad.nn.LazyLinear(10))
    >>> network(minigrad.ones(5, 1, 8, 8)).shape
    minigrad.Size([5, 10])
    >>> network[1]
    Linear(in_features=64, out_features=10, bias=True)
    """

    cls_to_become = Linear
    inferred = "in_features"

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: dtypes.dtype | None = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self._leave_open(device, dtype, weight=True, bias=bias)

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Take ``in_features`` from the input.

        Raises:
            AssertionError: it does not fit a weight that was loaded before.
        """
        features = input.shape[-1]
        if self.has_uninitialized_params():
            self.in_features = features
            self.weight.materialize((self.out_features, features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        if self.in_features == 0:  # the weight was loaded
            if features != self.weight.shape[-1]:
                raise AssertionError(
                    f"The in_features inferred from input: {features} is not equal to in_features from self.weight: "
                    f"{self.weight.shape[-1]}"
                )
            self.in_features = features


class LazyConvolution(_Lazy, convolution.Convolution):
    """What all lazy convolutional layers share: ``in_channels`` is how many channels the first input has."""

    inferred = "in_channels"

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take ``in_channels`` from the input.

        Raises:
            RuntimeError: it has another number of dimensions.
            ValueError: the groups do not divide its channels.
        """
        if not self.has_uninitialized_params():
            return
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise RuntimeError(
                f"Expected {self.dims + 1}D (unbatched) or {self.dims + 2}D (batched) input to {type(self).__name__}, "
                f"but got input of size: {input.shape}"
            )
        self.in_channels = input.shape[-self.dims - 1]
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        ends = (self.out_channels, self.in_channels // self.groups)
        if self.transposed:
            ends = (self.in_channels, self.out_channels // self.groups)
        self.weight.materialize((*ends, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class LazyForwardConvolution(LazyConvolution):
    """What :class:`LazyConv1d`, ``2d`` and ``3d`` take."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ) -> None:
        LazyModuleMixin.__init__(self, 0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self.out_channels = out_channels
        self._leave_open(device, dtype, weight=True, bias=bias)


class LazyTransposedConvolution(LazyConvolution):
    """What :class:`LazyConvTranspose1d`, ``2d`` and ``3d`` take."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ) -> None:
        steps = (kernel_size, stride, padding, output_padding)
        LazyModuleMixin.__init__(self, 0, 0, *steps, groups, False, dilation, padding_mode)
        self.out_channels = out_channels
        self._leave_open(device, dtype, weight=True, bias=bias)


class LazyConv1d(LazyForwardConvolution, convolution.Conv1d):
    """:class:`Conv1d`, whose ``in_channels`` is how many channels its first input has."""

    cls_to_become = convolution.Conv1d


class LazyConv2d(LazyForwardConvolution, convolution.Conv2d):
    """:class:`Conv2d`, whose ``in_channels`` is how many channels its first input has."""

    cls_to_become = convolution.Conv2d


class LazyConv3d(LazyForwardConvolution, convolution.Conv3d):
    """:class:`Conv3d`, whose ``in_channels`` is how many channels its first input has."""

    cls_to_become = convolution.Conv3d


class LazyConvTranspose1d(LazyTransposedConvolution, convolution.ConvTranspose1d):
    """:class:`ConvTranspose1d`, whose ``in_channels`` is how many channels its first input has."""

    cls_to_become = convolution.ConvTranspose1d


class LazyConvTranspose2d(LazyTransposedConvolution, convolution.ConvTranspose2d):
    """:class:`ConvTranspose2d`, whose ``in_channels`` is how many channels its first input has."""

    cls_to_become = convolution.ConvTranspose2d


class LazyConvTranspose3d(LazyTransposedConvolution, convolution.ConvTranspose3d):
    """:class:`ConvTranspose3d`, whose ``in_channels`` is how many channels its first input has."""

    cls_to_become = convolution.ConvTranspose3d


class LazyNorm(_Lazy, _NormBase):
    """What all lazy layers share that normalise channels: ``num_features`` is how many the first input has."""

    inferred = "num_features"

    def __init__(
        self,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._leave_open(device, dtype, weight=affine, bias=affine and bias)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0, dtype=int64)

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Take ``num_features`` from the input."""
        if self.has_uninitialized_params():
            self.num_features = input.shape[1]
            for each in (self.weight, self.bias, self.running_mean, self.running_var):
                if each is not None:
                    each.materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(LazyNorm, BatchNorm1d):
    """:class:`BatchNorm1d`, whose ``num_features`` is how many channels its first input has."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(LazyNorm, BatchNorm2d):
    """:class:`BatchNorm2d`, whose ``num_features`` is how many channels its first input has."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(LazyNorm, BatchNorm3d):
    """:class:`BatchNorm3d`, whose ``num_features`` is how many channels its first input has."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(LazyNorm, InstanceNorm1d):
    """:class:`InstanceNorm1d`, whose ``num_features`` is how many channels its first input has."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(LazyNorm, InstanceNorm2d):
    """:class:`InstanceNorm2d`, whose ``num_features`` is how many channels its first input has."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(LazyNorm, InstanceNorm3d):
    """:class:`InstanceNorm3d`, whose ``num_features`` is how many channels its first input has."""

    cls_to_become = InstanceNorm3d
