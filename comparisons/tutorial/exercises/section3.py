"""The exercises of section 3: weight normalisation, convolution, batch normalisation."""

from __future__ import annotations

from comparisons.coursework.cases import Case, uniform
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

WEIGHT_NORM = "grad_v, grad_g = engine.weight_norm_gradient(v, g, grad_w)"
WEIGHT_NORM_OF_PYTORCH = """
w = g * v / v.norm(dim=1, keepdim=True)
grad_v, grad_g = engine.autograd.grad(w, (v, g), grad_w)
"""

SLIDE = "y = engine.slide(x, weight)\ny.backward(engine.arange(1.0, len(y) + 1, dtype=engine.float64))"
SLIDE_OF_PYTORCH = """
y = engine.nn.functional.conv1d(x.reshape(1, 1, -1), weight.reshape(1, 1, -1)).reshape(-1)
y.backward(engine.arange(1.0, len(y) + 1, dtype=engine.float64))
"""

RUNNING = "mean, variance = engine.running(batches.detach(), 0.1)"
RUNNING_OF_PYTORCH = """
bn = engine.nn.BatchNorm1d(1, momentum=0.1, dtype=engine.float64)
for batch in batches.detach():
    bn(batch.reshape(-1, 1))
mean, variance = bn.running_mean[0], bn.running_var[0]
"""

FOLD = """
with engine.no_grad():
    folded, bias = engine.fold(weight, gamma, beta, mean, variance, 0.5)
    y = engine.nn.functional.conv2d(x, folded, bias)
"""
FOLD_OF_PYTORCH = """
with engine.no_grad():
    y = engine.nn.functional.conv2d(x, weight)
    y = engine.nn.functional.batch_norm(y, mean, variance, gamma, beta, False, eps=0.5)
"""

EXERCISES = (
    Exercise(
        "3.1",
        "weight_norm_gradient",
        ("weight_norm_gradient",),
        tuple(
            Case(
                name,
                WEIGHT_NORM,
                ("grad_v", "grad_g"),
                {"v": uniform(*shape), "g": uniform(shape[0], 1), "grad_w": uniform(*shape)},
                theirs=WEIGHT_NORM_OF_PYTORCH,
            )
            for name, shape in (("one row", (1, 3)), ("several rows", (4, 5)))
        ),
    ),
    Exercise(
        "3.2",
        "slide",
        ("slide",),
        tuple(
            Case(
                name,
                SLIDE,
                ("y", "x.grad", "weight.grad"),
                {"x": uniform(length), "weight": uniform(taps)},
                theirs=SLIDE_OF_PYTORCH,
            )
            for name, length, taps in (("three taps", 7, 3), ("one tap", 4, 1), ("as many taps as values", 5, 5))
        ),
    ),
    Exercise(
        "3.3",
        "running",
        ("running",),
        (
            Case("one batch", RUNNING, ("mean", "variance"), {"batches": uniform(1, 4)}, theirs=RUNNING_OF_PYTORCH),
            Case("six batches", RUNNING, ("mean", "variance"), {"batches": uniform(6, 5)}, theirs=RUNNING_OF_PYTORCH),
        ),
    ),
    Exercise(
        "3.4",
        "fold",
        ("fold",),
        (
            Case(
                "the output",
                FOLD,
                ("y",),
                {
                    "x": uniform(2, 3, 5, 5),
                    "weight": uniform(4, 3, 3, 3),
                    "gamma": uniform(4),
                    "beta": uniform(4),
                    "mean": uniform(4),
                    "variance": uniform(4, low=0.1),
                },
                tolerance="convolution float64",
                theirs=FOLD_OF_PYTORCH,
            ),
        ),
    ),
)
