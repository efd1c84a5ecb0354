"""``script``: a function or a module as a program, made from its source, with its branches and loops in it.

Python's ``ast`` parses the source, and each statement and expression becomes nodes: ``statements.py``,
``expressions.py``. Modules inside are scripted when they are first called, and called by name. What cannot be taken is
refused with its line. What ``self`` holds besides parameters, buffers, modules and ``training`` is known while it is
scripted: an ``if`` on it leaves one branch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, overload

from minigrad import nn
from minigrad.jit.frontend.items import NotSupportedError, Part, Source
from minigrad.jit.frontend.loops import Scripting
from minigrad.jit.graph import Graph
from minigrad.jit.program import ScriptFunction, ScriptModule, mirrored
from minigrad.jit.types import type_of, type_of_annotation

__all__ = ["script"]


@overload
def script(obj: nn.Module) -> ScriptModule: ...  # type: ignore[overload-overlap]  # a module is callable too
@overload
def script(obj: Callable[..., Any]) -> ScriptFunction: ...
def script(obj: Any) -> ScriptModule | ScriptFunction:
    """The program of a function, or of a module and the modules in it. Counterpart: ``torch.jit.script``.

    Both modes are kept: ``self.training`` is read when the program runs. Parameters and buffers are shared with the
    module. Arguments are tensors unless annotated otherwise: ``int``, ``float``, ``bool``, ``str``, ``list[Tensor]``,
    ``Tensor | None``.

    Raises:
        NotSupportedError: the source is not there, or has something in it that a program cannot do; the message names
            file and line, and what to do.
        TypeError: ``obj`` is neither a function nor a module.

    Deviations: attributes that are numbers, texts or tuples are constants of the program; in PyTorch some can be
    assigned later. Lists, besides those of modules, are written out or appended to.

    >>> program = minigrad.jit.script(minigrad.nn.Linear(3, 2))
    >>> print(program.code, end="")
    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight
        bias = self.bias
        return minigrad.nn.functional.linear(input, weight, bias)
    >>> program(minigrad.ones(1, 3)).shape
    minigrad.Size([1, 2])
    """
    if isinstance(obj, (ScriptModule, ScriptFunction)):
        return obj
    if isinstance(obj, nn.Module):
        return ModuleScripting(obj).program()
    if not callable(obj) or not inspect.isfunction(inspect.unwrap(obj)):
        raise TypeError(f"script takes a function or a module, not {type(obj).__name__}: make an instance of a class")
    graph = Graph(obj.__name__)
    scripting = Scripting(graph, no_modules)
    fill(scripting, Source(obj), [])
    return ScriptFunction(graph)


def no_modules(module: nn.Module) -> Graph:
    raise NotSupportedError(f"script: a function cannot call {type(module).__name__}: make it a method of a module")


class ModuleScripting:
    """A module while it and the modules in it are scripted."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.scripted: dict[int, ScriptModule] = {}
        self.running: list[nn.Module] = []

    def program(self) -> ScriptModule:
        """The whole program."""
        result = mirrored(self.module, self.scripted)
        self.forward_of(self.module)
        return result

    def forward_of(self, module: nn.Module) -> Graph:
        """The graph of a module's ``forward``.

        Raises:
            NotSupportedError: it has hooks, or calls itself.
        """
        scripted = self.scripted[id(module)]
        if scripted._graph is not None:
            return scripted._graph
        name = type(module).__name__
        own = "forward" in vars(module) or type(module).__call__ is not nn.Module.__call__
        hooked = module._forward_hooks or module._forward_pre_hooks
        for refused, why in (
            (any(module is each for each in self.running), "calls itself: use a loop"),
            (own, "has its forward of its own instance, or another __call__: trace it"),
            (hooked, "has hooks, which are no part of a program: remove them, or trace it"),
            (isinstance(module, ScriptModule), "has no forward: call what is in it"),
        ):
            if refused:
                raise NotSupportedError(f"script: {name} {why}")
        self.running.append(module)
        graph = Graph()
        graph.add_input(name, "self")
        scripting = Scripting(graph, self.forward_of)
        scripting.root = module
        fill(scripting, Source(type(module).forward), [Part(module)])
        self.running.pop()
        scripted._graph = graph
        return graph


def fill(scripting: Scripting, source: Source, first: list[Any]) -> None:
    """Script a whole function: its arguments are the graph's inputs, and what it returns the output."""
    arguments = source.tree.args
    graph, names = scripting.graph, [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
        what = f"{source.tree.name} takes *, ** or arguments by name alone"
        raise source.refused(source.tree, what, "name them plainly")
    variables: dict[str, Any] = dict(zip([each.arg for each in names], first))
    for argument in names[len(first) :]:
        kind = type_of_annotation(argument.annotation)
        if kind is None:
            what = f"{argument.arg} is annotated with no type of programs"
            raise source.refused(argument, what, "use Tensor, int, …")
        variables[argument.arg] = graph.add_input(kind, argument.arg)
    for argument, default in zip(names[::-1], (source.function.__defaults__ or ())[::-1]):
        value = variables[argument.arg]
        if value.type == "Tensor" and argument.annotation is None and default is not None:
            value.type = type_of(default)
        elif value.type == "Tensor" and default is None:
            value.type = "Tensor?"
        graph.defaults[argument.arg] = default
    graph.outputs = [scripting.body(source, variables, as_value=True)]
