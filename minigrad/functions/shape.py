"""The same elements under another shape; most results are views. The rules: ``ops/shape.py``, ``ops/broadcasting.py``.

Each is a function of ``minigrad``, a method of ``Tensor``, or both, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import dtypes, inplace, ops
from minigrad.attributes import Size
from minigrad.dims import as_shape, normalize_dim, normalize_dims
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "contiguous",
    "expand",
    "expand_as",
    "flatten",
    "meshgrid",
    "moveaxis",
    "movedim",
    "numel",
    "permute",
    "ravel",
    "reshape",
    "reshape_as",
    "squeeze",
    "squeeze_",
    "swapaxes",
    "swapaxes_",
    "swapdims",
    "swapdims_",
    "t",
    "t_",
    "transpose",
    "transpose_",
    "unflatten",
    "unsqueeze",
    "unsqueeze_",
    "view",
    "view_as",
]


def view(input: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same elements under another shape, or the same bits read as another type, in the same memory.

    Raises:
        RuntimeError: the shape holds another number of elements, or the memory's layout does not allow it.
    """
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], dtypes.dtype)):
        return read_as(input, shape[0] if dtype is None else dtype)
    if not shape and size is None:
        raise TypeError("view() needs a shape or a type")
    wanted = ops.shape.infer_shape(as_shape(shape if size is None else (size,)), input.array.size)
    input._lay_in_order()
    if not ops.shape.is_viewable(input.array, wanted):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two contiguous subspaces). Use .reshape(...) instead."
        )
    return ops.shape.View.apply(input, shape=wanted)


def read_as(input: Tensor, dtype: Any) -> Tensor:
    """The bits of ``input`` as numbers of another type, in the same memory; it has no gradient."""
    size, wanted = input.dtype.itemsize, dtype.itemsize
    if size != wanted:
        if input.ndim == 0:
            raise RuntimeError(f"self.dim() cannot be 0 to view {input.dtype} as {dtype} (different element sizes)")
        if input.stride(-1) != 1:
            raise RuntimeError(
                f"self.stride(-1) must be 1 to view {input.dtype} as {dtype} (different element sizes), but got "
                f"{input.stride(-1)}"
            )
        steps = [input.shape[-1], *input.stride()[:-1]]
        if any(step * size % wanted for step in steps):
            raise RuntimeError(
                f"self.size(-1) and the strides must be divisible by {wanted // size} to view {input.dtype} as "
                f"{dtype} (different element sizes), but got {steps}"
            )
    return ops.shape.ViewDtype.apply(input.detach(), dtype=dtype.numpy)


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements under another shape: a view where the memory's layout allows it, else a copy.

    Raises:
        RuntimeError: the shape holds another number of elements.
    """
    check_tensors("reshape", input=input)
    if not sizes and shape is None:
        raise TypeError('reshape() missing 1 required positional arguments: "shape"')
    wanted = ops.shape.infer_shape(as_shape(sizes if shape is None else (shape,)), input.array.size)
    input._lay_in_order()
    if input.array.flags.c_contiguous:
        return ops.shape.View.apply(input, shape=wanted)
    if ops.shape.is_viewable(input.array, wanted):
        return ops.shape.ReshapeAlias.apply(input, shape=wanted)
    return ops.shape.UnsafeView.apply(input.contiguous(), shape=wanted)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    check_tensors("view_as", input=input, other=other)
    return input.view(other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` as one; a view where the memory allows.

    Shapes: (a, b, c, d) -> (a, b * c, d) for 1 and 2; a number becomes (1,).

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: ``start_dim`` comes after ``end_dim``.
    """
    check_tensors("flatten", input=input)
    if input.ndim == 0:
        return input.reshape(1)
    start, end = normalize_dim(start_dim, input.ndim), normalize_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    return input.reshape(*input.shape[:start], Size(input.shape[start : end + 1]).numel(), *input.shape[end + 1 :])


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Dimensions ``dim0`` and ``dim1`` exchanged: a view.

    Raises:
        IndexError: there is no such dimension.
    """
    check_tensors("transpose", input=input)
    if input.ndim == 0:
        return ops.shape.Permute.apply(input, dims=())
    return ops.shape.Transpose.apply(input, dim0=normalize_dim(dim0, input.ndim), dim1=normalize_dim(dim1, input.ndim))


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, (n, k) -> (k, n): a view. A vector or a number stays as it is.

    Raises:
        RuntimeError: there are more than two dimensions.
    """
    check_tensors("t", input=input)
    return ops.shape.T.apply(input)


