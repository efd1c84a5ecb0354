"""Is a gradient right? Compare it with what happens when an input is moved a little, for every element.

``gradcheck`` compares the Jacobian that backward gives, row by row, with central differences
(f(x + ε) - f(x - ε)) / 2ε, column by column. ``gradgradcheck`` does so for the gradient itself. Defaults are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.differentiation import as_tuple, grad
from minigrad.graph.function import Function, wrap
from minigrad.graph.grad_mode import enable_grad, no_grad
from minigrad.graph.node import Tensor

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
            output, inputs, wrap(one_hot.reshape(output.array.shape)), retain_graph=True, allow_unused=True
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
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check the gradients of ``func`` at ``inputs`` (float64 tensors that require grad; others are held fixed).

    Args:
        func: takes the inputs, returns a tensor or several.
        eps: how far an element is moved, in the input's units.
        atol, rtol: the two Jacobians agree where they differ by at most ``atol + rtol * |numerical|``.
        raise_exception: raise on failure instead of returning False.
        nondet_tol: by how much two runs of backward may differ.
        check_undefined_grad: check that backward takes None, where it declares so, for a gradient that nobody computed.
        check_backward_ad: check at all.
        check_grad_dtypes, check_batched_grad, fast_mode, masked: accepted; gradients always have their inputs' types,
            a batch of gradients is a loop, every element is checked, and all tensors are dense.
        check_forward_ad, check_batched_forward_grad: there is no forward mode to check: refused.

    Returns:
        True where all agree.

    Raises:
        GradcheckError: they do not; the message names output, input, element, and both values.
        ValueError: no input requires grad.
        RuntimeError: elements of an input share a place in memory: it was expanded.
        NotImplementedError: a check of forward mode was asked for.

    Counterpart: ``torch.autograd.gradcheck``.
    """
    if check_forward_ad or check_batched_forward_grad:
        raise NotImplementedError("gradcheck: minigrad differentiates in reverse mode only, there is no forward mode")
    given = as_tuple(inputs)
    checked = [number for number, each in enumerate(given) if isinstance(each, Tensor) and each.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for number in checked:
        check_overlap_of_input(number, given[number])
    if not check_backward_ad:
        return True
    try:
        with enable_grad():
            outputs = differentiable(func(*given))
        compare_all(func, given, checked, outputs, eps, atol, rtol, nondet_tol)
        if check_undefined_grad:
            check_undefined(outputs, [given[number] for number in checked])
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def check_overlap_of_input(number: int, tensor: Tensor) -> None:
    """Raise a RuntimeError where one element of ``tensor`` cannot be moved without another."""
    sizes = tensor.array.shape if tensor.array.size else ()
    if any(stride == 0 and size > 1 for stride, size in zip(tensor.array.strides, sizes)):
        raise RuntimeError(
            f"The {number}th input has a dimension with stride 0. gradcheck only supports inputs that are "
            f"non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous on "
            f"the input before passing it to gradcheck."
        )


def compare_all(
    func: Callable[..., Any],
    given: tuple[Any, ...],
    checked: list[int],
    outputs: list[Tensor],
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
) -> None:
    """Compare the Jacobians of every output by every checked input, and two runs of backward with each other."""
    for output_number, output in enumerate(outputs):
        if not output.requires_grad:
            analytical = [np.zeros((output.numel(), given[number].numel())) for number in checked]
        else:
            analytical = analytical_jacobian(output, [given[number] for number in checked])
            again = analytical_jacobian(output, [given[number] for number in checked])
            for number, first, second in zip(checked, analytical, again):
                if not np.allclose(first, second, rtol=0, atol=nondet_tol, equal_nan=True):
                    raise GradcheckError(
                        f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
                        f"times gives different values, for output {output_number} with respect to input {number}. "
                        f"The tolerance for nondeterminism was {nondet_tol}."
                    )
        for number, ours in zip(checked, analytical):
            numerical = numerical_jacobian(func, given, number, eps)[output_number]
            check_agreement(ours, numerical, output_number, number, atol, rtol)


def check_undefined(outputs: list[Tensor], inputs: list[Tensor]) -> None:
    """Check that rules bear gradients that nobody computed: all None, and each alone.

    Raises:
        GradcheckError: a gradient came out of nothing.
    """
    connected = [output for output in outputs if output.requires_grad]
    if not connected:
        return
    missing = [[True] * len(connected)]
    if len(connected) > 1:
        missing += [[each == alone for each in range(len(connected))] for alone in range(len(connected))]
    for pattern in missing:
        passed = [Undefined.apply(output) if absent else output for output, absent in zip(connected, pattern)]
        starts = [wrap(np.ones_like(output.array)) for output in connected]
        gradients = grad(passed, inputs, starts, retain_graph=True, allow_unused=True)
        if all(pattern) and any(gradient is not None and gradient.array.any() for gradient in gradients):
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at the notes on undefined "
                "output gradients: with None for every one it gave a gradient other than None or zeros"
            )


class Undefined(Function):
    """z = x; the gradient of x is None, as if nobody had computed it."""

    def forward(ctx, x):
        return x.view()

    def backward(ctx, grad_z):
        return None


def check_agreement(
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
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    **options: Any,
) -> bool:
    """Check the gradients of the gradients of ``func``: :func:`gradcheck` of backward itself.

    ``grad_outputs`` are what backward begins with, random unless told, and then non-contiguous with
    ``gen_non_contig_grad_outputs``; they are checked as inputs too. The other arguments, results and errors are those
    of :func:`gradcheck`.

    Counterpart: ``torch.autograd.gradgradcheck``.
    """
    given = as_tuple(inputs)
    outputs = differentiable(func(*given))
    if grad_outputs is None:
        random = np.random.default_rng(0)
        starts = []
        for each in outputs:
            numbers = random.standard_normal((*each.shape, 2 if gen_non_contig_grad_outputs else 1))[..., 0]
            starts.append(wrap(np.asarray(numbers)).to(each.dtype).requires_grad_())
    else:
        starts = list(as_tuple(grad_outputs))

    def backward_of_func(*arguments: Any) -> tuple[Tensor | None, ...]:
        primals = arguments[: len(given)]
        with enable_grad():
            results = differentiable(func(*primals))
            targets = [each for each in primals if isinstance(each, Tensor) and each.requires_grad]
            return grad(results, targets, arguments[len(given) :], create_graph=True, materialize_grads=True)

    options.setdefault("check_undefined_grad", False)
    return gradcheck(
        backward_of_func, (*given, *starts), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, **options
    )
