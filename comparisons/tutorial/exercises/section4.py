"""The exercises of section 4: residual blocks."""

from __future__ import annotations

from comparisons.coursework.cases import Case, integers, uniform
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

COUNT = "count = engine.tensor([engine.block_parameters(a + 1, b + 1, {stride}) for a, b in [*sizes.tolist(), (7, 7)]])"
COUNT_OF_PYTORCH = """
def layers(channels, out_channels, changes):
    yield engine.nn.Conv2d(channels, out_channels, 3, bias=False)
    yield engine.nn.Conv2d(out_channels, out_channels, 3, bias=False)
    yield from (engine.nn.BatchNorm2d(out_channels), engine.nn.BatchNorm2d(out_channels))
    if changes or channels != out_channels:
        yield from (engine.nn.Conv2d(channels, out_channels, 1, bias=False), engine.nn.BatchNorm2d(out_channels))

count = engine.tensor([
    sum(each.numel() for layer in layers(a + 1, b + 1, {stride} != 1) for each in layer.parameters())
    for a, b in [*sizes.tolist(), (7, 7)]
])
"""

THROUGH = "grad_x = engine.through_blocks(jacobians, grad)"
THROUGH_OF_PYTORCH = """
first = x = engine.zeros_like(grad).requires_grad_()
for J in jacobians:
    x = x + J @ x
grad_x, = engine.autograd.grad(x, first, grad)
"""

RESCALED = """
engine.manual_seed(0)
residual = engine.nn.Linear(3, 3, dtype=engine.float64)
block = engine.Rescaled(residual).double()
scale, = (each for each in block.parameters() if each.numel() == 1)
start = float(scale)
with engine.no_grad():
    scale.fill_(0.5)
y = block(x)
y.backward(grad)
of_scale, count = scale.grad.sum(), sum(each.numel() for each in block.parameters())
"""
RESCALED_OF_PYTORCH = """
engine.manual_seed(0)
residual = engine.nn.Linear(3, 3, dtype=engine.float64)
start, scale = 0.0, engine.tensor(0.5, dtype=engine.float64, requires_grad=True)
y = x + scale * residual(x)
y.backward(grad)
of_scale, count = scale.grad, 13
"""

EXERCISES = (
    Exercise(
        "4.1",
        "block_parameters",
        ("block_parameters",),
        tuple(
            Case(
                f"stride {stride}",
                COUNT.format(stride=stride),
                ("count",),
                {"sizes": integers(40, shape=(4, 2))},
                tolerance="exact",
                theirs=COUNT_OF_PYTORCH.format(stride=stride),
            )
            for stride in (1, 2)
        ),
    ),
    Exercise(
        "4.2",
        "through_blocks",
        ("through_blocks",),
        tuple(
            Case(
                f"{blocks} blocks" if blocks > 1 else "one block",
                THROUGH,
                ("grad_x",),
                {"jacobians": uniform(blocks, 4, 4, low=-1, high=1), "grad": uniform(4)},
                theirs=THROUGH_OF_PYTORCH,
            )
            for blocks in (1, 3)
        ),
    ),
    Exercise(
        "4.3",
        "Rescaled",
        ("Rescaled",),
        (
            Case(
                "value and gradients",
                RESCALED,
                ("start", "count", "y", "of_scale", "x.grad", "residual.weight.grad"),
                {"x": uniform(4, 3), "grad": uniform(4, 3)},
                theirs=RESCALED_OF_PYTORCH,
            ),
        ),
    ),
)
