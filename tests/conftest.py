"""What several test files share."""

import sys

import pytest

from minigrad.graph import engine


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


@pytest.fixture(scope="session", autouse=True)
def newer_than_what_it_points_at():
    """In every graph that a test walks backward, each node has a higher number than those that its edges lead to.

    The engine runs nodes in the order of their numbers alone and relies on it.
    """
    in_order = engine.in_order

    def checked(roots):
        order = in_order(roots)
        for node in order:
            for next_node, _ in node.next_functions:
                if next_node is not None and next_node.next_functions:
                    assert next_node.sequence_number < node.sequence_number, (node, next_node)
        return order

    engine.in_order = checked
    yield
    engine.in_order = in_order
