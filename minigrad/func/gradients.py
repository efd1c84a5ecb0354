"""Gradients as functions: of ``f``, which takes and gives tensors, nested or not, a function that gives derivatives.

``f`` is called on inputs that require grad whether or not the caller's do; the results have a history only where ``f``
depends on something of the caller's that requires grad. So they nest: ``grad(grad(f))`` is the second derivative.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minigrad import Tensor, inference_mode
from minigrad.autograd.functional import differentiate, one_hot_rows
from minigrad.func.trees import leaves_of, with_leaves

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp"]


class Watched:
    """One call of a function on inputs that require grad, in the place of those that the caller gave."""

    @inference_mode(False)
    def __init__(self, func: Any, args: Any, kwargs: Any, argnums: Any, has_aux: bool) -> None:
        places = [checked_place(each, len(args)) for each in (argnums if isinstance(argnums, tuple) else (argnums,))]
        if not places:
            raise RuntimeError("argnums must be non-empty")
        chosen = tuple([args[place] for place in places])
        self.inputs = [fresh(leaf) for leaf in leaves_of(chosen)]
        self.chosen = chosen if isinstance(argnums, tuple) else chosen[0]
        given = dict(enumerate(args)) | dict(zip(places, with_leaves(chosen, iter(self.inputs))))
        output, self.aux = func(*given.values(), **kwargs), None
        if has_aux:
            if not isinstance(output, tuple) or len(output) != 2:
                raise RuntimeError("the function given has to return a tuple (output, aux) where has_aux=True")
            output, self.aux = output
        self.output, self.outputs = output, leaves_of(output)
        for each in self.outputs:
            if not isinstance(each, Tensor):
                raise RuntimeError(f"Expected the function given to return Tensors, but got {type(each).__name__}")
        own = {id(each) for each in self.inputs if each.is_leaf}
        self.is_nested = any(reaches_beyond(each, own) for each in self.outputs)

    def value(self, tree: Any) -> Any:
        """What the function gave, as the caller may have it."""
        found = [each.detach() if isinstance(each, Tensor) and not self.is_nested else each for each in leaves_of(tree)]
        return with_leaves(tree, iter(found))

    @inference_mode(False)
    def gradients(self, outputs: list[Tensor], starts: list[Any], batched: bool = False) -> Any:
        """The gradients of ``outputs`` from ``starts``, as the inputs are nested; zeros where there is no way."""
        found = differentiate(outputs, self.inputs, starts, self.is_nested, batched=batched)
        return with_leaves(self.chosen, iter(found))


def checked_place(argnum: Any, count: int) -> int:
    """The position of an argument; PyTorch's RuntimeError where there is none."""
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def fresh(value: Any) -> Tensor:
    """A tensor to differentiate by, with the caller's history where there is one."""
    if not isinstance(value, Tensor):
        raise RuntimeError(f"Expected inputs to be differentiated to be Tensors, but got {type(value).__name__}")
    value = value.clone() if value.is_inference() else value
    return value.view_as(value) if value.requires_grad else value.detach().requires_grad_()


def reaches_beyond(output: Tensor, own: set[int]) -> bool:
    """Whether a leaf that is not among ``own``, told by their ids, is behind ``output``."""
    if output.grad_fn is None:
        return output.requires_grad and id(output) not in own
    waiting, seen = [output.grad_fn], {output.grad_fn}
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if hasattr(node, "variable") and id(node.variable) not in own:
                return True
            if node is not None and node not in seen:
                seen.add(node)
                waiting.append(node)
    return False


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives the gradient of ``func``, one number, and that number: (gradient, value).

    ``argnums`` says by which arguments, one or a tuple of them; the gradient is nested as they are. With ``has_aux``
    ``func`` gives a pair whose second part is handed through: (gradient, (value, aux)).

    Raises:
        RuntimeError: from the result, where ``func`` does not give one number, or there is no such argument.
    """

    @functools.wraps(func)
    def of_arguments(*args: Any, **kwargs: Any) -> Any:
        call = Watched(func, args, kwargs, argnums, has_aux)
        if not isinstance(call.output, Tensor) or call.output.ndim:
            raise RuntimeError("Expected the function given to grad to return a scalar tensor: one number")
        value = call.value(call.output)
        found = call.gradients(call.outputs, [None])
        return found, ((value, call.value(call.aux)) if has_aux else value)

    return of_arguments


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives the gradient of ``func``, one number: :func:`grad_and_value` without the value.

    With ``has_aux``: (gradient, aux).

    >>> from minigrad.func import grad
    >>> cube = lambda x: x**3
    >>> grad(cube)(minigrad.tensor(2.0)), grad(grad(cube))(minigrad.tensor(2.0))
    (tensor(12.), tensor(12.))
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def of_arguments(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return of_arguments


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """``func(*primals)``, and the function that gives vᵀ · Jacobian, one part an argument, from v as the output is.

    Shapes: those of the arguments. With ``has_aux``, as in :func:`grad_and_value`: (output, function, aux).

    Raises:
        RuntimeError: ``func`` gives no tensors; or from the function, where v has another number of parts.
    """
    call = Watched(func, primals, {}, tuple(range(len(primals))), has_aux)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        starts = leaves_of(cotangents)
        if len(starts) != len(call.outputs):
            raise RuntimeError(f"Expected {len(call.outputs)} cotangents, as there are outputs, but got {len(starts)}")
        call.is_nested |= bool(create_graph) or any(each.requires_grad for each in starts)
        return call.gradients(call.outputs, starts)

    output = call.value(call.output)
    return (output, vjp_fn, call.value(call.aux)) if has_aux else (output, vjp_fn)


def jacrev(
    func: Callable[..., Any],
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """The function that gives the Jacobian of ``func``: for each output, nested as the arguments, output by input.

    Shapes: the output's followed by the input's. One backward pass an element of the output; ``chunk_size``, how many
    PyTorch does at once, changes nothing.

    Raises:
        ValueError: ``chunk_size`` is not positive.
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def of_arguments(*args: Any, **kwargs: Any) -> Any:
        call = Watched(func, args, kwargs, argnums, has_aux)
        jacobians = []
        for output in call.outputs:
            rows = call.gradients([output], [one_hot_rows(output)], batched=True)
            shaped = [each.reshape((*output.shape, *each.shape[1:])) for each in leaves_of(rows)]
            jacobians.append(with_leaves(call.chosen, iter(shaped)))
        found = with_leaves(call.output, iter(jacobians))
        return (found, call.value(call.aux)) if has_aux else found

    return of_arguments


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """The function that gives the Hessian of ``func``: :func:`jacrev` of itself. Shapes: the input's, twice."""
    return jacrev(jacrev(func, argnums), argnums)


def refused(name: str, instead: str) -> NotImplementedError:
    return NotImplementedError(f"func.{name} goes forward, which minigrad does not: {instead} goes in reverse")


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """Refused: there is no forward mode.

    Raises:
        NotImplementedError: always; it names ``autograd.functional.jvp``.
    """
    raise refused("jvp", "autograd.functional.jvp")


def jacfwd(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """Refused: there is no forward mode.

    Raises:
        NotImplementedError: always; it names :func:`jacrev`.
    """
    raise refused("jacfwd", "func.jacrev")


def linearize(func: Callable[..., Any], *primals: Any) -> Any:
    """Refused: there is no forward mode.

    Raises:
        NotImplementedError: always; it names ``autograd.functional.jvp``.
    """
    raise refused("linearize", "autograd.functional.jvp")
