"""What several test files share."""

import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def unlocked_backends():
    """PyTorch's testing tools, which some tests import, lock its backends' flags; programs under test set them."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.backends.flags_frozen.__globals__["__allow_nonbracketed_mutation_flag"] = True


@pytest.fixture(scope="session")
def without_mkl():
    """Skip where PyTorch takes masks and waiting times from MKL's generator, as it may on Intel's processors."""
    import torch

    generators = [torch.Generator().manual_seed(0) for _ in range(3)]
    torch.empty(10).bernoulli_(0.5, generator=generators[0])
    torch.empty(10).exponential_(generator=generators[1])
    torch.rand(10, dtype=torch.float64, generator=generators[2])
    if any(not torch.equal(each.get_state(), generators[2].get_state()) for each in generators):
        pytest.skip("PyTorch takes these numbers from MKL's generator here")
