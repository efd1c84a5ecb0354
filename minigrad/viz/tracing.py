"""How the graph of either engine is walked and written down as a :class:`Trace`; nothing is computed or changed.

Both engines keep the graph in ``grad_fn`` and ``next_functions``. An input that needs no gradient has no node: it is
known by what ``watch`` noted, by what was saved of it, and, in minigrad, by the counter of its memory's changes, which
the edge keeps: so one that is used twice is one box.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from minigrad.autograd.stepping import formula_of
from minigrad.caller import told_file
from minigrad.graph.describing import short_name
from minigrad.graph.node import Node, Tensor
from minigrad.graph.saved_names import values_saved
from minigrad.viz.following import rule_of
from minigrad.viz.parts import NOT_YET, TraceEdge, TraceExcerpt, TraceGroup, TraceNode
from minigrad.viz.summary import Summary, sizes_of, summary_of
from minigrad.viz.trace import Trace
from minigrad.viz.watching import Constant, Made, constant, key_of, made_of

__all__ = ["Params", "Tracing", "inputs_of", "looks_like_tensor", "require_tensor", "saved_in_brief", "trace_graph"]

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]
AROUND = 3  # lines of the user's program before and after one that made a node
Inner = dict[Any, dict[int, str]]  # of a node, the names of its outputs
# Which input of PyTorch's nodes a saved tensor is.
PLACES = {"self": 0, "input": 0, "other": 1, "mat1": 1, "weight": 1}
NOTHING = Made("", 0, ())  # that is known of how a node was made
ABSENT = ("Convolution", "NativeBatchNorm", "NativeLayerNorm", "NativeGroupNorm")  # which may have no weight, no bias


def trace_graph(
    outputs: Any,
    *,
    params: Params | None = None,
    names: Mapping[str, Any] | None = None,
    max_nodes: int | None = None,
    values: bool = True,
) -> Trace:
    """The graph behind one tensor or several, of either engine.

    The walk goes breadth first from the outputs toward the leaves, inputs in order, and does not recurse: its length
    is limited by memory only. Nothing is computed and nothing changed. (PyTorch 2.14 itself overflows the stack when
    it frees a chain of some 50,000 nodes that any Python code has walked; minigrad and shorter chains do not.)

    Args:
        outputs: a tensor, or a list or tuple of tensors.
        params: labels for tensors, a dict or pairs such as ``model.named_parameters()``. A tensor with two names goes
            by the first; one in the middle of the graph names the operation that made it.
        names: such as ``locals()``: labels too, after those of ``params``; what is no tensor is passed over.
        max_nodes: stop with an error at a graph of more nodes; constants are not counted.
        values: tell values, gradients and what was saved in brief, and the rules' source.

    Raises:
        TypeError: something given as a tensor is none.
        ValueError: ``outputs`` is an empty list, or the graph has more than ``max_nodes`` nodes.

    PyTorch has no counterpart.

    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> trace = minigrad.viz.trace_graph(x * x, names={"x": x})
    >>> [node.name for node in trace.nodes]
    ['output', 'MulBackward0', 'AccumulateGrad']
    """
    return Tracing(outputs, params, names, max_nodes, values).trace()


class Tracing:
    """One walk of a graph.

    Attributes:
        found: the tensors and nodes, in the order of the walk. It keeps them, so that no id can pass to another object,
            and it is the queue: it grows while the walk runs through it.
        numbers: for the id of each its place in ``found``.
    """

    def __init__(
        self,
        outputs: Any,
        params: Params | None,
        names: Mapping[str, Any] | None,
        max_nodes: int | None = None,
        values: bool = True,
    ) -> None:
        tensors = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        if not tensors:
            raise ValueError("a graph needs at least one tensor to start from, got an empty list")
        for position, tensor in enumerate(tensors):
            require_tensor(tensor, "outputs" if len(tensors) == 1 else f"outputs[{position}]")
        self.named = _named(params, names)
        self.labels, self.inner, self.of_constants = _labels(self.named, tensors)
        self.made_by = {tensor.grad_fn: tensor for _, tensor in reversed(self.named) if tensor.grad_fn is not None}
        self.max_nodes = max_nodes
        self.values = values
        self.engine = "minigrad" if isinstance(tensors[0], Tensor) else "torch"
        self.found: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.nodes: list[TraceNode] = []
        self.edges: list[TraceEdge] = []
        self.constants: list[TraceNode] = []
        self.by_key: dict[Any, int] = {}
        self.memory: dict[int, int] = {}
        self.kinds: dict[str, Any] = {}
        for tensor in tensors:
            self.number_of(tensor)

    def trace(self) -> Trace:
        """Walk, and tell what was found."""
        for number, item in enumerate(self.found):
            if number == self.max_nodes:
                raise ValueError(
                    f"the graph has more than max_nodes={self.max_nodes} nodes: take a part of the computation, "
                    "or raise max_nodes; minigrad.viz.trace_graph(y).describe() shows a graph of any size as text"
                )
            self.nodes.append(self.describe(number, item))
            for position, (node, output_index) in enumerate(inputs_of(item)):
                if node is None:
                    self.add_constant(number, item, position)
                    continue
                self.edges.append(TraceEdge(self.id_of(node), f"n{number}", output_index, position))
        self.find_modules()
        self.find_variables()
        told = [replace(node, file=told_file(node.file)) if node.file else node for node in self.nodes]
        kinds = self.kinds if self.values else {}
        return Trace(
            (*told, *self.constants),
            tuple(self.edges),
            groups=self.groups(),
            engine=self.engine,
            saved_bytes=sum(self.memory.values()),
            rules={name: rule for name, kind in kinds.items() if (rule := rule_of(kind))},
            excerpts=excerpts_of(self.nodes) if self.values else (),
        )

    def number_of(self, item: Any) -> int:
        """The number of ``item``; a new one, and a place in ``found``, if it was not met before."""
        number = self.numbers.setdefault(id(item), len(self.found))
        if number == len(self.found):
            self.found.append(item)
        return number

    def id_of(self, node: Any) -> str:
        """The id of a node's box; a leaf and the node that sums its gradient are one."""
        return f"n{self.number_of(node.variable if short_name(node) == 'AccumulateGrad' else node)}"

    def describe(self, number: int, item: Any) -> TraceNode:
        """The box of a tensor or of an operation's node."""
        node_id = f"n{number}"
        if not _is_tensor(item):
            return self.describe_operation(node_id, item)
        if item.grad_fn is not None:
            name, kind = "output", "output"
        else:
            name, kind = "AccumulateGrad" if item.requires_grad else "Tensor", "leaf"
        known: dict[str, Any] = {"value": summary_of(item), "grad": grad_of(item)} if self.values else {}
        return TraceNode(node_id, name, kind, *_shapes([item]), self.labels.get(id(item), ""), **known)

    def describe_operation(self, node_id: str, node: Any) -> TraceNode:
        made = how_made(node)
        saved = saved_of(node)
        name = short_name(node)
        ours = isinstance(node, Node)
        if ours:
            self.kinds.setdefault(name, type(node))
        return TraceNode(
            node_id,
            name,
            "operation",
            *_shapes(node._input_metadata),
            _inner_label(node, self.inner),
            formula=(formula_of(node) or None) if ours else None,
            file=made.file or None,
            line=made.line or None,
            module=made.modules[-1][0] if made.modules else None,
            sequence=node._sequence_nr(),
            **self.result_of(node, made),
            saved=saved_in_brief(saved) if self.values else None,
            saved_bytes=self.bytes_of(saved.values()),
        )

    def result_of(self, node: Any, made: Made) -> dict[str, Any]:
        """The value of what an operation gave, as ``watch`` saw it or as it is in the tensor that has a name, and the
        gradient that this keeps."""
        if not self.values or len(node._input_metadata) != 1:
            return {}
        tensor = self.made_by.get(node)
        if tensor is None:
            return {"value": made.result}
        return {"value": made.result or summary_of(tensor), "grad": grad_of(tensor)}

    def bytes_of(self, saved: Iterable[Any]) -> int:
        """The memory of what a node saved, each array once; and note it for the whole."""
        mine: dict[int, int] = {}
        for value in saved:
            if isinstance(value, np.ndarray):
                owner = value if value.base is None else value.base
                mine[id(owner)] = getattr(owner, "nbytes", value.nbytes)
            elif hasattr(value, "untyped_storage"):
                mine.update([memory_of(value)])
        self.memory.update(mine)
        return sum(mine.values())

    def add_constant(self, number: int, node: Any, position: int) -> None:
        """The box of an input that needs no gradient, and the edge from it; none where nothing was given."""
        made = how_made(node)
        known: Constant | None
        if position in made.constants:
            known = made.constants[position]
            if known is None:
                return
        else:
            if short_name(node).startswith(ABSENT) and position and not has_input(node, position):
                return
            known = self.constant_of(node, position)
        key = (node, position) if known is None or known.key is None else known.key
        place = self.by_key.setdefault(key, len(self.constants))
        if place == len(self.constants):
            value = None if known is None else known.value
            label = self.of_constants.get(key, "")
            name = made.names.get(position) or None
            self.constants.append(TraceNode(f"c{place}", "constant", "constant", (), (), label, name, value=value))
        self.edges.append(TraceEdge(f"c{place}", f"n{number}", 0, position, needs_grad=False))

    def constant_of(self, node: Any, position: int) -> Constant | None:
        """What is known of an input that needs no gradient without its having been watched."""
        if isinstance(node, Node):
            counter = node.edges[position][2]
            if counter is None:
                return number_saved(node, position)
            saved = getattr(node, "_saved", None) or ()  # nothing once it was freed
            for value, origin in zip(saved, node.origins() if saved else ()):  # type: ignore[attr-defined]
                if origin is not None and origin[1] is counter and isinstance(value, np.ndarray):
                    return Constant(id(counter), summary_of(value))
            for _, each in self.named:
                if isinstance(each, Tensor) and each._version_counter is counter:
                    return Constant(id(counter), summary_of(each))
            return Constant(id(counter), None)
        for name, value in saved_of(node).items():
            place = PLACES.get(name, 2 if name == "mat2" and "Addmm" in node.name() else 1)
            if place == position and hasattr(value, "requires_grad") and name in (*PLACES, "mat2"):
                key = key_of(value) if value.ndim else None
                return None if value.requires_grad else Constant(key, summary_of(value))
        return None

    def find_modules(self) -> None:
        """Where nobody watched, an operation belongs to the module whose parameter it uses, as the parameter's name
        says; directly, or by a transposition."""
        by_id = {node.id: node for node in self.nodes}
        owner = {node.id: node.label.rpartition(".")[0] for node in self.nodes if node.kind == "leaf" and node.label}
        owner = {node_id: path for node_id, path in owner.items() if path}
        for edge in reversed(self.edges):
            path, target = owner.get(edge.source), by_id[edge.target]
            source = by_id.get(edge.source)
            if path is None or source is None or target.kind != "operation" or target.module is not None:
                continue
            if source.kind == "leaf" or source.name == "TBackward0":
                owner.setdefault(edge.target, path)
        for number, node in enumerate(self.nodes):
            if node.kind == "operation" and node.module is None and node.id in owner:
                self.nodes[number] = replace(node, module=owner[node.id])

    def find_variables(self) -> None:
        """A leaf has the name that the operations know that use it; what the line assigns belongs to the operation that
        this line made last."""
        for edge in self.edges:
            name, source = how_made(self.found[int(edge.target[1:])]).names.get(edge.position), int(edge.source[1:])
            if name and edge.source.startswith("n") and self.nodes[source].variable is None:
                self.nodes[source] = replace(self.nodes[source], variable=name)
        there = [(node.sequence or 0, number) for number, node in enumerate(self.nodes) if node.line is not None]
        numbers = [number for _, number in sorted(there)]
        for number, following in zip(numbers, [*numbers[1:], None]):
            node = self.nodes[number]
            after = None if following is None else self.nodes[following]
            if after is None or (after.file, after.line) != (node.file, node.line):
                self.nodes[number] = replace(node, variable=assigned_in(node.file, node.line))

    def groups(self) -> tuple[TraceGroup, ...]:
        """The modules in which nodes were made, each after the one around it."""
        kinds: dict[str, str] = {}
        for item in self.found:
            for path, kind in how_made(item).modules:
                kinds.setdefault(path, kind)
        for node in self.nodes:
            parts = [] if node.module is None or node.module in kinds else node.module.split(".")
            for count in range(1, len(parts) + 1):
                kinds.setdefault(".".join(parts[:count]), "")
        found = []
        for path in sorted(kinds, key=lambda path: (path.count(".") + bool(path), path)):
            outer = path.rpartition(".")[0]
            while outer and outer not in kinds:
                outer = outer.rpartition(".")[0]
            alone = not path or (not outer and "(" in path)  # a model of its own
            found.append(TraceGroup(path, kinds[path], None if alone or outer not in kinds else outer))
        return tuple(found)


