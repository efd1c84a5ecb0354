"""Shape operations: the same elements under another shape.

Most results are views: they share memory with their input, and changing one changes the other. A gradient simply
travels back through the inverse rearrangement. Repeating is in ``broadcasting.py``, joining in ``joining.py``.
"""

from __future__ import annotations

import numpy as np

from minigrad.dims import normalize_dim, normalize_dims
from minigrad.graph.view import ViewFunction


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
        return x.reshape(shape)

    def backward(ctx, grad_z):
        grad_x = Reshape.apply(grad_z, shape=ctx.shape)
        return grad_x


class ReshapeAlias(View):
    """The same of an x that does not lie in row-major order: what ``reshape`` records where it need not copy."""


class UnsafeView(View):
    """z = x under another shape, where x is a copy that nobody else sees: not a view for the user."""

    is_view = False


class Reshape(View):
    """What rules use: a view where possible, a copy where not."""

    node_name = "ViewBackward0"
    is_view = False


class Transpose(ViewFunction):
    """z = x with two dimensions swapped."""

    def forward(ctx, x, *, dim0, dim1):
        ctx.dim0, ctx.dim1 = dim0, dim1
        return x.swapaxes(dim0, dim1)

    def backward(ctx, grad_z):
        grad_x = Transpose.apply(grad_z, dim0=ctx.dim0, dim1=ctx.dim1)
        return grad_x


class T(ViewFunction):
    """z = xᵀ for a matrix; fewer dimensions stay as they are."""

    def forward(ctx, x):
        if x.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but input is {x.ndim}D")
        return x.T

    def backward(ctx, grad_z):
        grad_x = T.apply(grad_z)
        return grad_x


class Permute(ViewFunction):
    """z = x with its dimensions in another order."""

    def forward(ctx, x, *, dims):
        ctx.dims = normalize_dims(dims, x.ndim) if dims else ()
        if len(ctx.dims) != x.ndim:
            raise RuntimeError(
                f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
                f"desired ordering of dimensions i.e. input.dim() = {x.ndim} is not equal to len(dims) = {len(dims)}"
            )
        return x.transpose(ctx.dims)

    def backward(ctx, grad_z):
        inverse = [0] * len(ctx.dims)
        for position, dim in enumerate(ctx.dims):
            inverse[dim] = position
        grad_x = Permute.apply(grad_z, dims=tuple(inverse))
        return grad_x


class Unsqueeze(ViewFunction):
    """z = x with a dimension of size 1 inserted at ``dim``."""

    def forward(ctx, x, *, dim):
        ctx.dim = normalize_dim(dim, x.ndim + 1)
        return x[(slice(None),) * ctx.dim + (None,)]

    def backward(ctx, grad_z):
        grad_x = SqueezeDim.apply(grad_z, dim=ctx.dim)
        return grad_x


class Squeeze(ViewFunction):
    """z = x without its dimensions of size 1."""

    def forward(ctx, x):
        ctx.shape = x.shape
        return x.squeeze()

    def backward(ctx, grad_z):
        grad_x = Reshape.apply(grad_z, shape=ctx.shape)
        return grad_x


class SqueezeDim(ViewFunction):
    """z = x without dimension ``dim`` if its size is 1, else x."""

    node_name = "SqueezeBackward1"

    def forward(ctx, x, *, dim):
        ctx.shape = x.shape
        dim = normalize_dim(dim, x.ndim)
        return x.squeeze(dim) if x.ndim and x.shape[dim] == 1 else x.view()

    def backward(ctx, grad_z):
        grad_x = Reshape.apply(grad_z, shape=ctx.shape)
        return grad_x


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
