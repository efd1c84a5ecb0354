"""Variable, which a tensor had to be wrapped in to be differentiated before PyTorch 0.4: today every tensor is one."""

from __future__ import annotations

from typing import Any

from minigrad.arguments.promotion import type_name
from minigrad.caller import warn_user
from minigrad.creation import empty
from minigrad.graph.function import taken_in
from minigrad.graph.node import Tensor

__all__ = ["Variable"]


class VariableMeta(type):
    """Lets ``isinstance(x, Variable)`` be True for every tensor."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=VariableMeta):
    """Makes a tensor in the memory of ``data``, without its history; an empty one of nothing. Shape: that of ``data``.

    Write ``x.requires_grad_()`` in its place. What ``volatile`` asked for is :class:`minigrad.no_grad`.

    Raises:
        RuntimeError: it shall require grad, and its type has no gradients.

    >>> minigrad.autograd.Variable(minigrad.ones(2), requires_grad=True)
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if volatile:
            warn_user("volatile was removed and now has no effect. Use `with minigrad.no_grad():` instead.")
        data = taken_in(empty(0) if data is None else data)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type_name(data)}")
        variable = data.detach()
        return variable.requires_grad_() if requires_grad else variable
