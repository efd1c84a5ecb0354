"""minigrad's and PyTorch's random numbers from one seed: the same bits, and the stream at the same place."""

import copy
import math
import os
import struct
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import random as mg

# Logarithm, sine and cosine are NumPy's here and SIMD approximations there. Per unit of std: the largest
# normal number is below 6, where float32's last place is 4.8e-7 and float16's 3.9e-3.
NORMAL_TOLERANCE = {"float16": 4e-3, "float32": 1e-6, "float64": 2e-15}

SEEDS = [0, 1, 42, -1, 2**63, 2**64 - 1, -(2**63), 67280421310721]
SHAPES = [(), (0,), (3, 0), (1,), (15,), (16,), (17,), (31,), (4, 4), (3, 5, 7), (10_007,)]
FLOATS = ["float16", "float32", "float64"]
BOUNDS = [
    (0, 1),
    (-0.5, 0.7),
    (1 / 3, 5),
    (-1000.1, 3),
    (1e-3, 0.2),
    (1e-7, 1),
    (2, 2),
    (1, 1.002),
    (-3e4, 3e4),
]


def pair(seed):
    """The two generators, at the same place."""
    return mg.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def error_of(call, *arguments):
    """The type of what ``call`` raises."""
    try:
        call(*arguments)
    except Exception as error:
        return type(error)
    pytest.fail("PyTorch raises nothing")


def assert_same_bits(ours, theirs):
    theirs = theirs.numpy()
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    differing = np.flatnonzero(ours.ravel() != theirs.ravel())
    assert ours.tobytes() == theirs.tobytes(), (
        f"{len(differing)} of {ours.size} differ, first at {differing[:1]}: "
        f"ours {ours.ravel()[differing[:1]]}, theirs {theirs.ravel()[differing[:1]]}"
    )


def assert_same_place(ours, theirs):
    """All of the state; of the normal number that waits, the last bits may differ."""
    our_bytes, their_bytes = ours.get_state().numpy().tobytes(), theirs.get_state().numpy().tobytes()
    assert our_bytes[:5024] + our_bytes[5032:] == their_bytes[:5024] + their_bytes[5032:]
    (our_normal,), (their_normal,) = (struct.unpack("<d", each[5024:5032]) for each in (our_bytes, their_bytes))
    assert abs(our_normal - their_normal) <= NORMAL_TOLERANCE["float64"]


def assert_close_normals(ours, theirs, scale):
    theirs = theirs.numpy()
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    error = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    assert error.max(initial=0.0) <= scale * NORMAL_TOLERANCE[ours.dtype.name]


# ---- seeds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_seed_begins_the_same_stream(seed):
    ours, theirs = pair(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    assert_same_place(ours, theirs)
    assert_same_bits(ours.uniform((2000,)), torch.rand(2000, generator=theirs))


def test_unseeded_generator():
    assert mg.Generator().initial_seed() == torch.Generator().initial_seed()
    assert_same_place(mg.Generator(), torch.Generator())


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 10**30, 1.5, "3", None, True])
def test_refused_seeds(seed):
    ours, theirs = pair(3)
    with pytest.raises(error_of(theirs.manual_seed, seed), match=r"manual_seed expected a long|Overflow"):
        ours.manual_seed(seed)
    assert_same_place(ours, theirs)


def test_numpy_integer_is_a_seed():
    assert mg.Generator().manual_seed(np.int64(-1)).initial_seed() == 2**64 - 1


def test_other_device_is_refused():
    assert mg.Generator(device="cpu").initial_seed() == mg.Generator().initial_seed()
    with pytest.raises(RuntimeError, match="cuda"):
        mg.Generator("cuda")


def test_seed_is_unforeseen():
    generator = mg.Generator()
    seeds = [generator.seed() for _ in range(20)]
    assert len(set(seeds)) == 20
    assert max(seeds) >= 2**56  # of 64 bits
    assert generator.initial_seed() == seeds[-1]
    again = mg.Generator().manual_seed(seeds[-1])
    assert again.random_int64() == generator.random_int64()


