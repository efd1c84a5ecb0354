"""Making tensors against PyTorch: values, types inferred and asked for, memory shared or not, and wrong arguments."""

import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch

import minigrad
from comparisons import compare_values
from comparisons.outcomes import check_outcome, outcome

ENGINES = {"minigrad": minigrad, "torch": torch}
FLOATS = ["float16", "float32", "float64"]
TYPES = [*FLOATS, "uint8", "int8", "int16", "int32", "int64", "bool"]

MADE = {
    "float": lambda e: e.tensor(1.5),
    "int": lambda e: e.tensor(3),
    "bool": lambda e: e.tensor(True),
    "list": lambda e: e.tensor([1.0, 2.0]),
    "ints": lambda e: e.tensor([1, 2]),
    "ints and floats": lambda e: e.tensor([1, 2.5]),
    "bools and ints": lambda e: e.tensor([True, 2]),
    "nested": lambda e: e.tensor([[1.0, 2.0], [3.0, 4.0]]),
    "nested tuples": lambda e: e.tensor(((1, 2), (3, 4))),
    "empty": lambda e: e.tensor([]),
    "empty rows": lambda e: e.tensor([[], []]),
    "large int": lambda e: e.tensor(2**62),
    "float to int": lambda e: e.tensor([1.7, -1.7], dtype=e.int64),
    "int to float": lambda e: e.tensor([1, 2], dtype=e.float64),
    "to bool": lambda e: e.tensor([0.0, 0.5], dtype=e.bool),
    "to half": lambda e: e.tensor([0.1, 65504.0], dtype=e.float16),
    "double precision kept": lambda e: e.tensor(0.1, dtype=e.float64),
    "infinity": lambda e: e.tensor([float("inf"), float("nan"), -0.0]),
    "array": lambda e: e.tensor(np.array([1.0, 2.0])),
    "array of int16": lambda e: e.tensor(np.array([1, 2], np.int16)),
    "array of one": lambda e: e.tensor(np.float64(2.5)),
    "arrays in a list": lambda e: e.tensor([np.float64(2.5), np.float64(1.0)]),
    "tensors in a list": lambda e: e.tensor([e.tensor(1), e.tensor(2)]),
    "a tensor of one element in a list": lambda e: e.tensor([e.ones(1), e.zeros(1)]),
    "tensors of two types in a list": lambda e: e.tensor([1, e.tensor(2.5, dtype=e.float64)]),
    "halves and floats": lambda e: e.tensor([np.float16(2.5), 1.0]),
    "int32 and floats": lambda e: e.tensor([np.int32(1), 1.5]),
    "a list and an array": lambda e: e.tensor([[1.0, 2.0], np.zeros(2)]),
    "an empty row before another": lambda e: e.tensor([[], [1]]),
    "a range": lambda e: e.tensor(range(3)),
    "a large int as float": lambda e: e.tensor(2**64, dtype=e.float32),
    "the smallest int": lambda e: e.tensor(-(2**63)),
    "negative to unsigned": lambda e: e.tensor([-1], dtype=e.uint8),
    "NaN to bool": lambda e: e.tensor([float("nan")], dtype=e.bool),
    "too large for half": lambda e: e.tensor(1e6, dtype=e.float16),
    "requires grad": lambda e: e.tensor([1.0], requires_grad=True),
    "on the CPU": lambda e: e.tensor([1.0], device="cpu"),
    "as_tensor": lambda e: e.as_tensor([1, 2]),
    "as_tensor, type": lambda e: e.as_tensor([1, 2], dtype=e.float32),
    "as_tensor of a tensor": lambda e: e.as_tensor(e.ones(2), dtype=e.float64),
    "from_numpy": lambda e: e.from_numpy(np.arange(6, dtype=np.uint8).reshape(2, 3)),
    "zeros": lambda e: e.zeros(2, 3),
    "zeros of a tuple": lambda e: e.zeros((2, 0)),
    "zeros of a list, type": lambda e: e.zeros([2], dtype=e.int32),
    "zeros without size": lambda e: e.zeros(()),
    "ones": lambda e: e.ones(3, requires_grad=True),
    "ones of a size": lambda e: e.ones(e.zeros(2, 3).size()),
    "full": lambda e: e.full((2, 2), 7),
    "full of floats": lambda e: e.full((2,), 0.5),
    "full of bools": lambda e: e.full((2,), True),
    "full, type": lambda e: e.full((2,), 3, dtype=e.float64),
    "eye": lambda e: e.eye(3),
    "eye, not square": lambda e: e.eye(2, 4, dtype=e.int64),
    "zeros_like": lambda e: e.zeros_like(e.ones(2, 3, dtype=e.int16)),
    "ones_like, type": lambda e: e.ones_like(e.ones(2), dtype=e.bool),
    "full_like": lambda e: e.full_like(e.ones(2), 3),
    "full_like, type": lambda e: e.full_like(e.ones(2), 3, dtype=e.int64),
    "arange": lambda e: e.arange(5),
    "arange from": lambda e: e.arange(2, 9, 3),
    "arange down": lambda e: e.arange(5, 0, -2),
    "arange of floats": lambda e: e.arange(0.0, 1.0, 0.1),
    "arange of float end": lambda e: e.arange(2.5),
    "arange, type": lambda e: e.arange(3, dtype=e.float64),
    "arange of nothing": lambda e: e.arange(3, 3),
    "linspace": lambda e: e.linspace(-1, 1, 5),
    "device and gradient": lambda e: sum(
        [
            make(device="cpu", requires_grad=True)
            for make in (
                lambda **options: e.linspace(0, 1, 3, **options),
                lambda **options: e.eye(3, **options),
                lambda **options: e.full_like(e.ones(3), 2, **options),
                lambda **options: e.zeros_like(e.ones(3), **options),
                lambda **options: e.ones_like(e.ones(3), **options),
            )
        ]
    ).detach(),
    "linspace of one": lambda e: e.linspace(2, 3, 1),
    "linspace of none": lambda e: e.linspace(0, 1, 0),
    "new_tensor": lambda e: e.ones(2, dtype=e.int16).new_tensor([1.7, 2.2]),
    "new_zeros": lambda e: e.ones(2, dtype=e.float64).new_zeros(3, 1),
    "new_ones, type": lambda e: e.ones(2).new_ones((2, 2), dtype=e.int64),
    "new_full": lambda e: e.ones(2, dtype=e.float64).new_full((2,), 3),
    "shape of new_empty": lambda e: e.ones(2).new_empty((2, 3)) * 0 == 5,
    "shape of empty_like": lambda e: e.empty_like(e.ones(2, 3, dtype=e.int8)) * 0,
    "Tensor of values": lambda e: e.Tensor([1, 2]),
    "Tensor of a size": lambda e: e.Tensor(2, 0),
    "Tensor of nothing": lambda e: e.Tensor(),
}


