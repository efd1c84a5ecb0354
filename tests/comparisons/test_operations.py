"""Every operation against PyTorch: values, gradients, second-order gradients, graphs, over awkward inputs.

A case is a name, a function of ``(engine, *tensors)``, and the arrays to call it with.
"""

import math

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_operation, compare_graphs, compare_values

rng = np.random.default_rng(7)


def uneven(*shape):
    """Distinct numbers of both signs, none of them near zero or a tie."""
    count = math.prod(shape)
    values = np.linspace(0.3, 2.7, count) * np.where(np.arange(count) % 2, -1.0, 1.0)
    return rng.permutation(values).reshape(shape)


def positive(*shape):
    return np.abs(uneven(*shape))


SHAPES = [(), (0,), (3,), (2, 3), (2, 0, 3), (1, 1), (2, 1, 3)]
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-300, 1e300, 5e-324])

UNARY = {
    "neg": lambda e, x: -x,
    "pos": lambda e, x: +x * 1,
    "abs": lambda e, x: x.abs(),
    "exp": lambda e, x: x.exp(),
    "sin": lambda e, x: x.sin(),
    "cos": lambda e, x: x.cos(),
    "tanh": lambda e, x: x.tanh(),
    "sigmoid": lambda e, x: x.sigmoid(),
    "relu": lambda e, x: x.relu(),
    "square": lambda e, x: x.square(),
    "reciprocal": lambda e, x: x.reciprocal(),
    "pow 3": lambda e, x: x**3,
    "pow 2.0": lambda e, x: x**2.0,
    "pow 1": lambda e, x: x**1,
    "pow 0": lambda e, x: x**0,
    "pow -1": lambda e, x: x**-1,
    "2 **": lambda e, x: 2**x,
    "0.5 **": lambda e, x: 0.5**x,
    "add number": lambda e, x: x + 2,
    "number add": lambda e, x: 2.5 + x,
    "sub number": lambda e, x: x - 2,
    "number sub": lambda e, x: 2 - x,
    "mul number": lambda e, x: x * 3,
    "mul bool": lambda e, x: x * True,
    "number mul": lambda e, x: -1.5 * x,
    "div number": lambda e, x: x / 3,
    "number div": lambda e, x: 3 / x,
    "clone": lambda e, x: x.clone(),
    "clamp": lambda e, x: x.clamp(-1, 1),
    "clamp min": lambda e, x: x.clamp(min=0.5),
    "clamp max": lambda e, x: x.clamp(max=0.5),
    "sum": lambda e, x: x.sum(),
    "sum of squares": lambda e, x: (x * x).sum(),
    "mean": lambda e, x: (x * x).mean(),
    "repeated": lambda e, x: x * x + x * x * x,
    "unsqueeze": lambda e, x: x.unsqueeze(0),
    "unsqueeze -1": lambda e, x: x.unsqueeze(-1),
    "squeeze": lambda e, x: x.squeeze(),
    "reshape": lambda e, x: x.reshape(-1) if x.numel() else x.reshape(0),
    "flatten": lambda e, x: x.flatten(),
    "view as itself": lambda e, x: x.view(x.shape),
    "T of 2 or fewer": lambda e, x: x.t() if x.ndim < 3 else x * 1,
    "to float32": lambda e, x: x.float(),
    "getitem None": lambda e, x: x[None],
    "getitem dots": lambda e, x: x[..., None],
    "isnan": lambda e, x: x.isnan(),
    "isfinite": lambda e, x: x.isfinite(),
    "all": lambda e, x: (x > 0).all(),
    "any": lambda e, x: (x > 0).any(),
}
POSITIVE = {
    "log": lambda e, x: x.log(),
    "sqrt": lambda e, x: x.sqrt(),
    "pow 0.5": lambda e, x: x**0.5,
    "pow -1.5": lambda e, x: x**-1.5,
    "pow tensor": lambda e, x: x ** (x * 0.5),
}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_unary(name, shape):
    check_operation(name, UNARY[name], uneven(*shape))


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_of_positive_numbers(name, shape):
    check_operation(name, POSITIVE[name], positive(*shape))


@pytest.mark.parametrize("name", [*UNARY, *POSITIVE])
def test_special_values(name):
    check_operation(name, (UNARY | POSITIVE)[name], SPECIAL, order=1)


