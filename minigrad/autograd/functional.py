"""Jacobians, Hessians and their products with vectors, of functions of tensors.

Each calls ``func`` on fresh copies of the inputs and differentiates with ``autograd.grad``, twice where second
derivatives are asked for. Counterpart: ``torch.autograd.functional``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.differentiation import grad
from minigrad.creation import zeros_like
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import enable_grad
from minigrad.graph.node import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

STRICT = "This is not allowed in strict mode."
WITH_GRAPH = "This is not allowed in strict mode when create_graph=True."

Tensors = Tensor | Sequence[Tensor]
Differentiable = Callable[..., Any]

SINGLE = {"output": "the user-provided function returns", "input": "the input to the user-provided function is"}


def as_checked_tuple(values: Any, name: str, function: str) -> tuple[Tensor, ...]:
    """One tensor, or a tuple of them, as a tuple.

    Raises:
        TypeError: something else.
    """
    wanted = f"The {name} given to {function} must be either a Tensor or a tuple of Tensors"
    if not isinstance(values, (tuple, Tensor)):
        raise TypeError(f"{wanted} but the given {name} has type {type(values)}.")
    given = values if isinstance(values, tuple) else (values,)
    for position, each in enumerate(given):
        if not isinstance(each, Tensor):
            raise TypeError(f"{wanted} but the value at index {position} has type {type(each)}.")
    return given


def fresh_inputs(inputs: Any, function: str, create_graph: bool) -> tuple[Tensor, ...]:
    """The inputs to differentiate by: with ``create_graph`` connected to the caller's, else copies that are leaves."""
    given = as_checked_tuple(inputs, "inputs", function)
    connected = [create_graph and each.requires_grad for each in given]
    return tuple([x.view_as(x) if same else x.detach().requires_grad_() for x, same in zip(given, connected)])


def outputs_of(func: Differentiable, inputs: tuple[Tensor, ...], function: str) -> tuple[tuple[Tensor, ...], bool]:
    """What ``func`` returns, as a tuple, and whether it returned a tuple."""
    result = func(*inputs)
    return as_checked_tuple(result, "outputs of the user-provided function", function), isinstance(result, tuple)


class Pass(NamedTuple):
    """One backward pass of several, by what ``strict`` refuses in it, the place to be filled in."""

    no_graph: str = (
        "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
        "differentiable manner from the input when running in strict mode."
    )
    unused: str = "The output of the user-provided function is independent of input {}. " + STRICT
    constant: str = f"The jacobian of the user-provided function is independent of input {{}}. {WITH_GRAPH}"


FIRST = Pass()
TO_BE_DIFFERENTIATED = FIRST._replace(constant="")  # whether it can be is seen in the second
ALONG = FIRST._replace(
    no_graph=f"The gradient with respect to input {{}} is independent of the inputs of the user-provided function. "
    f"{STRICT}"
)
SECOND = Pass(
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is "
    f"independent of the input. {STRICT} You should ensure that your function is twice differentiable and that the "
    "jacobian depends on the inputs (this would be violated by a linear function for example).",
    f"The jacobian of the user-provided function is independent of input {{}}. {STRICT}",
    f"The hessian of the user-provided function is independent of input {{}}. {WITH_GRAPH}",
)


def require_graph(tensors: Sequence[Tensor], message: str) -> None:
    """Raise a RuntimeError of ``message`` where one of the tensors does not require grad."""
    for place, each in enumerate(tensors):
        if not each.requires_grad:
            raise RuntimeError(message.format(place))


def differentiate(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Tensor] | None,
    create_graph: bool,
    strict: bool = False,
    stage: Pass = FIRST,
    batched: bool = False,
) -> tuple[Tensor, ...]:
    """``autograd.grad`` with zeros where an output does not depend on an input.

    ``batched``: ``grad_outputs`` have a first dimension more, and so has what is returned.

    Raises:
        RuntimeError: with ``strict``, where that is so, or, with ``create_graph``, where a gradient is a constant.
    """
    connected = [number for number, each in enumerate(outputs) if each.requires_grad]
    if strict:
        require_graph(outputs, stage.no_graph)
    gradients: Sequence[Tensor | None] = [None] * len(inputs)
    rows = (len(grad_outputs[0]),) if grad_outputs and batched else ()
    if connected and 0 not in rows:
        chosen = [outputs[number] for number in connected]
        starts = None if grad_outputs is None else [grad_outputs[number] for number in connected]
        gradients = grad(chosen, inputs, starts, True, create_graph, allow_unused=True, is_grads_batched=batched)
    filled = []
    for position, (gradient, source) in enumerate(zip(gradients, inputs)):
        if gradient is None:
            if strict:
                raise RuntimeError(stage.unused.format(position))
            gradient = source.new_zeros((*rows, *source.shape)) if batched else zeros_like(source)
        elif strict and create_graph and stage.constant and not gradient.requires_grad:
            raise RuntimeError(stage.constant.format(position))
        filled.append(gradient)
    return tuple(filled)


