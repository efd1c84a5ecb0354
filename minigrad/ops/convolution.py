"""Convolutions of lines, pictures and volumes, and transposed ones, their mirror image. Rules, then what users call.

A convolution is linear in its input and in its weight, and so is each of its gradients in what it is made of. The
gradient of a convolution is therefore made of convolutions again, to every order. How they are computed is in
``minigrad/kernels/convolution.py``, volumes in ``volumes.py`` there. Pictures as columns are in ``unfolding.py``.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import Sizes
from minigrad.arguments.gate import checked
from minigrad.attributes import TYPE_NAMES
from minigrad.caller import warn_user
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_any_picture
from minigrad.kernels import convolution as of_pictures
from minigrad.kernels import volumes as of_volumes
from minigrad.kernels.parallel import a_helper_is_busy, has_helpers, in_background, share_out, worth_sharing
from minigrad.ops.broadcasting import Expand, add_up
from minigrad.ops.padding import ConstantPadNd
from minigrad.ops.shape import View

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


class Geometry(NamedTuple):
    """How a kernel moves: of volumes along the depth, then rows, then columns. A line is a picture of one row."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    transposed: bool = False
    output_padding: tuple[int, ...] = (0, 0)

    @property
    def steps(self):
        """What the kernels take: stride, padding, dilation and groups."""
        return self.stride, self.padding, self.dilation, self.groups


def as_pictures(x):
    """(N, C, W) seen as (N, C, 1, W); pictures and volumes as they are."""
    return x[:, :, None] if x.ndim == 3 else x


def kernels_for(x):
    """Where the convolution of x is computed."""
    return of_volumes if x.ndim == 5 else of_pictures


def transposed_shape(x, weight, geometry):
    """The shape that a transposed convolution of x gives: that of the input of which a convolution would give x's."""
    sizes = []
    for dim in range(x.ndim - 2):
        reach = geometry.dilation[dim] * (weight.shape[2 + dim] - 1) + 1 - 2 * geometry.padding[dim]
        sizes.append((x.shape[2 + dim] - 1) * geometry.stride[dim] + reach + geometry.output_padding[dim])
    return (len(x), weight.shape[1] * geometry.groups, *sizes)


def in_place_of(wanted, gradients):
    """``gradients`` at the places where ``wanted`` is True, None elsewhere."""
    remaining = list(gradients)
    return tuple([remaining.pop(0) if each else None for each in wanted])


class Convolution(Function):
    """z[n, k, h, w] = Σ x[n, c, h·stride + r·dilation - padding, …] · weight[k, c, r, s] + bias[k] over c, r, s.

    ``transposed``, z is instead what the gradient of such a convolution's input would be, were x its output's gradient.
    """

    saved_names = ("input", "weight")
    result_strides = as_any_picture

    def forward(ctx, x, weight, bias, *, geometry):
        ctx.geometry = geometry
        ctx.save_for_backward(x, weight)
        pictures, kernel = as_pictures(x), as_pictures(weight)
        if geometry.transposed:
            shape = transposed_shape(pictures, kernel, geometry)
            z = kernels_for(x).gradient_of_input(pictures, kernel, shape, *geometry.steps, alike=True)
        else:
            z = kernels_for(x).convolve(pictures, kernel, *geometry.steps)
        if bias is not None:
            z += bias.reshape(-1, *[1] * (z.ndim - 2))
        return np.ascontiguousarray(z[:, :, 0]) if x.ndim == 3 else z

    def backward(ctx, grad_z):
        x, weight = ctx.saved_tensors
        wanted = tuple(ctx.needs_input_grad)
        maker_of_x, _, _ = ctx.edges[0]
        walk_goes_on = maker_of_x is not None and maker_of_x.edges != ()  # beyond x: it is no leaf
        at_once = not walk_goes_on or not isinstance(grad_z, np.ndarray)
        gradients = ConvolutionBackward.apply(grad_z, x, weight, wanted=wanted, geometry=ctx.geometry, at_once=at_once)
        return in_place_of(wanted, gradients)


