"""Is a gradient right? Compare it with what happens when an input is moved a little, for every element.

``gradcheck`` compares the Jacobian that backward gives, row by row, with central differences
(f(x + ε) - f(x - ε)) / 2ε, column by column. ``gradgradcheck`` does so for the gradient itself. Defaults are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.differentiation import as_tuple, grad
from minigrad.caller import warn_user
from minigrad.dtypes import float64, from_numpy_dtype
from minigrad.graph.function import Function, wrap
from minigrad.graph.grad_mode import enable_grad
from minigrad.graph.node import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient differs from the numerical one. Counterpart: ``torch.autograd.gradcheck.GradcheckError``."""


def outputs_of(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    """What the function gives for the inputs themselves, recorded, so that it may differentiate inside."""
    outputs = function(*inputs)
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def differentiable(outputs: Sequence[Any]) -> list[Tensor]:
    """The outputs that have a gradient."""
    return [each for each in outputs if each.requires_grad]


def numerical_jacobian(
    function: Callable[..., Any], inputs: Sequence[Any], position: int, eps: float
) -> list[np.ndarray]:
    """d(each output)/d(inputs[position]) by central differences. Shape of each: (outputs' size, input's size)."""
    values = inputs[position].array
    columns: list[list[np.ndarray]] = []
    for index in np.ndindex(values.shape):
        original = values[index]
        sides = []
        for step in (eps, -eps):
            try:
                values[index] = original + step
                sides.append([np.array(each.array) for each in outputs_of(function, inputs)])
            finally:
                values[index] = original
        columns.append([difference(above, below, index, eps) for above, below in zip(*sides)])
    if not columns:
        return [np.zeros((each.array.size, 0)) for each in outputs_of(function, inputs)]
    return [np.stack(each, axis=1) for each in zip(*columns)]


def difference(above: np.ndarray, below: np.ndarray, index: tuple[int, ...], eps: float) -> np.ndarray:
    """One column of a Jacobian: what an output was on both sides of the input.

    Raises:
        AssertionError: two different things.
    """
    shapes = list(above.shape), list(below.shape)
    types = from_numpy_dtype(above.dtype), from_numpy_dtype(below.dtype)
    for what, (first, second) in (("shape", shapes), ("dtype", types)):
        if first != second:
            raise AssertionError(
                f"Expected `func` to return outputs with the same {what} when inputs are perturbed on index {index} by "
                f"{eps}, but got: {what}s {first} and {second}."
            )
    wide = np.promote_types(above.dtype, np.float32)
    return ((above.astype(wide) - below.astype(wide)) / (2 * eps)).ravel()


def analytical_jacobian(output: Tensor, inputs: Sequence[Tensor]) -> list[np.ndarray]:
    """d(output)/d(each input) by backward, one row an element of the output."""
    jacobians = [np.zeros((output.array.size, each.array.size), output.array.dtype) for each in inputs]
    for row in range(output.array.size):
        one_hot = np.zeros(output.array.size, output.array.dtype)
        one_hot[row] = 1
        start = wrap(one_hot.reshape(output.array.shape))
        gradients = grad(output, inputs, start, retain_graph=True, allow_unused=True)
        for jacobian, gradient in zip(jacobians, gradients):
            if gradient is not None:
                jacobian[row] = gradient.array.ravel()
    return jacobians


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

    An output that does not require grad is not compared; if none does, moving the inputs must change nothing.

    Args:
        func: takes the inputs, returns a tensor or several.
        eps: how far an element is moved, in the input's units.
        atol, rtol: the two Jacobians agree where they differ by at most ``atol + rtol * |numerical|``.
        raise_exception: raise on failure instead of returning False.
        nondet_tol: by how much two runs of backward may differ.
        check_undefined_grad: check that backward takes None, where it declares so, for a gradient that nobody computed.
        check_backward_ad: check the gradients; it must be True.
        check_grad_dtypes, check_batched_grad, fast_mode, masked: accepted; gradients always have their inputs' types,
            a batch of gradients is a loop, every element is checked, and all tensors are dense.
        check_forward_ad, check_batched_forward_grad: there is no forward mode to check: refused.

    Returns:
        True where all agree.

    Raises:
        GradcheckError: they do not; the message names output, input, element, and both values. Or backward does not
            multiply by the gradient that it is given, or gives other values the second time.
        AssertionError: an output's shape or type depends on the values; or nothing is to be checked.
        ValueError: no input requires grad.
        RuntimeError: elements of an input share a place in memory: it was expanded.
        NotImplementedError: a check of forward mode was asked for.

    Counterpart: ``torch.autograd.gradcheck``.

    >>> x = minigrad.rand(3, dtype=minigrad.float64, requires_grad=True)
    >>> minigrad.autograd.gradcheck(minigrad.exp, x)
    True
    """
    if check_forward_ad or check_batched_forward_grad:
        raise NotImplementedError("gradcheck: minigrad differentiates in reverse mode only, there is no forward mode")
    if not check_backward_ad:
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    given = as_tuple(inputs)
    checked = check_inputs(given)
    results = outputs_of(func, given)
    outputs = differentiable(results)
    variables = [given[number] for number in checked]
    try:
        numerical = {number: numerical_jacobian(func, given, number, eps) for number in checked}
        compare_all(dict(zip(checked, variables)), results, numerical, atol, rtol, nondet_tol)
        check_scaled(outputs, variables)
        if check_undefined_grad and outputs:
            check_undefined(func, given, variables)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def check_inputs(given: tuple[Any, ...]) -> list[int]:
    """The numbers of the inputs that require grad.

    Raises:
        ValueError: there are none.
        RuntimeError: one element of one cannot be moved without another.
    """
    checked = []
    for number, tensor in enumerate(given):
        if not isinstance(tensor, Tensor) or not tensor.requires_grad:
            continue
        checked.append(number)
        if tensor.dtype is not float64:
            warn_user(
                f"Input #{number} requires gradient and is not a double precision floating point or complex. This "
                f"check will likely fail if all the inputs are not of double precision floating point or complex.",
            )
        sizes = tensor.array.shape if tensor.array.size else ()
        if any(stride == 0 and size > 1 for stride, size in zip(tensor.array.strides, sizes)):
            raise RuntimeError(
                f"The {number}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                f"non-overlapping to be able to compute the numerical gradients correctly. You should call "
                f".contiguous on the input before passing it to gradcheck."
            )
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    return checked


Jacobians = list[np.ndarray]  # one an output, or one an input


def compare_all(
    variables: dict[int, Tensor], results: Sequence[Tensor], numerical: dict[int, Jacobians], *tolerances: float
) -> None:
    """Compare the Jacobians of every output by every input in ``variables``, which go by their numbers, and two runs of
    backward with each other; the tolerances are ``atol``, ``rtol`` and ``nondet_tol``.
    """
    atol, rtol, nondet_tol = tolerances
    places = [place for place, each in enumerate(results) if each.requires_grad]
    if not places:
        if any(jacobian.any() for jacobians in numerical.values() for jacobian in jacobians):
            raise GradcheckError("Numerical gradient for function expected to be zero: no output requires grad")
        return
    inputs = list(variables.values())
    for output_number, place in enumerate(places):
        analytical = analytical_jacobian(results[place], inputs)
        again = analytical_jacobian(results[place], inputs)
        for number, first, second in zip(variables, analytical, again):
            if not np.allclose(first, second, rtol=0, atol=nondet_tol, equal_nan=True):
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
                    f"times gives different values, for output {output_number} with respect to input {number}. "
                    f"The tolerance for nondeterminism was {nondet_tol}."
                )
        for number, ours in zip(variables, analytical):
            check_agreement(ours, numerical[number][place], output_number, number, atol, rtol)


def check_scaled(outputs: list[Tensor], inputs: list[Tensor]) -> None:
    """Check that backward multiplies by the gradients it is given: of zeros it makes zeros."""
    if not outputs:
        return
    zeros = [wrap(np.zeros_like(each.array)) for each in outputs]
    gradients = grad(outputs, inputs, zeros, retain_graph=True, allow_unused=True)
    if any(gradient is not None and gradient.array.any() for gradient in gradients):
        raise GradcheckError("backward not multiplied by grad_output: of gradients that are zero it made others")


def check_undefined(func: Callable[..., Any], given: tuple[Any, ...], inputs: list[Tensor]) -> None:
    """Check that rules bear gradients that nobody computed: all None, and each alone.

    Raises:
        GradcheckError: one raised an error, or made a gradient out of nothing.
    """
    count = len(differentiable(outputs_of(func, given)))
    missing = [range(count), *([alone] for alone in range(count) if count > 1)]
    for numbers in missing:
        outputs = differentiable(outputs_of(func, given))
        passed = [Undefined.apply(each) if number in numbers else each for number, each in enumerate(outputs)]
        zeros = [wrap(np.zeros_like(each.array)) for each in outputs]
        try:
            gradients = grad(passed, inputs, zeros, allow_unused=True)
        except RuntimeError as error:
            warn_of_undefined()
            raise GradcheckError(
                "Expected backward function to handle undefined output grads: with None for one it raised an error"
            ) from error
        if any(gradient is not None and gradient.array.any() for gradient in gradients):
            warn_of_undefined()
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero"
            )


def warn_of_undefined() -> None:
    warn_user(
        "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but it may "
        "break existing callers of this function. If this is true for you, you can call this function with "
        '"check_undefined_grad=False" to disable the feature',
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
        f"at output element {row}, input element {column}, numerical {numerical[row, column].item()!r}, "
        f"analytical {analytical[row, column].item()!r}"
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
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    **options: Any,
) -> bool:
    """Check the gradients of the gradients of ``func``: :func:`gradcheck` of backward itself.

    ``grad_outputs`` are what backward begins with, random unless told, and then non-contiguous with
    ``gen_non_contig_grad_outputs``; they are checked as inputs too. ``check_rev_over_rev`` and ``check_fwd_over_rev``
    are the other function's ``check_backward_ad`` and ``check_forward_ad``; the other arguments, results and errors are
    those of :func:`gradcheck`.

    Raises:
        TypeError: no output of ``func`` requires grad.

    Counterpart: ``torch.autograd.gradgradcheck``.
    """
    given = as_tuple(inputs)
    outputs = differentiable(outputs_of(func, given))
    if grad_outputs is None:
        random = np.random.default_rng(0)
        starts = []
        for each in outputs:
            numbers = random.standard_normal((*each.shape, 2 if gen_non_contig_grad_outputs else 1))[..., 0]
            starts.append(wrap(np.asarray(numbers)).to(each.dtype).requires_grad_())
    else:
        starts = list(as_tuple(grad_outputs))

    @enable_grad()
    def backward_of_func(*arguments: Any) -> tuple[Tensor, ...]:
        if not outputs:
            raise TypeError("gradgradcheck: no output of func requires grad, so there is no backward to check")
        primals = arguments[: len(given)]
        results = differentiable(outputs_of(func, primals))
        targets = [each for each in primals if isinstance(each, Tensor) and each.requires_grad]
        gradients = grad(results, targets, arguments[len(given) :], create_graph=True, allow_unused=True)
        return tuple([each for each in gradients if each is not None])

    options |= {"check_forward_ad": check_fwd_over_rev, "check_backward_ad": check_rev_over_rev}
    options |= {"eps": eps, "atol": atol, "rtol": rtol, "raise_exception": raise_exception}
    return gradcheck(backward_of_func, (*given, *starts), **options)
