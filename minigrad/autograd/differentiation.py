"""``backward`` and ``grad``: what a user calls to differentiate, its checks, and how it hands over to the engine.

Read next: ``engine.py``, which does the walking.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.engine import Waiting, accumulate_into_leaf, run_backward, to_tensors
from minigrad.autograd.function import AccumulateGrad, gradient_edge
from minigrad.tensor import Tensor, wrap

__all__ = ["backward", "grad"]


def as_tuple(tensors: Any) -> tuple[Any, ...]:
    """One tensor, or a sequence of them, as a tuple. A place in the graph, itself a tuple, counts as one."""
    return (tensors,) if isinstance(tensors, Tensor) or hasattr(tensors, "node") else tuple(tensors)


def first_gradients(outputs: Sequence[Tensor], grad_outputs: Any, create_graph: bool) -> list[Any]:
    """The gradients to begin with: those given, and 1 for a scalar output without one.

    Raises:
        RuntimeError: an output does not require grad, needs a gradient given, or was given one of another shape.
    """
    given = (
        (None,) * len(outputs)
        if grad_outputs is None
        else ((grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs))
    )
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    gradients = []
    for position, (output, gradient) in enumerate(zip(outputs, given)):
        if not isinstance(output, Tensor):
            raise TypeError(f"element {position} of tensors is not a Tensor but {type(output).__name__}")
        if not output._requires_grad:
            raise RuntimeError(f"element {position} of tensors does not require grad and does not have a grad_fn")
        if gradient is None:
            if output.array.size != 1:
                raise RuntimeError(
                    "grad can be implicitly created only for scalar outputs; "
                    f"output {position} has shape {list(output.shape)}: reduce it, or pass its gradient"
                )
            gradient = wrap(np.ones_like(output.array), None, 0)
        elif not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        elif gradient.shape != output.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{position}] has a shape of {gradient.shape} "
                f"and output[{position}] has a shape of {output.shape}."
            )
        gradient = gradient.to(output.dtype)
        gradients.append(gradient if create_graph else gradient.array)
    return gradients


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
    """
    outputs = as_tuple(tensors)
    gradients = first_gradients(outputs, grad_tensors, create_graph)
    roots = []
    for output in outputs:
        roots.append(gradient_edge(output))
    if retain_graph is None:
        retain_graph = create_graph
    if inputs is None:
        run_backward(roots, gradients, retain_graph=retain_graph, create_graph=create_graph)
        return
    chosen = as_tuple(inputs)
    if not chosen:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    edges = [gradient_edge(each) for each in chosen]
    captured = run_backward(
        roots, gradients, retain_graph=retain_graph, create_graph=create_graph, inputs=edges, accumulate=False
    )
    for tensor, edge in zip(chosen, edges):
        arrived = Waiting(edge[0])
        arrived.gradients[0] = captured.pop(edge, None)  # popped: a tensor named twice receives its gradient once
        target = AccumulateGrad()
        target.variable = tensor
        accumulate_into_leaf(target, arrived)


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
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of ``outputs`` with respect to each of ``inputs``. No ``.grad`` is touched.

    Args:
        outputs, grad_outputs, retain_graph, create_graph: as in :func:`backward`.
        inputs: tensors that require grad, leaves or not; or places in the graph (``graph.get_gradient_edge``).
        only_inputs: without effect, for old code; False is warned of.
        allow_unused: give None for an input that the outputs do not depend on, instead of an error.
        is_grads_batched: must be False: minigrad has no batches of gradients.
        materialize_grads: give zeros instead of None.

    Returns:
        One tensor an input, of its shape.

    Raises:
        RuntimeError: as :func:`backward`; or an input does not require grad, or was not used.

    Counterpart: ``torch.autograd.grad``.
    """
    sources, targets = as_tuple(outputs), as_tuple(inputs)
    if not only_inputs:
        warnings.warn(
            "only_inputs is deprecated and ignored: no other gradient is touched", FutureWarning, stacklevel=2
        )
    if is_grads_batched:
        raise NotImplementedError("minigrad has no is_grads_batched: call grad once for each gradient")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False.")
    gradients = first_gradients(sources, grad_outputs, create_graph)
    for position, target in enumerate(targets):
        if isinstance(target, Tensor) and not target._requires_grad:
            raise RuntimeError(f"One of the differentiated Tensors does not require grad (index {position})")
    edges = [gradient_edge(target) if isinstance(target, Tensor) else tuple(target) for target in targets]
    captured = run_backward(
        [gradient_edge(source) for source in sources],
        gradients,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=edges,
        accumulate=False,
    )
    results: list[Tensor | None] = to_tensors([captured[edge] for edge in edges])
    for position, (result, (node, output_nr)) in enumerate(zip(results, edges)):
        if result is None and materialize_grads:
            results[position] = wrap(np.zeros(*node.outputs[output_nr]), None, 0)
        elif result is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {position} appears to not have been used in the graph. "
                f"Set allow_unused=True if this is the desired behavior."
            )
    return tuple(results)
