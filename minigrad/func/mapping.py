"""``vmap``: a function of one sample becomes one of a batch. Here it is a loop: it is called once a sample.

PyTorch calls it once for all, by a rule for each operation. The results are the same; a loop takes as long as it takes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from minigrad import Tensor, get_rng_state, set_rng_state, stack
from minigrad.func.trees import leaves_of, parts_of, with_leaves

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that calls ``func`` on each slice of its arguments, and stacks what it gives.

    Args:
        func: takes and gives tensors, nested or not.
        in_dims: along which dimension each argument is cut, None for one that is handed over whole; one for all, or
            nested as the arguments. Arguments by name are handed over whole.
        out_dims: along which dimension results are stacked; one for all, or nested as the results.
        randomness: "error" allows no random numbers inside, "same" draws the same for all slices, "different" draws
            others for each.
        chunk_size: how many slices PyTorch takes at once; it changes nothing here.

    Shapes: ``func``'s, with one more dimension.

    Raises:
        ValueError: from the result, where ``in_dims`` or ``out_dims`` do not fit, the arguments have different sizes
            there, or ``func`` gives something else than tensors.
        RuntimeError: random numbers are drawn where ``randomness`` is "error", or it is none of the three.

    >>> x = minigrad.arange(6.0).reshape(2, 3)
    >>> minigrad.vmap(minigrad.dot)(x, x)
    tensor([ 5., 50.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def of_batch(*args: Any, **kwargs: Any) -> Any:
        leaves, dims = leaves_of(args), list(spread_dims(in_dims, args, "in_dims"))
        results, start = [], get_rng_state()
        for number in range(batch_size(leaves, dims)):
            if randomness == "same":
                set_rng_state(start)
            slices = [leaf if dim is None else leaf.select(dim, number) for leaf, dim in zip(leaves, dims)]
            results.append(func(*with_leaves(args, iter(slices)), **kwargs))
            if randomness == "error" and not bool((get_rng_state() == start).all()):
                raise RuntimeError(
                    "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                    "'different' randomness flags on vmap or perform the randomness operation out of vmap"
                )
        return stacked(results, out_dims)

    return of_batch


def spread_dims(dims: Any, tree: Any, name: str) -> Iterator[int | None]:
    """The dimension for each leaf of ``tree``, where ``dims`` has one for it, or for what it is in.

    Raises:
        ValueError: they are nested otherwise, or something else than integers and None.
    """
    if dims is None or (isinstance(dims, int) and not isinstance(dims, bool)):
        yield from [dims] * len(leaves_of(tree))
        return
    parts, inner = parts_of(tree), parts_of(dims)
    if parts is None or inner is None or isinstance(dims, dict) != isinstance(tree, dict) or len(parts) != len(inner):
        raise ValueError(
            f"vmap: {name} has to be an int, None, or nested as what it is for, a {type(tree).__name__}: got {dims!r}"
        )
    for dim, part in zip(inner, parts):
        yield from spread_dims(dim, part, name)


def batch_size(leaves: list[Any], dims: list[int | None]) -> int:
    """How many slices there are; PyTorch's ValueErrors where that is not to be said."""
    sizes = set()
    for leaf, dim in zip(leaves, dims):
        if dim is not None:
            if not isinstance(leaf, Tensor):
                raise ValueError(f"vmap: got in_dim={dim} for an input of type {type(leaf)}, which is not a Tensor")
            if not -leaf.ndim <= dim < leaf.ndim:
                raise ValueError(f"vmap: got in_dim={dim} for a Tensor of {leaf.ndim} dimensions")
            sizes.add(leaf.shape[dim])
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"vmap: expected at least one tensor to be mapped, and all to have the same size, of at least 1, in the "
            f"mapped dimension, but got sizes {sorted(sizes)}"
        )
    return sizes.pop()


def stacked(results: list[Any], out_dims: Any) -> Any:
    """What the calls gave, stacked leaf by leaf."""
    columns = zip(*[leaves_of(each) for each in results])
    joined = []
    for column, dim in zip(columns, list(spread_dims(out_dims, results[0], "out_dims"))):
        if not all(isinstance(each, Tensor) for each in column):
            raise ValueError(f"vmap: the function must only return Tensors, but got {type(column[0])}")
        if dim is None and any(each is not column[0] for each in column):
            raise ValueError("vmap: out_dims is None for a result that differs from slice to slice")
        joined.append(column[0] if dim is None else stack(column, dim))
    return with_leaves(results[0], iter(joined))
