"""Tensors of what is there already: numbers, nested sequences, arrays, buffers, other libraries' tensors.

``tensor`` copies; the others show the same memory where that goes. What nested sequences hold is read by
``minigrad/reading.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.promotion import is_foreign
from minigrad.attributes import TYPE_NAMES
from minigrad.caller import warn_user
from minigrad.creation.request import finish
from minigrad.graph.function import taken_in, wrap
from minigrad.graph.history import note_source
from minigrad.graph.node import Tensor
from minigrad.graph.strides import keep_strides
from minigrad.kernels.layout import check_layout, opened
from minigrad.out_of_memory import says_out_of_memory
from minigrad.reading import read

__all__ = ["as_tensor", "asarray", "from_dlpack", "from_numpy", "frombuffer", "tensor"]

copied = says_out_of_memory(np.array)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor that holds a copy of ``data``: numbers, nested sequences, arrays, tensors.

    Shape: that of ``data``; ragged sequences have none. Without a dtype Python floats become the default type, integers
    int64, bools bool; arrays keep their type.

    Raises:
        TypeError, ValueError, RuntimeError: as ``reading.read`` says, or the type cannot require grad.

    >>> minigrad.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> minigrad.tensor([1.5, 2.5]).dtype
    minigrad.float32
    """
    if isinstance(data, Tensor) or is_foreign(data):
        warn_user(
            "To copy construct from a tensor, it is recommended to use source.detach().clone() or "
            "source.detach().clone().requires_grad_(True), rather than tensor(source).",
        )
    result = finish(copied(read(data, dtype)), device, requires_grad)
    note_source(result, data)
    return result


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without a copy where it is an array or a tensor of this dtype already.

    Shape: that of ``data``.
    """
    data = taken_in(data)
    if isinstance(data, Tensor):
        return data.to(device, dtype)
    tensor = finish(opened(read(data, dtype)), device, False)
    note_source(tensor, data)
    keep_strides(tensor)
    return tensor


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor in the memory of ``ndarray``: a change of one shows in the other. Shape: the array's.

    Raises:
        TypeError: it is no array, or of a type that minigrad has not.
        ValueError: it has a negative stride or another byte order than the machine's.

    >>> import numpy as np
    >>> array = np.zeros(2)
    >>> x = minigrad.from_numpy(array)
    >>> array[0] = 5
    >>> x
    tensor([5., 0.], dtype=minigrad.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    check_layout(ndarray)
    tensor = wrap(opened(ndarray))
    note_source(tensor, ndarray)
    keep_strides(tensor)
    return tensor


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor in the memory of ``ext_tensor``, of any library whose tensors have ``__dlpack__``, or a copy. Shape: the
    same.

    Raises:
        RuntimeError: it has no such method.
        BufferError: it requires grad, or its memory is not the CPU's.
        TypeError, ValueError: as :func:`from_numpy`.
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise RuntimeError(f"from_dlpack() takes what has __dlpack__, such as PyTorch's tensors, not {ext_tensor!r}")
    array = np.from_dlpack(ext_tensor)
    check_layout(array)
    tensor = finish(array.copy(order="K") if copy else opened(array), device, False)
    keep_strides(tensor)
    return tensor


def frombuffer(
    buffer: Any, *, dtype: dtypes.dtype, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A tensor in the memory of ``buffer``, of ``bytes`` or whatever else has Python's buffer protocol.

    Its ``count`` elements, all that are there if it is negative, begin behind ``offset`` bytes. Shape: (count,).

    Raises:
        ValueError: it is no buffer, is empty, ends within an element, or ends too early.
        RuntimeError: ``dtype`` cannot require grad.
    """
    kind = dtypes.to_numpy_dtype(dtype)
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    if not view.nbytes or not count:
        raise ValueError(f"both buffer length ({view.nbytes}) and count ({count}) must not be 0")
    if not 0 <= offset < view.nbytes:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({view.nbytes} bytes) "
            f"minus 1"
        )
    left = view.nbytes - offset
    if count < 0 and left % kind.itemsize:
        raise ValueError(
            f"buffer length ({left} bytes) after offset ({offset} bytes) must be a multiple of element size "
            f"({kind.itemsize})"
        )
    if count * kind.itemsize > left:
        raise ValueError(
            f"requested buffer length ({count} * {kind.itemsize} bytes) after offset ({offset} bytes) must not be "
            f"greater than actual buffer length ({view.nbytes} bytes)"
        )
    return finish(opened(np.frombuffer(view, kind, count, offset), "buffer"), None, requires_grad)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """``obj`` as a tensor, in the same memory where that goes: a tensor, an array, a buffer, numbers, sequences.

    ``copy`` True copies in any case, False never. A tensor keeps its history unless ``requires_grad`` is False. A
    buffer's bytes are elements of ``dtype``. Shape: that of ``obj``.

    Raises:
        ValueError: it would have to be copied, and ``copy`` is False.
        RuntimeError: the type cannot require grad.
    """
    obj = taken_in(obj)
    if isinstance(obj, (bytes, bytearray, memoryview)):
        obj = frombuffer(obj, dtype=dtypes.get_default_dtype() if dtype is None else dtype)
    elif copy is False and not isinstance(obj, (Tensor, np.ndarray)):
        if isinstance(obj, np.generic):
            raise RuntimeError("can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray. ")
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    source = as_tensor(obj)
    result = source if dtype is None else source.to(dtype)
    if copy is False and result is not source:
        kinds = [TYPE_NAMES[each.dtype.name] for each in (source, result)]
        raise ValueError(f"can't alias tensor with dtype '{kinds[0]}' into dtype '{kinds[1]}'.")
    if copy and result is source:
        result = result.clone()
    if requires_grad and not result.requires_grad:
        return result.requires_grad_()
    return result.detach() if requires_grad is False and result.requires_grad else result
