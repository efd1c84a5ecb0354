"""What is told of an array: all of it where it is small, else a few figures. At most 300 bytes as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minigrad.graph.node import Tensor

__all__ = ["Summary", "array_of", "sizes_of", "summary_of"]

ALL = 16  # values that are told one by one
HEAD = 6  # of more values the first ones
MOST_BYTES = 300
Told = float | int | bool | str  # a value; "nan", "inf" and "-inf" as text, for which JSON has no numbers


@dataclass(frozen=True)
class Summary:
    """An array in brief. Of one of PyTorch's without values, such as those of its device "meta", no value is known.

    Attributes:
        shape, dtype: as the tensor's, such as ``(2, 3)`` and ``float32``.
        values: all of up to 16 in row-major order; of more the first 6. To 9 digits where they fit, else to fewer.
        norm, min, max: of more than 16 values, those that are NaN left out; complex values have no bounds.
        nan, inf, zeros: how many of more than 16 values are that.
    """

    shape: tuple[int, ...]
    dtype: str
    values: tuple[Told, ...]
    norm: Told | None = None
    min: Told | None = None
    max: Told | None = None
    nan: int = 0
    inf: int = 0
    zeros: int = 0

    def __str__(self) -> str:
        numbers = ", ".join([str(each) for each in self.values])
        if not self.shape:
            return numbers or "not known"
        kind = f"{list(self.shape)} {self.dtype}"
        if self.norm is None:
            return f"{kind}: {numbers}" if self.values else kind
        bounds = [] if self.min is None else [f"{self.min} to {self.max}"]
        return ", ".join([f"{kind}: {numbers}, … norm {self.norm}", *bounds, *self.counts()])

    def counts(self) -> list[str]:
        """How many values are no numbers, of many."""
        return [f"{count} {name}" for name, count in (("nan", self.nan), ("inf", self.inf)) if count]

    @property
    def known(self) -> bool:
        return bool(self.values) or self.norm is not None or 0 in self.shape

    def to_data(self) -> dict[str, Any]:
        """As JSON has it: what is not known, and counts of nothing, left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, 0) or name == "values"}


def array_of(tensor: Any) -> np.ndarray | None:
    """The values of a tensor of either engine, or of an array; only read. None where PyTorch has none that NumPy can
    have: on its device "meta", of sparse tensors."""
    if isinstance(tensor, (Tensor, np.ndarray)):
        return tensor.array if isinstance(tensor, Tensor) else tensor
    try:
        values = tensor.detach().resolve_conj().resolve_neg().cpu()
        kind = str(values.dtype)
        array: np.ndarray = (values.float() if kind.startswith(("torch.bfloat16", "torch.float8")) else values).numpy()
    except (RuntimeError, TypeError):
        return None
    return array


def sizes_of(tensor: Any) -> tuple[int, ...]:
    """The shape of a tensor, or of what a node notes of one.

    Raises:
        RuntimeError: it is one of PyTorch's nested tensors, which have no one shape.
    """
    try:
        return tuple([int(size) for size in tensor.shape])
    except (RuntimeError, AttributeError) as error:
        raise RuntimeError("nested tensors have no one shape to be shown: use to_padded_tensor() first") from error


def summary_of(tensor: Any) -> Summary:
    """A tensor of either engine, or an array, in brief."""
    dtype, shape, array = str(tensor.dtype).rpartition(".")[2], sizes_of(tensor), array_of(tensor)
    if array is None:
        return Summary(shape, dtype, ())
    few = array.size <= ALL
    head = array.ravel() if few else array.ravel()[:HEAD] if array.flags.c_contiguous else array.flat[:HEAD]
    figures: dict[str, Any] = {} if few else figures_of(array)
    for digits in (9, 6, 4, 2):
        values = tuple([told(each, digits) for each in head])
        summary = Summary(shape, dtype, values, **figures)
        if len(shape) + len(head) <= HEAD or len(json.dumps(summary.to_data())) <= MOST_BYTES:
            return summary
    return Summary(shape, dtype, (), **(figures or figures_of(array)))


def figures_of(array: np.ndarray) -> dict[str, Any]:
    """Norm, bounds and counts of many values."""
    ordered = array.dtype.kind != "c"
    numbers = array.astype(np.float64 if ordered else np.complex128).ravel()
    known = numbers[~np.isnan(numbers)]
    with np.errstate(over="ignore"):
        norm = np.sqrt(np.add.reduce(np.abs(known) ** 2))
    return {
        "norm": told(norm, 6),
        "min": told(known.min(), 6) if known.size and ordered else None,
        "max": told(known.max(), 6) if known.size and ordered else None,
        "nan": int(numbers.size - known.size),
        "inf": int(np.count_nonzero(np.isinf(known))),
        "zeros": int(numbers.size - np.count_nonzero(numbers)),
    }


def told(value: Any, digits: int) -> Told:
    """A value for JSON: a float to so many digits."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, complex):
        return f"{value:.{digits}g}"
    if not np.isfinite(value):
        return str(value)
    return float(f"{value:.{digits}g}")
