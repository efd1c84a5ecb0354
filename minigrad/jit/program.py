"""What ``script``, ``trace`` and ``load`` give: programs that are called as the function or module they were made of.

A :class:`ScriptModule` is a module: it has parameters, a ``state_dict``, ``train`` and ``eval``, and can be trained. It
runs its graph, and needs the class that it was made from no more.
"""

from __future__ import annotations

import os
from typing import IO, Any

from minigrad import Tensor, nn
from minigrad.jit.code import code_of
from minigrad.jit.graph import Graph
from minigrad.jit.passes import inlined
from minigrad.jit.running import run
from minigrad.jit.types import NUMBERS
from minigrad.jit.writing import write

__all__ = ["ScriptFunction", "ScriptModule", "fits", "mirrored"]


class Program:
    """What a program of a function and one of a module share."""

    graph: Graph

    @property
    def code(self) -> str:
        """The program as Python would be written for it. Counterpart: ``torch.jit.ScriptModule.code``."""
        return code_of(self.graph)

    def save(self, f: str | os.PathLike[str] | IO[bytes]) -> None:
        """Write the program to a file: see :func:`minigrad.jit.save`."""
        write(self, f)


def arranged(graph: Graph, first: int, arguments: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    """The arguments of a call in the order of the graph's inputs, from the ``first`` on.

    Raises:
        RuntimeError: one is missing, surplus, or of another type.
    """
    inputs = graph.inputs[first:]
    names = [each.name for each in inputs]
    told = f"{graph.name}({', '.join([f'{each.name}: {each.type}' for each in inputs])})"
    given = dict(zip(names, arguments))
    if len(arguments) > len(names) or any(each not in names or each in given for each in named):
        raise RuntimeError(f"the program is called as {told}, not with {len(arguments)} arguments and {sorted(named)}")
    given |= named
    values = []
    for value in inputs:
        if value.name not in given and value.name not in graph.defaults:
            raise RuntimeError(f"the program is called as {told}: it is given no {value.name}")
        content = given[value.name] if value.name in given else graph.defaults[value.name]
        if not fits(value.type, content):
            given_type = type(content).__name__
            raise RuntimeError(f"the program is called as {told}: for {value.name} it is given {given_type}")
        values.append(content)
    return values


def fits(kind: str, content: Any) -> bool:
    """Whether a call may give ``content`` for an input of this type."""
    if kind == "Tensor" or (kind == "Tensor?" and content is not None):
        return isinstance(content, Tensor)
    if kind in NUMBERS:
        types = {"bool": bool, "int": int, "float": (int, float)}.get(kind, (int, float))
        return isinstance(content, types) and (kind == "bool" or not isinstance(content, bool))  # type: ignore[arg-type]
    if kind.endswith("[]"):
        return isinstance(content, (list, tuple)) and all(fits(kind[:-2], each) for each in content)
    if kind.startswith("("):
        return isinstance(content, tuple)
    return {"str": str, "NoneType": type(None), "Tensor?": type(None)}.get(kind, object) in type(content).__mro__


class ScriptFunction(Program):
    """The program of a function. Counterpart: ``torch.jit.ScriptFunction``.

    Attributes:
        graph: the operations; ``code`` is the same as Python.
        name: the function's.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.name = self.__name__ = graph.name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return run(self.graph, arranged(self.graph, 0, arguments, named))

    def __repr__(self) -> str:
        return f"<ScriptFunction {self.name}>"


class ScriptModule(nn.Module, Program):
    """The program of a module. Counterpart: ``torch.jit.ScriptModule``.

    Shapes: those of the module, in and out.

    Attributes:
        code: the graph as Python.
        original_name: the class that it was made of.
        training: as of every module; a scripted program reads it, a traced one keeps the mode that it saw.

    Raises:
        RuntimeError: from a call, where arguments are missing, surplus or of another type, or the program runs
            very many nodes; besides what the program raises.
    """

    def __init__(self, original_name: str) -> None:
        super().__init__()
        self.original_name = original_name
        self._graph: Graph | None = None

    @property
    def graph(self) -> Graph:  # type: ignore[override]
        """The operations of ``forward``. Counterpart: ``torch.jit.ScriptModule.graph``.

        Raises:
            RuntimeError: the module holds others, and no program calls it.
        """
        if self._graph is None:
            raise RuntimeError(f"{self.original_name} is called by no program, so it has no graph: script it by itself")
        return self._graph

    @property
    def inlined_graph(self) -> Graph:
        """The graph with that of each module that it calls in the place of the call."""
        return inlined(self.graph, self)

    def __getitem__(self, index: int) -> nn.Module:
        """The module at a place, of a program of ``Sequential``."""
        return [*self._modules.values()][index]  # type: ignore[return-value]

    def __len__(self) -> int:
        return len(self._modules)

    def forward(self, *arguments: Any, **named: Any) -> Any:
        return run(self.graph, [self, *arranged(self.graph, 1, arguments, named)])

    def extra_repr(self) -> str:
        return f"original_name={self.original_name}"


def mirrored(module: nn.Module, made: dict[int, ScriptModule]) -> ScriptModule:
    """A module and the modules in it as programs without graphs yet: with the same parameters and buffers.

    ``made`` is given each of them, by the ``id`` of the module that it mirrors.
    """
    if id(module) in made:
        return made[id(module)]
    if isinstance(module, ScriptModule):
        made[id(module)] = module
        return module
    result = made[id(module)] = ScriptModule(type(module).__name__)
    result.training = module.training
    for name, parameter in module._parameters.items():
        result.register_parameter(name, parameter)
    for name, buffer in module._buffers.items():
        result.register_buffer(name, buffer, persistent=name not in module._non_persistent_buffers)
    for name, child in module._modules.items():
        result.add_module(name, None if child is None else mirrored(child, made))
    return result
