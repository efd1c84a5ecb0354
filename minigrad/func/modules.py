"""Networks as functions of their parameters: called with others than their own, and several as one, stacked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from minigrad import Tensor, nn, stack
from minigrad.nn.utils.stateless import call_with

__all__ = ["functional_call", "stack_module_state"]


def functional_call(
    module: nn.Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with other parameters and buffers, by dotted name, in the place of its own.

    Args:
        module: is as before afterwards.
        parameter_and_buffer_dicts: one dictionary, or several. What the call puts in the place of one of its tensors
            is in it afterwards.
        args: the arguments; one that is no tuple is the only one. Shapes: those of ``module``.
        kwargs: those by name.
        tie_weights: what is given for one name of a tensor that has several is taken for all.
        strict: insist that the names are exactly those of the module.

    Raises:
        ValueError: it is something else, or a name is in two dictionaries, or tied ones are given several values.
        RuntimeError: with ``strict``, names are missing or unexpected.

    >>> layer = minigrad.nn.Linear(1, 1)
    >>> given = {"weight": minigrad.tensor([[2.0]]), "bias": minigrad.tensor([1.0])}
    >>> minigrad.func.functional_call(layer, given, minigrad.tensor([3.0]))
    tensor([7.])
    """
    tensors = parameter_and_buffer_dicts
    if not isinstance(tensors, dict):
        if not isinstance(tensors, Sequence) or not all(isinstance(each, dict) for each in tensors):
            raise ValueError("Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts")
        repeated = [name for name, count in Counter([name for each in tensors for name in each]).items() if count > 1]
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        tensors = {name: value for each in tensors for name, value in each.items()}
    return call_with(module, tensors, args, kwargs, tie_weights, strict)


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models of one class, by name, each stacked: for :func:`vmap`.

    They are leaves of their own. Shapes: the number of models, then each one's.

    Raises:
        RuntimeError: there is none, or they are of different classes or modes, or only some of one name require grad.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({each.training for each in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(each) for each in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(each.named_parameters()) for each in models]
    return all_stacked(parameters), all_stacked([dict(each.named_buffers()) for each in models])


def all_stacked(tensors: list[dict[str, Any]]) -> dict[str, Tensor]:
    result = {}
    for name in tensors[0]:
        column = [each[name] for each in tensors]
        if len({each.requires_grad for each in column}) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        result[name] = stack(column).detach().requires_grad_(column[0].requires_grad)
    return result
