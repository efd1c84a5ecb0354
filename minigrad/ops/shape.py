"""The same elements under another shape: rules, then what users call.

Most results are views: they share memory with their input, and changing one changes the other. A gradient simply
travels back through the inverse rearrangement. Dimensions in another order are in ``transposition.py``, repeating is in
``broadcasting.py``, joining in ``joining.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.checks import check_tensors
from minigrad.arguments.dims import as_shape, normalize_dim, normalize_dims
from minigrad.arguments.gate import checked, welcoming
from minigrad.attributes import Size
from minigrad.caller import warn_user
from minigrad.graph.node import Tensor
from minigrad.graph.strides import lay_in_order, row_major, spanning, with_strides
from minigrad.graph.view import ViewFunction
from minigrad.inplace.changing import check_changeable
from minigrad.inplace.views import take_place

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d", "flatten", "meshgrid", "numel", "ravel", "reshape", "squeeze"]
__all__ += ["unflatten", "unsqueeze"]


class Alias(ViewFunction):
    """z = x, as another tensor in the same memory."""

    def forward(ctx, x):
        return x.view()

    def backward(ctx, grad_z):
        return grad_z


class ViewDtype(ViewFunction):
    """z = the bits of x read as numbers of another type. It has no gradient."""

    def forward(ctx, x, *, dtype):
        return x.view(dtype)


class View(ViewFunction):
    """z = x under another shape, the elements in row-major order."""

    def forward(ctx, x, *, shape):
        ctx.shape = x.shape
        z = x.reshape(shape)
        if z.size and 1 not in shape:
            return z
        if not z.size:
            return with_strides(z, row_major(shape)) if shape != x.shape else x.view()
        singles = [dim for dim, size in enumerate(shape) if size == 1]
        last = {z.ndim - 1: x.strides[-1] // x.itemsize} if x.ndim and shape[-1] == 1 else {}
        return spanning(z, singles, last)

    def backward(ctx, grad_z):
        grad_x = Reshape.apply(grad_z, shape=ctx.shape)
        return grad_x


def view(input: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same elements under another shape, or the same bits read as another type, in the same memory.

    Shape: ``shape``.

    Raises:
        RuntimeError: the shape holds another number of elements, or the memory's layout does not allow it.

    >>> x = minigrad.zeros(4)
    >>> x.view(2, 2)[0, 0] = 7.0  # the same memory
    >>> x
    tensor([7., 0., 0., 0.])
    """
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], dtypes.dtype)):
        return read_as(input, shape[0] if dtype is None else dtype)
    if not shape and size is None:
        raise TypeError("view() needs a shape or a type")
    wanted = infer_shape(as_shape(shape if size is None else (size,)), input.array.size)
    lay_in_order(input)
    if not is_viewable(input.array, wanted):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two contiguous subspaces). Use .reshape(...) instead."
        )
    return View.apply(input, shape=wanted)


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
    return ViewDtype.apply(input.detach(), dtype=dtype.numpy)


