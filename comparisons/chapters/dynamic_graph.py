"""Dynamic graphs: the graph is what the code did, loops and branches included, and it can be differentiated twice.

Every function below takes the engine as ``engine`` and is the same code for both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from comparisons.graphs import add_figures, compare_graphs, watching
from comparisons.harness import Comparison, Report, compare_values
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


def derivatives(engine: Any, settings: Settings, function: Callable[..., Any], value: Any, device: str) -> list[Any]:
    """Result, first and second derivative of the sum of ``function`` at ``value`` on one engine."""
    x = engine.tensor(value, dtype=getattr(engine, settings.dtype), device=device, requires_grad=True)
    with watching(settings):
        y = function(engine, x)
    (first,) = engine.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = engine.autograd.grad(first.sum(), x)
    return [y, first, second]


def run(settings: Settings) -> Report:
    """Compare values, first and second derivatives and graphs of every function above."""
    report = Report("dynamic-graph")
    tolerance = {"float64": "second order", "float32": "float32"}[settings.dtype]
    for engine, device, name in ((settings.engine, "cpu", "minigrad"), (torch, settings.device, "PyTorch")):
        x = engine.tensor(2.0, dtype=getattr(engine, settings.dtype), device=device, requires_grad=True)
        polynomial(engine, x).backward()
        six = torch.tensor(6.0, dtype=getattr(torch, settings.dtype))
        report.add(f"dy/dx = 6 at 2: {name}", [compare_values(f"dy/dx on {name}", x.grad, six, "exact")])
    for title, (function, values) in FUNCTIONS.items():
        found: dict[str, list[Comparison]] = {"y": [], "dy/dx": [], "d²y/dx²": []}
        graphs = []
        for value in values:
            ours = derivatives(settings.engine, settings, function, value, "cpu")
            theirs = derivatives(torch, settings, function, value, settings.device)
            for part, mine, yours in zip(found, ours, theirs):
                found[part].append(compare_values(f"{title} at {value}, {part}", mine, yours, tolerance))
            graphs.append(compare_graphs(f"{title} at {value}, graph", ours[0], theirs[0]))
            if settings.figures and value is values[0]:
                traces = [trace_graph(side[0], names={"y": side[0]}) for side in (ours, theirs)]
                add_figures(report, function.__name__.replace("_", "-"), *traces)
            graphs.append(compare_graphs(f"{title} at {value}, graph of the derivative", ours[1], theirs[1]))
        for part, comparisons in found.items():
            report.add(f"{title}: {part}", comparisons)
        report.add(f"{title}: graphs", graphs)
    return report