@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays is extremely slow:UserWarning")
@pytest.mark.parametrize("name", MADE)
def test_made(name):
    ours, theirs = MADE[name](minigrad), MADE[name](torch)
    compare_values(name, ours, theirs, "float32" if ours.is_floating_point() else "exact").check()
    assert ours.requires_grad == theirs.requires_grad and ours.is_leaf


DRAWN = {
    "rand": lambda e: e.rand(3, 4),
    "rand, type": lambda e: e.rand((5,), dtype=e.float64, requires_grad=True),
    "rand, generator": lambda e: e.rand(3, generator=e.Generator().manual_seed(4)),
    "rand_like": lambda e: e.rand_like(e.ones(2, 3, dtype=e.float64)),
    "randint": lambda e: e.randint(10, (7,)),
    "randint from": lambda e: e.randint(-5, 5, (2, 3)),
    "randint, type": lambda e: e.randint(0, 2, (4,), dtype=e.float32),
    "randint_like": lambda e: e.randint_like(e.ones(2, 3), 5),
    "randint_like, bounds": lambda e: e.randint_like(e.ones(2, 3), -3, 3, dtype=e.int16),
    "randperm": lambda e: e.randperm(20),
    "randperm of nothing": lambda e: e.randperm(0),
    "rand_like, generator": lambda e: e.rand_like(e.ones(2, 3), generator=e.Generator().manual_seed(4)),
    "uniform_": lambda e: e.zeros(3).uniform_(-1, 1),
    "uniform_ of one": lambda e: e.zeros(()).uniform_(),
    "uniform_ in the order of memory": lambda e: e.zeros(2, 5, 3).permute(2, 0, 1).uniform_(-1, 1),
    "uniform_ of a slice": lambda e: e.zeros(6, 5)[1::2, ::2].uniform_(),
    "random_": lambda e: [e.zeros(20, dtype=getattr(e, kind)).random_() for kind in TYPES],
    "random_ to": lambda e: [e.zeros(20, dtype=getattr(e, kind)).random_(2) for kind in TYPES],
    "random_ from, to": lambda e: e.zeros(4, 5, dtype=e.int64).t().random_(-(2**40), to=2**40),
    "random_ to, by name": lambda e: e.zeros(4).random_(to=9),
    "bernoulli of chances": lambda e: [e.bernoulli(e.rand(4, 30, dtype=getattr(e, kind)).t()) for kind in FLOATS],
    "bernoulli_ of chances": lambda e: e.zeros(3, 40, dtype=e.int64).bernoulli_(e.full((40,), 0.4)),
    "multinomial": lambda e: e.multinomial(e.rand(5, 9), 50, replacement=True),
    "multinomial of float64": lambda e: e.rand(30, dtype=e.float64).multinomial(100, True),
}
# Where PyTorch is built with MKL and runs on Intel's processors, it may ask MKL's generator for these.
DRAWN_WITHOUT_MKL = {
    "bernoulli_": lambda e: [e.zeros(30, 5, dtype=getattr(e, kind)).bernoulli_(0.3) for kind in TYPES],
    "bernoulli_ in the order of memory": lambda e: e.zeros(30, 5).t().bernoulli_(0.3),
    "bernoulli": lambda e: [e.bernoulli(e.ones(50), 0.3), e.ones(50).bernoulli(0.3)],
    "dropout": lambda e: e.nn.functional.dropout(e.ones(30, 40), 0.4),
    "dropout in the order of memory": lambda e: e.nn.functional.dropout(e.ones(30, 40, dtype=e.float64).t(), 0.4),
    "multinomial, each once": lambda e: e.multinomial(e.rand(5, 40), 20),
    "multinomial, one": lambda e: e.multinomial(e.rand(50, 4), 1),
    "multinomial with zeros": lambda e: e.multinomial(e.tensor([0.0, 1.0, 0.0, 2.0]), 2),
    "multinomial in the order of memory": lambda e: e.multinomial(e.rand(40, 5, dtype=e.float64).t(), 3),
    "WeightedRandomSampler": lambda e: e.tensor(
        list(e.utils.data.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3.0], 4, replacement=False))
    ),
}


