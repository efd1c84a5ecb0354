"""A tensor in another type, and new tensors of a tensor's type. Each is a method of ``Tensor``, as in PyTorch.

What type a tensor has, and what type two have together, is asked in ``types.py``.
"""

from __future__ import annotations

import builtins
from typing import Any

from minigrad import dtypes
from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import welcoming
from minigrad.attributes import (
    channels_last,
    channels_last_3d,
    check_device,
    contiguous_format,
    memory_format,
    preserve_format,
)
from minigrad.creation import empty, full, ones, tensor, zeros
from minigrad.graph.function import Function, Tensor
from minigrad.graph.strides import copied_in, keep_strides, lies_channels_last, strides_in, strides_of
from minigrad.tensor_types import constructed


class ToCopy(Function):
    """z = x converted to another type. The engine converts the gradient back."""

    def forward(ctx, x, *, dtype):
        return x.astype(dtype)

    def backward(ctx, grad_z):
        return grad_z


class ToCopyLaid(ToCopy):
    """z = x in another type, or the same, laid in ``strides``."""

    result_strides = None

    node_name = "ToCopyBackward0"

    def forward(ctx, x, *, dtype, strides):
        return copied_in(x, strides, dtype)


def to(
    input: Tensor,
    *target: Any,
    dtype: dtypes.dtype | None = None,
    device: Any = None,
    non_blocking: builtins.bool = False,
    copy: builtins.bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """The tensor in another type, or laid otherwise: itself where nothing changes, unless a copy is asked for. Shape:
    that of ``input``.

    Args:
        target: as in PyTorch, a type, or a device and a type, or a tensor whose type is taken; then
            ``non_blocking`` and ``copy``.
        device: must be the CPU.
        non_blocking: changes nothing on the CPU.
        memory_format: how a copy lies; ``channels_last`` copies what does not lie so.

    Raises:
        RuntimeError: the format is one of another number of dimensions, or the device is not there.
    """
    if target and isinstance(target[0], Tensor):
        dtype, *flags = target[0].dtype, *target[1:]
    elif target and is_type(target[0]):
        dtype, *flags = target
    elif len(target) > 1 and (target[1] is None or is_type(target[1])):
        device, dtype, *flags = target
    else:
        device, *flags = target or (device,)
    if flags:
        check_flags(flags)
        copy = flags[1] if len(flags) > 1 else copy
    if device is not None:
        check_device(device)
    kind = input.array.dtype if dtype is None else dtypes.to_numpy_dtype(dtype)
    same = memory_format is preserve_format or memory_format is suggested(input)
    if not copy and input.array.dtype == kind and same:
        return input
    if memory_format is preserve_format:
        return ToCopy.apply(input, dtype=kind)
    strides = strides_in(input.array.shape, strides_of(input), memory_format)
    result = ToCopyLaid.apply(input, dtype=kind, strides=strides)
    keep_strides(result)
    return result


def suggested(input: Tensor) -> memory_format:
    """The format in which PyTorch takes a tensor to lie: channels last where its strides fall so, else row-major."""
    if not lies_channels_last(input.array.shape, strides_of(input)):
        return contiguous_format
    return channels_last if input.array.ndim == 4 else channels_last_3d


def check_flags(flags: list[Any]) -> None:
    """Raise PyTorch's error unless ``flags`` are what may follow the type in ``to``: non_blocking and copy."""
    if len(flags) > 2 or not all(isinstance(each, builtins.bool) for each in flags):
        raise TypeError(
            f"to() takes a type, or a device and a type, or a tensor, then non_blocking and copy, not {flags}"
        )


PYTHON_TYPES = (builtins.float, builtins.int, builtins.bool)


def is_type(value: Any) -> builtins.bool:
    """True for a dtype, PyTorch's too, and for Python's types that stand for one."""
    if isinstance(value, type):
        return value in PYTHON_TYPES
    return isinstance(value, dtypes.dtype) or dtypes.is_torch_dtype(value)


@welcoming
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the type of ``other``. Shape: that of ``input``."""
    check_tensors("type_as", input=input, other=other)
    return input.to(other.dtype)


def cpu(input: Tensor) -> Tensor:
    """The tensor itself: it is there already. Shape: that of ``input``."""
    return input


def cuda(input: Tensor, device: Any = None, non_blocking: builtins.bool = False) -> Tensor:
    """Raise a RuntimeError, whatever the shape: there is no GPU here.

    Raises:
        RuntimeError: always.
    """
    return input.to(device="cuda")


def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """Raise a RuntimeError, whatever the shape: memory is pinned for a GPU, and there is none here.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("pin_memory() is for copies to a GPU, and minigrad computes on the CPU only: leave it out")


def is_pinned(input: Tensor, device: Any = None) -> builtins.bool:
    """False, whatever the shape: no memory is pinned."""
    return False


def float(input: Tensor) -> Tensor:
    """In float32. Shape: that of ``input``."""
    return input.to(dtypes.float32)


def double(input: Tensor) -> Tensor:
    """In float64. Shape: that of ``input``."""
    return input.to(dtypes.float64)


def bfloat16(input: Tensor) -> Tensor:
    """In bfloat16. Shape: that of ``input``."""
    return input.to(dtypes.bfloat16)


def half(input: Tensor) -> Tensor:
    """In float16. Shape: that of ``input``."""
    return input.to(dtypes.float16)


def long(input: Tensor) -> Tensor:
    """In int64. Shape: that of ``input``."""
    return input.to(dtypes.int64)


def int(input: Tensor) -> Tensor:
    """In int32. Shape: that of ``input``."""
    return input.to(dtypes.int32)


def short(input: Tensor) -> Tensor:
    """In int16. Shape: that of ``input``."""
    return input.to(dtypes.int16)


def char(input: Tensor) -> Tensor:
    """In int8. Shape: that of ``input``."""
    return input.to(dtypes.int8)


def byte(input: Tensor) -> Tensor:
    """In uint8. Shape: that of ``input``."""
    return input.to(dtypes.uint8)


def bool(input: Tensor) -> Tensor:
    """In bool: True where it is not zero. Shape: that of ``input``."""
    return input.to(dtypes.bool)


def new(input: Tensor, *args: Any, **named: Any) -> Tensor:
    """A tensor of this one's type, of sizes or of data: ``x.new(2, 3)``, ``x.new([1, 2])``. Prefer :func:`new_tensor`
    and its kin, which say which of both they take. Shape: the sizes, or that of the data.

    Raises:
        TypeError, RuntimeError: as :func:`minigrad.tensor_types.constructed` says.
    """
    return constructed(input.dtype, args, named)


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False
) -> Tensor:
    """A copy of ``data``, in this tensor's type unless told. Shape: that of ``data``."""
    return tensor(data, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_empty(
    input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: Any = False
) -> Tensor:
    """A tensor of this size and this one's type, its values arbitrary. Shape: ``size``."""
    return empty(*sizes, size=size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_zeros(
    input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: Any = False
) -> Tensor:
    """Zeros of this size, in this one's type unless told. Shape: ``size``."""
    return zeros(*sizes, size=size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_ones(
    input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: Any = False
) -> Tensor:
    """Ones of this size, in this one's type unless told. Shape: ``size``."""
    return ones(*sizes, size=size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new_full(
    input: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False
) -> Tensor:
    """A tensor of this size that is ``fill_value`` everywhere, in this one's type unless told. Shape: ``size``."""
    kind = dtype or input.dtype
    return full(size, fill_value, dtype=kind, device=device, requires_grad=requires_grad)
