"""A program as plain data, as ``saving.py`` describes it: dictionaries, lists, numbers, texts and tensors."""

from __future__ import annotations

import os
from typing import IO, Any

import minigrad
from minigrad import nn
from minigrad.jit.graph import Block, Graph, Value

__all__ = ["FORMAT", "VERSION", "write"]

FORMAT, VERSION = "minigrad program", 1


def write(program: Any, f: str | os.PathLike[str] | IO[bytes]) -> None:
    """Write the program of a module or of a function to a file."""
    is_module = isinstance(program, nn.Module)
    modules = children_first(program) if is_module else []
    numbers = {id(each): number for number, each in enumerate(modules)}
    graphs: list[Graph] = [] if is_module else [program.graph]
    data = [data_of_module(each, numbers, graphs) for each in modules]
    plain = [data_of_graph(each) for each in graphs]
    minigrad.save({"format": FORMAT, "version": VERSION, "modules": data, "graphs": plain}, f)


def children_first(module: Any) -> list[Any]:
    """A module and those in it, each once, and after those in it."""
    return [*dict.fromkeys([*[each for child in module.children() for each in children_first(child)], module])]


def data_of_module(module: Any, numbers: dict[int, int], graphs: list[Graph]) -> dict[str, Any]:
    """A module as plain data; its graph is put among the ``graphs``."""
    graph = module._graph
    if graph is not None:
        graphs.append(graph)
    return {
        "name": module.original_name,
        "training": module.training,
        "parameters": dict(module._parameters),
        "buffers": dict(module._buffers),
        "not_saved": sorted(module._non_persistent_buffers),
        "modules": {name: None if each is None else numbers[id(each)] for name, each in module._modules.items()},
        "graph": None if graph is None else len(graphs) - 1,
    }


def data_of_graph(graph: Graph) -> dict[str, Any]:
    """A graph as plain data."""
    numbers: dict[Value, int] = {}
    blocks: list[dict[str, Any]] = []
    write_block(graph, numbers, blocks)
    return {"name": graph.name, "defaults": dict(graph.defaults), "blocks": blocks}


def write_block(block: Block, numbers: dict[Value, int], blocks: list[dict[str, Any]]) -> int:
    """Put a block, and those in it, at the end of ``blocks``; its number."""
    place = len(blocks)
    written: dict[str, Any] = {"inputs": [data_of_value(each, numbers) for each in block.inputs], "nodes": []}
    blocks.append(written)
    for node in block.nodes:
        data = {"kind": node.kind, "inputs": [numbers[each] for each in node.inputs], "attributes": node.attributes}
        data["blocks"] = [write_block(each, numbers, blocks) for each in node.blocks]
        data["outputs"] = [data_of_value(each, numbers) for each in node.outputs]
        data["source"] = node.source
        written["nodes"].append(data)
    written["outputs"] = [numbers[each] for each in block.outputs]
    return place


def data_of_value(value: Value, numbers: dict[Value, int]) -> list[str]:
    """A value as plain data; it is given the next number."""
    numbers[value] = len(numbers)
    return [value.name, value.type, value.seen]
