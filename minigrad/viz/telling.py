"""A :class:`Trace` for a terminal, and as a flow chart in Mermaid's language."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from minigrad.viz.parts import TraceEdge, TraceNode, TraceStep, shape_text

if TYPE_CHECKING:
    from minigrad.viz.trace import Trace

__all__ = ["mermaid_of", "text_of"]


def text_of(trace: Trace, width: int = 80) -> str:
    """The graph in the order of forward, one tensor or operation a line, then the steps.

    Lines are at most ``width`` long: a longer one goes on in the next, indented.
    """
    if not isinstance(width, int):
        raise TypeError(f"width must be an integer, got {type(width).__name__}")
    if width < 40:
        raise ValueError(f"width must be at least 40, got {width}")
    order = in_order_of_forward(trace)
    names = names_of(order)
    entering = trace.edges_into()
    lines: list[str] = []
    module: str | None = None
    for node in order:
        if node.kind == "output":
            lines += wrapped(f"output {names[node.id]} = {inputs_of(node, names, entering)}{shown_value(node)}", width)
            continue
        if node.kind == "constant" and is_number(node):
            continue  # it stands where it is used
        if node.kind == "operation" and node.module != module:
            module = node.module
            lines += wrapped("-- outside of modules" if module is None else f"-- in {module or 'the model'}", width)
        told = f"{names[node.id]} = {node_text(node, names, entering)}"
        where = "" if node.line is None else f"  # {short_file(node.file)}:{node.line}"
        lines += wrapped(told + where, width)
    if trace.saved_bytes:
        holder = trace.holders()[0]
        most = f"most by {holder.name} {names[holder.id]}: {holder.saved_bytes}"
        lines += wrapped(f"saved for backward: {trace.saved_bytes} bytes, {most}", width)
    by_id = {node.id: node for node in trace.nodes}
    for number, step in enumerate(trace.steps, 1):
        lines.append("")
        lines += step_lines(number, step, by_id[step.node], trace, names, width)
    if trace.beside is not None:
        lines += ["", *wrapped(trace.beside.told, width)]
    if trace.steps and len(trace.steps) < trace.total_steps:
        lines += ["", f"stopped after step {len(trace.steps)} of {trace.total_steps}"]
    return "\n".join(lines)


def in_order_of_forward(trace: Trace) -> list[TraceNode]:
    """Operations as they were made, each after the tensors that it is the first to use; outputs last."""
    by_id = {node.id: node for node in trace.nodes}
    entering = trace.edges_into()
    operations = [node for node in trace.nodes if node.kind == "operation"]
    outputs = [node for node in trace.nodes if node.kind == "output"]
    order: dict[str, TraceNode] = {}
    for node in [*sorted(operations, key=lambda each: each.sequence or 0), *outputs]:
        for edge in entering[node.id]:
            if by_id[edge.source].kind in ("leaf", "constant"):
                order.setdefault(edge.source, by_id[edge.source])
        order[node.id] = node
    for node in trace.nodes:  # a leaf that was asked about
        order.setdefault(node.id, node)
    return list(order.values())


def names_of(order: list[TraceNode]) -> dict[str, str]:
    """For each node what it is called: the user's name, a number itself, else ``%3``, counted in this order."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    count = 0
    for node in order:
        name = node.label or node.variable or ""
        if is_number(node) and not name:
            names[node.id] = str(node.value)
            continue
        if not name or (name in taken and node.kind != "output"):
            name = f"%{count}"
            count += 1
        taken.add(name)
        names[node.id] = name
    return names


def is_number(node: TraceNode) -> bool:
    return node.kind == "constant" and node.value is not None and bool(node.value.values) and not node.value.shape


def inputs_of(node: TraceNode, names: dict[str, str], entering: dict[str, list[TraceEdge]]) -> str:
    """The names of what enters a node; of one of several outputs, which."""
    edges = entering[node.id]
    return ", ".join([names[each.source] + (f".{each.output_index}" if each.output_index else "") for each in edges])


def shown_value(node: TraceNode) -> str:
    """The values of a tensor, and its gradient, after what it is."""
    shapes = ", ".join([f"{shape_text(shape)} {dtype}" for shape, dtype in zip(node.shapes, node.dtypes)])
    value = node.value
    told = f"  {shapes}" if value is None else f"  {value}" if value.shape else f"  {value.dtype}: {value}"
    return told if node.grad is None else f"{told}  grad {node.grad}"


