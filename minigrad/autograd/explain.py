"""``explain_grad``: why is ``t.grad`` None, or zeros, or NaN, or what is it? Answered from what the engine knows.

Where a history was cut is noted in ``graph/history.py``, where zeros and NaN began is found in ``beginnings.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.promotion import type_name
from minigrad.autograd.beginnings import (
    BROKEN,
    ZEROS,
    is_broken,
    is_freed,
    is_zero,
    name_and_line,
    nodes_between,
    stem,
    users_of,
    where_it_began,
)
from minigrad.dtypes import limits_of
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.history import latest_cut, why_no_history
from minigrad.graph.node import NO_NODE, AccumulateGrad, Edge, Tensor

__all__ = ["explain_grad"]


def explain_grad(tensor: Tensor, result: Tensor | None = None, optimizer: Any = None) -> str:
    """One paragraph on ``tensor.grad``: what it is, or why it is None, zeros or NaN, and what to do.

    Args:
        tensor: the one whose gradient surprises you.
        result: what ``backward()`` is called on, such as the loss. While its graph is there, before ``backward()``, or
            after ``backward(retain_graph=True)``, it is told at which operation zeros, NaN or infinity began.
        optimizer: the one that is to change ``tensor``; it is told whether it does.

    Raises:
        TypeError: not a tensor, or not an optimizer.

    PyTorch has no counterpart.

    >>> x = minigrad.tensor([1.0, 2.0])
    >>> print(minigrad.explain_grad(x))
    The .grad is None because the tensor does not require grad: nothing ...
    """
    for name, value in (("tensor", tensor), ("result", result)):
        if not isinstance(value, Tensor) and (name == "tensor" or value is not None):
            raise TypeError(f"explain_grad(): argument '{name}' must be Tensor, not {type_name(value)}")
    if optimizer is not None and not hasattr(optimizer, "param_groups"):
        raise TypeError(f"explain_grad(): argument 'optimizer' must be Optimizer, not {type(optimizer).__name__}")
    told = _told(tensor, result)
    return told if optimizer is None else f"{told} {_held(tensor, optimizer)}"


def _told(tensor: Tensor, result: Tensor | None) -> str:
    if tensor._grad is not None:
        return _about(tensor, tensor._grad, result)
    if not tensor._requires_grad:
        return f"The .grad is None because the tensor does not require grad: {why_no_history(tensor)}"
    if result is not None and not result._requires_grad:
        return f"The .grad is None because the result does not require grad: {why_no_history(result)}"
    if result is not None:
        return _seen_from(tensor, result)
    if tensor.grad_fn is not None:
        return _not_kept(tensor)
    return _not_reached(tensor)


def _about(tensor: Tensor, gradient: Tensor, result: Tensor | None) -> str:
    kind = "This tensor is a leaf" if tensor.is_leaf else f"This tensor is the result of {tensor.grad_fn.name()}"
    sums = tensor._accumulations
    if tensor._grad_given and sums:
        told = (
            f"its .grad is what was assigned to it by hand, plus what {sums} backward "
            f"{'passes' if sums > 1 else 'pass'} brought since, because .grad accumulates"
        )
    elif sums == 0:
        told = "its .grad was assigned by hand, or kept from before: no backward pass has added to it"
    elif sums == 1:
        told = "its .grad is what one backward pass brought: the sum over all paths from the tensor to the result"
    else:
        told = (
            f"its .grad is the sum of what {sums} backward passes brought, because .grad accumulates: set it to None, "
            f"or call optimizer.zero_grad(), before each pass if you want that pass's alone"
        )
    faults = _values(tensor, gradient.array, result)
    if sums == 1 and faults and not tensor._grad_given:
        return f"The .grad, which one backward pass brought, {faults}"
    change = gradient._version_counter.last_change
    if change and not change.startswith("accumulation"):
        told += f"; but its values were changed in place since, by {change}"
    return f"{kind}, and {told}. Its shape is {list(gradient.shape)}." + (f" It {faults}" if faults else "")


def _values(tensor: Tensor, gradient: np.ndarray, result: Tensor | None) -> str:
    """What is wrong with the values of a gradient, and where it began; "" where they are sound."""
    if is_broken(gradient):
        counts = {"NaN": np.isnan(gradient).sum(), "infinite": np.isinf(gradient).sum()}
        told = " and ".join([f"{count} {kind}" for kind, count in counts.items() if count])
        return f"has {told} of {gradient.size} elements. {_began(tensor, result, is_broken)}"
    if is_zero(gradient):
        return f"is 0 everywhere. {_began(tensor, result, is_zero)}"
    return ""


def _began(tensor: Tensor, result: Tensor | None, bad: Any) -> str:
    """Where the values went bad, or how to find out: from ``result``, else from what was made of the tensor last."""
    ask = "To be told where it began, ask explain_grad(tensor, result) before result.backward() frees the graph"
    ask += ", or run forward and backward inside detect_anomaly()." if bad is is_broken else "."
    edge = _edge(tensor)
    if edge is None:
        return ask
    root = None if result is None else _edge(result)
    if root is None:
        users = users_of(edge[0])
        if not users:
            return ask
        root = users[0], 0
    path = nodes_between(edge, root)
    if is_freed(path):
        able = [node for node in path if stem(node) in (BROKEN if bad is is_broken else ZEROS)]
        if not able:
            return ask
        names = ", ".join([name_and_line(node) for node in reversed(able[-4:])])
        if len(able) == 1 and bad is is_zero:
            return f"It can have begun at {names}: if so, it {ZEROS[stem(able[0])]}. {ask}"
        return f"On the way {'stands' if len(able) == 1 else 'stand'} {names}, which can do that. {ask}"
    try:
        sound = "The rules alone make other values of it: a hook, a change of .grad, or an earlier pass made these."
        return where_it_began(edge, root, bad) or (ask if result is None else sound)
    except RuntimeError as error:
        return f"A backward pass from there fails: {error}"


def _edge(tensor: Tensor) -> Edge | None:
    """The tensor's place in the graphs that are alive; None where it has none."""
    node = tensor._accumulate_grad() if tensor.grad_fn is None else tensor.grad_fn
    return None if node is None else (node, tensor.output_nr)


