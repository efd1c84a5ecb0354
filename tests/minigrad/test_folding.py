"""``minigrad.viz.folding``: what is drawn of a graph, of modules and of what repeats."""

from __future__ import annotations

import functools
import math
import re
from contextlib import nullcontext
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any

import pytest
import torch

import minigrad
from minigrad.models import resnet18
from minigrad.viz import Trace, draw, text, trace_graph, watch
from minigrad.viz.folding import Folded, fold
from minigrad.viz.repeats import Repeat, repeats_in
from minigrad.viz.screen import SCREEN, ranks_of, size_of

ENGINES = pytest.mark.parametrize("engine", [minigrad, torch], ids=["minigrad", "torch"])


def traced(build: Any, *args: Any, watched: bool = True) -> Trace:
    return trace_of(*build(*args), watched)


@functools.cache
def trace_of(model: Any, run: Any, watched: bool) -> Trace:
    """Once of the residual network, which is built once."""
    with watch() if watched else nullcontext():
        output = run()
    return trace_graph(output, params=model.named_parameters())


@functools.cache
def residual_network() -> tuple[Any, Any]:
    model = resnet18(num_classes=4)
    return model, lambda: model(minigrad.rand(2, 3, 32, 32)).sum()


def transformer(engine: Any, layers: int) -> tuple[Any, Any]:
    layer = engine.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    model = engine.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
    return model, lambda: model(engine.rand(2, 3, 8)).sum()


