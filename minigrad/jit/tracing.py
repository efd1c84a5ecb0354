"""``trace``: a function or a module as a program, made by running it once and noting the operations that ran.

What Python does meanwhile leaves nothing behind: of an ``if`` the branch that was taken, of a loop its rounds. How the
operations are noted is in ``recording.py``; sizes, which fit other inputs too, are in ``sizes.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import minigrad
from minigrad import Tensor, nn
from minigrad.caller import warn_user
from minigrad.jit.graph import Graph
from minigrad.jit.passes import eliminate_dead_code
from minigrad.jit.program import ScriptFunction, ScriptModule, mirrored
from minigrad.jit.recording import Recording, copied
from minigrad.jit.running import run
from minigrad.jit.sizes import TracerWarning

__all__ = ["trace"]


@overload
def trace(func: nn.Module, example_inputs: Any, check_trace: bool = True) -> ScriptModule: ...
@overload
def trace(func: Callable[..., Any], example_inputs: Any, check_trace: bool = True) -> ScriptFunction: ...
def trace(func: Any, example_inputs: Any, check_trace: bool = True) -> ScriptModule | ScriptFunction:
    """The operations that ``func`` runs for ``example_inputs``, as a program. Counterpart: ``torch.jit.trace``.

    Branches and loops are not in it, and it keeps the mode, training or evaluation, that the module was in. The example
    is a call as any other: a network in training mode moves its running statistics, once.

    Args:
        func: a function or a module of tensors that returns tensors, or tuples or lists of them. A program of a
            module is given back as it is, of which it is warned.
        example_inputs: a tensor, or a tuple of them. The program takes other sizes too, unless ``func`` made constants
            of these.
        check_trace: run the program, and warn where it gives something else than ``func``.

    Raises:
        TypeError: ``example_inputs`` are no tensors, or ``func`` cannot be called.
        RuntimeError: ``func`` returns something else, calls what is no operation of programs, or uses a tensor that
            requires grad and is neither an input nor the module's; or this thread is tracing already.

    Warns:
        TracerWarning: a tensor became a Python value, which is a constant of the program; or the check found a
            difference.

    >>> program = minigrad.jit.trace(lambda x: x * 2 + 1, minigrad.ones(2))
    >>> print(program.code, end="")
    def <lambda>(x: Tensor) -> Tensor:
        return minigrad.add(minigrad.mul(x, 2), 1)
    >>> program(minigrad.tensor([1.0, 2.0]))
    tensor([3., 5.])
    """
    if isinstance(func, ScriptModule):
        warn_user("The input to trace is already a ScriptModule, tracing it is a no-op. Returning the object as is.")
        return func
    inputs = (example_inputs,) if isinstance(example_inputs, Tensor) else example_inputs
    if not isinstance(inputs, (tuple, list)) or not all(isinstance(each, Tensor) for each in inputs):
        raise TypeError("trace takes tensors as example_inputs: one, or a tuple of them")
    if not callable(func) or isinstance(func, type):
        raise TypeError(f"trace takes a function or a module, not {type(func).__name__}: make an instance of a class")
    module = func if isinstance(func, nn.Module) else None
    graph = Graph("forward" if module else getattr(func, "__name__", "function"))
    before = state_of(module)
    expected = Recording(graph, module).run(func, tuple(inputs))
    eliminate_dead_code(graph)
    program = ScriptFunction(graph) if module is None else mirrored(module, {})
    if isinstance(program, ScriptModule):
        program._graph = graph
    if check_trace:
        after = state_of(module)
        put_back(module, before)
        check(program, inputs, expected)
        put_back(module, after)
    return program


def state_of(module: nn.Module | None) -> tuple[Tensor, list[Tensor]]:
    """What a run may change: the random numbers, and copies of a module's buffers."""
    return minigrad.get_rng_state(), [each.clone() for each in module.buffers()] if module else []


def put_back(module: nn.Module | None, state: tuple[Tensor, list[Tensor]]) -> None:
    """Let everything be as it was."""
    minigrad.set_rng_state(state[0])
    for own, value in zip(module.buffers() if module else (), state[1]):
        own.copy_(value)


def check(program: Any, inputs: Any, expected: Any) -> None:
    """Warn where the program gives something else than the function gave."""
    first = [program] if isinstance(program, ScriptModule) else []
    found = run(program.graph, [*first, *map(copied, inputs)])
    for number, (own, wanted) in enumerate(zip(flat(found), flat(expected)), 1):
        if own.shape != wanted.shape or not minigrad.allclose(own.double(), wanted.double(), equal_nan=True):
            told = f"Output nr {number}. of the traced function does not match the corresponding output"
            warn_user(f"{told} of the Python function.", TracerWarning)


def flat(value: Any) -> list[Tensor]:
    """The tensors in what a function returned."""
    return [value] if isinstance(value, Tensor) else [tensor for each in value for tensor in flat(each)]