def _seen_from(tensor: Tensor, result: Tensor) -> str:
    """Of a tensor without a ``.grad``: whether a pass from ``result`` would come to it, and with what."""
    told = "The .grad is None until a backward pass runs: one from the result will bring it a gradient"
    if result is tensor:
        return f"{told}: 1, for it is the result itself."
    edge, root = _edge(tensor), _edge(result)
    path = [] if edge is None or root is None else nodes_between(edge, root)
    if edge is None or root is None or edge[0] not in path:
        return f"The .grad is None because the result was not computed from it: {_uses(tensor)}"
    if tensor.grad_fn is not None:
        return _not_kept(tensor)
    if tensor._grad_cleared:
        return _not_reached(tensor)
    if is_freed(path):
        return (
            "The .grad is None although a backward pass has gone through the result's graph: it stopped on the way by "
            "an error, a custom function returned None, its inputs= left this tensor out, or it was autograd.grad, "
            "which leaves .grad alone."
        )
    for bad, name in ((is_broken, "with NaN or infinity"), (is_zero, "of zeros")):
        began = where_it_began(edge, root, bad)
        if began is None:
            return (
                "The .grad is None and stays so: a rule on the way from the result returns None. Let the backward of "
                "your custom function return a gradient for each input that needs one."
            )
        if began:
            return f"{told} {name}. {began}"
    return f"{told}."