def compare_drawn(name, draw, tolerance):
    """The numbers drawn from one seed, and one more: the streams have to be at the same place afterwards."""
    results = []
    for e in ENGINES.values():
        e.manual_seed(12)
        drawn = draw(e)
        results.append([*(drawn if isinstance(drawn, list) else [drawn]), e.rand(1)])
    for ours, theirs in zip(*results, strict=True):
        compare_values(name, ours, theirs, tolerance).check()


@pytest.mark.parametrize("name", DRAWN)
def test_drawn(name):
    compare_drawn(name, DRAWN[name], "exact")


@pytest.mark.usefixtures("without_mkl")
@pytest.mark.parametrize("name", DRAWN_WITHOUT_MKL)
def test_drawn_without_mkl(name):
    compare_drawn(name, DRAWN_WITHOUT_MKL[name], "exact")


@pytest.mark.usefixtures("without_mkl")
def test_exponential():
    for kind in ("float32", "float64"):
        compare_drawn("exponential_", lambda e, k=kind: e.zeros(7, 50, dtype=getattr(e, k)).t().exponential_(1.5), kind)


NORMAL = {
    "randn": lambda e: e.randn(3, 7),
    "randn_like": lambda e: e.randn_like(e.ones(40)),
    "normal_ in the order of memory": lambda e: e.zeros(4, 9).t().normal_(1, 2),
    "normal_ of a slice": lambda e: e.zeros(9, 9)[:, ::2].normal_(),
    "normal, size and options": lambda e: e.normal(1, 2, (3, 4), device="cpu", requires_grad=True).detach(),
    "normal of means": lambda e: e.normal(e.arange(4.0)),
    "normal of deviations": lambda e: e.normal(2.0, e.arange(4.0)),
    "normal of both": lambda e: e.normal(e.arange(4.0), e.ones(3, 1)),
    "normal": lambda e: e.normal(2.0, 0.5, (3, 2)),
    "normal_": lambda e: e.zeros(17).normal_(1, 2),
}


