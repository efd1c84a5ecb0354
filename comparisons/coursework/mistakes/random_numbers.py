"""Mistakes in the functions of ``assignments/random_numbers.py``."""

from __future__ import annotations

from comparisons.coursework.mistakes.mistake import Mistake

__all__ = ["MISTAKES"]

FILE = "random.py"

MISTAKES = (
    Mistake(
        "G1",
        "7.1",
        FILE,
        "(word >> 30)) + position + 1)",
        "(word >> 30)) + position)",
        "the formula adds the number of the word before",
    ),
    Mistake(
        "G2",
        "7.1",
        FILE,
        "        word = self._seed & 0xFFFFFFFF\n",
        "        word = (self._seed ^ (self._seed >> 32)) & 0xFFFFFFFF\n",
        "the upper half of a seed counts: right for seeds of 32 bits alone",
    ),
    Mistake(
        "G3",
        "7.1",
        FILE,
        "        self._set_twister(words, STATE_WORDS)\n        self._second_normal = None\n        return self",
        "        self._set_twister(words, STATE_WORDS)\n        return self",
        "a normal number waits from the stream before",
    ),
    Mistake(
        "G4",
        "7.1",
        FILE,
        "self._set_twister(words, STATE_WORDS)",
        "self._set_twister(words, 0)",
        "the words of the seed are drawn themselves, before they are twisted",
    ),
    Mistake(
        "G5",
        "7.1",
        FILE,
        "        self._seed = int(seed) % 2**64",
        "        self._seed = abs(int(seed))",
        "a negative seed is that without its sign",
    ),
    Mistake(
        "G6",
        "7.2",
        FILE,
        "        scaled = _multiply_add(unit, float(last - first), float(first), precision)\n        drawn",
        "        scaled = unit.astype(precision) * (last - first) + first\n        drawn",
        "product and sum are rounded each: the last bit differs",
    ),
    Mistake(
        "G7",
        "7.2",
        FILE,
        "        drawn[drawn == dtype.type(high)] = dtype.type(low)  # rounding may reach ``high``\n",
        "",
        "the upper bound is drawn",
    ),
    Mistake(
        "G8",
        "7.2",
        FILE,
        "        if dtype == np.float64:\n            return (self.random64(count)",
        "        if True:\n            return (self.random64(count)",
        "every type takes 64 bits from the stream",
    ),
    Mistake(
        "G9",
        "7.2",
        FILE,
        "return (self.random32(count) & np.uint64(2**24 - 1)) * 2.0**-24",
        "return (self.random32(count) >> np.uint64(8)) * 2.0**-24",
        "the upper bits are kept, not the lower ones",
    ),
    Mistake(
        "G10",
        "7.2",
        FILE,
        "        precision = _computing(dtype)\n        first, last = precision.type(low), precision.type(high)\n"
        "        unit",
        "        precision = _computing(dtype)\n        first, last = float(low), float(high)\n        unit",
        "the bounds are not rounded to the type",
    ),
)
