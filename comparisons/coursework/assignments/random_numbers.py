"""The same random numbers as PyTorch's, from the same seed."""

from __future__ import annotations

from comparisons.coursework.cases import Case, integers, uniform
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

SEEDS = {"s": uniform(8, low=-9e18, high=1.8e19)}
SEEDED = "from numpy import array, stack\nseeds = [int(each) for each in s.tolist()]\n"

ODD_SEEDS = """
from numpy import int64, stack
seeds = (0, 1, -1, {number}, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -(2**63))
states = stack([engine.Generator().manual_seed(each).get_state().numpy() for each in seeds])
kept = " ".join(str(engine.Generator().manual_seed(each).initial_seed()) for each in seeds[3:])
"""

TWISTER = Task(
    "7.1",
    "Seed the twister",
    """\
`manual_seed` begins the stream that belongs to a seed. An integer (Python's or NumPy's, but no bool) from `-2**63` to
`2**64 - 1` is a seed, and a negative one counts down from `2**64`; anything else is a RuntimeError, a number out of
range a ValueError, and then the generator stays as it was. The seed, as a number from 0 to `2**64 - 1`, is kept in
`self._seed`.

The twister's state is 624 words of 32 bits. Word 0 is the lower 32 bits of the seed; each further word is computed
from the one before it by the formula in the docstring, of which the lower 32 bits are kept. Hand them to
`self._set_twister(words, STATE_WORDS)`, as an array of uint32: the position says that all words of this round are
used, so that the first draw twists them.

Easily overlooked: a normal number may still wait (`self._second_normal`), and does not belong to the new stream; the
formula adds the number of the word that it computes, not of the one before; the product does not fit into 32 bits.
Return the generator itself.""",
    6,
    (
        "Python's integers do not overflow: where do 32 bits have to be cut off, and where must they not be?",
        "`& 0xFFFFFFFF` keeps the lower 32 bits, `% 2**64` makes a negative seed positive. Fill an empty array of "
        "uint32 in a loop with one running integer.",
        "Check the type, then the range. Keep the seed modulo 2**64. word = its lower 32 bits; for each position note "
        "the word, then compute the next: 1812433253 times (word xor word shifted right by 30), plus position + 1, cut "
        "to 32 bits. Set the twister, forget the waiting normal number, return self.",
    ),
    (Place("random.py", "Generator.manual_seed"),),
    cases=(
        Case(
            "7.1 the words that a seed gives",
            SEEDED + "states = stack([engine.Generator().manual_seed(each).get_state().numpy() for each in seeds])",
            ("states",),
            SEEDS,
            "exact",
        ),
        Case(
            "7.1 small, large and negative seeds",
            ODD_SEEDS.format(number="int64(-7)"),
            ("states", "kept"),
            tolerance="exact",
            theirs=ODD_SEEDS.format(number="-7"),  # PyTorch takes none of NumPy's
        ),
        Case(
            "7.1 integers that are drawn, across rounds of the twister",
            SEEDED + "generator = engine.Generator()\n"
            "drawn = stack([engine.randint(1000, (700,), generator=generator.manual_seed(each)).numpy() "
            "for each in seeds[:3]])",
            ("drawn",),
            SEEDS,
            "exact",
        ),
        Case(
            "7.1 seeded again, all begins again",
            SEEDED + "generator = engine.Generator().manual_seed(seeds[0])\n"
            "first = engine.randperm(20, generator=generator)\nsame = generator.manual_seed(seeds[0]) is generator\n"
            "second = engine.randperm(20, generator=generator)",
            ("same", "first", "second"),
            SEEDS,
            "exact",
        ),
        Case(
            "7.1 no normal number waits from before",
            SEEDED + "generator = engine.Generator()\ngenerator._second_normal = 0.5\n"
            "state = generator.manual_seed(seeds[0]).get_state()",
            ("state",),
            SEEDS,
            "exact",
            SEEDED + "generator = engine.Generator()\nengine.randn(1, generator=generator)\n"
            "state = generator.manual_seed(seeds[0]).get_state()",
        ),
        Case(
            "7.1 what is no seed is refused, and changes nothing",
            SEEDED + "generator = engine.Generator().manual_seed(seeds[0])\nfound = []\n"
            "for wrong in ('7', 1.5, None, True, 2**64, -(2**63) - 1):\n"
            "    try:\n        generator.manual_seed(wrong)\n        found.append('taken')\n"
            "    except NotImplementedError:\n        raise\n"
            "    except (RuntimeError, ValueError) as error:\n        found.append('refused')\n"
            "found, state, seed = ' '.join(found), generator.get_state(), str(generator.initial_seed())",
            ("found", "state", "seed"),
            SEEDS,
            "exact",
        ),
        Case(
            "7.1 the default generator",
            SEEDED + "import numpy\nengine.manual_seed(seeds[0])\nfirst = engine.randperm(9)\n"
            "engine.default_generator.manual_seed(seeds[1])\nsecond = engine.randperm(9)\n"
            "seed = str(engine.initial_seed())",
            ("first", "second", "seed"),
            SEEDS,
            "exact",
        ),
    ),
)

