"""A node called by hand: ``y.grad_fn(grad_y)`` runs its rule alone, beside the engine that walks the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.promotion import type_name
from minigrad.graph.accumulation import add_to_grad, begin_grad, results
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import AccumulateGrad, Node, Tensor
from minigrad.graph.watching import Walk

__all__ = ["call_node"]


def call_node(node: Node, grads: tuple[Any, ...]) -> Any:
    """What the rule of ``node`` gives for the gradients of its outputs, tensors or None: a tensor, or one an input.

    While operations are recorded, what the rule computes is recorded too. Hooks are not called. A leaf's node adds the
    gradient to ``.grad`` and gives nothing.

    Raises:
        TypeError: there is not one gradient an output, or one is no tensor.
        RuntimeError: what was saved was freed, or a gradient has not its output's shape.
    """
    if len(grads) != len(node.outputs):
        raise TypeError(f"expected {len(node.outputs)} arguments, got {len(grads)} instead")
    for position, (grad, output) in enumerate(zip(grads, node.outputs)):
        if grad is not None and not isinstance(grad, Tensor):
            raise TypeError(f"argument {position} is not a Variable but {type_name(grad)}")
        if grad is not None and grad.array.shape != output[0]:
            raise RuntimeError(
                f"{node.name()} expects a gradient of shape {list(output[0])}, that of its output, not "
                f"{list(grad.array.shape)}"
            )
    incoming = [grad if grad is None or grad_mode.enabled else grad.array for grad in grads]
    outside = grad_mode.walk
    try:
        grad_mode.walk, grad_mode.walked = Walk(), True
        outgoing = run_alone(node, incoming)
    finally:
        grad_mode.walk = outside
    return outgoing[0] if len(outgoing) == 1 else outgoing


def run_alone(node: Any, incoming: list[Any]) -> tuple[Any, ...]:
    """What the rule gives, as tensors; None for what needs no gradient. The engine would then sum broadcast ones."""
    if all(each is None for each in incoming):
        return (None,) * len(node.edges)
    if isinstance(node, AccumulateGrad):
        begin_grad(node)
        add_to_grad(node, incoming[0])
        return ()
    outgoing = results(node.call_rule(incoming))
    return tuple([each if each is None or isinstance(each, Tensor) else wrap(np.asarray(each)) for each in outgoing])
