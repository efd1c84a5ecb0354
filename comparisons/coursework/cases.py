"""What a case is: a program in text, the inputs that are drawn for it, what it shows, and how closely that must agree.

Inputs are drawn from HMAC(secret, submission, case): whoever knows the secret draws the same again, and nobody else
knows what an engine will be given.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Case", "Draw", "among", "integers", "uniform"]


@dataclass(frozen=True)
class Draw:
    """How an input is drawn: of a shape, evenly from ``low`` to ``high`` or from the values ``among``, of a type."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    among: tuple[float, ...] = ()
    dtype: str = "float64"

    def __call__(self, generator: np.random.RandomState) -> np.ndarray:
        """Draw the input. Of several values each stands in it, as far as it has room for them."""
        count = int(np.prod(self.shape))
        if not self.among:
            return generator.uniform(self.low, self.high, self.shape).astype(self.dtype)
        rounds = -(-count // len(self.among))
        values = generator.permutation(np.tile(np.asarray(self.among), rounds)[:count])
        return values.reshape(self.shape).astype(self.dtype)


def uniform(*shape: int, low: float = -2.0, high: float = 2.0, dtype: str = "float64") -> Draw:
    """Numbers of which all are equally likely."""
    return Draw(shape, low, high, dtype=dtype)


def among(*values: float, shape: tuple[int, ...], dtype: str = "float64") -> Draw:
    """Some of few values, so that ties and kinks are there."""
    return Draw(shape, among=values, dtype=dtype)


def integers(count: int, shape: tuple[int, ...]) -> Draw:
    """Integers from 0 on, ``count`` excluded, for labels and indices."""
    return Draw(shape, among=tuple(range(count)), dtype="int64")


@dataclass(frozen=True)
class Case:
    """One thing that an engine is asked.

    Attributes:
        name: its own among the cases.
        program: statements that know ``engine``, each input as a tensor, and ``graph(tensor)``.
        show: expressions whose values are compared.
        inputs: how each is drawn, by name.
        tolerance: a key of the table of tolerances.
        theirs: the program for PyTorch, where it has no word for what the engine is asked; else it is the same.
    """

    name: str
    program: str
    show: tuple[str, ...]
    inputs: Mapping[str, Draw] = field(default_factory=dict)
    tolerance: str = "float64"
    theirs: str = ""

    def draw(self, secret: bytes, submission: str) -> dict[str, np.ndarray]:
        """The inputs for a submission. Equal secrets draw equal numbers, whichever NumPy draws them."""
        words = f"{len(submission)} {submission} {self.name}".encode("utf-8", "surrogateescape")
        digest = hmac.new(secret, words, hashlib.sha256).digest()
        seeds = np.frombuffer(digest, np.uint32)
        generator = np.random.RandomState(np.random.MT19937(np.random.SeedSequence([int(each) for each in seeds])))
        return {name: draw(generator) for name, draw in self.inputs.items()}
