"""What several of the engine's tests prepare."""

import pytest


@pytest.fixture
def set_threads():
    """Sets how many threads there are, until the test is over."""
    import minigrad  # here, when it is known which engine is tested

    before = minigrad.get_num_threads()
    yield minigrad.set_num_threads
    minigrad.set_num_threads(before)
