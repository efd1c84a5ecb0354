"""What came back from the sandbox, read as a stranger's: each part is checked before it is used, and nothing is run."""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import format as npy

from comparisons.coursework.differences import GraphData
from comparisons.coursework.processes import NoAnswer
from comparisons.coursework.student import LONGEST_TEXT, MOST_NODES
from torch_impl.errors import printable

__all__ = ["NO_ANSWER", "Answer", "Stopped", "read_answer"]

MOST_VALUES = 100  # that one case shows, and edges of a node
NO_ANSWER = "what it sent is no answer"


@dataclass(frozen=True)
class Stopped:
    """What stopped a program. ``missing``: the engine does not have what the program asked for, or not yet."""

    reason: str
    missing: bool


@dataclass(frozen=True)
class Answer:
    """The values that a program showed, by expression; or what stopped it."""

    values: dict[str, Any]
    stopped: Stopped | None = None


def read_answer(text: bytes, arrays: bytes) -> Answer:
    """Read a message of ``student.py``.

    Raises:
        NoAnswer: it is none.
    """
    try:
        told = json.loads(text)
        if "stopped" in told:
            return Answer({}, read_stopped(told["stopped"]))
        names, plain, graphs = told.get("arrays", []), told.get("plain", {}), told.get("graphs", {})
        values = dict(zip(names, read_arrays(arrays, len(names)), strict=True))
        values |= {name: read_plain(value) for name, value in plain.items()}
        values |= {name: read_graph(value) for name, value in graphs.items()}
        return Answer(values)
    except NoAnswer:
        raise
    except Exception as error:  # whatever json, zipfile and NumPy say of bytes that anybody wrote
        raise NoAnswer(NO_ANSWER) from error


def require(condition: bool) -> None:
    """Refuse what does not hold."""
    if not condition:
        raise NoAnswer(NO_ANSWER)


def read_text(value: Any) -> str:
    """A text of bounded length on one line, without what would tell a terminal something."""
    require(isinstance(value, str) and len(value) <= LONGEST_TEXT)
    return printable(" ".join(value.split()))


def read_stopped(told: Any) -> Stopped:
    """An exception as a sentence: its type, its text, and where it was."""
    reason = read_text(told["error"])
    text = read_text(told["text"])
    reason += f": {text}" if text else ""
    if told["place"] is not None:
        function, line, file = told["place"]
        require(isinstance(line, int))
        where = read_text(function)
        reason += f", in {where}" if where else ""
        reason += f", line {line} of {read_text(file)}"
    return Stopped(reason, told["missing"] is True)


def read_plain(value: Any) -> Any:
    """None, a bool, a number or a text."""
    require(value is None or type(value) in (bool, int, float, str))
    if type(value) is int:
        require(abs(value) < 1 << 63)
    return read_text(value) if isinstance(value, str) else value


def read_graph(told: Any) -> GraphData:
    """A graph, for the comparison of graphs."""
    require(isinstance(told, list) and len(told) <= MOST_NODES + 1)
    for _, edges in told:
        require(len(edges) <= MOST_VALUES)
        for number, output in edges:
            require(type(output) is int and (number is None or (type(number) is int and number >= 0)))
    return GraphData.of([(read_text(name), edges) for name, edges in told])


def read_arrays(data: bytes, count: int) -> list[np.ndarray]:
    """The arrays of an ``npz``: no more than were named, not compressed, and each as large as it says."""
    require(count <= MOST_VALUES)
    if not count:
        return []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        require(len(members) == count and all(each.compress_type == zipfile.ZIP_STORED for each in members))
        require(sum(each.file_size for each in members) <= len(data))
        return [read_array(archive.read(f"arr_{number}.npy")) for number in range(count)]


def read_array(data: bytes) -> np.ndarray:
    """One array of bools or numbers."""
    file = io.BytesIO(data)
    require(npy.read_magic(file) == (1, 0))
    shape, in_columns, dtype = npy.read_array_header_1_0(file)
    require(dtype.kind in "biuf" and dtype.isnative and all(type(size) is int and size >= 0 for size in shape))
    require(math.prod(shape) * dtype.itemsize == len(data) - file.tell())
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell()) if math.prod(shape) else np.empty(0, dtype)
    return values.reshape(shape, order="F" if in_columns else "C")
