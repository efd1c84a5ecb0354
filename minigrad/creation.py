"""Making tensors: from values, filled, counted, random. Each is PyTorch's function of the same name.

Random numbers come from ``random.py``: the same seed gives the numbers that PyTorch gives on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import as_shape
from minigrad.arguments.gate import LEFT_OUT, checked
from minigrad.arguments.promotion import check_operand, is_foreign, number_as, result_dtype
from minigrad.attributes import TYPE_NAMES, check_device, contiguous_format, memory_format, preserve_format
from minigrad.caller import warn_user
from minigrad.dtypes import FLOATS
from minigrad.graph.function import taken_in, wrap
from minigrad.graph.history import note_source
from minigrad.graph.node import Number, Tensor
from minigrad.graph.strides import array_like, in_strides, keep_strides, strides_in
from minigrad.kernels.layout import check_layout, opened
from minigrad.kernels.sequences import counted, evenly_spaced
from minigrad.out_of_memory import says_out_of_memory
from minigrad.random import Generator, default_generator
from minigrad.reading import read

__all__ = ["arange", "as_tensor", "asarray", "bernoulli", "empty", "empty_like", "eye", "from_dlpack", "from_numpy"]
__all__ += ["frombuffer", "full", "full_like", "linspace", "logspace", "multinomial", "normal", "ones", "ones_like"]
__all__ += ["rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "range", "tensor"]
__all__ += ["tril_indices", "triu_indices", "zeros", "zeros_like"]

LARGEST_SIZE = 2**60  # elements; of eight bytes each they would need more than a signed 64-bit number of bytes


def _finish(array: np.ndarray, device: Any, requires_grad: bool) -> Tensor:
    """Wrap ``array``; every function here ends so."""
    if device is not None:
        check_device(device)
    result = wrap(array)
    return result if requires_grad is False or requires_grad is None else result.requires_grad_(requires_grad)


copied = says_out_of_memory(np.array)


def _finish_like(input: Tensor, dtype: Any, device: Any, requires_grad: bool, order: Any, value: Any) -> Tensor:
    """A tensor like ``input``, of its strides too, or in the format ``order``, full of ``value``; None leaves what the
    memory held."""
    array = array_like(input, None if dtype is None else _kind(dtype), order)
    if value is not None:
        array[...] = value
    result = _finish(array, device, requires_grad)
    keep_strides(result)
    return result


def _kind(dtype: dtypes.dtype | None) -> np.dtype:
    return dtypes.get_default_dtype().numpy if dtype is None else dtypes.to_numpy_dtype(dtype)


def _shape(name: str, size: Any) -> tuple[int, ...]:
    """A shape given as one argument."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"{name}(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    return _sizes(name, (size,))


def _sizes(name: str, size: tuple[Any, ...], by_name: Any = None) -> tuple[int, ...]:
    """A shape given as one argument, as several, or as the argument ``size``."""
    if by_name is not None:
        return _shape(name, by_name)
    if not size:
        raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    shape = as_shape(size)
    if any(each < 0 for each in shape):
        raise RuntimeError(f"{name}: Dimension size must be non-negative, got {list(shape)}")
    if math.prod(shape) >= LARGEST_SIZE:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
    return shape


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
    result = _finish(copied(read(data, dtype)), device, requires_grad)
    note_source(result, data)
    return result


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without a copy where it is an array or a tensor of this dtype already.

    Shape: that of ``data``.
    """
    data = taken_in(data)
    if isinstance(data, Tensor):
        return data.to(device, dtype)
    tensor = _finish(opened(read(data, dtype)), device, False)
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
    tensor = _finish(array.copy(order="K") if copy else opened(array), device, False)
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
    return _finish(opened(np.frombuffer(view, kind, count, offset)), None, requires_grad)


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


@checked
def full(
    size: Sequence[int],
    fill_value: Tensor | Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the shape ``size`` filled with ``fill_value``, whose type it takes unless told.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
    """
    value = _number("full", fill_value)
    kind = result_dtype(value) if dtype is None else _kind(dtype)
    return _finish(np.full(_shape("full", size), number_as(value, kind), kind), device, requires_grad)


def _number(name: str, value: Any, argument: str = "fill_value") -> Any:
    """The number that ``value`` is, or that a zero-dimensional tensor holds whose gradient is not wanted."""
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.ndim == 0 and not value._requires_grad):
        return value.item()
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"{name}(): argument '{argument}' must be Number, not {type(value).__name__}")
    check_operand(value)
    return value