@pytest.mark.parametrize("name", NORMAL)
def test_drawn_normally(name):
    results = []
    for e in ENGINES.values():
        e.manual_seed(12)
        results.append([NORMAL[name](e), e.rand(1)])
    for ours, theirs in zip(*results):
        compare_values(name, ours, theirs, "float32").check()


def test_memory_is_shared_or_not():
    for e in ENGINES.values():
        array = np.zeros(3, np.float32)
        shared, also, apart = e.from_numpy(array), e.as_tensor(array), e.tensor(array)
        array[0] = 5
        assert shared[0] == 5 and also[0] == 5 and apart[0] == 0
        shared[1] = 6
        assert array[1] == 6
        assert e.as_tensor(shared) is shared
    assert minigrad.empty(2, 3).shape == (2, 3) and minigrad.empty(2, dtype=minigrad.int8).dtype is minigrad.int8


def test_the_default_type():
    for e in ENGINES.values():
        try:
            e.set_default_dtype(e.float64)
            assert e.get_default_dtype() is e.float64
            made = [e.tensor(1.5), e.ones(2), e.tensor([1]) / 2, e.tensor([1]).exp(), e.arange(1.0), e.rand(1)]
            assert all(each.dtype is e.float64 for each in made)
            assert repr(made[1]) == "tensor([1., 1.])" and "float32" in repr(e.ones(1, dtype=e.float32))
            with pytest.raises(TypeError):
                e.set_default_dtype(e.int64)
        finally:
            e.set_default_dtype(e.float32)
    with pytest.raises(TypeError):
        minigrad.set_default_dtype("float64")


class Labelled(np.ndarray):
    """A subclass with nothing of its own but a product that is none."""

    def __mul__(self, other):
        return NotImplemented


NUMBERS = np.array([[1.0, 2.0], [3.0, 4.0]])
SUBCLASSES = {
    "matrix": lambda: NUMBERS.copy().view(np.matrix),
    "masked": lambda: np.ma.array(NUMBERS.copy(), mask=[[False, True], [False, False]]),
    "records": lambda: NUMBERS.copy().view(np.recarray),
    "one's own": lambda: NUMBERS.copy().view(Labelled),
}
ENTRANCES = {
    "from_numpy": lambda e, array: e.from_numpy(array),
    "tensor": lambda e, array: e.tensor(array),
    "as_tensor": lambda e, array: e.as_tensor(array),
    "Tensor": lambda e, array: e.Tensor(array).double(),
    "new_tensor": lambda e, array: e.zeros(1).new_tensor(array, dtype=e.float64),
    "collated": lambda e, array: e.utils.data.default_collate([array])[0],
    "added": lambda e, array: e.zeros(2, 2, dtype=e.float64) + e.from_numpy(array),
}


@pytest.mark.parametrize("kind", SUBCLASSES)
@pytest.mark.parametrize("way", ENTRANCES)
def test_an_array_s_subclass_stays_outside(way, kind):
    """A matrix multiplies in another way, a masked array leaves elements out: the gradient of x · x would be wrong."""
    gradients = []
    for e in ENGINES.values():
        x = ENTRANCES[way](e, SUBCLASSES[kind]()).detach().requires_grad_()
        (x * x * x[0]).sum().backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]
    assert type(x.detach().numpy()) is np.ndarray


@pytest.mark.parametrize("kind", SUBCLASSES)
def test_an_operator_takes_a_subclass_as_an_array(kind):
    x = minigrad.full((2, 2), 2.0, dtype=minigrad.float64, requires_grad=True)
    for y in (x * SUBCLASSES[kind](), SUBCLASSES[kind]() * x, x**2.0 * SUBCLASSES[kind]() / x):
        assert type(y) is minigrad.Tensor and y.tolist() == (2 * NUMBERS).tolist()
    assert (x ** SUBCLASSES[kind]()).tolist() == (2**NUMBERS).tolist()


def read_only(array):
    array.flags.writeable = False
    return array


PROTECTED = {
    "flagged": lambda: read_only(np.arange(3.0)),
    "bytes": lambda: np.frombuffer(bytes(24), np.float64),
    "a view": lambda: read_only(np.arange(3.0).view()),
    "broadcast": lambda: np.broadcast_to(np.arange(3.0), (1, 3)),
}


