"""The tutorial's own loop against this program's, an epoch of each in turn, so that both meet the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from torch_impl.data import Batches, load_datasets
from torch_impl.data.datasets import data_folder
from torch_impl.models import NeuralNet
from torch_impl.networks import build_model
from torch_impl.optimization import build_optimizer
from torch_impl.options import TrainingOptions
from torch_impl.seeds import seed_everything
from torch_impl.training import evaluate, train

__all__ = ["OurLoop", "TutorialLoop", "compare_loops"]

BATCH_SIZE, TEST_BATCH_SIZE = 100, 1000
PRODUCTS = 200  # steps whose matrix products are timed


class TutorialLoop:
    """yunjey's: a DataLoader that makes a tensor of one image at a time, an optimizer as it comes."""

    def __init__(self, name: str, root: Path | None, device: torch.device) -> None:
        from torchvision import datasets, transforms  # imported where they are needed: they take a second

        seed_everything(0)
        self.device = device
        kind = datasets.MNIST if name == "mnist" else datasets.FashionMNIST
        training = kind(str(data_folder(root)), train=True, transform=transforms.ToTensor())
        self.images = len(training)
        self.loader = DataLoader(training, batch_size=BATCH_SIZE, shuffle=True)
        self.model = nn.Sequential(nn.Flatten(), NeuralNet()).to(device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def epoch(self) -> None:
        """One epoch, as the tutorial writes it."""
        self.model.train()
        for images, labels in self.loader:
            images = images.to(self.device)
            labels = labels.to(self.device)
            outputs = self.model(images)
            loss = self.criterion(outputs, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


class OurLoop:
    """``training.train`` on images that lie on the device."""

    def __init__(self, name: str, root: Path | None, device: torch.device) -> None:
        options = TrainingOptions(data=name, batch_size=BATCH_SIZE)
        seed_everything(0)
        training, _ = load_datasets(name, root)
        self.images = len(training)
        self.loader = Batches(training, BATCH_SIZE, device, generator=torch.Generator().manual_seed(0))
        self.model = build_model(options).to(device)
        self.optimizer = build_optimizer(options, self.model)

    def epoch(self) -> None:
        """One epoch."""
        train(self.model, self.loader, self.optimizer)


def compare_loops(name: str, root: Path | None, epochs: int, device: torch.device) -> Iterator[str]:
    """Train the perceptron with both, an epoch of each in turn. Yields lines to print.

    The times count from the files of the data set to the end of the last epoch; judging by the test images, which is
    done the same way for both, is not in them.

    Raises:
        DataError: the data set cannot be had.
    """
    _, test = load_datasets(name, root)
    loops: dict[str, TutorialLoop | OurLoop] = {}
    seconds = {"tutorial": 0.0, "torch_impl": 0.0}
    for title, kind in (("tutorial", TutorialLoop), ("torch_impl", OurLoop)):
        start = time.perf_counter()
        loops[title] = kind(name, root, device)
        seconds[title] += since(start, device)
    yield f"{epochs} epochs of {name} on {device} ({torch.get_num_threads()} threads of the CPU)"
    for epoch in range(1, epochs + 1):
        for title, loop in loops.items():
            start = time.perf_counter()
            loop.epoch()
            seconds[title] += since(start, device)
        so_far = ", ".join(f"{title} {seconds[title]:.2f} s" for title in loops)
        yield f"Epoch [{epoch}/{epochs}], {so_far}"
    products = epochs * loops["torch_impl"].images / BATCH_SIZE * matrix_products(loops["torch_impl"].model, device)
    for title, loop in loops.items():
        yield verdict(title, loop, test, seconds[title], epochs, device)
    yield f"matrix products alone take {products:.2f} s, {products / seconds['torch_impl']:.0%} of torch_impl's time"
    yield f"torch_impl takes {seconds['torch_impl'] / seconds['tutorial']:.2f} of the tutorial's time"


def matrix_products(model: nn.Module, device: torch.device) -> float:
    """Seconds that the matrix products of a step take by themselves: the median of many steps.

    A linear layer has three: its output, and the gradients of its weight and of its input, which images do not need.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    inputs = [torch.rand(BATCH_SIZE, layer.in_features, device=device) for layer in layers]
    gradients = [torch.rand(BATCH_SIZE, layer.out_features, device=device) for layer in layers]
    times = []
    with torch.no_grad():
        for _ in range(PRODUCTS):
            start = time.perf_counter()
            for number, (layer, x, gradient) in enumerate(zip(layers, inputs, gradients)):
                x @ layer.weight.T
                gradient.T @ x
                if number:
                    gradient @ layer.weight
            times.append(since(start, device))
    return statistics.median(times)


def since(start: float, device: torch.device) -> float:
    """Seconds since ``start``, all that the device was told to do being done."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter() - start


def verdict(
    title: str, loop: TutorialLoop | OurLoop, test: TensorDataset, seconds: float, epochs: int, device: torch.device
) -> str:
    """One loop's line."""
    accuracy = evaluate(loop.model, Batches(test, TEST_BATCH_SIZE, device)).accuracy
    return f"{title:>10}: {seconds:6.2f} s, {epochs * loop.images / seconds:8,.0f} images/s, accuracy {accuracy:.2f} %"
