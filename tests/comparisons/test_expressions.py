"""What a tutorial or a unit test types, line by line, on both engines: the same result or the same type of exception.

After an exception the operands are as they were. Every function and every in-place form has a line that fails.

The lines are in ``expressions/``, one case a line, with ``torch`` standing for the engine. Steps before the last are
separated by ``;``. In reach are ``T`` (``torch.tensor``) and five tensors: ``F`` floats, ``I`` integers, ``B`` bools,
``U`` bytes, ``R`` floats that require grad.
"""

import copy
import importlib
import math
import operator
import pickle
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import minigrad
from comparisons import Mismatch
from comparisons.outcomes import check_outcome, check_outcomes, outcome
from minigrad import creation, linalg, ops
from minigrad.methods import Methods

pytestmark = pytest.mark.filterwarnings("ignore")  # warnings are compared elsewhere

FILES = sorted((Path(__file__).parent / "expressions").glob("*.txt"))
CASES = [pytest.param(line, id=line) for path in FILES for line in path.read_text(encoding="utf-8").splitlines()]


class Expression:
    """A line, to be run on an engine."""

    def __init__(self, line):
        *self.steps, self.last = [each.strip() for each in line.split(";")]
        self.operands = [name for name in OPERANDS if re.search(rf"\b{name}\b", line)]

    def __call__(self, engine):
        names = {"torch": engine, "T": engine.tensor, "np": np, "copy": copy, "pickle": pickle, "math": math}
        names |= {"operator": operator, **{name: OPERANDS[name](engine) for name in self.operands}}
        try:
            for step in self.steps:
                exec(step, names)
            return eval(self.last, names)
        except Exception:
            if not self.steps:
                self.check_unchanged(engine, names)
            raise

    def check_unchanged(self, engine, names):
        for name in self.operands:
            if not np.array_equal(names[name].detach().numpy(), OPERANDS[name](engine).detach().numpy()):
                # This is no Exception: it cannot pass for the expected one.
                pytest.fail(f"the operation failed, but changed {name}")


OPERANDS = {
    "F": lambda engine: engine.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]),
    "I": lambda engine: engine.tensor([[1, -2, 3], [4, 5, -6]]),
    "B": lambda engine: engine.tensor([True, False, True]),
    "U": lambda engine: engine.tensor([1, 200, 255], dtype=engine.uint8),
    "R": lambda engine: engine.tensor([1.0, 2.0, 3.0], requires_grad=True),
}


@pytest.mark.parametrize("line", CASES)
def test_line(line):
    run = Expression(line)
    ours, theirs = outcome(run, minigrad), outcome(run, torch)
    check_outcomes(line, ours, theirs)
    if not isinstance(theirs, torch.Tensor):
        return
    if (ours.requires_grad, ours.is_leaf) != (theirs.requires_grad, theirs.is_leaf):
        raise Mismatch(f"{line}: requires_grad and is_leaf are {ours.requires_grad}, {ours.is_leaf}")
    if theirs.is_contiguous() and not ours.is_contiguous():
        raise Mismatch(f"{line}: PyTorch's result can be viewed under another shape, ours, {ours.stride()}, cannot")


FAMILIES = [importlib.import_module(f"minigrad.ops.{each.name}") for each in pkgutil.iter_modules(ops.__path__)]
FUNCTIONS = {name for family in FAMILIES for name in getattr(family, "__all__", ())}
FUNCTIONS |= {name for name in vars(Methods) if not name.startswith("__")}
FUNCTIONS -= {*minigrad.nn.functional.__all__}  # layers and losses are compared elsewhere
IN_PLACE = [
    name
    for name in dir(minigrad.Tensor)
    if name.endswith("_")
    and not name.startswith("_")
    and hasattr(torch.Tensor, name)
    and hasattr(minigrad.Tensor, name)
]
NEVER_FAIL = {
    "LinAlgError": "an exception",
    "detach_": "forgets the history, whatever there is",
    "seed": "takes nothing",
}


def test_every_operation_has_a_line_that_fails():
    database = pytest.importorskip("torch.testing._internal.common_methods_invocations").op_db
    missing = {*FUNCTIONS, *IN_PLACE, *creation.__all__, *linalg.__all__} - NEVER_FAIL.keys()
    missing -= {each.name.rpartition(".")[2] for each in database if each.error_inputs_func is not None}
    for case in CASES:
        line = case.values[0]
        called = missing.intersection(re.findall(r"\b(\w+)\(", line))
        if called and isinstance(outcome(Expression(line), torch), Exception):
            missing -= called
    assert missing == set()


def test_every_file_is_read_and_fails_where_it_should():
    assert len(CASES) > 4000
    with pytest.raises(Mismatch):
        check_outcome("wrong", lambda engine: engine.tensor([1.0]) + (1 if engine is minigrad else 2))


def test_absent_names_say_so():
    with pytest.raises(AttributeError, match="minigrad has no 'fft'"):
        minigrad.fft  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'stft'"):
        minigrad.ones(2, 2).stft(2)
    with pytest.raises(AttributeError, match="absent"):
        minigrad.absent  # noqa: B018
