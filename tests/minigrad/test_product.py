"""Matrix products in parts, and whose threads compute them."""

import numpy as np
import pytest

import minigrad
from minigrad.kernels import product as products


@pytest.mark.parametrize("small", [1, 60, 500, 10**6])
@pytest.mark.parametrize("shape", [(7, 5, 3), (4, 13, 5, 3), (2, 0, 5, 3), (2, 6, 0, 3), (64, 2, 2)], ids=str)
def test_rows_in_parts_are_the_product(shape, small, monkeypatch):
    monkeypatch.setattr(products, "SMALL_PRODUCT", small)
    monkeypatch.setattr(products, "FEWEST_ROWS", 1)
    *batch, rows, inner, columns = shape
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(*batch, rows, inner)), generator.normal(size=(*batch, inner, columns))
    out = np.full((*batch, rows, columns), np.nan)
    products.multiply_rows(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-13, atol=1e-13)
    transposed = np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)
    products.multiply_rows(a, transposed, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("small", [1, 60, 500, 10**6])
@pytest.mark.parametrize("shape", [(7, 5, 3), (64, 5, 3), (61, 1, 2), (0, 5, 3), (6, 0, 3)], ids=str)
def test_sums_over_rows_in_parts_are_the_product(shape, small, monkeypatch):
    monkeypatch.setattr(products, "SMALL_PRODUCT", small)
    monkeypatch.setattr(products, "FEWEST_SUMMED", 1)
    rows, height, width = shape
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(rows, height)), generator.normal(size=(rows, width))
    out = np.full((height, width), np.nan)
    products.sum_over_rows(a, b, out)
    np.testing.assert_allclose(out, a.T @ b, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("shape", "threads", "own"),
    [((100, 784, 500), 2, False), ((32, 512, 1000), 2, True), ((100, 784, 500), 1, True)],
    ids=["long", "short", "one thread"],
)
def test_only_long_products_are_left_to_the_threads_of_blas(shape, threads, own, monkeypatch):
    """And none of them, where a single thread is asked for."""
    asked = []
    monkeypatch.setattr(products, "product_of_caller", lambda a, b: asked.append(True) or a @ b)
    rows, inner, columns = shape
    before = minigrad.get_num_threads()
    minigrad.set_num_threads(threads)
    try:
        z = minigrad.rand(rows, inner) @ minigrad.rand(inner, columns)
    finally:
        minigrad.set_num_threads(before)
    assert z.shape == (rows, columns)
    assert bool(asked) == own