@says_out_of_memory
def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.

    >>> minigrad.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return _finish(np.zeros(_sizes("zeros", sizes, size), _kind(dtype)), device, requires_grad)


@says_out_of_memory
def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
    """
    return _finish(np.ones(_sizes("ones", sizes, size), _kind(dtype)), device, requires_grad)


@says_out_of_memory
def empty(
    *sizes: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = contiguous_format,
) -> Tensor:
    """A tensor of the shape ``size`` whose values are whatever the memory held.

    Raises:
        RuntimeError: a size is negative, the memory cannot be that large, or the format is one of another number of
            dimensions, or ``preserve_format``.
    """
    shape = _sizes("empty", sizes, size)
    if memory_format is contiguous_format:
        return _finish(np.empty(shape, _kind(dtype)), device, requires_grad)
    if memory_format is preserve_format:
        raise RuntimeError("empty(): there is nothing to preserve: give contiguous_format or channels_last")
    result = _finish(in_strides(shape, strides_in(shape, (), memory_format), _kind(dtype)), device, requires_grad)
    keep_strides(result)
    return result


@checked
def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """A tensor of the shape of ``input``, and of its type unless told, whose values are whatever the memory held."""
    return _finish_like(input, dtype, device, requires_grad, memory_format, None)


@checked
def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """Zeros of the shape of ``input``, and of its type unless told."""
    return _finish_like(input, dtype, device, requires_grad, memory_format, 0)


@checked
def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """Ones of the shape of ``input``, and of its type unless told."""
    return _finish_like(input, dtype, device, requires_grad, memory_format, 1)


@checked
def full_like(
    input: Tensor,
    fill_value: Tensor | Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """A tensor of the shape of ``input`` filled with ``fill_value``."""
    kind = input.array.dtype if dtype is None else _kind(dtype)
    return _finish_like(
        input, dtype, device, requires_grad, memory_format, number_as(_number("full_like", fill_value), kind)
    )


@checked
def arange(
    start: Tensor | Number = LEFT_OUT,
    end: Tensor | Number = LEFT_OUT,
    step: Tensor | Number = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``start``, ``start + step``, … below ``end``; int64 where all three are integers.

    Shape: (n,), n = ⌈(end - start) / step⌉.

    Raises:
        RuntimeError: the step is zero or leads away from ``end``, or a bound is not finite.
        NotImplementedError: the type is bool.

    >>> minigrad.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    if end is None:
        start, end = LEFT_OUT, start
    if end is None:
        raise TypeError('arange() missing 1 required positional arguments: "end"')
    start = 0 if start is None else _number("arange", start, "start")
    end, step = _number("arange", end, "end"), _number("arange", step, "step")
    if dtype is dtypes.bool:
        raise NotImplementedError('"arange_cpu" not implemented for bools')
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if all(isinstance(each, int) for each in (start, end, step)):
        dtype = dtypes.int64 if dtype is None else dtype
        count = int(-((start - end) // step))
    else:
        count = math.ceil((end - start) / step)
    return _finish(counted(start, step, count, _kind(dtype)), device, requires_grad)


def range(
    start: Tensor | Number = 0,
    end: Tensor | Number = LEFT_OUT,
    step: Tensor | Number = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``start``, ``start + step``, … up to ``end``, which is among them; floating unless told. It warns: use
    :func:`arange`, which stops before the end, as Python's range.

    Shape: (n,), n = ⌊(end - start) / step⌋ + 1.

    Raises:
        RuntimeError: the step is zero or leads away from ``end``, or a bound is not finite.
    """
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    warn_user(
        "minigrad.range is deprecated and will be removed in a future release because its behavior is inconsistent "
        "with Python's range builtin. Instead, use minigrad.arange, which produces values in [start, end)."
    )
    start, end, step = _number("range", start, "start"), _number("range", end, "end"), _number("range", step, "step")
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.floor((end - start) / step) + 1
    return _finish(counted(start, step, count, _kind(dtype)), device, requires_grad)