def permute(input: Tensor, *positions: Any, dims: Any = None) -> Tensor:
    """The dimensions in the order ``dims``, also given one by one: a view."""
    return ops.shape.Permute.apply(input, dims=as_shape(positions if dims is None else (dims,)))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at ``dim``: a view. Shapes: (a, b) -> (a, 1, b) for 1.

    Raises:
        IndexError: ``dim`` is not in [-ndim - 1, ndim].
    """
    return ops.shape.Unsqueeze.apply(input, dim=dim)


def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the dimensions of size 1, or without those of them that ``dim`` names: a view."""
    if dim is None:
        return ops.shape.Squeeze.apply(input)
    if isinstance(dim, (tuple, list)):
        return ops.shape.SqueezeDims.apply(input, dims=normalize_dims(dim, input.ndim) if dim else ())
    return ops.shape.SqueezeDim.apply(input, dim=dim)


def expand(input: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """Dimensions of size 1 repeated to ``shape`` without copying, -1 keeping a size: a view."""
    if not shape and size is None:
        raise TypeError('expand() missing 1 required positional arguments: "size"')
    return ops.broadcasting.Expand.apply(input, shape=as_shape(shape if size is None else (size,)))


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    check_tensors("expand_as", input=input, other=other)
    return input.expand(other.shape)


def contiguous(input: Tensor) -> Tensor:
    """This tensor if its elements lie in row-major order, else a copy that does."""
    input._lay_in_order()
    return input if input.array.flags.c_contiguous else ops.elementwise.CloneContiguous.apply(input)


def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """:func:`transpose`, in place."""
    return restride(input, transpose(input, dim0, dim1), "transpose_")


def t_(input: Tensor) -> Tensor:
    """:func:`t`, in place."""
    return restride(input, t(input), "t_")


def squeeze_(input: Tensor, dim: Any = None) -> Tensor:
    """:func:`squeeze`, in place."""
    return restride(input, squeeze(input, dim), "squeeze_")


def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """:func:`unsqueeze`, in place."""
    return restride(input, unsqueeze(input, dim), "unsqueeze_")


def restride(input: Tensor, result: Tensor, name: str) -> Tensor:
    """Let ``input`` become ``result``, a view of it: the same memory under another shape."""
    inplace.check_changeable(input, name)
    input._replace_array(result.array)
    input._borrowed = True
    if result.grad_fn is not None:
        input.grad_fn, input.output_nr, input._requires_grad = result.grad_fn, result.output_nr, True
    input._version_counter.bump(name)
    return input


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """``input`` repeated to shape ``size`` without copying."""
    check_tensors("broadcast_to", input=input)
    return input.expand(size=tuple(size))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors expanded to the one shape to which they broadcast.

    Raises:
        RuntimeError: they do not.
    """
    for position, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(each).__name__}")
    try:
        shape = np.broadcast_shapes(*[each.shape for each in tensors])
    except ValueError:
        shapes = ", ".join(str(list(each.shape)) for each in tensors)
        raise RuntimeError(f"Shape mismatch: objects cannot be broadcast to a single shape: {shapes}") from None
    return tuple([each if each.shape == shape else each.expand(shape) for each in tensors])


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which tensors of these shapes broadcast; a number stands for one dimension.

    Raises:
        RuntimeError: they do not.
        ValueError: a size is negative.
    """
    sizes = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]
    if any(size < 0 for shape in sizes for size in shape):
        raise ValueError("Attempting to broadcast a dimension with negative length!")
    try:
        return Size(np.broadcast_shapes(*sizes))
    except ValueError:
        raise RuntimeError(f"Shape mismatch: {list(shapes)} cannot be broadcast to a single shape") from None


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    check_tensors("reshape_as", input=input, other=other)
    return input.reshape(other.shape)