def how_made(item: Any) -> Made:
    """What was noted at a node, and nothing where nobody watched, or at a tensor."""
    return (None if _is_tensor(item) else made_of(item)) or NOTHING


def saved_of(node: Any) -> dict[str, Any]:
    """What ``node`` saved, by name: minigrad's arrays as they are, PyTorch's tensors; nothing after it was freed."""
    if isinstance(node, Node):
        return values_saved(node)
    names = [name for name in dir(node) if name.startswith("_saved_")]
    try:
        return {name.removeprefix("_saved_"): getattr(node, name) for name in names}
    except RuntimeError:  # freed
        return {}


def memory_of(tensor: Any) -> tuple[int, int]:
    """Where the memory of one of PyTorch's tensors is, and how large."""
    try:
        storage = tensor.untyped_storage()
        return storage.data_ptr() or id(tensor), storage.nbytes()
    except RuntimeError:  # it has several, or another library's
        parts = (tensor._indices(), tensor._values()) if tensor.is_sparse else (tensor,)
        return id(tensor), sum([part.nbytes for part in parts])


def saved_in_brief(saved: Mapping[str, Any]) -> dict[str, Summary | str]:
    """What a node saved, each value in brief."""
    found: dict[str, Summary | str] = {}
    for name, value in saved.items():
        if (isinstance(value, np.ndarray) and value.dtype.kind in "fiub") or hasattr(value, "requires_grad"):
            found[name] = summary_of(value)
        elif value is not None:
            found[name] = f"{value!r:.60}"
    return found


