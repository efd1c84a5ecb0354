"""A :class:`Trace` as a page to step through: one file, which loads nothing and sends nothing.

What the page shows is written here, as data and as text; the scripts in ``web/`` show one step or another of it, and
compute nothing. How the graph is laid out is in ``views.py``.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import math
import re
import textwrap
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.viz.following import nested
from minigrad.viz.parts import TraceBeside, TraceNode, TraceStep, engine_name, shape_text
from minigrad.viz.summary import Summary
from minigrad.viz.telling import in_order_of_forward, names_of, short_file, text_of
from minigrad.viz.views import ROOM, View, first_shown, views_of

if TYPE_CHECKING:
    from minigrad.viz.trace import Trace

__all__ = ["framed", "page_of"]

WEB = Path(__file__).parent / "web"
SCRIPTS = ("graph.js", "panel.js", "moving.js")
ALL = 6  # elements that are told to the last digit


def page_of(trace: Trace) -> str:
    """The page of a trace. It is the same for the same trace.

    Raises:
        ImportError: Graphviz is not installed; it is needed to lay the graph out.
        TimeoutError: laying it out takes too long.
    """
    views = views_of(trace)
    data = PageData(trace, views)
    style, script = read("looks.css"), "".join([read(name) for name in SCRIPTS])
    parts = {
        "title": escape(data.title),
        "policy": f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; base-uri 'none'; "
        "form-action 'none'",
        "style": style,
        "script": script,
        "options": "".join([f'<option value="{n}">{escape(view.name)}</option>' for n, view in enumerate(views)]),
        "views": "".join([f'<div class="view">{view.svg}</div>' for view in views]),
        "text": escape(text_of(trace, 100)),
        "data": for_script(data.found()),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], read("frame.html"))


def read(name: str) -> str:
    """One of the page's own files."""
    return (WEB / name).read_text(encoding="utf-8")


def framed(page: str, title: str) -> str:
    """A page inside of a notebook: it has no rights there but to run its own script."""
    look = 'sandbox="allow-scripts" style="width: 100%; height: 720px; border: 1px solid #888"'
    return f'<iframe srcdoc="{escape(page)}" title="{escape(title)}" {look}></iframe>'


def digest(text: str) -> str:
    """How a page's policy names the one script, or style, that counts."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def for_script(data: Any) -> str:
    """JSON that stands inside of an HTML element, and cannot end it."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


