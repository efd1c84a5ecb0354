"""What tests ask: whether two results are close, and if not, where they are apart. Counterpart: ``torch.testing``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, dtypes, promote_types, tensor
from minigrad.graph.function import taken_in

__all__ = ["assert_close"]

# rtol and atol of each type; other types must be equal. Source: torch.testing.
TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.bfloat16: (1.6e-2, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
}
NUMBERS = (int, float)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise an AssertionError unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Both are tensors, numbers, arrays, None, or sequences and mappings of such. Without ``rtol`` and ``atol`` they are
    those of the type: 1.3e-6 and 1e-5 for float32, 1e-7 both for float64 and for Python's numbers, none for integers.
    ``msg`` replaces the message, or makes another of it. There is one device and one layout, so that checking them
    changes nothing.

    Raises:
        AssertionError: they are not close, or differ in shape, type, stride (``check_stride``), length or keys.
        ValueError: one of ``rtol`` and ``atol`` is given without the other.
        TypeError: nothing can be compared with the other; without ``allow_subclasses`` also where the types differ.

    >>> minigrad.testing.assert_close(minigrad.tensor([1.0, 2.0]), minigrad.tensor([1.0, 2.0 + 1e-6]))
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    tolerances = None if rtol is None or atol is None else (float(rtol), float(atol))
    for one, other, place in list(pairs_of(actual, expected, "", allow_subclasses)):
        if isinstance(one, Tensor):
            pair = one.detach(), other.detach()
            told = tensors_apart(*pair, tolerances, equal_nan, check_dtype, check_stride)
        else:
            told = values_apart(one, other, tolerances, equal_nan, check_dtype)
        if told is not None:
            told += f"\n\nThe failure occurred for item {place}" if place else ""
            raise AssertionError(msg(told) if callable(msg) else msg or told)


def pairs_of(actual: Any, expected: Any, place: str, subclasses: bool) -> Any:
    """Each pair that is to be compared, with its place: ``[0]['bias']``.

    Raises:
        AssertionError: lengths or keys differ.
        TypeError: the two cannot be compared.
    """
    sequences = isinstance(actual, Sequence) and isinstance(expected, Sequence)
    if sequences and not (isinstance(actual, str) or isinstance(expected, str)):
        if len(actual) != len(expected):
            raise AssertionError(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}")
        for index, (one, other) in enumerate(zip(actual, expected)):
            yield from pairs_of(one, other, f"{place}[{index}]", subclasses)
        return
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, additional = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        if missing or additional:
            raise AssertionError(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(missing)}\n"
                f"Additional keys in the actual mapping: {sorted(additional)}"
            )
        for key in sorted(expected, key=str):
            yield from pairs_of(actual[key], expected[key], f"{place}[{key!r}]", subclasses)
        return
    one, other = (taken_in(each) for each in (actual, expected))
    if isinstance(one, (np.ndarray, np.generic)) and isinstance(other, (np.ndarray, np.generic)):
        one, other = tensor(one), tensor(other)
    related = subclasses or type(one) is type(other)
    if not (
        (one is None or other is None)
        or (related and isinstance(one, Tensor) and isinstance(other, Tensor))
        or (isinstance(one, NUMBERS) and isinstance(other, NUMBERS))
    ):
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")
    yield one, other, place


def values_apart(one: Any, other: Any, tolerances: Any, equal_nan: bool, check_dtype: bool) -> str | None:
    """What is to be told of two numbers, bools or None that are apart, or None."""
    if one is None or other is None:
        return None if one is other else f"None mismatch: {one} is not {other}"
    if isinstance(one, bool) and isinstance(other, bool):
        return None if one is other else f"Booleans mismatch: {one} is not {other}"
    if check_dtype and type(one) is not type(other):
        return f"The (d)types do not match: {type(one)} != {type(other)}."
    exact = isinstance(one, int) and isinstance(other, int)
    rtol, atol = tolerances or ((0, 0) if exact else TOLERANCES[dtypes.float64])
    if one == other or (equal_nan and math.isnan(one) and math.isnan(other)):
        return None
    difference = abs(one - other)
    if math.isfinite(difference) and difference <= atol + rtol * abs(other):
        return None
    return scalars_apart(one, other, difference, rtol, atol)


def wording(rtol: float, atol: float) -> tuple[str, str, str]:
    """What two values are not, and what is told behind their absolute and their relative difference."""
    if not (rtol or atol):
        return "equal", "", ""
    return "close", f" (up to {atol} allowed)", f" (up to {rtol} allowed)"


def scalars_apart(one: Any, other: Any, difference: Any, rtol: float, atol: float) -> str:
    relative = difference / abs(other) if other else math.inf
    verdict, *allowed = wording(rtol, atol)
    return (
        f"Scalars are not {verdict}!\n\nExpected {other} but got {one}.\n"
        f"Absolute difference: {difference}{allowed[0]}\nRelative difference: {relative}{allowed[1]}"
    )


def tensors_apart(
    one: Tensor, other: Tensor, tolerances: Any, equal_nan: bool, check_dtype: bool, check_stride: bool
) -> str | None:
    """What is to be told of two tensors that are apart, or None."""
    for name, first, second, checked in (
        ("shape", one.shape, other.shape, True),
        ("dtype", one.dtype, other.dtype, check_dtype),
        ("stride()", one.stride(), other.stride(), check_stride),
    ):
        if checked and first != second:
            return f"The values for attribute '{name}' do not match: {first} != {second}."
    looser = [TOLERANCES.get(each.dtype, (0.0, 0.0)) for each in (one, other)]
    rtol, atol = tolerances or map(max, *looser)
    kind = promote_types(one.dtype, other.dtype)
    kind = dtypes.int64 if not kind.is_floating_point else kind  # a difference of bools, of bytes
    x, y = one.to(kind), other.to(kind)
    arrays = x.double().array, y.double().array
    close = np.isclose(*arrays, rtol, atol, equal_nan) if rtol or atol else x.array == y.array
    if equal_nan:
        close |= np.isnan(arrays[0]) & np.isnan(arrays[1])
    if close.all():
        return None
    absolute = (x - y).abs()
    relative = absolute / y.abs()
    if x.ndim == 0:
        return scalars_apart(one.item(), other.item(), absolute.item(), rtol, atol)
    absolute.array[close] = 0
    relative.array[close] = 0
    count = int((~close).sum())
    verdict, *allowed = wording(rtol, atol)
    return (
        f"Tensor-likes are not {verdict}!\n\n"
        f"Mismatched elements: {count} / {close.size} ({count / close.size:.1%})\n"
        f"Greatest absolute difference: {at_its_place(absolute)}{allowed[0]}\n"
        f"Greatest relative difference: {at_its_place(relative)}{allowed[1]}"
    )


def at_its_place(differences: Tensor) -> str:
    """The largest and its index; NaN counts as the largest, and of equal ones the first is taken."""
    index = int(differences.argmax())
    place = tuple(map(int, np.unravel_index(index, differences.shape)))
    return f"{differences.flatten()[index].item()} at index {place}"