def ravel(input: Tensor) -> Tensor:
    """One dimension, of all elements in row-major order."""
    check_tensors("ravel", input=input)
    return input.contiguous().view(-1)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension ``dim`` as several of ``sizes``, one of which may be -1: a view.

    Raises:
        RuntimeError: the sizes do not multiply to that of the dimension.
    """
    check_tensors("unflatten", input=input)
    dim = normalize_dim(dim, input.ndim)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    wanted = as_shape((sizes,))
    known = Size([size for size in wanted if size != -1]).numel()
    size = input.shape[dim]
    if (wanted.count(-1) == 0 and known != size) or (wanted.count(-1) == 1 and (known == 0 or size % known)):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim {dim} ({size}) in the "
            f"input tensor"
        )
    return input.view(*input.shape[:dim], *wanted, *input.shape[dim + 1 :])


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """:func:`transpose`."""
    check_tensors("swapaxes", input=input)
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """:func:`transpose`."""
    check_tensors("swapdims", input=input)
    return transpose(input, dim0, dim1)


def swapaxes_(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """:func:`swapaxes`, in place."""
    return transpose_(input, axis0, axis1)


def swapdims_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """:func:`swapdims`, in place."""
    return transpose_(input, dim0, dim1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """The dimensions ``source`` at the places ``destination``, the others in their order: a view.

    Raises:
        RuntimeError: there are not as many of both, or one is named twice.
    """
    check_tensors("movedim", input=input)
    sources, places = as_shape((source,)), as_shape((destination,))
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should contain the same "
            f"number of dims as destination ({list(places)} dims)"
        )
    sources, places = [tuple([normalize_dim(each, input.ndim) for each in dims]) for dims in (sources, places)]
    for dims in (sources, places):
        if len(dims) != len({*dims}):
            raise RuntimeError(f"movedim: repeated dim in {list(dims)}")
    if input.ndim == 0:
        return ops.shape.Alias.apply(input)
    order = [each for each in range(input.ndim) if each not in sources]
    for place, each in sorted(zip(places, sources)):
        order.insert(place, each)
    return permute(input, order)


def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """:func:`movedim`."""
    check_tensors("moveaxis", input=input)
    return movedim(input, source, destination)


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension."""
    return for_each(tensors, one_dim)


def one_dim(input: Tensor) -> Tensor:
    return input.reshape(1) if input.ndim == 0 else input


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions, new ones in front."""
    return for_each(tensors, two_dims)


def two_dims(input: Tensor) -> Tensor:
    if input.ndim == 0:
        return input.reshape(1, 1)
    return input.unsqueeze(0) if input.ndim == 1 else input


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions: a row becomes (1, n, 1), a matrix (m, n, 1)."""
    return for_each(tensors, three_dims)


def three_dims(input: Tensor) -> Tensor:
    if input.ndim == 0:
        return input.reshape(1, 1, 1)
    if input.ndim == 1:
        return input.unsqueeze(0).unsqueeze(-1)
    return input.unsqueeze(-1) if input.ndim == 2 else input


def for_each(tensors: tuple[Any, ...], change: Callable[[Tensor], Tensor]) -> Any:
    """``change`` of one tensor; of several, or of a sequence of them, a tuple."""
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return change(tensors[0])
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    for each in tensors:
        check_tensors("atleast", input=each)
    return tuple([change(each) for each in tensors])


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid whose axes have these values: one tensor an axis, views.

    ``indexing`` 'ij' has the first axis first, 'xy' the second.

    Raises:
        RuntimeError: a tensor has more than one dimension, the types differ, or ``indexing`` is another word.
    """
    axes = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else list(tensors)
    if not axes:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for each in axes:
        check_tensors("meshgrid", tensors=each)
        if each.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {each.ndim}D")
        if each.dtype is not axes[0].dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"torch.meshgrid: indexing must be one of 'xy' or 'ij', but received: {indexing!r}")
    swap = indexing == "xy" and len(axes) >= 2
    if swap:
        axes[0], axes[1] = axes[1], axes[0]
    shape = [each.numel() for each in axes]
    grids = []
    for position, each in enumerate(axes):
        grids.append(each.view([-1 if dim == position else 1 for dim in range(len(axes))]).expand(shape))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def numel(input: Tensor) -> int:
    """How many elements ``input`` has."""
    check_tensors("numel", input=input)
    return input.array.size