def node_text(node: TraceNode, names: dict[str, str], entering: dict[str, list[TraceEdge]]) -> str:
    """``MulBackward0(x, %1)  [2, 3] float32``; of a tensor what it is, and its values."""
    if node.kind == "operation":
        return f"{node.name}({inputs_of(node, names, entering)}){shown_value(node)}"
    return node.kind + ("" if node.kind == "constant" and node.value is None else shown_value(node))


def step_lines(
    number: int, step: TraceStep, node: TraceNode, trace: Trace, names: dict[str, str], width: int
) -> list[str]:
    """What happened at one node."""
    lines = wrapped(f"step {number} of {trace.total_steps}: {node.name} {names[node.id]}", width)
    told = [f"ready: {step.ready_because}"]
    if node.formula:
        told.append(f"formula: {node.formula}")
    told += [f"arrived: {'nothing' if each is None else each}" for each in step.arrived]
    told += [f"saved {name}: {value}" for name, value in step.saved.items()]
    for sent in step.sent:
        edge = trace.edges[sent.edge]
        summed = "" if sent.unbroadcast is None else f", summed from {list(sent.unbroadcast)}"
        added = "" if sent.added_to is None else f", added to {sent.added_to} = {sent.sum}"
        told.append(f"sent to {names[edge.source]} (input {edge.position}): {sent.value}{summed}{added}")
    if step.grad_after is not None:
        told.append(f".grad: {'None' if step.grad_before is None else step.grad_before}, then {step.grad_after}")
    return lines + [line for each in told for line in wrapped(f"  {each}", width)]


def short_file(file: str | None) -> str:
    return (file or "").replace("\\", "/").rpartition("/")[2]


def shown(text: str) -> str:
    """``text`` with the numbers of signs that would move a terminal's cursor, and that XML and UTF-8 do not have."""
    return "".join([sign if sign.isprintable() else repr(sign)[1:-1] for sign in text])


def wrapped(line: str, width: int) -> list[str]:
    """A line in as many as it needs."""
    told = shown(line)
    indent = " " * (len(told) - len(told.lstrip()) + 4)
    return textwrap.wrap(told, width, subsequent_indent=indent, drop_whitespace=True) or [""]


SHAPES = {"leaf": ("[", "]"), "operation": ("(", ")"), "output": ("[[", "]]"), "constant": ("{{", "}}")}


def mermaid_of(trace: Trace) -> str:
    """The graph as a flow chart: values flow down; a constant's arrow is dashed; modules are frames."""
    ids = {node.id: f"n{number}" for number, node in enumerate(trace.nodes)}
    inside: dict[str | None, list[str]] = {None: [], **{group.path: [] for group in trace.groups}}
    for node in trace.nodes:
        opening, closing = SHAPES[node.kind]
        box = f'{ids[node.id]}{opening}"{"<br>".join([escaped(each) for each in box_lines(node)])}"{closing}'
        inside[node.module if node.module in inside else None].append(box)
    for number, group in reversed(list(enumerate(trace.groups))):  # each before the one around it
        lines = inside[group.path]
        title = f"{group.path}: {group.kind}".strip(": ") or "model"
        frame = [f'subgraph g{number}["{escaped(title)}"]', *[f"    {line}" for line in lines], "end"]
        inside[group.parent] += frame if lines else []
    shapes = {node.id: len(node.shapes) for node in trace.nodes}
    arrows = []
    for edge in trace.edges:
        arrow = "-->" if edge.needs_grad else "-.->"
        label = f"|output {edge.output_index}|" if shapes[edge.source] > 1 or edge.output_index else ""
        arrows.append(f"{ids[edge.source]} {arrow}{label} {ids[edge.target]}")
    return "\n    ".join(["flowchart TD", *inside[None], *arrows]) + "\n"


def box_lines(node: TraceNode) -> list[str]:
    """What stands in a box: the name that it has in the program, its own name, and what comes out of it."""
    lines = [name] if (name := node.label or node.variable) else []
    if is_number(node):
        return [*lines, str(node.value)]
    lines.append(node.name)
    if node.kind == "constant" and node.value is not None:
        return [*lines, f"{shape_text(node.value.shape)} {node.value.dtype}"]
    return lines + [f"{shape_text(shape)} {dtype}" for shape, dtype in zip(node.shapes, node.dtypes)][:4]


def escaped(text: str) -> str:
    """``text`` as Mermaid shows it: what has a meaning in it, or in HTML, as its number."""
    return "".join([each if each.isalnum() or each in " .,_-[]:" else f"#{ord(each)};" for each in text])
