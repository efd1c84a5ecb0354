"""``out=``: a function's result goes into a tensor that is there already.

No rule and no function knows of it: :func:`taking_out` goes around functions where the face names them, and does with
the result what a change in place does. Methods have no ``out``, as in PyTorch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minigrad import dtypes
from minigrad.arguments.promotion import type_name
from minigrad.attributes import TYPE_NAMES
from minigrad.caller import warn_user
from minigrad.graph.grad_mode import call_inside, grad_mode, no_grad
from minigrad.graph.node import Tensor
from minigrad.graph.values import tensors_in
from minigrad.inplace.changing import become, check_castable, check_overlap
from minigrad.inplace.resizing import resize_

__all__ = ["TAKES_OUT", "taking_out"]

# What takes ``out``: functions element by element, reductions, products, and what makes or joins tensors.
TAKES_OUT = """
abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr all amax amin aminmax any arange arccos arccosh
arcsin arcsinh arctan arctan2 arctanh argmax argmin asin asinh atan atan2 atanh baddbmm bitwise_and
bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm bucketize cat ceil clamp clamp_max
clamp_min clip column_stack concat concatenate copysign cos cosh cross cummax cummin cumprod cumsum deg2rad diag
digamma div divide dot dstack empty eq erf erfc erfinv exp exp2 expm1 eye fix float_power floor floor_divide fmax fmin
fmod frac full gather gcd ge ger greater greater_equal gt heaviside histc hstack hypot index_select inner inverse
isneginf isposinf kron kthvalue lcm ldexp le lerp less less_equal lgamma linspace log log10 log1p log2 log_softmax
logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logit logspace logsumexp lt masked_select matmul
matrix_power max maximum mean median min minimum mm mode msort mul multiply mv nan_to_num nanmean nanmedian nansum ne
neg negative nonzero norm not_equal ones outer polygamma pow prod quantile rad2deg rand randint randn randperm range
reciprocal remainder renorm round row_stack rsqrt searchsorted sgn sigmoid sign signbit sin sinc sinh softmax sort
sqrt square stack std sub subtract sum take tan tanh tensordot topk tril triu true_divide trunc var vdot vstack where
xlogy zeros
"""
# What is not converted to the type of ``out``, and PyTorch's words for it; other results are.
EXACT = {
    "Found dtype {given} but expected {wanted}": """
abs absolute bitwise_not ceil clamp clamp_max clamp_min clip fix floor frac heaviside neg negative round sgn sign
trunc""",
    "{name}() expected scalar type {wanted} but got {given} for {field}": """
addbmm addmm addmv amax amin aminmax argmax argmin baddbmm bmm bucketize cross cummax cummin diag dot float_power gather
histc index_select inner inverse kthvalue log_softmax masked_select matmul matrix_power max median min mm mode msort mv
nan_to_num nanmedian nonzero norm renorm searchsorted softmax sort take tensordot topk tril triu vdot where""",
    "{name}() out tensor must be same dtype as the input tensor: {wanted}, not {given}": "quantile",
    "{name} does not support non-boolean outputs.": "isneginf isposinf signbit",
    "{name} only supports bool tensor for result, got: {given}": "all any",
}
WORDS = {name: words for words, names in EXACT.items() for name in names.split()}
# What is computed in the type of ``out``. What counts also fills a tensor of as many elements in another shape.
COUNTED = "arange linspace logspace range"
MADE = f"{COUNTED} cumprod cumsum empty eye full nansum ones prod rand randint randn randperm sum zeros"


def taking_out(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` with one argument more, ``out``: a tensor for its result, a tuple of them for several. It is found,
    by pickle too, as ``minigrad.name``."""

    @functools.wraps(function)
    def with_out(*arguments: Any, **named: Any) -> Any:
        if named.get("out") is None:
            named.pop("out", None)
            return function(*arguments, **named)
        return write_out(function, named.pop("out"), arguments, named)

    with_out.__module__, with_out.__name__, with_out.__qualname__ = "minigrad", name, name
    return with_out


def write_out(function: Callable[..., Any], out: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Let ``out`` have what ``function`` gives, in its type, and, with a warning unless it is empty, its shape.

    Raises:
        TypeError: ``out`` is no tensor, or there are more or fewer than results.
        RuntimeError: one of the tensors requires grad, or the type does not fit, or its memory is one of the inputs' in
            another arrangement. Nothing is changed then.
    """
    name = function.__name__
    targets = tuple(out) if isinstance(out, (tuple, list)) else (out,)
    for each in targets:
        if not isinstance(each, Tensor):
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(each)}")
    inputs = list(tensors_in([arguments, named]))
    if grad_mode.enabled and any(each._requires_grad for each in (*inputs, *targets)):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            f"arguments requires grad."
        )
    for each in targets:
        check_overlap(each, *inputs)
    kind = targets[0].dtype
    if named.get("dtype", kind) not in (kind, None):
        raise RuntimeError(f"{name}(): dtype {named['dtype']} does not match dtype of out parameter ({kind})")
    if name in MADE.split():
        named["dtype"] = kind
    result = call_inside(no_grad(), function, *arguments, **named)
    results = result if isinstance(result, tuple) else (result,)
    if len(results) != len(targets):
        raise TypeError(f"{name}(): argument 'out' must be {len(results)} tensors, not {len(targets)}")
    for target, value, field in zip(targets, results, getattr(result, "_fields", ["out"])):
        bytes_for_bools = name in ("all", "any") and {target.dtype, value.dtype} <= {dtypes.bool, dtypes.uint8}
        if name in WORDS and target.dtype is not value.dtype and not bytes_for_bools:
            given, wanted = TYPE_NAMES[target.dtype.name], TYPE_NAMES[value.dtype.name]
            raise RuntimeError(WORDS[name].format(name=name, field=field, given=given, wanted=wanted))
        check_castable(target, value.array.dtype)
    for target, value in zip(targets, results):
        if name in COUNTED.split() and target.array.size == value.array.size:
            value = value.reshape(target.array.shape)
        resize_out(target, value.array.shape)
        call_inside(no_grad(), become, target, value, f"{name}(out=...)")
    return type(result)(*targets) if hasattr(result, "_fields") else targets if isinstance(result, tuple) else out


def resize_out(target: Tensor, shape: tuple[int, ...]) -> None:
    """Give ``target`` another shape. PyTorch warns that in future it will do so with empty tensors only."""
    if target.array.shape == shape:
        return
    if target.array.size:
        warn_user(
            f"An output with one or more elements was resized since it had shape {list(target.array.shape)}, which "
            f"does not match the required output shape {list(shape)}. This behavior is deprecated: resize it to zero "
            f"elements before, t.resize_(0), to reuse it."
        )
    resize_(target, shape)