def finish(values: Any, create_graph: bool) -> Any:
    """The values as the caller receives them: without history unless ``create_graph``."""
    if isinstance(values, tuple):
        return tuple([finish(each, create_graph) for each in values])
    return values if create_graph else values.detach()


def check_vector(vector: tuple[Tensor, ...], like: tuple[Tensor, ...], name: str) -> None:
    """Raise a RuntimeError unless ``vector`` has the shapes of ``like``."""
    if len(vector) != len(like):
        if len(like) == 1:
            raise RuntimeError(f"The given v should contain a single Tensor, as the {name} does.")
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vector)}.")
    for position, (each, wanted) in enumerate(zip(vector, like)):
        if each.shape != wanted.shape:
            which = "v" if len(like) == 1 else f"Entry {position} in v"
            raise RuntimeError(
                f"{which} has invalid size: should be {wanted.shape} but got {each.shape}. It must have the {name}'s."
            )


def given_vector(v: Any, like: tuple[Tensor, ...], name: str, function: str) -> tuple[Tensor, ...]:
    """``v`` as a tuple of constants; ones where it may be left out.

    Raises:
        RuntimeError: it was left out although there is more than one number, or its shapes are not those of ``like``.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {SINGLE[name]} a single Tensor with a single element."
            )
        return (wrap(np.ones_like(like[0].array)),)
    vector = as_checked_tuple(v, "v", function)
    check_vector(vector, like, name)
    return vector


def one_hot_rows(tensor: Tensor) -> Tensor:
    """For each element of ``tensor`` a tensor of its shape that is 1 there and 0 elsewhere. Shape: (elements, …)."""
    rows = np.eye(tensor.numel(), dtype=tensor.array.dtype)
    return wrap(rows.reshape(tensor.numel(), *tensor.shape))


@enable_grad()
def jacobian(
    func: Differentiable,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """d(each output)/d(each input), every element by every element, one backward pass a row.

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of them.
        create_graph: whether the Jacobian can be differentiated.
        strict: raise where an output does not depend on an input, instead of zeros.
        vectorize: makes no difference here: PyTorch runs all rows as one.
        strategy: "reverse-mode", or "forward-mode" with ``vectorize``: the same numbers, computed in the same way here.

    Returns:
        Shape of each: the output's, then the input's. Nested in tuples as outputs and inputs are.

    Raises:
        RuntimeError: ``strict`` is set, and an output does not depend on an input or ``vectorize`` is set too.
        AssertionError: there is no such strategy.
        NotImplementedError: "forward-mode" with ``strict`` or without ``vectorize``.

    >>> x = minigrad.tensor([1.0, 2.0])
    >>> minigrad.autograd.functional.jacobian(lambda x: x**2, x)
    tensor([[2., 0.],
            [0., 4.]])
    """
    check_strategy(strategy, strict, vectorize, "jacobian")
    sources = fresh_inputs(inputs, "jacobian", create_graph)
    outputs, several = outputs_of(func, sources, "jacobian")
    if strict:
        require_graph(outputs, FIRST.no_graph)
    table = []
    for place, output in enumerate(outputs):
        stage = FIRST._replace(unused=FIRST.unused.replace("The output", f"Output {place}"))
        rows = differentiate((output,), sources, (one_hot_rows(output),), create_graph, strict, stage, batched=True)
        blocks = tuple([each.reshape((*output.shape, *each.shape[1:])) for each in rows])
        table.append(blocks if isinstance(inputs, tuple) else blocks[0])
    return finish(tuple(table) if several else table[0], create_graph)


def check_strategy(strategy: str, strict: bool, vectorize: bool, function: str) -> None:
    """Raise PyTorch's error for arguments that do not go together.

    Raises:
        AssertionError: there is no such strategy.
        NotImplementedError: "forward-mode" without ``vectorize``, or with ``strict``.
        RuntimeError: ``strict`` with ``vectorize``.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f'Expected strategy to be either "forward-mode" or "reverse-mode", not {strategy!r}.')
    if strategy == "forward-mode" and strict:
        raise NotImplementedError(f"minigrad.autograd.functional.{function}: `strict=True` needs 'reverse-mode'.")
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for "
            "`vectorize=True`."
        )
    if strict and vectorize:
        raise RuntimeError(
            f"minigrad.autograd.functional.{function}: `strict=True` and `vectorize=True` are not supported together. "
            f"Please either set `strict=False` or `vectorize=False`."
        )