def number_saved(node: Any, position: int) -> Constant | None:
    """The number that was this input, where forward saved it."""
    if node.saved_inputs is None or not node._saved:
        return None
    saved = dict(zip(range(len(node.edges))[node.saved_inputs], node._saved))
    return None if saved.get(position) is None else constant(saved[position])


def grad_of(tensor: Any) -> Summary | str | None:
    """A tensor's ``.grad`` in brief; what is to be computed yet; None for one that keeps none."""
    if not tensor.requires_grad or not (tensor.is_leaf or tensor.retains_grad):
        return None
    return NOT_YET if tensor.grad is None else summary_of(tensor.grad)


def has_input(node: Any, position: int) -> bool:
    """Whether a weight or a bias was given to a node that may have none, as far as is known."""
    if isinstance(node, Node):
        return node.edges[position][2] is not None
    saved = saved_of(node)
    if position == 2 and "bias_sym_sizes_opt" in saved:  # of a convolution
        return saved["bias_sym_sizes_opt"] not in (None, (0,))
    return saved.get("bias" if position == 2 and "bias" in saved else "weight") is not None


def excerpts_of(nodes: Sequence[TraceNode]) -> tuple[TraceExcerpt, ...]:
    """The lines that made ``nodes``, with those around them; what is not found is left out."""
    wanted: dict[str, set[int]] = {}
    for node in nodes:
        if node.file is not None and node.line is not None:
            wanted.setdefault(node.file, set()).update(range(node.line - AROUND, node.line + AROUND + 1))
    found = []
    for file, numbers in wanted.items():
        lines = linecache.getlines(file)
        there = [number for number in sorted(numbers) if 0 < number <= len(lines)]
        for _, run in groupby(enumerate(there), lambda pair: pair[1] - pair[0]):  # numbers without a gap
            told = {number: lines[number - 1].rstrip("\n") for _, number in run}
            found.append(TraceExcerpt(told_file(file), min(told), tuple(told.values())))
    return tuple(found)