def infer_shape(shape, size):
    """``shape`` with its -1 replaced by what makes it hold ``size`` elements.

    Raises:
        RuntimeError: it cannot hold them, or has more than one -1.
    """
    shape = tuple(shape)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = 1
    for each in shape:
        if each < -1:
            raise RuntimeError(f"invalid shape dimension {each}")
        known *= each if each != -1 else 1
    if -1 in shape:
        if known == 0 and size == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension "
                f"size -1 can be any value and is ambiguous"
            )
        if known == 0 or size % known:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
        return tuple([size // known if each == -1 else each for each in shape])
    if known != size:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
    return shape


def is_viewable(x, shape):
    """True where ``shape`` can be had without copying: NumPy would not move an element."""
    return x.size == 0 or np.may_share_memory(x.reshape(shape), x)


class ReshapeAlias(View):
    """The same of an x that does not lie in row-major order: what ``reshape`` records where it need not copy."""


class UnsafeView(View):
    """z = x under another shape, where x is a copy that nobody else sees: not a view for the user."""

    is_view = False


class Reshape(View):
    """What rules use: a view where possible, a copy where not."""

    node_name = "ViewBackward0"
    is_view = False


@welcoming
def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements under another shape: a view where the memory's layout allows it, else a copy. Shape: ``shape``.

    Raises:
        RuntimeError: the shape holds another number of elements.

    >>> minigrad.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    check_tensors("reshape", input=input)
    if not sizes and shape is None:
        raise TypeError('reshape() missing 1 required positional arguments: "shape"')
    wanted = infer_shape(as_shape(sizes if shape is None else (shape,)), input.array.size)
    lay_in_order(input)
    if input.array.flags.c_contiguous:
        return View.apply(input, shape=wanted)
    if is_viewable(input.array, wanted):
        return ReshapeAlias.apply(input, shape=wanted)
    return UnsafeView.apply(input.contiguous(), shape=wanted)


class Unsqueeze(ViewFunction):
    """z = x with a dimension of size 1 inserted at ``dim``."""

    def forward(ctx, x, *, dim):
        ctx.dim = normalize_dim(dim, x.ndim + 1)
        return spanning(x[(slice(None),) * ctx.dim + (None,)], [ctx.dim])

    def backward(ctx, grad_z):
        grad_x = SqueezeDim.apply(grad_z, dim=ctx.dim)
        return grad_x


@checked
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at ``dim``: a view. Shapes: (a, b) -> (a, 1, b) for 1.

    Raises:
        IndexError: ``dim`` is not in [-ndim - 1, ndim].
    """
    return Unsqueeze.apply(input, dim=dim)


@checked
def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """:func:`unsqueeze`, in place.

    Raises:
        RuntimeError: the tensor may not be changed in place.
    """
    return restride(input, "unsqueeze_", unsqueeze, dim)


# PyTorch's nodes of what is done in place.
IN_PLACE = {
    "SqueezeBackward0": "SqueezeBackward3",
    "SqueezeBackward1": "SqueezeBackward4",
    "SqueezeBackward2": "SqueezeBackward5",
    "TBackward0": "TBackward1",
    "TransposeBackward0": "TransposeBackward1",
    "UnsqueezeBackward0": "UnsqueezeBackward1",
}


def restride(input: Tensor, name: str, view: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """Let ``input`` become a view of itself: the same memory under another shape."""
    check_changeable(input, name)
    result = view(input, *arguments)
    input._replace_array(result.array)
    input._strided = result._strided
    node = result.grad_fn
    input._version_counter.bump(name)
    if node is not None:
        node.node_name = IN_PLACE[node.name()]
        take_place(input, node, result.output_nr)
    return input


class Squeeze(View):
    """z = x without its dimensions of size 1."""

    def forward(ctx, x):
        ctx.shape = x.shape
        return x.squeeze()


@checked
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None, *dims: int) -> Tensor:
    """Without the dimensions of size 1, or without those of them that ``dim`` names, one or several: a view.

    Shapes: (a, 1, b) -> (a, b).

    >>> minigrad.zeros(2, 1, 3).squeeze(1).shape
    minigrad.Size([2, 3])
    """
    chosen: Any = (dim, *dims) if dims else dim
    if chosen is None:
        return Squeeze.apply(input)
    if isinstance(chosen, (tuple, list)):
        return SqueezeDims.apply(input, dims=normalize_dims(chosen, input.ndim) if chosen else ())
    return SqueezeDim.apply(input, dim=chosen)


@checked
def squeeze_(input: Tensor, dim: int | Sequence[int] | None = None, *dims: int) -> Tensor:
    """:func:`squeeze`, in place.

    Raises:
        RuntimeError: the tensor may not be changed in place.
    """
    return restride(input, "squeeze_", squeeze, dim, *dims)


class SqueezeDim(View):
    """z = x without dimension ``dim`` if its size is 1, else x."""

    node_name = "SqueezeBackward1"

    def forward(ctx, x, *, dim):
        ctx.shape = x.shape
        dim = normalize_dim(dim, x.ndim)
        return x.squeeze(dim) if x.ndim and x.shape[dim] == 1 else x.view()


class SqueezeDims(SqueezeDim):
    """z = x without those of ``dims`` whose size is 1."""

    node_name = "SqueezeBackward2"

    def forward(ctx, x, *, dims):
        ctx.shape = x.shape
        return x.squeeze(tuple([dim for dim in dims if x.ndim and x.shape[dim] == 1]))


class SqueezeInPlace(SqueezeDim):
    """The same, on a result that nobody else has seen: PyTorch's node for a vector times a matrix."""

    is_view = False
    node_name = "SqueezeBackward4"


@welcoming
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """:func:`view` in the shape of ``other``."""
    check_tensors("view_as", input=input, other=other)
    return input.view(other.shape)


@checked
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` as one; a view where the memory allows.

    Shapes: (a, b, c, d) -> (a, b * c, d) for 1 and 2; a number becomes (1,).

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: ``start_dim`` comes after ``end_dim``.

    >>> minigrad.zeros(2, 3, 4).flatten(1).shape
    minigrad.Size([2, 12])
    """
    if input.ndim == 0:
        return input.reshape(1)
    start, end = normalize_dim(start_dim, input.ndim), normalize_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    return input.reshape(*input.shape[:start], Size(input.shape[start : end + 1]).numel(), *input.shape[end + 1 :])


@welcoming
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """:func:`reshape` to the shape of ``other``."""
    check_tensors("reshape_as", input=input, other=other)
    return input.reshape(other.shape)


@checked
def ravel(input: Tensor) -> Tensor:
    """One dimension, of all elements in row-major order. Shape: (n,), n elements."""
    return input.contiguous().view(-1)


@checked
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension ``dim`` as several of ``sizes``, one of which may be -1: a view.

    Shapes: (a · b, c) -> (a, b, c) for 0 and (a, b).

    Raises:
        RuntimeError: the sizes do not multiply to that of the dimension.
    """
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
    wanted = tuple([size // known if each == -1 else each for each in wanted])
    return input.view(*input.shape[:dim], *wanted, *input.shape[dim + 1 :])


@welcoming
def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension. Shapes: () -> (1,)."""
    return with_dims(1, tensors)


NEW_DIMS = {(2, 1): [0], (3, 1): [0, -1], (3, 2): [-1]}  # by how many are wanted, and how many there are


def with_dims(count: int, tensors: tuple[Any, ...]) -> Any:
    """One tensor with at least ``count`` dimensions; of several, or of a sequence of them, a tuple."""
    if len(tensors) != 1 or not isinstance(tensors[0], Tensor):
        given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
        for each in given:
            check_tensors("atleast", input=each)
        return tuple([with_dims(count, (each,)) for each in given])
    (input,) = tensors
    if input.ndim == 0:
        return input.reshape((1,) * count)
    for dim in NEW_DIMS.get((count, input.ndim), []):
        input = input.unsqueeze(dim)
    return input


@welcoming
def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions, new ones in front. Shapes: () -> (1, 1), (n,) -> (1, n)."""
    return with_dims(2, tensors)


@welcoming
def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions. Shapes: () -> (1, 1, 1), (n,) -> (1, n, 1), (m, n) -> (m, n, 1)."""
    return with_dims(3, tensors)


@welcoming
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid whose axes have these values: one tensor an axis, views.

    Shapes: (n,), (m,) -> twice (n, m). ``indexing`` 'ij' has the first axis first, 'xy' the second; without it, 'ij' is
    meant, and a warning says so.

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
    if indexing is None:
        warn_user(
            "meshgrid: in an upcoming release, it will be required to pass the indexing argument. Pass indexing='ij', "
            "what is meant now, or indexing='xy', NumPy's default.",
        )
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    order = [1, 0, *range(2, len(axes))] if indexing == "xy" and len(axes) >= 2 else list(range(len(axes)))
    shape = [axes[each].numel() for each in order]
    grids = []
    for each, place in zip(axes, order):
        grids.append(each.view([-1 if dim == place else 1 for dim in range(len(axes))]).expand(shape))
    return tuple(grids)


@checked
def numel(input: Tensor) -> int:
    """How many elements ``input`` has."""
    return input.array.size
