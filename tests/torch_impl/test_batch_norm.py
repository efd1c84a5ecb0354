"""``torch_impl.batch_norm``: no step leaves batch normalisation a single image, and an empty piece leaves it alone."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from torch_impl.batch_norm import check_batch_size
from torch_impl.data import Batches
from torch_impl.networks import MODELS, build_model
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.training import train

CPU = torch.device("cpu")


def flat() -> nn.Module:
    """Has one value a channel of each image."""
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3))


def smallest_part(count: int, batch_size: int, parts: int) -> int:
    """How many images the smallest part of a step has, as the loader deals them out."""
    dataset = TensorDataset(torch.zeros(count, 1, 2, 2), torch.zeros(count, dtype=torch.int64))
    return min(len(labels) for _, labels, _ in Batches(dataset, batch_size, CPU, pieces=parts))


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_what_is_refused_is_what_would_fail_and_what_is_named_works(parts: int) -> None:
    refused = 0
    for count in (3, 9, 10, 13):
        for batch_size in range(1, 15):
            fails = smallest_part(count, batch_size, parts) < 2
            try:
                check_batch_size(flat, (1, 2, 2), count, batch_size, parts)
                assert not fails
            except OptionError as error:
                assert fails and "\n" not in str(error)
                refused += 1
                working = re.search(r"--batch-size (\d+) works$", str(error))
                if working:
                    assert smallest_part(count, int(working[1]), parts) >= 2
                else:
                    assert all(smallest_part(count, size, parts) < 2 for size in range(1, count + 1))
    assert 10 < refused < 56


@pytest.mark.parametrize(("model", "needs_two"), [(name, name.startswith("resnet")) for name in MODELS])
def test_a_network_that_takes_a_single_image_may(model: str, needs_two: bool) -> None:
    """A convolution block has many values a channel, and a perceptron no batch normalisation."""
    try:
        check_batch_size(lambda: build_model(TrainingOptions(model=model)), (1, 28, 28), 101, 100)
        assert not needs_two
    except OptionError as error:
        assert needs_two and str(error).endswith("--batch-size 99 works")


@pytest.mark.parametrize("model", ["neural-net", "custom-linear", "conv-block"])
def test_an_empty_piece_does_nothing(model: str) -> None:
    """A step of two images in three pieces: gradients, statistics and count are those of the two."""
    images, labels = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0)), torch.tensor([3, 5])
    networks, tallies = [], []
    for pieces in (2, 3):
        torch.manual_seed(0)
        network = build_model(TrainingOptions(model=model))
        loader = Batches(TensorDataset(images, labels), 2, CPU, pieces=pieces)
        tallies.append(train(network, loader, torch.optim.SGD(network.parameters(), lr=0.1), accumulate=pieces).state())
        networks.append(network.state_dict())
    first, second = networks
    assert tallies[0] == tallies[1]
    for name in first:
        if not name.endswith("num_batches_tracked"):  # which counts calls, and is used by nobody
            assert torch.equal(first[name], second[name]), name
