"""What a tutorial or a unit test types, line by line, on both engines: the same result or the same type of exception.

The lines are in ``expressions/``, one case a line, with ``torch`` standing for the engine. Steps before the last are
separated by ``;``. In reach are ``T`` (``torch.tensor``) and five tensors: ``F`` floats, ``I`` integers, ``B`` bools,
``U`` bytes, ``R`` floats that require grad.
"""

import copy
import math
import operator
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import minigrad
from comparisons import Mismatch
from comparisons.outcomes import check_outcome, outcome

pytestmark = pytest.mark.filterwarnings("ignore")  # warnings are compared elsewhere

FILES = sorted((Path(__file__).parent / "expressions").glob("*.txt"))
CASES = [pytest.param(line, id=line) for path in FILES for line in path.read_text(encoding="utf-8").splitlines()]


class Expression:
    """A line, to be run on an engine."""

    def __init__(self, line):
        *self.steps, self.last = [each.strip() for each in line.split(";")]

    def __call__(self, engine):
        tensor = engine.tensor
        names = {"torch": engine, "T": tensor, "np": np, "copy": copy, "pickle": pickle, "math": math}
        names["operator"] = operator
        names["F"] = tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
        names["I"] = tensor([[1, -2, 3], [4, 5, -6]])
        names["B"] = tensor([True, False, True])
        names["U"] = tensor([1, 200, 255], dtype=engine.uint8)
        names["R"] = tensor([1.0, 2.0, 3.0], requires_grad=True)
        for step in self.steps:
            exec(step, names)
        return eval(self.last, names)


@pytest.mark.parametrize("line", CASES)
def test_line(line):
    run = Expression(line)
    check_outcome(line, run)
    ours, theirs = outcome(run, minigrad), outcome(run, torch)
    if not isinstance(theirs, torch.Tensor):
        return
    if (ours.requires_grad, ours.is_leaf) != (theirs.requires_grad, theirs.is_leaf):
        raise Mismatch(f"{line}: requires_grad and is_leaf are {ours.requires_grad}, {ours.is_leaf}")
    if theirs.is_contiguous() and not ours.is_contiguous():
        raise Mismatch(f"{line}: PyTorch's result can be viewed under another shape, ours, {ours.stride()}, cannot")


def test_every_file_is_read_and_fails_where_it_should():
    assert len(CASES) > 1500
    with pytest.raises(Mismatch):
        check_outcome("wrong", lambda engine: engine.tensor([1.0]) + (1 if engine is minigrad else 2))


def test_absent_names_say_so():
    with pytest.raises(AttributeError, match="minigrad has no 'fft'"):
        minigrad.fft  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'cholesky'"):
        minigrad.ones(2, 2).cholesky()
    with pytest.raises(AttributeError, match="absent"):
        minigrad.absent  # noqa: B018