@pytest.mark.parametrize("name", [*UNARY, *POSITIVE])
@pytest.mark.parametrize("dtype", [np.float32, np.float16], ids=["float32", "float16"])
def test_narrower_types(name, dtype):
    check_operation(name, (UNARY | POSITIVE)[name], positive(4).astype(dtype), order=1, tolerance=np.dtype(dtype).name)


@pytest.mark.parametrize("name", [*UNARY, *POSITIVE])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_], ids=["int64", "int32", "uint8", "bool"])
def test_integers_and_bools(name, dtype):
    values = np.array([[1, 2, 0], [3, 1, 1]]).astype(dtype)
    outcomes = []
    for engine in (minigrad, torch):
        try:
            outcomes.append((UNARY | POSITIVE)[name](engine, engine.from_numpy(values.copy())))
        except (RuntimeError, TypeError, NotImplementedError) as error:
            outcomes.append(type(error))
    if isinstance(outcomes[0], type) or isinstance(outcomes[1], type):
        assert outcomes[0] is outcomes[1], (name, outcomes)
    else:
        compare_values(name, *outcomes, "float32").check()


BINARY = {
    "add": lambda e, x, y: x + y,
    "sub": lambda e, x, y: x - y,
    "mul": lambda e, x, y: x * y,
    "div": lambda e, x, y: x / y,
    "maximum": lambda e, x, y: e.maximum(x, y),
    "minimum": lambda e, x, y: e.minimum(x, y),
    "where": lambda e, x, y: e.where(x > 0, x, y),
    "add alpha": lambda e, x, y: x.add(y, alpha=3),
    "sub alpha": lambda e, x, y: x.sub(y, alpha=0.5),
    "both ways": lambda e, x, y: (x + y) * (x - y) / (x * x + y * y),
    "lt": lambda e, x, y: x < y,
    "eq": lambda e, x, y: x == y,
    "ge": lambda e, x, y: x >= y,
}
PAIRS = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), ())]
PAIRS += [((2, 0), (1, 1)), ((0,), (1,)), ((4, 1, 3), (2, 1))]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_binary(name, shapes):
    graph = "alpha" not in name  # a scaled operand is two nodes here, one in PyTorch
    check_operation(name, BINARY[name], uneven(*shapes[0]), uneven(*shapes[1]) * 1.1, graph=graph)


@pytest.mark.parametrize("name", BINARY)
def test_binary_special_values(name):
    x, y = np.meshgrid(SPECIAL, SPECIAL)
    check_operation(name, BINARY[name], x.copy(), y.copy(), order=1, graph=False)


@pytest.mark.parametrize("name", BINARY)
def test_binary_non_contiguous(name):
    check_operation(name, BINARY[name], uneven(3, 4).T, uneven(8, 3)[::2], graph=False)


def test_pow_of_tensors():
    check_operation("pow", lambda e, x, y: x**y, positive(2, 3), uneven(3))
    base = np.array([0.0, 0.0, 2.0, 0.0, 1.0, np.inf, 3.0])
    exponent = np.array([0.0, 2.0, 0.0, -1.0, np.inf, 1.0, -2.0])
    check_operation("pow at zeros", lambda e, x, y: x**y, base, exponent, order=1)
    check_operation("0 **", lambda e, x: 0**x, np.array([0.0, 1.0, 2.5, -1.0]), order=1)


TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-1.0, -5.0, -1.0]])
NANS = np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, np.nan], [np.inf, -np.inf, 0.0]])

REDUCTIONS = {
    "sum": lambda e, x, dim, keep: x.sum(dim, keepdim=keep),
    "mean": lambda e, x, dim, keep: x.mean(dim, keepdim=keep),
    "amax": lambda e, x, dim, keep: x.amax(dim, keepdim=keep),
    "amin": lambda e, x, dim, keep: x.amin(dim, keepdim=keep),
    "var": lambda e, x, dim, keep: x.var(dim, keepdim=keep),
}
ONE_DIM = {
    "max": lambda e, x, dim, keep: tuple(x.max(dim, keepdim=keep)),
    "min": lambda e, x, dim, keep: tuple(x.min(dim, keepdim=keep)),
    "argmax": lambda e, x, dim, keep: x.argmax(dim, keepdim=keep),
    "argmin": lambda e, x, dim, keep: x.argmin(dim, keepdim=keep),
    "softmax": lambda e, x, dim, keep: x.softmax(dim),
    "log_softmax": lambda e, x, dim, keep: x.log_softmax(dim),
    "all": lambda e, x, dim, keep: (x > 1).all(dim, keepdim=keep),
    "any": lambda e, x, dim, keep: (x > 1).any(dim, keepdim=keep),
}


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")  # PyTorch's, for the variance of one value
@pytest.mark.parametrize("name", [*REDUCTIONS, *ONE_DIM])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("values", ["uneven", "ties", "nan", "single"])
def test_reduction_along_a_dim(name, keepdim, dim, values):
    array = {"uneven": uneven(3, 4), "ties": TIES, "nan": NANS, "single": uneven(1, 1)}[values]
    function = (REDUCTIONS | ONE_DIM)[name]
    order = 1 if values in ("nan", "single") else 2
    check_operation(name, lambda e, x: function(e, x, dim, keepdim), array, order=order)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dim", [(0, 2), (1,), (-1, 0), (0, 1, 2)], ids=str)
