"""What the tests of ``torch_impl`` have in common."""

from collections.abc import Iterator
from functools import cache

import pytest


@pytest.fixture(scope="session", autouse=True)
def digits_read_once() -> Iterator[None]:
    """scikit-learn decodes its file of digits once for all tests: it would take a fifth of a small run."""
    import sklearn.datasets  # here: what is run without these tests does without it

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn.datasets.load_digits", cache(sklearn.datasets.load_digits))
        yield
