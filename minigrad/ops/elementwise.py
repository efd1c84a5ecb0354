"""Elementwise arithmetic and functions. One class an operation: the formula, forward, and directly below it backward.

In every rule ``grad_z`` is dL/dz, the gradient of the loss with respect to the result, of the result's shape, and
``grad_x`` is dL/dx. Where an input was broadcast, the engine sums its gradient back to its own shape.
Formulas: the chain rule; choices at kinks are PyTorch's and are stated with the operation.
"""

from __future__ import annotations

import numpy as np
from numpy import asarray, ndarray

from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.kernels.parallel import share_out_elements
from minigrad.kernels.selection import positive_part, where_not
from minigrad.promotion import EXACT, NUMBERS, in_default_float, number_as, promote


def check_broadcast(x, y):
    """Raise PyTorch's error where the shapes of ``x`` and ``y`` do not broadcast.

    Raises:
        RuntimeError: two sizes of one dimension differ and neither is 1.
    """
    ndim = max(np.ndim(x), np.ndim(y))
    sizes_x = (1,) * (ndim - np.ndim(x)) + np.shape(x)
    sizes_y = (1,) * (ndim - np.ndim(y)) + np.shape(y)
    for dim, (size_x, size_y) in enumerate(zip(sizes_x, sizes_y)):
        if size_x != size_y and size_x != 1 and size_y != 1:
            raise RuntimeError(
                f"The size of tensor a ({size_x}) must match the size of tensor b ({size_y}) at non-singleton "
                f"dimension {dim}: shapes {list(np.shape(x))} and {list(np.shape(y))} do not broadcast"
            )


def prepare(x, y):
    """The two operands in one type and with shapes that broadcast, or PyTorch's error."""
    x, y = promote(x, y)
    check_broadcast(x, y)
    return x, y


# ---------------------------------------------------------------------------------------------- two operands


class Add(Function):
    """z = x + y."""

    writes_into = True

    def forward(ctx, x, y, *, out=None):
        if type(y) in NUMBERS and x.dtype.kind == "f" and -EXACT <= y <= EXACT:
            y = asarray(y, x.dtype)  # a number takes the tensor's type
        elif type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            x, y = prepare(x, y)
        return x + y if out is None else np.add(x, y, out=out)

    def backward(ctx, grad_z):
        return grad_z, grad_z  # dz/dx = dz/dy = 1


def refuse_bool(x, y):
    """Raise PyTorch's error for a bool tensor as an operand of ``-``."""
    for operand in (x, y):
        if getattr(operand, "dtype", None) == np.bool_ or isinstance(operand, bool):
            raise NotImplementedError(
                "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
                "mask, use the `~` or `logical_not()` operator instead."
            )


class Sub(Function):
    """z = x - y."""

    def forward(ctx, x, y):
        refuse_bool(x, y)
        if type(y) in NUMBERS and x.dtype.kind == "f" and -EXACT <= y <= EXACT:
            y = asarray(y, x.dtype)  # a number takes the tensor's type
        elif type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            x, y = prepare(x, y)
        return x - y

    def backward(ctx, grad_z):
        grad_x = grad_z if ctx.needs_input_grad[0] else None  # dz/dx = 1
        grad_y = -grad_z if ctx.needs_input_grad[1] else None  # dz/dy = -1
        return grad_x, grad_y


class AddScaled(Function):
    """z = x + alpha · y."""

    node_name = "AddBackward0"

    def forward(ctx, x, y, *, alpha):
        ctx.alpha = alpha
        x, y = prepare(x, y)
        return x + y * number_as(alpha, x.dtype)

    def backward(ctx, grad_z):
        grad_x = grad_z if ctx.needs_input_grad[0] else None  # dz/dx = 1
        grad_y = grad_z * ctx.alpha if ctx.needs_input_grad[1] else None  # dz/dy = alpha
        return grad_x, grad_y