def test_reduction_over_several_dims(name, dim):
    check_operation(name, lambda e, x: REDUCTIONS[name](e, x, dim, False), uneven(2, 3, 4))
    check_operation(name, lambda e, x: REDUCTIONS[name](e, x, dim, True), uneven(2, 3, 4))


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin"])
@pytest.mark.parametrize("values", [uneven(3, 4), TIES, NANS, np.array(2.5)], ids=["uneven", "ties", "nan", "0-dim"])
def test_reduction_of_all(name, values):
    check_operation(name, lambda e, x: getattr(x, name)(), values, order=1)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction_of_nothing_along_a_dim(name):
    if name in ("amax", "amin"):
        pytest.skip("an extremum of nothing is an error: see test_errors.py")
    check_operation(name, lambda e, x: REDUCTIONS[name](e, x, 1, False), np.zeros((2, 0)), order=1)


SHAPE_OPERATIONS = {
    "transpose": lambda e, x: x.transpose(0, 2),
    "transpose negative": lambda e, x: x.transpose(-1, 1),
    "permute": lambda e, x: x.permute(2, 0, 1),
    "T": lambda e, x: x[0].T,
    "mT": lambda e, x: x.mT,
    "reshape": lambda e, x: x.reshape(4, -1),
    "reshape of a transpose": lambda e, x: x.transpose(0, 2).reshape(-1, 2),
    "view": lambda e, x: x.view(6, 4),
    "flatten from 1": lambda e, x: x.flatten(1),
    "flatten to 1": lambda e, x: x.flatten(0, 1),
    "squeeze dim": lambda e, x: x.unsqueeze(1).squeeze(1),
    "squeeze a dim that stays": lambda e, x: x.squeeze(1),
    "expand": lambda e, x: x[:, :1].expand(-1, 5, -1),
    "expand new": lambda e, x: x.expand(2, 2, 3, 4),
    "contiguous": lambda e, x: x.transpose(0, 1).contiguous(),
    "contiguous already": lambda e, x: x.contiguous() * 1,
    "cat": lambda e, x: e.cat([x, x * 2, x[:, :1]], 1),
    "cat negative": lambda e, x: e.cat((x, x), dim=-1),
    "stack": lambda e, x: e.stack([x, x * x], 1),
    "stack last": lambda e, x: e.stack([x, x], -1),
    "select": lambda e, x: x[1],
    "select last": lambda e, x: x[-1, -2],
    "element": lambda e, x: x[1, 2, 3],
    "slice": lambda e, x: x[:, 1:3],
    "slice step": lambda e, x: x[..., ::2],
    "slice negative": lambda e, x: x[:, -2:],
    "slice empty": lambda e, x: x[:, 2:1],
    "mixed": lambda e, x: x[1:, None, 0, ..., 2],
    "list": lambda e, x: x[:, [2, 0, 2]],
    "two lists": lambda e, x: x[[0, 1, 0], [2, 2, 2]],
    "tensor index": lambda e, x: x[e.tensor([[0, 1], [1, 1]])],
    "mask": lambda e, x: x[x > 0],
    "mask of rows": lambda e, x: x[e.tensor([True, False])],
    "iteration": lambda e, x: tuple(row * 2 for row in x[0]),
}


@pytest.mark.parametrize("name", SHAPE_OPERATIONS)
def test_shape_operation(name):
    graph = name != "iteration"  # PyTorch iterates through unbind
    check_operation(name, SHAPE_OPERATIONS[name], uneven(2, 3, 4), graph=graph)
    check_operation(name, lambda e, x: SHAPE_OPERATIONS[name](e, x * x), uneven(2, 3, 4), graph=graph)


