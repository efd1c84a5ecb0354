"""Convolutions of lines and pictures, transposed ones, and pictures as columns. The rules: ``ops/convolution.py``."""

from __future__ import annotations

import warnings
from typing import Any

from minigrad import dtypes, ops
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Tensor
from minigrad.kernels.convolution import places_on

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "fold", "unfold"]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """:func:`conv2d` of lines. Shapes: (N, C, W), (K, C / groups, S), (K,) -> (N, K, W'); N may be missing."""
    return convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Every K-th output picture sums, place by place, what the K-th kernel reads there times the kernel, plus bias.

    Shapes: (N, C, H, W), (K, C / groups, R, S), (K,) -> (N, K, H', W'), where H' is
    ⌊(H + 2·padding - dilation·(R - 1) - 1) / stride⌋ + 1; N may be missing. A number, or one a dimension. ``padding``
    adds zeros around; "same" adds what keeps the size at stride 1, "valid" none. With ``groups`` the g-th part of the
    output channels sees the g-th part of the input channels.

    Raises:
        RuntimeError: sizes, types or the steps do not agree, or the kernel is larger than the padded input.
        NotImplementedError: the type is bool.
        TypeError: an argument is of a wrong type.
    """
    return convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """:func:`conv_transpose2d` of lines. Shapes: (N, C, W), (C, K / groups, S), (K,) -> (N, K, W')."""
    arguments = (stride, padding, output_padding, groups, dilation)
    return transposed_convolution("conv_transpose1d", 1, input, weight, bias, *arguments)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Every input place adds its value times the kernel to the output: what turns a convolution's output size back.

    It is the gradient of :func:`conv2d` with respect to its input, taken as a layer. Shapes: (N, C, H, W),
    (C, K / groups, R, S), (K,) -> (N, K, H', W'), where H' is
    (H - 1)·stride - 2·padding + dilation·(R - 1) + output_padding + 1; N may be missing.

    Raises:
        RuntimeError: sizes, types or the steps do not agree, or ``output_padding`` is no less than stride and dilation.
        NotImplementedError: the type is bool.
        TypeError: an argument is of a wrong type.
    """
    arguments = (stride, padding, output_padding, groups, dilation)
    return transposed_convolution("conv_transpose2d", 2, input, weight, bias, *arguments)


def convolution(
    name: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    """A convolution over ``dims`` dimensions, its arguments checked."""
    check_kinds(name, dims, input, weight, bias, groups)
    stride = steps(name, "stride", stride, dims, 1)
    dilation = steps(name, "dilation", dilation, dims, 1)
    input, batched = with_batch(name, dims, input)
    if isinstance(padding, str):
        input, padding = named_padding(padding, input, weight.shape[2:], stride, dilation)
    padding = steps(name, "padding", padding, dims, 0)
    check_shapes(input, weight, bias, groups, transposed=False)
    padded = [size + 2 * pad for size, pad in zip(input.shape[2:], padding)]
    reach = [step * (size - 1) + 1 for step, size in zip(dilation, weight.shape[2:])]
    if any(size < needed for size, needed in zip(padded, reach)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
            f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size"
        )
    geometry = ops.convolution.Geometry(over_rows(stride, 1), over_rows(padding, 0), over_rows(dilation, 1), groups)
    result = ops.convolution.Convolution.apply(input, weight, bias, geometry=geometry)
    return result if batched else result.squeeze(0)


def transposed_convolution(
    name: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """A transposed convolution over ``dims`` dimensions, its arguments checked."""
    check_kinds(name, dims, input, weight, bias, groups)
    stride = steps(name, "stride", stride, dims, 1)
    padding = steps(name, "padding", padding, dims, 0)
    output_padding = steps(name, "output_padding", output_padding, dims, 0)
    dilation = steps(name, "dilation", dilation, dims, 1)
    input, batched = with_batch(name, dims, input)
    check_shapes(input, weight, bias, groups, transposed=True)
    if input.array.dtype.kind in "iu" and input.dtype is not dtypes.int64:
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype}: of the integers only for int64')
    for extra, step, spread in zip(output_padding, stride, dilation):
        if extra >= max(step, spread):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got output_padding: "
                f"{list(output_padding)}, stride: {list(stride)}, dilation: {list(dilation)}"
            )
    geometry = ops.convolution.Geometry(
        over_rows(stride, 1), over_rows(padding, 0), over_rows(dilation, 1), groups, True, over_rows(output_padding, 0)
    )
    shape = ops.convolution.transposed_shape(
        ops.convolution.as_pictures(input.array), ops.convolution.as_pictures(weight.array), geometry
    )
    if min(shape[2:]) < 0:
        raise RuntimeError(
            f"Given input size per channel: {list(input.shape[2:])}. Calculated output size per channel: "
            f"{list(shape[-dims:])}. Output size is too small: padding {list(padding)} takes away more than there is"
        )
    result = ops.convolution.Convolution.apply(input, weight, bias, geometry=geometry)
    return result if batched else result.squeeze(0)


def check_kinds(name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    """Raise PyTorch's error where an argument's kind, type or number of dimensions is wrong."""
    check_tensors(name, input=input, weight=weight)
    if bias is not None:
        check_tensors(name, input=input, weight=weight, bias=bias)
    if not isinstance(groups, int) or isinstance(groups, bool):
        raise TypeError(f"{name}(): argument 'groups' must be int, not {type(groups).__name__}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if weight.ndim != dims + 2:
        raise RuntimeError(
            f"{name}() expects a weight of {dims + 2} dimensions (out channels, in channels, kernel), but got weight "
            f"of size {list(weight.shape)} for input of size {list(input.shape)}"
        )
    for other, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.dtype is not input.dtype:
            raise RuntimeError(f"Input type ({input.dtype}) and {other} type ({tensor.dtype}) should be the same")
    if input.dtype is dtypes.bool:
        raise NotImplementedError(f'"{name}" not implemented for bool: convert the tensors to a type of numbers')


def steps(name: str, argument: str, value: Any, dims: int, least: int) -> tuple[int, ...]:
    """``value``, a number or one a dimension, as one a dimension.

    Raises:
        TypeError: it is neither.
        RuntimeError: there are more or fewer numbers than dimensions, or one is less than ``least``.
    """
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in numbers):
        raise TypeError(f"{name}(): argument '{argument}' must be tuple of ints, not {value!r}")
    if len(numbers) == 1:
        numbers *= dims
    if len(numbers) != dims:
        raise RuntimeError(
            f"expected {argument} to be a single integer value or a list of {dims} values to match the convolution "
            f"dimensions, but got {argument}={list(numbers)}"
        )
    if min(numbers) < least:
        raise RuntimeError(f"{'negative' if least == 0 else 'non-positive'} {argument} is not supported: {value}")
    return numbers


def over_rows(numbers: tuple[int, ...], of_a_line: int) -> tuple[int, int]:
    """One number a row and column: a line is a picture of one row, over which the kernel moves as ``of_a_line``."""
    return (of_a_line, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def with_batch(name: str, dims: int, input: Tensor) -> tuple[Tensor, bool]:
    """``input`` with a batch dimension, and whether it had one.

    Raises:
        RuntimeError: it has more or fewer dimensions.
    """
    if input.ndim == dims + 2:
        return input, True
    if input.ndim == dims + 1:
        return input.unsqueeze(0), False
    raise RuntimeError(
        f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
        f"{list(input.shape)}"
    )


def named_padding(
    padding: str, input: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """What "same" or "valid" means: the padding, and the input, already padded by one place where the sides differ.

    Raises:
        RuntimeError: it is another word, or "same" with a stride.
    """
    if padding == "valid":
        return input, (0,) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(step != 1 for step in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [step * (size - 1) for step, size in zip(dilation, kernel)]
    odd = [total % 2 for total in totals]
    if any(odd):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the "
            "input be created",
            stacklevel=4,
        )
        nothing = [0] * input.ndim
        input = ops.normalization.ConstantPadNd.apply(input, before=nothing, after=[0, 0, *odd], value=0)
    return input, tuple([total // 2 for total in totals])


def check_shapes(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool) -> None:
    """Raise PyTorch's RuntimeError where channels, groups or bias do not agree, or there is nothing to convolve."""
    sizes = f"weight of size {list(weight.shape)}"
    if weight.shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got {sizes} instead"
        )
    if weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got {sizes} "
            f"instead"
        )
    if min(weight.shape[2:]) == 0 or (transposed and weight.shape[1] == 0):
        raise RuntimeError(f"expected a weight that has elements, but got {sizes}")
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    if input.shape[1] != channels:
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, {sizes}, expected input"
            f"{list(input.shape)} to have {channels} channels, but got {input.shape[1]} channels instead"
        )
    outputs = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and bias.shape != (outputs,):
        raise RuntimeError(
            f"Given {sizes}, expected bias to be 1-dimensional with {outputs} elements, but got bias of size "
            f"{list(bias.shape)} instead"
        )
    if len(input) and input.shape[1] and min(input.shape[2:]) == 0:
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {list(input.shape)}"
        )


