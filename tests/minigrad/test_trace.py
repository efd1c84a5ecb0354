"""The trace: what the graph does not know, JSON from strangers, text and Mermaid, and backward recorded, by both."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import minigrad
from minigrad import viz
from minigrad.graph.function import Function
from minigrad.viz import Trace, first_difference, record, trace_graph, watch
from minigrad.viz.labels import few
from minigrad.viz.page import full, short
from minigrad.viz.summary import summary_of
from minigrad.viz.watching import constant

ENGINES = pytest.mark.parametrize("engine", [minigrad, torch], ids=["minigrad", "torch"])


def quadratic(engine: Any) -> dict[str, Any]:
    x = engine.tensor(2.0, requires_grad=True)
    loss = x**2 + 2 * x + 1
    return {"loss": loss, "x": x}


def residual(engine: Any) -> dict[str, Any]:
    """Images fork into a block without a bias, with a ReLU in place, and its shortcut."""
    engine.manual_seed(0)
    nn = engine.nn
    block = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2), nn.ReLU(inplace=True))
    head = nn.Sequential(nn.Flatten(), nn.Linear(32, 3))
    images = engine.ones(2, 2, 4, 4)
    hidden = block(images) + images
    loss = nn.functional.cross_entropy(head(hidden), engine.tensor([0, 2]))
    return {"loss": loss, "hidden": hidden, "images": images, "block": block, "head": head}


def reused(engine: Any) -> dict[str, Any]:
    x = engine.tensor([[1.0, 2.0]], requires_grad=True)
    w = engine.tensor([[3.0], [4.0]], requires_grad=True)
    h = x * w
    loss = (h * h + h * x).sum() / 2
    return {"loss": loss, "x": x, "w": w, "h": h}


PROGRAMS = pytest.mark.parametrize("program", [quadratic, residual, reused], ids=lambda each: each.__name__)


def watched(program: Any, engine: Any) -> dict[str, Any]:
    with watch():
        return program(engine)  # type: ignore[no-any-return]


def by_name(trace: Trace, name: str) -> Any:
    return next(node for node in trace.nodes if name in (node.name, node.label))


class TestWithoutWatching:
    def test_minigrad_knows_which_tensor_a_constant_is(self) -> None:
        found = residual(minigrad)
        trace = trace_graph(found["loss"], names=found)
        (images,) = [node for node in trace.nodes if node.kind == "constant"]
        assert images.label == "images" and images.value is not None and images.value.shape == (2, 2, 4, 4)
        targets = [edge.target for edge in trace.edges if edge.source == images.id]
        assert sorted([node.name for node in trace.nodes if node.id in targets]) == [
            "AddBackward0",
            "ConvolutionBackward0",
        ]

    @ENGINES
    def test_saved_values_tell_a_constant(self, engine: Any) -> None:
        x = engine.ones(2, requires_grad=True)
        trace = trace_graph(x * engine.tensor([3.0, 4.0]) * 2.0)
        assert sorted([node.value.values for node in trace.nodes if node.kind == "constant"]) == [(2.0,), (3.0, 4.0)]
        layer = engine.nn.Linear(3, 2)
        trace = trace_graph(layer(engine.ones(4, 3)), params=layer.named_parameters())
        assert by_name(trace, "constant").value.shape == (4, 3)

    @ENGINES
    def test_a_bias_that_is_not_there_is_no_constant(self, engine: Any) -> None:
        layer = engine.nn.Conv2d(1, 1, 2, bias=False)
        images = engine.ones(1, 1, 3, 3)
        with watch():
            output = layer(images)
        for result, name in ((output, "images"), (layer(images), None)):
            constants = [node for node in trace_graph(result).nodes if node.kind == "constant"]
            assert [node.variable for node in constants] == [name]

    @ENGINES
    def test_modules_come_from_the_parameters_names(self, engine: Any) -> None:
        model = engine.nn.Sequential(engine.nn.Linear(3, 2), engine.nn.ReLU(), engine.nn.Linear(2, 1))
        trace = trace_graph(model(engine.ones(4, 3)).sum(), params=model.named_parameters())
        assert [(node.name, node.module) for node in trace.nodes if node.module] == [
            ("AddmmBackward0", "2"),
            ("TBackward0", "2"),
            ("AddmmBackward0", "0"),
            ("TBackward0", "0"),
        ]
        assert [group.path for group in trace.groups] == ["0", "2"]

    @ENGINES
    def test_a_gradient_is_not_there_before_backward(self, engine: Any) -> None:
        found = quadratic(engine)
        assert by_name(trace_graph(found["loss"], names=found), "x").grad == "not computed yet"
        found["loss"].backward(retain_graph=True)
        trace = trace_graph(found["loss"], names=found)
        assert by_name(trace, "x").grad.values == (6.0,)
        assert by_name(trace, "loss").grad is None

    @ENGINES
    @PROGRAMS
    def test_a_graph_that_was_freed_is_told_without_what_was_saved(self, engine: Any, program: Any) -> None:
        found = program(engine)
        edges = len(trace_graph(found["loss"], names=found).edges)
        found["loss"].backward()
        trace = trace_graph(found["loss"], names=found)
        assert len(trace.edges) == edges
        assert trace.saved_bytes == 0 and trace.holders() == []
        assert trace.text()
        x = engine.tensor(2.0, requires_grad=True)
        (gradient,) = engine.autograd.grad(x**3 * 2, x, create_graph=True)
        gradient.backward()
        assert trace_graph(gradient).describe()

    @ENGINES
    def test_memory_that_is_held_for_backward(self, engine: Any) -> None:
        x = engine.ones(100, requires_grad=True)
        y = (x * x).exp().sum()
        trace = trace_graph(y)
        assert trace.saved_bytes == 800
        assert [(node.name, node.saved_bytes) for node in trace.holders()] == [
            ("ExpBackward0", 400),
            ("MulBackward0", 400),
        ]
        y.backward()
        assert trace_graph(y).saved_bytes == 0
        trace = trace_graph((x[:10] * x[:10]).exp())
        assert trace.saved_bytes == 440  # a view holds the whole
        assert [node.name for node in trace.holders()] == ["MulBackward0", "ExpBackward0"]

    def test_names_are_passed_over_where_they_are_no_tensors_params_are_not(self) -> None:
        x = minigrad.ones(2, requires_grad=True)
        names = {"number": 3, "engine": minigrad, "class": minigrad.Tensor, "x": x, "again": x}
        assert by_name(trace_graph(x * 2, params={"weight": x}, names=names), "weight").name == "AccumulateGrad"
        with pytest.raises(TypeError, match=r"params\['number'\] must be"):
            trace_graph(x * 2, params=names)
        with pytest.raises(TypeError, match="names must be a dict such as locals"):
            trace_graph(x * 2, names=[x])  # type: ignore[arg-type]

    @ENGINES
    def test_what_else_may_stand_among_variables(self, engine: Any) -> None:
        class Odd:
            def __getattribute__(self, name: str) -> Any:
                raise ZeroDivisionError(name)

            __eq__ = __bool__ = __getattribute__  # type: ignore[assignment]

        x = engine.ones(3, requires_grad=True) * 2
        with engine.no_grad():
            view = x[0]  # of which PyTorch refuses to tell the node, once x was changed
        x.mul_(2)
        y = engine.ones((), requires_grad=True) * 2
        assert by_name(trace_graph(y, names={"odd": Odd(), "view": view, "y": y}), "y").kind == "output"
        with pytest.raises(TypeError, match=r"params\['odd'\] must be a minigrad or PyTorch tensor, got Odd"):
            trace_graph(y, params={"odd": Odd()})

    def test_pairs_may_have_one_name(self) -> None:
        x, y = minigrad.ones(2, requires_grad=True), minigrad.ones(2, requires_grad=True)
        assert [node.label for node in trace_graph(x * y, params=[("w", x), ("w", y)]).nodes].count("w") == 2

    def test_minigrad_tells_formula_and_rule(self) -> None:
        trace = trace_graph(quadratic(minigrad)["loss"])
        assert by_name(trace, "MulBackward0").formula == "z = x * y"
        assert "def backward(ctx, grad_z):" in trace.rules["MulBackward0"]


class TestWatching:
    @PROGRAMS
    def test_both_engines_give_the_same_trace(self, program: Any) -> None:
        ours, theirs = (watched(program, engine) for engine in (minigrad, torch))
        first, second = (trace_graph(found["loss"], names=found) for found in (ours, theirs))
        assert first_difference(first, second) is None and first == second
        assert first.groups == second.groups
        for one, other in zip(first.nodes, second.nodes):
            assert (one.file, one.line, one.module, one.variable) == (
                other.file,
                other.line,
                other.module,
                other.variable,
            )
            assert one.kind != "constant" or str(one.value) == str(other.value)

    @ENGINES
    def test_changes_in_place_are_noted(self, engine: Any) -> None:
        layer = engine.nn.ReLU(inplace=True)
        with watch():
            h = engine.ones(2, requires_grad=True) * 2.0
            h += 1.0
            h = layer(h)
        found = {node.name: node for node in trace_graph(h).nodes}
        assert found["ReluBackward0"].module == "" and found["ReluBackward0"].line is not None
        assert found["AddBackward0"].line == (found["ReluBackward0"].line or 0) - 1

    @ENGINES
    def test_line_variable_module_and_constants(self, engine: Any) -> None:
        found = watched(quadratic, engine)
        trace = trace_graph(found["loss"])
        last = trace.nodes[1]
        assert last.variable == "loss" and last.file == __file__ and last.line == quadratic.__code__.co_firstlineno + 2
        assert sorted([node.value.values for node in trace.nodes if node.kind == "constant"]) == [(1,), (2,)]
        found = watched(residual, engine)
        trace = trace_graph(found["loss"], names=found)
        assert by_name(trace, "ConvolutionBackward0").module == "0"
        assert by_name(trace, "hidden").variable == "hidden" and by_name(trace, "hidden").module is None
        assert by_name(trace, "AddmmBackward0").module == "Sequential(2).1"
        assert [(group.path, group.kind, group.parent) for group in trace.groups] == [
            ("", "Sequential", None),
            ("0", "Conv2d", ""),
            ("1", "BatchNorm2d", ""),
            ("2", "ReLU", ""),
            ("Sequential(2)", "Sequential", None),
            ("Sequential(2).0", "Flatten", "Sequential(2)"),
            ("Sequential(2).1", "Linear", "Sequential(2)"),
        ]

    @ENGINES
    def test_modules_in_a_list_and_what_the_outer_one_does_itself(self, engine: Any) -> None:
        class Model(engine.nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.layers = engine.nn.ModuleList([engine.nn.Linear(2, 2), engine.nn.Linear(2, 2)])

            def forward(self, x: Any) -> Any:
                for layer in self.layers:
                    x = layer(x).exp()
                return x.split(1, 1)[0]

        x = engine.ones(3, 2, requires_grad=True) * 2
        with watch():
            with watch():
                pass
            y = Model()(x)
        trace = trace_graph(y)
        assert [(node.name, node.module) for node in trace.nodes if node.kind == "operation"] == [
            ("SplitBackward0", ""), ("ExpBackward0", ""), ("AddmmBackward0", "layers.1"), ("ExpBackward0", ""),
            ("TBackward0", "layers.1"), ("AddmmBackward0", "layers.0"), ("MulBackward0", None),
            ("TBackward0", "layers.0"),
        ]  # fmt: skip
        assert [(group.path, group.parent) for group in trace.groups] == [
            ("", None), ("layers.0", ""), ("layers.1", ""),
        ]  # fmt: skip
        assert by_name(trace, "SplitBackward0").value is None and by_name(trace, "MulBackward0").line is None
        text = trace.text()  # every assignment is to x, and no two are called so
        assert len({line.partition(" = ")[0] for line in text.splitlines() if " = " in line}) == text.count(" = ")
        assert "|output 0|" in trace.mermaid()

    @ENGINES
    def test_a_model_that_is_called_again_is_no_second_model(self, engine: Any) -> None:
        model, head = engine.nn.Linear(2, 2), engine.nn.Linear(2, 1)
        with watch():
            y = head(model(model(engine.ones(1, 2))))
        assert [group.path for group in trace_graph(y).groups] == ["", "Linear(2)"]

    @ENGINES
    def test_constants_are_one_where_they_are_one_tensor(self, engine: Any) -> None:
        x = engine.ones(2, 2, requires_grad=True)
        c = engine.ones(2, 2)
        with watch():
            y = x + engine.zeros(2, 2)
            y = y + engine.zeros(2, 2)  # perhaps in the memory of the first
            y = (y + c) * c - c.t()
        values = [node.value.values[0] for node in trace_graph(y).nodes if node.kind == "constant"]
        assert sorted(values) == [0.0, 0.0, 1.0, 1.0]

    @ENGINES
    def test_a_condition_is_no_constant_a_number_is(self, engine: Any) -> None:
        x = engine.ones(2, requires_grad=True)
        with watch():
            y = engine.where(x > 1, x, 0.5)
        assert [node.value.values for node in trace_graph(y).nodes if node.kind == "constant"] == [(0.5,)]

    @ENGINES
    def test_afterwards_nothing_is_noted_and_nothing_is_switched(self, engine: Any) -> None:
        before = Function.take_place, minigrad.nn.Module.__call__, torch.nn.Module.__call__
        with pytest.raises(ZeroDivisionError), watch(), watch():
            assert Function.take_place is not before[0]
            raise ZeroDivisionError
        assert (Function.take_place, minigrad.nn.Module.__call__, torch.nn.Module.__call__) == before
        assert trace_graph(quadratic(engine)["loss"]).nodes[1].line is None

    def test_another_threads_nodes_are_not_noted(self) -> None:
        found: list[Any] = []
        with watch():
            other = threading.Thread(target=lambda: found.append(quadratic(minigrad)["loss"]))
            other.start()
            other.join()
        assert trace_graph(found[0]).nodes[1].line is None

    @ENGINES
    def test_values_and_gradients_are_what_they_are_unwatched(self, engine: Any) -> None:
        plain, noted = residual(engine), watched(residual, engine)
        for found in (plain, noted):
            found["loss"].backward()
        for one, other in zip(plain["block"].parameters(), noted["block"].parameters()):
            assert np.array_equal(one.grad.numpy(), other.grad.numpy())

    @ENGINES
    def test_what_is_done_without_a_graph_is_let_be(self, engine: Any) -> None:
        with watch():  # a row of it is set to zero, of which PyTorch refuses to tell the node
            loss = engine.nn.Embedding(3, 2, padding_idx=0)(engine.tensor([0, 1])).sum()
        assert trace_graph(loss).nodes[-1].variable == "weight"

    @ENGINES
    def test_leaves_have_the_names_that_the_program_gives_them(self, engine: Any) -> None:
        w, images = engine.ones(3, requires_grad=True), engine.ones(2, 3)
        model = engine.nn.Sequential(engine.nn.Linear(3, 2), engine.nn.Linear(2, 1))
        with watch():
            loss = (model(images * w) * 2.0).sum()
        leaves = {node.variable: node.shapes[0] for node in trace_graph(loss).nodes if node.kind == "leaf"}
        assert leaves == {"w": (3,), "0.weight": (2, 3), "0.bias": (2,), "1.weight": (1, 2), "1.bias": (1,)}
        constants = [node for node in trace_graph(loss).nodes if node.kind == "constant"]
        assert sorted([(str(node.variable), node.value.shape) for node in constants]) == [
            ("None", ()),
            ("images", (2, 3)),
        ]
        named = trace_graph(loss, names={"weights": w})
        assert [node.label for node in named.nodes if node.variable == "w"] == ["weights"]


class TestSummary:
    @pytest.mark.parametrize(
        "values",
        [
            np.linspace(-1 / 3, 1e300, 16),
            np.full((2, 2, 4, 4), -1.2345678901234567e-300),
            np.full((4, 4), -np.inf, np.float32),
            np.full(40, np.nan),
            np.zeros((0, 3)),
            np.ones((1,) * 30),
            np.array(True),
            np.arange(17) * -(10**17),
            np.float64(0.1).reshape(()),
        ],
        ids=lambda each: f"{each.dtype} {each.shape}"[:30],
    )
    def test_it_has_at_most_300_bytes(self, values: Any) -> None:
        summary = summary_of(minigrad.tensor(values) if values.dtype.kind != "b" else minigrad.tensor(True))
        text = json.dumps(summary.to_data(), allow_nan=False)
        assert len(text) <= 300

    def test_figures(self) -> None:
        values = [float("nan"), float("inf"), 0.0, 0.0, 3.0, 4.0] + [1.0] * 20
        summary = summary_of(minigrad.tensor(values))
        assert (summary.nan, summary.inf, summary.zeros, summary.values[:3]) == (1, 1, 2, ("nan", "inf", 0.0))
        assert (summary.norm, summary.min, summary.max) == ("inf", 0.0, "inf")
        assert summary_of(minigrad.tensor([3.0] * 16 + [4.0])).norm == pytest.approx(12.6491)
        assert len(summary_of(minigrad.ones(16)).values) == 16 and summary_of(minigrad.ones(17)).norm is not None
        for engine in (minigrad, torch):
            assert str(summary_of(engine.tensor([1.0, 2.0]))) == "[2] float32: 1.0, 2.0"

    @pytest.mark.parametrize(
        ("make", "told", "in_a_box"),
        [
            (lambda: torch.ones(3, device="meta"), "[3] float32", "not known"),
            (lambda: torch.tensor(1.0, device="meta"), "not known", "not known"),
            (lambda: torch.eye(2).to_sparse(), "[2, 2] float32", "not known"),
            (lambda: torch.ones(1).to(torch.float8_e4m3fn), "[1] float8_e4m3fn: 1.0", "1"),
            (lambda: torch.tensor([1 + 2j]).conj().imag, "[1] float32: -2.0", "-2"),
            (lambda: torch.tensor([1 / 3 + 2j]), "[1] complex64: 0.333333343+2j", "0.333333343+2j"),
            (lambda: torch.full((17,), 3j), f"[17] complex64: {'0+3j, ' * 6}… norm 12.3693", "norm 12.37"),
            (lambda: torch.full((20,), torch.nan), f"[20] float32: {'nan, ' * 6}… norm 0.0, 20 nan", "norm 0, 20 nan"),
        ],
    )
    def test_what_numpy_does_not_have(self, make: Any, told: str, in_a_box: str) -> None:
        summary = summary_of(make())
        assert (str(summary), few(summary)) == (told, in_a_box)
        assert ("not known" in full(summary)) == (short(summary) == "not known") == (in_a_box == "not known")

    def test_a_graph_without_values_or_with_sparse_ones(self) -> None:
        x = torch.ones(3, device="meta", requires_grad=True)
        with watch():
            y = (x + torch.zeros(3, device="meta") + torch.zeros(3, device="meta")).sum()
        trace = record(y)
        assert [node.kind for node in trace.nodes].count("constant") == 2 and "not known" in trace.text()
        constants = [constant(torch.zeros(3, device="meta")) for _ in range(100)]  # the tensors themselves are let go
        assert len({each.key for each in constants if each is not None}) == 100
        table = torch.ones(4, 2, requires_grad=True)
        columns = table.t()
        rows = torch.nn.functional.embedding(torch.tensor([0, 1]), table, sparse=True)
        assert len(record((rows @ columns).sum()).steps) == 5  # to a sparse gradient a dense one is added
        assert trace_graph(torch.sparse.mm(torch.eye(2).to_sparse().requires_grad_(), torch.ones(2, 1))).saved_bytes

    @pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
    def test_nested_tensors_are_refused(self) -> None:
        for layout in (torch.strided, torch.jagged):
            x = torch.nested.nested_tensor([torch.ones(2, 2), torch.ones(3, 2)], layout=layout, requires_grad=True)
            with pytest.raises(RuntimeError, match="^nested tensors have no one shape"):
                trace_graph(x * 2)

    def test_looking_changes_nothing(self) -> None:
        x = minigrad.ones(3, 7).t()
        before = x.array.strides, x._version_counter.value
        summary_of(x)
        assert (x.array.strides, x._version_counter.value) == before


class TestJson:
    @ENGINES
    @PROGRAMS
    def test_there_and_back(self, engine: Any, program: Any) -> None:
        found = watched(program, engine)
        trace = record(found["loss"], names=found)
        text = trace.to_json()
        again = Trace.from_json(text)
        assert again == trace and again.to_json() == text
        assert json.loads(text)["version"] == 2
        assert len(again.steps) == len(trace.steps) > 4

    def test_any_name_comes_back(self) -> None:
        name = "</script>\"'&\u2028 😀\n"
        x = minigrad.ones(2, requires_grad=True)
        trace = trace_graph(x * 2, params={name: x})
        assert by_name(Trace.from_json(trace.to_json()), name).kind == "leaf"

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda data: data.update(version=3), "is of version 3: this minigrad reads versions 1 and 2"),
            (lambda data: data.update(version=True), "is of version True"),
            (lambda data: data.pop("format"), 'must be an object with "format"'),
            (lambda data: data.update(surprise=1), "the trace has no field 'surprise'"),
            (lambda data: data.pop("nodes"), "the trace has no nodes"),
            (lambda data: data.update(nodes={}), "nodes must be a list"),
            (lambda data: data["nodes"][0].update(kind="x"), "is of no known kind"),
            (lambda data: data["nodes"][0].update(shapes=[[-1]]), "impossible shape"),
            (lambda data: data["nodes"][0].update(shapes=[["1"]]), r"nodes\[0\]: shapes\[0\]\[0\] must be an integer"),
            (lambda data: data["nodes"][0].update(shapes=[[1] * 99]), "impossible shape"),
            (lambda data: data["nodes"][0].update(line=1.5), "line must be an integer"),
            (lambda data: data["nodes"][0].update(label="x" * 200_000), "letters, more than"),
            (lambda data: data["nodes"][0].update(grad="3"), "unknown gradient"),
            (lambda data: data["nodes"][0].update(value={"shape": [], "dtype": "f", "values": [[]]}), "values"),
            (lambda data: data["nodes"].append(data["nodes"][0]), "two nodes have the same id"),
            (lambda data: data["edges"][0].update(source="n99"), "joins nodes that are not there"),
            (lambda data: data["edges"][0].update(output_index=-1), "an edge has a negative number"),
            (
                lambda data: data.update(beside={"engine": "", "arrived": [], "first": "n99", "told": ""}),
                "gradients stand beside a node that is not there",
            ),
            (lambda data: data["edges"][0].update(position=-1), "negative number"),
            (lambda data: data["groups"].append({"path": "x", "kind": "", "parent": "y"}), "does not stand before it"),
            (lambda data: data["groups"].append({"path": "x", "kind": "", "parent": "x"}), "does not stand before it"),
            (lambda data: data["steps"][0].update(node="n99"), "step 0 runs a node that is not there"),
            (
                lambda data: data["steps"][0]["sent"][0].update(edge=len(data["edges"])),
                "along an edge that is not there",
            ),
            (lambda data: data["steps"][0].update(ran=[{"line": 0}]), "step 0 runs a line that is not there"),
            (lambda data: data.update(excerpts=[{"file": "a", "first": 0, "lines": []}]), "an impossible number"),
            (lambda data: data.update(total_steps=1), "more steps than it says"),
        ],
    )
    def test_what_is_no_trace_is_refused_in_a_sentence(self, change: Any, told: str) -> None:
        data = json.loads(record(quadratic(minigrad)["loss"]).to_json())
        data.setdefault("groups", [])
        change(data)
        with pytest.raises(ValueError, match=told) as error:
            Trace.from_json(json.dumps(data))
        assert len(str(error.value)) < 250

    def test_the_first_version_is_read(self) -> None:
        trace = trace_graph(quadratic(minigrad)["loss"])
        data = json.loads(trace.to_json()) | {"version": 1}
        data.pop("excerpts", None)
        assert Trace.from_json(json.dumps(data)) == trace

    @pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000, '{"format": NaN}', "\x00"])
    def test_what_is_no_json_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="^this is no trace: "):
            Trace.from_json(text)
        with pytest.raises(TypeError, match="a trace is read from a text, got bytes"):
            Trace.from_json(text.encode())  # type: ignore[arg-type]


class Cube(minigrad.autograd.Function):
    """z = x³, by a rule that the user wrote."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, grad_z: Any) -> Any:
        (x,) = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            slope = 3 * x * x
            slope = (
                slope * 1  # a statement of several lines
            )
        return grad_z * slope


