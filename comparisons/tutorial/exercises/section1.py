"""The exercises of section 1: broadcasting and its transpose, paths through a graph, a second derivative."""

from __future__ import annotations

from comparisons.coursework.cases import Case, uniform
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


DOUBLINGS = """\
class Doubling:
    looks = 0

    def __init__(self, above):
        self.above = above

    @property
    def next_functions(self):
        Doubling.looks += 1
        if Doubling.looks > 1000:
            raise RuntimeError("each path is walked by itself: that takes too long")
        return () if self.above is None else ((self.above, 0), (self.above, 0))


node = Doubling(None)
for _ in range(60):
    node = Doubling(node)
"""


def shape(first: tuple[int, ...], second: tuple[int, ...]) -> Case:
    """The shape that two shapes have in common."""
    asked = "found = engine.tensor(engine.{}(" + f"{first}, {second}), dtype=engine.int64)"
    return Case(
        f"{first} and {second}",
        asked.format("broadcast_shape"),
        ("found",),
        tolerance="exact",
        theirs=asked.format("broadcast_shapes"),
    )


def refused(first: tuple[int, ...], second: tuple[int, ...]) -> Case:
    """Two shapes that have none in common."""
    asked = "try:\n    engine.{}(" + f"{first}, {second})\n    refused = False\nexcept {{}}:\n    refused = True"
    return Case(
        f"{first} and {second} are refused",
        asked.format("broadcast_shape", "ValueError"),
        ("refused",),
        theirs=asked.format("broadcast_shapes", "RuntimeError"),
    )


def summed(gradient: tuple[int, ...], shape: tuple[int, ...]) -> Case:
    """What is left of a gradient at an input that was broadcast."""
    return Case(
        f"a gradient of {gradient} for {shape}",
        f"found = engine.sum_to(g, {shape})",
        ("found",),
        {"g": uniform(*gradient)},
        theirs=f"x = engine.ones({shape}, dtype=engine.float64, requires_grad=True)\n"
        "(x * g).sum().backward()\nfound = x.grad",
    )


def paths(name: str, statements: str, count: int) -> Case:
    """How many ways lead from ``y`` to leaves."""
    return Case(
        name,
        f"{statements}\nright = engine.count_paths(y.grad_fn) == {count}",
        ("right",),
        {"x": uniform()},
        theirs="right = True",
    )


def second(name: str, expression: str) -> Case:
    """The second derivative of an expression of ``x``."""
    return Case(
        name,
        f"found = engine.second_derivative(lambda x: {expression}, x)",
        ("found",),
        {"x": uniform(low=0.5)},
        "second order",
        f"(first,) = engine.autograd.grad({expression}, x, create_graph=True)\n"
        "(found,) = engine.autograd.grad(first, x)",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "1.1",
        "The shape that two shapes give together",
        ("broadcast_shape",),
        (
            shape((3, 1), (1, 4)),
            shape((2, 3), (3,)),
            shape((), (5, 2)),
            shape((7, 1, 5), (6, 1)),
            shape((1,), (0,)),
            refused((3,), (4,)),
            refused((2, 3), (2,)),
        ),
    ),
    Exercise(
        "1.2",
        "The gradient of what was broadcast",
        ("sum_to",),
        (
            summed((3, 2), (3, 2)),
            summed((3, 2), (2,)),
            summed((3, 2), (3, 1)),
            summed((4, 3, 2), (3, 1)),
            summed((4, 3, 2), ()),
            summed((2, 3), (1, 1)),
        ),
    ),
    Exercise(
        "1.3",
        "Paths through a graph",
        ("count_paths",),
        (
            paths("x² + 2x + 1", "y = x**2 + 2 * x + 1", 2),
            paths("x times x", "y = x * x", 2),
            paths("a value used again", "h = x.sin()\ny = h * h + h * x", 4),
            paths("ten doublings", "y = x\nfor _ in range(10):\n    y = y + y", 2**10),
            Case(
                "sixty doublings, of which no edge is looked at a thousand times",
                DOUBLINGS + "right = engine.count_paths(node) == 2**60",
                ("right",),
                theirs="right = True",
            ),
        ),
    ),
    Exercise(
        "1.4",
        "A second derivative",
        ("second_derivative",),
        (
            second("of x⁴", "x**4"),
            second("of a product", "x**3 * x.sin()"),
            second("of a quotient", "x.exp() / (1 + x.exp())"),
        ),
    ),
)