def assigned_in(file: str | None, line: int | None) -> str | None:
    """The name to which a line of a program assigns something, if it is one."""
    source = linecache.getline(file or "", line or 0).strip()
    try:
        statement = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    if len(statement) == 1 and isinstance(statement[0], (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        target = statement[0].targets[0] if isinstance(statement[0], ast.Assign) else statement[0].target
        return target.id if isinstance(target, ast.Name) else None
    return None


def _named(params: Params | None, names: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """The names that the user gives to tensors."""
    try:
        pairs = params.items() if isinstance(params, Mapping) else params or ()
        named = [(name, tensor) for name, tensor in pairs]
    except (TypeError, ValueError) as error:
        told = "params must be a dict of names and tensors, or pairs of them"
        raise TypeError(f"{told}, got {type(params).__name__}") from error
    for name, tensor in named:
        require_tensor(tensor, f"params[{name!r}]")
    if names is None:
        return named
    if not isinstance(names, Mapping):
        raise TypeError(f"names must be a dict such as locals(), got {type(names).__name__}")
    return named + [(name, value) for name, value in names.items() if _is_usable(value)]


def _labels(named: Sequence[tuple[str, Any]], tensors: Sequence[Any]) -> tuple[dict[int, str], Inner, dict[Any, str]]:
    """The names of leaves and outputs by the tensor's id, those of inner tensors by the node that made them, and those
    of constants by their keys."""
    asked_for = {id(tensor) for tensor in tensors}
    labels: dict[int, str] = {}
    inner: Inner = {}
    constants: dict[Any, str] = {}
    for name, tensor in named:
        if tensor.grad_fn is None or id(tensor) in asked_for:
            labels.setdefault(id(tensor), str(name))
            if not tensor.requires_grad:
                constants.setdefault(key_of(tensor), str(name))
                if isinstance(tensor, Tensor):  # all that an edge knows
                    constants.setdefault(id(tensor._version_counter), str(name))
        else:
            inner.setdefault(tensor.grad_fn, {}).setdefault(tensor.output_nr, str(name))
    return labels, inner, constants


def _inner_label(node: Any, inner: Inner) -> str:
    """The names of what the operation of ``node`` made; of several outputs, which is which."""
    names = inner.get(node, {})
    if len(node._input_metadata) == 1:
        return "".join(names.values())
    return ", ".join([f"{name} (output {index})" for index, name in sorted(names.items())])


def looks_like_tensor(value: Any) -> bool:
    """By its class alone: an object of the user's may do anything when it is asked for an attribute."""
    torch = sys.modules.get("torch")
    return issubclass(type(value), (Tensor, getattr(torch, "Tensor", Tensor)))


def _is_usable(value: Any) -> bool:
    """Whether a variable is a tensor whose place in the graph is known; PyTorch refuses to tell that of some views."""
    if not looks_like_tensor(value):
        return False
    try:
        value.grad_fn  # noqa: B018
    except RuntimeError:
        return False
    return True


def require_tensor(value: Any, where: str) -> None:
    if not looks_like_tensor(value):
        raise TypeError(f"{where} must be a minigrad or PyTorch tensor, got {type(value).__name__}: {value!r:.60}")


def _is_tensor(item: Any) -> bool:
    return not hasattr(item, "next_functions")


def inputs_of(item: Any) -> Sequence[tuple[Any, int]]:
    """The ``(node, output index)`` pairs that ``item`` takes in: of an output tensor, the one that made it."""
    if not _is_tensor(item):
        return item.next_functions  # type: ignore[no-any-return]
    return () if item.grad_fn is None else ((item.grad_fn, item.output_nr),)


def _shapes(values: Sequence[Any]) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]:
    """Shapes and types of tensors, or of what a node's outputs are."""
    dtypes = [str(value.dtype).rpartition(".")[2] for value in values]
    return tuple([sizes_of(value) for value in values]), tuple(dtypes)