@pytest.mark.usefixtures("unmeasured")
class TestRules:
    """Which lines of a rule ran, with numbers put in."""

    @staticmethod
    def lines_of(y: Any) -> list[tuple[str, str]]:
        trace = record(y)
        (step,) = [step for step in trace.steps if step.ran]
        rule = trace.rules[next(node.name for node in trace.nodes if node.id == step.node)].splitlines()
        return [(rule[each.line - 1].strip().partition("  #")[0], each.numbers) for each in step.ran]

    def test_a_product(self) -> None:
        x, y = minigrad.tensor([1.0, 2.0], requires_grad=True), minigrad.tensor([3.0, 0.1])
        trace = record(x * y, gradient=minigrad.ones(2))
        mul = trace.rules["MulBackward0"].splitlines()
        told = {mul[each.line - 1].split("=")[0].strip(): each.numbers for each in trace.steps[0].ran}
        assert told["x, y"] == "None, [3.0, 0.1]"
        assert told["grad_x"] == "[1.0, 1.0] * [3.0, 0.1] = [3.0, 0.1]"
        assert told["grad_y"] == "None"
        assert told["return grad_x, grad_y"] == "[3.0, 0.1], None"

    def test_a_rule_of_the_users_the_lines_that_ran_and_no_others(self) -> None:
        assert self.lines_of(Cube.apply(minigrad.tensor(2.0, requires_grad=True))) == [
            ("(x,) = ctx.saved_tensors", "2.0"),
            ("if ctx.needs_input_grad[0]:", ""),
            ("slope = 3 * x * x", "3 * 2.0 * 2.0 = 12.0"),
            ("slope = (", "12.0 * 1 = 12.0"),
            ("return grad_z * slope", "1.0 * 12.0 = 12.0"),
        ]
        x = minigrad.tensor(2.0, requires_grad=True)
        assert ("return constant_like(np.zeros(grad_z.shape), grad_z)", "0.0") in [
            (line, numbers.rpartition(" = ")[2]) for line, numbers in self.lines_of(x**0)
        ]

    def test_of_more_than_six_elements_the_shapes_stand_there(self) -> None:
        trace = record(Cube.apply(minigrad.ones(2, 4, requires_grad=True)), gradient=minigrad.ones(2, 4))
        assert [each.numbers for each in trace.steps[0].ran][2] == "3 * [2×4] * [2×4] = [2×4]"

    def test_six_elements_stand_there_a_shape_keeps_its_name(self) -> None:
        class Turned(minigrad.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x.reshape(2, 3) * 2

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                shape = (3, 2)  # größer, as letters outside of ASCII may stand above
                return grad.reshape(shape) * 2

        trace = record(Turned.apply(minigrad.ones(3, 2, requires_grad=True)), gradient=minigrad.ones(2, 3))
        ones, twos = "[1.0, 1.0, 1.0]", "[2.0, 2.0]"
        assert [each.numbers for each in trace.steps[0].ran] == [
            "3, 2",
            f"[{ones}, {ones}].reshape(shape) * 2 = [{twos}, {twos}, {twos}]",
        ]

    def test_an_inherited_rule_is_found_and_gradients_are_those_of_backward(self) -> None:
        class Inherited(Cube):
            pass

        x = minigrad.tensor(2.0, requires_grad=True)
        trace = record(Inherited.apply(x))
        (rule,) = trace.rules.values()
        assert rule.index("class Inherited") < rule.index("def backward")
        assert [rule.splitlines()[each.line - 1].strip() for each in trace.steps[0].ran][-1] == "return grad_z * slope"
        assert x.grad is not None and x.grad.item() == 12.0

    def test_where_a_debugger_has_set_its_trace_function_it_stays(self) -> None:
        def debugger(*event: Any) -> None:
            return None

        sys.settrace(debugger)
        try:
            trace = record(Cube.apply(minigrad.tensor(2.0, requires_grad=True)))
            left = sys.gettrace()
        finally:
            sys.settrace(None)
        assert left is debugger
        assert [step.ran for step in trace.steps] == [(), ()]

    def test_a_debugger_that_a_rule_starts_goes_on(self) -> None:
        def debugger(*event: Any) -> None:
            return None

        class Stops(Cube):
            @staticmethod
            def backward(ctx: Any, grad_z: Any) -> Any:
                sys.settrace(debugger)
                return grad_z

        try:
            record(Stops.apply(minigrad.tensor(2.0, requires_grad=True)))
            left = sys.gettrace()
        finally:
            sys.settrace(None)
        assert left is debugger

    def test_an_error_in_a_rule_leaves_no_trace_function(self) -> None:
        class Broken(Cube):
            @staticmethod
            def backward(ctx: Any, grad_z: Any) -> Any:
                raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            record(Broken.apply(minigrad.tensor(2.0, requires_grad=True)))
        assert sys.gettrace() is None


@ENGINES
def test_the_users_lines_are_kept_with_those_around(engine: Any) -> None:
    trace = trace_graph(watched(quadratic, engine)["loss"])
    (excerpt,) = trace.excerpts
    line = quadratic.__code__.co_firstlineno + 2
    assert excerpt.file == __file__ and excerpt.first == line - 3
    assert excerpt.lines[3] == "    loss = x**2 + 2 * x + 1"
    assert {node.value.values for node in trace.nodes if node.kind == "operation" and node.value} == {
        (4.0,), (8.0,), (9.0,),
    }  # fmt: skip


@ENGINES
def test_a_short_file_is_kept_whole_and_a_global_has_its_name(engine: Any, tmp_path: Path) -> None:
    file = tmp_path / "short.py"
    file.write_text("\ndef f():\n    return w * 2\n")
    variables: dict[str, Any] = {"w": engine.ones(2, requires_grad=True)}
    exec(compile(file.read_text(), file, "exec"), variables)
    with watch():
        y = variables["f"]()
    trace = trace_graph(y)
    (excerpt,) = trace.excerpts
    assert (excerpt.first, excerpt.lines) == (1, ("", "def f():", "    return w * 2"))
    assert by_name(trace, "AccumulateGrad").variable == "w"


class TestText:
    def test_the_whole_of_a_small_trace(self) -> None:
        found = watched(quadratic, minigrad)
        line = quadratic.__code__.co_firstlineno + 2
        assert record(found["loss"], names=found).text() == (
            "x = leaf  float32: 2.0  grad 6.0\n"
            f"%0 = PowBackward0(x)  float32: 4.0  # test_trace.py:{line}\n"
            f"%1 = MulBackward0(x, 2)  float32: 4.0  # test_trace.py:{line}\n"
            f"%2 = AddBackward0(%0, %1)  float32: 8.0  # test_trace.py:{line}\n"
            f"loss = AddBackward0(%2, 1)  float32: 9.0  # test_trace.py:{line}\n"
            "output loss = loss  float32: 9.0\n"
            "saved for backward: 4 bytes, most by PowBackward0 %0: 4\n"
            "\n"
            "step 1 of 5: AddBackward0 loss\n"
            "  ready: backward begins here\n"
            "  formula: z = x + y\n"
            "  arrived: 1.0\n"
            "  sent to %2 (input 0): 1.0\n"
            "\n"
            "step 2 of 5: AddBackward0 %2\n"
            "  ready: its one gradient has arrived, from step 1\n"
            "  formula: z = x + y\n"
            "  arrived: 1.0\n"
            "  sent to %0 (input 0): 1.0\n"
            "  sent to %1 (input 1): 1.0\n"
            "\n"
            "step 3 of 5: MulBackward0 %1\n"
            "  ready: its one gradient has arrived, from step 2\n"
            "  formula: z = x * y\n"
            "  arrived: 1.0\n"
            "  saved other: 2\n"
            "  sent to x (input 0): 2.0\n"
            "\n"
            "step 4 of 5: PowBackward0 %0\n"
            "  ready: its one gradient has arrived, from step 2\n"
            "  formula: z = x ** number\n"
            "  arrived: 1.0\n"
            "  saved self: 2.0\n"
            "  sent to x (input 0): 4.0, added to 2.0 = 6.0\n"
            "\n"
            "step 5 of 5: AccumulateGrad x\n"
            "  ready: all 2 gradients have arrived, from steps 3, 4\n"
            "  arrived: 6.0\n"
            "  .grad: None, then 6.0"
        )

    @ENGINES
    @PROGRAMS
    def test_no_line_is_longer_than_80(self, engine: Any, program: Any) -> None:
        found = watched(program, engine)
        names = {**found, "a name that is\nvery\x1b[31m " + "long " * 40: found["loss"]}
        text = viz.text(found["loss"], names=dict(reversed(names.items())))
        assert max(map(len, text.splitlines())) <= 80
        assert all(sign.isprintable() or sign == "\n" for sign in text)
        with pytest.raises(ValueError, match="width must be at least 40"):
            viz.text(found["loss"], width=10)

    def test_each_name_stands_above_its_use(self) -> None:
        x = minigrad.ones(2, requires_grad=True)
        y = (x.exp().sin() + x).sum()
        seen: set[str] = set()
        for line in viz.text(y).splitlines()[:-2]:
            name, _, inputs = line.partition(" = ")
            assert {
                each for each in inputs.replace("(", " ").replace(")", " ").replace(",", " ").split() if "%" in each
            } <= seen
            seen.add(name)

    def test_no_two_have_one_name(self) -> None:
        x = minigrad.ones(2, requires_grad=True)
        with watch():
            y = x * 2
            y = y * 3
        lines = [line.partition("(")[0] for line in viz.text(y).splitlines()[1:3]]
        assert lines == ["y = MulBackward0", "%0 = MulBackward0"]

    def test_mermaid(self) -> None:
        model = minigrad.nn.Sequential(minigrad.nn.Linear(1, 2))
        with watch():
            y = model(minigrad.ones(3, 1)) + 1
        name = 'y"]; <b>#&</b>'
        assert trace_graph(y, params=[*model.named_parameters(), (name, y)]).mermaid() == (
            "flowchart TD\n"
            '    n0[["y#34;]#59; #60;b#62;#35;#38;#60;#47;b#62;<br>output<br>[3, 2] float32"]]\n'
            '    n1("y<br>AddBackward0<br>[3, 2] float32")\n'
            '    n3["0.bias<br>AccumulateGrad<br>[2] float32"]\n'
            '    n5["0.weight<br>AccumulateGrad<br>[2, 1] float32"]\n'
            '    n6{{"1"}}\n'
            '    n7{{"constant<br>[3, 1] float32"}}\n'
            '    subgraph g0["Sequential"]\n'
            '        subgraph g1["0: Linear"]\n'
            '            n2("AddmmBackward0<br>[3, 2] float32")\n'
            '            n4("TBackward0<br>[1, 2] float32")\n'
            "        end\n"
            "    end\n"
            "    n1 --> n0\n"
            "    n2 --> n1\n"
            "    n6 -.-> n1\n"
            "    n3 --> n2\n"
            "    n7 -.-> n2\n"
            "    n4 --> n2\n"
            "    n5 --> n4\n"
        )


class TestRecord:
    @PROGRAMS
    def test_both_engines_take_the_same_steps(self, program: Any) -> None:
        ours, theirs = (record(found["loss"], names=found) for found in (program(minigrad), program(torch)))
        assert len(ours.steps) == len(theirs.steps) == ours.total_steps
        for one, other in zip(ours.steps, theirs.steps):
            assert (one.node, one.ready_because) == (other.node, other.ready_because)
            assert [each.edge for each in one.sent if ours.edges[each.edge].needs_grad] == [
                each.edge for each in other.sent
            ]
            pairs = [*zip(one.arrived, other.arrived), (one.grad_after, other.grad_after)]
            for first, second in zip(one.sent, other.sent):
                pairs += [(first.value, second.value), (first.added_to, second.added_to), (first.sum, second.sum)]
            for first, second in pairs:
                assert (first is None) == (second is None)
                if first is not None:
                    assert first.shape == second.shape
                    np.testing.assert_allclose(first.values, second.values, rtol=1e-4, atol=1e-6)

    @ENGINES
    @PROGRAMS
    def test_gradients_are_those_of_backward(self, engine: Any, program: Any) -> None:
        one, other = program(engine), program(engine)
        one["loss"].backward()
        trace = record(other["loss"], names=other)
        for name in ("x", "w"):
            if name in one:
                assert np.array_equal(one[name].grad.numpy(), other[name].grad.numpy())
        leaves = [node for node in trace.nodes if node.name == "AccumulateGrad"]
        assert leaves and not any(isinstance(node.grad, str) for node in leaves)

    def test_what_cannot_run_backward_is_refused(self) -> None:
        for engine in (minigrad, torch):
            with pytest.raises(RuntimeError, match="does not require grad"):
                record(engine.ones(2).sum())
            with pytest.raises(RuntimeError, match="only for scalar outputs"):
                record(engine.ones(2, requires_grad=True) * 2)
            with pytest.raises(TypeError, match="loss must be a minigrad or PyTorch tensor, got list"):
                record([engine.ones(1)])

    def test_hooks_are_gone_and_a_gradient_can_be_given(self) -> None:
        for engine in (minigrad, torch):
            x = engine.ones(2, requires_grad=True)
            y = x * 3
            trace = record(y, engine.tensor([1.0, 2.0]), retain_graph=True)
            assert trace.steps[-1].grad_after.values == (3.0, 6.0)
            again = record(y, engine.tensor([1.0, 2.0]))
            assert again.steps[-1].grad_before.values == (3.0, 6.0)
            assert again.steps[-1].grad_after.values == (6.0, 12.0)
            assert len(again.steps) == 2
            with pytest.raises(RuntimeError, match="second time"):
                record(y, engine.ones(2))


@ENGINES
def test_a_cell_of_a_notebook_is_called_as_ipython_calls_it(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    IPython = pytest.importorskip("IPython")
    compiler = IPython.core.compilerop.CachingCompiler()
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(compile=compiler))
    cell = "x = engine.ones(2, requires_grad=True)\ny = x.exp()\ny.add_(1)\n"
    variables: dict[str, Any] = {"engine": engine}
    with watch():
        exec(compiler(cell, compiler.cache(cell, 7), "exec"), variables)
    trace = trace_graph(variables["y"])
    assert {(node.file, node.line) for node in trace.nodes if node.kind == "operation"} == {("In[7]", 2), ("In[7]", 3)}
    assert [(each.file, each.first, each.lines[1]) for each in trace.excerpts] == [("In[7]", 1, "y = x.exp()")]
    assert "# In[7]:3" in trace.text()
    if engine is minigrad:
        with pytest.raises(RuntimeError, match=r"add_ at In\[7\]:3 changed it since"):
            variables["y"].sum().backward()
