"""Where leaves and constants are drawn: alone, at each use, or within the folded box that takes them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.viz.calls import Call
from minigrad.viz.parts import TraceNode
from minigrad.viz.telling import is_number

if TYPE_CHECKING:
    from minigrad.viz.grouping import Parts

__all__ = ["Leaves"]

FEW_USES = 4  # a leaf that is used oftener is drawn at each use
FEW_INPUTS = 3  # that one folded box alone takes in are drawn; of more, it tells how many


class Leaves:
    """Where the leaves and constants stand.

    Attributes:
        boxes: for the id of each, its boxes, and the calls around them; several, where it is used often.
        inside: for the id of a folded box those that went into it.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.boxes: dict[str, dict[str, tuple[Call, ...]]] = {}
        self.inside: dict[str, list[TraceNode]] = {}
        self.copies: dict[tuple[str, str], str] = {}
        lone: dict[str, list[TraceNode]] = {}
        for node in parts.trace.nodes:
            if node.kind not in ("leaf", "constant"):
                continue
            edges = [parts.trace.edges[number] for number in parts.folding.users.get(node.id, ())]
            targets = list(dict.fromkeys([parts.box_of_target(edge.target) for edge in edges]))
            if len(targets) == 1 and targets[0] in parts.heads:
                if parts.folding.owners.get(node.id) is not None or is_number(node):
                    self.inside.setdefault(targets[0], []).append(node)
                    continue
                lone.setdefault(targets[0], []).append(node)
            self.place(node, targets)
        for box, nodes in lone.items():
            if len(nodes) > FEW_INPUTS:
                self.inside.setdefault(box, []).extend(nodes)
                for node in nodes:
                    del self.boxes[node.id]

    def place(self, node: TraceNode, targets: list[str]) -> None:
        """One box, or one at each use."""
        if len(targets) <= FEW_USES:
            self.boxes[node.id] = {node.id: self.home(node, targets)}
            return
        self.boxes[node.id] = {}
        members = self.parts.members
        targets = sorted(targets, key=lambda target: members.get(target, [len(self.parts.box_of)])[0])
        for number, target in enumerate(targets, 1):  # in the order of forward
            copy = f"{node.id}-{number}"
            self.copies[node.id, target] = copy
            self.boxes[node.id][copy] = self.home(node, [target])

    def box_at(self, node_id: str, target: str) -> str | None:
        """The box from which a leaf goes into ``target``; None for an operation, and for what is inside of one."""
        if node_id not in self.boxes:
            return None
        return self.copies.get((node_id, target), node_id)

    def home(self, node: TraceNode, targets: list[str]) -> tuple[Call, ...]:
        """The calls around a leaf: a parameter stands in its module, a number where it is used."""
        owner = self.parts.folding.owners.get(node.id)
        if owner is None and not is_number(node):
            return ()
        chains = [self.parts.open[self.parts.members[target][0]] for target in targets if target in self.parts.members]
        if len(chains) < len(targets) or not chains:
            return ()
        common = []
        for calls in zip(*chains):
            path = calls[0].path
            owns = owner is None or not path or f"{owner}.".startswith(f"{path}.")
            if not owns or any(call != calls[0] for call in calls):
                break
            common.append(calls[0])
        return tuple(common)