class PageData:
    """What the page's script reads. A text that comes again and again, such as a value, is a number in ``texts``."""

    def __init__(self, trace: Trace, views: list[View]) -> None:
        self.trace = trace
        self.views = views
        self.texts: dict[str, int] = {}
        self.values: dict[tuple[str, str], int] = {}
        self.names = names_of(in_order_of_forward(trace))
        self.numbers = {node.id: number for number, node in enumerate(trace.nodes)}
        outputs = {node.id: node.label for node in trace.nodes if node.kind == "output"}
        made = {edge.target: self.names[edge.source] for edge in trace.edges if edge.target in outputs}
        told = [name or made.get(node, "%") for node, name in outputs.items()]
        told = [name for name in told if not name.startswith("%")]
        self.title = ("backward" if trace.steps else "graph") + (f" of {', '.join(told)}" if told else "")

    def found(self) -> dict[str, Any]:
        trace = self.trace
        data = {
            "engine": engine_name(trace.engine),
            "nodes": [self.node(node) for node in trace.nodes],
            "edges": [
                [self.numbers[edge.source], self.numbers[edge.target], edge.position, int(edge.needs_grad)]
                for edge in trace.edges
            ],
            "steps": [self.step(step) for step in trace.steps],
            "total": trace.total_steps,
            "saved": memory_text(trace, self.names),
            "views": [self.view(view) for view in self.views],
            "shown": first_shown(self.views),
            "rules": {name: rule_data(rule) for name, rule in trace.rules.items()},
            "excerpts": [[short_file(each.file), each.first, list(each.lines)] for each in trace.excerpts],
            "beside": None if trace.beside is None else self.beside(trace.beside),
        }
        return {**data, "values": [list(each) for each in self.values], "texts": list(self.texts)}

    def text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def value(self, summary: Summary | str | None) -> int | None:
        """The number of a value: it is told in a few letters at a node, and in full beside."""
        if summary is None:
            return None
        told = (short(summary), full(summary)) if isinstance(summary, Summary) else (summary, summary)
        return self.values.setdefault(told, len(self.values))

    def node(self, node: TraceNode) -> dict[str, Any]:
        places = [
            number
            for number, each in enumerate(self.trace.excerpts)
            if each.file == node.file and each.first <= (node.line or 0) < each.first + len(each.lines)
        ]
        shapes = [f"{shape_text(shape)} {dtype}" for shape, dtype in zip(node.shapes, node.dtypes)]
        found = {
            "name": node.name,
            "kind": node.kind,
            "called": self.names[node.id],
            "shape": self.text(", ".join(shapes)),
            "formula": None if node.formula is None else self.text(node.formula),
            "module": None if node.module is None else self.text(node.module or "the model"),
            "value": self.value(node.value),
            "line": None if node.line is None else [short_file(node.file), node.line],
            "excerpt": places[0] if places else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def step(self, step: TraceStep) -> dict[str, Any]:
        sent = []
        for each in step.sent:
            summed = None if each.unbroadcast is None else shape_text(each.unbroadcast)
            sent.append([each.edge, self.value(each.value), self.value(each.added_to), self.value(each.sum), summed])
        found = {
            "node": self.numbers[step.node],
            "arrived": [self.value(each) for each in step.arrived],
            "saved": [[name, self.value(value)] for name, value in step.saved.items()],
            "sent": sent,
            "before": self.value(step.grad_before),
            "after": self.value(step.grad_after),
            "because": step.ready_because,
            "ran": [[each.line, self.text(each.numbers)] for each in step.ran],
        }
        return {name: value for name, value in found.items() if value not in (None, [])}

    def view(self, view: View) -> dict[str, Any]:
        boxes = [[self.numbers[node] for node in box.nodes] for box in view.folded.boxes]
        return {"boxes": boxes, "arrows": [list(arrow.edges) for arrow in view.folded.arrows]}

    def beside(self, beside: TraceBeside) -> dict[str, Any]:
        arrived = {self.numbers[each.node]: [self.value(one) for one in each.gradients] for each in beside.arrived}
        first = None if beside.first is None else self.numbers[beside.first]
        return {"engine": engine_name(beside.engine), "arrived": arrived, "first": first, "told": beside.told}


def memory_text(trace: Trace, names: Mapping[str, str]) -> list[str]:
    """Who holds what was saved for backward: the whole, then the five that hold most."""
    if not trace.saved_bytes:
        return []
    told = [f"{trace.saved_bytes:,} bytes are kept for backward. Most is held by"]
    return told + [f"{each.name} {names[each.id]}: {each.saved_bytes:,} bytes" for each in trace.holders()[:5]]


def rule_data(source: str) -> dict[str, Any]:
    """A rule's lines, from where to where its backward stands, and where it returns: marked where nobody followed."""
    lines = source.splitlines()
    found = {"lines": [line.rstrip() for line in lines], "begin": 1, "end": len(lines)}
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return found
    for each in ast.walk(tree):
        if isinstance(each, ast.FunctionDef) and each.name == "backward":
            found["begin"], found["end"] = each.lineno, each.end_lineno or each.lineno
    return found


# ------------------------------------------------------------------------------------------- values as text


def short(summary: Summary) -> str:
    """A value in the few letters that a box has room for: its elements, or the beginning, or the norm."""
    room = ROOM - len("grad ")
    if summary.norm is not None:
        return f"norm {number(summary.norm, 'float64', 4)}"
    if not summary.known:
        return "not known"
    told = [number(each, summary.dtype, 4) for each in summary.values]
    if not summary.shape:
        return told[0][:room]
    whole = f"[{', '.join(told)}]"
    while len(whole) > room and told:
        told.pop()
        whole = f"[{', '.join([*told, '…'])}]"
    return whole


def full(summary: Summary) -> str:
    """A value as it is told beside the graph: nested as the tensor is; of many elements what is known."""
    if summary.norm is None and 0 < len(summary.values) == math.prod(summary.shape):
        few = len(summary.values) <= ALL
        elements = [number(each, summary.dtype, None if few else 6) for each in summary.values]
        told = nested(np.reshape(elements, summary.shape))
        return told if few else f"{shape_text(summary.shape)} {told}"
    figures = [number(each, "float64", 6) for each in (summary.norm, summary.min, summary.max) if each is not None]
    told = f"{shape_text(summary.shape)} {summary.dtype}"
    if figures:
        told += f", norm {figures[0]}"
    if len(figures) == 3:
        told += f", from {figures[1]} to {figures[2]}"
    told += "" if summary.known else ", values not known"
    counts = [f"{count} {name}" for name, count in (("NaN", summary.nan), ("infinite", summary.inf)) if count]
    counts += [f"{summary.zeros} zeros"] if summary.zeros else []
    head = ", ".join([number(each, summary.dtype, 6) for each in summary.values])
    return ", ".join([told, *counts]) + (f": {head}, …" if head else "")


def number(value: Any, dtype: str, digits: int | None = None) -> str:
    """A number in as many digits as tell it from all others of its type, or in a few."""
    if not isinstance(value, float):
        return str(value)
    if digits is not None:
        told = f"{value:.{digits}g}"
        return told if any(sign in told for sign in ".en") else f"{told}.0"
    return str(np.dtype(dtype).type(value)) if dtype in ("float16", "float32") else str(value)