@pytest.mark.parametrize("kind", PROTECTED)
@pytest.mark.parametrize("way", ["from_numpy", "as_tensor"])
def test_a_tensor_made_of_a_read_only_array_can_be_written(way, kind):
    written = []
    for e in ENGINES.values():
        array = PROTECTED[kind]()
        with pytest.warns(UserWarning, match="array is not writable"), warn_always():
            x = getattr(e, way)(array)
        x[..., 0] = 5.0
        x += 1
        written.append((x.tolist(), x.shape, x.view(-1)[0].item(), x.numpy().flags.writeable))
    assert written[0] == tuple(written[1])


def test_memory_that_numpy_opens_is_shared_and_bytes_are_left_alone():
    base, content = np.arange(3.0), bytes(8)
    with pytest.warns(UserWarning, match="The given buffer is not writable"):
        minigrad.frombuffer(content, dtype=minigrad.float64)
    with pytest.warns(UserWarning, match="not writable"):
        shared, copied = minigrad.from_numpy(read_only(base[:])), minigrad.from_numpy(np.frombuffer(content))
    shared[1], copied[0] = 7.0, 7.0
    assert base.tolist() == [0.0, 7.0, 2.0] and content == bytes(8)


@contextmanager
def warn_always():
    """PyTorch says this once a process otherwise."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def test_a_tensor_of_a_tensor_is_warned_of():
    for e in ENGINES.values():
        for make in (e.tensor, e.zeros(1).new_tensor):
            with pytest.warns(UserWarning, match="To copy construct from a tensor"):
                assert make(e.ones(2)).tolist() == [1.0, 1.0]


WRONG = {
    "rows of other lengths": lambda e: e.tensor([[1, 2], [3]]),
    "a number among rows": lambda e: e.tensor([[1, 2], 3]),
    "a row among numbers": lambda e: e.tensor([3, [1, 2]]),
    "a string": lambda e: e.tensor("one"),
    "bytes": lambda e: e.tensor(b"one"),
    "strings": lambda e: e.tensor(["one"]),
    "rows of tensors": lambda e: e.tensor([e.ones(2), e.ones(2)]),
    "too large for uint8": lambda e: e.tensor([300], dtype=e.uint8),
    "NaN to integer": lambda e: e.tensor([float("nan")], dtype=e.int64),
    "an array backwards": lambda e: e.tensor(np.arange(3)[::-1]),
    "an array backwards, shared": lambda e: e.from_numpy(np.arange(3)[::-1]),
    "an array of foreign bytes": lambda e: e.tensor(np.array([1], np.dtype(np.float32).newbyteorder())),
    "nothing": lambda e: e.tensor(None),
    "an object": lambda e: e.tensor(object()),
    "integers that require grad": lambda e: e.tensor([1], requires_grad=True),
    "ones of integers that require grad": lambda e: e.ones(2, dtype=e.int64, requires_grad=True),
    "an array of strings": lambda e: e.tensor(np.array(["a"])),
    "an array of objects": lambda e: e.from_numpy(np.array([None])),
    "a list as an array": lambda e: e.from_numpy([1]),
    "a type that is none": lambda e: e.zeros(2, dtype="float32"),
    "ones of no size": lambda e: e.ones(),
    "random numbers of no size": lambda e: e.rand(),
    "negative size": lambda e: e.zeros(-1),
    "size of a float": lambda e: e.zeros(1.5),
    "device": lambda e: e.zeros(1, device="abacus"),
    "arange without step": lambda e: e.arange(0, 1, 0),
    "arange away": lambda e: e.arange(1, 0),
    "linspace of fewer than none": lambda e: e.linspace(0, 1, -1),
    "randperm of fewer than none": lambda e: e.randperm(-1),
    "randint without room": lambda e: e.randint(3, 3, (2,)),
    "normal with negative deviation": lambda e: e.normal(0.0, -1.0, (2,)),
    "normal of a negative deviation": lambda e: e.normal(e.zeros(2), e.tensor([1.0, -1.0])),
    "normal of a negative number": lambda e: e.normal(e.zeros(2), -1.0),
    "normal without size": lambda e: e.normal(0.0, 1.0),
    "normal of shapes that do not fit": lambda e: e.normal(e.zeros(2), e.ones(3)),
    "bernoulli of 2": lambda e: e.bernoulli(e.tensor([2.0])),
    "bernoulli_ of NaN": lambda e: e.zeros(3).bernoulli_(math.nan),
    "exponential_ of no rate": lambda e: e.zeros(3).exponential_(0.0),
    "exponential_ of integers": lambda e: e.zeros(3, dtype=e.int64).exponential_(),
    "random_ without room": lambda e: e.zeros(3).random_(2, 2),
    "multinomial of a number": lambda e: e.multinomial(e.tensor(1.0), 1),
    "multinomial of three dimensions": lambda e: e.multinomial(e.ones(2, 2, 2), 1),
    "multinomial of integers": lambda e: e.multinomial(e.ones(3, dtype=e.int64), 1),
    "multinomial of nothing drawn": lambda e: e.multinomial(e.ones(3), 0),
    "multinomial of too many": lambda e: e.multinomial(e.ones(3), 4),
    "multinomial of a negative weight": lambda e: e.multinomial(e.tensor([1.0, -1.0]), 1),
    "multinomial of NaN": lambda e: e.multinomial(e.tensor([1.0, math.nan]), 4, True),
    "multinomial of zeros": lambda e: e.multinomial(e.zeros(2, 3), 1),
    "multinomial of zeros, again and again": lambda e: e.multinomial(e.zeros(3), 5, True),
    "too large for an integer": lambda e: e.tensor(2**64),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    with pytest.raises(Exception) as theirs:
        WRONG[name](torch)
    with pytest.raises(theirs.type):
        WRONG[name](minigrad)


def test_types_as_objects():
    for name in ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"):
        ours, theirs = getattr(minigrad, name), getattr(torch, name)
        assert repr(ours) == repr(theirs).replace("torch", "minigrad")
        facts = "is_floating_point", "is_complex", "is_signed", "itemsize"
        assert [getattr(ours, fact) for fact in facts] == [getattr(theirs, fact) for fact in facts]
    aliases = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32"}
    assert all(getattr(minigrad, short) is getattr(minigrad, long) for short, long in aliases.items())
    assert not minigrad.cuda.is_available() and minigrad.cuda.device_count() == 0


def test_the_state_of_the_generator():
    states = []
    for e in ENGINES.values():
        e.manual_seed(5)
        e.rand(3)
        states.append(e.get_rng_state())
        numbers = e.rand(4)
        e.set_rng_state(states[-1])
        assert e.rand(4).tolist() == numbers.tolist()
    compare_values("state", *states, "exact").check()


# ----------------------------------------------------------------------------------------------- numbers at equal steps

VECTORS = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")  # PyTorch computes by parts of these lengths


@pytest.mark.skipif(not VECTORS, reason="PyTorch computes otherwise on this processor")
@pytest.mark.parametrize("kind", [None, *TYPES[:-1]])
def test_arange_and_linspace_to_the_last_bit(kind):
    draw = np.random.default_rng(0)
    for _ in range(150):
        start, end = [each.item() for each in draw.choice([0.0, -3.0, 3.1, 7.0, *draw.uniform(-10, 10, 4)], 2)]
        step = draw.choice([0.1, 0.3, 1.0, draw.uniform(0.01, 1)]).item() * (1 if end >= start else -1)
        count = int(draw.integers(0, 200))
        for call in (
            lambda e, k: e.arange(start, end, step, dtype=k),  # noqa: B023
            lambda e, k: e.linspace(start, end, count, dtype=k),  # noqa: B023
        ):
            ours, theirs = [outcome(lambda e: call(e, kind and getattr(e, kind)), e) for e in (minigrad, torch)]  # noqa: B023
            case = (start, end, step, count)
            assert isinstance(ours, Exception) == isinstance(theirs, Exception), (case, ours, theirs)
            if not isinstance(ours, Exception):
                assert ours.numpy().dtype == theirs.numpy().dtype
                assert np.array_equal(ours.numpy(), theirs.numpy()), case


@pytest.mark.parametrize("arguments", [(0.0, 4), (0, 4.0), (4.0,), (0, 4, 1.0), (0.0, 0), (True,), (-3, 3.1, 0.1)])
def test_arange_is_floating_where_a_bound_or_the_step_is(arguments):
    check_outcome("arange", lambda e: e.arange(*arguments))
