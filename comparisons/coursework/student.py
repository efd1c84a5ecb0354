"""What runs in the sandbox: imports an engine, runs the programs of cases, and sends the values that they show.

It stands alone on the standard library and NumPy, and knows neither PyTorch, nor expected values, nor a verdict. A
message is a number, the lengths of a text in JSON and of arrays as ``npz``, and the two. An answer has its request's
number. The judge has PyTorch's values from :func:`answer_of` too, so that there is one meaning of a program.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

__all__ = ["FIRST", "HEAD", "HERE", "READY", "Graph", "answer_of", "packed", "packed_answer"]

PROGRAM = "the case"  # the name of the file that a case's program comes from
HEAD = struct.Struct(">III")
HERE, READY, FIRST = 0, 1, 2  # the numbers of what is sent unasked, and of the first request
LONGEST_TEXT = 200
MOST_NODES = 10_000


class Graph(list):  # type: ignore[type-arg]
    """A graph as data: for each node its name, and for each edge the number of the next node and of its output."""


def graph_of(tensor: Any) -> Graph:
    """The graph behind a tensor, nodes numbered in the order in which a walk from the result meets them."""
    nodes = [] if tensor.grad_fn is None else [tensor.grad_fn]
    numbers = dict.fromkeys(nodes, 0)
    graph = Graph()
    for node in nodes:  # which grows
        edges = []
        for next_node, output in node.next_functions:
            if next_node is not None and next_node not in numbers:
                numbers[next_node] = len(nodes)
                nodes.append(next_node)
            edges.append([None if next_node is None else numbers[next_node], int(output)])
        graph.append([str(node.name()).rpartition("::")[2], edges])
        if len(graph) > MOST_NODES:
            raise ValueError(f"the graph has more than {MOST_NODES} nodes")
    return graph


def answer_of(
    engine: Any, program: str, inputs: Mapping[str, np.ndarray], show: Sequence[str]
) -> dict[str, np.ndarray | Graph | Any]:
    """Run a program on an engine and evaluate what it shows.

    Args:
        engine: the module, known to the program as ``engine``.
        program: statements. They know each input by its name, as a tensor that requires grad if it is floating, and
            ``graph(tensor)``.
        inputs: the values, by name.
        show: expressions.

    Returns:
        For each expression an array, a :class:`Graph`, or None, a bool, a number or a text.
    """
    names: dict[str, Any] = {"engine": engine, "graph": graph_of}
    for name, array in inputs.items():
        names[name] = engine.tensor(array.copy(), requires_grad=array.dtype.kind == "f")
    exec(compile(program, PROGRAM, "exec"), names)
    return {expression: as_data(eval(compile(expression, PROGRAM, "eval"), names)) for expression in show}


def as_data(value: Any) -> Any:
    """A value as plain data: a tensor becomes an array."""
    if value is None or isinstance(value, Graph) or type(value) in (bool, int, float, str):
        return value
    value = value.detach() if hasattr(value, "detach") else value
    array = np.array(value.numpy() if hasattr(value, "numpy") else value, order="C")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{type(value).__name__} came where a tensor or an array of numbers was expected")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def packed(number: int, told: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """A message."""
    text = json.dumps(told).encode()
    file = io.BytesIO()
    if arrays:
        np.savez(file, *arrays.values())
    return HEAD.pack(number, len(text), file.tell()) + text + file.getvalue()


def packed_answer(number: int, answer: Mapping[str, Any]) -> bytes:
    """An answer as a message: arrays are numbered, the rest stands in the text."""
    arrays = {name: value for name, value in answer.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in answer.items() if name not in arrays and not isinstance(value, Graph)}
    graphs = {name: value for name, value in answer.items() if isinstance(value, Graph)}
    return packed(number, {"arrays": list(arrays), "plain": plain, "graphs": graphs}, arrays)


def received(requests: BinaryIO) -> tuple[int, dict[str, Any]] | None:
    """The number of the judge's next request, and the request; None where there is none."""
    head = requests.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    number, *lengths = HEAD.unpack(head)
    text, arrays = [requests.read(length) for length in lengths]
    request: dict[str, Any] = json.loads(text)
    names, request["inputs"] = request["inputs"], {}
    if names:
        with np.load(io.BytesIO(arrays), allow_pickle=False) as archive:
            request["inputs"] = {name: archive[f"arr_{number}"] for number, name in enumerate(names)}
    return number, request


def stop_reason(error: BaseException, folder: str) -> dict[str, Any]:
    """What stopped a program, and the innermost place of the engine in ``folder``, or of the program, where it was."""
    place = None
    calls: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        calls.append(code.co_filename)
        if code.co_filename.startswith(folder) or code.co_filename == PROGRAM:
            name = "" if code.co_name == "<module>" else getattr(code, "co_qualname", code.co_name)
            place = (name, trace.tb_lineno, code.co_filename.removeprefix(folder))
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(folder):
        place = ("", error.lineno or 0, str(error.filename).removeprefix(folder))
    lacks = isinstance(error, (AttributeError, TypeError)) and calls[-1:] in ([PROGRAM], [__file__])
    return {
        "error": type(error).__name__[:LONGEST_TEXT],
        "text": str(error)[:LONGEST_TEXT],
        "place": place and [place[0][:LONGEST_TEXT], place[1], place[2][:LONGEST_TEXT]],
        "missing": lacks or isinstance(error, NotImplementedError),
    }


def main(name: str, folder: str, nowhere: int) -> None:
    """Answer the judge's requests, one after the other, until there are no more.

    Args:
        name: the engine's.
        folder: where it is.
        nowhere: a file in which what is written is lost.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")

    def send(message: bytes) -> None:
        answers.write(message)
        answers.flush()

    send(packed(HERE, {"numpy": np.__version__}))
    for stream in (0, 1, 2):  # an engine is asked nothing, and nobody hears what it prints
        os.dup2(nowhere, stream)
    sys.path.append(folder)
    folder = os.path.join(folder, "")
    try:
        engine = importlib.import_module(name)
    except BaseException as error:
        send(packed(READY, {"stopped": stop_reason(error, folder)}))
        return
    send(packed(READY, {}))
    while (numbered := received(requests)) is not None:
        number, request = numbered
        try:
            answer = answer_of(engine, request["program"], request["inputs"], request["show"])
            message = packed_answer(number, answer)
        except BaseException as error:
            message = packed(number, {"stopped": stop_reason(error, folder)})
        send(message)
