"""The exercises of section 2: softmax and its loss, the way back through a linear layer, a step with momentum."""

from __future__ import annotations

from comparisons.coursework.cases import Case, integers, uniform
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


def softmax(name: str, scores: str = "z", rows: int = 4, classes: int = 3) -> Case:
    """Probabilities of scores."""
    return Case(
        name,
        f"p = engine.softmax({scores})",
        ("p",),
        {"z": uniform(rows, classes)},
        theirs=f"p = engine.softmax({scores}, 1)",
    )


def cross_entropy(name: str, rows: int, classes: int, scores: str = "z") -> Case:
    """The gradient of a batch's loss."""
    return Case(
        name,
        f"gradient = engine.cross_entropy_gradient({scores}.detach(), labels)",
        ("gradient",),
        {"z": uniform(rows, classes), "labels": integers(classes, (rows,))},
        theirs=f"scores = ({scores}).detach().requires_grad_()\n"
        "engine.nn.functional.cross_entropy(scores, labels).backward()\ngradient = scores.grad",
    )


def linear(name: str, samples: int, inputs: int, outputs: int) -> Case:
    """The three gradients of a linear layer."""
    return Case(
        name,
        "grad_x, grad_weight, grad_bias = engine.linear_backward(x.detach(), weight.detach(), grad_z.detach())",
        ("grad_x", "grad_weight", "grad_bias"),
        {
            "x": uniform(samples, inputs),
            "weight": uniform(outputs, inputs),
            "bias": uniform(outputs),
            "grad_z": uniform(samples, outputs),
        },
        theirs="engine.nn.functional.linear(x, weight, bias).backward(grad_z)\n"
        "grad_x, grad_weight, grad_bias = x.grad, weight.grad, bias.grad",
    )


def momentum(name: str, lr: float, momentum: float, steps: int) -> Case:
    """Some steps down a bowl, each with the gradient of where it stands."""
    return Case(
        name,
        "theta, b = theta.detach(), engine.zeros(3, dtype=engine.float64)\n"
        f"for _ in range({steps}):\n"
        f"    theta, b = engine.momentum_step(theta, theta * steep.detach(), b, {lr}, {momentum})",
        ("theta",),
        {"theta": uniform(3), "steep": uniform(3, low=0.5)},
        "training float64",
        "theta, steep = theta.detach().clone().requires_grad_(), steep.detach()\n"
        f"optimizer = engine.optim.SGD([theta], lr={lr}, momentum={momentum})\n"
        f"for _ in range({steps}):\n"
        "    optimizer.zero_grad()\n"
        "    (steep * theta**2 / 2).sum().backward()\n"
        "    optimizer.step()",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "2.1",
        "Softmax",
        ("softmax",),
        (
            softmax("four rows"),
            softmax("one row, one class", rows=1, classes=1),
            softmax("scores of thousands", "z * 1000"),
            softmax("scores far below 0", "z - 2000"),
        ),
    ),
    Exercise(
        "2.2",
        "The gradient of the cross-entropy",
        ("cross_entropy_gradient",),
        (
            cross_entropy("six images", 6, 4),
            cross_entropy("one image", 1, 10),
            cross_entropy("large scores", 5, 3, "(z * 500)"),
        ),
    ),
    Exercise(
        "2.3",
        "Back through a linear layer",
        ("linear_backward",),
        (linear("a batch", 5, 3, 2), linear("one sample", 1, 4, 3), linear("as many outputs as inputs", 4, 3, 3)),
    ),
    Exercise(
        "2.4",
        "A step with momentum",
        ("momentum_step",),
        (
            momentum("one step", 0.1, 0.9, 1),
            momentum("ten steps", 0.1, 0.9, 10),
            momentum("without momentum", 0.05, 0.0, 4),
        ),
    ),
)
