"""The operations of a :class:`Trace` in the order of forward, and the modules' calls in which they stand."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from minigrad.viz.parts import TraceNode

if TYPE_CHECKING:
    from minigrad.viz.trace import Trace

__all__ = ["Call", "Calls", "order_of"]


@dataclass(frozen=True)
class Call:
    """One call of a module: a stretch of the order of forward.

    Attributes:
        path: the module's, as in ``trace.groups``.
        kind: its class, or an empty string where that is not known.
        number: which call of this module it is; the first is 1.
        level: how deep the module stands in the model, which is 0.
        id: of a box for the whole.
    """

    path: str
    kind: str
    number: int
    level: int
    id: str

    @property
    def title(self) -> str:
        """The path, and which call it is."""
        return self.path if self.number == 1 else f"{self.path} (call {self.number})".strip()

    @property
    def name(self) -> str:
        """The same; of the model itself its class."""
        return self.title if self.path else f"{self.kind or 'model'} {self.title}".strip()


class Calls:
    """Which operation stands where.

    Attributes:
        order: the operations as forward made them: each after those that it takes something from.
        chains: for each of them the calls in which it stands, the outermost first.
    """

    def __init__(self, trace: Trace) -> None:
        self.order = order_of(trace)
        self.groups = {group.path: group for group in trace.groups}
        self.numbers = {group.path: number for number, group in enumerate(trace.groups)}
        self.above = {group.path: self.chain_of(group.path) for group in trace.groups}
        paths = [self.above.get(node.module, ()) if node.module is not None else () for node in self.order]
        if not any(group.kind for group in trace.groups):  # nobody watched: modules by the names of parameters
            paths = filled(paths)
        self.chains: list[tuple[Call, ...]] = []
        count: dict[str, int] = {}
        open_calls: tuple[Call, ...] = ()
        for chain in paths:
            same = takewhile(lambda pair: pair[0].path == pair[1], zip(open_calls, chain))
            calls = [call for call, _ in same]
            for path in chain[len(calls) :]:
                count[path] = count.get(path, 0) + 1
                calls.append(self.call(path, count[path]))
            open_calls = tuple(calls)
            self.chains.append(open_calls)

    def chain_of(self, path: str) -> tuple[str, ...]:
        """The paths of a module and those around it, the outermost first."""
        chain: dict[str, None] = {}
        at: str | None = path
        while at is not None and at not in chain:
            chain[at] = None
            at = self.groups[at].parent
        return tuple(reversed(chain))

    def call(self, path: str, number: int) -> Call:
        outermost = self.groups[self.above[path][0]]
        base = 0 if outermost.kind or not outermost.path else 1  # the model itself is not among them
        again = "" if number == 1 else f"-{number}"
        level = len(self.above[path]) - 1 + base
        return Call(path, self.groups[path].kind, number, level, f"m{self.numbers[path]}{again}")


def order_of(trace: Trace) -> list[TraceNode]:
    """The operations as forward made them: those first that take nothing from others that wait, by their numbers."""
    operations = {node.id: place for place, node in enumerate(trace.nodes) if node.kind == "operation"}
    waits_for = dict.fromkeys(operations, 0)
    leaving: dict[str, list[str]] = {each: [] for each in operations}
    for edge in trace.edges:
        if edge.source in operations and edge.target in operations:
            waits_for[edge.target] += 1
            leaving[edge.source].append(edge.target)

    def entry(node_id: str) -> tuple[int, int]:
        return trace.nodes[operations[node_id]].sequence or 0, -operations[node_id]

    ready = [entry(each) for each, count in waits_for.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        node = trace.nodes[-heapq.heappop(ready)[1]]
        order.append(node)
        for each in leaving[node.id]:
            waits_for[each] -= 1
            if not waits_for[each]:
                heapq.heappush(ready, entry(each))
    return order + [trace.nodes[operations[each]] for each, count in waits_for.items() if count]  # a stranger's circle


def filled(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """What stands between two operations of a module belongs to it, as far as is known: to all that both stand in."""
    following: list[tuple[str, ...]] = [()] * len(paths)
    for place in range(len(paths) - 2, -1, -1):
        following[place] = paths[place + 1] or following[place + 1]
    before: tuple[str, ...] = ()
    result = []
    for path, after in zip(paths, following):
        before = path or before
        result.append(path or tuple([mine for mine, yours in zip(before, after) if mine == yours]))
    return result
