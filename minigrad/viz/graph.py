"""The graph behind a tensor as plain data, the same for a minigrad tensor and a PyTorch tensor.

Both engines keep the graph in ``grad_fn`` and ``next_functions``; this walks them once and writes down what it met, so
that a graph can be drawn, printed, and compared with another. It needs neither engine nor anything that draws.
How a graph looks on paper is in ``drawing.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

__all__ = ["Graph", "GraphEdge", "GraphNode", "first_difference", "trace_graph"]

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]


@dataclass(frozen=True)
class GraphNode:
    """One box of the graph.

    Attributes:
        id: ``n0``, ``n1``, … in the order of the walk, which begins at the outputs.
        name: of an operation, its node's name, such as ``MulBackward0``. Otherwise ``AccumulateGrad`` (a leaf that
            requires grad), ``Tensor`` (a leaf that does not) or ``output``.
        kind: ``operation``; ``leaf``, a tensor that no operation made; ``output``, a tensor that was asked about.
        shapes: the shape of each output of the forward operation; of a tensor, its one shape.
        dtypes: the type of each, such as ``float32``.
        label: the name that the user gave the tensor, or an empty string.
    """

    id: str
    name: str
    kind: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    label: str = ""

    def __str__(self) -> str:
        values = [f"{shape_text(shape)} {dtype}" for shape, dtype in zip(self.shapes, self.dtypes, strict=True)]
        name = f"{self.name} {self.label!r}" if self.label else self.name
        return f"{name} of {', '.join(values)}"


@dataclass(frozen=True)
class GraphEdge:
    """One value on its way forward; its gradient goes the other way.

    Attributes:
        source: the id of the node that makes the value.
        target: the id of the node that takes it in.
        output_index: which of the source's outputs it is.
        position: which of the target's inputs it is. An input that needs no gradient has no edge, but it counts.
    """

    source: str
    target: str
    output_index: int
    position: int

    def __str__(self) -> str:
        return f"{self.position}: {self.source}" + (f" output {self.output_index}" if self.output_index else "")


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of the walk, and the edges into each of them in the order of its inputs.

    The order follows from the graph alone, so the graphs of two engines are equal (``==``) exactly if they have the
    same nodes, joined in the same way, with the same labels.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    def edges_into(self) -> dict[str, list[GraphEdge]]:
        """For the id of each node, the edges that enter it."""
        entering: dict[str, list[GraphEdge]] = {node.id: [] for node in self.nodes}
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


def trace_graph(outputs: Any, *, params: Params | None = None, max_nodes: int | None = None) -> Graph:
    """The graph behind one tensor or several, of either engine.

    The walk goes breadth first from the outputs toward the leaves, inputs in order, and does not recurse: its length
    is limited by memory only. Nothing is computed and nothing changed. (PyTorch 2.14 itself overflows the stack when
    it frees a chain of some 50,000 nodes that any Python code has walked; minigrad and shorter chains do not.)

    Args:
        outputs: a tensor, or a list or tuple of tensors.
        params: labels for tensors, a dict or pairs such as ``model.named_parameters()``. A tensor with two names goes
            by the first; one in the middle of the graph names the operation that made it.
        max_nodes: stop with an error at a graph of more nodes.

    Raises:
        TypeError: something given as a tensor is none.
        ValueError: ``outputs`` is an empty list, or the graph has more than ``max_nodes`` nodes.
    """
    tensors = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    if not tensors:
        raise ValueError("a graph needs at least one tensor to start from, got an empty list")
    for position, tensor in enumerate(tensors):
        _require_tensor(tensor, "outputs" if len(tensors) == 1 else f"outputs[{position}]")
    labels, inner = _labels(params, tensors)

    # What is found is kept in a list, so that no id can pass to another object while we walk. The list is also the
    # queue: it grows while the loop below runs through it.
    found: list[Any] = []
    numbers: dict[int, int] = {}
    for tensor in tensors:
        _number_of(tensor, found, numbers)
    nodes = []
    edges = []
    for number, item in enumerate(found):
        if max_nodes is not None and number == max_nodes:
            raise ValueError(
                f"the graph has more than max_nodes={max_nodes} nodes: take a part of the computation, "
                "or raise max_nodes; minigrad.viz.trace_graph(y).describe() shows a graph of any size as text"
            )
        label = labels.get(id(item), "") if _is_tensor(item) else _inner_label(item, inner)
        nodes.append(_describe_node(f"n{number}", item, label))
        for position, (node, output_index) in enumerate(_inputs(item)):
            if node is None:
                continue
            source = node.variable if _name(node) == "AccumulateGrad" else node  # one box for a leaf and its node
            source_number = _number_of(source, found, numbers)
            edges.append(GraphEdge(f"n{source_number}", f"n{number}", output_index, position))
    return Graph(tuple(nodes), tuple(edges))


def first_difference(graph_a: Graph, graph_b: Graph) -> str | None:
    """A sentence about the first node or edge, from the outputs on, that differs; None if the graphs are equal."""
    entering_a = graph_a.edges_into()
    entering_b = graph_b.edges_into()
    for node_a, node_b in zip_longest(graph_a.nodes, graph_b.nodes):
        if node_a != node_b:
            place = _place(node_a, graph_a) or _place(node_b, graph_b)
            node_id = node_b.id if node_a is None else node_a.id
            first = "missing" if node_a is None else str(node_a)
            second = "missing" if node_b is None else str(node_b)
            return f"node {node_id}{place} is {first} in the first graph, {second} in the second"
        for edge_a, edge_b in zip_longest(entering_a[node_a.id], entering_b[node_b.id]):
            if edge_a != edge_b:
                first = _edge_text(edge_a, graph_a)
                second = _edge_text(edge_b, graph_b)
                where = f"the edges into node {node_a.id} ({node_a}) differ"
                return f"{where}: {first} in the first graph, {second} in the second"
    return None


def shape_text(shape: tuple[int, ...]) -> str:
    """``[3, 2]``, or ``scalar`` for a tensor without dimensions."""
    return str(list(shape)) if shape else "scalar"


Inner = dict[Any, dict[int, str]]  # of a node, the names of its outputs


def _labels(params: Params | None, tensors: Sequence[Any]) -> tuple[dict[int, str], Inner]:
    """The names of leaves and outputs by the tensor's id, and those of inner tensors by the node that made them."""
    try:
        named = {} if params is None else dict(params)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"params must be a dict of names and tensors, or pairs of them, got {type(params).__name__}"
        ) from error
    asked_for = {id(tensor) for tensor in tensors}
    labels: dict[int, str] = {}
    inner: Inner = {}
    for name, tensor in named.items():
        _require_tensor(tensor, f"params[{name!r}]")
        if tensor.grad_fn is None or id(tensor) in asked_for:
            labels.setdefault(id(tensor), str(name))
        else:
            inner.setdefault(tensor.grad_fn, {}).setdefault(tensor.output_nr, str(name))
    return labels, inner


