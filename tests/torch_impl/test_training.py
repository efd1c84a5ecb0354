"""``torch_impl.training``: seeds, devices, the batches' order, the loop, the count."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from torch_impl.data import load_datasets
from torch_impl.models import NeuralNet
from torch_impl.training import Batches, choose_device, evaluate, seed_everything, train

CPU = torch.device("cpu")

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def small(count: int = 250) -> TensorDataset:
    """The first digits."""
    training, _ = load_datasets("digits")
    return TensorDataset(*(tensor[:count] for tensor in training.tensors))


def trained(seed: int, loader_of: str = "Batches", epochs: int = 2) -> tuple[NeuralNet, list[float]]:
    """A network after some epochs, and the mean loss of each."""
    seed_everything(seed)
    model = NeuralNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader: Batches | DataLoader[tuple[Tensor, Tensor]] = Batches(small(), 100, CPU, shuffle=True)
    if loader_of == "DataLoader":
        loader = DataLoader(small(), 100, shuffle=True)
    return model, [train(model, loader, optimizer) for _ in range(epochs)]


def equal(first: nn.Module, second: nn.Module) -> bool:
    """Whether all weights have the same bits."""
    pairs = zip(first.state_dict().values(), second.state_dict().values())
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_those_of_a_data_loader(shuffle: bool) -> None:
    """Two epochs, the last batch shorter, and the generator left in the same state."""
    dataset = small()
    seen = []
    for loader in (Batches(dataset, 60, CPU, shuffle), DataLoader(dataset, 60, shuffle=shuffle)):
        torch.manual_seed(3)
        seen.append([batch for _ in range(2) for batch in loader])
        seen[-1].append((torch.rand(1),))
        assert len(loader) == 5
    assert [len(batch[0]) for batch in seen[0]] == [60, 60, 60, 60, 10] * 2 + [1]
    for ours, theirs in zip(*seen):
        assert all(torch.equal(one, other) for one, other in zip(ours, theirs))


def test_training_lowers_the_loss() -> None:
    _, losses = trained(seed=0, epochs=4)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.6 * losses[0]


def test_one_step_is_the_formula() -> None:
    """A step of plain SGD from weights whose gradients autograd is asked for separately."""
    seed_everything(0)
    dataset = small(20)
    model = NeuralNet()
    images, labels = dataset.tensors
    expected_loss = nn.functional.cross_entropy(model(images.flatten(1)), labels)
    gradients = torch.autograd.grad(expected_loss, list(model.parameters()))
    expected = [weight.detach() - 0.1 * grad for weight, grad in zip(model.parameters(), gradients)]
    steps: list[tuple[int, float]] = []
    loss = train(
        model,
        Batches(dataset, 20, CPU),
        torch.optim.SGD(model.parameters(), lr=0.1),
        on_step=lambda step, loss: steps.append((step, loss.item())),
    )
    assert loss == expected_loss.item()
    assert steps == [(1, loss)]
    assert model.training
    for weight, value in zip(model.parameters(), expected):
        torch.testing.assert_close(weight.detach(), value)


def test_loss_is_the_mean_of_the_batches() -> None:
    losses: list[float] = []
    seed_everything(0)
    model = NeuralNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mean = train(model, Batches(small(), 100, CPU), optimizer, lambda _, loss: losses.append(loss.item()))
    assert len(losses) == 3
    assert mean == pytest.approx(sum(losses) / 3, rel=1e-6)


def test_same_seed_same_bits_another_seed_others() -> None:
    first, losses = trained(seed=1)
    second, same_losses = trained(seed=1)
    assert equal(first, second) and losses == same_losses
    assert not equal(first, trained(seed=2)[0])


def test_a_data_loader_trains_to_the_same_bits() -> None:
    assert equal(trained(seed=1)[0], trained(seed=1, loader_of="DataLoader")[0])


def test_evaluate_is_a_count_by_hand() -> None:
    """A layer whose scores are the image itself; the last batch is shorter, one image is a tie."""
    images = torch.eye(10)[[0, 1, 2, 3, 4, 5, 6]].reshape(7, 1, 1, 10).clone()
    images[6] = 0  # all scores are equal: the first counts
    labels = torch.tensor([0, 1, 2, 9, 9, 5, 0])
    model = nn.Linear(10, 10, bias=False)
    nn.init.eye_(model.weight)
    assert evaluate(model, Batches(TensorDataset(images, labels), 3, CPU)) == 100 * 5 / 7
    labels[6] = 9
    assert evaluate(model, Batches(TensorDataset(images, labels), 3, CPU)) == 100 * 4 / 7
    assert not model.training


def test_evaluate_records_no_gradients() -> None:
    class Watched(NeuralNet):
        def forward(self, x: Tensor) -> Tensor:
            assert not torch.is_grad_enabled()
            return super().forward(x)

    evaluate(Watched(784, 2, 10), Batches(small(20), 7, CPU))
    assert torch.is_grad_enabled()


def test_seed_everything_seeds_all_three() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.rand(), torch.rand(1).item()

    seed_everything(5)
    first = draw()
    assert draw() != first
    seed_everything(5)
    assert draw() == first
    with pytest.raises(ValueError, match="Seed must be between"):
        seed_everything(-1)


def test_device_is_chosen_by_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for cuda, mps, expected in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert choose_device().type == expected
        assert choose_device("cpu") == CPU


@pytest.mark.parametrize("name", ["gpu", "", "meta", "cuda:99", "mps:99"])
def test_absent_device(name: str) -> None:
    with pytest.raises(RuntimeError, match="cannot compute on the device") as raised:
        choose_device(name)
    assert "\n" not in str(raised.value)


@needs_cuda
def test_cuda_agrees_with_the_cpu() -> None:
    cuda = choose_device("cuda")
    losses = []
    for device in (CPU, cuda):
        seed_everything(0)
        model = NeuralNet().to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        losses.append(train(model, Batches(small(), 100, device, shuffle=True), optimizer))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
