"""What a tensor says of itself: its size, its device, and its type's name."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any, ClassVar

__all__ = ["CPU", "TYPE_NAMES", "Size", "channels_last", "channels_last_3d", "check_device", "contiguous_format"]
__all__ += ["device", "layout", "memory_format", "preserve_format", "strided"]


class Size(tuple):
    """A tensor's shape: a tuple of ints, whose slices, sums and repetitions are sizes too. Counterpart: ``torch.Size``.

    Raises:
        TypeError: an item is no integer.
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        integers = []
        for position, size in enumerate(sizes):
            try:
                integers.append(operator.index(size))
            except TypeError:
                raise TypeError(
                    f"minigrad.Size() takes an iterable of 'int' (item {position} is '{type(size).__name__}')"
                ) from None
        return tuple.__new__(cls, integers)

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return math.prod(self)

    def __add__(self, other: Any) -> Size:  # type: ignore[override]
        if isinstance(other, tuple):
            return Size((*self, *other))
        if hasattr(other, "__radd__"):
            return NotImplemented
        raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to minigrad.Size")

    def __radd__(self, other: Any) -> Size:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, count: Any) -> Size:
        return Size(tuple(self) * count)

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __repr__(self) -> str:
        return f"minigrad.Size({list(self)})"


DEVICE_TYPES = ["cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla"]
DEVICE_TYPES += ["lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone"]


class device:
    """The name of a place to compute. Any of PyTorch's can be named; tensors live on the CPU. Counterpart:
    ``torch.device``.

    Args:
        type: such as ``"cpu"`` or ``"cuda:1"``, another device, or a number, which is that of a GPU.
        index: the number, where the name has none.

    Raises:
        RuntimeError: there is no such device.
        TypeError: the type is no string, number or device.
    """

    __slots__ = ("index", "type")
    __torch_function__: ClassVar[Any]  # see lending.py

    type: str
    index: int | None

    def __init__(self, type: str | int | device, index: int | None = None) -> None:
        name: Any = type
        if isinstance(type, int) and index is None:
            name, index = "cuda", type
        elif isinstance(type, device) and index is None:
            name, index = type.type, type.index
        elif type.__class__.__name__ == "device" and index is None:
            name = str(type)  # PyTorch's own
        if not isinstance(name, str):
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {name.__class__.__name__}")
        self.type, colon, number = name.partition(":")
        self.index = index
        if self.type not in DEVICE_TYPES:
            raise RuntimeError(f"Expected one of {', '.join(DEVICE_TYPES)} at the start of the device string: {name}")
        if colon:
            if not number.isascii() or not number.isdigit() or str(int(number[:9])) != number:
                raise RuntimeError(f"Invalid device string: '{name}'")
            if index is not None:
                raise RuntimeError(
                    f"type (string) must not include an index because index was passed explicitly: {name}"
                )
            self.index = int(number)
        elif index is not None and index < 0:
            raise RuntimeError("Device index must not be negative")

    def __enter__(self) -> device:
        """Inside ``with``, tensors are made there: only the CPU can be entered."""
        check_device(self)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + ("" if self.index is None else f", index={self.index}") + ")"


CPU = device("cpu")


class layout:
    """How a tensor's elements are stored, printed as ``minigrad.strided``. Counterpart: ``torch.layout``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "minigrad.strided"

    def __reduce__(self) -> str:
        return "strided"  # one object, also after copying


strided = layout()  # every element, at steps of the memory: there is no other here

TYPE_NAMES = {
    "bfloat16": "BFloat16",
    "float16": "Half",
    "float32": "Float",
    "float64": "Double",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "bool": "Bool",
}


def check_device(name: Any) -> None:
    """Raise a RuntimeError unless ``name`` names the CPU."""
    if device(name).type != "cpu":
        raise RuntimeError(f"minigrad computes on the CPU only: nothing can be put on {str(name)!r}, use 'cpu'")


class memory_format:
    """In which order a tensor's elements lie, printed as ``minigrad.channels_last``. Counterpart:
    ``torch.memory_format``."""

    __slots__ = ("name", "ndim")

    def __init__(self, name: str, ndim: int | None = None) -> None:
        self.name = name
        self.ndim = ndim  # how many dimensions a tensor must have to lie so

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name  # one object a format, also after copying


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", 4)
channels_last_3d = memory_format("channels_last_3d", 5)