def _inner_label(node: Any, inner: Inner) -> str:
    """The names of what the operation of ``node`` made; of several outputs, which is which."""
    names = inner.get(node, {})
    if len(node._input_metadata) == 1:
        return "".join(names.values())
    return ", ".join([f"{name} (output {index})" for index, name in sorted(names.items())])


def _require_tensor(value: Any, where: str) -> None:
    is_tensor = all(hasattr(value, name) for name in ("grad_fn", "requires_grad", "shape", "dtype"))
    if not is_tensor or isinstance(value, type):
        raise TypeError(f"{where} must be a minigrad or PyTorch tensor, got {type(value).__name__}: {value!r:.60}")


def _number_of(item: Any, found: list[Any], numbers: dict[int, int]) -> int:
    """The number of ``item``; a new one, and a place in ``found``, if it was not met before."""
    number = numbers.setdefault(id(item), len(found))
    if number == len(found):
        found.append(item)
    return number


def _is_tensor(item: Any) -> bool:
    return not hasattr(item, "next_functions")


def _name(node: Any) -> str:
    """A node's name without PyTorch's C++ namespace."""
    return str(node.name()).rpartition("::")[2]


def _inputs(item: Any) -> Sequence[tuple[Any, int]]:
    """The ``(node, output index)`` pairs that ``item`` takes in: of an output tensor, the one that made it."""
    if not _is_tensor(item):
        return item.next_functions  # type: ignore[no-any-return]
    return () if item.grad_fn is None else ((item.grad_fn, item.output_nr),)


def _describe_node(node_id: str, item: Any, label: str) -> GraphNode:
    if not _is_tensor(item):
        name, kind, values = _name(item), "operation", item._input_metadata
    elif item.grad_fn is not None:
        name, kind, values = "output", "output", (item,)
    else:
        name, kind, values = "AccumulateGrad" if item.requires_grad else "Tensor", "leaf", (item,)
    shapes = tuple(tuple(int(size) for size in value.shape) for value in values)
    dtypes = tuple(str(value.dtype).rpartition(".")[2] for value in values)
    return GraphNode(node_id, name, kind, shapes, dtypes, label)


def _place(node: GraphNode | None, graph: Graph) -> str:
    """Where ``node`` was found: which input of which node it is."""
    if node is None:
        return ""
    by_id = {each.id: each for each in graph.nodes}
    for edge in graph.edges:
        if edge.source == node.id:
            return f" (input {edge.position} of node {edge.target}, {by_id[edge.target].name})"
    return ""


def _edge_text(edge: GraphEdge | None, graph: Graph) -> str:
    if edge is None:
        return "no further edge"
    source = next(node for node in graph.nodes if node.id == edge.source)
    output = f"output {edge.output_index} of " if edge.output_index else ""
    return f"input {edge.position} is {output}node {source.id} ({source})"
