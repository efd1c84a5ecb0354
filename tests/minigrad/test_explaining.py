"""``explain``: what it sets side by side, what it refuses before anything runs; how the page tells values; a notebook.

How the page behaves is tested in ``test_page.py``.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import minigrad
from comparisons.tolerances import TOLERANCES
from minigrad import explain, viz
from minigrad.viz import Trace, views
from minigrad.viz.explaining import RELATIVE, differ
from minigrad.viz.page import PageData, full, rule_data, short
from minigrad.viz.summary import summary_of

ENGINES = pytest.mark.parametrize("engine", [minigrad, torch], ids=["minigrad", "torch"])


def program(engine: Any, factor: float = 1.0) -> Any:
    engine.manual_seed(0)
    model = engine.nn.Sequential(engine.nn.Linear(3, 4), engine.nn.Tanh(), engine.nn.Linear(4, 2))
    x = engine.tensor([[0.1, -2.0, 0.3]], requires_grad=True)
    scaled = x.clone()
    scaled.register_hook(lambda grad: grad * factor)
    loss = model(scaled).square().sum()
    return loss


class TestExplain:
    @ENGINES
    def test_of_a_function_the_variables_modules_and_lines_are_known(self, engine: Any, tmp_path: Path) -> None:
        def small() -> Any:
            model = engine.nn.Linear(2, 1)
            x = engine.ones(1, 2, requires_grad=True)
            loss = model(x * 2).sum()
            return loss

        trace = explain(small, tmp_path / "page.html")
        assert (tmp_path / "page.html").read_bytes() == trace.html().encode()
        names = {node.label or node.variable for node in trace.nodes}
        assert {"x", "loss", "weight", "bias"} <= names
        assert len(trace.steps) == trace.total_steps == sum(node.kind in ("operation", "leaf") for node in trace.nodes)
        line = small.__code__.co_firstlineno + 3
        assert {node.line for node in trace.nodes if node.kind == "operation"} == {line}
        assert [group.kind for group in trace.groups] == ["Linear"]

    @pytest.mark.usefixtures("unmeasured")  # variables are seen by the trace function, which coverage has
    def test_whose_name_a_tensor_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(globals(), "grad", minigrad.ones(2))

        def small() -> Any:
            grad = minigrad.ones(2, requires_grad=True)
            given["given"] = grad
            return (grad * 2).sum() if grad.grad is None else None  # an attribute is no variable outside

        given: dict[str, Any] = {}
        for names, expected in ((None, "grad"), (given, "given")):
            assert expected in [node.label for node in explain(small, names=names).nodes]

    @ENGINES
    def test_it_is_backward(self, engine: Any) -> None:
        x = engine.tensor([2.0, 3.0], requires_grad=True)
        explain(x * x, gradient=engine.tensor([1.0, 10.0]), retain_graph=True)
        np.testing.assert_array_equal(x.grad.numpy(), [4.0, 60.0])

    @pytest.mark.parametrize(
        ("loss", "path", "error", "told"),
        [
            ("fine", "page.pdf", ValueError, r"^the page's name must end in \.html, got '.*page.pdf'"),
            ("fine", "page", ValueError, "must end in .html"),
            ("fine", "missing/page.html", OSError, "there is no such folder"),
            ("number", "page.html", TypeError, "^loss must be a minigrad or PyTorch tensor, got float: 3.0"),
            (
                "gives number",
                "page.html",
                TypeError,
                "^what loss returns must be a minigrad or PyTorch tensor, got int",
            ),
            ("no graph", "page.html", RuntimeError, "does not require grad"),
            ("freed", "page.html", RuntimeError, "backward through the graph a second time"),
            ("vector", "page.html", RuntimeError, "grad can be implicitly created only for scalar outputs"),
            ("fails", "page.html", ZeroDivisionError, "division"),
        ],
    )
    def test_what_is_wrong_is_told_before_anything_is_changed(
        self, loss: str, path: str, error: Any, told: str, tmp_path: Path
    ) -> None:
        x = minigrad.tensor([1.0, 2.0], requires_grad=True)
        freed = (x * x).sum()
        freed.backward()
        x.grad = None
        given = {
            "fine": (x * x).sum(), "number": 3.0, "gives number": lambda: 3, "no graph": minigrad.ones(()),
            "freed": freed, "vector": x * x, "fails": lambda: 1 / 0,
        }[loss]  # fmt: skip
        (tmp_path / "page.html").write_text("before")
        with pytest.raises(error, match=told):
            explain(given, tmp_path / path)
        assert x.grad is None
        assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
        assert (tmp_path / "page.html").read_text() == "before"

    def test_what_is_wrong_with_the_other_is_told_before_this_one_runs(self) -> None:
        x = minigrad.tensor(1.0, requires_grad=True)
        with pytest.raises(TypeError, match="^against must be a minigrad or PyTorch tensor, got str"):
            explain(x * 2, against="torch")
        assert x.grad is None

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_may_not_be_written(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        x = minigrad.tensor(1.0, requires_grad=True)
        with pytest.raises(PermissionError):
            explain(x * 2, tmp_path / "page.html")
        assert x.grad is None


class TestSideBySide:
    @pytest.mark.parametrize(("first", "second"), [(minigrad, torch), (torch, minigrad)], ids=["ours first", "theirs"])
    def test_equal_gradients(self, first: Any, second: Any) -> None:
        trace = explain(lambda: program(first), against=lambda: program(second))
        assert trace.beside is not None and trace.beside.first is None
        assert trace.beside.told == f"At {len(trace.steps)} nodes the gradients agree with " + (
            "PyTorch's." if second is torch else "minigrad's."
        )
        assert trace.beside.engine == second.__name__
        other = viz.record(program(second))
        assert {each.node: each.gradients for each in trace.beside.arrived} == {
            step.node: step.arrived for step in other.steps
        }
        assert Trace.from_json(trace.to_json()).beside == trace.beside

    def test_the_first_that_differs_is_named(self) -> None:
        trace = explain(lambda: program(minigrad), against=lambda: program(torch, factor=1.01))
        assert trace.beside is not None
        assert trace.beside.told == (
            f"The first gradient that differs from PyTorch's arrives at step {len(trace.steps)}, AccumulateGrad."
        )
        x = next(node for node in trace.nodes if node.id == trace.beside.first)
        assert x.label == "x" or x.variable == "x"

    @pytest.mark.parametrize(
        ("ours", "theirs", "same"),
        [
            ([1.0, 2.0], [1.0, 2.0 + 1e-5], True),
            ([1.0, 2.0], [1.0, 2.001], False),
            ([1.0, float("nan")], [1.0, float("nan")], True),
            ([1.0, float("nan")], [1.0, 0.0], False),
            ([1.0, float("inf")], [1.0, float("inf")], True),
            ([1.0, float("inf")], [1.0, float("-inf")], False),
            ([0.0, 1e-9], [0.0, -1e-9], True),  # no more than the rounding of a gradient of 1
        ],
    )
    def test_what_counts_as_equal(self, ours: list[float], theirs: list[float], same: bool) -> None:
        def of(engine: Any, slopes: list[float]) -> Any:
            x = engine.ones(2, requires_grad=True)
            return (x * engine.tensor(slopes)).sum()

        trace = explain(of(minigrad, ours), against=of(torch, theirs))
        assert trace.beside is not None and (trace.beside.first is None) == same

    def test_what_arrives_nowhere_in_one_differs(self) -> None:
        one, two = np.ones(1, np.float32), np.full(1, 2, np.float32)
        assert differ([None], [one], 1.0) and differ([one], [None], 1.0) and not differ([None, one], [None, one], 1.0)
        assert differ([one], [one, one], 1.0) and differ([one], [one.astype(np.float64)], 1.0)
        assert differ([one], [one.reshape(())], 1.0) and differ([one, two], [one, one], 1.0)

    def test_another_graph_is_told_and_what_is_common_compared(self) -> None:
        def of(engine: Any, last: str) -> Any:
            x = engine.ones(2, requires_grad=True)
            return getattr(x * 2, last)().sum()

        trace = explain(of(minigrad, "exp"), against=of(torch, "tanh"))
        assert trace.beside is not None
        assert "The graphs differ: node n2" in trace.beside.told and "TanhBackward0" in trace.beside.told
        x = minigrad.ones(2, requires_grad=True)
        y = torch.ones(2, requires_grad=True)
        trace = explain((x * 2 * 3).sum(), against=(y * 2).sum())
        assert trace.beside is not None and len(trace.beside.arrived) == 2
        assert trace.beside.first == "n3"  # a product here, a leaf there

    def test_a_gradient_that_is_given_goes_to_both(self) -> None:
        x, y = minigrad.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        for wrong in ("1", [1.0, 5.0]):
            with pytest.raises(TypeError, match="^gradients can be either"):
                explain(x * 2, gradient=wrong)
        trace = explain(x * 2, against=y * 2, gradient=np.array([1.0, 5.0]))
        trace = explain(x * 2, against=y * 2, gradient=minigrad.tensor([1.0, 5.0]))
        assert trace.beside is not None and trace.beside.first is None
        np.testing.assert_array_equal(y.grad.numpy(), [4.0, 20.0])  # type: ignore[union-attr]

    def test_how_closely_they_must_agree_is_as_for_networks(self) -> None:
        for name in ("float64", "float32"):
            assert TOLERANCES[f"network {name}"].relative == RELATIVE[name]


class TestValues:
    @pytest.mark.parametrize(
        ("values", "in_a_box", "beside"),
        [
            (np.float32(0.1), "0.1", "0.1"),
            (np.float32(1e-20), "1e-20", "1e-20"),
            (np.float64(1 / 3), "0.3333", "0.333333333"),
            (np.int64(7), "7", "7"),
            (np.bool_(True), "True", "True"),
            (np.array([[1.5, -2.0]], np.float32), "[1.5, -2.0]", "[[1.5, -2.0]]"),
            (np.array([np.nan, -np.inf], np.float32), "[nan, -inf]", "[nan, -inf]"),
            (np.arange(8, dtype=np.float32) / 3, "[0.0, …]", "[8] [0.0, 0.333333, 0.666667, 1.0, 1.33333, "),
            (np.zeros((0, 2), np.float32), "[]", "[0, 2] float32"),
            (
                np.arange(20, dtype=np.float32) - 1,
                "norm 45.93",
                "[20] float32, norm 45.9347, from -1.0 to 18.0, 1 zeros: -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, …",
            ),
        ],
    )
    def test_in_few_letters_and_in_full(self, values: Any, in_a_box: str, beside: str) -> None:
        summary = summary_of(np.asarray(values))
        assert short(summary) == in_a_box and len(short(summary)) <= views.ROOM - len("grad ")
        assert full(summary).startswith(beside)

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 1000])
    @pytest.mark.parametrize("scale", [1e-30, 1e-4, 1.0, -12345.678, 3e30])
    def test_a_box_has_room_for_all(self, size: int, scale: float) -> None:
        summary = summary_of(np.full(size, scale, np.float32))
        assert len(short(summary)) <= views.ROOM - len("grad ")


class TestViews:
    def test_they_differ_and_the_first_shown_is_small(self) -> None:
        trace = explain(lambda: program(minigrad))
        found = views.views_of(trace)
        assert [view.name for view in found] == ["every operation", "modules of depth 1", "the whole model"]
        assert [len(view.folded.boxes) for view in found] == sorted([len(view.folded.boxes) for view in found])[::-1]
        assert views.first_shown(found) == 0
        for view in found:
            assert view.svg.count("data-box=") == len(view.folded.boxes)
            assert view.svg.count("data-arrow=") == len(view.folded.arrows)

    def test_a_view_whose_layout_takes_too_long_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        trace = explain(lambda: program(minigrad))
        whole = len(views.views_of(trace)[0].folded.boxes)
        lay_out = views.laid_out

        def slow(source: str, *rest: Any, **options: Any) -> bytes:
            if source.count("height=") >= limit:
                raise TimeoutError("too slow")
            return lay_out(source, *rest, **options)

        monkeypatch.setattr(views, "laid_out", slow)
        limit = whole
        assert [view.name for view in views.views_of(trace)] == ["modules of depth 1", "the whole model"]
        limit = 0
        with pytest.raises(TimeoutError):
            trace.html()

    def test_the_page_is_made_of_the_trace_and_of_nothing_else(self) -> None:
        trace = explain(lambda: program(minigrad), against=lambda: program(torch))
        assert Trace.from_json(trace.to_json()).html() == trace.html()

    def test_each_node_has_its_own_files_lines_and_its_rules_backward(self, tmp_path: Path) -> None:
        x = minigrad.ones(2, requires_grad=True)
        with viz.watch():
            for name in ("one.py", "two.py"):
                file = tmp_path / name
                file.write_text("x = x * 2\n")
                variables = {"x": x}
                exec(compile(file.read_text(), file, "exec"), variables)
                x = variables["x"]
        trace = viz.trace_graph(x)
        data = PageData(trace, [])
        made = [node for node in trace.nodes if node.kind == "operation"]
        assert len({node.file for node in made}) == 2
        assert all(trace.excerpts[data.node(node)["excerpt"]].file == node.file for node in made)
        rule = rule_data(
            "class A:\n    x = 1\n\n    def backward(ctx, grad):\n        y = grad\n        return y\n    z = 1\n"
        )
        assert (rule["begin"], rule["end"]) == (4, 6)

    def test_a_trace_without_steps_has_a_page(self) -> None:
        loss = program(minigrad)
        page = viz.trace_graph(loss, names={"</title>": loss}).html()
        assert "<title>graph of &lt;/title&gt;</title>" in page and '"steps":[]' in page


NOTEBOOK = [
    "import minigrad\nfrom minigrad import viz\nx = minigrad.tensor([1.0, 2.0], requires_grad=True)",
    "with viz.watch():\n    loss = (x * x).sum()\nviz.draw(loss)",
    "viz.record(loss, names={'x': x})",
    "minigrad.explain(lambda: (x * 3).sum(), 'page.html')",
    "print(viz.text(x * 2))",
]


@pytest.mark.slow
def test_a_notebook(tmp_path: Path) -> None:
    """It is executed, and its outputs are what a reader sees: pictures and pages, and nothing red."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in NOTEBOOK])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert outputs[0] == [] and all(len(each) == 1 for each in outputs[1:])
    assert [each for cell in outputs for each in cell if each.get("name") == "stderr"] == []
    _, drawn, recorded, explained, told = [cell[0] if cell else None for cell in outputs]
    assert "<svg" in drawn.data["text/html"] and "MulBackward0" in drawn.data["text/html"]
    for output in (recorded, explained):
        frame = output.data["text/html"]
        assert frame.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts"' in frame
        page = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])  # type: ignore[index]
        assert page.startswith("<!doctype html>") and "MulBackward0" in page
    assert page == (tmp_path / "page.html").read_text()
    assert told.text.startswith("%0 = leaf  [2] float32: 1.0, 2.0  grad")
