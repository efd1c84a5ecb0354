"""``save`` and ``load``: a program as data, in a checkpoint (``minigrad/saving``).

The file is what ``minigrad.save`` writes of a dictionary: the modules, each with its parameters, buffers and the
modules in it, and the graphs, whose nodes name their operations. Loading reads a checkpoint, which runs no code, and
puts graphs together of what ``operations.py`` has and ``checking.py`` has checked.

Modules are numbered so that each comes after those in it, and values so that each comes after what it is made of: so
neither can be part of itself. Blocks stand in one list, the graph's first, each before those in it.
"""

from __future__ import annotations

import os
from pickle import UnpicklingError
from typing import IO, Any

import minigrad
from minigrad import Tensor, nn
from minigrad.jit.checking import Scope, need
from minigrad.jit.graph import Block, Graph, Node, Value
from minigrad.jit.program import ScriptFunction, ScriptModule
from minigrad.jit.writing import FORMAT, VERSION, write

__all__ = ["load", "save"]

DEEPEST = 100  # blocks in blocks
LONGEST = 1000  # letters of a name


def save(m: ScriptModule | ScriptFunction, f: str | os.PathLike[str] | IO[bytes]) -> None:
    """Write a program to a file. Counterpart: ``torch.jit.save``; the format is minigrad's own.

    Raises:
        TypeError: ``m`` is no program: ``script`` or ``trace`` it first.
        OSError: as from ``minigrad.save``; what was at the path stays as it was.

    >>> program = minigrad.jit.script(minigrad.nn.Linear(3, 2))
    >>> minigrad.jit.save(program, "linear.pt")
    >>> minigrad.jit.load("linear.pt")(minigrad.ones(1, 3)).shape
    minigrad.Size([1, 2])
    """
    if not isinstance(m, (ScriptModule, ScriptFunction)):
        raise TypeError(f"jit.save writes programs, and {type(m).__name__} is none: script or trace it first")
    write(m, f)


def load(f: str | os.PathLike[str] | IO[bytes], map_location: Any = None) -> Any:
    """Read a program that :func:`save` wrote: a ScriptModule or a ScriptFunction. Counterpart: ``torch.jit.load``.

    No code is run, neither from the file nor by its names, and everything is checked before a program is made: so a
    file from anybody may be loaded. What a program computes when it is called, it computes of the operations in
    ``operations.py``, and at most ten million nodes in one call.

    Raises:
        pickle.UnpicklingError: the file is damaged, or no program; the message says what is wrong.
        FileNotFoundError: there is no such file.
    """
    name = os.fspath(f) if isinstance(f, (str, os.PathLike)) else type(f).__name__
    try:
        data = minigrad.load(f, map_location)
        return Reading(data).program()
    except UnpicklingError as error:
        told = str(error)
        if "TorchScript" in told:
            told += ": PyTorch alone runs it; script the network here, or load its weights"
        raise UnpicklingError(told if told.startswith("cannot load") else f"cannot load {name}: {told}") from None


def part(data: Any, name: str, kind: type | tuple[type, ...], where: str) -> Any:
    """``data[name]``, which has to be of a type."""
    need(isinstance(data, dict), f"{where} is no dictionary")
    kinds = kind if isinstance(kind, tuple) else (kind,)
    need(name in data and type(data[name]) in kinds, f"{where} has no right {name}")
    return data[name]


