"""Dynamic graphs: the graph is what the code did, loops and branches included, and it can be differentiated twice.

Every function below takes the engine as ``engine`` and is the same code for both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from comparisons.graphs import add_figures, compare_graphs, watching
from comparisons.harness import Report, compare_values
from comparisons.settings import Settings
from minigrad.viz import trace_graph

__all__ = ["FUNCTIONS", "run"]


def polynomial(engine: Any, x: Any) -> Any:
    """y = x² + 2x + 1, whose derivative at 2 is 6."""
    return x**2 + 2 * x + 1


def shared_twice(engine: Any, x: Any) -> Any:
    """A value used three times: its gradient is the sum over the three."""
    square = x * x
    return square * square + square


def loop_while_small(engine: Any, x: Any) -> Any:
    """How often the loop runs depends on the values, and with it the graph's depth."""
    y = x
    while y.abs().sum() < 100:
        y = y * 2 + x.sin()
    return y


def branch_on_values(engine: Any, x: Any) -> Any:
    """Which operations are recorded depends on the sign of a sum."""
    if x.sum() > 0:
        return x.exp() / (1 + x.exp())
    return x.tanh() - x


def loop_with_branches(engine: Any, x: Any) -> Any:
    """Each round takes the branch that the value chose."""
    y = x
    for step in range(1, 6):
        y = y / step + x if step % 2 else (y * x).sin()
    return y


FUNCTIONS: dict[str, tuple[Callable[[Any, Any], Any], list[Any]]] = {
    "x² + 2x + 1": (polynomial, [2.0, -1.5, [0.5, -2.0, 3.0]]),
    "a value used thrice": (shared_twice, [1.5, [[1.0, -2.0], [0.0, 0.5]]]),
    "a loop on values": (loop_while_small, [1.25, [0.5, -0.25]]),
    "an if on values": (branch_on_values, [0.75, -0.75, [1.0, -0.5]]),
    "a loop with branches": (loop_with_branches, [0.9, [0.3, -1.1]]),
}


def recorded(settings: Settings, engine: Any, device: str, function: Callable[..., Any], value: Any) -> tuple[Any, Any]:
    """x and y = ``function`` of it, on one engine."""
    x = engine.tensor(value, dtype=getattr(engine, settings.dtype), device=device, requires_grad=True)
    with watching(settings):
        return x, function(engine, x)


def derivative(*what: Any) -> tuple[Any, Any]:
    """y, and the derivative of its sum."""
    x, y = recorded(*what)
    y.sum().backward()
    return y, x.grad


def derivatives(settings: Settings, engine: Any, *what: Any) -> tuple[Any, Any]:
    """First and second derivative, the first with a graph of its own."""
    x, y = recorded(settings, engine, *what)
    (first,) = engine.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = engine.autograd.grad(first.sum(), x)
    return first, second


def compare_at(
    report: Report, settings: Settings, title: str, function: Callable[..., Any], value: Any, figures: bool
) -> None:
    """Compare values, first and second derivatives and graphs of ``function`` at ``value``."""
    tolerance = {"float64": "second order", "float32": "float32"}[settings.dtype]
    sides = (settings, settings.engine, "cpu", function, value), (settings, torch, settings.device, function, value)
    at = f"{title} at {value}"
    with report.trying(f"{title}: dy/dx"):
        (y, slope), (their_y, their_slope) = [derivative(*side) for side in sides]
        report.add(f"{title}: y", [compare_values(f"{at}, y", y, their_y, tolerance)])
        report.add(f"{title}: dy/dx", [compare_values(f"{at}, dy/dx", slope, their_slope, tolerance)])
    with report.trying(f"{title}: graphs"):
        (_, ours), (_, theirs) = [recorded(*side) for side in sides]
        report.add(f"{title}: graphs", [compare_graphs(f"{at}, graph", ours, theirs)])
        if figures:
            traces = [trace_graph(y, names={"y": y}) for y in (ours, theirs)]
            add_figures(report, function.__name__.replace("_", "-"), *traces)
    with report.trying(f"{title}: d²y/dx²"):
        (first, second), (their_first, their_second) = [derivatives(*side) for side in sides]
        report.add(f"{title}: dy/dx", [compare_values(f"{at}, dy/dx with a graph", first, their_first, tolerance)])
        report.add(f"{title}: d²y/dx²", [compare_values(f"{at}, d²y/dx²", second, their_second, tolerance)])
        report.add(f"{title}: graphs", [compare_graphs(f"{at}, graph of the derivative", first, their_first)])


def run(settings: Settings) -> Report:
    """Compare values, first and second derivatives and graphs of every function above."""
    report = settings.report("dynamic-graph")
    six = torch.tensor(6.0, dtype=getattr(torch, settings.dtype))
    for engine, device, name in ((settings.engine, "cpu", settings.name), (torch, settings.device, "PyTorch")):
        with report.trying(f"dy/dx = 6 at 2: {name}"):
            _, slope = derivative(settings, engine, device, polynomial, 2.0)
            report.add(f"dy/dx = 6 at 2: {name}", [compare_values(f"dy/dx on {name}", slope, six, "exact")])
    for title, (function, values) in FUNCTIONS.items():
        for value in values:
            compare_at(report, settings, title, function, value, settings.figures and value is values[0])
    return report
