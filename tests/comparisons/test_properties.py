"""Properties: shapes, types, indices and chains of operations that nobody chose, on both engines.

Hypothesis draws them, and shrinks what fails to the smallest case that still does.
"""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import minigrad
from comparisons import check_outcome, compare_values
from tests.thorough import THOROUGH

pytestmark = pytest.mark.usefixtures("unmeasured")

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "int8", "bool"]
SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
MANY = settings(max_examples=300 if THOROUGH else 100, deadline=None, derandomize=True)


def values(shape, seed, dtype):
    """Small numbers that every type has, with ties and zeros among them."""
    numbers = np.random.default_rng(seed).integers(0, 4, shape)
    return numbers if dtype in ("uint8", "bool") else numbers - 1


def tensor(e, shape, seed, dtype):
    return e.tensor(values(shape, seed, dtype).tolist() if 0 not in shape else np.zeros(shape), dtype=getattr(e, dtype))


BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "pow": lambda a, b: a**b,
    "lt": lambda a, b: a < b,
    "eq": lambda a, b: a == b,
    "and": lambda a, b: a & b,
    "maximum": lambda a, b: a.maximum(b),
    "in place": lambda a, b: a.add_(b),
    "in-place division": lambda a, b: a.div_(b),
}


@MANY
@given(
    arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3),
    st.sampled_from(DTYPES),
    st.sampled_from(DTYPES),
    st.sampled_from(sorted(BINARY)),
    st.integers(0, 99),
)
def test_types_and_shapes_of_two_operands(shapes, first, second, name, seed):
    """The type, the shape and the values of a result, or the type of the error."""

    def call(e):
        a, b = tensor(e, shapes.input_shapes[0], seed, first), tensor(e, shapes.input_shapes[1], seed + 1, second)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return BINARY[name](a, b)

    check_outcome(f"{first} {name} {second}", call)


@MANY
@given(SHAPES, st.sampled_from(DTYPES), st.one_of(st.integers(-5, 5), st.floats(-5, 5), st.booleans()), st.data())
def test_types_with_numbers(shape, dtype, number, data):
    name = data.draw(st.sampled_from(["add", "mul", "sub", "div", "lt", "in place"]))
    check_outcome(f"{dtype} {name} {number}", lambda e: BINARY[name](tensor(e, shape, 3, dtype), number))


@MANY
@given(st.data(), arrays.array_shapes(min_dims=1, max_dims=4, max_side=4))
def test_indexing(data, shape):
    """x[index] and its gradient; x[index] = v and both of its gradients."""
    parts = []
    for size in shape[: data.draw(st.integers(0, len(shape)))]:
        parts.append(
            data.draw(
                st.one_of(
                    st.integers(-size, size - 1),
                    st.slices(size).map(lambda s: slice(s.start, s.stop, abs(s.step) if s.step else None)),
                    st.lists(st.integers(-size, size - 1), min_size=2, max_size=2),
                    st.lists(st.booleans(), min_size=size, max_size=size).map(np.array),
                )
            )
        )
    for extra in data.draw(st.lists(st.sampled_from([None, Ellipsis]), max_size=1)):
        parts.insert(data.draw(st.integers(0, len(parts))), extra)
    index = tuple(parts)

    def call(e):
        x = e.arange(float(np.prod(shape)), dtype=e.float64).reshape(shape).requires_grad_()
        picked = x[index]
        (picked * picked).sum().backward()
        changed, value = x * 2, e.tensor(3.0, dtype=e.float64, requires_grad=True)
        changed[index] = value
        (changed * changed).sum().backward()
        return picked, changed, x.grad, value.grad

    check_outcome(f"{shape} {index}", call)


@MANY
@given(st.data(), SHAPES)
def test_reductions(data, shape):
    name = data.draw(
        st.sampled_from(["sum", "mean", "amax", "amin", "prod", "logsumexp", "std", "var", "cumsum", "max"])
    )
    dims = st.integers(-len(shape) - 1, len(shape))
    if name in ("sum", "mean", "amax", "amin", "logsumexp", "std", "var"):
        count = max(len(shape), 1)  # each dimension once: which of two errors comes first is not compared
        dims = st.one_of(dims, st.lists(dims, max_size=3, unique_by=lambda dim: dim % count).map(tuple))
    dim = data.draw(dims)
    assume(dim != () or name not in ("logsumexp", "std", "var"))  # PyTorch errs: it refuses, or its gradient is -inf
    options = {"keepdim": data.draw(st.booleans())} if name != "cumsum" else {}

    def call(e):
        x = tensor(e, shape, 5, "float64").requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = getattr(x, name)(dim, **options)
        first = result[0] if isinstance(result, tuple) else result
        return first, e.autograd.grad((first * first).sum(), x)[0]

    check_outcome(f"{name} of {shape} along {dim}", call)


STEPS = {
    "exp": lambda e, x, y: (x * 0.1).exp(),
    "tanh": lambda e, x, y: x.tanh(),
    "relu": lambda e, x, y: x.relu() + x,
    "add itself": lambda e, x, y: x + x * y,
    "transpose": lambda e, x, y: x.transpose(0, 1).transpose(0, 1) if x.ndim > 1 else x,
    "flip": lambda e, x, y: x.flip(0),
    "flatten and back": lambda e, x, y: x.flatten().view(x.shape),
    "mean": lambda e, x, y: x - x.mean(0, keepdim=True),
    "softmax": lambda e, x, y: x.softmax(-1) + y,
    "sort": lambda e, x, y: x.sort(0).values,
    "cumsum": lambda e, x, y: x.cumsum(-1) * 0.3,
    "where": lambda e, x, y: e.where(x > y, x, y * 2),
    "row in place": lambda e, x, y: row_in_place(x * 1, y),
    "multiplied in place": lambda e, x, y: (x * 1).mul_(y),
    "halves joined": lambda e, x, y: e.cat([each * number for number, each in enumerate(x.chunk(2), 1)]),
    "norm": lambda e, x, y: x / (x.norm(2, -1, keepdim=True) + 1),
    "gathered": lambda e, x, y: x.index_select(0, e.arange(x.shape[0] - 1, -1, -1)) * y,
}


def row_in_place(x, y):
    """x with its first row multiplied in place, through a view."""
    x[0].mul_(2).add_(y[0])
    return x


@MANY
@given(
    st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8),
    arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3),
    st.integers(0, 1000),
)
def test_chains_of_operations(names, shape, seed):
    """The result and the gradients of a chain, and their gradients."""
    found = []
    for e in (minigrad, torch):
        generator = np.random.default_rng(seed)
        x, y = [e.tensor(generator.normal(size=shape), requires_grad=True) for _ in range(2)]
        result = x
        for name in names:
            result = STEPS[name](e, result, y)
        gradients = e.autograd.grad((result * result).sum(), [x, y], create_graph=True, allow_unused=True)
        found.append([result, *gradients])
        total = sum([(each * each).sum() for each in gradients if each is not None and each.requires_grad])
        found[-1] += e.autograd.grad(total, [x, y], allow_unused=True)
    for number, (ours, theirs) in enumerate(zip(*found)):
        compare_values(f"{names}, {number}", ours, theirs, "second order").check()
