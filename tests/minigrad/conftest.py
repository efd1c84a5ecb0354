"""What several of the engine's tests prepare."""

import pytest

import minigrad


@pytest.fixture
def set_threads():
    """Sets how many threads there are, until the test is over."""
    before = minigrad.get_num_threads()
    yield minigrad.set_num_threads
    minigrad.set_num_threads(before)