DIVISIONS = {
    "remainder": lambda e, x, y: x % y,
    "remainder of a function": lambda e, x, y: e.remainder(x, y),
    "fmod": lambda e, x, y: e.fmod(x, y),
    "remainder by a number": lambda e, x, y: x % 0.7,
    "fmod by a number": lambda e, x, y: x.fmod(-0.7),
    "div, floor": lambda e, x, y: e.div(x, y, rounding_mode="floor"),
    "div, trunc": lambda e, x, y: x.div(y, rounding_mode="trunc"),
    "div by a number, floor": lambda e, x, y: x.div(0.7, rounding_mode="floor"),
    "remainder_": lambda e, x, y: (x * 1).remainder_(y),
    "fmod_": lambda e, x, y: (x * 1).fmod_(2),
    "div_, trunc": lambda e, x, y: (x * 1).div_(y, rounding_mode="trunc"),
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_division(name):
    check_operation(name, DIVISIONS[name], uneven(2, 3), uneven(2, 3) + 0.1)
    check_operation(name, DIVISIONS[name], uneven(2, 1, 3), uneven(3))
    check_operation(name, DIVISIONS[name], SPECIAL[:-1], np.roll(SPECIAL[:-1], 3), order=1)


def test_floor_division_has_no_gradient():
    for call in (lambda x: x // 2, lambda x: 2 // x, lambda x: x // x, lambda x: 2 % x):
        ours, theirs = [call(e.tensor([2.5, -1.5], requires_grad=True)) for e in (minigrad, torch)]
        compare_values("floor division", ours, theirs, "float32").check()
        compare_graphs("floor division", ours, theirs).check()
        for result in (ours, theirs):
            with pytest.raises(RuntimeError, match="derivative for .* is not implemented"):
                result.sum().backward()


MATMULS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4))]
MATMULS += [((2, 0), (0, 3)), ((0, 3), (3, 2)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2))]


@pytest.mark.parametrize("shapes", MATMULS, ids=str)
def test_matmul(shapes):
    simple = len(shapes[0]) <= 2 and len(shapes[1]) <= 2
    check_operation("matmul", lambda e, a, b: a @ b, uneven(*shapes[0]), uneven(*shapes[1]), graph=simple)


def test_products_by_name():
    check_operation("mm", lambda e, a, b: a.mm(b.t()), uneven(2, 3), uneven(4, 3))
    check_operation("mv", lambda e, a, v: e.mv(a, v), uneven(2, 3), uneven(3))
    check_operation("dot", lambda e, a, b: e.dot(a, b), uneven(3), uneven(3))
    check_operation("dot with itself", lambda e, a: a @ a, uneven(3))
    check_operation("bmm", lambda e, a, b: e.bmm(a, b), uneven(2, 3, 4), uneven(2, 4, 5))
    check_operation("addmm", lambda e, c, a, b: e.addmm(c, a, b), uneven(5), uneven(2, 3), uneven(3, 5))
    check_operation("mm of transposes", lambda e, a, b: a.t() @ b.t(), uneven(3, 2), uneven(4, 3))


@pytest.mark.parametrize("shape", [(2, 3), (3,), (4, 2, 3), (0, 3)], ids=str)
def test_linear(shape):
    def linear(e, x, w, b):
        return e.nn.functional.linear(x, w, b)

    check_operation("linear", linear, uneven(*shape), uneven(5, 3), uneven(5))
    check_operation("linear without bias", lambda e, x, w: linear(e, x, w, None), uneven(*shape), uneven(5, 3))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [[0, 2, 1], [1, 1, 1], [2, -100, 0], [-100, -100, -100]], ids=str)
def test_cross_entropy(reduction, weighted, targets):
    def loss(e, x):
        weight = e.tensor([0.5, 1.0, 2.0], dtype=e.float64) if weighted else None
        return e.nn.functional.cross_entropy(x, e.tensor(targets), weight, reduction=reduction)

    check_operation("cross_entropy", loss, uneven(3, 3))