# ------------------------------------------------------------------------------------ pictures as columns


def pair(argument: str, value: Any) -> tuple[int, int]:
    """``value``, a number or two, as two.

    Raises:
        RuntimeError: there are not two.
    """
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(numbers) != 2:
        raise RuntimeError(f"It is expected {argument} equals to 2, but got size {len(numbers)}")
    return numbers


def sliding(kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[tuple[int, int], ...]:
    """Kernel size, stride, padding and dilation as pairs.

    Raises:
        RuntimeError: one is not a pair, or too small.
    """
    kernel_size, dilation = pair("kernel_size", kernel_size), pair("dilation", dilation)
    padding, stride = pair("padding", padding), pair("stride", stride)
    for name, value in (("kernel size", kernel_size), ("dilation", dilation), ("stride", stride)):
        if min(value) <= 0:
            raise RuntimeError(f"{name} should be greater than zero, but got {value}")
    if min(padding) < 0:
        raise RuntimeError(f"padding should be non-negative, but got {padding}")
    return kernel_size, stride, padding, dilation


def check_not_integers(name: str, input: Tensor) -> None:
    """Raise PyTorch's error for a tensor of integers."""
    if input.array.dtype.kind in "iu":
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype}')


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """What a kernel reads at each of its places, as columns. Shapes: (N, C, H, W) -> (N, C·R·S, places).

    N may be missing.
    A convolution is a product of the weight as a matrix (K, C·R·S) with these columns.

    Raises:
        RuntimeError: the kernel has no place on the input, the input is empty, or an argument is too small.
        NotImplementedError: the tensor is of integers.
    """
    check_tensors("unfold", input=input)
    steps = sliding(kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        kind = RuntimeError if input.ndim >= 3 else IndexError
        raise kind(
            f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    found = places_on(input.shape[-2:], *steps)
    if min(found) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.shape[-2:])}, kernel_size={steps[0]}, dilation={steps[3]}, "
            f"padding={steps[2]}, calculated shape of the array of sliding blocks as {tuple(found)}, but its "
            f"components must be at least one."
        )
    check_not_integers("unfold", input)
    return ops.convolution.Im2Col.apply(input, steps=steps)


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns added up to a picture: each to the places that :func:`unfold` reads it from.

    Shapes: (N, C·R·S, places) -> (N, C, H, W) with (H, W) the ``output_size``; N may be missing.

    Raises:
        RuntimeError: the sizes do not agree, or an argument is too small.
        NotImplementedError: the tensor is of integers.
    """
    check_tensors("fold", input=input)
    size = pair("output_size", output_size)
    steps = sliding(kernel_size, dilation, padding, stride)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    if input.shape[-2] % (steps[0][0] * steps[0][1]):
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.shape[-2]} and kernel_size={steps[0]}."
        )
    down, across = places_on(size, *steps)
    if down * across != input.shape[-1] or min(down, across) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={steps[0]}, dilation={steps[3]}, padding={steps[2]}, "
            f"stride={steps[1]}, expected size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{down} * {across} = {down * across}, but got input.size(2)={input.shape[-1]}."
        )
    check_not_integers("fold", input)
    return ops.convolution.Col2Im.apply(input, size=size, steps=steps)