class SubScaled(AddScaled):
    """z = x - alpha · y, given -alpha."""

    node_name = "SubBackward0"

    def forward(ctx, x, y, *, alpha):
        refuse_bool(x, y)
        return super().forward(x, y, alpha=alpha)


class Rsub(Function):
    """z = number - x: PyTorch's node for a Python number minus a tensor."""

    overload = 1

    def forward(ctx, x, *, number):
        refuse_bool(number, x)
        number, x = prepare(number, x)
        return number - x

    def backward(ctx, grad_z):
        grad_x = -grad_z  # dz/dx = -1
        return grad_x


class RsubTensor(Function):
    """z = y - alpha · x."""

    node_name = "RsubBackward0"

    def forward(ctx, x, y, *, alpha):
        refuse_bool(y, x)
        ctx.alpha = alpha
        x, y = prepare(x, y)
        return y - x * number_as(alpha, x.dtype)

    def backward(ctx, grad_z):
        grad_x = grad_z * -ctx.alpha if ctx.needs_input_grad[0] else None  # dz/dx = -alpha
        grad_y = grad_z if ctx.needs_input_grad[1] else None  # dz/dy = 1
        return grad_x, grad_y


class Mul(Function):
    """z = x * y."""

    saved_inputs = slice(None)

    def forward(ctx, x, y):
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, y if ctx.needs_input_grad[0] else None)
        if type(y) in NUMBERS and x.dtype.kind == "f" and -EXACT <= y <= EXACT:
            y = asarray(y, x.dtype)  # a number takes the tensor's type
        elif type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            x, y = prepare(x, y)
        return x * y

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        needs_x, needs_y = ctx.needs_input_grad
        grad_x = grad_z * y if needs_x else None  # dz/dx = y
        grad_y = grad_z * x if needs_y else None  # dz/dy = x
        return grad_x, grad_y


class MulScalar(Function):
    """z = x * number: the node that PyTorch's own rules record when they multiply by a constant."""

    overload = 1
    node_name = "MulBackward1"

    def forward(ctx, x, *, number):
        ctx.number = number
        return x * number

    def backward(ctx, grad_z):
        grad_x = MulScalar.apply(grad_z, number=ctx.number)  # dz/dx = number
        return grad_x


class Div(Function):
    """z = x / y, always floating."""

    def forward(ctx, x, y):
        needs_x, needs_y = ctx.needs_input_grad
        ctx.save_for_backward(x if needs_y else None, y if needs_x or needs_y else None)
        if type(y) in NUMBERS and x.dtype.kind == "f" and -EXACT <= y <= EXACT:
            y = asarray(y, x.dtype)
        elif type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            x, y = prepare(x, y)
        return in_default_float(x) / in_default_float(y)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_z / y if ctx.needs_input_grad[0] else None  # dz/dx = 1/y
        grad_y = -grad_z * ((x / y) / y) if ctx.needs_input_grad[1] else None  # dz/dy = -x/y²
        return grad_x, grad_y


class PowScalar(Function):
    """z = x ** number. At number = 0 the gradient is zero everywhere, also where x is 0 or infinite."""

    node_name = "PowBackward0"
    saved_inputs = slice(None)

    def forward(ctx, x, *, number):
        ctx.number = number
        ctx.save_for_backward(x)
        if type(number) in NUMBERS and x.dtype.kind == "f" and -EXACT <= number <= EXACT:
            number = asarray(number, x.dtype)
        else:
            refuse_negative_power(x, number)
            x, number = prepare(x, number)
        if x.dtype.kind == "b":
            return x | ~number
        return 1 / np.sqrt(x) if number == -0.5 else x**number  # PyTorch's way: NaN where x < 0, also at -inf

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        if ctx.number == 0:
            return grad_z * 0
        power = PowScalar.apply(x, number=ctx.number - 1)
        slope = MulScalar.apply(power, number=ctx.number)  # dz/dx = n xⁿ⁻¹
        grad_x = grad_z * slope
        return grad_x


