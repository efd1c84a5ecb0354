"""``minigrad.viz``: the graph as data, equal for the two engines, and its picture."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import graphviz
import numpy as np
import pytest
import torch

import minigrad
from minigrad.viz import Trace, draw, first_difference, trace_graph
from minigrad.viz.drawing import box_id
from minigrad.viz.labels import lines_of
from minigrad.viz.layout import laid_out

ENGINES = pytest.mark.parametrize("engine", [minigrad, torch], ids=["minigrad", "torch"])
SVG = "{http://www.w3.org/2000/svg}"


def leaf(engine: Any, *shape: int) -> Any:
    return engine.ones(*shape, requires_grad=True)


def squared_sum(engine: Any) -> Any:
    x = leaf(engine, 3, 2)
    return (x * x).sum()


def chain(engine: Any, length: int) -> Any:
    y = leaf(engine, 2)
    for _ in range(length):
        y = y * 2.0
    return y


def constants_on_both_sides(engine: Any) -> Any:
    x = leaf(engine, 2)
    return engine.ones(2) - (x + 1.0)


def shared_subexpression(engine: Any) -> Any:
    x = leaf(engine, 2, 2)
    h = (x * x).exp()
    return h * h + h


def one_layer(engine: Any) -> Any:
    layer = engine.nn.Linear(3, 4)
    return engine.nn.functional.relu(layer(engine.ones(5, 3)))


def second_derivative(engine: Any) -> Any:
    x = leaf(engine, 3)
    (gradient,) = engine.autograd.grad((x * x * x).sum(), x, create_graph=True)
    return gradient


def two_outputs(engine: Any) -> tuple[Any, Any]:
    """The two results of one node."""

    class Double(engine.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, first: Any, second: Any) -> Any:
            return first * 2 + second * 3

    first, second = Double.apply(leaf(engine, 4))
    return first, second


def difference_of_outputs(engine: Any) -> Any:
    first, second = two_outputs(engine)
    return second - first


PROGRAMS = [
    squared_sum,
    constants_on_both_sides,
    shared_subexpression,
    one_layer,
    second_derivative,
    two_outputs,
    difference_of_outputs,
]


class TestTrace:
    @ENGINES
    def test_the_whole_of_a_small_graph(self, engine: Any) -> None:
        assert trace_graph(squared_sum(engine)).describe() == (
            "n0 output of scalar float32 <- 0: n1\n"
            "n1 SumBackward0 of scalar float32 <- 0: n2\n"
            "n2 MulBackward0 of [3, 2] float32 <- 0: n3, 1: n3\n"
            "n3 AccumulateGrad of [3, 2] float32"
        )

    @pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
    def test_both_engines_give_the_same_data_and_the_same_picture(self, program: Callable[[Any], Any]) -> None:
        ours, theirs = program(minigrad), program(torch)
        assert first_difference(trace_graph(ours), trace_graph(theirs)) is None
        assert trace_graph(ours) == trace_graph(theirs)
        pictures = [draw(each, values=False, grads=False).source for each in (ours, theirs)]
        first, second = [re.sub(r' tooltip="[^"]*"', "", each) for each in pictures]
        assert first == second

    @ENGINES
    def test_a_shared_node_is_one_node_and_every_use_an_edge(self, engine: Any) -> None:
        graph = trace_graph(shared_subexpression(engine))
        names = [node.name for node in graph.nodes]
        assert sorted(names) == [
            "AccumulateGrad", "AddBackward0", "ExpBackward0", "MulBackward0", "MulBackward0", "output",
        ]  # fmt: skip
        exp = graph.nodes[names.index("ExpBackward0")].id
        assert sum(edge.source == exp for edge in graph.edges) == 3

    @ENGINES
    def test_an_input_without_gradient_is_a_constant(self, engine: Any) -> None:
        graph = trace_graph(constants_on_both_sides(engine))
        sub, add = graph.nodes[1], graph.nodes[2]
        assert (sub.name, add.name) == ("SubBackward0", "AddBackward0")
        assert [(edge.position, edge.source, edge.needs_grad) for edge in graph.edges_into()[sub.id]] == [
            (0, "c0", False),
            (1, add.id, True),
        ]
        assert [(edge.position, edge.needs_grad) for edge in graph.edges_into()[add.id]] == [(0, True), (1, False)]
        assert [node.kind for node in graph.nodes[-2:]] == ["constant", "constant"]

    @ENGINES
    def test_an_edge_says_which_output_it_carries(self, engine: Any) -> None:
        graph = trace_graph(difference_of_outputs(engine))
        assert graph.nodes[1].name == "SubBackward0"
        assert [(edge.position, edge.output_index) for edge in graph.edges_into()["n1"]] == [(0, 1), (1, 0)]
        assert graph.nodes[2].shapes == ((4,), (4,))
        assert "<- 0: n2 output 1, 1: n2" in graph.describe()

    @ENGINES
    def test_several_tensors_share_their_nodes(self, engine: Any) -> None:
        x = leaf(engine, 2)
        h = x * 2.0
        y = h.sum()
        graph = trace_graph([y, h, y, x])
        assert [(node.name, node.kind) for node in graph.nodes] == [
            ("output", "output"),
            ("output", "output"),
            ("AccumulateGrad", "leaf"),
            ("SumBackward0", "operation"),
            ("MulBackward0", "operation"),
            ("constant", "constant"),
        ]
        assert len(graph.edges) == 5
        assert graph == trace_graph((y, h, y, x))

    @ENGINES
    @pytest.mark.parametrize("requires_grad", [True, False])
    def test_a_leaf_alone(self, engine: Any, requires_grad: bool) -> None:
        graph = trace_graph(engine.ones(2, 3, dtype=engine.float64, requires_grad=requires_grad))
        name = "AccumulateGrad" if requires_grad else "Tensor"
        assert graph.describe() == f"n0 {name} of [2, 3] float64"
        assert (graph.nodes[0].kind, graph.edges) == ("leaf", ())

    @ENGINES
    def test_labels_come_from_params_the_first_name_counts(self, engine: Any) -> None:
        layer = engine.nn.Linear(3, 4)
        loss = layer(engine.ones(5, 3)).sum()
        params = {**dict(layer.named_parameters()), "tied": layer.weight, "loss": loss, "elsewhere": leaf(engine, 1)}
        graph = trace_graph(loss, params=params)
        assert {node.label: node.shapes[0] for node in graph.nodes if node.label} == {
            "weight": (4, 3),
            "bias": (4,),
            "loss": (),
        }

    @ENGINES
    def test_pairs_are_labels_too_and_an_inner_tensor_names_its_operation(self, engine: Any) -> None:
        layer = engine.nn.Linear(3, 4)
        hidden = layer(engine.ones(5, 3))
        labels = [node.label for node in trace_graph(hidden.sum(), params=layer.named_parameters()).nodes]
        assert sorted(filter(None, labels)) == ["bias", "weight"]
        graph = trace_graph(hidden.sum(), params={"hidden": hidden, "again": hidden})
        assert [(node.name, node.label) for node in graph.nodes if node.label] == [("AddmmBackward0", "hidden")]
        first, second = two_outputs(engine)
        graph = trace_graph(second - first, params={"second": second, "first": first})
        assert graph.nodes[2].label == "first (output 0), second (output 1)"
        assert "first (output 0)" in draw(second - first, params={"first": first}).source
        for wrong in (3, [1], "weight"):
            with pytest.raises(TypeError, match="^params"):
                draw(hidden, params=wrong)

    @pytest.mark.parametrize(("engine", "length"), [(minigrad, 3_000), (torch, 2_000)], ids=["minigrad", "torch"])
    @pytest.mark.usefixtures("unmeasured")
    def test_a_long_chain_does_not_overflow_the_stack(self, engine: Any, length: int) -> None:
        graph = trace_graph(chain(engine, length))
        assert (len(graph.nodes), len(graph.edges)) == (2 * length + 2, 2 * length + 1)
        assert graph.nodes[length + 1].name == "AccumulateGrad"
        assert graph.describe().count("\n") == 2 * length + 1

    def test_a_long_graph_is_compared_and_told_without_recursion(self) -> None:
        graph = trace_graph(chain(minigrad, 2_000))
        assert first_difference(graph, graph) is None
        assert graph.describe().count("\n") == 4_001

    @ENGINES
    def test_it_changes_nothing_and_keeps_nothing(self, engine: Any) -> None:
        x = leaf(engine, 2)
        y = (x * x).sum()
        trace_graph(y)
        y.backward()
        np.testing.assert_array_equal(x.grad.numpy(), [2.0, 2.0])

    @pytest.mark.parametrize(
        ("wrong", "named"),
        [(np.ones(2), "ndarray"), (None, "NoneType"), (2.0, "float"), ({"a": 1}, "dict"), (torch.nn.ReLU(), "ReLU")],
        ids=lambda value: type(value).__name__,
    )
    @pytest.mark.parametrize("function", [trace_graph, draw])
    def test_what_is_no_tensor_is_refused(self, function: Callable[..., Any], wrong: Any, named: str) -> None:
        with pytest.raises(TypeError, match=f"^outputs must be a minigrad or PyTorch tensor, got {named}: "):
            function(wrong)
        with pytest.raises(TypeError, match=rf"^outputs\[1\] must be .* got {named}: "):
            function([minigrad.ones(1), wrong])
        with pytest.raises(TypeError, match=rf"^params\['w'\] must be .* got {named}: "):
            function(minigrad.ones(1), params={"w": wrong})

    @ENGINES
    def test_a_node_or_the_tensor_class_is_no_tensor(self, engine: Any) -> None:
        with pytest.raises(TypeError, match="must be a minigrad or PyTorch tensor"):
            trace_graph(squared_sum(engine).grad_fn)
        with pytest.raises(TypeError, match="must be a minigrad or PyTorch tensor"):
            trace_graph(engine.Tensor)

    def test_an_empty_list_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one tensor"):
            trace_graph([])

    def test_a_limit_is_the_largest_allowed_number_of_nodes(self) -> None:
        y = chain(minigrad, 10)
        assert len(trace_graph(y, max_nodes=12).nodes) == 12 + 10
        with pytest.raises(ValueError, match="more than max_nodes=11 nodes"):
            trace_graph(y, max_nodes=11)
        with pytest.raises(ValueError, match="more than max_nodes=1000 nodes"):
            draw(chain(minigrad, 1000), collapse=False)
        assert "MulBackward0 ×999" in draw(chain(minigrad, 1000)).source


class TestFirstDifference:
    @staticmethod
    def difference(program_a: Callable[[Any], Any], program_b: Callable[[Any], Any], engine: Any = torch) -> str:
        graph_a, graph_b = trace_graph(program_a(minigrad)), trace_graph(program_b(engine))
        assert graph_a != graph_b
        sentence = first_difference(graph_a, graph_b)
        assert sentence is not None
        return sentence

    def test_another_operation(self) -> None:
        assert self.difference(squared_sum, lambda engine: (leaf(engine, 3, 2) + leaf(engine, 3, 2)).sum()) == (
            "node n2 (input 0 of node n1, SumBackward0) is MulBackward0 of [3, 2] float32 in the first graph, "
            "AddBackward0 of [3, 2] float32 in the second"
        )

    def test_another_shape(self) -> None:
        sentence = self.difference(lambda engine: leaf(engine, 3).exp(), lambda engine: leaf(engine, 4).exp())
        assert sentence == "node n0 is output of [3] float32 in the first graph, output of [4] float32 in the second"

    def test_two_leaves_where_there_was_one(self) -> None:
        assert self.difference(squared_sum, lambda engine: (leaf(engine, 3, 2) * leaf(engine, 3, 2)).sum()) == (
            "the edges into node n2 (MulBackward0 of [3, 2] float32) differ: "
            "input 1 is node n3 (AccumulateGrad of [3, 2] float32) in the first graph, "
            "input 1 is node n4 (AccumulateGrad of [3, 2] float32) in the second"
        )

    def test_a_constant_on_the_other_side(self) -> None:
        sentence = self.difference(
            lambda engine: leaf(engine, 2) * engine.ones(2), lambda engine: engine.ones(2) * leaf(engine, 2)
        )
        assert "input 0 is node n2" in sentence
        assert "input 0 is node c0 (constant [2] float32: 1.0, 1.0) in the second" in sentence

    def test_another_output_of_the_same_node(self) -> None:
        sentence = self.difference(lambda engine: two_outputs(engine)[0], lambda engine: two_outputs(engine)[1])
        assert "input 0 is node n1" in sentence
        assert "input 0 is output 1 of node n1" in sentence

    def test_one_edge_less(self) -> None:
        sentence = self.difference(
            lambda engine: engine.cat([leaf(engine, 2), leaf(engine, 2)]), lambda engine: engine.cat([leaf(engine, 4)])
        )
        assert sentence.endswith("no further edge in the second")

    def test_one_node_less(self) -> None:
        sentence = self.difference(lambda engine: leaf(engine, 2), lambda engine: [leaf(engine, 2), leaf(engine, 2)])
        assert sentence == "node n1 is missing in the first graph, AccumulateGrad of [2] float32 in the second"
        back = first_difference(
            trace_graph([leaf(torch, 2), leaf(torch, 2)]),
            trace_graph(leaf(minigrad, 2)),
        )
        assert back == "node n1 is AccumulateGrad of [2] float32 in the first graph, missing in the second"

    def test_another_label(self) -> None:
        x = leaf(minigrad, 2)
        sentence = first_difference(trace_graph(x, params={"a": x}), trace_graph(x, params={"b": x}))
        assert sentence == (
            "node n0 is AccumulateGrad 'a' of [2] float32 in the first graph, "
            "AccumulateGrad 'b' of [2] float32 in the second"
        )


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide Graphviz's programs, wherever they are installed."""
    empty = tmp_path / "no programs"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def fake_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program ``dot`` that writes down its arguments and input and answers with the beginning of a picture."""
    if os.name == "nt":
        pytest.skip("the stand-in for dot is a shell script")
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "dot"
    program.write_text(
        f"#!/bin/sh\necho \"$@\" > '{folder}/arguments'\ncat > '{folder}/input'\n"
        "case $2 in -Tsvg) printf '<?xml a picture';; *) printf '%%PDF a picture';; esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    assert shutil.which("dot") == str(program)
    return folder


class TestDraw:
    def test_is_a_digraph_with_one_box_a_node_and_one_arrow_an_edge(self) -> None:
        y = squared_sum(minigrad)
        drawing = draw(y)
        assert isinstance(drawing, graphviz.Digraph)
        assert re.findall(r"^\t(n\d+) \[", drawing.source, re.MULTILINE) == ["n0", "n1", "n2", "n3"]
        assert re.findall(r"(n\d+ -> n\d+)", drawing.source) == ["n1 -> n0", "n2 -> n1", "n3 -> n2", "n3 -> n2"]

    def test_labels_say_name_shape_and_for_tensors_the_type(self) -> None:
        w, x = leaf(minigrad, 2, 3), leaf(minigrad, 3)
        y = w @ x
        source = draw(y, params={"w": w, "y": y}, values=False, grads=False).source
        assert r'label="w\nAccumulateGrad\n[2, 3] float32"' in source
        assert r'label="AccumulateGrad\n[3] float32"' in source
        assert r'label="MvBackward0\n[2]"' in source
        assert r'label="y\n[2] float32"' in source
        source = draw(y, names={"w": w, "x": x, "y": y}).source
        assert r'label="w\nAccumulateGrad\n[2, 3] float32\nvalues 1, 1, 1, …\ngrad not computed yet"' in source
        assert r'label="y\n[2] float32\nvalues 3, 3"' in source
        y.sum().backward()
        assert r'label="x\nAccumulateGrad\n[3] float32\nvalues 1, 1, 1\ngrad 2, 2, 2"' in draw(y, names={"x": x}).source

    def test_kinds_differ_in_colour_and_in_form(self) -> None:
        lines = draw(squared_sum(minigrad)).source.splitlines()
        output, operation, box = (next(line for line in lines if f"\t{name} [" in line) for name in ("n0", "n1", "n3"))
        assert "peripheries=2" in output
        assert "rounded" in operation
        assert "rounded" not in box
        assert len({re.search(r'fillcolor="(#\w+)"', line)[1] for line in (output, operation, box)}) == 3  # type: ignore[index]

    def test_several_outputs_are_listed_and_named_on_the_arrows(self) -> None:
        source = draw(difference_of_outputs(minigrad)).source
        assert r"output 0: [4]\noutput 1: [4]" in source
        assert re.findall(r'n2 -> n1 \[label="output (\d)"', source) == ["1", "0"]

    def test_of_many_outputs_the_first_are_listed(self) -> None:
        assert r"output 3: [2]\nand 5 more outputs" in draw(leaf(torch, 9, 2).unbind(0)[0]).source
        assert "more outputs" not in draw(leaf(torch, 4, 2).unbind(0)[0]).source

    def test_long_lines_are_cut_and_a_modules_name_is_told_once(self) -> None:
        node = replace(trace_graph(leaf(minigrad, 2)).nodes[0], label="x" * 99)
        assert lines_of(node, values=False, grads=False)[0] == "x" * 59 + "…"
        assert lines_of(replace(node, label="relu"), values=False, grads=False, inside="relu")[:2] == (
            "relu",
            "AccumulateGrad",
        )

    def test_frames_stand_in_one_another(self) -> None:
        nn = minigrad.nn
        model = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2), nn.ReLU())
        with minigrad.viz.watch():
            y = model(minigrad.ones(1, 2))
        assert "\n\t\tsubgraph cluster_" in draw(y, collapse=False).source

    @pytest.mark.parametrize("name", ['say "a"', r"a\nb", "<b>bold</b>", "größe", "a{b}|c", "&amp;", "a & b", "<"])
    def test_any_name_is_shown_as_it_is(self, name: str, no_dot: None) -> None:
        x = leaf(minigrad, 2)
        picture = ElementTree.fromstring(svg(x, {name: x}))
        texts = [text.text for text in picture.iter(f"{SVG}text")]
        assert texts == [name, "AccumulateGrad", "[2] float32", "values 1, 1", "grad not computed yet"]
        assert picture.get("aria-label") == f"Graph with 1 box, from {name}"
        (title,) = picture.iter(f"{SVG}title")
        told = f"AccumulateGrad {name!r} of [2] float32"
        assert (title.text or "").replace("\\", "").startswith(told.replace("\\", ""))

    def test_signs_that_no_picture_can_hold_are_told_by_their_numbers(self, no_dot: None, tmp_path: Path) -> None:
        name = "\0\x1b\ud800\ufffe😀"
        x = minigrad.ones(2, requires_grad=True)
        drawing = draw(x * 2, params={name: x})
        told = r"\x00\x1b\ud800\ufffe😀"
        picture = drawing.pipe("svg", encoding="utf-8")
        texts = [each.text for each in ElementTree.fromstring(picture).iter() if each.tag.endswith("text")]
        assert told in texts and f"from {told}, to" in picture
        trace = Trace.from_json(Path(drawing.save(tmp_path / "graph.json")).read_text(encoding="utf-8"))
        assert name in [node.label for node in trace.nodes]
        for suffix in ("html", "txt", "mmd"):
            assert Path(drawing.save(tmp_path / f"graph.{suffix}")).stat().st_size

    def test_a_leaf_alone_is_drawn(self) -> None:
        assert draw(minigrad.ones(2)).source.count("label=") == 1


def svg(y: Any, params: dict[str, Any] | None = None) -> str:
    picture = draw(y, params=params).pipe(format="svg", encoding="utf-8")
    assert isinstance(picture, str)
    return picture


class TestRendering:
    @ENGINES
    def test_a_notebook_shows_it_without_dot(self, engine: Any, no_dot: None) -> None:
        bundle = draw(squared_sum(engine))._repr_mimebundle_()
        assert list(bundle) == ["text/html", "image/svg+xml", "text/plain"]
        picture = ElementTree.fromstring(bundle["image/svg+xml"])
        kinds = [(group.get("class") or "").partition(" ")[0] for group in picture.iter(f"{SVG}g")]
        assert (kinds.count("node"), kinds.count("edge")) == (4, 4)
        assert ElementTree.fromstring(bundle["text/html"]).tag == "div"  # well-formed, too
        assert list(draw(squared_sum(engine))._repr_mimebundle_(include=["text/html"])) == ["text/html"]
        chosen = draw(squared_sum(engine))._repr_mimebundle_(
            include=["image/png", "text/plain"], exclude=["text/plain"]
        )
        assert list(chosen) == ["image/png"]

    def test_a_notebook_shows_it_with_dot(self, fake_dot: Path) -> None:
        drawing = draw(squared_sum(minigrad))
        assert drawing._repr_mimebundle_()["image/svg+xml"] == "<?xml a picture"
        assert (fake_dot / "arguments").read_text().split() == ["-Kdot", "-Tsvg"]
        assert (fake_dot / "input").read_text() == drawing.source

    @pytest.mark.parametrize(
        ("suffix", "begins"),
        [
            (".svg", b"<?xml"),
            (".PNG", b"\x89PNG\r\n"),
            (".pdf", b"%PDF"),
            (".jpg", b"\xff\xd8"),
            (".dot", b"digraph"),
            (".gv", b"digraph"),
        ],
    )
    def test_one_file_by_its_suffix(self, suffix: str, begins: bytes, tmp_path: Path, no_dot: None) -> None:
        path = tmp_path / "new" / f"graph{suffix}"
        assert draw(squared_sum(minigrad)).render(outfile=path) == str(path)
        assert path.read_bytes().startswith(begins)
        assert [each.name for each in path.parent.iterdir()] == [path.name]

    def test_a_file_by_the_program_dot(self, fake_dot: Path, tmp_path: Path) -> None:
        draw(squared_sum(minigrad)).render(outfile=tmp_path / "graph.pdf")
        assert (tmp_path / "graph.pdf").read_text() == "%PDF a picture"
        assert (fake_dot / "arguments").read_text().split() == ["-Kdot", "-Tpdf"]

    @pytest.mark.skipif(os.name == "nt", reason="the stand-ins for dot are shell scripts")
    @pytest.mark.parametrize(
        "broken",
        [
            "exit 1",
            "echo wrong",
            "printf '<?xml wrong'; exit 1",
            "true",
            "kill -9 $$",
            "sleep 5",
            "no program",
            "not executable",
            "folder",
            "dangling",
        ],
    )
    def test_a_broken_dot_is_done_without(
        self, broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        program = tmp_path / "dot"
        if broken == "folder":
            program.mkdir()
        elif broken == "dangling":
            program.symlink_to(tmp_path / "nowhere")
        else:
            program.write_text("\x7fELF" if broken == "no program" else f"#!/bin/sh\n{broken}\n")
            program.chmod(0o644 if broken == "not executable" else 0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        if broken == "sleep 5":  # the others end by themselves, however busy the machine is
            monkeypatch.setattr("minigrad.viz.layout.SECONDS", 1.0)
            monkeypatch.setattr("minigrad.viz.layout.SECONDS_FOR_NOTHING", 0.2)
        drawing = draw(squared_sum(minigrad))
        assert ElementTree.fromstring(drawing.pipe("svg")).tag == f"{SVG}svg"
        assert "wrong" not in capfd.readouterr().out
        if broken == "exit 1":
            monkeypatch.setitem(sys.modules, "pygraphviz", None)
            with pytest.raises(ImportError, match=r"pip install 'minigrad\[draw\]'.* status 1"):
                drawing.pipe("svg")

    @pytest.mark.skipif(os.name == "nt", reason="the stand-in for dot is a shell script")
    @pytest.mark.parametrize("stopped_by", ["the limit", "Ctrl-C"])
    @pytest.mark.parametrize("bundled", [False, True], ids=["dot", "pygraphviz"])
    def test_a_layout_without_end_is_stopped(
        self, bundled: bool, stopped_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The empty graph is laid out; the other takes a minute, and nothing of it is left running."""
        program, running = tmp_path / "dot", tmp_path / "running"
        begun: list[int] = []

        class Noted(subprocess.Popen[bytes]):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                begun.append(self.pid)

        def interrupt() -> None:
            while not running.exists():
                time.sleep(0.01)
            time.sleep(0.1)  # until it is waited for
            os.kill(os.getpid(), signal.SIGINT)

        wait = f"touch '{running}'; sleep 60"
        program.write_text(f"#!/bin/sh\ncase \"$(cat)\" in 'digraph {{}}') printf '<?xml';; *) {wait};; esac\n")
        program.chmod(0o755)
        if bundled:
            waiting = f"import time; open({str(running)!r}, 'w').close(); time.sleep(60)"
            monkeypatch.setattr("minigrad.viz.layout.BY_PYGRAPHVIZ", waiting)
            program.write_text("#!/bin/sh\nexit 1\n")
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr(subprocess, "Popen", Noted)
        started = time.monotonic()
        if stopped_by == "the limit":
            with pytest.raises(TimeoutError, match="laid this graph out in 0.2 s: .* smaller depth="):
                laid_out("digraph {a}", "svg", seconds=0.2)
        else:
            threading.Thread(target=interrupt, daemon=True).start()
            with pytest.raises(KeyboardInterrupt):
                laid_out("digraph {a}", "svg")
        assert time.monotonic() - started < 10
        for process in begun:
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)

    @pytest.mark.parametrize(
        ("suffix", "begins"),
        [
            (".svg", b"<?xml"), (".PNG", b"\x89PNG\r\n"), (".pdf", b"%PDF"), (".jpg", b"\xff\xd8"),
            (".dot", b"digraph"), (".gv", b"digraph"), ("", b"digraph"),
            (".mmd", b"flowchart TD"), (".json", b"{"), (".txt", b"%0 = leaf"), (".html", b"<!doctype html>"),
        ],
    )  # fmt: skip
    def test_save_writes_what_the_suffix_says(self, suffix: str, begins: bytes, tmp_path: Path, no_dot: None) -> None:
        drawing = draw(squared_sum(minigrad))
        path = tmp_path / "new" / f"graph{suffix}"
        assert drawing.save(path) == str(path)
        assert path.read_bytes().startswith(begins)
        assert [each.name for each in path.parent.iterdir()] == [path.name]
        if suffix == ".json":
            assert Trace.from_json(path.read_text()) == drawing.trace
        path.write_text("before")
        assert drawing.save(f"graph{suffix}", tmp_path / "new", skip_existing=True) == str(path)
        assert path.read_text() == "before"

    @pytest.mark.parametrize("suffix", [".abc", ".jsn", ".html5"])
    def test_save_refuses_another_suffix(self, suffix: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=rf"saved as \.svg, \.png, .*\.txt or .*, got '.*graph\{suffix}'"):
            draw(squared_sum(minigrad)).save(tmp_path / f"graph{suffix}")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("theme", ["light", "dark", "auto"])
    def test_themes(self, theme: str, no_dot: None) -> None:
        picture = draw(squared_sum(minigrad), theme=theme).pipe("svg", encoding="utf-8")
        assert ("prefers-color-scheme" in picture) == ('class="minigrad-graph"' in picture) == (theme == "auto")
        assert ("#ffffff" in picture.partition("</style>")[2 * (theme == "auto")]) == (theme != "dark")

    def test_another_theme_is_refused(self) -> None:
        with pytest.raises(ValueError, match='theme must be "light", "dark" or "auto", got \'blue\''):
            draw(minigrad.ones(1), theme="blue")

    def test_a_notebook_shows_no_complaints_and_what_cannot_be_seen_is_told(
        self, fake_dot: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        program = fake_dot / "dot"
        program.write_text(program.read_text() + "echo 'Fontconfig error: no fonts' >&2; echo 'Warning: much' >&2\n")
        x = leaf(minigrad, 2)
        drawing = draw(x * x, names={"x": x})
        drawing._repr_mimebundle_()
        drawing._repr_html_()
        assert capfd.readouterr() == ("", "")
        drawing.pipe("svg")
        assert capfd.readouterr() == ("", "Warning: much\n")
        assert drawing.alternative() == "Graph with 3 boxes, from x, to output"

    def test_boxes_and_arrows_are_found_by_their_ids(self, no_dot: None) -> None:
        x = leaf(minigrad, 2)
        trace = trace_graph(x + minigrad.ones(2))
        nodes = [replace(node, id=f'a:{node.id}"<') for node in trace.nodes]
        edges = [replace(edge, source=f'a:{edge.source}"<', target=f'a:{edge.target}"<') for edge in trace.edges]
        strange = replace(trace, nodes=tuple(nodes), edges=tuple(edges))
        for each in (trace, strange):
            drawing = draw(each)
            groups = ElementTree.fromstring(drawing.pipe("svg")).iter(f"{SVG}g")
            classes = {group.get("id"): group.get("class") for group in groups}
            assert drawing.folded is not None
            for box in drawing.folded.boxes:
                assert re.fullmatch(r"box-[\w-]+", box_id(box.id))
                assert classes[box_id(box.id)] == f"node {box.kind}"
            numbers = [f"arrow-{number}" for number, arrow in enumerate(drawing.folded.arrows) if not arrow.needs_grad]
            assert [classes[number] for number in numbers] == ["edge constant"]

    @pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX")
    def test_a_new_file_has_the_mode_that_open_would_give(self, tmp_path: Path) -> None:
        (tmp_path / "other").touch()
        draw(squared_sum(minigrad)).render(outfile=tmp_path / "graph.dot")
        modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "graph.dot")}
        assert len(modes) == 1

    @pytest.mark.parametrize("name", ["graph.abc", "graph", "graph.svg.txt"])
    def test_another_suffix_is_refused(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf, \.dot, \.gv or .*, got '.*graph"):
            draw(squared_sum(minigrad)).render(outfile=tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_a_failure_leaves_the_file_that_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_dot: None
    ) -> None:
        path = tmp_path / "graph.svg"
        path.write_text("before")
        before = sorted(tmp_path.iterdir())

        def fail(source: str, target: str) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            draw(squared_sum(minigrad)).render(outfile=path)
        assert path.read_text() == "before"
        assert sorted(tmp_path.iterdir()) == before

    def test_as_graphviz_does_it_a_source_file_and_a_picture(self, tmp_path: Path, no_dot: None) -> None:
        drawing = draw(squared_sum(minigrad))
        assert drawing.render("g.gv", tmp_path, format="png") == str(tmp_path / "g.gv.png")
        assert (tmp_path / "g.gv").read_text() == drawing.source
        assert (tmp_path / "g.gv.png").read_bytes().startswith(b"\x89PNG")
        assert drawing.render("h", tmp_path, cleanup=True, format="svg") == str(tmp_path / "h.svg")
        assert not (tmp_path / "h").exists()

    def test_save_can_keep_what_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "g.gv").write_text("before")
        drawing = draw(squared_sum(minigrad))
        drawing.save("g.gv", tmp_path, skip_existing=True)
        assert (tmp_path / "g.gv").read_text() == "before"
        assert drawing.save() == str(tmp_path / "g.gv")  # the name is remembered
        assert (tmp_path / "g.gv").read_text() == drawing.source

    def test_view_opens_the_picture(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_dot: None) -> None:
        opened = []
        monkeypatch.setattr(graphviz, "view", lambda path, quiet: opened.append(path))
        drawing = draw(squared_sum(minigrad))
        drawing.format = "svg"
        drawing.view("g.gv", directory=tmp_path)
        assert opened == [str(tmp_path / "g.gv.svg")]

    def test_neither_dot_nor_pygraphviz(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_dot: None) -> None:
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
        drawing = draw(squared_sum(minigrad))
        with pytest.raises(ImportError, match=r"pip install 'minigrad\[draw\]'"):
            drawing.pipe(format="svg")
        drawing.render(outfile=tmp_path / "graph.dot")  # needs no Graphviz

    def test_no_graphviz_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "graphviz", None)
        monkeypatch.delitem(sys.modules, "minigrad.viz.drawing", raising=False)
        with pytest.raises(ImportError, match=r"pip install 'minigrad\[draw\]'"):
            draw(squared_sum(minigrad))

    def test_importing_and_tracing_needs_nothing_that_draws(self) -> None:
        program = (
            "import sys, minigrad, minigrad.viz as viz\n"
            "viz.trace_graph(minigrad.ones(2, requires_grad=True) * 2)\n"
            "print([name for name in ('torch', 'graphviz', 'pygraphviz') if name in sys.modules])"
        )
        folder = Path(minigrad.__file__).parent.parent
        answer = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "[]"

    def test_graph_equality_is_by_value(self) -> None:
        graph = trace_graph(squared_sum(minigrad))
        assert Trace(graph.nodes, graph.edges) == graph
        assert len({graph, trace_graph(squared_sum(torch))}) == 1
