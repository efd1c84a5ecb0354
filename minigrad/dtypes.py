"""Data types: ``minigrad.float32`` and its siblings, and the one default that Python numbers get.

A :class:`dtype` names what one element of a tensor is; NumPy's type of the same name does the storing.
How two types combine in one operation is told in ``arguments/promotion.py``. bfloat16 is stored by a type of
ml_dtypes, which is loaded when the first such tensor is made.
"""

from __future__ import annotations

import builtins
from functools import cache
from typing import Any, ClassVar

import numpy as np

__all__ = ["bfloat16", "bfloat16_type", "bool", "dtype", "finfo", "float16", "float32", "float64", "from_numpy_dtype"]
__all__ += ["get_default_dtype", "iinfo", "int8", "int16", "int32", "int64", "is_torch_dtype", "set_default_dtype"]
__all__ += ["to_numpy_dtype", "uint8"]


FLOATS = "fV"  # NumPy's kinds of floating-point types: its own, and bfloat16, which is another's
NARROW = [np.dtype(np.float16)]  # the types in which no sum is kept: PyTorch adds up in float32 and rounds once


class dtype:
    """The type of a tensor's elements, printed as ``minigrad.float32``. Counterpart: ``torch.dtype``."""

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy")
    __torch_function__: ClassVar[Any]  # see lending.py

    def __init__(self, name: str, numpy_dtype: np.dtype) -> None:
        self.name = name
        self.numpy = numpy_dtype
        self.is_floating_point = numpy_dtype.kind == "f"
        self.is_complex = False  # minigrad has real numbers only
        self.is_signed = numpy_dtype.kind in "fi"
        self.itemsize = numpy_dtype.itemsize

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name  # one object a type, also after copying


@cache
def bfloat16_type() -> np.dtype:
    """NumPy's type of bfloat16.

    Raises:
        ImportError: the package ml_dtypes is not installed.
    """
    try:
        import ml_dtypes
    except ImportError:
        raise ImportError("minigrad.bfloat16 needs ml_dtypes: pip install 'minigrad[bfloat16]'") from None
    return np.dtype(ml_dtypes.bfloat16)


class _BFloat16(dtype):
    """bfloat16: a float32 without its lower half. What stores it is asked for when it is needed."""

    __slots__ = ()

    def __init__(self) -> None:
        self.name, self.itemsize = "bfloat16", 2
        self.is_floating_point = self.is_signed = True
        self.is_complex = False

    @property
    def numpy(self) -> np.dtype:  # type: ignore[override]
        """NumPy's type, from ml_dtypes.

        Raises:
            ImportError: ml_dtypes is not installed.
        """
        kind = bfloat16_type()
        if kind not in _BY_NUMPY_DTYPE:
            _BY_NUMPY_DTYPE[kind] = self
            NARROW.append(kind)
        return kind


bfloat16 = _BFloat16()
float16 = half = dtype("float16", np.dtype(np.float16))
float32 = float = dtype("float32", np.dtype(np.float32))
float64 = double = dtype("float64", np.dtype(np.float64))
uint8 = dtype("uint8", np.dtype(np.uint8))
int8 = dtype("int8", np.dtype(np.int8))
int16 = short = dtype("int16", np.dtype(np.int16))
int32 = int = dtype("int32", np.dtype(np.int32))
int64 = long = dtype("int64", np.dtype(np.int64))
bool = dtype("bool", np.dtype(np.bool_))

_BY_NUMPY_DTYPE = {each.numpy: each for each in (float16, float32, float64, uint8, int8, int16, int32, int64, bool)}


def limits_of(kind: np.dtype) -> Any:
    """NumPy's ``finfo`` of a floating-point type, bfloat16 too."""
    if kind.kind == "f":
        return np.finfo(kind)
    import ml_dtypes

    return ml_dtypes.finfo(kind)


_default_dtype = float32


def get_default_dtype() -> dtype:
    """The type that Python floats become: float32 unless set otherwise."""
    return _default_dtype


def set_default_dtype(d: dtype) -> None:
    """Make ``d`` the type that Python floats become.

    Raises:
        TypeError: ``d`` is not a floating-point type.
    """
    global _default_dtype
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default_dtype = d


def from_numpy_dtype(numpy_dtype: np.dtype) -> dtype:
    """The minigrad type of a NumPy type.

    Raises:
        TypeError: minigrad has no such type (complex numbers, strings, objects …).
    """
    found = _BY_NUMPY_DTYPE.get(numpy_dtype)
    if found is None and numpy_dtype.name == "bfloat16":
        found = _BY_NUMPY_DTYPE[bfloat16.numpy]
    if found is None:
        supported = ", ".join(each.name for each in _BY_NUMPY_DTYPE.values())
        raise TypeError(f"can't convert np.ndarray of type {numpy_dtype}. The supported types are: {supported}.")
    return found


def to_numpy_dtype(d: Any) -> np.dtype:
    """The NumPy type that stores ``d``; Python's float, int and bool stand for float64, int64 and bool.

    Raises:
        TypeError: ``d`` is neither a minigrad type nor PyTorch's of the same name.
    """
    if isinstance(d, dtype):
        return d.numpy
    if isinstance(d, type) and d in (builtins.float, builtins.int, builtins.bool):
        return np.dtype(d)
    if is_torch_dtype(d):
        return to_numpy_dtype(globals()[str(d).removeprefix("torch.")])
    raise TypeError(f"dtype must be a minigrad.dtype such as minigrad.float32, not {d!r}")


def is_torch_dtype(d: Any) -> builtins.bool:
    """Whether ``d`` is PyTorch's name of a type that minigrad has too."""
    return str(d).startswith("torch.") and isinstance(globals().get(str(d)[6:]), dtype)


class finfo:
    """The range and the precision of a floating-point type, the default one unless told. Counterpart: ``torch.finfo``.

    Attributes:
        bits: how many an element takes.
        eps: the distance from 1 to the next number.
        max, min: the largest and the lowest number.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: ten to the power of minus the decimal digits that are sure to survive.
        dtype: the type's name.

    >>> minigrad.finfo(minigrad.float32).eps
    1.1920928955078125e-07
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: dtype | None = None) -> None:
        type = check_type("finfo", _default_dtype if type is None else type)
        if not type.is_floating_point:
            raise TypeError(f"finfo() requires a floating point type, not {type!r}: use iinfo")
        info = limits_of(type.numpy)
        self.bits, self.dtype = info.bits, type.name
        self.max, self.min, self.eps = builtins.float(info.max), builtins.float(info.min), builtins.float(info.eps)
        self.tiny = self.smallest_normal = builtins.float(info.smallest_normal)
        self.resolution = 10.0**-info.precision

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> builtins.int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The range of an integer type: ``bits``, ``max``, ``min`` and the name ``dtype``. Counterpart: ``torch.iinfo``."""

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: dtype) -> None:
        if check_type("iinfo", type).numpy.kind not in "iu":
            raise TypeError(f"iinfo() requires an integer type, not {type!r}")
        info = np.iinfo(type.numpy)
        self.bits, self.dtype = info.bits, type.name
        self.max, self.min = builtins.int(info.max), builtins.int(info.min)

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> builtins.int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def check_type(function: str, type: Any) -> dtype:
    """``type``, or PyTorch's TypeError where it is none."""
    if not isinstance(type, dtype):
        raise TypeError(f"{function}(): argument 'type' (position 1) must be minigrad.dtype, not {type!r}")
    return type