class ConvolutionBackward(Function):
    """The gradients of a convolution, of input, weight and bias those that are ``wanted``, from its output's gradient.

    The first is linear in grad_z and weight, the second in grad_z and x, the third in grad_z: so each of their own
    gradients is one of the three computations again.

    Nobody waits for the weight's but a leaf: unless all are wanted ``at_once``, it may be a :class:`Future`.
    """

    materialize_grads = False

    def forward(ctx, grad_z, x, weight, *, wanted, geometry, at_once=True):
        ctx.wanted, ctx.geometry = wanted, geometry
        ctx.save_for_backward(grad_z, x, weight)
        pictures, kernel, grad = as_pictures(x), as_pictures(weight), as_pictures(grad_z)

        def of_input():
            if geometry.transposed:
                grad_x = kernels_for(x).convolve(grad, kernel, *geometry.steps, places=pictures.shape[2:])
            else:
                grad_x = kernels_for(x).gradient_of_input(grad, kernel, pictures.shape, *geometry.steps)
            return np.ascontiguousarray(grad_x[:, :, 0]) if x.ndim == 3 else grad_x

        def of_weight():
            ends = (pictures, grad) if geometry.transposed else (grad, pictures)
            return kernels_for(x).gradient_of_weight(*ends, kernel.shape, *geometry.steps).reshape(weight.shape)

        asked = [compute for compute, want in zip((of_input, of_weight), wanted) if want]
        if not worth_sharing((x if geometry.transposed else grad_z).size * weight[:1].size):
            gradients = [compute() for compute in asked]
        elif at_once or len(asked) < 2 or not has_helpers():
            gradients = share_out(lambda compute: compute(), asked)  # side by side, each as a whole
        elif a_helper_is_busy():  # it takes this next, when it has done what it is at
            of_weight_later = in_background(of_weight)
            gradients = [of_input(), of_weight_later]
        else:  # first all threads compute what the walk waits for
            gradients = [of_input(), in_background(of_weight)]
        if wanted[2]:
            gradients.append(add_up(grad, (0, *range(2, grad.ndim)), False))
        return tuple(gradients)

    def backward(ctx, *arrived):
        grad_z, x, weight = ctx.saved_tensors
        of_grad_x, of_grad_weight, of_grad_bias = in_place_of(ctx.wanted, arrived)
        needs_grad_z, needs_x, needs_weight = ctx.needs_input_grad
        grad_grad_z = grad_x = grad_weight = None
        if needs_grad_z:
            parts = []
            if of_grad_x is not None:
                parts.append(Convolution.apply(of_grad_x, weight, None, geometry=ctx.geometry))
            if of_grad_weight is not None:
                parts.append(Convolution.apply(x, of_grad_weight, None, geometry=ctx.geometry))
            if of_grad_bias is not None:
                of_channels = View.apply(of_grad_bias, shape=(-1,) + (1,) * (x.ndim - 2))
                parts.append(Expand.apply(of_channels, shape=grad_z.shape))
            grad_grad_z = reduce(operator.add, parts) if parts else None
        if needs_x and of_grad_weight is not None:
            options = {"wanted": (True, False, False), "geometry": ctx.geometry}
            (grad_x,) = ConvolutionBackward.apply(grad_z, x, of_grad_weight, **options)
        if needs_weight and of_grad_x is not None:
            options = {"wanted": (False, True, False), "geometry": ctx.geometry}
            (grad_weight,) = ConvolutionBackward.apply(grad_z, of_grad_x, weight, **options)
        return grad_grad_z, grad_x, grad_weight


@checked
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """:func:`conv2d` of lines. Shapes: (N, C, W), (K, C / groups, S), (K,) -> (N, K, W'); N may be missing."""
    return convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def convolution(name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, *numbers: Any) -> Tensor:
    """A convolution over ``dims`` dimensions, its arguments checked."""
    stride, padding, dilation, groups = numbers
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
    geometry = Geometry(over_rows(stride, 1), over_rows(padding, 0), over_rows(dilation, 1), groups)
    result = Convolution.apply(input, weight, bias, geometry=geometry)
    return result if batched else result.squeeze(0)


def check_kinds(name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    """Raise PyTorch's error where an argument's kind, type or number of dimensions is wrong."""
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
            wanted, found = TYPE_NAMES[input.dtype.name], TYPE_NAMES[tensor.dtype.name]
            raise RuntimeError(
                f"Input type ({input.dtype}) and {other} type ({tensor.dtype}) should be the same: expected scalar "
                f"type {wanted} but found {found}"
            )
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


def over_rows(numbers: tuple[int, ...], of_a_line: int) -> tuple[int, ...]:
    """One number a dimension: a line is a picture of one row, over which the kernel moves as ``of_a_line``."""
    return (of_a_line, numbers[0]) if len(numbers) == 1 else numbers


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
        warn_user(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the "
            "input be created",
        )
        nothing = [0] * input.ndim
        input = ConstantPadNd.apply(input, before=nothing, after=[0, 0, *odd], value=0)
    return input, tuple([total // 2 for total in totals])


def check_shapes(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool) -> None:
    """Raise PyTorch's RuntimeError where channels, groups or bias do not agree, or there is nothing to convolve."""
    sizes = f"weight of size {list(weight.shape)}"
    if weight.shape[0] < groups or weight.shape[0] % groups:
        wanted = f"{'at least' if weight.shape[0] < groups else 'divisible by'} {groups} at dimension 0"
        raise RuntimeError(f"Given groups={groups}, expected weight to be {wanted}, but got {sizes} instead")
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


def pair(argument: str, value: Any) -> tuple[int, int]:
    """``value``, a number or two, as two.

    Raises:
        RuntimeError: there are not two.
    """
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(numbers) != 2:
        raise RuntimeError(f"It is expected {argument} equals to 2, but got size {len(numbers)}")
    return numbers


@checked
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
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

    >>> image, kernel = minigrad.ones(1, 1, 3, 3), minigrad.ones(1, 1, 2, 2)
    >>> minigrad.conv2d(image, kernel)
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@checked
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """:func:`conv2d` of volumes. Shapes: (N, C, D, H, W), (K, C / groups, T, R, S), (K,) -> (N, K, D', H', W')."""
    return convolution("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


@checked
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """:func:`conv_transpose2d` of lines. Shapes: (N, C, W), (C, K / groups, S), (K,) -> (N, K, W')."""
    return transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def transposed(name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, *numbers: Any) -> Tensor:
    """A transposed convolution over ``dims`` dimensions, its arguments checked."""
    stride, padding, output_padding, groups, dilation = numbers
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
    moves = over_rows(stride, 1), over_rows(padding, 0), over_rows(dilation, 1)
    geometry = Geometry(*moves, groups, True, over_rows(output_padding, 0))
    shape = transposed_shape(as_pictures(input.array), as_pictures(weight.array), geometry)
    if min(shape[2:]) < 0:
        raise RuntimeError(
            f"Given input size per channel: {list(input.shape[2:])}. Calculated output size per channel: "
            f"{list(shape[-dims:])}. Output size is too small: padding {list(padding)} takes away more than there is"
        )
    result = Convolution.apply(input, weight, bias, geometry=geometry)
    return result if batched else result.squeeze(0)


@checked
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
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
    return transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@checked
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """:func:`conv_transpose2d` of volumes. Shapes: (N, C, D, H, W), (C, K / groups, T, R, S) -> (N, K, D', H', W')."""
    return transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
