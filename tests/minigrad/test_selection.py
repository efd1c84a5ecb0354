"""What a condition keeps of an array, in every layout, against NumPy's plain selection."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.kernels.selection import ROW, positive_part, where_chosen, where_not

SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0]
LAYOUTS = {
    "in one row": lambda x: x,
    "permuted": lambda x: x.transpose(0, 2, 1),
    "reversed": lambda x: x[::-1, :, ::-1],
    "with gaps": lambda x: x[:, ::2],
    "repeated": lambda x: np.broadcast_to(x[:1], x.shape),
    "one number": lambda x: x[0, 0, 0],
    "empty": lambda x: x[:0],
}


def values(kind: str, rows: int) -> np.ndarray:
    """Numbers of both signs, about ``rows`` · ROW of them, special ones among them."""
    x = np.random.default_rng(0).standard_normal((rows, 8, ROW // 8 + 3)) * 9
    if kind.startswith("f"):
        x.reshape(-1)[: 2 * len(SPECIAL)] = SPECIAL * 2
    return np.asarray(x).astype(kind)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["f4", "f8", "f2", "i4", "i8", "u1"])
def test_the_positive_part_of_each_layout_is_what_comparing_with_zero_gives(layout: str, kind: str) -> None:
    x = LAYOUTS[layout](values(kind if kind != "u1" else "i4", 3).astype(kind))
    expected = np.where(x < 0, np.zeros((), kind), x)
    out = np.empty_like(x)
    positive_part(x, out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "repeated"])
def test_the_positive_part_may_be_written_in_place_and_nowhere_else(layout: str) -> None:
    whole = values("f4", 3)
    untouched = whole.copy()
    x = np.asarray(LAYOUTS[layout](whole))
    expected = np.where(x < 0, np.float32(0), x)
    positive_part(x, x)
    np.testing.assert_array_equal(x, expected)
    if layout == "with gaps":
        np.testing.assert_array_equal(whole[:, 1::2], untouched[:, 1::2])


def test_the_positive_part_is_written_in_the_order_of_memory_that_out_has() -> None:
    x = values("f4", 2)
    out = np.empty(x.shape[::-1], x.dtype).T
    positive_part(x, out)
    np.testing.assert_array_equal(out, np.where(x < 0, np.float32(0), x))


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_selected_values_keep_their_bits_and_the_others_are_zero(kind: str) -> None:
    x = values(kind, 1)
    chosen = np.random.default_rng(1).random(x.shape) < 0.5
    expected = np.where(chosen, x, np.zeros((), kind))
    out = np.empty_like(x)
    where_not(~chosen, x, out)
    assert where_chosen(chosen, x).tobytes() == expected.tobytes() == out.tobytes()
