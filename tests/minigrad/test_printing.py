"""``minigrad.printing`` against ``repr`` of the same tensor in PyTorch: the same characters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from minigrad.printing import format_array, set_printoptions
from tests.thorough import THOROUGH

DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]
PLAIN_SCALES = st.floats(-2000, 2000, width=16) | st.integers(-50, 50).map(float)
SPECIAL = st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1e-4, 9.9e-5, 1e-7, 1e4, 65504.0, 0.5])


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    """Every test begins and ends with the default options, in both engines."""
    set_both(profile="default")
    yield
    set_both(profile="default")


def set_both(**options: Any) -> None:
    torch.set_printoptions(**options)
    set_printoptions(**options)


def torch_text(array: np.ndarray) -> str:
    return repr(torch.from_numpy(array.copy()))


def our_text(array: np.ndarray) -> str:
    """The caller's part: the dtype is named where PyTorch names it."""
    implied = array.dtype in (np.float32, np.int64, np.bool_) and not (array.size == 0 and array.dtype != np.float32)
    return format_array(array, suffixes=[] if implied else [f"dtype=torch.{array.dtype}"])


def assert_same_text(array: np.ndarray) -> None:
    assert our_text(array) == torch_text(array)


def elements(dtype: str) -> st.SearchStrategy[Any] | None:
    """Mixtures that reach every style; for integers and bools, whatever the type can hold."""
    kind = np.dtype(dtype).kind
    if kind != "f":
        return None
    any_value = st.floats(width=np.dtype(dtype).itemsize * 8)
    return st.one_of(PLAIN_SCALES, SPECIAL, any_value).map(lambda value: rounded(value, dtype))


def rounded(value: float, dtype: str) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.dtype(dtype).type(value))


@st.composite
def arrays(draw: st.DrawFn, max_side: int = 6, max_dims: int = 4) -> np.ndarray:
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(npst.array_shapes(min_dims=0, max_dims=max_dims, min_side=0, max_side=max_side))
    return draw(npst.arrays(dtype, shape, elements=elements(dtype)))


@settings(deadline=None, max_examples=400 if THOROUGH else 80)
@given(arrays())
@example(np.zeros((0, 3), np.float32))
@example(np.zeros(0, np.int64))
@example(np.zeros((2, 0), bool))
@example(np.array([math.nan, math.inf, -math.inf, 0.0, -0.0]))
@example(np.array([1.0, math.nan, -math.inf, 0.0, -0.0], np.float32))
@example(np.array([0.5, math.nan, -math.inf, 0.0, -0.0], np.float32))
@example(np.array([1e-300, 1e300]))
@example(np.array([5e-324, 1.7e308, math.nan]))
@example(np.array(-2.5, np.float16))
@example(np.array(True))
def test_same_text_as_torch(array: np.ndarray) -> None:
    assert_same_text(array)


@settings(deadline=None, max_examples=150 if THOROUGH else 60)
@given(
    arrays(max_side=9, max_dims=3),
    st.fixed_dictionaries(
        {},
        optional={
            "precision": st.integers(0, 8),
            "threshold": st.integers(0, 30) | st.just(math.inf),
            "edgeitems": st.integers(0, 4),
            "linewidth": st.integers(1, 120),
            "profile": st.sampled_from(["default", "short", "full"]),
            "sci_mode": st.none() | st.booleans(),
        },
    ),
)
def test_same_text_as_torch_with_any_options(array: np.ndarray, options: dict[str, Any]) -> None:
    set_both(profile="default")
    set_both(**options)
    assert_same_text(array)
    set_both()  # keeps all but sci_mode
    assert_same_text(array)