def refuse_negative_power(x, number):
    """Raise PyTorch's error for integers to a negative integer power."""
    if x.dtype.kind != "f" and isinstance(number, int) and number < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def integer_power(x, y):
    """x ** y of integers. Where y is negative only 1 and -1 have an integer power; it is 0 for the others.

    Raises:
        NotImplementedError: both are bools.
    """
    if x.dtype.kind == "b":
        raise NotImplementedError('"pow" not implemented for bools: convert to integers first')
    power = x ** np.maximum(y, 0)
    of_unit = np.where(x == -1, 1 - 2 * (y % 2), x == 1)
    return np.where(y < 0, of_unit, power).astype(x.dtype)


class Pow(Function):
    """z = x ** y for tensors x and y. Where y is 0, dz/dx is 0; where x is 0 and y ≥ 0, dz/dy is 0."""

    overload = 1

    def forward(ctx, x, y):
        x_float, y_float = prepare(x, y)
        z = np.asarray(x_float**y_float if x_float.dtype.kind == "f" else integer_power(x_float, y_float))
        ctx.save_for_backward(x, y, z)
        return z

    def backward(ctx, grad_z):
        x, y, z = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            zero_where_flat = Where.apply(0.0, grad_z * (y * x ** (y - 1)), condition=array_of(y) == 0)
            grad_x = zero_where_flat  # dz/dx = y xʸ⁻¹
        if ctx.needs_input_grad[1]:
            at_zero = (array_of(x) == 0) & (array_of(y) >= 0)
            logarithm = Where.apply(0.0, z * Log.apply(x), condition=at_zero)
            grad_y = grad_z * logarithm  # dz/dy = xʸ ln x
        return grad_x, grad_y


class PowOfScalar(Function):
    """z = number ** x. Where number is 0 and x ≥ 0, the gradient is zero."""

    node_name = "PowBackward2"

    def forward(ctx, x, *, number):
        base, exponent = prepare(number, x)
        ctx.number = number
        z = np.asarray(base**exponent if base.dtype.kind == "f" else integer_power(base, exponent))
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        if ctx.number == 0:
            return grad_z * Where.apply(0.0, z * -np.inf, condition=array_of(x) >= 0)
        grad_x = grad_z * MulScalar.apply(z, number=float(np.log(ctx.number)))  # dz/dx = numberˣ ln(number)
        return grad_x


class Maximum(Function):
    """z = max(x, y), NaN if either is. Where they are equal each receives half the gradient."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        return np.maximum(x, y)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        first, second = array_of(x), array_of(y)
        shared = Where.apply(grad_z / 2, grad_z, condition=first == second)
        grad_x = Where.apply(0.0, shared, condition=first < second)
        grad_y = Where.apply(0.0, shared, condition=second < first)
        return grad_x, grad_y


class Minimum(Function):
    """z = min(x, y), NaN if either is. Where they are equal each receives half the gradient."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        return np.minimum(x, y)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        first, second = array_of(x), array_of(y)
        shared = Where.apply(grad_z / 2, grad_z, condition=first == second)
        grad_x = Where.apply(0.0, shared, condition=first > second)
        grad_y = Where.apply(0.0, shared, condition=second > first)
        return grad_x, grad_y


class Where(Function):
    """z = x where ``condition`` (a bool array) holds, else y. The gradient goes where the value came from."""

    def forward(ctx, x, y, *, condition):
        ctx.save_for_backward(condition)
        x, y = prepare(x, y)
        check_broadcast(condition, x)
        check_broadcast(condition, y)
        return np.where(condition, x, y)

    def backward(ctx, grad_z):
        condition = array_of(ctx.saved_tensors[0])
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            grad_x = Where.apply(grad_z, 0.0, condition=condition)
        if ctx.needs_input_grad[1]:
            grad_y = Where.apply(0.0, grad_z, condition=condition)
        return grad_x, grad_y


# ----------------------------------------------------------------------------------------------- one operand


