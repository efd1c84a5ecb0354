"""``diff``: two graphs in one picture, with what only one of them has and what differs marked.

The operations of both are laid side by side in the order of forward, and what stands in the same order in both is one
box. What that is, is marked by the box's line, a sign and words, and by a colour.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from minigrad.viz.boxes import Box, Folded
from minigrad.viz.calls import order_of
from minigrad.viz.folding import fold
from minigrad.viz.labels import shape_lines
from minigrad.viz.parts import TraceEdge, TraceNode
from minigrad.viz.screen import check_size
from minigrad.viz.trace import Trace, first_difference

if TYPE_CHECKING:
    from minigrad.viz.drawing import Drawing

__all__ = ["Union", "diff_of", "union_of"]

SIGNS = {"first": "−", "second": "+", "differs": "≠"}


@dataclass
class Union:
    """Two graphs as one.

    Attributes:
        trace: the nodes and edges of both: those of the first by their ids, those that only the second has by ``+n3``.
        nodes: for the ids of nodes that only one has ``first`` or ``second``; ``differs`` where something of it does.
        edges: for the numbers of edges that only one has ``first`` or ``second``.
        others: for the ids of nodes that differ, how they are in the second.
    """

    trace: Trace
    nodes: dict[str, str] = field(default_factory=dict)
    edges: dict[int, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


def diff_of(
    first: Trace, second: Trace, *, depth: int | None, collapse: str | bool, theme: str, max_nodes: int
) -> Drawing:
    """The picture. See :func:`minigrad.viz.diff`."""
    from minigrad.viz.drawing import draw_folded

    names = (first.engine, second.engine) if first.engine != second.engine else ("the first", "the second")
    union = union_of(first, second)
    folded = marked(union, fold(union.trace, depth=depth, collapse=collapse), names)
    check_size(folded, max_nodes)
    drawing = draw_folded(folded, theme=theme)
    told = first_difference(first, second)
    drawing.told = f"Two graphs in one, of {' and of '.join(names)}: {told or 'they are equal'}"
    key = f"− only in {names[0]}    + only in {names[1]}    ≠ differs" if told else f"{' and '.join(names)}: equal"
    drawing.attr(label=key, labelloc="t")
    return drawing


def union_of(first: Trace, second: Trace) -> Union:
    """Both graphs as one."""
    partners = partners_of(first, second)
    ids = {theirs: mine for mine, theirs in partners.items()}
    ids |= {node.id: f"+{node.id}" for node in second.nodes if node.id not in ids}
    theirs_by_id = {node.id: node for node in second.nodes}
    marks = {f"+{node.id}": "second" for node in second.nodes if ids[node.id] == f"+{node.id}"}
    others = {}
    for node in first.nodes:
        if node.id not in partners:
            marks[node.id] = "first"
        elif node != replace(theirs_by_id[partners[node.id]], id=node.id):
            marks[node.id], others[node.id] = "differs", different(node, theirs_by_id[partners[node.id]])
    alone = [replace(node, id=f"+{node.id}") for node in second.nodes if marks.get(f"+{node.id}") == "second"]
    edges = list(first.edges)
    numbers = {end(edge): number for number, edge in enumerate(edges)}
    found = set()
    edge_marks = {}
    for edge in second.edges:
        moved = replace(edge, source=ids[edge.source], target=ids[edge.target])
        found.add(numbers.setdefault(end(moved), len(edges)))
        if numbers[end(moved)] == len(edges):
            edge_marks[len(edges)] = "second"
            edges.append(moved)
    edge_marks |= {number: "first" for number in range(len(first.edges)) if number not in found}
    groups = {group.path: group for group in (*second.groups, *first.groups)}
    ordered = in_both_orders([*first.nodes, *alone], first, second, ids)
    trace = Trace(ordered, tuple(edges), tuple(groups.values()), engine=first.engine)
    return Union(trace, marks, edge_marks, others)


def end(edge: TraceEdge) -> Hashable:
    return edge.source, edge.target, edge.output_index, edge.position


def different(mine: TraceNode, theirs: TraceNode) -> str:
    """What the second's node has that the first's has not."""
    told = [theirs.name] if mine.name != theirs.name else []
    told += [repr(theirs.label) if theirs.label else "no name"] if mine.label != theirs.label else []
    if (mine.shapes, mine.dtypes) != (theirs.shapes, theirs.dtypes):
        told += shape_lines(theirs) if mine.shapes != theirs.shapes else list(theirs.dtypes)
    return ", ".join(told)


def partners_of(first: Trace, second: Trace) -> dict[str, str]:
    """For each node of the first graph the id of that which stands for it in the second, if there is one."""
    if first == second:
        return {node.id: node.id for node in first.nodes}
    mine, theirs = order_of(first), order_of(second)
    partners = {}
    for one, other in matches([sign(node) for node in mine], [sign(node) for node in theirs]):
        partners[mine[one].id] = theirs[other].id
    outputs = [[node.id for node in each.nodes if node.kind == "output"] for each in (first, second)]
    partners |= dict(zip(*outputs))
    add_leaves(first, second, partners)
    return partners


def sign(node: TraceNode) -> tuple[Hashable, ...]:
    return node.name, node.shapes, node.dtypes, node.label


def matches(mine: Sequence[tuple[Hashable, ...]], theirs: Sequence[tuple[Hashable, ...]]) -> list[tuple[int, int]]:
    """The places of what stands in the same order in both; between those, what has the same name at least."""
    found = []
    for what, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if what == "equal":
            found += list(zip(range(a, b), range(c, d)))
        elif what == "replace":
            names = [each[0] for each in mine[a:b]], [each[0] for each in theirs[c:d]]
            for e, f, size in SequenceMatcher(None, *names, autojunk=False).get_matching_blocks():
                found += list(zip(range(a + e, a + e + size), range(c + f, c + f + size)))
    return found


def add_leaves(first: Trace, second: Trace, partners: dict[str, str]) -> None:
    """Leaves and constants are partners that go into partners at the same place; then those that are alike."""
    mine = {node.id: node for node in first.nodes if node.kind in ("leaf", "constant")}
    theirs = {node.id: node for node in second.nodes if node.kind in ("leaf", "constant")}
    sources = {(edge.target, edge.position): edge.source for edge in second.edges}
    taken = set(partners.values())
    for edge in first.edges:
        one, other = edge.source, sources.get((partners.get(edge.target, ""), edge.position), "")
        both_free = one in mine and other in theirs and one not in partners and other not in taken
        if both_free and mine[one].kind == theirs[other].kind:
            partners[one] = other
            taken.add(other)
    alike: dict[Hashable, list[str]] = {}
    for node in reversed(theirs.values()):
        if node.id not in taken:
            alike.setdefault((sign(node), node.value if node.kind == "constant" else None), []).append(node.id)
    for node in mine.values():
        free = alike.get((sign(node), node.value if node.kind == "constant" else None))
        if node.id not in partners and free:
            partners[node.id] = free.pop()


def in_both_orders(nodes: list[TraceNode], first: Trace, second: Trace, ids: dict[str, str]) -> tuple[TraceNode, ...]:
    """The nodes with numbers that put them in the order of both: what only the second has, after what is before it."""
    numbers: dict[str, float] = {node.id: float(number) for number, node in enumerate(order_of(first))}
    last, step = -1.0, 1.0 / (len(second.nodes) + 1)
    for node in order_of(second):
        last = numbers.setdefault(ids[node.id], last + step)
    ranks = {node_id: rank for rank, node_id in enumerate(sorted(numbers, key=lambda each: numbers[each]))}
    return tuple([replace(node, sequence=ranks.get(node.id)) for node in nodes])


def marked(union: Union, folded: Folded, names: tuple[str, str]) -> Folded:
    """``folded`` with the marks: of a box what is in it, of an arrow what goes along it."""
    boxes = [marked_box(union, box, names) for box in folded.boxes]
    arrows = []
    for arrow in folded.arrows:
        marks = {union.edges.get(number) for number in arrow.edges}
        mark = marks.pop() if len(marks) == 1 else "differs"
        sign = f"{SIGNS[mark]} " if mark else ""
        arrows.append(replace(arrow, mark=mark or "", label=f"{sign}{arrow.label}".strip()))
    return replace(folded, boxes=tuple(boxes), arrows=tuple(arrows))


def marked_box(union: Union, box: Box, names: tuple[str, str]) -> Box:
    marks = [union.nodes[each] for each in box.nodes if each in union.nodes]
    if not marks:
        return box
    lines = []
    for mark, words in (("first", f"only in {names[0]}"), ("second", f"only in {names[1]}"), ("differs", "differ")):
        if mark in marks and len(box.nodes) > 1:
            lines.append(f"{SIGNS[mark]} {marks.count(mark)} {words}")
        elif mark == "differs" and mark in marks:
            lines.append(f"{SIGNS[mark]} {union.others[box.nodes[0]]} in {names[1]}")
        elif mark in marks:
            lines.append(f"{SIGNS[mark]} {words}")
    mark = marks[0] if len(marks) == len(box.nodes) and len(set(marks)) == 1 else "differs"
    return replace(box, mark=mark, lines=(*box.lines, *lines))
