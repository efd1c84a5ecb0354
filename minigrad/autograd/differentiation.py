"""``backward`` and ``grad``: what a user calls to differentiate, its checks, and how it hands over to the engine.

Read next: ``graph/engine.py``, which does the walking.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments.gate import all_taken_in
from minigrad.arguments.promotion import is_foreign, type_name
from minigrad.attributes import Size
from minigrad.caller import warn_user
from minigrad.dtypes import from_numpy_dtype
from minigrad.graph.accumulation import Arrived, receive
from minigrad.graph.engine import walk_backward
from minigrad.graph.function import gradient_edge, wrap
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.history import why_no_history
from minigrad.graph.node import Edge, Tensor, unwrap
from minigrad.graph.watching import to_tensors, wrapped
from minigrad.ops.joining import stack

__all__ = ["backward", "grad"]


def as_tuple(tensors: Any) -> tuple[Any, ...]:
    """One tensor, or a sequence of them, as a tuple. A place in the graph, itself a tuple, counts as one."""
    return (tensors,) if isinstance(tensors, Tensor) or is_foreign(tensors) or is_place(tensors) else tuple(tensors)


def is_place(value: Any) -> bool:
    """True for what ``graph.get_gradient_edge`` gives."""
    return hasattr(value, "node")


def first_gradients(outputs: Any, grad_outputs: Any, create_graph: bool) -> Arrived:
    """Where to begin, and with which gradients: those given, and 1 for a scalar output without one.

    Raises:
        TypeError: an output or a gradient is no tensor.
        RuntimeError: an output does not require grad, needs a gradient given, or was given one of another shape.
    """
    if grad_outputs is None and isinstance(outputs, Tensor) and outputs.array.ndim == 0 and not create_graph:  # noqa: SIM102
        if outputs.grad_fn is not None and outputs.grad_fn.plain:
            return {outputs.grad_fn: [np.array(1, outputs.array.dtype)]}  # dL/dL = 1
    sources = as_tuple(outputs)
    given = (None,) * len(sources) if grad_outputs is None else as_tuple(grad_outputs)
    for gradient in given:
        if gradient is not None and not isinstance(gradient, Tensor):
            if is_foreign(gradient):
                return first_gradients(outputs, all_taken_in(grad_outputs), create_graph)
            raise TypeError(f"gradients can be either Tensors or None, but got {type_name(gradient)}")
    if len(given) != len(sources):
        raise RuntimeError(f"got {len(sources)} tensors and {len(given)} gradients")
    arrived: Arrived = {}
    for position, (output, gradient) in enumerate(zip(sources, given)):
        edge, shape, kind = root_of(output, position)
        start = checked_first(gradient, shape, kind, position)
        receive(arrived, edge, wrapped(start) if create_graph else unwrap(start))
    return arrived


def root_of(output: Any, position: int) -> tuple[Edge, tuple[int, ...], Any]:
    """Where backward begins for ``output``, a tensor or a place in the graph, and its shape and type.

    Raises:
        TypeError: it is neither.
        RuntimeError: the tensor does not require grad.
    """
    if isinstance(output, Tensor) and output._requires_grad:
        return gradient_edge(output), output.array.shape, output.array.dtype
    if isinstance(output, Tensor):
        raise RuntimeError(
            f"element {position} of tensors does not require grad and does not have a grad_fn: {why_no_history(output)}"
        )
    if not is_place(output):
        raise TypeError(f"element {position} of tensors is not a Tensor but {type_name(output)}")
    edge = (output.node, output.output_nr)
    return edge, *output.node.outputs[output.output_nr]


def checked_first(gradient: Tensor | None, shape: tuple[int, ...], kind: Any, position: int) -> Any:
    """The gradient to begin with where one was given, or where the output has dimensions."""
    if gradient is None:
        if math.prod(shape) != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs; "
                f"output {position} has shape {list(shape)}: reduce it, or pass its gradient"
            )
        return np.ones(shape, kind)
    if gradient.array.shape != shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {gradient.shape} "
            f"and output[{position}] has a shape of {Size(shape)}."
        )
    return gradient if gradient.array.dtype == kind else gradient.to(from_numpy_dtype(kind))


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of ``tensors`` to the ``.grad`` of the leaves they came from.

    Args:
        tensors: what to differentiate.
        grad_tensors: for each of them the gradient to begin with, of its shape; None for a scalar means 1.
        retain_graph: keep what forward saved, so that backward can run again. Default: the value of create_graph.
        create_graph: record the gradients' own computation, so that they can be differentiated.
        inputs: accumulate into these tensors only. Default: all leaves.

    Raises:
        RuntimeError: a tensor does not require grad, is not a scalar and has no gradient given, was given one of
            another shape, or its graph was freed by an earlier backward.

    Counterpart: ``torch.autograd.backward``.

    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> minigrad.autograd.backward(x * x, minigrad.tensor([1.0, 10.0]))
    >>> x.grad
    tensor([ 2., 40.])
    """
    if create_graph:
        warn_of_cycle()
        retain_graph, create_graph = kept_and_recorded(retain_graph)
    arrived = first_gradients(tensors, grad_tensors, create_graph)
    walk_backward(arrived, retain_graph, create_graph, None if inputs is None else edges_to(inputs))


