"""Tensors' types under their older names: ``FloatTensor`` for a float32 tensor, and what ``FloatTensor(...)`` makes.

``minigrad.Tensor(...)`` and ``x.new(...)`` make the same in the default type and in the type of x.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.attributes import TYPE_NAMES, Size, device
from minigrad.creation import as_tensor, zeros
from minigrad.cuda import TensorTypeOfGPU
from minigrad.graph.function import taken_in
from minigrad.graph.node import Tensor
from minigrad.graph.storage import TypedStorage
from minigrad.ops.shape import Alias

__all__ = ["BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor"]
__all__ += ["IntTensor", "LongTensor", "ShortTensor", "set_default_tensor_type"]


class TensorType(type):
    """``FloatTensor`` and its kin: makes tensors of one type, and knows them by ``isinstance``.

    It is a class with a name of PyTorch's, by which the method ``type`` of PyTorch's tensors finds its own.
    """

    dtype: dtypes.dtype
    __name__ = property(lambda kind: kind.__qualname__)  # type: ignore[assignment]

    def __new__(cls, dtype: dtypes.dtype) -> TensorType:
        name = f"{TYPE_NAMES[dtype.name]}Tensor"
        what = {"dtype": dtype, "is_cuda": False, "is_sparse": False}
        names = {"__module__": "minigrad", "__qualname__": name, "__doc__": cls.__doc__}
        return super().__new__(cls, f"torch.{name}", (), what | names)

    def __init__(self, dtype: dtypes.dtype) -> None:
        super().__init__(self.__name__)

    def __call__(self, *args: Any, **named: Any) -> Tensor:
        return constructed(self.dtype, args, named)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dtype is self.dtype


def constructed(dtype: dtypes.dtype, args: tuple[Any, ...], named: dict[str, Any], any_type: bool = False) -> Tensor:
    """A tensor of sizes, ``(2, 3)`` or a Size, or of data: a sequence, an array, or a tensor or a storage, whose memory
    it shares.

    PyTorch leaves what the memory held where sizes are given; here it is zeros. A tensor of another type is taken as it
    is with ``any_type``.

    Raises:
        TypeError: a size is no integer, data has no sequence or is a tensor of another type, or an argument is unknown.
        RuntimeError: a size is negative, the device is not the CPU, or it is given beside a tensor.
    """
    if len(args) == 1 and isinstance(args[0], Tensor) and "device" in named:
        raise RuntimeError("a tensor is not taken with a device: use as_tensor(tensor, device=...) instead")
    place = device(named.pop("device", None) or "cpu").type
    if place != "cpu":
        raise RuntimeError(f"legacy constructor expects device type: cpu but device type: {place} was passed")
    if "size" in named and not args:
        return zeros(named.pop("size"), dtype=dtype)
    if "data" in named and not args:
        args = (named.pop("data"),)
    if named:
        raise TypeError(f"new() takes sizes, or data, and a device, not {next(iter(named))!r}")
    if len(args) != 1:
        return zeros(args or (0,), dtype=dtype)
    return of_data(args[0], dtype, any_type)


def of_data(data: Any, dtype: dtypes.dtype, any_type: bool) -> Tensor:
    """The tensor of one argument, which may be a size too."""
    data = taken_in(data)
    if isinstance(data, TypedStorage):
        data, any_type = as_tensor(data.owner), False
    if isinstance(data, Tensor):
        if data.dtype is not dtype and not any_type:
            raise TypeError(f"expected a tensor of {dtype} (got one of {data.dtype}): use its method to()")
        return Alias.apply(data)
    if isinstance(data, Size) or is_integer(data):
        return zeros(data if isinstance(data, Size) else (data,), dtype=dtype)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type {type(data).__name__!r}")
    if isinstance(data, (dict, np.generic)) or not hasattr(data, "__getitem__"):
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return as_tensor(data, dtype=dtype)


def is_integer(value: Any) -> bool:
    """True for what may stand for a size."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, (bool, np.bool_, np.ndarray))


BFloat16Tensor = TensorType(dtypes.bfloat16)
HalfTensor = TensorType(dtypes.float16)
FloatTensor = TensorType(dtypes.float32)
DoubleTensor = TensorType(dtypes.float64)
ByteTensor = TensorType(dtypes.uint8)
CharTensor = TensorType(dtypes.int8)
ShortTensor = TensorType(dtypes.int16)
IntTensor = TensorType(dtypes.int32)
LongTensor = TensorType(dtypes.int64)
BoolTensor = TensorType(dtypes.bool)

BY_NAME = {each.__name__: each for each in vars().copy().values() if isinstance(each, TensorType)}


def dtype_of(type: Any) -> dtypes.dtype:
    """The dtype that ``type`` names: itself, a type such as ``FloatTensor``, or its name, ``"torch.FloatTensor"``.

    Raises:
        ValueError: it names none.
        RuntimeError: it names a type of GPUs.
    """
    if isinstance(type, dtypes.dtype):
        return type
    if isinstance(type, TensorType):
        return type.dtype
    if isinstance(type, TensorTypeOfGPU):
        type()
    if isinstance(type, str):
        package, _, name = type.rpartition(".")
        if package in ("torch.cuda", "minigrad.cuda") and (name in BY_NAME or name == "Tensor"):
            TensorTypeOfGPU(name)()
        if package in ("torch", "minigrad") and name == "Tensor":
            return dtypes.get_default_dtype()
        if package in ("torch", "minigrad") and name in BY_NAME:
            return BY_NAME[name].dtype
    elif not hasattr(type, "__mro__"):
        raise TypeError("dtype must be a type, str, or dtype object")
    elif issubclass(type, Tensor):
        return dtypes.get_default_dtype()
    raise ValueError(f"invalid type: {getattr(type, '__name__', type)!r}")


def set_default_tensor_type(t: Any) -> None:
    """:func:`minigrad.set_default_dtype` by an older name: ``FloatTensor``, or ``"torch.FloatTensor"``.

    Raises:
        ValueError: there is no such type.
        RuntimeError: it is a type of GPUs.
    """
    if isinstance(t, dtypes.dtype):
        raise TypeError(f"set_default_tensor_type() takes a type such as FloatTensor, not {t}: use set_default_dtype()")
    dtypes.set_default_dtype(dtype_of(t))
