"""What linear layers compute, as functions of ``nn.functional``, made of the rules of ``matmul.py``."""

from __future__ import annotations

import numpy as np

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import is_foreign
from minigrad.graph.function import taken_in
from minigrad.graph.node import Tensor
from minigrad.ops.einsum import einsum
from minigrad.ops.matmul import Addmm, matmul
from minigrad.ops.transposition import T

__all__ = ["bilinear", "linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input weightᵀ + bias. Shapes: (..., in_features), (out_features, in_features), (out_features,).

    Raises:
        RuntimeError: the sizes or the types do not agree.
    """
    ndim = input.array.ndim if isinstance(input, Tensor) and isinstance(weight, Tensor) else 0
    if ndim == 0 or weight.array.ndim == 0:
        if is_foreign(input) or is_foreign(weight):
            return linear(taken_in(input), taken_in(weight), bias)
        check_tensors("linear", input=input, weight=weight)
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {ndim}D and {weight.ndim}D")
    transposed = T.apply(weight)
    if not isinstance(bias, Tensor):
        if is_foreign(bias):
            return linear(input, weight, taken_in(bias))
        if bias is not None:
            check_tensors("linear", input=input, weight=weight, bias=bias)
        return matmul(input, transposed)
    if ndim == 2:
        return Addmm.apply(bias, input, transposed)
    if input.contiguous() is input:
        rows = input.view(int(np.prod(input.shape[:-1])), input.shape[-1])
        return Addmm.apply(bias, rows, transposed).view(*input.shape[:-1], weight.shape[0])
    return matmul(input, transposed) + bias


@checked
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """zₖ = input1ᵀ weightₖ input2 + biasₖ. Shapes: (..., n), (..., m), (out, n, m), (out,) -> (..., out).

    Raises:
        RuntimeError: the sizes do not agree.
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}"
        )
    for number, (input, size) in enumerate(((input1, weight.shape[1]), (input2, weight.shape[2])), 1):
        if input.shape[-1] != size:
            raise RuntimeError(
                f"bilinear(): input{number} size does not match weight size: got {input.shape[-1]} but expected {size}"
            )
    result = einsum("...n,knm,...m->...k", input1, weight, input2)
    return result if bias is None else result + bias