class Neg(Function):
    """z = -x."""

    def forward(ctx, x):
        if x.dtype.kind == "b":
            raise NotImplementedError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
                "use the `~` or `logical_not()` operator instead."
            )
        return -x

    def backward(ctx, grad_z):
        grad_x = -grad_z  # dz/dx = -1
        return grad_x


class Abs(Function):
    """z = |x|. At 0 the gradient is 0."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        if x.dtype.kind == "b":
            raise NotImplementedError("abs is not supported for bool tensors")
        return np.abs(x)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Sgn.apply(x)  # dz/dx = sign(x)
        return grad_x


class Sgn(Function):
    """z = sign(x), 0 at 0 and for NaN: flat, so its gradient is zero everywhere."""

    def forward(ctx, x):
        return ((x > 0) * 1 - (x < 0)).astype(x.dtype)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


class Exp(Function):
    """z = eˣ."""

    def forward(ctx, x):
        z = np.asarray(np.exp(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * z  # dz/dx = eˣ = z
        return grad_x


class Log(Function):
    """z = ln x."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.log(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / x  # dz/dx = 1/x
        return grad_x


class Sqrt(Function):
    """z = √x. At 0 the gradient is infinite."""

    def forward(ctx, x):
        z = np.asarray(np.sqrt(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z / MulScalar.apply(z, number=2)  # dz/dx = 1/(2√x)
        return grad_x


class Reciprocal(Function):
    """z = 1/x."""

    def forward(ctx, x):
        z = np.asarray(np.reciprocal(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = -grad_z * (z * z)  # dz/dx = -1/x²
        return grad_x


class Sin(Function):
    """z = sin x, x in radians."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.sin(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Cos.apply(x)  # dz/dx = cos x
        return grad_x


class Cos(Function):
    """z = cos x, x in radians."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.cos(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * -Sin.apply(x)  # dz/dx = -sin x
        return grad_x


class Tanh(Function):
    """z = tanh x."""

    def forward(ctx, x):
        z = np.asarray(np.tanh(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = TanhBackward.apply(grad_z, z)  # dz/dx = 1 - tanh²x
        return grad_x


class TanhBackward(Function):
    """The gradient that passes a tanh with result z: grad · (1 - z²)."""

    def forward(ctx, grad, z):
        ctx.save_for_backward(grad, z)
        return grad * (1 - z * z)

    def backward(ctx, grad_out):
        grad, z = ctx.saved_tensors
        grad_grad = TanhBackward.apply(grad_out, z) if ctx.needs_input_grad[0] else None
        grad_z = grad_out * (-2 * z * grad)  # d(1 - z²)/dz = -2z
        return grad_grad, grad_z


class Sigmoid(Function):
    """z = 1 / (1 + e⁻ˣ)."""

    def forward(ctx, x):
        x = in_default_float(x)
        decay = np.exp(-np.abs(x))  # at most 1: nothing overflows
        z = np.asarray(np.where(x >= 0, 1, decay) / (1 + decay), x.dtype)
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = SigmoidBackward.apply(grad_z, z)  # dz/dx = z (1 - z)
        return grad_x


class SigmoidBackward(Function):
    """The gradient that passes a sigmoid with result z: grad · z (1 - z)."""

    def forward(ctx, grad, z):
        ctx.save_for_backward(grad, z)
        return grad * (1 - z) * z

    def backward(ctx, grad_out):
        grad, z = ctx.saved_tensors
        grad_grad = SigmoidBackward.apply(grad_out, z) if ctx.needs_input_grad[0] else None
        grad_z = grad_out * (grad * (1 - 2 * z))  # d(z (1 - z))/dz = 1 - 2z
        return grad_grad, grad_z


def pass_where_positive(grad, result, z):
    """z becomes grad where result is positive or NaN, 0 elsewhere."""
    where_not(result <= 0, grad, out=z)


class Relu(Function):
    """z = max(x, 0), NaN stays NaN. At 0 the gradient is 0."""

    writes_into = True

    def forward(ctx, x, *, out=None):
        if x.dtype.kind == "b":
            raise NotImplementedError("relu is not supported for bool tensors")
        z = np.empty_like(x) if out is None else out
        share_out_elements(positive_part, x, z)
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = ThresholdBackward.apply(grad_z, z)  # dz/dx = 1 where x > 0, else 0
        return grad_x


class ThresholdBackward(Function):
    """The gradient that passes a ReLU: unchanged where its result is positive or NaN, zero where it is zero."""

    def forward(ctx, grad, result):
        ctx.save_for_backward(result)
        z = np.empty_like(result, grad.dtype)
        share_out_elements(pass_where_positive, grad, result, z)
        return z

    def backward(ctx, grad_z):
        (result,) = ctx.saved_tensors
        grad_grad = ThresholdBackward.apply(grad_z, result)
        grad_result = constant_like(np.zeros(grad_z.shape), grad_z)  # the result only switches
        return grad_grad, grad_result


def check_bounds(x, lowest, highest):
    """Raise PyTorch's error where numbers cannot be compared with x in the type to which they promote."""
    if x.dtype.kind == "f":
        return
    for bound in (lowest, highest):
        if bound is not None:
            kind = promote(x, bound)[0].dtype
            if kind.kind == "b":
                raise NotImplementedError('"clamp" not implemented for bools: convert to integers first')
            number_as(bound, kind)


class Clamp(Function):
    """z = min(max(x, lowest), highest). The gradient passes where lowest < x < highest."""

    overload = 1

    def forward(ctx, x, *, lowest, highest):
        ctx.save_for_backward(x)
        ctx.lowest, ctx.highest = lowest, highest
        check_bounds(x, lowest, highest)
        z = x
        if lowest is not None:
            z = np.maximum(*prepare(z, lowest))
        if highest is not None:
            z = np.minimum(*prepare(z, highest))
        return z.copy() if z is x else z

    def backward(ctx, grad_z):
        x = array_of(ctx.saved_tensors[0])
        passes = np.ones(x.shape, np.bool_)
        if ctx.lowest is not None:
            passes &= x > ctx.lowest
        if ctx.highest is not None:
            passes &= x < ctx.highest
        grad_x = Where.apply(grad_z, 0.0, condition=passes)
        return grad_x


class Clone(Function):
    """z = a copy of x."""

    def forward(ctx, x):
        return x.copy(order="K")

    def backward(ctx, grad_z):
        return grad_z


class CloneContiguous(Clone):
    """z = a copy of x whose elements lie in row-major order."""

    node_name = "CloneBackward0"

    def forward(ctx, x):
        return x.copy(order="C")


class ToCopy(Function):
    """z = x converted to another type. The engine converts the gradient back."""

    def forward(ctx, x, *, dtype):
        return x.astype(dtype)

    def backward(ctx, grad_z):
        return grad_z


# ------------------------------------------------------------------------------------------------- in place


class Copy(Function):
    """x becomes y, broadcast and converted: x's own gradient is zero."""

    node_name = "torch::autograd::CopyBackwards"

    def forward(ctx, x, y):
        check_broadcast(x, y)
        return np.broadcast_to(y, np.broadcast_shapes(x.shape, np.shape(y))).astype(x.dtype)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        grad_y = grad_z if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


class Zero(Function):
    """x becomes 0: its gradient is zero."""

    def forward(ctx, x):
        return np.zeros_like(x)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


class Fill(Function):
    """x becomes ``number`` everywhere: its gradient is zero."""

    overload = 2

    def forward(ctx, x, *, number):
        return np.full_like(x, number)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


class FillFrom(Function):
    """x becomes y, one element, everywhere: x's gradient is zero, y's is the sum."""

    node_name = "FillBackward3"

    def forward(ctx, x, y):
        return np.full_like(x, y)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        grad_y = grad_z if ctx.needs_input_grad[1] else None
        return grad_x, grad_y
