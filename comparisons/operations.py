"""One operation on both engines: its output, its gradients, and its gradients' gradients, over given inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import minigrad
from comparisons.graphs import compare_graphs
from comparisons.harness import compare_values

__all__ = ["check_operation", "inputs_on"]


def inputs_on(engine: Any, arrays: Sequence[np.ndarray], requires_grad: bool) -> list[Any]:
    """The arrays as leaves of an engine, floating ones requiring grad. The memory layout is kept."""
    tensors = []
    for array in arrays:
        tensor = engine.from_numpy(np.array(array, order="K"))
        tensors.append(tensor.requires_grad_() if requires_grad and tensor.is_floating_point() else tensor)
    return tensors


def floating_outputs(result: Any) -> list[Any]:
    """The outputs of an operation that can have a gradient."""
    outputs = result if isinstance(result, (tuple, list)) else [result]
    return [each for each in outputs if each.is_floating_point()]


def run(engine: Any, function: Callable[..., Any], arrays: Sequence[np.ndarray], order: int) -> dict[str, Any]:
    """Output, gradients and second-order gradients of ``function`` on one engine, by name."""
    inputs = inputs_on(engine, arrays, requires_grad=order > 0)
    result = function(engine, *inputs)
    found = {f"output {number}": each for number, each in enumerate(result if isinstance(result, tuple) else [result])}
    outputs = [each for each in floating_outputs(result) if each.requires_grad]
    leaves = [each for each in inputs if each.requires_grad]
    if order == 0 or not outputs or not leaves:
        return found
    starts = [weights_like(engine, each, number) for number, each in enumerate(outputs)]
    gradients = engine.autograd.grad(outputs, leaves, starts, create_graph=order > 1, allow_unused=True)
    for number, gradient in enumerate(gradients):
        found[f"gradient of input {number}"] = gradient
    recorded = [each for each in gradients if each is not None and each.requires_grad]
    if order == 1 or not recorded:
        return found
    seconds = [weights_like(engine, each, 10 + number) for number, each in enumerate(recorded)]
    for number, gradient in enumerate(engine.autograd.grad(recorded, leaves, seconds, allow_unused=True)):
        found[f"second-order gradient of input {number}"] = gradient
    return found


def weights_like(engine: Any, tensor: Any, seed: int) -> Any:
    """Fixed uneven numbers of a tensor's shape: a gradient to begin with under which no error cancels."""
    numbers = np.random.default_rng(seed).uniform(0.5, 1.5, tuple(tensor.shape))
    return engine.from_numpy(np.asarray(numbers)).to(tensor.dtype)


def check_operation(
    name: str,
    function: Callable[..., Any],
    *arrays: np.ndarray,
    tolerance: str = "float64",
    order: int = 2,
    graph: bool = True,
    engine: Any = minigrad,
) -> None:
    """Assert that ``function(engine, *tensors)`` is the same on both engines, to second order, graph included.

    Args:
        name: the operation's, for messages.
        function: takes the engine's module and one tensor an array; returns a tensor or a tuple of them.
        arrays: the inputs' values; floating ones require grad.
        tolerance: for output and gradient, a key of the table; second order uses "second order" in float64.
        order: 0 compares the output, 1 the gradients too, 2 the gradients' gradients too.
        graph: whether the recorded graphs must be equal.
        engine: the engine under test.

    Raises:
        Mismatch: with the operation, the argument, the index, and both values.
        AssertionError: only one of the engines has the operation.

    >>> import comparisons, numpy as np
    >>> comparisons.check_operation("exp", lambda engine, x: engine.exp(x), np.ones(3))
    """
    ours = run(engine, function, arrays, order)
    theirs = run(torch, function, arrays, order)
    if ours.keys() != theirs.keys():
        missing = sorted(ours.keys() ^ theirs.keys())
        raise AssertionError(f"{name}: only one of the engines has {missing}")
    for part, value in ours.items():
        allowed = "second order" if part.startswith("second") and tolerance == "float64" else tolerance
        compare_values(f"{name}, {part}", value, theirs[part], allowed).check()
    if graph and ours["output 0"].requires_grad:
        compare_graphs(f"{name}, graph", ours["output 0"], theirs["output 0"]).check()
