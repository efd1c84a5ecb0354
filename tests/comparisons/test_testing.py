"""``testing.assert_close`` on both engines: the same verdicts in the same words."""

import math

import numpy as np
import pytest
import torch

import minigrad

PAIRS = {
    "one element": lambda t: (t.tensor([1.0, 2, 3]), t.tensor([1.0, 2.5, 3])),
    "rounding": lambda t: (t.tensor([1.0, 2, 3]), t.tensor([1.0, 2.000001, 3])),
    "numbers": lambda t: (1.0, 2.0),
    "integers": lambda t: (1, 2),
    "an integer and a float": lambda t: (1, 1.0),
    "bools": lambda t: (True, False),
    "None": lambda t: (None, None),
    "None and a number": lambda t: (None, 1.0),
    "no dimension": lambda t: (t.tensor(1.0), t.tensor(2.0)),
    "integers in tensors": lambda t: (t.tensor([1, 2]), t.tensor([1, 3])),
    "bools in tensors": lambda t: (t.tensor([True, False]), t.tensor([True, True])),
    "bytes": lambda t: (t.tensor([1], dtype=t.uint8), t.tensor([3], dtype=t.uint8)),
    "halves": lambda t: (t.tensor([1.0, 2]).half(), t.tensor([1.0, 2.1]).half()),
    "bfloat16": lambda t: (t.tensor([1.0, 2]).bfloat16(), t.tensor([1.0, 2.1]).bfloat16()),
    "a list": lambda t: ([t.tensor([1.0]), t.tensor([2.0])], [t.tensor([1.0]), t.tensor([3.0])]),
    "lists in lists": lambda t: ([[t.tensor([1.0])]], [[t.tensor([4.0])]]),
    "a dictionary": lambda t: ({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]}),
    "keys": lambda t: ({"a": 1}, {"b": 1}),
    "lengths": lambda t: ([1], [1, 2]),
    "types": lambda t: (t.tensor([1.0]), t.tensor([1.0], dtype=t.float64)),
    "shapes": lambda t: (t.tensor([1.0]), t.tensor([[1.0]])),
    "NaN": lambda t: (t.tensor([math.nan]), t.tensor([math.nan])),
    "infinity": lambda t: (t.tensor([math.inf, 1]), t.tensor([2.0, 1])),
    "equal infinities": lambda t: (t.tensor([math.inf]), t.tensor([math.inf])),
    "a zero": lambda t: (t.tensor([0.0, 1]), t.tensor([0.0, 0])),
    "a matrix": lambda t: (t.tensor([[0.0, 1], [2, 3]]), t.tensor([[0.0, 1], [2, 3.1]])),
    "nothing": lambda t: (t.tensor([]), t.tensor([])),
    "strides": lambda t: (t.zeros(2, 3), t.zeros(3, 2).t()),
    "arrays": lambda t: (np.array([1.0]), np.array([2.0])),
    "texts": lambda t: ("a", "a"),
    "a tensor and a number": lambda t: (t.tensor([1.0]), 1.0),
    "a gradient": lambda t: (t.tensor([1.0], requires_grad=True), t.tensor([1.5])),
}
OPTIONS = [
    {},
    {"rtol": 0.3, "atol": 0.2},
    {"rtol": 0, "atol": 0},
    {"equal_nan": True},
    {"check_dtype": False},
    {"check_stride": True},
    {"msg": "another"},
    {"msg": lambda told: f"then: {told}"},
]


def verdict(engine, pair, options):
    try:
        engine.testing.assert_close(*pair(engine), **options)
    except (AssertionError, TypeError, ValueError) as error:
        return type(error), str(error).replace("minigrad.tensor.Tensor", "torch.Tensor").replace("minigrad", "torch")
    return None


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_verdicts(pair):
    for options in OPTIONS:
        assert verdict(minigrad, pair, options) == verdict(torch, pair, options), options


def test_one_tolerance_without_the_other_is_refused():
    for engine in (minigrad, torch):
        with pytest.raises(ValueError, match="must be either specified or omitted, but got no atol"):
            engine.testing.assert_close(1.0, 1.0, rtol=0.1)
