"""minigrad in a hundred lines: the engine of tests for which any engine will do: a process has it at once."""

from minigrad.ops.arithmetic import add, mul, neg
from minigrad.ops.division import div
from minigrad.tensor import tensor

__all__ = ["add", "div", "mul", "neg", "tensor"]
