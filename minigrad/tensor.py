"""Tensor: a NumPy array with a place in the graph. Every operator is one line that calls an operation.

``data``, ``grad``, ``grad_fn`` and ``requires_grad`` mean what they mean in PyTorch. What an operation computes, and
its gradient, is in ``minigrad/ops``; how the graph is recorded is in ``graph/function.py``: read that next.
"""

from __future__ import annotations

import operator as op
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad import dtypes, printing, subscript
from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import is_foreign
from minigrad.attributes import CPU, TYPE_NAMES, Size, contiguous_format, device, memory_format, strided
from minigrad.attributes import layout as layout_type
from minigrad.autograd import differentiation
from minigrad.autograd.stepping import BackwardSteps
from minigrad.caller import warn_user
from minigrad.dtypes import FLOATS
from minigrad.graph.calling import call_node
from minigrad.graph.function import taken_in, wrap
from minigrad.graph.grad_mode import grad_mode, is_grad_enabled
from minigrad.graph.history import cut_here, note_array, note_cut, note_number, why_no_history
from minigrad.graph.hooks import RemovableHandle
from minigrad.graph.node import Node, TensorBase
from minigrad.graph.storage import TypedStorage, UntypedStorage
from minigrad.graph.strides import keep_strides, lay_in_order, lies_in, show_memory, strides_of
from minigrad.inplace.views import AsStrided, refresh
from minigrad.kernels.layout import writeable
from minigrad.left_out import REASONS, LeftOut
from minigrad.lending import met_by_torch
from minigrad.methods import Methods
from minigrad.ops.arithmetic import Add, Mul, Neg, Reciprocal, Rsub, Sub
from minigrad.ops.choosing import where
from minigrad.ops.comparison import bitwise, invert
from minigrad.ops.division import Div, floor_divide, remainder
from minigrad.ops.powers import Pow, PowOfScalar, PowScalar
from minigrad.ops.signs import Abs
from minigrad.ops.special import polygamma
from minigrad.ops.transposition import Permute, transposed_matrices
from minigrad.tensor_types import constructed, dtype_of

__all__ = ["Tensor"]


