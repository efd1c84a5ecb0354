"""Short checks, one a line: what a line computes on both engines must be equal, its gradients too; or its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from comparisons.harness import Comparison, Report, array_of, compare_values, failed, is_tensor
from comparisons.settings import Settings

__all__ = ["Function", "compare_functions", "compare_programs", "compare_second_derivatives", "numbers"]

Function = Callable[..., Any]  # of the engine and one tensor for each input


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Fixed uneven numbers between 0.3 and 2, every third of them negative."""
    values = np.random.default_rng(seed).uniform(0.3, 2, shape)
    values.reshape(-1)[::3] *= -1
    return values


def leaves_of(engine: Any, device: str, dtype: str, inputs: Sequence[Any]) -> list[Any]:
    """The inputs as tensors: leaves that require grad, but for whole numbers, which have no gradient."""
    leaves = []
    for value in inputs:
        array = np.asarray(value)
        if array.dtype.kind == "f":
            kind = getattr(engine, dtype)
            leaves.append(engine.tensor(array.tolist(), dtype=kind, device=device, requires_grad=True))
        else:
            leaves.append(engine.tensor(array.tolist(), device=device))
    return leaves


def weighted(engine: Any, device: str, tensor: Any, seed: int = 0) -> Any:
    """The sum of a tensor's elements, each with another weight, so that no error cancels."""
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, tuple(tensor.shape))
    return (tensor * engine.tensor(weights.tolist(), dtype=tensor.dtype, device=device)).sum()


def value_and_gradients(engine: Any, device: str, settings: Settings, function: Function, inputs: Any) -> list[Any]:
    """What ``function`` gives, and the gradient of each input."""
    leaves = leaves_of(engine, device, settings.dtype, inputs)
    value = function(engine, *leaves)
    weighted(engine, device, value).backward()
    return [value, *[leaf.grad for leaf in leaves]]


def second_derivatives(engine: Any, device: str, settings: Settings, function: Function, inputs: Any) -> list[Any]:
    """The gradients of a sum of the gradients."""
    leaves = leaves_of(engine, device, settings.dtype, inputs)
    value = weighted(engine, device, function(engine, *leaves))
    floating = [leaf for leaf in leaves if leaf.requires_grad]
    gradients = engine.autograd.grad(value, floating, create_graph=True, allow_unused=True)
    recorded = [each for each in gradients if each is not None and each.requires_grad]
    if not recorded:
        return []
    total = sum([weighted(engine, device, each, seed) for seed, each in enumerate(recorded)])
    return list(engine.autograd.grad(total, floating, allow_unused=True))


def on_both(settings: Settings, work: Callable[..., Any], *what: Any) -> tuple[Any, Any]:
    """What ``work(engine, device, settings, *what)`` gives on the engine under test and on PyTorch."""
    ours = work(settings.engine, "cpu", settings, *what)
    return ours, work(torch, settings.device, settings, *what)


def compare_functions(
    report: Report, settings: Settings, lines: dict[str, tuple[Any, ...]], tolerance: str = ""
) -> None:
    """A row for each line: its value, and the gradients of its inputs. A line is a function and its inputs."""
    tolerance = tolerance or {"float64": "float64", "float32": "network float32"}[settings.dtype]
    for title, (function, *inputs) in lines.items():
        with report.trying(title):
            ours, theirs = on_both(settings, value_and_gradients, function, inputs)
            names = ["value", *[f"gradient of input {number}" for number in range(len(inputs))]]
            for name, mine, yours in zip(names, ours, theirs):
                report.add(title, [compare_values(f"{title}, {name}", mine, yours, tolerance)])


def compare_second_derivatives(report: Report, settings: Settings, lines: dict[str, tuple[Any, ...]]) -> None:
    """One row for the second derivatives of all ``lines``."""
    tolerance = {"float64": "second order", "float32": "network float32"}[settings.dtype]
    for title, (function, *inputs) in lines.items():
        with report.trying("second derivatives"):
            ours, theirs = on_both(settings, second_derivatives, function, inputs)
            compared = [
                compare_values(f"second derivative of {title}, input {number}", mine, yours, tolerance)
                for number, (mine, yours) in enumerate(zip(ours, theirs, strict=True))
            ]
            if compared:
                report.add("second derivatives", compared)


def compare_programs(report: Report, settings: Settings, lines: dict[str, tuple[Any, ...]]) -> None:
    """A row for each line: what it returns, a list of tensors and other values; or the type of its error."""
    tolerance = {"float64": "second order", "float32": "network float32"}[settings.dtype]
    for title, (program, *inputs) in lines.items():
        with report.trying(title):
            ours, theirs = on_both(settings, outcome, program, inputs)
            report.add(title, compare_outcomes(title, ours, theirs, tolerance))


def outcome(engine: Any, device: str, settings: Settings, program: Function, inputs: Sequence[Any]) -> Any:
    """What ``program`` returns, with the values as they are at its end; or the exception that it raises."""
    leaves = leaves_of(engine, device, settings.dtype, inputs)
    try:
        return [array_of(each).copy() if is_tensor(each) else each for each in program(engine, *leaves)]
    except Exception as error:
        return error


def compare_outcomes(title: str, ours: Any, theirs: Any, tolerance: str) -> list[Comparison]:
    """Compare what a program gave on both engines.

    Raises:
        Exception: the program's own on the engine under test, where PyTorch has none or ours is told as missing.
    """
    if isinstance(ours, Exception) and type(ours) is not type(theirs):
        raise ours
    if isinstance(theirs, Exception):
        if isinstance(ours, Exception):
            return [Comparison(title, 1, 0.0, 0.0, "exact", True)]
        error = f"{type(theirs).__name__}: {str(theirs).splitlines()[0]}"
        return [failed(title, "exact", f"ours goes on, theirs raises {error}")]
    compared = []
    for number, (mine, yours) in enumerate(zip(ours, theirs, strict=True)):
        name = f"{title}, value {number}"
        if isinstance(yours, np.ndarray):
            compared.append(compare_values(name, mine, yours, tolerance))
        elif mine == yours:
            compared.append(Comparison(name, 1, 0.0, 0.0, "exact", True))
        else:
            compared.append(failed(name, "exact", f"ours {mine!r}, theirs {yours!r}"))
    return compared