class Reading:
    """One file while its modules and graphs are put together."""

    def __init__(self, data: Any) -> None:
        is_program = isinstance(data, dict) and data.get("format") == FORMAT
        need(is_program, "it is a checkpoint, not a program: minigrad.load reads it")
        version = data.get("version")
        need(type(version) is int and version == VERSION, f"it is a program of another version than {VERSION}")
        self.modules: list[ScriptModule] = []
        self.graphs = part(data, "graphs", list, "the program")
        self.used: set[int] = set()
        for each in part(data, "modules", list, "the program"):
            self.modules.append(self.module(each))

    def program(self) -> ScriptModule | ScriptFunction:
        """The whole."""
        if self.modules:
            root = self.modules[-1]
            need(root._graph is not None, "its last module, which is the whole, has no graph")
            need(len([*root.modules()]) == len(self.modules), "it has modules that are part of nothing")
        need(len(self.used) == len(self.graphs) - (not self.modules), "it has graphs that belong to no module")
        return self.modules[-1] if self.modules else ScriptFunction(self.graph(0, None))

    def module(self, data: Any) -> ScriptModule:
        """A module, of those before it."""
        where = f"module {len(self.modules)}"
        module = ScriptModule(text(part(data, "name", str, where)))
        module.training = part(data, "training", bool, where)
        not_saved = part(data, "not_saved", list, where)
        try:
            for name, value in part(data, "parameters", dict, where).items():
                need(value is None or isinstance(value, nn.Parameter), f"{where}: a parameter is none")
                module.register_parameter(name, value)
            for name, value in part(data, "buffers", dict, where).items():
                need(value is None or isinstance(value, Tensor), f"{where}: a buffer is no tensor")
                module.register_buffer(name, value, persistent=name not in not_saved)
            for name, number in part(data, "modules", dict, where).items():
                earlier = number is None or (type(number) is int and 0 <= number < len(self.modules))
                need(earlier, f"{where}: what is in it does not come before it")
                module.add_module(name, None if number is None else self.modules[number])
        except (KeyError, TypeError) as error:
            raise UnpicklingError(f"{where}: {str(error)[:200]}") from None
        number = part(data, "graph", (int, type(None)), where)
        if number is not None:
            module._graph = self.graph(number, module)
        return module

    def graph(self, number: int, module: ScriptModule | None) -> Graph:
        """A graph, of a module or of a function."""
        need(0 <= number < len(self.graphs) and number not in self.used, "a graph is not there, or belongs to two")
        if module is not None:
            self.used.add(number)
        data, where = self.graphs[number], f"graph {number}"
        graph = Graph(text(part(data, "name", str, where)))
        reader = GraphReading(part(data, "blocks", list, where), where, module)
        reader.block(0, graph, 0)
        need(reader.read == len(reader.blocks), f"{where} has blocks that are part of nothing")
        defaults = part(data, "defaults", dict, where)
        need(set(defaults) <= {each.name for each in graph.inputs}, f"{where} has defaults of what it does not take")
        graph.defaults = defaults
        reader.scope.check_graph(graph)
        return graph


class GraphReading:
    """One graph while it is put together: the values so far by their numbers, and which blocks were read."""

    def __init__(self, blocks: list[Any], where: str, module: ScriptModule | None) -> None:
        self.blocks = blocks
        self.where = where
        self.values: dict[int, Value] = {}
        self.count = 0
        self.read = 0
        self.scope = Scope(module, where)

    def block(self, number: Any, block: Block, depth: int) -> Block:
        """Fill a block: the next in the list. What is made in it is not known outside."""
        in_order = type(number) is int and number == self.read < len(self.blocks)
        need(in_order, f"{self.where}: a block is not where it should be")
        need(depth < DEEPEST, f"{self.where}: blocks are nested more than {DEEPEST} deep")
        self.read += 1
        data, where = self.blocks[number], f"{self.where}, block {number}"
        outside = dict(self.values) if depth else self.values
        block.inputs = [self.value(each) for each in part(data, "inputs", list, where)]
        if not depth:
            self.scope.begin(block)
        for each in part(data, "nodes", list, where):
            block.append(self.node(each, f"{where}, a node", depth))
        block.outputs = self.known(part(data, "outputs", list, where))
        self.values = outside
        return block

    def node(self, data: Any, where: str, depth: int) -> Node:
        """A node that was checked."""
        attributes = part(data, "attributes", dict, where)
        known = all(type(each) is str and each in ("value", "name") for each in attributes)
        need(known, f"{where} has an unknown attribute")
        kind, inputs = text(part(data, "kind", str, where)), self.known(part(data, "inputs", list, where))
        node = Node(kind, inputs, (), text(part(data, "source", str, where)), **attributes)
        for number in part(data, "blocks", list, where):
            node.blocks.append(self.block(number, Block(), depth + 1))
        node.outputs = [self.value(each) for each in part(data, "outputs", list, where)]
        self.scope.check(node)
        return node

    def known(self, numbers: list[Any]) -> list[Value]:
        """The values of these numbers, which were made before, and not inside of a block that has ended."""
        made = all(type(each) is int and each in self.values for each in numbers)
        need(made, f"{self.where} uses a value before it is made")
        return [self.values[each] for each in numbers]

    def value(self, data: Any) -> Value:
        """The next value."""
        three = type(data) is list and len(data) == 3
        three = three and all(type(each) is str and len(each) <= LONGEST for each in data)
        need(three, f"{self.where}: a value is no name, type and text")
        value = self.values[self.count] = Value(data[1], data[0], data[2])
        self.count += 1
        return value


def text(value: str) -> str:
    """A name of bounded length."""
    need(len(value) <= LONGEST, f"a name has more than {LONGEST} letters")
    return value
