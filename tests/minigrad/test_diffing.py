"""``minigrad.viz.diff``: two graphs in one picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
import torch

import minigrad
from minigrad.viz import diff, trace_graph
from minigrad.viz.diffing import union_of


def program(engine: Any, *operations: str, size: int = 3) -> Any:
    """The operations one after the other, then ``* w`` and the sum."""
    h = engine.ones(size, requires_grad=True)
    for each in operations:
        h = getattr(h, each)()
    return (h * engine.ones(size, requires_grad=True)).sum()


def names_marked(first: Any, second: Any) -> dict[str, list[str]]:
    """The names of the nodes with each mark."""
    union = union_of(trace_graph(first), trace_graph(second))
    by_id = {node.id: node.name for node in union.trace.nodes}
    found: dict[str, list[str]] = {}
    for node_id, mark in union.nodes.items():
        found.setdefault(mark, []).append(by_id[node_id])
    return {mark: sorted(names) for mark, names in found.items()}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("exp", "sin"), ("exp", "sin"), {}),
        (("exp", "sin"), ("exp", "relu", "sin"), {"second": ["ReluBackward0"]}),
        (("exp", "sin"), ("sin",), {"first": ["ExpBackward0"]}),
        (("exp", "sin", "exp"), ("exp", "cos", "exp"), {"first": ["SinBackward0"], "second": ["CosBackward0"]}),
    ],
)
def test_what_only_one_has(first: Any, second: Any, expected: dict[str, list[str]]) -> None:
    assert names_marked(program(minigrad, *first), program(torch, *second)) == expected


def test_every_edge_is_in_the_union_and_marked_if_only_one_has_it() -> None:
    first, second = trace_graph(program(minigrad, "exp", "sin")), trace_graph(program(torch, "exp", "relu", "sin"))
    union = union_of(first, second)
    names = {node.id: node.name for node in union.trace.nodes}
    marked = {
        (names[union.trace.edges[number].source], names[union.trace.edges[number].target], mark)
        for number, mark in union.edges.items()
    }
    assert marked == {
        ("ExpBackward0", "SinBackward0", "first"),
        ("ExpBackward0", "ReluBackward0", "second"),
        ("ReluBackward0", "SinBackward0", "second"),
    }
    assert len(union.trace.edges) == len(first.edges) + 2


def test_two_leaves_where_there_was_one() -> None:
    x, y = (minigrad.ones(2, requires_grad=True) for _ in range(2))
    assert names_marked(x * x, x * y) == {"second": ["AccumulateGrad"]}
    assert names_marked(x * y, x * y.detach()) == {"first": ["AccumulateGrad"], "second": ["constant"]}


@pytest.mark.parametrize(("number", "marked"), [(2, []), (3, ["constant"])])
def test_a_number_beside_another_operation(number: int, marked: list[str]) -> None:
    x = minigrad.ones(2, requires_grad=True)
    with minigrad.viz.watch():
        first, second = (x * 2).exp(), (x + number).exp()
    assert names_marked(first, second) == {"first": ["MulBackward0", *marked], "second": ["AddBackward0", *marked]}


def test_what_only_the_second_has_stands_where_it_was_made() -> None:
    union = union_of(trace_graph(program(minigrad, "exp", "sin")), trace_graph(program(torch, "exp", "relu", "sin")))
    made = sorted([node for node in union.trace.nodes if node.sequence is not None], key=lambda node: node.sequence)
    assert [node.name[:3] for node in made] == ["Exp", "Rel", "Sin", "Mul", "Sum"]


def test_an_arrow_of_several_values_of_which_one_has_more_differs() -> None:
    class Outer(minigrad.nn.Module):
        def __init__(self, more: bool) -> None:
            super().__init__()
            self.inner, self.last, self.more = minigrad.nn.Linear(2, 2), minigrad.nn.Sequential(), more
            self.last.forward = lambda x: x * x * x.sin() if more else x * x.sin()  # type: ignore[method-assign]

        def forward(self, x: Any) -> Any:
            return self.last(self.inner(x))

    with minigrad.viz.watch():
        first, second = (Outer(more)(minigrad.ones(1, 2)) for more in (False, True))
    arrows = [line for line in diff(first, second, depth=1, collapse="module").source.splitlines() if "->" in line]
    assert any("marked differs" in line for line in arrows)


def test_another_shape_or_name_differs() -> None:
    assert names_marked(program(minigrad), program(torch, size=4)) == {
        "differs": ["AccumulateGrad", "AccumulateGrad", "MulBackward0"]
    }
    x = minigrad.ones(2, requires_grad=True)
    drawing = diff(trace_graph(x.exp(), names={"x": x}), trace_graph(x.exp(), names={"weights": x}))
    assert "≠ 'weights' in the second" in drawing.source


def test_the_picture_marks_by_form_and_words() -> None:
    drawing = diff(program(minigrad, "exp"), program(torch, "exp", "relu"))
    (relu,) = [line for line in drawing.source.splitlines() if "ReluBackward0" in line and "->" not in line]
    assert "+ only in torch" in relu and "dotted" in relu
    assert drawing.alternative().startswith("Two graphs in one, of minigrad and of torch: node n3 (")
    picture = ElementTree.fromstring(drawing.pipe("svg"))
    assert any(group.get("class") == "node operation marked second" for group in picture.iter())
    same = diff(program(minigrad), program(torch))
    assert "minigrad and torch: equal" in same.source and "only in" not in same.source


def test_a_folded_box_tells_how_many_differ_in_it() -> None:
    layers = [minigrad.nn.Sequential(minigrad.nn.Linear(2, 2), kind()) for kind in (minigrad.nn.ReLU, minigrad.nn.Tanh)]
    traces = []
    for each in layers:
        model = minigrad.nn.Sequential(each)
        with minigrad.viz.watch():
            output = model(minigrad.ones(1, 2)).sum()
        traces.append(trace_graph(output))
    drawing = diff(*traces, depth=1)
    assert r"0: Sequential\n[1, 2]\n− 1 only in the first\n+ 1 only in the second" in drawing.source


def test_it_takes_a_long_graph_and_refuses_what_cannot_be_read() -> None:
    def chain(steps: int) -> Any:
        y = minigrad.ones(1, requires_grad=True)
        for _ in range(steps):
            y = -y
        return y

    assert "NegBackward0 ×299" in diff(chain(300), chain(300)).source
    with pytest.raises(ValueError, match="more than max_nodes=20 nodes"):
        diff(chain(30), chain(31), collapse=False, max_nodes=20)
    with pytest.raises(ValueError, match=r"\.json tells one graph"):
        diff(chain(1), chain(2)).save("both.json")
    with pytest.raises(TypeError, match="must be a minigrad or PyTorch tensor"):
        diff(chain(1), 3)
