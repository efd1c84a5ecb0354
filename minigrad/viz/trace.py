"""The graph behind a tensor as plain data, the same for a minigrad tensor and a PyTorch tensor: a :class:`Trace`.

Drawings, text and files are made of it and of nothing else. Its parts are in ``parts.py``. How it is found is in
``tracing.py``, how it is written and read in ``json_text.py``, how it is told in ``telling.py``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import zip_longest

from minigrad.saving.files import replace_file
from minigrad.viz.json_text import from_json, to_json
from minigrad.viz.page import framed, page_of
from minigrad.viz.parts import TraceBeside, TraceEdge, TraceExcerpt, TraceGroup, TraceNode, TraceStep
from minigrad.viz.telling import mermaid_of, text_of

__all__ = ["Trace", "first_difference"]


@dataclass(frozen=True)
class Trace:
    """Nodes in the order of the walk, then constants; and the edges into each of them in the order of its inputs.

    The order follows from the graph alone, so the graphs of two engines are equal (``==``) exactly if they have the
    same nodes, joined in the same way, with the same labels: what only one of them knows does not count.

    Attributes:
        nodes, edges: the graph.
        groups: the modules in which nodes were made, each after the one around it.
        steps: what happened when backward ran, in its order; empty where nobody recorded it.
        total_steps: how many steps there are to be; more than ``steps`` after a pass that was left early.
        engine: ``minigrad`` or ``torch``.
        saved_bytes: the memory of all that the nodes saved, each array counted once: the peak, before backward.
        rules: of each kind of node, the source of its rule. minigrad's alone.
        excerpts: the lines of the user's program that made nodes, with a few around each.
        beside: another engine's gradients, which ``minigrad.explain`` compared with these.

    PyTorch has no counterpart.
    """

    nodes: tuple[TraceNode, ...]
    edges: tuple[TraceEdge, ...]
    groups: tuple[TraceGroup, ...] = field(default=(), compare=False)
    steps: tuple[TraceStep, ...] = field(default=(), compare=False)
    total_steps: int = field(default=0, compare=False)
    engine: str = field(default="minigrad", compare=False)
    saved_bytes: int = field(default=0, compare=False)
    rules: dict[str, str] = field(default_factory=dict, compare=False)
    excerpts: tuple[TraceExcerpt, ...] = field(default=(), compare=False)
    beside: TraceBeside | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        """One line, for a debugger and for a notebook: all of it would be pages."""
        return f"<Trace of {self.engine}: {len(self.nodes)} nodes, {len(self.edges)} edges, {len(self.steps)} steps>"

    def edges_into(self) -> dict[str, list[TraceEdge]]:
        """For the id of each node, the edges that enter it."""
        entering: dict[str, list[TraceEdge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            entering[edge.target].append(edge)
        return entering

    def describe(self) -> str:
        """The graph as text, one line a node, such as ``n1 MulBackward0 of [3, 2] float32 <- 0: n2, 1: n2``."""
        entering = self.edges_into()
        lines = []
        for node in self.nodes:
            inputs = ", ".join(map(str, entering[node.id]))
            lines.append(f"{node.id} {node}" + (f" <- {inputs}" if inputs else ""))
        return "\n".join(lines)

    def holders(self) -> list[TraceNode]:
        """The nodes that saved something, who holds most first."""
        holding = [node for node in self.nodes if node.saved_bytes]
        return sorted(holding, key=lambda node: node.saved_bytes or 0, reverse=True)

    def to_json(self) -> str:
        """The trace as JSON, which :meth:`from_json` reads."""
        return to_json(self)

    @staticmethod
    def from_json(text: str) -> Trace:
        """The trace that ``text`` tells.

        Raises:
            TypeError: not a text.
            ValueError: it is no JSON, too large, or of another form or version; the sentence says where.
        """
        trace: Trace = from_json(Trace, text)
        return trace

    def text(self, width: int = 80) -> str:
        """The graph in the order of forward, one operation a line, then the steps, for a terminal.

        Raises:
            ValueError: ``width`` is less than 40.
        """
        return text_of(self, width)

    def mermaid(self) -> str:
        """The graph as a flow chart in Mermaid's language, which many sites and editors draw."""
        return mermaid_of(self)

    def html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The page to step through, as text; with ``path`` it is written there, whole or not at all.

        Raises:
            ImportError: Graphviz, which lays the graph out, is not installed.
            TimeoutError: that takes too long.
            OSError: the file cannot be written.
        """
        page = page_of(self)
        if path is not None:
            replace_file(path, page.encode(errors="replace"))
        return page

    def _repr_html_(self) -> str:
        """In a notebook the page stands in a frame."""
        return framed(page_of(self), "What happens when backward runs, step by step")


def first_difference(graph_a: Trace, graph_b: Trace) -> str | None:
    """A sentence about the first node or edge, from the outputs on, that differs; None if the graphs are equal.

    PyTorch has no counterpart.

    >>> x = minigrad.ones(2, requires_grad=True)
    >>> first, second = minigrad.viz.trace_graph(x.exp()), minigrad.viz.trace_graph(x.sin())
    >>> print(minigrad.viz.first_difference(first, second))
    node n1 (input 0 of node n0, output) is ExpBackward0 of [2] float32 ...
    """
    entering_a = graph_a.edges_into()
    entering_b = graph_b.edges_into()
    for node_a, node_b in zip_longest(graph_a.nodes, graph_b.nodes):
        if node_a != node_b:
            place = _place(node_a, graph_a) or _place(node_b, graph_b)
            node_id = node_b.id if node_a is None else node_a.id
            told = f"{node_a or 'missing'} in the first graph, {node_b or 'missing'} in the second"
            return f"node {node_id}{place} is {told}"
        for edge_a, edge_b in zip_longest(entering_a[node_a.id], entering_b[node_b.id]):
            if edge_a != edge_b:
                first = _edge_text(edge_a, graph_a)
                second = _edge_text(edge_b, graph_b)
                where = f"the edges into node {node_a.id} ({node_a}) differ"
                return f"{where}: {first} in the first graph, {second} in the second"
    return None


def _place(node: TraceNode | None, graph: Trace) -> str:
    """Where ``node`` was found: which input of which node it is."""
    if node is None:
        return ""
    by_id = {each.id: each for each in graph.nodes}
    for edge in graph.edges:
        if edge.source == node.id:
            return f" (input {edge.position} of node {edge.target}, {by_id[edge.target].name})"
    return ""


def _edge_text(edge: TraceEdge | None, graph: Trace) -> str:
    if edge is None:
        return "no further edge"
    source = next(node for node in graph.nodes if node.id == edge.source)
    output = f"output {edge.output_index} of " if edge.output_index else ""
    return f"input {edge.position} is {output}node {source.id} ({source})"
