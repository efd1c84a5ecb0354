"""Numbers beside a tensor, of every type: what they become, when they wrap, when they are refused, to the last bit."""

import math
import operator

import numpy as np
import pytest
import torch

import minigrad
from comparisons.outcomes import check_outcome
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("unmeasured")]

# Six values of each type, the largest and the smallest among them. (PyTorch dies of the smallest int64 // -1.)
VALUES = {
    "uint8": [0, 1, 2, 3, 250, 255],
    "int8": [0, 1, 2, -3, -128, 127],
    "int16": [0, 1, -3, 300, -(2**15), 2**15 - 1],
    "int32": [0, 1, -3, 300, -(2**31) + 1, 2**31 - 1],
    "int64": [0, 1, -3, 300, -(2**63) + 1, 2**63 - 1],
    "float16": [0.0, 1.0, -2.5, 1e-3, 65504.0, math.inf],
    "float32": [0.0, 1.0, -2.5, 1e-3, 1e38, math.nan],
    "float64": [0.0, 1.0, -2.5, 1e-3, 1e300, math.nan],
    "bool": [True, False, True, True, False, True],
}
INTEGERS = [0, 1, 2, -1, 127, 128, 255, 256, 300, -129, -300, 65535, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1]
FRACTIONS = [0.0, 0.5, -0.5, 2.5, -2.5, 0.1, 1e-9, -1e9, 1e5, 131008.0, 300.7, 1e39, -1e39, 2.0**63]
NUMBERS = [*INTEGERS, *FRACTIONS, math.nan, math.inf, -math.inf, True, False]
OF_NUMPY = [
    np.float64(0.1),
    np.float32(0.1),
    np.float16(0.1),
    np.int64(300),
    np.int8(3),
    np.uint8(200),
    np.int32(70000),
]

MASK = [True, False, True, False, False, True]


def mask_of(e, x):
    return e.tensor(MASK) if x.ndim else e.tensor(True)


def positions(e, x):
    return e.tensor([0, 2] if x.ndim else [0])


def written(change):
    """The operation that lets ``change`` write to a copy, and returns the copy."""

    def operation(e, x, number):
        x = x.clone()
        change(e, x, number)
        return x

    return operation


def matrix(x, start=0):
    return x[start : start + 4].reshape(2, 2)