def recurrent(engine: Any, steps: int) -> tuple[Any, Any]:
    class Recurrent(engine.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.ih, self.hh = engine.nn.Linear(4, 4), engine.nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            h = engine.zeros(1, 4)
            for step in range(steps):
                h = (self.ih(x[step]) + self.hh(h)).tanh()
            return h.sum()

    model = Recurrent()
    return model, lambda: model(engine.rand(steps, 1, 4))


def loop(steps: int) -> tuple[Any, Any]:
    w = minigrad.rand(3, requires_grad=True)
    h = minigrad.rand(3)
    for _ in range(steps):
        h = (h * w).tanh()
    return w, h.sum()


def titles(folded: Folded) -> list[str]:
    return [box.lines[0] for box in folded.boxes]


def check(trace: Trace, folded: Folded) -> None:
    """Every node is in a box, every edge in an arrow or within a box, and arrows lead round in no circle."""
    ids = [box.id for box in folded.boxes]
    assert len(set(ids)) == len(ids)
    held = {node for box in folded.boxes for node in box.nodes}
    assert held == {node.id for node in trace.nodes}
    drawn = [number for arrow in folded.arrows for number in arrow.edges]
    assert len(set(drawn)) == len(drawn)
    homes: dict[str, set[str]] = {node.id: set() for node in trace.nodes}
    for box in folded.boxes:
        for node in box.nodes:
            homes[node].add(box.id)
    sources: dict[str, set[str]] = {box.id: set() for box in folded.boxes}
    for arrow in folded.arrows:
        sources[arrow.target].add(arrow.source)
        for number in arrow.edges:
            assert arrow.source in homes[trace.edges[number].source]
            assert arrow.target in homes[trace.edges[number].target]
    for number in {*range(len(trace.edges))} - {*drawn}:
        edge = trace.edges[number]
        assert homes[edge.source] & homes[edge.target]
    TopologicalSorter(sources).prepare()  # an error where they lead round
    paths = {frame.path for frame in folded.frames}
    assert len(paths) == len(folded.frames)
    assert all(frame.parent is None or frame.parent in paths for frame in folded.frames)
    framed = [box for frame in folded.frames for box in frame.boxes]
    assert len(set(framed)) == len(framed) and set(framed) <= set(ids)


class TestFold:
    @pytest.mark.parametrize("watched", [True, False])
    @pytest.mark.parametrize(
        "build", [lambda: residual_network(), lambda: transformer(minigrad, 12), lambda: recurrent(minigrad, 20)]
    )
    @pytest.mark.usefixtures("unmeasured")
    def test_a_picture_fits_on_a_screen_with_letters_that_can_be_read(self, build: Any, watched: bool) -> None:
        drawing = draw(traced(build, watched=watched))
        picture = drawing.pipe("svg", encoding="utf-8")
        size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', picture)
        letters = {float(each) for each in re.findall(r'font-size="([\d.]+)"', picture)}
        assert size is not None
        scale = min(1920 / float(size[1]), 1080 / float(size[2]))
        assert min(letters) * scale >= 14
        assert float(size[2]) <= 1.03 * size_of(drawing.folded)[1]  # what it was thought to need
        assert 3 < picture.count('class="node ') < 40

    @pytest.mark.parametrize("watched", [True, False])
    @pytest.mark.parametrize("engine", [minigrad, torch], ids=["minigrad", "torch"])
    @pytest.mark.parametrize("build", [transformer, recurrent])
    @pytest.mark.usefixtures("unmeasured")
    def test_nothing_is_lost_at_any_depth(self, build: Any, engine: Any, watched: bool) -> None:
        trace = traced(build, engine, 4, watched=watched)
        for collapse in ("auto", "module", False):
            for depth in (None, 0, 1, 2, 9):
                check(trace, fold(trace, collapse=collapse, depth=depth))
        assert len(fold(trace, collapse=False).boxes) >= len(trace.nodes)

    @pytest.mark.parametrize("watched", [True, False])
    @pytest.mark.usefixtures("unmeasured")
    def test_a_residual_network_by_itself_fits_on_a_screen(self, watched: bool) -> None:
        trace = traced(residual_network, watched=watched)
        folded = fold(trace)
        check(trace, folded)
        assert all(mine <= allowed for mine, allowed in zip(size_of(folded), SCREEN))
        assert {f"layer{number}" for number in (1, 2, 3, 4)} <= {title.partition(":")[0] for title in titles(folded)}

    @pytest.mark.usefixtures("unmeasured")
    def test_depth(self) -> None:
        trace = traced(residual_network)
        assert titles(fold(trace, depth=0)) == ["output", "SumBackward0", "ResNet", "constant"]
        outer = fold(trace, depth=1, collapse="module")
        assert [frame.path for frame in outer.frames] == [""]
        assert titles(outer)[2:5] == ["fc: Linear", "ViewBackward0", "avgpool: AdaptiveAvgPool2d"]
        (fc,) = [box for box in outer.boxes if box.lines[0] == "fc: Linear"]
        unwatched = traced(residual_network, watched=False)  # known by its parameters' names
        assert {"layer1", "layer4", "fc"} <= {*titles(fold(unwatched, depth=1, collapse="module"))}
        assert fc.kind == "module" and len(fc.nodes) == 4 and "2 parameters: fc.bias, fc.weight" in fc.tooltip
        inner = fold(trace, depth=2)
        (equal,) = [box for box in inner.boxes if box.times > 1]
        assert equal.lines == ("layer1.0 … layer1.1", "ResidualBlock ×2", "[2, 64, 8, 8]")
        assert "layer4.1: ResidualBlock" in titles(inner)
        assert "layer1.1: ResidualBlock" in titles(fold(trace, depth=2, collapse="module"))
        frames = {frame.path: frame for frame in fold(trace, collapse=False).frames}
        assert frames["layer2.0.downsample.0"].parent == "layer2.0.downsample"
        assert "layer1.0.relu" not in frames  # one operation: the box tells it
        assert {"layer1.0.relu", "layer1.0.relu (call 2)"} <= {*titles(fold(trace, collapse=False))}

    @ENGINES
    def test_equal_layers_in_a_row_are_one_box(self, engine: Any) -> None:
        trace = traced(transformer, engine, 12)
        folded = fold(trace)
        (equal,) = [box for box in folded.boxes if box.times > 1]
        assert equal.lines[:2] == (
            "layers.1 … layers.11",
            "TransformerEncoderLayer ×11",
        )  # 0 takes what has no gradient
        assert "layers.0.self_attn: MultiheadAttention" in titles(folded)
        assert size_of(folded)[1] <= SCREEN[1]

    def test_the_steps_of_a_loop_are_one_box_if_they_are_too_many_to_see(self) -> None:
        w, y = loop(200)
        trace = trace_graph(y, params={"w": w})
        folded = fold(trace)
        check(trace, folded)
        (steps,) = [box for box in folded.boxes if box.times > 1]
        assert (steps.lines[0], steps.times) == ("MulBackward0, TanhBackward0 ×199", 199)
        assert fold(trace, depth=1) == replace(folded, depth=1)
        short = trace_graph(loop(6)[1])
        assert all(box.times == 1 for depth in (None, 0) for box in fold(short, depth=depth).boxes)

    def test_a_leaf_taken_twice_and_two_leaves_are_no_repetition(self) -> None:
        w, v = minigrad.rand(3, requires_grad=True), minigrad.rand(3, requires_grad=True)
        h = minigrad.rand(3, requires_grad=True)
        for other in (w, v):
            for _ in range(14):
                h = (h + w * other).tanh()
        folded = fold(trace_graph(h), depth=0)
        assert [box.times for box in folded.boxes if box.times > 1] == [14, 13]
        for output in (0, 1):  # nor are two outputs of one operation
            for _ in range(14):
                h = h.repeat(2).split(3)[output]
        folded = fold(trace_graph(h), depth=0)
        assert [box.times for box in folded.boxes if box.times > 1][:2] == [13, 15]

    def test_what_a_line_assigns_is_the_outputs_name_of_several_the_operations(self) -> None:
        x = minigrad.rand(4, requires_grad=True)
        with watch():
            parts = x.split(2)
            y = x.exp()
        assert titles(fold(trace_graph(list(parts))))[:3] == ["output", "output", "parts"]
        assert titles(fold(trace_graph(y)))[:2] == ["y", "ExpBackward0"]

    @pytest.mark.parametrize("count", [3, 4])
    def test_of_many_inputs_a_folded_box_tells_how_many(self, count: int) -> None:
        class Product(minigrad.nn.Module):
            def forward(self, *inputs: Any) -> Any:
                return math.prod(inputs, start=inputs[0])

        inputs = [minigrad.rand(2, requires_grad=True) for _ in range(count)]
        with watch():
            y = Product()(*inputs)
        folded = fold(trace_graph(y), depth=0)
        assert len([box for box in folded.boxes if box.kind == "leaf"]) == (3 if count == 3 else 0)
        assert [box.lines[-1] for box in folded.boxes if box.kind == "module"] == ["[2]" if count == 3 else "4 inputs"]
        parts = inputs[0].split(1)
        with watch():
            z = Product()(*parts)
        (arrow,) = [each for each in fold(trace_graph(z), depth=0).arrows if each.label]
        assert arrow.label == "outputs 0, 1"
        framed = {box for frame in fold(trace_graph(y), collapse=False).frames for box in frame.boxes}
        assert len(framed) == count and not framed & {node.id for node in trace_graph(y).nodes if node.kind == "leaf"}

    def test_an_often_used_leaf_is_drawn_at_each_use(self) -> None:
        w, y = loop(200)
        trace = trace_graph(y, params={"w": w})
        folded = fold(trace, collapse=False)
        check(trace, folded)
        uses = [box for box in folded.boxes if box.lines[0] == "w"]
        assert uses[0].lines[1] == "AccumulateGrad" and {box.lines for box in uses[1:]} == {("w",)}
        assert len(uses) == 200 and {box.nodes for box in uses} == {uses[0].nodes}
        assert len(fold(trace_graph(loop(4)[1]), collapse=False).boxes) == 4 * 2 + 4

    def test_a_long_loop_is_laid_out(self) -> None:
        """Uncut, with one box for the leaf, Graphviz has no end of it."""
        drawing = draw(loop(200)[1], collapse=False)
        picture = drawing.pipe("svg", quiet=True, encoding="utf-8")
        assert picture.count('class="node operation') == 2 * 200 + 1

    @pytest.mark.parametrize("shape", ["a result that each step uses", "results that are used in the end"])
    @pytest.mark.usefixtures("unmeasured")
    def test_long_arrows_are_cut(self, shape: str) -> None:
        """Uncut, the first takes Graphviz eleven seconds, the second eight."""
        h = minigrad.rand(2, 2, requires_grad=True)
        if shape.startswith("a result"):
            u, w = (minigrad.rand(2, 2, requires_grad=True).t() for _ in range(2))
            for _ in range(150):
                h = (minigrad.rand(2, 2) @ u + h @ w).tanh()
        else:
            kept = [h := h.exp() for _ in range(500)]
            while kept:
                h = h + kept.pop()
        trace = trace_graph(h)
        folded = fold(trace, collapse=False)
        check(trace, folded)
        assert len([box for box in folded.boxes if box.lines[-1] == "drawn above"]) > 290
        ranks = ranks_of([box.id for box in folded.boxes], folded.arrows)
        targets: dict[str, list[int]] = {}
        for arrow in folded.arrows:
            targets.setdefault(arrow.source, []).append(ranks[arrow.target])
        assert max(max(each) - min(each) for each in targets.values()) <= 100
        assert max(map(len, targets.values())) <= 12

    def test_graphviz_looks_less_long_for_the_best_places_of_many_boxes(self) -> None:
        assert "nslimit=1 " in draw(loop(6)[1]).source
        assert "nslimit=0.25 " in draw(loop(399)[1], collapse=False, max_nodes=2000).source

    def test_a_module_that_is_called_at_each_step(self) -> None:
        trace = traced(recurrent, minigrad, 30)
        (steps,) = [box for box in fold(trace).boxes if box.times > 1]
        assert steps.lines == (
            "ih, hh", "Linear, Linear, AddBackward0, TanhBackward0 ×29", "[1, 4]", "29 inputs",
        )  # fmt: skip

    def test_equal_modules_side_by_side_are_no_row(self) -> None:
        heads = minigrad.nn.ModuleList([minigrad.nn.Linear(2, 2) for _ in range(3)])
        x = minigrad.ones(1, 2)
        with watch():
            y = minigrad.cat([head(x) for head in heads])
        assert all(box.times == 1 for box in fold(trace_graph(y), depth=0).boxes)

    def test_values_and_gradients(self) -> None:
        x = minigrad.tensor([1.0, 2.0], requires_grad=True)
        y = (x * x).sum()

        def lines() -> tuple[str, ...]:
            return next(b for b in fold(trace_graph(y), values=True, grads=True).boxes if b.kind == "leaf").lines

        assert lines() == ("AccumulateGrad", "[2] float32", "values 1, 2", "grad not computed yet")
        y.backward(retain_graph=True)
        assert lines()[-1] == "grad 2, 4"
        x.grad.zero_()
        assert lines()[-1] == "grad 0, 0"

    @ENGINES
    def test_a_named_inner_tensor_shows_its_value_and_the_gradient_that_it_keeps(self, engine: Any) -> None:
        x = engine.tensor(3.0, requires_grad=True)
        h, k = x * 2.0, x.exp()
        h.retain_grad()
        y = h * h + k

        def shown(name: str) -> tuple[str, ...]:
            folded = fold(trace_graph(y, names={"h": h, "k": k}), values=True, grads=True)
            return next(box.lines for box in folded.boxes if box.lines[0] == name)

        assert shown("h") == ("h", "MulBackward0", "value 6", "grad not computed yet")
        y.backward(retain_graph=True)
        assert shown("h") == ("h", "MulBackward0", "value 6", "grad 12")
        assert shown("k") == ("k", "ExpBackward0", "value 20.09")

    @pytest.mark.parametrize(
        ("options", "error", "told"),
        [
            ({"collapse": "modules"}, ValueError, 'collapse must be "auto", "module" or False'),
            ({"collapse": True}, ValueError, "collapse"),
            ({"depth": -1}, ValueError, "depth must not be negative"),
            ({"depth": 1.0}, TypeError, "depth must be an integer"),
        ],
    )
    def test_other_options_are_refused(self, options: Any, error: Any, told: str) -> None:
        with pytest.raises(error, match=told):
            fold(trace_graph(minigrad.ones(1)), **options)

    def test_a_limit_must_be_an_integer(self) -> None:
        for limit in (None, "9"):
            with pytest.raises(TypeError, match="^max_nodes must be an integer"):
                draw(minigrad.ones(1), max_nodes=limit)
            with pytest.raises(TypeError, match="^width must be an integer"):
                text(minigrad.ones(1), width=limit)

    @pytest.mark.usefixtures("unmeasured")
    def test_a_long_chain_does_not_recurse(self) -> None:
        y = minigrad.ones(1, requires_grad=True)
        for _ in range(2_000):
            y = -y
        folded = fold(trace_graph(y, values=False))
        assert [box.times for box in folded.boxes] == [1, 1_999, 1, 1]

    def test_a_strange_trace(self) -> None:
        """One from a file may go round in a circle, and its groups may stand in one another."""
        trace = traced(transformer, minigrad, 1)
        turned = replace(trace, edges=(*trace.edges, replace(trace.edges[0], source="n0", target="n5")))
        around = replace(trace, groups=tuple([replace(group, parent="layers.0") for group in trace.groups]))
        for strange in (turned, around):
            for depth in (None, 0, 1):
                folded = fold(strange, depth=depth)
                assert {node for box in folded.boxes for node in box.nodes} == {node.id for node in trace.nodes}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("", []),
        ("abc", []),
        ("aaaa", [(0, 1, 4)]),
        ("xababy", [(1, 2, 2)]),
        ("xabababa", [(2, 2, 3)]),  # what is left over stands first
        ("aabaab", [(0, 3, 2)]),  # the longest
        ("aaxbcbcbc", [(0, 1, 2), (3, 2, 3)]),
    ],
)
def test_repeats(row: str, found: list[tuple[int, int, int]]) -> None:
    assert repeats_in(row) == [Repeat(*each) for each in found]