def warn_of_cycle() -> None:
    """PyTorch's warning of a ``.grad`` that holds the graph which holds its leaf."""
    warn_user(
        "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
        "gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid "
        "this. If you have to use this function, make sure to reset the .grad fields of your parameters to None "
        "after use to break the cycle and avoid the leak."
    )


def kept_and_recorded(retain_graph: bool | None) -> tuple[bool | None, bool]:
    """What ``create_graph`` asks for: ``retain_graph``, and whether the walk is recorded. Inference mode records
    nothing; what nodes saved is kept there all the same.
    """
    if grad_mode.inference:
        return retain_graph is None or retain_graph, False
    return retain_graph, True


def edges_to(inputs: Any) -> list[Edge]:
    """Where the gradients of ``inputs`` arrive, tensors whose ``.grad`` is to be set, or places in the graph."""
    chosen = as_tuple(inputs)
    if not chosen:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    edges: list[Edge] = []
    for each in chosen:
        if isinstance(each, Tensor):
            each.retain_grad()
            edges.append(gradient_edge(each))
        else:
            edges.append(tuple(each))
    return edges


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of the sum of ``outputs`` with respect to each of ``inputs``. No ``.grad`` is touched.

    Args:
        outputs, grad_outputs, retain_graph, create_graph: as in :func:`backward`.
        inputs: tensors that require grad, leaves or not; or places in the graph (``graph.get_gradient_edge``). With a
            dictionary of tensors the gradients come in a dictionary.
        only_inputs: has no effect, as in PyTorch, where False is deprecated.
        allow_unused: give None for an input that the outputs do not depend on, instead of an error.
        is_grads_batched: the first dimension of each of ``grad_outputs`` numbers several gradients to begin with; so
            does that of each result. One backward pass each, where PyTorch has one for all.
        materialize_grads: give zeros instead of None; with ``create_graph`` they require grad.

    Returns:
        One tensor an input, of its shape.

    Raises:
        RuntimeError: as :func:`backward`; or an input does not require grad, or was not used.
        ValueError: ``allow_unused`` is False and ``materialize_grads`` True.

    Counterpart: ``torch.autograd.grad``.

    >>> x = minigrad.tensor(2.0, requires_grad=True)
    >>> (first,) = minigrad.autograd.grad(x**3, x, create_graph=True)  # 3x²
    >>> minigrad.autograd.grad(first, x)  # 6x
    (tensor(12.),)
    """
    if not only_inputs:
        warn_user(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use minigrad.autograd.backward.",
            FutureWarning,
        )
    if isinstance(inputs, dict):
        options: list[Any] = [retain_graph, create_graph, True, allow_unused, is_grads_batched, materialize_grads]
        return dict(zip(inputs, grad(outputs, tuple(inputs.values()), grad_outputs, *options)))
    sources, targets = as_tuple(outputs), as_tuple(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False.")
    retain_graph = create_graph if retain_graph is None else retain_graph
    if is_grads_batched and grad_outputs is not None:
        wanted = {"create_graph": create_graph, "allow_unused": allow_unused, "materialize_grads": materialize_grads}
        return grad_of_batch(sources, targets, as_tuple(grad_outputs), retain_graph, wanted)
    if create_graph:
        retain_graph, create_graph = kept_and_recorded(retain_graph)
    arrived = first_gradients(sources, grad_outputs, create_graph)
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    edges = []
    for position, target in enumerate(targets):
        if is_place(target):
            edges.append((target.node, target.output_nr))
            continue
        if not isinstance(target, Tensor):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(target).__name__}")
        if not target._requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad (index {position}): {why_no_history(target)}"
            )
        edges.append(gradient_edge(target))
    captured = walk_backward(arrived, retain_graph, create_graph, edges, accumulate=False)
    results: list[Tensor | None] = to_tensors([captured[edge] for edge in edges])
    for position, (result, (node, output_nr)) in enumerate(zip(results, edges)):
        if result is None and materialize_grads:
            if is_place(targets[position]):
                raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
            results[position] = wrap(np.zeros(*node.outputs[output_nr])).requires_grad_(create_graph)
        elif result is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {position} appears to not have been used in the graph. "
                f"Set allow_unused=True if this is the desired behavior; explain_grad(tensor, result) "
                f"tells what became of it."
            )
    return tuple(results)


def grad_of_batch(
    outputs: Sequence[Any], inputs: Sequence[Any], batches: Sequence[Any], retain_graph: bool, options: dict[str, Any]
) -> tuple[Tensor | None, ...]:
    """:func:`grad` once for each of the gradients that the first dimension of ``batches`` numbers, stacked."""
    for position, (output, batch) in enumerate(zip(outputs, batches)):
        _, shape, _ = root_of(output, position)
        if isinstance(batch, Tensor) and batch.array.shape[1:] != shape:
            raise RuntimeError(
                f"If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                f"dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                f"output, but a mismatch was detected: grad_output[{position}] has a shape of {batch.shape} and "
                f"output[{position}] has a shape of {Size(shape)}."
            )
    count = min(len(batch) for batch in batches if batch is not None)
    rows = []
    for number in range(count):
        starts = [None if batch is None else batch[number] for batch in batches]
        rows.append(grad(outputs, inputs, starts, retain_graph or number < count - 1, **options))
    return tuple([None if column[0] is None else stack(column) for column in zip(*rows)])