def test_fresh_process_is_unforeseen():
    program = "from minigrad import random; print(random.initial_seed())"
    outputs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True) for _ in range(2)]
    assert outputs[0].stdout != outputs[1].stdout


def test_a_stream_begins_where_it_is_asked_for(monkeypatch):
    """Until then there is a seed alone, which a copy has too."""

    def unwritten(self, seed):
        raise NotImplementedError

    with monkeypatch.context() as patch:
        patch.setattr(mg.Generator, "manual_seed", unwritten)
        generator = mg.Generator()
        copied = copy.deepcopy(generator)
        assert generator.initial_seed() == torch.Generator().initial_seed()
        with pytest.raises(NotImplementedError):
            generator.random32(1)
    assert (generator.random32(3) == copied.random32(3)).all()
    assert_same_place(generator.clone_state(), copied)
    with pytest.raises(AttributeError, match="'Generator' object has no attribute 'twist'"):
        generator.twist()


def test_threads_that_ask_at_once_share_one_stream(monkeypatch):
    seeded, both_ask = mg.Generator.manual_seed, threading.Barrier(2)

    def slow(self, seed):
        both_ask.wait(30)
        return seeded(self, seed)

    generator, other = mg.Generator(), mg.Generator().manual_seed(mg.DEFAULT_SEED)
    monkeypatch.setattr(mg.Generator, "manual_seed", slow)
    with ThreadPoolExecutor(2) as threads:
        drawn = list(threads.map(generator.random32, [5, 5]))
    assert sorted(np.concatenate(drawn)) == sorted(other.random32(10))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_draws_what_its_parent_draws():
    """Also where nobody has drawn before: the default generator has its seed, if no more, from the beginning."""
    program = (
        "import os\nfrom minigrad import random\nassert '_twister' not in vars(random.default_generator)\n"
        "child = os.fork()\nos.write(1, b'%d ' % random.default_generator.random_int64())\n"
        "if child:\n    assert os.waitpid(child, 0)[1] == 0"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    ours, theirs = done.stdout.split()
    assert ours == theirs


# ---- distributions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform(shape, dtype):
    for seed, (low, high) in zip(SEEDS + SEEDS, BOUNDS, strict=False):
        ours, theirs = pair(seed)
        empty = torch.empty(shape, dtype=getattr(torch, dtype))
        assert_same_bits(ours.uniform(shape, dtype, low, high), empty.uniform_(low, high, generator=theirs))
        assert_same_place(ours, theirs)


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_many_uniform(bounds, dtype):
    ours, theirs = pair(5)
    empty = torch.empty(200_000, dtype=getattr(torch, dtype))
    assert_same_bits(ours.uniform((200_000,), np.dtype(dtype), *bounds), empty.uniform_(*bounds, generator=theirs))


@pytest.mark.parametrize("bounds", [(-1e307, 8e307), (1e300, 1.1e300), (-1e-300, 2e-300)], ids=str)
def test_uniform_between_extreme_bounds(bounds):
    ours, theirs = pair(5)
    empty = torch.empty(100_000, dtype=torch.float64)
    assert_same_bits(ours.uniform((100_000,), "float64", *bounds), empty.uniform_(*bounds, generator=theirs))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rand(dtype):
    ours, theirs = pair(-7)
    theirs = torch.rand(50_000, dtype=getattr(torch, dtype), generator=theirs)
    assert_same_bits(ours.uniform((50_000,), dtype), theirs)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_normal(shape, dtype):
    for seed, (mean, std) in zip(SEEDS, [(0, 1), (3.3, 2.1), (-0.1, 0.02), (5, 0)] * 2, strict=True):
        ours, theirs = pair(seed)
        for _ in range(2):  # the second draw begins with a number that waits from the first
            empty = torch.empty(shape, dtype=getattr(torch, dtype))
            drawn = ours.normal(shape, dtype, mean, std)
            assert_close_normals(drawn, empty.normal_(mean, std, generator=theirs), abs(mean) + std)
            assert_same_place(ours, theirs)
        assert_same_bits(ours.uniform((3,)), torch.rand(3, generator=theirs))


@pytest.mark.parametrize("dtype", FLOATS)
def test_many_normal(dtype):
    ours, theirs = pair(5)
    empty = torch.empty(300_001, dtype=getattr(torch, dtype))
    assert_close_normals(ours.normal((300_001,), dtype), empty.normal_(generator=theirs), 1)
    assert_same_place(ours, theirs)


def test_waiting_normal_is_forgotten_with_a_new_seed():
    ours, theirs = pair(1)
    ours.normal((1,))
    torch.randn(1, generator=theirs)
    ours.manual_seed(2)
    theirs.manual_seed(2)
    assert_close_normals(ours.normal((3,)), torch.randn(3, generator=theirs), 1)


SPANS = [
    *[
        (0, 1),
        (0, 2),
        (0, 10),
        (-5, 17),
        (0, 2**28 - 1),
        (0, 2**28),
        (3, 2**28 + 3),
        (0, 2**32 - 1),
        (0, 2**32),
    ],
    *[(-(2**63), 2**63 - 1), (2**63 - 2, 2**63 - 1), (-(2**63), -(2**63) + 3)],
]


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_integers(span):
    for seed, shape in zip(SEEDS + SEEDS, SHAPES, strict=False):
        ours, theirs = pair(seed)
        assert_same_bits(ours.integers(*span, shape), torch.randint(*span, shape, generator=theirs))
        assert_same_place(ours, theirs)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "bool", *FLOATS])
