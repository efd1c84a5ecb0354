"""What functions of single numbers, applied to each element, have in common: how they compute, and change in place.

Those that users call are in the files of their families: ``powers.py``, ``transcendental.py`` and others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import in_default_float, in_opmath
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Function, Number, Tensor, constant_like
from minigrad.inplace.changing import apply_or_change, run_in_place


def refuse_integers(name, x):
    """Raise PyTorch's error for a type without fractions."""
    if x.dtype.kind not in FLOATS:
        raise NotImplementedError(f'"{name}_cpu" not implemented for {x.dtype}')


def check_floating(name, x):
    """Raise PyTorch's error for a type without fractions, which says what to do."""
    if x.dtype.kind not in FLOATS:
        raise NotImplementedError(f'"{name}" not implemented for {x.dtype}: convert to a floating type first')


class Flat(Function):
    """What x does not move, or moves in jumps only: the gradient is zero."""

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


class OfInput(Function):
    """z = ``function`` of x, computed in a floating-point type. The rule needs x."""

    function: Any

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return ctx.function(in_default_float(x))


class OfInputAnd(OfInput):
    """z = ``function`` of x and of numbers, the options. The rule needs x."""

    def forward(ctx, x, **options):
        ctx.options = options
        ctx.save_for_backward(x)
        return ctx.function(in_default_float(x), **options)


class OfResult(Function):
    """z = ``function`` of x, computed in a floating-point type. The rule needs z."""

    function: Any

    def forward(ctx, x):
        z = np.asarray(ctx.function(in_default_float(x)))
        ctx.save_for_backward(z)
        return z


class OfFloat(Function):
    """z = ``value`` of x, which is floating; that of float16 is computed in float32. The rule needs x, or z where
    that is written over x."""

    kernel = ""  # PyTorch's name of it, for messages
    value: Any

    def forward(ctx, x, *, in_place=False, **options):
        refuse_integers(ctx.kernel, x)
        ctx.in_place, ctx.options = in_place, options
        z = ctx.value(in_opmath(x), **options).astype(x.dtype, copy=False)
        ctx.save_for_backward(z if in_place else x)
        return z


def named(function: Callable[..., Tensor], name: str, module: str, more: str = "") -> Callable[..., Tensor]:
    """``function``, which was made for another one's in-place form ``name``, with its name, place and docstring."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    function.__doc__ = f":func:`{name.removesuffix('_')}`, in place{more}."
    return function


def in_place(name: str, operation: type[Function]) -> Callable[[Tensor], Tensor]:
    """The function ``name``, which lets its argument become what ``operation`` makes of it."""

    def change(input: Tensor) -> Tensor:
        return run_in_place(input, name, operation)

    return named(change, name, operation.__module__)


def with_other(name: str, operation: type[Function], input: Tensor, other: Any) -> Tensor:
    """``operation`` of ``input`` and of ``other``, a second input where it is a tensor, else the option ``number``: in
    place where the function's ``name`` ends in an underscore."""
    if isinstance(other, Tensor):
        return apply_or_change(name, operation, input, other)
    return apply_or_change(name, operation, input, number=other)


def in_place_with_other(name: str, operation: type[Function]) -> Callable[[Tensor, Tensor | Number], Tensor]:
    """The function ``name``, which lets its first argument become :func:`with_other` of both."""

    def change(input: Tensor, other: Tensor | Number) -> Tensor:
        return with_other(name, operation, input, other)

    return checked(named(change, name, operation.__module__))


def in_place_with_tensor(name: str, operation: type[Function]) -> Callable[[Tensor, Tensor], Tensor]:
    """The function ``name``, which lets its first argument become what ``operation`` makes of it and of another."""

    def change(input: Tensor, other: Tensor) -> Tensor:
        return run_in_place(input, name, operation, other)

    return checked(named(change, name, operation.__module__))