def operator(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    """``method`` as one of Python's operators, which gives way to the other operand's (:func:`meet`)."""

    def of(self: Any, other: Any) -> Any:
        return method(self, other) if isinstance(other, OPERANDS) else meet(method, self, other)

    return of


class Tensor(TensorBase, Methods):
    """An array of any shape that knows how it was made. Counterpart: ``torch.Tensor``.

    Attributes:
        array: the values, a NumPy array. Changing it by hand bypasses the version counter.
        grad_fn: the graph node that made this tensor; None for a leaf.
        output_nr: which output of ``grad_fn`` this is.

    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()  # d(x²)/dx = 2x
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()

    __array_priority__ = 1000  # ndarray + Tensor asks Tensor
    __hash__ = object.__hash__  # by identity, although == compares elementwise

    def __new__(cls, *data: Any, **named: Any) -> Tensor:
        """``Tensor([1, 2])`` holds these values, ``Tensor(2, 3)`` is of this shape; both are of the default type. What
        else it takes: :func:`minigrad.tensor_types.constructed`. Prefer ``minigrad.tensor``, which keeps the values'
        own type."""
        made = constructed(dtypes.get_default_dtype(), data, named, any_type=True)
        if cls is Tensor:
            return made
        tensor = object.__new__(cls)  # of a subclass with slots of its own too
        tensor.array, tensor._version_counter = made.array, made._version_counter
        return tensor

    # ------------------------------------------------------------------------------- what it is

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions, as a :class:`minigrad.Size`."""
        return tuple.__new__(Size, self.array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements, such as ``minigrad.float32``."""
        return dtypes.from_numpy_dtype(self.array.dtype)

    @property
    def device(self) -> device:
        """The place of the elements: always the CPU."""
        return CPU

    @property
    def is_cuda(self) -> bool:
        """False, and so are the others here: every element is stored, is a number with a value, and is on the CPU."""
        return False

    is_sparse = is_quantized = is_mps = is_meta = is_cuda

    @property
    def is_cpu(self) -> bool:
        """True: all elements are on the CPU."""
        return True

    @property
    def layout(self) -> layout_type:
        """``minigrad.strided``: every element is stored."""
        return strided

    @property
    def itemsize(self) -> int:
        """How many bytes an element takes."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """How many bytes the elements take."""
        return self.array.nbytes

    @property
    def ndim(self) -> int:
        """How many dimensions there are."""
        return self.array.ndim

    @property
    def is_leaf(self) -> bool:
        """True for a tensor that no recorded operation made."""
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded. Setting it works on leaves of a floating type only.

        Raises:
            RuntimeError: what is set is no bool, the tensor is no leaf, or its type has no gradients.
        """
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        if not isinstance(requires_grad, bool):
            raise RuntimeError("requires_grad must be a bool")
        self.requires_grad_(requires_grad)

    @requires_grad.deleter
    def requires_grad(self) -> None:
        raise RuntimeError("requires_grad must be a bool: it cannot be deleted")

    @property
    def grad(self) -> Tensor | None:
        """dL/d(this tensor) after ``backward()``, for leaves and after ``retain_grad()``; else None.

        Its shape and type are this tensor's.

        Raises:
            TypeError: what is set is neither a tensor nor None.
            RuntimeError: what is set has another shape or type, or is the tensor itself.
        """
        if self._grad is None and vars(self).get("grad_fn") is not None and not self.retains_grad:
            warn_user(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for "
                "a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                "mistake, make sure you access the leaf Tensor instead.",
            )
        return self._grad

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        if gradient is not None:
            gradient = taken_in(gradient)
            self._check_grad(gradient)
        self._grad_cleared = gradient is None and (self._grad is not None or self._grad_cleared)
        self._grad_given = gradient is not None
        self._grad = gradient
        self._accumulations = 0

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def _check_grad(self, gradient: Any) -> None:
        """Raise PyTorch's error where ``gradient`` cannot be this tensor's ``.grad``."""
        if not isinstance(gradient, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(gradient).__name__}"
            )
        if gradient is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if gradient.array.shape != self.array.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(gradient.shape)}' to a tensor of size "
                f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )
        if gradient.array.dtype != self.array.dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{gradient.dtype}' to a tensor with dtype '{self.dtype}'. "
                f"The gradient must match the tensor's dtype"
            )

    @property
    def data(self) -> Tensor:
        """The same values without history, in the same memory. Changes made through it are not counted.

        Shape: the same.

        Raises:
            RuntimeError: what is set is not floating, and the tensor requires grad; or it is deleted.
            TypeError: what is set is no tensor.
        """
        values = wrap(self.array)
        values._version_counter = type(self._version_counter)()  # of the kind of its own, in inference mode too
        show_memory(values, self)
        note_cut(".data", [self], [values])
        return values

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    @data.setter
    def data(self, values: Tensor) -> None:
        values = taken_in(values)
        if not isinstance(values, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(values).__name__}")
        if self._requires_grad and values.array.dtype.kind not in FLOATS:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        lay_in_order(values)
        self._replace_array(values.array)
        self._strided = values._strided

    @property
    def T(self) -> Tensor:
        """The dimensions in reverse order; meant for matrices, and deprecated for other tensors as in PyTorch.

        Shapes: (n, m) -> (m, n).
        """
        if self.ndim != 2:
            warn_user(
                "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated. Consider "
                "`x.mT` to transpose batches of matrices or `x.permute(...)` to reverse the dimensions of a tensor.",
            )
        return Permute.apply(self, dims=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped. Shapes: (..., n, m) -> (..., m, n).

        Raises:
            RuntimeError: there is one dimension only.
        """
        return transposed_matrices(self, "mT")

    @property
    def mH(self) -> Tensor:
        """:attr:`mT`: numbers are real. Shapes: (..., n, m) -> (..., m, n)."""
        return transposed_matrices(self, "mH")

    @property
    def H(self) -> Tensor:
        """:attr:`mT` of one matrix: numbers are real. Shapes: (n, m) -> (m, n).

        Raises:
            RuntimeError: it is no matrix.
        """
        if self.ndim not in (0, 2):
            raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.")
        return self.mT

    @property
    def real(self) -> Tensor:
        """The tensor itself: numbers are real. Shapes: any."""
        return self

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of dimension ``dim``.

        Raises:
            IndexError: there is no such dimension.
        """
        return self.shape if dim is None else self.array.shape[normalize_dim(dim, self.ndim)]

    def dim(self) -> int:
        """How many dimensions there are: :attr:`ndim`."""
        return self.array.ndim

    ndimension = dim

    def numel(self) -> int:
        """How many elements there are."""
        return self.array.size

    nelement = numel

    def element_size(self) -> int:
        """How many bytes an element takes: :attr:`itemsize`."""
        return self.array.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """How many elements lie between two neighbours along each dimension, or along ``dim``.

        Raises:
            IndexError: there is no such dimension.
        """
        strides = strides_of(self)
        return strides if dim is None else strides[normalize_dim(dim, self.ndim)]

    def is_contiguous(self, memory_format: memory_format = contiguous_format) -> bool:
        """Whether the elements lie in row-major order, or in another format, without gaps."""
        if memory_format is not contiguous_format:
            return lies_in(self, memory_format)
        return not self._strided or self.array.flags.c_contiguous

    def data_ptr(self) -> int:
        """The address of the first element; 0 where there is none."""
        lay_in_order(self)
        return self.array.ctypes.data if self.array.size else 0

    def untyped_storage(self) -> UntypedStorage:
        """The memory that this tensor and its views show."""
        lay_in_order(self)
        return UntypedStorage(self.array)

    def storage(self) -> TypedStorage:
        """:meth:`untyped_storage` as elements of this tensor's type, however its shape lies in them."""
        lay_in_order(self)
        return TypedStorage(self.array, self.dtype)

    def storage_offset(self) -> int:
        """How many elements after the beginning of its storage this tensor begins."""
        lay_in_order(self)
        return (self.array.ctypes.data - self.untyped_storage().data_ptr()) // self.array.itemsize

    def get_device(self) -> int:
        """The accelerator's number: -1, for the CPU is none."""
        return -1

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The tensor in that type; without one, PyTorch's old name of this one, such as ``torch.FloatTensor``.

        Shape: the same. ``dtype`` may be such a name too, or the type that is called so: ``minigrad.FloatTensor``.

        Raises:
            ValueError: there is no such type.
            RuntimeError: it is a type of GPUs.
        """
        if dtype is None:
            return f"torch.{TYPE_NAMES[self.array.dtype.name]}Tensor"
        return self.to(dtype_of(dtype))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self) -> Tensor:
        """The tensor with the order of its first dimension reversed."""
        return self.flip(0) if self.ndim else self

    def __repr__(self) -> str:
        suffixes = []
        default = (np.int64, np.bool_, dtypes.get_default_dtype().numpy)
        if self.array.dtype not in default or (self.array.size == 0 and self.array.dtype != default[2]):
            suffixes.append(f"dtype={self.dtype}")
        node_name = self._node_name()
        if node_name:
            suffixes.append(f"grad_fn=<{node_name}>")
        elif self._requires_grad:
            suffixes.append("requires_grad=True")
        return printing.format_array(self.array, suffixes=suffixes)

    def _node_name(self) -> str:
        """The name of the node that made this tensor; empty for a leaf."""
        return "" if self.grad_fn is None else self.grad_fn.name()

    def __dir__(self) -> list[str]:
        """The attributes, without those that are not there, and those that a debugger must not look up to show them: it
        would record an operation, or be warned of a gradient that is not there.
        """
        acting = {"T", "mT", "mH", "H", *REASONS}
        if self._grad is None and vars(self).get("grad_fn") is not None and not self.retains_grad:
            acting.add("grad")
        return [name for name in object.__dir__(self) if name not in acting]

    def __format__(self, specification: str) -> str:
        if self.ndim == 0:
            return format(self.item(), specification)
        return object.__format__(self, specification)

    # ------------------------------------------------------------------------------- leaving minigrad

    def numpy(self, *, force: bool = False) -> ndarray:
        """The values as an array in the same memory.

        Raises:
            RuntimeError: the tensor requires grad and operations are being recorded, so changing the array would go
                unnoticed; unless ``force`` is set.

        >>> minigrad.tensor([1.0, 2.0]).numpy()
        array([1., 2.], dtype=float32)
        """
        if self._requires_grad and is_grad_enabled() and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.dtype is dtypes.bfloat16:
            raise TypeError("Got unsupported ScalarType BFloat16: NumPy has no such type. Use tensor.float().numpy()")
        lay_in_order(self)
        array = writeable(self.array)
        note_array(self, array)
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray:
        array = np.array(self.numpy(), dtype=dtype, copy=copy)
        note_array(self, array)
        return array

    def __dlpack__(self, **options: Any) -> Any:
        """The memory, for another library's ``from_dlpack``: :meth:`numpy` of that protocol, which says the options.

        Raises:
            BufferError: the tensor requires grad, while operations are recorded.
        """
        if self._requires_grad and is_grad_enabled():
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Where the memory is, in that protocol's numbers: (1, 0), the CPU."""
        return self.array.__dlpack_device__()

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        """What PyTorch's ``function`` gives where one of minigrad's is among its arguments: PyTorch's own protocol."""
        return met_by_torch(function, arguments, named or {})

    def __array_wrap__(self, array: ndarray, context: Any = None, return_scalar: bool = False) -> Tensor:
        """What a NumPy function such as ``np.exp`` gives for a tensor is a tensor."""
        result = wrap(np.asarray(array))
        note_cut("numpy()", [self], [result])
        return result

    def item(self) -> Any:
        """The one element as a Python number.

        Raises:
            RuntimeError: there is not exactly one.

        >>> minigrad.tensor([2.5]).item()
        2.5
        """
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return note_number(self, self.array.item(), "item()")

    def tolist(self) -> Any:
        """The values as Python numbers in nested lists; of a tensor without dimensions the number."""
        return self.array.tolist()

    def __bool__(self) -> bool:
        if self.array.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        if self.array.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self.array.item())

    def _scalar(self) -> Any:
        if self.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.array.item()

    def __float__(self) -> float:
        if self._requires_grad:
            warn_user(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior. Consider "
                "using tensor.detach() first.",
            )
        return note_number(self, float(self._scalar()), "float()")

    def __int__(self) -> int:
        return int(self._scalar())

    def __index__(self) -> int:
        if self.array.size != 1 or self.array.dtype.kind in FLOATS:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.array.item())

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment: detach() this one first"
            )
        copied = self.detach().clone()
        copied.__class__ = type(self)
        copied._requires_grad = self._requires_grad
        copied._grad = None if self._grad is None else self._grad.clone().detach()
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        """How ``pickle`` and ``copy.copy`` make it again: a leaf with the same values. The history is left behind."""
        lay_in_order(self)
        return rebuild, (type(self), self.array, self._requires_grad)

    # ------------------------------------------------------------------------------- autograd

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add dL/dx to ``x.grad`` of every leaf x this tensor was computed from.

        ``gradient`` is what to begin with, of this tensor's shape; a scalar needs none. The arguments and errors are
        those of :func:`minigrad.autograd.backward`.

        >>> x = minigrad.tensor(3.0, requires_grad=True)
        >>> (x**2).backward()
        >>> x.grad
        tensor(6.)
        """
        differentiation.backward(self, gradient, retain_graph, create_graph, inputs)

    def backward_steps(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> BackwardSteps:
        """:meth:`backward`, a node at a time: ``for step in loss.backward_steps(): print(step)``.

        What a step tells is in :class:`minigrad.autograd.stepping.Step`. PyTorch has no counterpart.

        >>> x = minigrad.tensor(3.0, requires_grad=True)
        >>> for step in (x * x).backward_steps():
        ...     print(step.node.name(), step.arrived)
        MulBackward0 (tensor(1.),)
        torch::autograd::AccumulateGrad (tensor(6.),)
        """
        return BackwardSteps(self, gradient, retain_graph, create_graph, inputs)

    @checked
    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for this leaf's gradient, or stop asking. The tensor itself is returned, whatever its shape.

        Raises:
            RuntimeError: the tensor is no leaf, or its type has no gradients.

        >>> minigrad.ones(2).requires_grad_()
        tensor([1., 1.], requires_grad=True)
        """
        if self.grad_fn is not None and not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                "in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if requires_grad and self.is_inference() and not grad_mode.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if requires_grad and self.array.dtype.kind not in FLOATS:
            raise RuntimeError(
                f"Only Tensors of floating point and complex dtype can require gradients, and this one is {self.dtype}"
            )
        if self._requires_grad and not requires_grad:
            self._cut = cut_here("requires_grad_(False)", None)
        self._requires_grad = bool(requires_grad)
        self._version_counter.with_history |= self._requires_grad
        return self

    def detach(self) -> Tensor:
        """The same values in the same memory, without history; in-place changes are counted for both.

        Shape: the same.

        >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * 2).detach()
        tensor([2., 4.])
        """
        detached = wrap(self.array)
        show_memory(detached, self)
        detached._version_counter = self._version_counter
        note_cut("detach()", [self], [detached])
        return detached

    def detach_(self) -> Tensor:
        """Forget how this tensor was made: it becomes a leaf that does not require grad. Shape: the same.

        Raises:
            RuntimeError: the tensor is a view.
        """
        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        if self.grad_fn is not None:
            self._version_counter.note_detached((self.grad_fn.sequence_number, self.output_nr))
        if self._requires_grad:
            self._cut = cut_here("detach_()", self.grad_fn)
        self.grad_fn, self.output_nr, self._requires_grad = None, 0, False
        return self

    @property
    def _version(self) -> int:
        """How often this tensor's memory was changed in place."""
        if self.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._version_counter.value

    def retain_grad(self) -> None:
        """Keep this tensor's gradient in ``.grad`` although it is no leaf.

        Raises:
            RuntimeError: the tensor does not require grad.

        >>> x = minigrad.tensor(3.0, requires_grad=True)
        >>> y = x * 2
        >>> y.retain_grad()
        >>> (y * y).backward()
        >>> y.grad
        tensor(12.)
        """
        if not self._requires_grad:
            raise RuntimeError(f"can't retain_grad on Tensor that has requires_grad=False: {why_no_history(self)}")
        if self.grad_fn is not None:
            self._node_hooks().retained[self.output_nr] = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """True for a non-leaf whose gradient will be kept."""
        node = vars(self).get("grad_fn")  # as it is, also of an outdated view
        hooks = None if node is None else node.hooks
        return hooks is not None and self.output_nr in hooks.retained

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(grad)`` whenever this tensor's gradient is computed; a tensor it returns replaces the gradient.

        ``grad`` has this tensor's shape.

        Raises:
            RuntimeError: the tensor does not require grad.

        >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        self._check_takes_hooks()
        return RemovableHandle(self._node_hooks().tensor_hooks, (self.output_nr, hook))

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook(tensor)`` each time after backward has added to this leaf's ``.grad``.

        The tensor may have any shape.

        Raises:
            RuntimeError: the tensor does not require grad, or is no leaf.
        """
        self._check_takes_hooks()
        if self.grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return RemovableHandle(self._node_hooks().post_accumulate, hook)

    def _check_takes_hooks(self) -> None:
        if not self._requires_grad:
            raise RuntimeError(
                f"cannot register a hook on a tensor that doesn't require gradient: {why_no_history(self)}"
            )

    def _is_view(self) -> bool:
        """True if operations record this tensor as a view of another, its ``_base``."""
        return self._base is not None and not self.is_inference()

    # ------------------------------------------------------------------------------- arithmetic

    def __add__(self, other: Any) -> Tensor:
        return Add.apply(self, other) if isinstance(other, OPERANDS) else meet(op.add, self, other)

    def __radd__(self, other: Any) -> Tensor:
        return Add.apply(self, other) if isinstance(other, OPERANDS) else meet(op.add, other, self)

    def __sub__(self, other: Any) -> Tensor:
        return Sub.apply(self, other) if isinstance(other, OPERANDS) else meet(op.sub, self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return Rsub.apply(self, number=other) if isinstance(other, OPERANDS) else meet(op.sub, other, self)

    def __mul__(self, other: Any) -> Tensor:
        return Mul.apply(self, other) if isinstance(other, OPERANDS) else meet(op.mul, self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return Mul.apply(self, other) if isinstance(other, OPERANDS) else meet(op.mul, other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return Div.apply(self, other) if isinstance(other, OPERANDS) else meet(op.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        if not isinstance(other, OPERANDS):
            return meet(op.truediv, other, self)
        return Mul.apply(Reciprocal.apply(self), other)

    def __pow__(self, other: Any) -> Tensor:
        if isinstance(other, (Tensor, ndarray)):
            return Pow.apply(self, other)
        return PowScalar.apply(self, number=other) if isinstance(other, OPERANDS) else meet(op.pow, self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return PowOfScalar.apply(self, number=other) if isinstance(other, OPERANDS) else meet(op.pow, other, self)

    __floordiv__, __mod__ = operator(Methods.floor_divide), operator(Methods.remainder)
    __matmul__ = operator(Methods.matmul)

    def __rmatmul__(self, other: Any) -> Tensor:
        return meet(op.matmul, other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return floor_divide(other, self) if isinstance(other, OPERANDS) else meet(op.floordiv, other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return remainder(other, self) if isinstance(other, OPERANDS) else meet(op.mod, other, self)

    def __neg__(self) -> Tensor:
        return Neg.apply(self)

    def __pos__(self) -> Tensor:
        if self.array.dtype.kind == "b":
            raise NotImplementedError("The `+` operator, on a bool tensor is not supported.")
        return self

    def __abs__(self) -> Tensor:
        return Abs.apply(self)

    # ------------------------------------------------------------------------------- comparison, truth

    __eq__, __ne__ = operator(Methods.eq), operator(Methods.ne)  # type: ignore[assignment]

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, OPERANDS) and not is_foreign(element):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return (self == element).any().item()

    __lt__, __le__ = operator(Methods.lt), operator(Methods.le)
    __gt__, __ge__ = operator(Methods.gt), operator(Methods.ge)
    __and__ = __rand__ = operator(Methods.bitwise_and)
    __or__ = __ror__ = operator(Methods.bitwise_or)
    __xor__ = __rxor__ = operator(Methods.bitwise_xor)
    __lshift__, __rshift__ = operator(Methods.bitwise_left_shift), operator(Methods.bitwise_right_shift)
    __invert__ = invert

    def __rlshift__(self, other: Any) -> Tensor:
        return bitwise(np.left_shift, other, self) if isinstance(other, OPERANDS) else meet(op.lshift, other, self)

    def __rrshift__(self, other: Any) -> Tensor:
        return bitwise(np.right_shift, other, self) if isinstance(other, OPERANDS) else meet(op.rshift, other, self)

    # ------------------------------------------------------------------------------- operations: see methods.py

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """This tensor where ``condition`` holds, ``other`` elsewhere: :func:`minigrad.where`."""
        return where(condition, self, other)

    def polygamma(self, n: int) -> Tensor:
        """The derivative number ``n`` of the digamma function: :func:`minigrad.polygamma`."""
        return polygamma(n, self)

    # ------------------------------------------------------------------------------- indexing

    def __getitem__(self, index: Any) -> Tensor:
        return subscript.get(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        subscript.set(self, index, value)

    def __delitem__(self, index: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    # ------------------------------------------------------------------------------- in place

    __iadd__, __isub__ = operator(Methods.add_), operator(Methods.sub_)
    __imul__, __itruediv__ = operator(Methods.mul_), operator(Methods.div_)
    __ifloordiv__, __imod__ = operator(Methods.floor_divide_), operator(Methods.remainder_)
    __ipow__ = operator(Methods.pow_)
    __iand__, __ior__ = operator(Methods.bitwise_and_), operator(Methods.bitwise_or_)
    __ixor__ = operator(Methods.bitwise_xor_)
    __ilshift__, __irshift__ = operator(Methods.bitwise_left_shift_), operator(Methods.bitwise_right_shift_)


def rebuild(kind: Any, array: ndarray, requires_grad: bool) -> Tensor:
    """A leaf of the class ``kind`` around ``array``: what a pickled tensor is made of."""
    tensor = wrap(array)
    keep_strides(tensor)
    tensor.__class__ = kind
    tensor._requires_grad = requires_grad
    return tensor


def meet(method: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """The answer of ``method`` to operands of which arithmetic does not take one: Python then asks that one for an
    operator of its own. Another library's tensor is taken in instead.
    """
    return method(taken_in(x), taken_in(y)) if is_foreign(x) or is_foreign(y) else NotImplemented


OPERANDS = (Tensor, float, int, ndarray, np.generic)


class OutdatedView(Tensor):
    """A view after its base was changed in place: asked for its node, it first takes its new place in the graph, and is
    a plain Tensor again (``inplace/views.py``).
    """

    __slots__ = ()

    @property
    def grad_fn(self) -> Any:  # type: ignore[override]
        refresh(self)
        return self.grad_fn

    @property
    def is_leaf(self) -> bool:
        """False, without asking for the node; where it can have none, asking is refused as in PyTorch."""
        return self.grad_fn is None if self._restriction else False

    def _node_name(self) -> str:
        """That of its new place, where there is one, which only the program takes: it may be printed before."""
        return "Invalid" if self._restriction else AsStrided().name()

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name != "grad_fn"]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return rebuild, (Tensor, self.array, self._requires_grad)


device.__torch_function__ = dtypes.dtype.__torch_function__ = Tensor.__torch_function__
Node._run = staticmethod(call_node)
TensorBase._result_type = Tensor
TensorBase._outdated_type = OutdatedView
for name in REASONS:
    setattr(Tensor, name, LeftOut(name))
