"""A :class:`Trace` as JSON and back. What is read may come from a stranger: every field is checked before it is taken.

The form is that of the dataclasses, as objects and lists, with ``"format"`` and ``"version"``. Infinite and undefined
numbers are the texts ``"inf"``, ``"-inf"`` and ``"nan"``. What is not known, or as it mostly is, is left out.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import typing
from typing import TYPE_CHECKING, Any

from minigrad.viz.parts import NOT_YET, VERSION, VERSIONS
from minigrad.viz.summary import Summary

if TYPE_CHECKING:
    from minigrad.viz.trace import Trace

__all__ = ["from_json", "to_json"]

FORMAT = "minigrad trace"
MOST_BYTES = 256 * 2**20  # of a text
MOST_ITEMS = 2_000_000  # nodes, edges or steps
MOST_LETTERS = 100_000  # of one text in it: a rule's source
MOST_DIMS = 64
KINDS = ("operation", "leaf", "output", "constant")


def to_json(trace: Trace) -> str:
    """The trace as JSON. Half of a pair of signs, which no file in UTF-8 can hold, is written by its number."""
    text = json.dumps({"format": FORMAT, "version": VERSION, **plain(trace)}, allow_nan=False, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):x}", text)


def plain(value: Any) -> Any:
    """A dataclass as an object without what is as it mostly is, a tuple as a list."""
    if isinstance(value, Summary):
        return value.to_data()
    if dataclasses.is_dataclass(value):
        found = {}
        for each in dataclasses.fields(value):
            content = getattr(value, each.name)
            if content is not None and content != each.default:
                found[each.name] = plain(content)
        return found
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value


def from_json(kind: type[Trace], text: str) -> Trace:
    """The trace that ``text`` tells. See :meth:`Trace.from_json`."""
    if not isinstance(text, str):
        raise TypeError(f"a trace is read from a text, got {type(text).__name__}")
    if len(text) > MOST_BYTES:
        raise ValueError(f"this text is too large for a trace: {len(text)} letters, at most {MOST_BYTES}")
    try:
        data = json.loads(text, parse_constant=refuse_constant)
    except RecursionError as error:
        raise ValueError("this is no trace: it is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"this is no trace: {error}") from error
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise ValueError(f'this is no trace: it must be an object with "format": "{FORMAT}"')
    version = data.pop("version", None)
    if version not in VERSIONS or isinstance(version, bool):
        known = " and ".join([str(each) for each in VERSIONS])
        raise ValueError(f"this trace is of version {version!r:.20}: this minigrad reads versions {known}")
    trace: Trace = read(kind, data, "the trace")
    check_references(trace)
    return trace


def refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


hints_of = functools.lru_cache(typing.get_type_hints)


def read(kind: Any, data: Any, where: str) -> Any:
    """The dataclass ``kind`` made of an object: each field is there, or has a default, and is what it should be."""
    if not isinstance(data, dict):
        raise wrong(where, "an object", data)
    hints = hints_of(kind)
    surplus = [name for name in data if name not in hints]
    if surplus:
        raise ValueError(f"this is no trace: {where} has no field {surplus[0]!r:.60}")
    given = {}
    for field in dataclasses.fields(kind):
        if field.name in data:
            given[field.name] = read_value(hints[field.name], data[field.name], f"{where}: {field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            if type(None) not in typing.get_args(hints[field.name]):
                raise ValueError(f"this is no trace: {where} has no {field.name}")
            given[field.name] = None
    return kind(**given)


def read_value(hint: Any, value: Any, where: str) -> Any:
    """A value of the type that an annotation tells.

    Raises:
        ValueError: it is another.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            raise wrong(where, f"a list of at most {MOST_ITEMS}", value)
        return tuple([read_value(inner[0], each, f"{where}[{number}]") for number, each in enumerate(value)])
    if origin is dict:
        if not isinstance(value, dict) or len(value) > 1000:
            raise wrong(where, "an object of at most 1000 fields", value)
        return {read_value(str, name, where): read_value(inner[1], each, where) for name, each in value.items()}
    if inner:  # one of several
        if type(value) in inner and type(value) is not str:
            return value
        expected = Summary if isinstance(value, dict) else str
        return read_value(expected if expected in inner else inner[0], value, where)
    if dataclasses.is_dataclass(hint):
        return read(hint, value, where)
    if type(value) is not hint:
        raise wrong(where, {int: "an integer", str: "a text", bool: "true or false"}.get(hint, hint.__name__), value)
    if hint is str and len(value) > MOST_LETTERS:
        raise ValueError(f"this is no trace: {where} has {len(value)} letters, more than {MOST_LETTERS}")
    return value


def wrong(where: str, expected: str, value: Any) -> ValueError:
    return ValueError(f"this is no trace: {where} must be {expected}, got {value!r:.60}")


def check_references(trace: Trace) -> None:
    """Every edge, step and group names what is there, every number is possible, and no node comes twice.

    Raises:
        ValueError: not so.
    """
    ids = {node.id for node in trace.nodes}
    require(len(ids) == len(trace.nodes), "two nodes have the same id")
    for node in trace.nodes:
        require(node.kind in KINDS, f"node {node.id:.40} is of no known kind")
        require(len(node.shapes) == len(node.dtypes), f"node {node.id:.40} has not a type for each shape")
        for shape in node.shapes:
            require(possible(shape), f"node {node.id:.40} has an impossible shape")
        require(not isinstance(node.grad, str) or node.grad == NOT_YET, f"node {node.id:.40} has an unknown gradient")
    for edge in trace.edges:
        require({edge.source, edge.target} <= ids, f"an edge joins nodes that are not there: {edge!s:.60}")
        require(edge.position >= 0 and edge.output_index >= 0, f"an edge has a negative number: {edge!s:.60}")
    before: set[str | None] = {None}
    for group in trace.groups:
        require(group.parent in before, f"group {group.path:.40} is in one that does not stand before it")
        require(group.path not in before, "two groups have the same path")
        before.add(group.path)
    for number, step in enumerate(trace.steps):
        require(step.node in ids, f"step {number} runs a node that is not there")
        for sent in step.sent:
            require(0 <= sent.edge < len(trace.edges), f"step {number} sends along an edge that is not there")
        require(all(each.line > 0 for each in step.ran), f"step {number} runs a line that is not there")
    for excerpt in trace.excerpts:
        require(excerpt.first > 0, f"lines of {excerpt.file:.40} have an impossible number")
    if trace.beside is not None:
        named = {each.node for each in trace.beside.arrived} | ({trace.beside.first} - {None})
        require(named <= ids, "gradients stand beside a node that is not there")
    require(trace.total_steps >= len(trace.steps), "there are more steps than it says")


def possible(shape: tuple[int, ...]) -> bool:
    return len(shape) <= MOST_DIMS and all(size >= 0 for size in shape)


def require(condition: bool, told: str) -> None:
    if not condition:
        raise ValueError(f"this is no trace: {told}")
