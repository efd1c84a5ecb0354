"""Is a gradient right? Compare it with what happens when an input is moved a little, for every element.

``gradcheck`` compares the Jacobian that backward gives, row by row, with central differences
(f(x + ε) - f(x - ε)) / 2ε, column by column. ``gradgradcheck`` does so for the gradient itself. Defaults are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.differentiation import as_tuple, grad
from minigrad.autograd.grad_mode import enable_grad, no_grad
from minigrad.tensor import Tensor, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient differs from the numerical one. Counterpart: ``torch.autograd.gradcheck.GradcheckError``."""


def numerical_jacobian(
    function: Callable[..., Any], inputs: Sequence[Any], position: int, eps: float
) -> list[np.ndarray]:
    """d(each output)/d(inputs[position]) by central differences. Shape of each: (outputs' size, input's size)."""
    values = inputs[position].array
    columns: list[list[np.ndarray]] = []
    with no_grad():
        for index in np.ndindex(values.shape):
            original = values[index]
            sides = []
            for step in (eps, -eps):
                values[index] = original + step
                sides.append([np.array(each.array) for each in differentiable(function(*inputs))])
            values[index] = original
            columns.append([(above - below) / (2 * eps) for above, below in zip(*sides)])
        outputs = differentiable(function(*inputs))
    return [
        np.stack([column[number].ravel() for column in columns], axis=1)
        if columns
        else np.zeros((output.array.size, 0))
        for number, output in enumerate(outputs)
    ]


def analytical_jacobian(output: Tensor, inputs: Sequence[Tensor]) -> list[np.ndarray]:
    """d(output)/d(each input) by backward, one row an element of the output."""
    jacobians = [np.zeros((output.array.size, each.array.size), output.array.dtype) for each in inputs]
    for row in range(output.array.size):
        one_hot = np.zeros(output.array.size, output.array.dtype)
        one_hot[row] = 1
        gradients = grad(
            output,
            inputs,
            wrap(one_hot.reshape(output.array.shape), None, 0),
            retain_graph=True,
            allow_unused=True,
        )
        for jacobian, gradient in zip(jacobians, gradients):
            if gradient is not None:
                jacobian[row] = gradient.array.ravel()
    return jacobians


def differentiable(outputs: Any) -> list[Tensor]:
    """The outputs that can have a gradient: the floating ones."""
    return [each for each in as_tuple(outputs) if isinstance(each, Tensor) and each.is_floating_point()]


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Check the gradients of ``func`` at ``inputs`` (float64 tensors that require grad; others are held fixed).

    Args:
        func: takes the inputs, returns a tensor or several.
        eps: how far an element is moved, in the input's units.
        atol, rtol: the two Jacobians agree where they differ by at most ``atol + rtol * |numerical|``.
        raise_exception: raise on failure instead of returning False.

    Returns:
        True where all agree.

    Raises:
        GradcheckError: they do not; the message names output, input, element, and both values.
        ValueError: no input requires grad.

    Counterpart: ``torch.autograd.gradcheck``.
    """
    given = as_tuple(inputs)
    checked = [number for number, each in enumerate(given) if isinstance(each, Tensor) and each.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    try:
        with enable_grad():
            outputs = differentiable(func(*given))
        for output_number, output in enumerate(outputs):
            if not output.requires_grad:
                analytical = [np.zeros((output.numel(), given[number].numel())) for number in checked]
            else:
                analytical = analytical_jacobian(output, [given[number] for number in checked])
            for number, ours in zip(checked, analytical):
                numerical = numerical_jacobian(func, given, number, eps)[output_number]
                compare(ours, numerical, output_number, number, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def compare(
    analytical: np.ndarray, numerical: np.ndarray, output_number: int, input_number: int, atol: float, rtol: float
) -> None:
    """Raise a GradcheckError at the element where the two Jacobians differ most, if they do."""
    agree = np.isclose(analytical, numerical, rtol=rtol, atol=atol, equal_nan=True)
    if agree.all():
        return
    difference = np.where(agree, -1.0, np.nan_to_num(np.abs(analytical - numerical), nan=np.inf))
    row, column = np.unravel_index(int(np.argmax(difference)), difference.shape)
    raise GradcheckError(
        f"Jacobian mismatch for output {output_number} with respect to input {input_number}: "
        f"at output element {row}, input element {column}, numerical {numerical[row, column]!r}, "
        f"analytical {analytical[row, column]!r}"
    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Check the gradients of the gradients of ``func``: :func:`gradcheck` of backward itself.

    ``grad_outputs`` are what backward begins with, random unless told; they are checked as inputs too. The other
    arguments, results and errors are those of :func:`gradcheck`.

    Counterpart: ``torch.autograd.gradgradcheck``.
    """
    given = as_tuple(inputs)
    outputs = differentiable(func(*given))
    if grad_outputs is None:
        random = np.random.default_rng(0)
        starts = [wrap(random.standard_normal(each.shape), None, 0).to(each.dtype).requires_grad_() for each in outputs]
    else:
        starts = list(as_tuple(grad_outputs))

    def backward_of_func(*arguments: Any) -> tuple[Tensor | None, ...]:
        primals = arguments[: len(given)]
        with enable_grad():
            results = differentiable(func(*primals))
            targets = [each for each in primals if isinstance(each, Tensor) and each.requires_grad]
            return grad(results, targets, arguments[len(given) :], create_graph=True, materialize_grads=True)

    return gradcheck(
        backward_of_func, (*given, *starts), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )
