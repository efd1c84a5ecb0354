"""Parameter: a tensor that a module trains. Assigning one to a module's attribute registers it there.

A parameter or buffer whose shape is not known yet stands below it: ``lazy.py`` has the layers that begin with such.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from minigrad import dtypes
from minigrad.arguments.promotion import type_name
from minigrad.creation import empty
from minigrad.graph.function import taken_in, wrap
from minigrad.graph.history import note_cut
from minigrad.graph.node import TensorBase
from minigrad.graph.strides import lay_in_order
from minigrad.tensor import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin"]
__all__ += ["is_lazy"]


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
        data = taken_in(data)
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


class Buffer(Tensor):
    """A tensor of any shape, in the memory of ``data``, that a module saves, if ``persistent``, and does not train.

    Assigning one to a module's attribute registers it there. Counterpart: ``torch.nn.Buffer``.

    >>> layer = minigrad.nn.Module()
    >>> layer.count = minigrad.nn.Buffer(minigrad.zeros(2))
    >>> layer.state_dict()["count"]
    tensor([0., 0.])
    """

    __slots__ = ()

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        data = empty(0) if data is None else data
        buffer: Any = data.detach().requires_grad_(data.requires_grad)
        buffer.__class__ = cls
        buffer.persistent = persistent
        return buffer


class UninitializedTensorMixin:
    """A tensor without values, until :meth:`materialize` gives it a shape: whatever asks for its array is refused."""

    __slots__ = ()

    cls_to_become: type[Tensor]

    @property
    def array(self) -> NoReturn:
        """There is none yet.

        Raises:
            ValueError: always.
        """
        name = type(self).__name__
        raise ValueError(
            f"Attempted to use an uninitialized parameter. This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `minigrad.nn.parameter.{name}` objects. When using LazyModules Call `forward` "
            f"with a dummy batch to initialize the parameters before calling minigrad's functions"
        )

    @array.setter
    def array(self, array: np.ndarray) -> None:
        TensorBase.array.__set__(self, array)  # type: ignore[attr-defined]

    @property
    def data(self) -> Tensor:
        """An empty tensor of the type that the values will have. What is set says the type. Shape: (0,)."""
        return wrap(TensorBase.array.__get__(self))  # type: ignore[attr-defined]

    @data.setter
    def data(self, values: Tensor) -> None:
        self.array = values.array

    @property
    def dtype(self) -> dtypes.dtype:
        """The type that the values will have."""
        return self.data.dtype

    def is_floating_point(self) -> bool:
        """Whether the values will be floating-point numbers."""
        return self.dtype.is_floating_point

    @property
    def shape(self) -> NoReturn:
        """There is none yet.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def materialize(self, shape: Any, device: Any = None, dtype: dtypes.dtype | None = None) -> None:
        """Become a plain parameter, or tensor, of this shape, whose values are still to be filled in."""
        values = empty(shape, device=device, dtype=self.dtype if dtype is None else dtype)
        self.array = values.array
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    def _convert(self, kind: np.dtype) -> None:
        self.array = self.data.array.astype(kind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, None, self.dtype)  # type: ignore[attr-defined]


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape is known at the first forward: a module and an optimizer can hold it already.

    >>> minigrad.nn.UninitializedParameter()
    <UninitializedParameter>
    """

    __slots__ = ()

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: dtypes.dtype | None = None
    ) -> UninitializedParameter:
        parameter = Parameter(empty(0, device=device, dtype=dtype), requires_grad)
        parameter.__class__ = cls
        return parameter  # type: ignore[return-value]

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        copied = type(self)(self.requires_grad, None, self.dtype)
        memo[id(self)] = copied
        return copied


class UninitializedBuffer(UninitializedTensorMixin, Buffer):  # type: ignore[misc]
    """A buffer whose shape is known at the first forward. Assigning it to a module's attribute registers it there."""

    __slots__ = ()

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: dtypes.dtype | None = None, persistent: bool = True
    ) -> UninitializedBuffer:
        buffer: Any = empty(0, device=device, dtype=dtype, requires_grad=requires_grad)
        buffer.__class__ = cls
        buffer.persistent = persistent
        return buffer


def is_lazy(param: Any) -> bool:
    """Whether ``param`` is a parameter or buffer whose shape is not known yet."""
    return isinstance(param, UninitializedTensorMixin)
