"""``torch_impl.training``: the loop, its pieces, precision, clipping, the count. And seeds and devices."""

from __future__ import annotations

import importlib.util
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from torch_impl import training
from torch_impl.checking import check_random_states
from torch_impl.data import Batches, load_datasets
from torch_impl.distributed import local_device
from torch_impl.models import NeuralNet
from torch_impl.networks import build_model
from torch_impl.optimization import build_optimizer, build_scheduler
from torch_impl.options import TrainingOptions
from torch_impl.seeds import choose_device, load_random_states, random_states, seed_everything
from torch_impl.training import Step, Tally, evaluate, train

CPU = torch.device("cpu")


def small(count: int = 250, dtype: torch.dtype = torch.float32) -> TensorDataset:
    """The first digits."""
    training, _ = load_datasets("digits")
    images, labels = training.tensors
    return TensorDataset(images[:count].to(dtype), labels[:count])


def trained(options: TrainingOptions, device: torch.device = CPU, count: int = 250) -> tuple[nn.Module, list[float]]:
    """A network after some epochs of so many images, and the mean loss of each."""
    seed_everything(options.seed)
    model = build_model(options).to(device)
    optimizer = build_optimizer(options, model)
    loader = Batches(
        small(count), options.batch_size, device, generator=torch.Generator().manual_seed(0), pieces=options.accumulate
    )
    scheduler = build_scheduler(options, optimizer, options.epochs * loader.steps)
    scaler = GradScaler(device.type, enabled=options.precision == "fp16")
    epochs = range(options.epochs)
    return model, [train(model, loader, optimizer, scheduler, scaler, **step_of(options)).loss for _ in epochs]


def step_of(options: TrainingOptions) -> dict[str, Any]:
    """The options of a step."""
    return {name: getattr(options, name) for name in ("precision", "accumulate", "clip_norm", "label_smoothing")}


def equal(first: nn.Module, second: nn.Module) -> bool:
    """Whether all weights have the same bits."""
    pairs = zip(first.state_dict().values(), second.state_dict().values())
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"precision": "bf16"},
        {"precision": "fp16", "clip_norm": 1.0},
        {"model": "custom-linear"},
        {"model": "conv-block", "channels_last": True, "lr": 1e-2},
        {"optimizer": "sgd", "lr": 0.1, "schedule": "cosine", "warmup": 2},
        {"optimizer": "adamw", "label_smoothing": 0.1, "accumulate": 3},
    ],
    ids=str,
)
def test_training_lowers_the_loss_and_gives_the_same_bits_again(change: dict[str, Any]) -> None:
    options = TrainingOptions(**{"epochs": 3, "batch_size": 40, **change})
    model, losses = trained(options, count=100)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.85 * losses[0]
    again, same_losses = trained(options, count=100)
    assert equal(model, again) and losses == same_losses


def test_another_seed_gives_other_weights() -> None:
    assert not equal(trained(TrainingOptions(epochs=1))[0], trained(TrainingOptions(epochs=1, seed=1))[0])


def shuffled(dataset: TensorDataset, batch_size: int = 100) -> DataLoader[Any]:
    """An ordinary DataLoader."""
    return DataLoader(dataset, batch_size, shuffle=True, generator=torch.Generator().manual_seed(0))