OPERATORS = [operator.add, operator.sub, operator.mul, operator.mod, operator.pow, operator.lt, operator.eq]
BESIDE = {
    **{each.__name__: lambda e, x, n, operate=each: operate(x, n) for each in OPERATORS},
    "truediv": lambda e, x, n: x / n,
    "floordiv": lambda e, x, n: x // n,
    "and": lambda e, x, n: x & n,
    "shift": lambda e, x, n: x << n,
    "number + x": lambda e, x, n: n + x,
    "number - x": lambda e, x, n: n - x,
    "number / x": lambda e, x, n: n / x,
    "number // x": lambda e, x, n: n // x,
    "number % x": lambda e, x, n: n % x,
    "number ** x": lambda e, x, n: n**x,
    "div(number, x)": lambda e, x, n: e.div(n, x),
    "div floor": lambda e, x, n: e.div(x, n, rounding_mode="floor"),
    "div trunc": lambda e, x, n: e.div(x, n, rounding_mode="trunc"),
    "div floor, number": lambda e, x, n: e.div(n, x, rounding_mode="floor"),
    "fmod": lambda e, x, n: e.fmod(x, n),
    "+=": written(lambda e, x, n: operator.iadd(x, n)),
    "/=": written(lambda e, x, n: operator.itruediv(x, n)),
    "**=": written(lambda e, x, n: operator.ipow(x, n)),
    "with a tensor of no dimension": lambda e, x, n: x * e.tensor(n),
    "divided by a tensor of no dimension": lambda e, x, n: x / e.tensor(n),
    "result_type": lambda e, x, n: e.zeros((), dtype=e.result_type(x, n)),
    "where": lambda e, x, n: e.where(mask_of(e, x), x, n),
    "where number": lambda e, x, n: e.where(mask_of(e, x), n, x),
    "where two numbers": lambda e, x, n: e.where(mask_of(e, x), n, 1),
}
CONVERTED = {
    "add alpha": lambda e, x, n: e.add(x, x, alpha=n),
    "sub alpha": lambda e, x, n: e.sub(x, x, alpha=n),
    "add alpha of a number": lambda e, x, n: e.add(x, 1, alpha=n),
    "rsub alpha": lambda e, x, n: e.rsub(x, x, alpha=n),
    "add_ alpha": written(lambda e, x, n: x.add_(x.clone(), alpha=n)),
    "addcmul": lambda e, x, n: e.addcmul(x, x, x, value=n),
    "lerp": lambda e, x, n: e.lerp(x, x + 1, n),
    "addr": lambda e, x, n: e.addr(matrix(x), x[:2], x[1:3], alpha=n),
    "clamp": lambda e, x, n: x.clamp(n),
    "clamp between": lambda e, x, n: x.clamp(0, n),
    "clamp_": written(lambda e, x, n: x.clamp_(max=n)),
    "full": lambda e, x, n: e.full((2,), n),
    "full of a type": lambda e, x, n: e.full((2,), n, dtype=x.dtype),
    "new_full": lambda e, x, n: x.new_full((2,), n),
    "new_tensor": lambda e, x, n: x.new_tensor([n]),
    "copy_": written(lambda e, x, n: x.copy_(n)),
    "masked_fill": lambda e, x, n: x.masked_fill(mask_of(e, x), n),
    "masked_fill of a tensor": lambda e, x, n: x.masked_fill(mask_of(e, x), e.tensor(n)),
    "scatter": lambda e, x, n: x.scatter(0, positions(e, x), n),
    "index_fill": lambda e, x, n: x.index_fill(0, positions(e, x), n),
    "index_fill of a tensor": lambda e, x, n: x.index_fill(0, positions(e, x), e.tensor(n)),
    "pad": lambda e, x, n: e.nn.functional.pad(x, (1, 1), value=n),
    "leaky_relu": lambda e, x, n: e.nn.functional.leaky_relu(x, n),
    "threshold": lambda e, x, n: e.nn.functional.threshold(x, n, 2),
    "threshold value": lambda e, x, n: e.nn.functional.threshold(x, 1, n),
    "hardtanh": lambda e, x, n: e.nn.functional.hardtanh(x, -65504 if x.is_floating_point() else 0, n),
    "hardshrink": lambda e, x, n: e.nn.functional.hardshrink(x, n),
    "softshrink": lambda e, x, n: e.nn.functional.softshrink(x, n),
    "elu": lambda e, x, n: e.nn.functional.elu(x, n),
    "x[...]": written(lambda e, x, n: operator.setitem(x, ..., n)),
    "x[:]": written(lambda e, x, n: operator.setitem(x, slice(0, 2), n)),
    "x[mask]": written(lambda e, x, n: operator.setitem(x, mask_of(e, x), n)),
    "x[positions]": written(lambda e, x, n: operator.setitem(x, positions(e, x), n)),
    "x[mask] = a tensor of no dimension": written(lambda e, x, n: operator.setitem(x, mask_of(e, x), e.tensor(n))),
    "x[0] = a tensor of no dimension": written(lambda e, x, n: operator.setitem(x, 0, e.tensor(n))),
}
FILLED = {
    "fill_": written(lambda e, x, n: x.fill_(n)),
    "full_like": lambda e, x, n: e.full_like(x, n),
}


def check_every_type(name, operation, numbers, values=VALUES):
    """Six elements beside every number, and one without dimensions beside every third: there the kinds decide."""
    few = numbers if THOROUGH else numbers[::3]
    for kind, elements in values.items():
        for data, beside in ((elements, numbers), (elements[2], few)):
            tensors = {e: e.tensor(data, dtype=getattr(e, kind)) for e in (minigrad, torch)}
            for number in beside:
                case = f"{name} of {kind} {data} and {number!r}"
                check_outcome(case, lambda e: operation(e, tensors[e], number))  # noqa: B023


@pytest.mark.parametrize("name", {**BESIDE, **CONVERTED})
def test_a_number_beside_a_tensor(name):
    check_every_type(name, {**BESIDE, **CONVERTED}[name], NUMBERS)


