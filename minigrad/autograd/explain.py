"""``explain_grad``: why is ``t.grad`` None, or what is it? Answered from what the engine knows."""

from __future__ import annotations

from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import Tensor

__all__ = ["explain_grad"]


def explain_grad(tensor: Tensor) -> str:
    """One paragraph on ``tensor.grad``: what it is, or why it is None and what to do.

    Raises:
        TypeError: not a tensor.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"explain_grad(): argument 'tensor' must be Tensor, not {type(tensor).__name__}")
    if tensor._grad is not None:
        return _about(tensor, tensor._grad)
    if not tensor._requires_grad:
        return _not_required(tensor)
    if tensor.grad_fn is not None:
        return _not_kept(tensor)
    return _not_reached(tensor)


def _about(tensor: Tensor, gradient: Tensor) -> str:
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
    change = gradient._version_counter.last_change
    if change and not change.startswith("accumulation"):
        told += f"; but its values were changed in place since, by {change}"
    return f"{kind}, and {told}. Its shape is {list(gradient.shape)}."


def _not_required(tensor: Tensor) -> str:
    if not tensor.is_floating_point():
        return f"The .grad is None because the tensor is of type {tensor.dtype}: only floating tensors have gradients."
    if tensor._history_note:
        return (
            f"The .grad is None because the tensor does not require grad: {tensor._history_note}. Whatever is computed "
            f"from it is not connected to what it was computed from."
        )
    return (
        "The .grad is None because the tensor does not require grad, and nothing it was computed from does: not even "
        "what requires grad, if it went through detach(), .data or no_grad on the way. Create it with "
        "requires_grad=True, or call requires_grad_() before you compute with it."
    )


def _not_kept(tensor: Tensor) -> str:
    if tensor.retains_grad:
        return (
            f"The .grad is None although retain_grad() was called: no backward pass has come through "
            f"{tensor.grad_fn.name()}, which made this tensor, since then."
        )
    return (
        f"The .grad is None because this tensor is not a leaf: {tensor.grad_fn.name()} made it, and backward keeps "
        f"gradients of leaves only. Call retain_grad() on it before backward(), or use autograd.grad."
    )


def _not_reached(tensor: Tensor) -> str:
    start = "The .grad is None although this is a leaf that requires grad: "
    if not grad_mode.walked:
        return start + "no backward pass has run in this thread yet. Call backward() on a result computed from it."
    if tensor._grad_cleared:
        return start + (
            "its .grad was there and was set to None, as optimizer.zero_grad() does too, and no backward pass has "
            "reached it since. Call backward() on a result computed from it."
        )
    if tensor._accumulate_grad() is None:
        return start + (
            "no graph that is still alive uses it. Either nothing recorded was computed from it (under no_grad, or "
            "from a detached copy), or the results were dropped before backward() was called on them, or only "
            "autograd.grad was called, which returns gradients and leaves .grad alone."
        )
    return start + (
        "a graph that is still alive uses it, but no backward pass has brought it a gradient. Either backward() was "
        "not called on a result computed from it (autograd.grad leaves .grad alone), or the path between is cut: by "
        "detach(), .data, no_grad, an integer result, inputs= of backward(), or a custom function that returned None."
    )
