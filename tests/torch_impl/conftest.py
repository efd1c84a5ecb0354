"""What the tests of ``torch_impl`` have in common."""

import pytest


@pytest.fixture(autouse=True)
def nothing_of_minigrad(unmeasured):
    """minigrad is never imported here, so coverage would only trace PyTorch."""