def test_it_is_the_tutorials_loop() -> None:
    """The weights of the plain loop over a DataLoader, with the same optimizer: the same bits, by either loader."""
    options = TrainingOptions(epochs=2)
    ours, losses = trained(options)
    seed_everything(0)
    model = NeuralNet()
    optimizer = build_optimizer(options, model)
    loader = shuffled(small())
    for _ in range(2):
        for images, labels in loader:
            loss = nn.CrossEntropyLoss()(model(images.reshape(-1, 28 * 28)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert equal(ours, model)
    seed_everything(0)
    other = build_model(options)
    optimizer, loader = build_optimizer(options, other), shuffled(small())
    assert [train(other, loader, optimizer).loss for _ in range(2)] == losses and equal(other, model)
    judged = [evaluate(other, DataLoader(small(), size)) for size in (7, 250)]
    assert judged[0].state() == pytest.approx(judged[1].state()) and judged[0].images == 250


def test_the_page_can_be_copied(tmp_path: Path) -> None:
    """Without anything else of the package: it imports the standard library and PyTorch."""
    copy = tmp_path / "loop.py"
    copy.write_bytes(Path(training.__file__).read_bytes())
    spec = importlib.util.spec_from_file_location("loop", copy)
    assert spec is not None and spec.loader is not None
    loop = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.partition(".")[0] in ("torch_impl", "numpy", "minigrad")]:
            patch.setitem(sys.modules, name, None)  # which cannot be imported
        patch.setitem(sys.modules, "loop", loop)
        spec.loader.exec_module(loop)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = [loop.train(model, shuffled(small()), optimizer, clip_norm=1.0).loss for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert loop.evaluate(model, shuffled(small())).images == 250


class Endless(IterableDataset[Any]):
    """Images of which nobody knows how many there are."""

    def __iter__(self) -> Iterator[Any]:
        return iter(small(50))


def test_batches_of_an_ordinary_loader_make_a_step_together() -> None:
    """Seven batches by three: a step is the mean of its batches' means, in the last step of one."""
    seed_everything(0)
    model = build_model(TrainingOptions()).double()
    dataset = small(67, torch.float64)
    batches = list(DataLoader(dataset, 10))
    expected = [weight.detach().clone() for weight in model.parameters()]
    other = build_model(TrainingOptions()).double()
    for step in (batches[:3], batches[3:6], batches[6:]):
        other.load_state_dict(dict(zip(other.state_dict(), expected)))
        means = [nn.functional.cross_entropy(other(images), labels) for images, labels in step]
        gradients = torch.autograd.grad(torch.stack(means).mean(), list(other.parameters()))
        expected = [weight - 0.1 * gradient for weight, gradient in zip(expected, gradients)]
    steps: list[Step] = []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train(model, DataLoader(dataset, 10), optimizer, accumulate=3, on_step=lambda _, step: steps.append(step))
    assert len(steps) == 3
    for weight, value in zip(model.parameters(), expected):
        torch.testing.assert_close(weight.detach(), value, rtol=1e-12, atol=1e-12)
    assert train(build_model(TrainingOptions()), DataLoader(Endless(), 20), optimizer).images == 50


@pytest.mark.parametrize(
    "change",
    [{}, {"clip_norm": 0.05}, {"clip_norm": math.inf}, {"label_smoothing": 0.2}, {"accumulate": 4, "clip_norm": 0.05}],
    ids=str,
)
def test_one_step_is_the_formula(change: dict[str, Any]) -> None:
    """A step of plain SGD from weights whose gradients autograd is asked for separately, all images at once."""
    options = TrainingOptions(batch_size=21, **change)
    seed_everything(0)
    dataset = small(21, torch.float64)
    model = build_model(options).double()
    images, labels = dataset.tensors
    expected_loss = nn.functional.cross_entropy(model(images), labels, label_smoothing=options.label_smoothing)
    gradients = torch.autograd.grad(expected_loss, list(model.parameters()))
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    scale = min(1.0, options.clip_norm / norm.item()) if options.clip_norm else 1.0
    assert (scale < 1) == (0 < options.clip_norm < math.inf)
    expected = [weight.detach() - 0.1 * scale * grad for weight, grad in zip(model.parameters(), gradients)]
    entropy = nn.functional.cross_entropy(model(images), labels).item()
    steps: list[Step] = []
    tally = train(
        model,
        Batches(dataset, 21, CPU, pieces=options.accumulate),
        torch.optim.SGD(model.parameters(), lr=0.1),
        **step_of(options),
        on_step=lambda _, step: steps.append(step),
    )
    assert tally.objective == pytest.approx(expected_loss.item(), rel=1e-6)
    assert tally.loss == pytest.approx(entropy, rel=1e-6) and steps[0].loss.item() == pytest.approx(entropy)
    assert steps[0].lr == 0.1
    found = steps[0].gradient_norm
    assert found is None if not options.clip_norm else found is not None and found.item() == pytest.approx(norm.item())
    assert (len(steps), tally.images, model.training) == (1, 21, True)
    for weight, value in zip(model.parameters(), expected):
        torch.testing.assert_close(weight.detach(), value, rtol=1e-5 if options.clip_norm else 1e-10, atol=1e-10)


def test_pieces_of_a_step_change_nothing_even_where_the_last_is_short() -> None:
    """250 images in steps of 83: the last one has a single image, for which there are four pieces."""
    models = []
    for accumulate in (1, 4):
        options = TrainingOptions(batch_size=83, accumulate=accumulate, optimizer="sgd", lr=0.1)
        seed_everything(0)
        model = build_model(options).double()
        loader = Batches(small(dtype=torch.float64), 83, CPU, pieces=accumulate)
        tally = train(model, loader, build_optimizer(options, model), accumulate=accumulate)
        assert tally.images == 250
        models.append(model)
    for one, other in zip(models[0].parameters(), models[1].parameters()):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_the_scaler_skips_a_step_whose_gradients_are_not_finite() -> None:
    model = build_model(TrainingOptions())
    before = [weight.detach().clone() for weight in model.parameters()]
    scaler = GradScaler("cpu", init_scale=1e38, enabled=True)
    options = TrainingOptions(precision="fp16", batch_size=20)
    train(model, Batches(small(20), 20, CPU), build_optimizer(options, model), None, scaler, precision="fp16")
    assert all(torch.equal(weight, old) for weight, old in zip(model.parameters(), before))
    assert scaler.get_scale() < 1e38


def test_evaluate_is_a_count_by_hand() -> None:
    """A layer whose scores are the image itself; the last batch is shorter, one image is a tie."""
    images = torch.eye(10)[[0, 1, 2, 3, 4, 5, 6]].reshape(7, 1, 1, 10).clone()
    images[6] = 0  # all scores are equal: the first counts
    labels = torch.tensor([0, 1, 2, 9, 9, 5, 0])
    model = nn.Sequential(nn.Flatten(), nn.Linear(10, 10, bias=False))
    nn.init.eye_(model[1].weight)
    tally = evaluate(model, Batches(TensorDataset(images, labels), 3, CPU))
    assert (tally.accuracy, tally.images) == (100 * 5 / 7, 7)
    assert tally.loss == pytest.approx(nn.functional.cross_entropy(images.flatten(1), labels).item())
    labels[6] = 9
    assert evaluate(model, Batches(TensorDataset(images, labels), 3, CPU)).accuracy == 100 * 4 / 7
    assert not model.training


def test_among_the_first_five_counts_where_there_are_more_than_ten_classes() -> None:
    scores = torch.arange(12.0).repeat(4, 1)  # the last five are the highest
    labels = torch.tensor([11, 7, 6, -100])
    tally = Tally(CPU)
    tally.add(torch.tensor(1.0), scores, labels)
    assert (tally.accuracy, tally.top5_accuracy) == (pytest.approx(100 / 3), pytest.approx(200 / 3))


def test_evaluate_records_no_gradients() -> None:
    class Watched(nn.Flatten):
        def forward(self, x: Tensor) -> Tensor:
            assert not torch.is_grad_enabled()
            return super().forward(x)

    evaluate(Watched(), Batches(small(20), 7, CPU))
    assert torch.is_grad_enabled()


def test_a_tally_goes_on() -> None:
    tally = Tally(CPU)
    tally.add(torch.tensor(1.5), torch.eye(3), torch.tensor([0, 1, 0]))
    other = Tally(CPU)
    other.load_state(tally.state())
    assert (other.loss, other.accuracy, other.images) == (0.5, pytest.approx(200 / 3), 3)
    assert (Tally(CPU).loss, Tally(CPU).accuracy) == (0, 0)


def draw() -> tuple[float, float, float]:
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_seed_everything_seeds_all_three() -> None:
    seed_everything(5)
    first = draw()
    assert draw() != first
    seed_everything(5)
    assert draw() == first
    with pytest.raises(ValueError, match="Seed must be between"):
        seed_everything(-1)


def test_random_states_come_back() -> None:
    random.gauss(0, 1)  # leaves a second number in store
    states = random_states()
    first = draw(), random.gauss(0, 1)
    load_random_states(states)
    assert (draw(), random.gauss(0, 1)) == first


class Accelerator:
    """A kind of accelerator that is not there, for what asks PyTorch about it."""

    def __init__(self, patch: pytest.MonkeyPatch, kind: str) -> None:
        self.state, self.current = torch.zeros(16, dtype=torch.uint8), 0
        patch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: torch.device(kind))
        patch.setattr(torch.accelerator, "set_device_index", lambda index: setattr(self, "current", index))
        patch.setattr(torch, "get_device_module", lambda device: self)
        patch.setattr(torch, "zeros", lambda *shape, **options: Tensor())  # which is on any device

    def get_rng_state(self) -> Tensor:
        return self.state.clone()

    def set_rng_state(self, state: Tensor) -> None:
        self.state = state


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_an_accelerator_of_any_kind(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number it becomes the current one, and its random state is among those that are kept."""
    there = Accelerator(monkeypatch, kind)
    monkeypatch.setattr(Tensor, "item", lambda tensor: 0.0)
    assert choose_device() == torch.device(kind) and there.current == 0
    monkeypatch.setenv("LOCAL_RANK", "3")
    names = ("auto", kind, f"{kind}:1", "cpu")
    assert [local_device(name) for name in names] == [f"{kind}:3", f"{kind}:3", f"{kind}:1", "cpu"]
    assert choose_device(local_device("auto")).index == there.current == 3
    there.state = torch.arange(16, dtype=torch.uint8)
    states = random_states()
    check_random_states([states])
    there.state = states[kind] * 0
    load_random_states(states)
    assert torch.equal(there.state, torch.arange(16, dtype=torch.uint8))


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta"])
def test_a_device_that_cannot_be_used(name: str) -> None:
    with pytest.raises(RuntimeError, match=f"cannot compute on the device '{name}'") as raised:
        choose_device(name)
    assert "\n" not in str(raised.value)


def test_auto_is_a_device_that_works() -> None:
    assert choose_device("auto") == choose_device(choose_device("auto").type)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_gpu_trains_to_about_the_same(precision: str) -> None:
    options = TrainingOptions(epochs=4, precision=precision)
    _, losses = trained(options, torch.device("cuda"))
    _, expected = trained(TrainingOptions(epochs=4))
    assert losses == pytest.approx(expected, rel=1e-4 if precision == "fp32" else 2e-2)
