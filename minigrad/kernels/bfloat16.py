"""bfloat16: a float32 without its lower half, and what NumPy computes on arrays of it.

NumPy has no such type; the package ml_dtypes gives it one, of kind "V". That type lies in memory as PyTorch's does,
but beside a Python number it becomes float32, and each of several roundings on the way is to bfloat16. So a tensor of
bfloat16 holds its numbers in a :class:`BFloat16Array`: each call of NumPy's computes in float32, and rounds once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.dtypes import bfloat16_type

__all__ = ["ARRAYS", "BFloat16Array"]


class BFloat16Array(np.ndarray):
    """An array of bfloat16, on which NumPy's functions compute in float32 and round to bfloat16 once.

    Beside an array of a wider floating type the result is of that type, as NumPy has it.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        """``ufunc.method(*inputs, out=out, **options)``."""
        if method == "at":
            wide = widened(inputs[0])
            ufunc.at(wide, *map(widened, inputs[1:]), **options)
            inputs[0][...] = wide
            return None
        narrow = all(map(is_narrow, inputs)) and options.get("dtype") in (None, bfloat16_type())
        if "dtype" in options and narrow:
            options["dtype"] = np.dtype(np.float32)
        results = getattr(ufunc, method)(*map(widened, inputs), **options)
        if out:
            for result, target in zip(results if ufunc.nout > 1 else (results,), out):
                target[...] = result
            return out if ufunc.nout > 1 else out[0]
        if not narrow:
            return results
        return tuple(map(narrowed, results)) if ufunc.nout > 1 else narrowed(results)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """``func(*args, **kwargs)``, in float32 where NumPy has no right code for other people's types."""
        if func not in WIDENED:
            return super().__array_function__(func, types, args, kwargs)
        return narrowed(func(*widened_all(args), **{name: widened(each) for name, each in kwargs.items()}))


ARRAYS = frozenset({np.ndarray, BFloat16Array})  # what a tensor's numbers may lie in
# What NumPy has no code for with other people's types, or puts NaN first for.
WIDENED = {np.einsum, np.nan_to_num, np.isclose, np.interp, np.median, np.linalg.norm, np.argsort, np.searchsorted}
WIDENED |= {np.lexsort}


def widened(value: Any) -> Any:
    """``value``, in float32 where it is an array of bfloat16."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype == bfloat16_type():
        return np.asarray(value).astype(np.float32)
    return value.view(np.ndarray) if isinstance(value, BFloat16Array) else value


def widened_all(values: Any) -> list[Any]:
    """Each of ``values`` widened, and what is in a list or tuple among them."""
    return [widened_all(each) if isinstance(each, (list, tuple)) else widened(each) for each in values]


def narrowed(value: Any) -> Any:
    """``value``, in bfloat16 where it is of float32."""
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype != np.float32:
        return value
    return np.asarray(value).astype(bfloat16_type()).view(BFloat16Array)


def is_narrow(value: Any) -> bool:
    """Whether an operand leaves the result in bfloat16: it is no array of another floating type."""
    return not isinstance(value, np.ndarray) or value.dtype.kind != "f"