@settings(deadline=None, max_examples=60 if THOROUGH else 30)
@given(
    arrays(max_side=5, max_dims=2).filter(lambda array: array.dtype.kind == "f"),
    st.integers(10, 120),
    st.booleans(),
)
def test_suffixes_wrap_as_in_torch(array: np.ndarray, linewidth: int, is_leaf: bool) -> None:
    set_both(linewidth=linewidth)
    tensor = torch.from_numpy(array.copy()).requires_grad_()
    if not is_leaf:
        tensor = tensor + 0
    shown = tensor.detach().numpy()
    suffixes = [] if array.dtype == np.float32 else [f"dtype=torch.{array.dtype}"]
    suffixes.append("requires_grad=True" if is_leaf else "grad_fn=<AddBackward0>")
    assert format_array(shown, suffixes=suffixes) == repr(tensor)


@pytest.mark.parametrize("shape", [(1001,), (1000,), (40, 40), (2, 600), (600, 2), (5, 10, 30), (7, 1, 200), (12,) * 4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_arrays_are_summarised_as_in_torch(shape: tuple[int, ...], dtype: str) -> None:
    generator = np.random.default_rng(5)
    assert_same_text((generator.standard_normal(shape) * 50).astype(dtype))


@pytest.mark.parametrize("shape", [(5,), (5, 5), (1, 5), (2, 3, 4), (1, 1, 9), ()])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("threshold", [0, 3, 1000])
def test_without_edge_items_the_shape_is_named_as_in_torch(shape: tuple[int, ...], dtype: str, threshold: int) -> None:
    set_both(edgeitems=0, threshold=threshold)
    assert_same_text(np.full(shape, 2.5).astype(dtype))


@pytest.mark.parametrize(
    "values",
    [
        [1000.0, 1.0],
        [1000.5, 1.0],
        [1e8],
        [1.00000001e8, 9e7],
        [9e8, 8e8],
        [1e-4],
        [9.9e-5, 9e-5],
        [-1000.0, 1.0],
        [-9e8, math.nan, 0.0],
    ],
)
def test_scientific_notation_begins_where_it_does_in_torch(values: list[float]) -> None:
    assert_same_text(np.array(values))


@pytest.mark.parametrize(
    "values", [np.zeros(60), np.full(60, np.nan), np.arange(60) / 3, np.arange(60), np.eye(3, 60) > 0]
)
def test_lines_break_where_they_do_in_torch(values: np.ndarray) -> None:
    for linewidth in [1, *range(40, 61)]:
        set_both(profile="default", linewidth=linewidth)
        assert_same_text(values[..., :40])


@pytest.mark.parametrize("profile", ["default", "short", "full"])
def test_profiles_as_in_torch(profile: str) -> None:
    set_both(precision=7, threshold=5, edgeitems=1, linewidth=40)
    set_both(profile=profile)
    assert_same_text(np.arange(1100).reshape(11, 100) / 3)


def test_only_what_is_visible_decides_the_style() -> None:
    array = np.ones(2000, np.float32)
    array[1000] = 1e-7
    assert our_text(array) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])"


def test_every_second_element_and_a_transpose() -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert format_array(array.T) == repr(torch.from_numpy(array).t())
    assert format_array(array[:, ::2]) == repr(torch.from_numpy(array)[:, ::2])


def test_documented_example() -> None:
    array = np.array([[1, 2], [3, 4]], np.float32)
    assert format_array(array) == "tensor([[1., 2.],\n        [3., 4.]])"
    assert format_array(array[0], suffixes=["requires_grad=True"]) == "tensor([1., 2.], requires_grad=True)"


def test_printing_changes_neither_the_array_nor_the_suffixes() -> None:
    array = np.zeros((0, 3), np.float32)
    suffixes = ["requires_grad=True"]
    assert format_array(array, suffixes=suffixes) == "tensor([], size=(0, 3), requires_grad=True)"
    assert suffixes == ["requires_grad=True"]


def test_an_unknown_profile_is_refused_and_nothing_changes() -> None:
    with pytest.raises(ValueError, match="'default', 'short', 'full', got 'long'"):
        set_printoptions(precision=1, profile="long")
    assert format_array(np.array([0.5])) == "tensor([0.5000])"