def test_integers_of_each_dtype(dtype):
    span = {"bool": (0, 2), "uint8": (0, 256), "int8": (-128, 128), "float16": (-2048, 2049)}.get(dtype, (-9, 30_000))
    ours, theirs = pair(9)
    theirs = torch.randint(*span, (4, 500), dtype=getattr(torch, dtype), generator=theirs)
    assert_same_bits(ours.integers(*span, (4, 500), dtype), theirs)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 16, 17, 625, 60_000, 100_000, 2**17 + 1])
def test_permutation(n):
    ours, theirs = pair(n - 5)
    assert_same_bits(ours.permutation(n), torch.randperm(n, generator=theirs))
    assert_same_place(ours, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_int64(seed):
    ours, theirs = pair(seed)
    for _ in range(400):
        assert ours.random_int64() == torch.empty((), dtype=torch.int64).random_(generator=theirs).item()
    assert_same_place(ours, theirs)


def test_random64_and_random32():
    ours, theirs = pair(11)
    assert ours.random32(0).shape == ours.random64(0).shape == (0,)
    full = torch.empty(1000, dtype=torch.int64).random_(-(2**63), None, generator=theirs)
    assert_same_bits(ours.random64(1000).astype(np.int64), full)
    half = torch.empty(1000, dtype=torch.int32).random_(generator=theirs)
    assert_same_bits((ours.random32(1000) % 2**31).astype(np.int32), half)


@pytest.mark.parametrize("dtype", FLOATS)
def test_bernoulli_of_an_array(dtype):
    for seed, shape in zip(SEEDS + SEEDS, SHAPES, strict=False):
        ours, theirs = pair(seed)
        p = torch.linspace(0, 1, math.prod(shape), dtype=getattr(torch, dtype)).reshape(shape)
        assert_same_bits(ours.bernoulli(p.numpy(), shape), torch.bernoulli(p, generator=theirs).bool())
        assert_same_place(ours, theirs)


def test_bernoulli_broadcasts_its_array():
    ours, theirs = pair(3)
    p = torch.tensor([[0.1], [0.9]])
    expected = torch.empty(2, 1000).bernoulli_(p, generator=theirs).bool()
    assert_same_bits(ours.bernoulli(p.numpy(), (2, 1000)), expected)


@pytest.mark.usefixtures("without_mkl")
@pytest.mark.parametrize("p", [0, 0.1, 0.5, 1 / 3, 0.9, 1])
def test_bernoulli_of_a_number(p):
    for seed, shape in zip(SEEDS + SEEDS, SHAPES, strict=False):
        ours, theirs = pair(seed)
        assert_same_bits(ours.bernoulli(p, shape), torch.empty(shape).bernoulli_(p, generator=theirs).bool())
        assert_same_place(ours, theirs)


@pytest.mark.usefixtures("without_mkl")
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_bernoulli_is_the_mask_of_dropout(p):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        kept = torch.nn.functional.dropout(torch.ones(50, 70, requires_grad=True), p) != 0
    assert_same_bits(mg.Generator().manual_seed(8).bernoulli(1 - p, (50, 70)), kept)


# ---- all of them, in any order -----------------------------------------------------------------------------

COUNTS = st.one_of(st.integers(0, 40), st.integers(600, 1300))
DRAWS = st.one_of(
    st.tuples(st.just("uniform"), COUNTS, st.sampled_from(FLOATS)),
    st.tuples(st.just("normal"), COUNTS, st.sampled_from(FLOATS)),
    st.tuples(st.just("integers"), COUNTS, st.sampled_from([7, 2**28, 2**40])),
    st.tuples(st.just("permutation"), COUNTS),
    st.tuples(st.just("bernoulli"), COUNTS),
    st.tuples(st.just("random_int64")),
    st.tuples(st.just("through_states")),
)


@settings(max_examples=80, deadline=None)
@given(st.integers(-(2**63), 2**64 - 1), st.lists(DRAWS, max_size=12))
def test_any_sequence_of_draws(seed, draws):
    ours, theirs = pair(seed)
    for kind, *parameters in draws:
        if kind == "uniform":
            count, dtype = parameters
            expected = torch.empty(count, dtype=getattr(torch, dtype)).uniform_(-0.3, 0.4, generator=theirs)
            assert_same_bits(ours.uniform((count,), dtype, -0.3, 0.4), expected)
        elif kind == "normal":
            count, dtype = parameters
            expected = torch.empty(count, dtype=getattr(torch, dtype)).normal_(generator=theirs)
            assert_close_normals(ours.normal((count,), dtype), expected, 1)
        elif kind == "integers":
            count, high = parameters
            assert_same_bits(ours.integers(-3, high, (count,)), torch.randint(-3, high, (count,), generator=theirs))
        elif kind == "permutation":
            assert_same_bits(ours.permutation(*parameters), torch.randperm(*parameters, generator=theirs))
        elif kind == "bernoulli":
            p = torch.full(parameters, 0.3)
            assert_same_bits(ours.bernoulli(p.numpy(), p.shape), torch.bernoulli(p, generator=theirs).bool())
        elif kind == "random_int64":
            assert ours.random_int64() == torch.empty((), dtype=torch.int64).random_(generator=theirs).item()
        else:
            our_state = torch.from_numpy(ours.get_state().numpy())
            ours = mg.Generator().set_state(theirs.get_state().numpy())
            theirs = torch.Generator().set_state(our_state)
        assert_same_place(ours, theirs)


# ---- states ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [0, 1, 2, 623, 624, 625, 1248, 5000])
@pytest.mark.parametrize("normals", [0, 1, 2])
def test_states_are_exchanged_both_ways(drawn, normals):
    ours, theirs = pair(123)
    torch.rand(drawn, generator=theirs)
    torch.randn(normals, generator=theirs)
    assert ours.set_state(theirs.get_state().numpy()) is ours
    assert ours.get_state().numpy().tobytes() == theirs.get_state().numpy().tobytes()
    assert ours.initial_seed() == 123
    other = torch.Generator()
    other.set_state(torch.from_numpy(ours.get_state().numpy()))
    for generator in (theirs, other):
        assert_close_normals(
            mg.Generator().set_state(ours.get_state()).normal((3,)), torch.randn(3, generator=generator), 1
        )
    assert_same_bits(other.get_state().numpy(), theirs.get_state())


def test_state_is_a_copy():
    generator = mg.Generator().manual_seed(4)
    state = generator.get_state().numpy()
    assert (state.dtype, state.shape) == (np.uint8, (5056,))
    before = state.copy()
    first = generator.uniform((700,))
    assert (state == before).all()
    generator.set_state(state)
    state[:] = 0
    assert (generator.uniform((700,)) == first).all()


def test_cloned_generator_goes_its_own_way():
    states = []
    for generator in pair(4):
        twin = generator.clone_state()
        assert str(twin.device) == "cpu" and twin.initial_seed() == 4
        twin.seed()
        assert (twin.get_state() != generator.get_state()).any()
        states.append(generator.get_state().numpy())
    assert (states[0] == states[1]).all()


def test_copied_generator_goes_its_own_way():
    generator = mg.Generator().manual_seed(4)
    generator.normal((3,))
    twin = copy.deepcopy(generator)
    assert (twin.normal((5,)) == generator.normal((5,))).all()
    twin.uniform((5,))
    assert (twin.get_state() != generator.get_state()).any()


def changed_state(offset, value):
    state = mg.Generator().get_state().numpy()
    state[offset : offset + 4] = np.frombuffer(struct.pack("<i", value), np.uint8)
    return state


WRONG_STATES = {
    "size": np.zeros(5, np.uint8),
    "dtype": np.zeros(5056, np.float32),
    "zeros": np.zeros(5056, np.uint8),
    "strided": np.zeros(2 * 5056, np.uint8)[::2],
    "left is 0": changed_state(8, 0),
    "left is 625": changed_state(8, 625),
    "not seeded": changed_state(12, 0),
    "next is 625": changed_state(16, 625),
}


@pytest.mark.parametrize("name", WRONG_STATES)
def test_wrong_states_are_refused(name):
    ours, theirs = pair(6)
    state = WRONG_STATES[name]
    if name == "strided":
        their_error = error_of(theirs.set_state, torch.zeros(2 * 5056, dtype=torch.uint8)[::2])
    else:
        their_error = error_of(theirs.set_state, torch.from_numpy(state))
    with pytest.raises(their_error, match="state"):
        ours.set_state(state)
    assert_same_place(ours, theirs)


def test_state_that_is_no_array_is_refused():
    with pytest.raises(TypeError, match="but got list"):
        mg.Generator().set_state([1, 2])


# ---- errors ------------------------------------------------------------------------------------------------

NAN = float("nan")
ERRORS = [
    ("integers", (3, 3, (2,)), lambda: torch.randint(3, 3, (2,)), "less than 'to'.*from=3 >= to=3"),
    ("integers", (0, 2**63, (2,)), lambda: torch.randint(0, 2**63, (2,)), "Overflow"),
    ("integers", (0.5, 3, (2,)), lambda: torch.randint(0.5, 3, (2,)), "integer"),
    (
        "integers",
        (0, 300, (2,), "uint8"),
        lambda: torch.randint(300, (2,), dtype=torch.uint8),
        "to - 1 is out of",
    ),
    (
        "integers",
        (-1, 3, (2,), "uint8"),
        lambda: torch.randint(-1, 3, (2,), dtype=torch.uint8),
        "from is out of",
    ),
    (
        "integers",
        (0, 3, (2,), "bool"),
        lambda: torch.randint(0, 3, (2,), dtype=torch.bool),
        "to - 1 is out of",
    ),
    (
        "integers",
        (0, 70_000, (2,), "float16"),
        lambda: torch.randint(70_000, (2,), dtype=torch.half),
        "out of",
    ),
    ("permutation", (-1,), lambda: torch.randperm(-1), "negative dimension -1"),
    ("uniform", ((3,), "float32", 2, 1), lambda: torch.empty(3).uniform_(2, 1), "from=2 > to=1"),
    ("uniform", ((3,), "float32", 0, 1e39), lambda: torch.empty(3).uniform_(0, 1e39), "to is out of bounds"),
    ("uniform", ((3,), "float32", NAN, 1), lambda: torch.empty(3).uniform_(NAN, 1), "from is out of bounds"),
    ("uniform", ((3,), "float32", -3e38, 3e38), lambda: torch.empty(3).uniform_(-3e38, 3e38), "to-from <="),
    ("uniform", ((0,), "float32", 2, 1), lambda: torch.empty(0).uniform_(2, 1), "from=2 > to=1"),
    ("uniform", ((3,), "int64"), lambda: torch.rand(3, dtype=torch.int64), "not implemented for"),
    ("normal", ((3,), "int64"), lambda: torch.randn(3, dtype=torch.int64), "not implemented for"),
    (
        "normal",
        ((3,), "float32", 0, -1),
        lambda: torch.empty(3).normal_(0, -1),
        "std >= 0.0, but found std -1",
    ),
    ("normal", ((3,), "float32", 0, NAN), lambda: torch.empty(3).normal_(0, NAN), "std >= 0.0"),
    ("bernoulli", (1.5, (3,)), lambda: torch.empty(3).bernoulli_(1.5), "p to be in.*p=1.5"),
    ("bernoulli", (NAN, (3,)), lambda: torch.empty(3).bernoulli_(NAN), "p to be in"),
    (
        "bernoulli",
        (np.array([0, -0.1]), (2,)),
        lambda: torch.bernoulli(torch.tensor([0, -0.1])),
        "p to be in",
    ),
]


@pytest.mark.parametrize("method, arguments, theirs, message", ERRORS)
def test_errors(method, arguments, theirs, message):
    generator = mg.Generator()
    before = generator.get_state()
    with pytest.raises(error_of(theirs), match=message):
        getattr(generator, method)(*arguments)
    assert (generator.get_state() == before).all()


@pytest.mark.parametrize("low, high", [(0, 2**24 + 2), (-(2**26) - 3, 2**26 - 5), (-(2**30) + 1, -(2**24))])
def test_integers_that_a_floating_point_type_rounds(low, high):
    with pytest.warns(UserWarning, match="is out of bounds .* Due to precision limitations float32"):
        drawn = mg.Generator().manual_seed(7).integers(low, high, (50,), "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns too
        theirs = torch.empty(50).random_(low, high, generator=torch.Generator().manual_seed(7))
    assert (drawn == theirs.numpy()).all()


# ---- the default generator ---------------------------------------------------------------------------------


@pytest.fixture
def default_generators():
    """Leave both default generators as they were."""
    with mg.fork_rng(), torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.usefixtures("default_generators")
def test_default_generator():
    assert mg.manual_seed(17) is mg.default_generator
    torch.manual_seed(17)
    assert mg.initial_seed() == torch.initial_seed() == 17
    assert_same_bits(mg.default_generator.uniform((700,)), torch.rand(700))
    assert_same_bits(mg.get_rng_state().numpy(), torch.get_rng_state())
    assert mg.seed() == mg.initial_seed() != 17
    mg.set_rng_state(torch.get_rng_state().numpy())
    assert_same_bits(mg.default_generator.permutation(50), torch.randperm(50))


@pytest.mark.usefixtures("default_generators")
@pytest.mark.parametrize("seed", [-5, 3.7, "12"])
def test_manual_seed_takes_what_int_takes(seed):
    torch.manual_seed(seed)
    assert mg.manual_seed(seed).initial_seed() == torch.initial_seed()


@pytest.mark.usefixtures("default_generators")
def test_fork_rng():
    state = mg.get_rng_state().numpy()
    with mg.fork_rng(devices=[]):
        mg.default_generator.normal((5,))
    assert (mg.get_rng_state().numpy() == state).all()
    with pytest.raises(KeyError), mg.fork_rng():
        mg.manual_seed(0)
        raise KeyError
    assert (mg.get_rng_state().numpy() == state).all()
    with mg.fork_rng(enabled=False):
        mg.default_generator.normal((5,))
    assert (mg.get_rng_state().numpy() != state).any()
