"""Pictures as columns, one a window, and back, where windows that overlap are summed: each is the other's gradient."""

from __future__ import annotations

from typing import Any

from minigrad.arguments.dims import Sizes
from minigrad.arguments.gate import checked
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.kernels import unfolding
from minigrad.kernels.convolution import places_on
from minigrad.ops.convolution import pair

__all__ = ["fold", "unfold"]


class Im2Col(Function):
    """z = for each place of a kernel on x, all that it reads there, as a column. Shapes: (N, C, H, W) -> (N, C·R·S, L).

    ``steps`` are kernel size, stride, padding and dilation. A picture without N gives columns without N.
    """

    def forward(ctx, x, *, steps):
        ctx.size, ctx.steps = x.shape[-2:], steps
        z = unfolding.unfold(x.reshape(-1, *x.shape[-3:]), *steps)
        return z if x.ndim == 4 else z[0]

    def backward(ctx, grad_z):
        grad_x = Col2Im.apply(grad_z, size=ctx.size, steps=ctx.steps)
        return grad_x


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


@checked
def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """What a kernel reads at each of its places, as columns. Shapes: (N, C, H, W) -> (N, C·R·S, places).

    N may be missing.
    A convolution is a product of the weight as a matrix (K, C·R·S) with these columns.

    Raises:
        RuntimeError: the kernel has no place on the input, the input is empty, or an argument is too small.
        NotImplementedError: the tensor is of integers.
    """
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
    return Im2Col.apply(input, steps=steps)


class Col2Im(Function):
    """z = a picture of ``size`` with each column of x added to the places that a kernel reads there."""

    def forward(ctx, x, *, size, steps):
        ctx.steps = steps
        z = unfolding.fold(x.reshape(-1, *x.shape[-2:]), size, *steps)
        return z if x.ndim == 3 else z[0]

    def backward(ctx, grad_z):
        grad_x = Im2Col.apply(grad_z, steps=ctx.steps)
        return grad_x


@checked
def fold(
    input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Columns added up to a picture: each to the places that :func:`unfold` reads it from.

    Shapes: (N, C·R·S, places) -> (N, C, H, W) with (H, W) the ``output_size``; N may be missing.

    Raises:
        RuntimeError: the sizes do not agree, or an argument is too small.
        NotImplementedError: the tensor is of integers.
    """
    size = pair("output_size", output_size)
    steps = sliding(kernel_size, dilation, padding, stride)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    if steps[0][0] * steps[0][1] >= 2**63:
        raise RuntimeError(
            f"Given kernel_width = {steps[0][1]} and kernel_height = {steps[0][0]} the product of kernel_width and "
            f"kernel_height overflowed."
        )
    if input.shape[-2] % (steps[0][0] * steps[0][1]):
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.shape[-2]} and kernel_size={steps[0]}."
        )
    down, across = places_on(size, *steps)
    if min(down, across) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={steps[0]}, dilation={steps[3]}, padding={steps[2]}, "
            f"stride={steps[1]}, calculated shape of the array of sliding blocks as {(down, across)}, which is too "
            f"small (non-positive)"
        )
    if down * across != input.shape[-1]:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={steps[0]}, dilation={steps[3]}, padding={steps[2]}, "
            f"stride={steps[1]}, expected size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{down} * {across} = {down * across}, but got input.size(2)={input.shape[-1]}."
        )
    check_not_integers("fold", input)
    return Col2Im.apply(input, size=size, steps=steps)
