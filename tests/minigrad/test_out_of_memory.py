"""What does not fit into memory is PyTorch's RuntimeError, and a MemoryError, wherever it is noticed."""

import pytest

import minigrad
from minigrad.nn import functional

HUGE = 10**13  # elements: more than any address space of a process has room for
many = minigrad.ones(1).expand(HUGE)
column, row = minigrad.ones(10**7, 1), minigrad.ones(1, 10**7)

PROGRAMS = {
    "zeros": lambda: minigrad.zeros(HUGE),
    "full": lambda: minigrad.full((HUGE,), 2.0),
    "empty_like": lambda: minigrad.empty_like(many),
    "arange": lambda: minigrad.arange(HUGE),
    "rand": lambda: minigrad.rand(HUGE),
    "randperm": lambda: minigrad.randperm(HUGE),
    "tensor": lambda: minigrad.tensor(many.numpy()),
    "eye": lambda: minigrad.eye(10**7),
    "new_zeros": lambda: many.new_zeros(HUGE),
    "x + 1": lambda: many + 1,
    "recorded": lambda: column.clone().requires_grad_() * row,
    "product": lambda: column @ row,
    "clone": lambda: many.clone(),
    "comparison": lambda: many > 0,
    "type": lambda: many.double(),
    "cat": lambda: minigrad.cat([many, many]),
    "pad": lambda: functional.pad(row, (HUGE, 0)),
    "convolution": lambda: functional.conv2d(minigrad.ones(1, 1, 1, 1), minigrad.ones(1, 1, 1, 1), padding=10**7),
    "pooling to as many": lambda: functional.adaptive_max_pool1d(minigrad.ones(1, 1), HUGE),
    "layer": lambda: minigrad.nn.Linear(10**7, 10**7),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_it_is_both_errors(program):
    with pytest.raises(minigrad.OutOfMemoryError, match="can't allocate memory") as caught:
        program()
    assert isinstance(caught.value, RuntimeError) and isinstance(caught.value, MemoryError)


def test_it_says_how_much():
    with pytest.raises(RuntimeError, match=r"allocate 40000000000000 bytes, for shape \[10000000000000\] of float32"):
        minigrad.zeros(HUGE)


def test_in_backward_too_and_recording_is_on_afterwards():
    """The gradient of what one element was taken of is as large as that."""
    x = minigrad.ones(1, requires_grad=True)
    with pytest.raises(minigrad.OutOfMemoryError):
        x.expand(HUGE)[5].backward()
    assert minigrad.is_grad_enabled()