def hessian(
    func: Differentiable,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function with one number as its result: the Jacobian of its gradient.

    The arguments are those of :func:`jacobian`.

    Returns:
        Shape of each: one input's, then another's. A tuple of tuples where ``inputs`` is a tuple.

    Raises:
        RuntimeError: the function's result is not one number; and as :func:`jacobian`.

    >>> x = minigrad.tensor([1.0, 2.0])
    >>> minigrad.autograd.functional.hessian(lambda x: (x**3).sum(), x)
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several = isinstance(inputs, tuple)
    as_checked_tuple(inputs, "inputs", "hessian")
    check_strategy(outer_jacobian_strategy, strict, vectorize, "hessian")

    def gradient(*sources: Tensor) -> Any:
        value = single_number(func(*sources), "hessian")
        gradients = differentiate((value,), sources, None, True, False)
        if strict:
            require_graph((value,), FIRST.no_graph)
            require_graph(gradients, SECOND.no_graph)
        return gradients if several else gradients[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def single_number(value: Any, function: str) -> Tensor:
    """``value``, which must be a tensor with one element.

    Raises:
        RuntimeError: it is not.
    """
    outputs = as_checked_tuple(value, "outputs of the user-provided function", function)
    if len(outputs) != 1:
        raise RuntimeError(f"The function given to {function} should return a single Tensor, not {len(outputs)}")
    output = outputs[0]
    if output.numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {function} should contain a single element, but has shape "
            f"{list(output.shape)}."
        )
    return output


@enable_grad()
def vjp(
    func: Differentiable, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)``, and vᵀ · Jacobian: one backward pass. ``v`` has the outputs' shapes; None for one number.

    Raises:
        RuntimeError: ``v`` has other shapes, or is missing for more than one number; or, with ``strict``, an output
            does not depend on an input.
    """
    sources = fresh_inputs(inputs, "vjp", create_graph)
    outputs, several = outputs_of(func, sources, "vjp")
    vector = given_vector(v, outputs, "output", "vjp")
    product = differentiate(outputs, sources, vector, create_graph, strict)
    value = finish(outputs if several else outputs[0], create_graph)
    return value, finish(product if isinstance(inputs, tuple) else product[0], create_graph)


@enable_grad()
def jvp(
    func: Differentiable, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)``, and Jacobian · v. ``v`` has the inputs' shapes; None for one number.

    The double-backward trick: uᵀJ is linear in u, and its derivative by u, in the direction v, is J v.

    Raises:
        RuntimeError: ``v`` has other shapes, or is missing for more than one number; or, with ``strict``, an output
            does not depend on an input.
    """
    sources = fresh_inputs(inputs, "jvp", create_graph)
    vector = given_vector(v, sources, "input", "jvp")
    outputs, several = outputs_of(func, sources, "jvp")
    dummies = tuple([zeros_like(each).requires_grad_() for each in outputs])
    products = differentiate(outputs, sources, dummies, True, strict, TO_BE_DIFFERENTIATED)
    along = differentiate(products, dummies, vector, create_graph, strict, ALONG)
    value = finish(outputs if several else outputs[0], create_graph)
    return value, finish(along if several else along[0], create_graph)


@enable_grad()
def vhp(
    func: Differentiable, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)``, one number, and vᵀ · Hessian: the gradient of the gradient's product with v.

    ``v`` has the inputs' shapes; None for one number.

    Raises:
        RuntimeError: the function's result is not one number; and as :func:`vjp`.
    """
    sources = fresh_inputs(inputs, "vhp", create_graph)
    vector = given_vector(v, sources, "input", "vhp")
    value = single_number(func(*sources), "vhp")
    gradients = differentiate((value,), sources, None, True, strict, TO_BE_DIFFERENTIATED)
    product = differentiate(gradients, sources, vector, create_graph, strict, SECOND)
    return finish(value, create_graph), finish(product if isinstance(inputs, tuple) else product[0], create_graph)


@enable_grad()
def hvp(
    func: Differentiable, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)``, one number, and Hessian · v, which equals :func:`vhp` where the Hessian is symmetric.

    ``v`` has the inputs' shapes; None for one number.

    Raises:
        RuntimeError: the function's result is not one number; and as :func:`vjp`.
    """
    sources = fresh_inputs(inputs, "hvp", create_graph)
    vector = given_vector(v, sources, "input", "hvp")
    value = single_number(func(*sources), "hvp")
    gradients = differentiate((value,), sources, None, True, strict, TO_BE_DIFFERENTIATED)
    dummies = tuple([zeros_like(each).requires_grad_() for each in gradients])
    products = differentiate(gradients, sources, dummies, True, strict, SECOND._replace(constant=""))
    along = differentiate(products, dummies, vector, create_graph, strict, SECOND)
    return finish(value, create_graph), finish(along if isinstance(inputs, tuple) else along[0], create_graph)