SEED = {"s": integers(100_000, ())}
START = "generator = engine.Generator().manual_seed(int(s.item()))\n"
FILL = (
    "def drawn(count, dtype, low=0.0, high=1.0):\n"
    "    return engine.empty(count, dtype=dtype).uniform_(low, high, generator=generator)\n"
)
REFUSED = """
found = []
for wrong in ((1.0, 0.0), (0.0, 1e39), (-1e39, 0.0), (float("nan"), 1.0), (0.0, float("inf")), (-3e38, 3e38),
              (0.0, 3.4028234663852886e38), (-3.4028234663852886e38, 0.0)):
    try:
        drawn(3, engine.float32, *wrong)
        found.append("taken")
    except NotImplementedError:
        raise
    except RuntimeError:
        found.append("refused")
found, state = " ".join(found), generator.get_state()
"""

EVEN = Task(
    "7.2",
    "Even numbers, one rounding",
    """\
`uniform` draws numbers evenly from `low` to `high`, `high` excluded: `unit * (high - low) + low`, to the last bit as
PyTorch does.

`_unit(count, dtype)` gives the `count` units, as an array of float64 with numbers from [0, 1). For float64 each takes
one number of 64 bits from the stream (`self.random64`), of which the lower 53 are kept and divided by `2**53`; for
any other type one of 32 bits (`self.random32`), of which the lower 24 are kept and divided by `2**24`.

`uniform` checks first, before anything is drawn: the type by `_floating("check_uniform_bounds", dtype)`, that neither
bound exceeds the type's largest number (NaN does), that `low <= high`, and that their difference does not exceed it
either; what fails is a RuntimeError. Then it computes in the type that `_computing(dtype)` says, float32 for float16.
The bounds are rounded to that type, their difference again. Product and sum are rounded once, together:
`_multiply_add(unit, difference, low, precision)` gives them in float64, for you to round to that type, and to
`dtype`.

Easily overlooked: rounding may reach `high`, which is excluded: there PyTorch gives `low`. The result has the shape
asked for, `()` too, and no numbers are drawn for none.""",
    6,
    (
        "How many random bits does a number of the type hold, so that no value is likelier than another? Count the "
        "drawn words too: the next draw must find the stream at the same place.",
        "`np.uint64` masks keep the bits. Round the bounds by `precision.type(low)`, and take the difference of the "
        "two that were rounded, not of those that were given.",
        "unit: random64 & (2**53 - 1), times 2.0**-53; random32 & (2**24 - 1), times 2.0**-24. uniform: check; first "
        "and last rounded; scaled by _multiply_add with float(last - first) and float(first); astype precision, then "
        "dtype; where it equals dtype.type(high) put low; reshape.",
    ),
    (Place("random.py", "Generator.uniform"), Place("random.py", "Generator._unit")),
    ("7.1",),
    (
        Case(
            "7.2 float32",
            START + "first = engine.rand(1000, generator=generator)\nplace = generator.get_state()",
            ("first", "place"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 float64",
            START
            + "first = engine.rand(1000, dtype=engine.float64, generator=generator)\nplace = generator.get_state()",
            ("first", "place"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 float16",
            START + FILL + "first = drawn(1000, engine.float16)\nsecond = drawn(1000, engine.float16, -0.3, 0.1)\n"
            "place = generator.get_state()",
            ("first", "second", "place"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 float16 is float32 rounded",  # the seed is one with which it matters
            "generator = engine.Generator().manual_seed(47)\n" + FILL + "first = drawn(200, engine.float16, 0.25, 0.3)",
            ("first",),
            {},
            "exact",
        ),
        Case(
            "7.2 other bounds, rounded once",
            START
            + FILL
            + "first = drawn(3000, engine.float32, -0.5, 0.7)\nsecond = drawn(3000, engine.float64, -1000.1, 3)\n"
            "third = drawn(3000, engine.float32, 1 / 3, 5)\nfourth = drawn(3000, engine.float64, 1e-7, 0.2)",
            ("first", "second", "third", "fourth"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 the upper bound is excluded",
            START
            + FILL
            + "first = drawn(5000, engine.float32, 1.0, 1.000001)\nsecond = drawn(5000, engine.float16, 1, 1.01)\n"
            "third = drawn(9, engine.float32, 2.0, 2.0)\nhighest = bool((first < 1.000001).all())",
            ("first", "second", "third", "highest"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 shapes",
            START + "first = engine.rand(2, 3, 4, generator=generator)\nsecond = engine.rand((), generator=generator)\n"
            "third = engine.rand(0, 3, generator=generator)\nplace = generator.get_state()",
            ("first", "second", "third", "place"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 a type by its name",
            START + "first = generator.uniform((5,), 'float64', -1.0, 2.0)\n"
            "second = generator.uniform((5,))\nfound = 'nothing'\n"
            "try:\n    generator.uniform((5,), 'int64')\nexcept NotImplementedError:\n"
            "    found = 'NotImplementedError'",
            ("first", "second", "found"),
            SEED,
            "exact",
            START + FILL + "first = drawn(5, engine.float64, -1.0, 2.0)\nsecond = drawn(5, engine.float32)\n"
            "found = 'nothing'\n"
            "try:\n    drawn(5, engine.int64)\nexcept NotImplementedError:\n    found = 'NotImplementedError'",
        ),
        Case(
            "7.2 among other draws",
            START + FILL + "first = engine.randint(9, (5,), generator=generator)\nsecond = drawn(3, engine.float64)\n"
            "third = engine.randperm(7, generator=generator)\nfourth = drawn(3, engine.float32, -1, 1)",
            ("first", "second", "third", "fourth"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 the widest bounds",
            START + FILL + "first = drawn(500, engine.float64, -8e307, 8e307)\n"
            "second = drawn(500, engine.float32, -1.7e38, 1.7e38)",
            ("first * 2.0**-1000", "second.double()"),
            SEED,
            "exact",
        ),
        Case(
            "7.2 bounds that are refused, before anything is drawn",
            START + FILL + REFUSED,
            ("found", "state"),
            SEED,
            "exact",
        ),
    ),
)

ASSIGNMENT = Assignment(
    "A7",
    "The same random numbers",
    (TWISTER, EVEN),
    (
        Case(
            "A7 a stream that draws of all kinds",
            SEEDED + "engine.manual_seed(seeds[0])\nfirst = engine.rand(5)\nsecond = engine.randperm(30)\n"
            "third = engine.rand(2, 3, dtype=engine.float64)\nfourth = engine.randint(100, (8,))\n"
            "with engine.random.fork_rng(devices=[]):\n    engine.rand(99)\n"
            "fifth = engine.empty(4).uniform_(-0.3, 0.9)\n"
            "state = engine.get_rng_state()",
            ("first", "second", "third", "fourth", "fifth", "state"),
            SEEDS,
            "exact",
        ),
        Case(
            "A7 a layer's initial weights",
            SEEDED + "engine.manual_seed(seeds[0])\nlayer = engine.nn.Linear(5, 3)\nother = engine.nn.Conv2d(2, 3, 3)",
            ("layer.weight", "layer.bias", "other.weight", "other.bias"),
            SEEDS,
            "exact",
        ),
    ),
    2,
    beneath=("A4", "A5", "A6"),
)