@checked
def linspace(
    start: Tensor | Number,
    end: Tensor | Number,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included, at equal distances. Shape: (steps,).

    Raises:
        RuntimeError: ``steps`` is negative, or the type holds no such number.
        NotImplementedError: the type is bool.

    >>> minigrad.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    kind = _kind(dtype)
    if kind.kind == "b":
        raise NotImplementedError('"linspace_cpu" not implemented for bools')
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    ends = [each.detach() if isinstance(each, Tensor) else each for each in (start, end)]  # PyTorch drops gradients too
    first, last = [number_as(_number("linspace", each), kind) for each in ends]
    return _finish(evenly_spaced(first, last, steps, kind), device, requires_grad)


@checked
def logspace(
    start: Tensor | Number,
    end: Tensor | Number,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The powers of ``base`` with the exponents of :func:`linspace`. Shape: (steps,).

    Raises:
        RuntimeError: ``steps`` is negative, or an end is a tensor with dimensions.
    """
    kind = _kind(dtype)
    if any(isinstance(each, Tensor) and each.ndim for each in (start, end)):
        raise RuntimeError("logspace only supports 0-dimensional start and end tensors")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    ends = [each.detach() if isinstance(each, Tensor) else each for each in (start, end)]
    first, last = [number_as(_number("logspace", each), kind) for each in ends]  # cut off for a type of integers
    wide = np.dtype(np.float64 if kind == np.float64 else np.float32)
    exponents = evenly_spaced(first.astype(wide), last.astype(wide), steps, wide)
    return _finish(np.power(wide.type(base), exponents).astype(kind), device, requires_grad)


def triangle_indices(name: str, find: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    """The positions that NumPy's ``find`` gives, as rows of a matrix."""
    for size, value in (("row", row), ("col", col)):
        if value < 0:
            raise RuntimeError(f"{size} must be non-negative, got{value}")
    kind = np.dtype(np.int64) if dtype is None else _kind(dtype)
    if kind.kind != "i":
        raise NotImplementedError(f'"{name}" not implemented for {kind.name}: positions are integers')
    return _finish(np.stack(find(row, offset, col)).astype(kind), device, False)


@checked
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements on and below a diagonal of a (row, col) matrix are. Shape: (2, how many).

    Raises:
        RuntimeError: a size is negative.
        NotImplementedError: the type is not of integers.
    """
    return triangle_indices("tril_indices", np.tril_indices, row, col, offset, dtype, device)


@checked
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements on and above a diagonal of a (row, col) matrix are. Shape: (2, how many).

    Raises:
        RuntimeError: a size is negative.
        NotImplementedError: the type is not of integers.
    """
    return triangle_indices("triu_indices", np.triu_indices, row, col, offset, dtype, device)


@checked
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere. Shape: (n, m), m = n unless told.

    Raises:
        RuntimeError: a size is negative.
    """
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {m}")
    return _finish(np.eye(n, m, dtype=_kind(dtype)), device, requires_grad)


def _source(generator: Generator | None) -> Generator:
    """The generator to draw from: the default one where none is given."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"argument 'generator' must be minigrad.Generator, not {type(generator).__name__}")
    return generator


@says_out_of_memory
def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn evenly from [0, 1). Shape: ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
        NotImplementedError: the type is not floating.
    """
    drawn = _source(generator).uniform(_sizes("rand", sizes, size), _kind(dtype), 0.0, 1.0)
    return _finish(drawn, device, requires_grad)


@says_out_of_memory
def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn from the normal distribution of mean 0 and variance 1. Shape: ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
        NotImplementedError: the type is not floating.

    >>> generator = minigrad.manual_seed(0)
    >>> minigrad.randn(3)  # what torch.randn gives after the same seed
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    drawn = _source(generator).normal(_sizes("randn", sizes, size), _kind(dtype), 0.0, 1.0)
    return _finish(drawn, device, requires_grad)


@checked
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """:func:`rand` in the shape of ``input``, and in its type unless told."""
    return (
        empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
        .uniform_(generator=generator)
        .requires_grad_(requires_grad)
    )


@checked
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """:func:`randn` in the shape of ``input``, and in its type unless told."""
    return (
        empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
        .normal_(generator=generator)
        .requires_grad_(requires_grad)
    )


@checked
def normal(
    mean: Tensor | Number = 0.0,
    std: Tensor | Number = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn from the normal distribution; mean and standard deviation are numbers, with a ``size``, or tensors.

    Shape: ``size``, or that to which the tensors broadcast.

    Raises:
        RuntimeError: a deviation is negative, or two tensors do not broadcast.
        TypeError: numbers without a size, or a size with tensors of more than one element.
    """
    if size is not None:
        numbers = _number("normal", mean, "mean"), _number("normal", std, "std")
        return _finish(_source(generator).normal(_shape("normal", size), _kind(dtype), *numbers), device, requires_grad)
    tensors = [each for each in (mean, std) if isinstance(each, Tensor)]
    if not tensors:
        raise TypeError("normal() with two numbers needs a size")
    if isinstance(std, Tensor) and (std.array < 0).any():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    if not isinstance(std, Tensor) and std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    arrays = [each.array if isinstance(each, Tensor) else each for each in (mean, std)]
    try:
        shape = np.broadcast_shapes(*[np.shape(each) for each in arrays])
    except ValueError:
        raise RuntimeError(f"mean {np.shape(arrays[0])} and std {np.shape(arrays[1])} do not broadcast") from None
    kind = tensors[0].array.dtype
    if isinstance(std, Tensor):
        scaled = (_source(generator).normal(shape, kind, 0.0, 1.0) * std.array).astype(kind)
    else:
        scaled = _source(generator).normal(shape, kind, 0.0, std)
    return _finish(np.asarray(scaled + arrays[0], kind), device, requires_grad)


@checked
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Positions drawn with probabilities in proportion to the weights in the last dimension of ``input``.

    With ``replacement`` an even number is looked up among the cumulated weights. Without, or for one sample, each
    position waits for an exponentially distributed time of its weight as rate, and the first to come are drawn: no
    other draw is as simple, and it is the same distribution.

    Shapes: (positions,) -> (num_samples,), or (rows, positions) -> (rows, num_samples); int64.

    Raises:
        RuntimeError: other dimensions, no floating-point type, no sample, or without replacement more samples than
            positions; a weight is negative, infinite or NaN, or all in a row are zero.
    """
    weights = input.array
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got {weights.ndim}")
    if weights.dtype.kind not in FLOATS:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype}")
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {num_samples}")
    if not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError(
            f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: {num_samples} of "
            f"{weights.shape[-1]}"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not weights.sum(axis=-1).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement or num_samples == 1:
        rates = weights / empty_like(input).exponential_(generator=generator).array
        first = np.argsort(-rates, axis=-1, kind="stable")[..., :num_samples]
        return _finish(first, None, False)
    bounds = np.cumsum(weights, axis=-1)
    bounds /= bounds[..., -1:]
    bounds[..., -1] = 1.0
    drawn = _source(generator).uniform((*weights.shape[:-1], num_samples), np.float64)
    found = [np.searchsorted(*pair) for pair in zip(np.atleast_2d(bounds), np.atleast_2d(drawn), strict=True)]
    return _finish(np.array(found, np.int64).reshape(drawn.shape), None, False)


@checked
def bernoulli(input: Tensor, p: float = LEFT_OUT, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element says, or with ``p``, else 0. Shape and type: those of ``input``.

    Raises:
        RuntimeError: a probability is not in [0, 1].
        NotImplementedError: ``input`` is not floating, and no ``p`` is given.
    """
    drawn = empty(input.shape, dtype=input.dtype)
    if p is not None:
        return drawn.bernoulli_(p, generator=generator)
    if not input.is_floating_point():
        raise NotImplementedError(f'"bernoulli_tensor_cpu_p_" not implemented for {input.dtype}: give floats')
    return drawn.bernoulli_(input, generator=generator)


@says_out_of_memory
def randint(
    *bounds: Any,
    low: Any = None,
    high: Any = None,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = dtypes.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers drawn evenly from ``low`` (0 unless told) up to but not including ``high``. Shape: ``size``.

    Args:
        bounds: high, or low and high, and then the size, each of which may also be given by name.

    Raises:
        TypeError: there is no high or no size, or a bound is no integer.
        RuntimeError: there is no such integer.
    """
    given = list(bounds)
    if size is None and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if low is None:
        low = given.pop() if given else 0
    if high is None or given:
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    drawn = _source(generator).integers(low, high, _shape("randint", size), _kind(dtype))
    return _finish(drawn, device, requires_grad)


@checked
def randint_like(
    input: Tensor,
    low: int = 0,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """:func:`randint` in the shape of ``input``, and in its type unless told."""
    bounds = (0, low) if high is None else (low, high)
    drawn = empty_like(input, dtype=dtype, device=device, memory_format=memory_format).random_(
        *bounds, generator=generator
    )
    return drawn.requires_grad_(requires_grad)


@checked
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = dtypes.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers 0 … n - 1 in random order. Shape: (n,).

    Raises:
        RuntimeError: ``n`` is negative.
    """
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    order = _source(generator).permutation(n).astype(_kind(dtype), copy=False)
    return _finish(order, device, requires_grad)
