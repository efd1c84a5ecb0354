"""One training on one engine, step by step: what the *mlp* chapter and the command ``train`` run on both in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from comparisons.settings import Settings
from torch_impl.data import ImageArrays

__all__ = ["Recipe", "Training"]

TEST_BATCH_SIZE = 1000  # keeps the activations of a test small


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how. The engine is a parameter of each part, so that both engines do the same.

    Attributes:
        build: ``build(engine)`` makes the network.
        image_shape: the shape that the network takes an image in.
        batch_size: images a step.
        optimize: ``optimize(engine, parameters)`` makes the optimizer.
    """

    build: Callable[[Any], Any]
    image_shape: tuple[int, ...]
    batch_size: int
    optimize: Callable[[Any, Any], Any]


class Training:
    """One engine's side: data, network, loss and optimizer, all from one seed."""

    def __init__(self, engine: Any, settings: Settings, device: str, data: ImageArrays, recipe: Recipe) -> None:
        self.engine = engine
        self.device = device
        self.dtype = getattr(engine, settings.dtype)
        engine.manual_seed(settings.seed)
        images = engine.from_numpy(data.train_images).reshape(-1, *recipe.image_shape).to(self.dtype)
        labels = engine.from_numpy(data.train_labels)
        dataset = engine.utils.data.TensorDataset(images, labels)
        self.loader = engine.utils.data.DataLoader(dataset, batch_size=recipe.batch_size, shuffle=True)
        self.model = recipe.build(engine).to(self.dtype).to(device)
        self.criterion = engine.nn.CrossEntropyLoss()
        self.optimizer = recipe.optimize(engine, self.model.parameters())
        test_images = engine.from_numpy(data.test_images).reshape(-1, *recipe.image_shape)
        self.test_images = test_images.to(self.dtype).to(device)
        self.test_labels = engine.from_numpy(data.test_labels).to(device)

    def batches(self) -> Iterator[Any]:
        """Batches without end, epoch after epoch."""
        while True:
            yield from self.loader

    def step(self, images: Any, labels: Any) -> Any:
        """One step of the tutorial's loop. Returns the loss, its graph still there."""
        outputs = self.model(images.to(self.device))
        loss = self.criterion(outputs, labels.to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def evaluate(self) -> tuple[Any, Any, float]:
        """Scores and predictions for the test images in evaluation mode, and the accuracy in percent."""
        self.model.eval()
        with self.engine.no_grad():
            outputs = self.engine.cat([self.model(part) for part in self.test_images.split(TEST_BATCH_SIZE)])
            _, predicted = self.engine.max(outputs.data, 1)
            correct = (predicted == self.test_labels).sum().item()
        self.model.train()
        return outputs, predicted, 100 * correct / self.test_labels.size(0)
