"""The exercises of section 5: a mean over an epoch, a step for several batches, a training loop as a module."""

from __future__ import annotations

from comparisons.coursework.cases import Case, uniform
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


def mean_of_means(name: str, *sizes: int) -> Case:
    """The mean of an epoch's batches."""
    each = list(sizes)
    return Case(
        name,
        f"batches = x.detach().split({each})\nz = engine.epoch_mean([batch.mean() for batch in batches], {each})",
        ("z",),
        {"x": uniform(sum(sizes))},
        theirs="z = x.detach().mean()",
    )


def accumulated(name: str, batches: int, before: str = "") -> Case:
    """A step for some batches of three rows each; ``before`` is done to the weights first."""
    begin = f"w = w.detach().clone().requires_grad_()\noptimizer = engine.optim.SGD([w], lr=0.1)\n{before}"
    return Case(
        name,
        f"{begin}engine.accumulated_step(lambda batch: (batch @ w).square().mean(), x.detach().split(3), optimizer)",
        ("w",),
        {"x": uniform(3 * batches, 2), "w": uniform(2)},
        theirs=f"{begin}optimizer.zero_grad()\n(x.detach() @ w).square().mean().backward()\noptimizer.step()",
    )


def regression(name: str, samples: int, epochs: int, lr: float) -> Case:
    """Some epochs of a module, by a Trainer; in PyTorch by a loop."""
    quiet = "logger=False, enable_checkpointing=False, enable_progress_bar=False"
    batches = (
        "dataset = engine.utils.data.TensorDataset(x.detach(), y.detach())\n"
        "batches = engine.utils.data.DataLoader(dataset, batch_size=4)\n"
    )
    return Case(
        name,
        f"{batches}module = engine.Regression(w.detach(), {lr})\n"
        f"trainer = engine.lightning.Trainer(max_epochs={epochs}, {quiet})\n"
        "trainer.fit(module, batches)\n"
        "(w,) = [each.detach() for each in module.parameters()]\nloss = trainer.callback_metrics['loss'].double()",
        ("w", "loss"),
        {"x": uniform(samples, 3), "y": uniform(samples), "w": uniform(3)},
        "training float64",
        f"{batches}w = w.detach().clone().requires_grad_()\noptimizer = engine.optim.SGD([w], lr={lr})\n"
        f"for _ in range({epochs}):\n"
        "    total = 0\n"
        "    for inputs, targets in batches:\n"
        "        loss = ((inputs @ w - targets) ** 2).mean()\n"
        "        optimizer.zero_grad()\n"
        "        loss.backward()\n"
        "        optimizer.step()\n"
        "        total = total + loss.detach() * len(inputs)\n"
        f"w, loss = w.detach(), total / {samples}",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "5.1",
        "the mean of an epoch",
        ("epoch_mean",),
        (
            mean_of_means("batches of one size", 4, 4, 4),
            mean_of_means("a small last batch", 4, 4, 1),
            mean_of_means("a single batch", 3),
        ),
    ),
    Exercise(
        "5.2",
        "an accumulated step",
        ("accumulated_step",),
        (
            accumulated("three batches", 3),
            accumulated("a single batch", 1),
            accumulated("gradients of a step before", 2, before="w.grad = engine.ones_like(w)\n"),
        ),
    ),
    Exercise(
        "5.3",
        "a regression as a module",
        ("Regression",),
        (
            regression("a batch and an epoch", 4, 1, 0.1),
            regression("three epochs, and a small last batch", 10, 3, 0.05),
        ),
    ),
)
