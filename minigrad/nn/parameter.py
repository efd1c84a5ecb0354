"""Parameter: a tensor that a module trains. Assigning one to a module's attribute registers it there."""

from __future__ import annotations

from typing import Any

from minigrad.arguments.promotion import type_name
from minigrad.graph.function import wrap
from minigrad.graph.history import note_cut
from minigrad.graph.strides import lay_in_order
from minigrad.tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A leaf of any shape that requires grad, in the memory of ``data``. Counterpart: ``torch.nn.Parameter``.

    >>> minigrad.nn.Parameter(minigrad.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            return cls(Tensor(0), requires_grad)
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter expects a Tensor, not {type_name(data)}: use minigrad.tensor(...) first")
        lay_in_order(data)
        parameter = wrap(data.array)
        parameter.__class__ = cls
        parameter._strided = data._strided
        note_cut("Parameter()", [data], [parameter])
        return parameter.requires_grad_(requires_grad)  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        copied = type(self)(self.data.clone(), self.requires_grad)  # without the gradient, as in PyTorch
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Parameter, (self.data, self.requires_grad)