@pytest.mark.parametrize("name", FILLED)
def test_a_number_everywhere(name):
    with_dimensions = {kind: [elements] * 3 for kind, elements in VALUES.items()}
    check_every_type(name, FILLED[name], NUMBERS, with_dimensions)


@pytest.mark.parametrize("name", BESIDE)
def test_numpys_numbers_count_as_pythons(name):
    check_every_type(name, BESIDE[name], OF_NUMPY)


@pytest.mark.parametrize("number", [0.1234567891234, 1e300, 2**53 + 1, np.float64(0.1)])
@pytest.mark.parametrize("index", [0, slice(1, 3), [0, 2], MASK, ...], ids=str)
def test_a_number_is_written_as_it_is(number, index):
    x = minigrad.zeros(6, dtype=minigrad.float64)
    x[index] = number
    assert set(x.numpy()) <= {0.0, float(number)}
    assert x.numpy().max() == number


def test_a_factor_and_a_divisor_of_float16_numbers_are_not_rounded_first():
    x = minigrad.tensor([1e-3], dtype=minigrad.float16)
    for e, small in ((minigrad, x), (torch, torch.tensor([1e-3], dtype=torch.float16))):
        assert (small * 1e5).item() == (1e5 * small).item() == 100.0625
        assert ((small * 1e5) / 1e6).item() == (e.tensor(100.0625, dtype=e.float16) / 1e6).item() > 0
        assert (small * e.tensor(1e5)).item() == 100.0625


# ----------------------------------------------------------------------------------------------------- older calls


def operands(e):
    return e.tensor([[1.0, 2.0], [3.0, 4.0]]), e.tensor([1.0, 2.0]), e.tensor([[[1.0, 2.0], [3.0, 4.0]]])


OLDER = {
    "add": lambda e, s, v, b: e.add(s, 2, s),
    "add of numbers": lambda e, s, v, b: e.add(s, 2, 3),
    "x.add": lambda e, s, v, b: s.add(2, s),
    "add_": lambda e, s, v, b: s.add_(2, s.clone()),
    "add of integers and a float": lambda e, s, v, b: e.add(s.int(), 0.5, s.int()),
    "add, the factor last": lambda e, s, v, b: e.add(s, s, 2),
    "sub": lambda e, s, v, b: e.sub(s, 2, s),
    "sub_": lambda e, s, v, b: s.sub_(2, s.clone()),
    "rsub of numbers": lambda e, s, v, b: e.rsub(s, 2, 3),
    "addcmul": lambda e, s, v, b: e.addcmul(s, 2, s, s),
    "addcmul_": lambda e, s, v, b: s.addcmul_(2, s.clone(), s.clone()),
    "addcdiv": lambda e, s, v, b: e.addcdiv(s, 2, s, s),
    "x.addcdiv": lambda e, s, v, b: s.addcdiv(0.5, s, s),
    "addmm": lambda e, s, v, b: e.addmm(2, s, s, s),
    "addmm, two": lambda e, s, v, b: e.addmm(2, s, 3, s, s),
    "x.addmm": lambda e, s, v, b: s.addmm(2, s, s),
    "x.addmm, two": lambda e, s, v, b: s.addmm(2, 3, s, s),
    "addmm_": lambda e, s, v, b: s.addmm_(2, 3, s.clone(), s.clone()),
    "addmm, factors last": lambda e, s, v, b: e.addmm(s, s, s, 2, 3),
    "addmv": lambda e, s, v, b: e.addmv(2, v, 3, s, v),
    "x.addmv": lambda e, s, v, b: v.addmv(2, 3, s, v),
    "addr": lambda e, s, v, b: e.addr(2, s, 3, v, v),
    "addr_": lambda e, s, v, b: s.addr_(2, v, v),
    "baddbmm": lambda e, s, v, b: e.baddbmm(2, b, 3, b, b),
    "x.baddbmm": lambda e, s, v, b: b.baddbmm(2, b, b),
}


@pytest.mark.parametrize("name", OLDER)
def test_older_calls(name):
    check_outcome(name, lambda e: OLDER[name](e, *operands(e)))


def test_older_calls_are_deprecated():
    with pytest.warns(UserWarning, match="This overload of add is deprecated") as caught:
        minigrad.add(minigrad.ones(2), 2, minigrad.ones(2))
    assert caught[0].filename == __file__
