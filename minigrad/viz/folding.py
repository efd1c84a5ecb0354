"""What is drawn of a :class:`Trace`: boxes, arrows and frames, with modules and repetitions folded. No picture yet.

An operation is a box of its own, or stands in one with others: ``grouping.py`` tells in which. Each box is a stretch of
the order of forward, so boxes never point at each other in a circle. The page and ``drawing.py`` draw them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from minigrad.viz.boxes import Arrow, Box, Folded, Frame
from minigrad.viz.calls import Call, Calls
from minigrad.viz.grouping import NAMES_SHOWN, Part, Parts
from minigrad.viz.labels import cut, lines_of, shape_lines, tooltip_of
from minigrad.viz.leaves import Leaves
from minigrad.viz.parts import TraceNode
from minigrad.viz.screen import ROOM, SCREEN, ranks_of, size_of
from minigrad.viz.telling import is_number

if TYPE_CHECKING:
    from minigrad.viz.trace import Trace

__all__ = ["Arrow", "Box", "Folded", "Frame", "fold"]

MANY_USES = 12  # of what one box gives; where there are more, it is drawn again
FAR = 100  # ranks, over which no arrow goes
PARAMETERS_TOLD = 6  # by the tooltip of a folded box


def fold(
    trace: Trace, *, depth: int | None = None, collapse: str | bool = "auto", values: bool = False, grads: bool = False
) -> Folded:
    """What is drawn of ``trace``.

    Args:
        depth: modules at this depth are a box each; the model itself is at 0, its layers at 1. By default as much is
            shown as fits on a screen of 1920×1080 with letters of 14 pixels; with ``collapse="module"``, the layers.
        collapse: ``"auto"``: equal modules in a row, and long loops, are one box, "×12"; ``"module"``: modules are
            folded only; ``False``: every operation is a box, whatever ``depth`` says.
        values, grads: say in the boxes what a tensor's values are, and its gradient.

    Raises:
        TypeError: ``depth`` is no integer.
        ValueError: ``depth`` is negative, or ``collapse`` another.
    """
    if collapse not in ("auto", "module", False):
        raise ValueError(f'collapse must be "auto", "module" or False, got {collapse!r}')
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool)):
        raise TypeError(f"depth must be an integer or None, got {type(depth).__name__}")
    if depth is not None and depth < 0:
        raise ValueError(f"depth must not be negative, got {depth}")
    folding = Folding(trace, values, grads)
    if collapse is False:
        return folding.folded(None, repeats=False)
    if collapse == "module":
        return folding.folded(1 if depth is None else depth, repeats=False)
    if depth is not None:
        return folding.folded(depth, repeats=True)
    return folding.that_fits()


class Folding:
    """One trace, to be folded in several ways.

    Attributes:
        calls: in which modules' calls the operations stand.
        users: for the id of each node the numbers of the edges that leave it.
        arrived: for the id of each operation that has run backward the gradient of what it gave.
        owners: for the id of each leaf the path of the module whose parameter it is, None if it is none.
    """

    def __init__(self, trace: Trace, values: bool, grads: bool) -> None:
        self.trace = trace
        self.values, self.grads = values, grads
        self.nodes = {node.id: node for node in trace.nodes}
        for edge in trace.edges:  # what the line assigns is the output's name, no longer the operation's
            node, output = self.nodes[edge.source], self.nodes[edge.target]
            if output.kind == "output" and node.variable is not None and len(node.shapes) == 1:
                self.nodes[output.id] = replace(output, variable=node.variable)
                self.nodes[node.id] = replace(node, variable=None)
        self.calls = Calls(trace)
        self.places = {node.id: place for place, node in enumerate(self.calls.order)}
        self.entering = trace.edges_into()
        self.users: dict[str, list[int]] = {}
        for number, edge in enumerate(trace.edges):
            self.users.setdefault(edge.source, []).append(number)
        self.arrived = {step.node: step.arrived[0] for step in trace.steps if len(step.arrived) == 1}
        self.owners = {node.id: self.owner_of(node) for node in trace.nodes if node.kind == "leaf"}
        self.signs = [self.sign_of(place, node) for place, node in enumerate(self.calls.order)]

    def owner_of(self, node: TraceNode) -> str | None:
        """The path of the module whose parameter a leaf is, as its name says."""
        path = (node.label or node.variable or "").rpartition(".")[0]
        while path and path not in self.calls.groups:
            path = path.rpartition(".")[0]
        return path or None

    def that_fits(self) -> Folded:
        """As much as fits on a screen; what is smallest, if nothing does."""
        deepest = max([chain[-1].level for chain in self.calls.chains if chain], default=0)
        tried: list[tuple[float, int, Folded]] = []
        depths = (None, *range(deepest, -1, -1))
        ways = [(None, False, False), *[(depth, True, rows) for depth in depths for rows in (False, True)]]
        for depth, repeats, rows in ways:
            folded = self.folded(depth, repeats, rows)
            width, height = size_of(folded)
            if width <= ROOM * SCREEN[0] and height <= ROOM * SCREEN[1]:
                return folded
            tried.append((max(width / SCREEN[0], height / SCREEN[1]), len(tried), folded))
        return min(tried)[2]

    def folded(self, depth: int | None, repeats: bool, rows: bool = False) -> Folded:
        """What is drawn where modules are folded at ``depth``, and what repeats, and operations in a row."""
        return Picture(self, Parts(self, depth, repeats, rows)).folded()

    def sign_of(self, place: int, node: TraceNode) -> Hashable:
        """What two operations have in common that do the same at two places: what they are, and from how far back
        they take what."""
        inputs: list[Hashable] = []
        first: dict[str, int] = {}
        for edge in self.entering[node.id]:
            source = self.nodes[edge.source]
            if edge.source in self.places:
                inputs.append((place - self.places[edge.source], edge.output_index))
            else:
                same = first.setdefault(edge.source, edge.position)
                inputs.append((source.kind, source.shapes, source.dtypes, same))
        return node.name, node.shapes, node.dtypes, tuple(inputs)


@dataclass
class Picture:
    """The boxes, arrows and frames of one way of folding."""

    folding: Folding
    parts: Parts

    def folded(self) -> Folded:
        """All boxes in the order of the trace, arrows, and frames."""
        leaves = Leaves(self.parts)
        boxes: dict[str, Box] = {}
        around: dict[str, tuple[Call, ...]] = {}
        for node in self.folding.trace.nodes:
            if node.kind == "operation":
                place = self.folding.places[node.id]
                box = self.parts.box_of[place] or ""
                if box not in boxes:
                    boxes[box] = self.operation_box(box, leaves.inside.get(box, []))
                    around[box] = self.parts.open[place]
            elif node.kind == "output":
                boxes[node.id] = self.single_box(self.folding.nodes[node.id], node.id)
                around[node.id] = ()
            else:
                for number, (box, where) in enumerate(leaves.boxes.get(node.id, {}).items()):
                    boxes[box] = self.single_box(node, box)
                    if number:  # drawn before: the name is enough
                        kept = boxes[box].lines[: 1 if node.label or node.variable else 2]
                        boxes[box] = replace(boxes[box], lines=kept)
                    around[box] = where
        arrows = self.drawn_again(self.arrows(boxes, leaves), boxes, around)
        frames = self.frames(boxes, around)
        return Folded(tuple(boxes.values()), arrows, frames, self.parts.depth)

    def single_box(self, node: TraceNode, box: str, inside: str = "") -> Box:
        folding = self.folding
        arrived = folding.arrived.get(node.id)
        lines = lines_of(node, values=folding.values, grads=folding.grads, inside=inside, arrived=arrived)
        return Box(box, node.kind, (node.id,), lines, tooltip_of(node))

    def operation_box(self, box: str, absorbed: list[TraceNode]) -> Box:
        """The box of an operation, of a call or of what repeats, with the leaves that went into it."""
        nodes = [self.folding.nodes[self.folding.calls.order[place].id] for place in self.parts.members[box]]
        head = self.parts.heads.get(box)
        if head is None:
            return self.single_box(nodes[0], box)
        if isinstance(head, Call):
            lines, times = [head.name + (f": {head.kind}" if head.kind and head.path else "")], 1
        else:
            lines, times = self.repeat_lines(head), head.repeat.times
        lines += shape_lines(nodes[-1])
        parameters = [node for node in absorbed if self.folding.owners.get(node.id) is not None]
        inputs = len([node for node in absorbed if not is_number(node)]) - len(parameters)
        if inputs:
            lines.append(f"{inputs} inputs")
        told = [lines[0], f"{len(nodes)} operations"]
        if parameters:
            names = [node.label or node.variable or "" for node in parameters[:PARAMETERS_TOLD]]
            more = ", …" if len(parameters) > PARAMETERS_TOLD else ""
            told.append(f"{len(parameters)} parameters: {', '.join(names)}{more}")
        ids = tuple([node.id for node in [*nodes, *absorbed]])
        return Box(box, "module", ids, tuple([cut(line) for line in lines]), "\n".join(told), times)

    def repeat_lines(self, part: Part) -> list[str]:
        """Which modules repeat, or which operations, and how often."""
        order, chains = self.folding.calls.order, self.folding.calls.chains
        calls = [chains[unit[0]][part.level : part.level + 1] for unit in part.units]
        period, last = part.repeat.period, part.units[-part.repeat.period :]
        kinds = [call[0].kind if call else order[unit[0]].name for call, unit in zip(calls[:period], last)]
        if any(call and not call[0].kind for call in calls):  # where nobody watched, the names alone
            kinds = []
        told = ", ".join([kind for kind in kinds[:NAMES_SHOWN] if kind]) + (", …" if len(kinds) > NAMES_SHOWN else "")
        lines = [f"{told} ×{part.repeat.times}".strip() if part.repeat.times > 1 else told]
        first_paths = [call[0].path or call[0].kind for call in calls[:period] if call]
        last_paths = [call[0].path or call[0].kind for call in calls[-period:] if call]
        if first_paths and first_paths == last_paths:  # called again and again
            lines.insert(0, ", ".join(dict.fromkeys(first_paths)))
        elif first_paths:
            lines.insert(0, f"{first_paths[0]} … {last_paths[-1]}")
        return lines

    def arrows(self, boxes: dict[str, Box], leaves: Leaves) -> tuple[Arrow, ...]:
        """One a value, or one for all that goes from or into a folded box."""
        found: dict[tuple[str, str, int | None], list[int]] = {}
        for number, edge in enumerate(self.folding.trace.edges):
            target = self.parts.box_of_target(edge.target)
            source = leaves.box_at(edge.source, target) or self.parts.box_of_target(edge.source)
            if source == target or source not in boxes or target not in boxes:
                continue
            folded = source in self.parts.heads or target in self.parts.heads
            found.setdefault((source, target, None if folded else number), []).append(number)
        arrows = []
        for (source, target, _), numbers in found.items():
            edges = [self.folding.trace.edges[number] for number in numbers]
            node = self.folding.nodes[edges[0].source]
            label = ""
            if source not in self.parts.heads and (len(node.shapes) > 1 or edges[0].output_index):
                which = sorted({edge.output_index for edge in edges})
                label = f"output{'s' if len(which) > 1 else ''} {', '.join(map(str, which))}"
            into = self.folding.nodes[edges[0].target].name
            tooltip = f"input {edges[0].position} of {into}" if len(edges) == 1 else f"{len(edges)} values"
            needs_grad = any(edge.needs_grad for edge in edges)
            arrows.append(Arrow(source, target, tuple(numbers), label, needs_grad, tooltip))
        return tuple(arrows)

    def drawn_again(
        self, arrows: tuple[Arrow, ...], boxes: dict[str, Box], around: dict[str, tuple[Call, ...]]
    ) -> tuple[Arrow, ...]:
        """Where very many arrows go from a box, or one goes very far, the box is drawn again at their end, in few
        words: nobody can follow such arrows, and they take Graphviz long."""
        ranks = ranks_of(boxes, arrows)
        targets: dict[str, dict[str, int]] = {}
        for arrow in arrows:
            targets.setdefault(arrow.source, {})[arrow.target] = ranks.get(arrow.target, 0)
        result = []
        for arrow in arrows:
            uses = targets[arrow.source]
            nearest = min(uses, key=lambda target: uses[target])
            many = len(uses) > MANY_USES and arrow.target != nearest
            if many or uses[arrow.target] - uses[nearest] > FAR:
                copy = f"{arrow.source}_{arrow.target}"
                original = boxes[arrow.source]
                boxes[copy] = replace(original, id=copy, lines=(original.lines[0], "drawn above"))
                around[copy] = around[arrow.target]
                arrow = replace(arrow, source=copy)
            result.append(arrow)
        return tuple(result)

    def frames(self, boxes: dict[str, Box], around: dict[str, tuple[Call, ...]]) -> tuple[Frame, ...]:
        """The calls around boxes. A call of one operation is no frame: the box tells its name."""
        count = Counter([call for chain in around.values() for call in chain])
        inside: dict[Call, list[str]] = {}
        parents: dict[Call, str | None] = {}
        for box, chain in around.items():
            kept = [call for call in chain if count[call] > 1]
            if len(kept) < len(chain) and box in self.parts.members and box not in self.parts.heads:
                node = self.folding.nodes[boxes[box].nodes[0]]
                boxes[box] = self.single_box(node, box, inside=chain[-1].name)
            for outer, call in zip([None, *kept], kept):
                parents[call] = None if outer is None else outer.title
                inside.setdefault(call, [])
            if kept:
                inside[kept[-1]].append(box)
        return tuple([Frame(call.title, call.kind, parents[call], tuple(ids)) for call, ids in inside.items()])
