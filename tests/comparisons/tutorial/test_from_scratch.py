"""Section 0's engine for single numbers: 100 lines, the gradients of PyTorch and of minigrad, and names that exist."""

import ast
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import minigrad
from comparisons.tutorial import from_scratch
from comparisons.tutorial.from_scratch import Value, fit, in_order

TEXT = Path(from_scratch.__file__).with_name("00-from-scratch.md").read_text(encoding="utf-8")
SOURCE = Path(from_scratch.__file__).read_text(encoding="utf-8")
CODE = re.compile(
    r"^```\{code-cell\} ipython3\n:tags: \[engine\]\n(.*?)^```$|^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
OWN = {"slope", "Pow"}  # exercises beside the engine
ROW = re.compile(r"^\| (.*?) \| `(\w[\w.]*)` \| `(minigrad/[\w/]+\.py)` \|", re.MULTILINE)


def test_it_is_what_the_reader_writes_in_a_hundred_lines():
    pieces = "\n".join(given or answer for given, answer in CODE.findall(TEXT))
    written = [each for each in ast.parse(pieces).body if getattr(each, "name", "") not in OWN]
    assembled = [each for each in ast.parse(SOURCE).body[1:] if not isinstance(each, ast.Import)]
    assert list(map(ast.unparse, written)) == list(map(ast.unparse, assembled))
    assert sum(bool(line.strip()) for line in SOURCE.splitlines()) <= 100


def chain(x, y):
    for _ in range(2_000):
        x = x * 0.999 + y
    return x


PROGRAMS = {
    "x * x": lambda x, y: x * x + y,
    "numbers on either side": lambda x, y: 2.0 * x - y * 0.5 + 1.0 + (0.25 + x),
    "reused nodes": lambda x, y: (x * y + x).tanh() * (x * y + x) - (x * y).tanh(),
    "one node used by four": lambda x, y: (lambda s: s * s + s * x + s)(x + y),
    "a chain deeper than Python's stack": chain,
    "a leaf": lambda x, y: x,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_gradients_are_those_of_pytorch_and_minigrad(name):
    program, given = PROGRAMS[name], (0.7, -1.3)
    ours = [Value(each) for each in given]
    program(*ours).backward()
    result = program(*ours)
    result.backward()  # a second walk adds up
    assert result.grad is None or result in ours
    for engine in (torch, minigrad):
        theirs = [engine.tensor(each, dtype=engine.float64, requires_grad=True) for each in given]
        outcome = program(*theirs)
        outcome.backward()
        program(*theirs).backward()
        expected = [each.grad if each.grad is None else each.grad.item() for each in theirs]
        assert result.data == pytest.approx(outcome.item(), rel=1e-12)
        assert [each.grad for each in ours] == [
            each if each is None else pytest.approx(each, rel=1e-12) for each in expected
        ]


def test_a_node_keeps_its_inputs_in_order_with_those_that_come_twice():
    x = Value(2.0)
    square = x * x
    assert square.node.edges == (x.node, x.node) and (3.0 * square).node.edges == (square.node, None)
    assert [type(each).__name__ for each in in_order((square + x).node)] == ["Add", "Mul", "Leaf"]


def test_a_training_has_the_losses_of_pytorchs():
    generator = np.random.default_rng(0)
    rows, labels = generator.normal(size=(8, 3)), np.sign(generator.normal(size=8))
    first, second = generator.normal(size=(2, 3)), generator.normal(size=(1, 2))
    layers = [[([Value(each) for each in row], Value(0.0)) for row in matrix.tolist()] for matrix in (first, second)]
    losses = list(fit(layers, rows.tolist(), labels.tolist(), 4, lr=0.1))
    parameters = [torch.tensor(each, requires_grad=True) for each in (first, np.zeros(2), second, np.zeros(1))]
    weight, bias, last, last_bias = parameters
    optimizer, expected = torch.optim.SGD(parameters, lr=0.1), []
    for _ in range(4):
        hidden = torch.tanh(torch.tensor(rows) @ weight.T + bias)
        loss = ((torch.tanh(hidden @ last.T + last_bias)[:, 0] - torch.tensor(labels)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    assert losses == pytest.approx(expected, rel=1e-12) and losses[-1] < losses[0]


def test_what_the_table_names_exists():
    """Each row's left name in the reader's engine, its right one in the file that it tells."""
    rows = ROW.findall(TEXT)
    words = set(re.findall(r"\w+", SOURCE))
    assert len(rows) > 20
    for left, right, file in rows:
        name = re.fullmatch(r"`([A-Za-z_.]+)`", left)
        assert name is None or set(name[1].split(".")) <= words, left
        module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        owner, *rest = right.split(".")
        found = getattr(module, owner)
        for name in rest:
            assert hasattr(found, name) or name in found.__annotations__, right