def _not_kept(tensor: Tensor) -> str:
    maker = tensor.grad_fn.name()
    if tensor.retains_grad:
        return (
            f"The .grad is None although retain_grad() was called: no backward pass has come through "
            f"{maker}, which made this tensor, since then."
        )
    if _is_step(tensor):
        return (
            f"The .grad is None because this tensor is no leaf any more: {maker} made it out of a leaf and that leaf's "
            f".grad, as x = x - lr * x.grad does, which gives the name to a result. Change the leaf itself instead: "
            f"with no_grad(): x -= lr * x.grad."
        )
    return (
        f"The .grad is None because this tensor is not a leaf: {maker} made it, and backward keeps "
        f"gradients of leaves only. Call retain_grad() on it before backward(), or use autograd.grad."
    )


def _is_step(tensor: Tensor) -> bool:
    """True if the tensor is a leaf plus a multiple of that leaf's gradient."""
    if not tensor.grad_fn.name().startswith(("SubBackward", "AddBackward")):
        return False
    leaves = [node.variable for node, _, _ in tensor.grad_fn.edges if isinstance(node, AccumulateGrad)]
    others = [counter for node, _, counter in tensor.grad_fn.edges if node is None]
    if len(leaves) != 1 or leaves[0]._grad is None or others == [None] or leaves[0].shape != tensor.shape:
        return False
    gradient, change = leaves[0]._grad.array.astype(float), tensor.array.astype(float) - leaves[0].array
    if not gradient.any() or not change.any():
        return False
    rate = (gradient * change).sum() / (gradient * gradient).sum()
    rounding = 4 * limits_of(tensor.array.dtype).eps * (np.abs(tensor.array) + np.abs(leaves[0].array))
    down = rate < 0 or gradient.size > 1  # of one element, every change is a multiple of its gradient
    return bool(down and (np.abs(change - rate * gradient) <= rounding).all())


def _not_reached(tensor: Tensor) -> str:
    start = "The .grad is None although this is a leaf that requires grad: "
    if not grad_mode.walked:
        return start + "no backward pass has run in this thread yet. Call backward() on a result computed from it."
    if tensor._grad_cleared:
        return start + (
            "its .grad was there and was set to None, as optimizer.zero_grad() does too, and no backward pass has "
            "reached it since. Call backward() on a result computed from it."
        )
    return start + _uses(tensor)


def _uses(tensor: Tensor) -> str:
    """What became of a tensor from which a backward pass got no gradient."""
    if tensor.grad_fn is None and tensor._accumulate_grad is NO_NODE:
        if tensor._unrecorded is not None:
            return f"nothing recorded uses it. What used it last was cut off {tensor._unrecorded}"
        return (
            "no operation has ever used it. Use it in forward(), or ask for the tensor that was used: a copy, a "
            "parameter that was replaced and another model's parameter are others."
        )
    edge = _edge(tensor)
    users = [] if edge is None else users_of(edge[0])
    cuts = [vars(node)["_cut"] for node in users if "_cut" in vars(node)]
    if cuts:
        return f"the path to the result is cut {cuts[0]}"
    if not users:
        last = tensor._unrecorded or latest_cut()
        return (
            "no graph that is still alive uses it: the results were dropped, or cut off, before backward() was called "
            "on them, or only autograd.grad was called, which leaves .grad alone."
        ) + (f" The last time that it, or else some result, was cut off was {last}" if last is not None else "")
    return (
        "a graph that is still alive uses it, but no backward pass has brought it a gradient. Call backward() on a "
        f"result computed from it, such as {name_and_line(users[0])}'s; inputs= of backward(), a custom function that "
        "returned None, and backward_steps() that was left before it came here, leave it out."
    )


def _held(tensor: Tensor, optimizer: Any) -> str:
    """Whether ``optimizer`` changes ``tensor``."""
    groups = optimizer.param_groups
    held = [each for group in groups for each in group["params"]]
    if any(each is tensor for each in held):
        return "The optimizer holds it."
    alike = sum(each.shape == tensor.shape for each in held)
    return (
        f"The optimizer does not hold it: of its {len(held)} parameters {alike or 'none'} "
        f"{'has' if alike <= 1 else 'have'} this shape, and none is this tensor. It was given another model's, or this "
        f"one was made or replaced since: make the optimizer anew, from model.parameters()."
    )
