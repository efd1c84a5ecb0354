"""What the tests of ``torch_impl`` have in common."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def quick_digits(digits_read_once: None) -> None:
    """All of them have the digits read once."""