def test_losses():
    def large(e, x):
        return e.nn.functional.cross_entropy(x * 1000, e.tensor([0, 1]))

    check_operation("cross_entropy of large scores", large, uneven(2, 3))
    check_operation("one sample", lambda e, x: e.nn.functional.cross_entropy(x, e.tensor(1)), uneven(3))
    check_operation(
        "ignore_index", lambda e, x: e.nn.NLLLoss(ignore_index=1)(x.log_softmax(1), e.tensor([0, 1, 2])), uneven(3, 4)
    )
    for reduction in ("mean", "sum", "none"):
        check_operation(
            f"mse {reduction}",
            lambda e, x, y, reduction=reduction: e.nn.functional.mse_loss(x, y, reduction=reduction),
            uneven(2, 3),
            uneven(2, 3) * 2,
        )


@pytest.mark.parametrize("operation", ["mul_", "div_", "remainder_", "sub_", "copy_"])
def test_in_place_keeps_what_its_rule_needs(operation):
    check_operation(operation, lambda e, x, y: getattr(x * 1, operation)(y), uneven(2, 3), uneven(2, 3) + 0.1)


def test_in_place_with_itself_is_noticed():
    for e in (minigrad, torch):
        x = e.tensor([1.5, 2.5], requires_grad=True) * 1
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            x.mul_(x).sum().backward()


# --------------------------------------------------------------------------------------------------- products and zeros


def gradient_of_product(values, running):
    """The gradient and the second derivatives of the product of all, or of the sum of the running products, by hand."""
    count = len(values)
    gradient, second = np.zeros(count), np.zeros((count, count))
    for last in range(count) if running else [count - 1]:
        for i in range(last + 1):
            gradient[i] += math.prod(values[k] for k in range(last + 1) if k != i)
            for j in set(range(last + 1)) - {i}:
                second[i, j] += math.prod(values[k] for k in range(last + 1) if k not in (i, j))
    return gradient, second


PRODUCTS = {"prod": lambda x: x.prod(), "prod of a dim": lambda x: x.prod(0), "cumprod": lambda x: x.cumprod(0).sum()}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("values", [[2, -3, 0.5], [0, 2, -3], [2, 0, 0, 5], [0, 0, 0, 2], [0, 3, 0], [0], [7]], ids=str)
def test_products_with_zeros_to_second_order(values, name):
    gradient, second = gradient_of_product(values, name == "cumprod")
    x = minigrad.tensor(values, dtype=minigrad.float64, requires_grad=True)
    (plain,) = minigrad.autograd.grad(PRODUCTS[name](x), x)
    assert np.array_equal(plain.numpy(), gradient)
    (first,) = minigrad.autograd.grad(PRODUCTS[name](x), x, create_graph=True)
    assert np.array_equal(first.detach().numpy(), gradient)
    for row, expected in zip(first, second):
        if row.requires_grad:
            (found,) = minigrad.autograd.grad(row, x, retain_graph=True, materialize_grads=True)
            assert np.allclose(found.numpy(), expected, rtol=1e-15)
        else:
            assert not expected.any()


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize(
    "signs", ["++00", "++0+", "0++", "00++", "++0--", "0++--", "+0+0+", "++00++", "0+++0"], ids=str
)
def test_products_of_large_numbers_and_zeros(signs, kind):
    """What is multiplied by a zero is zero, though the rest goes beyond the type: never 0 · ∞."""
    size = {"float32": 1e30, "float64": 1e250}[kind]
    values = [{"+": size, "-": 1 / size, "0": 0.0}[sign] for sign in signs]
    zeros = [place for place, sign in enumerate(signs) if sign == "0"]
    x = minigrad.tensor(values, dtype=getattr(minigrad, kind), requires_grad=True)
    for product in (lambda: x.prod(), lambda: x.prod(0), lambda: x.expand(2, -1).prod(1).sum()):
        (grad,) = minigrad.autograd.grad(product(), x)
        others = [place for place in range(len(signs)) if zeros != [place]]
        assert not grad.numpy()[others].any(), "another factor is zero"
        assert not np.isnan(grad.numpy()).any()
    (grad,) = minigrad.autograd.grad(x.cumprod(0), x, minigrad.ones_like(x))
    assert not np.isnan(grad.numpy()).any()
    assert not grad.numpy()[zeros[0] + 1 :].any(), "a zero stands before"


def test_a_product_may_return_from_beyond_the_type():
    x = minigrad.tensor([1e30, 1e30, 0.0, 1e-30, 1e-30], requires_grad=True)
    x.prod().backward()
    assert x.grad.tolist() == pytest.approx([0, 0, 1, 0, 0])
