"""The chapters with an engine that is not minigrad: what it lacks, where it stops, and what goes on."""

import json
import sys

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import minigrad
from comparisons import CHAPTERS, compare_values
from comparisons.chapters import layers, operations, tape
from comparisons.cli import app
from comparisons.engines import NoEngine, load_engine
from comparisons.harness import Report, array_of, tensors_in
from comparisons.running import InItsProcess, TrainingStopped
from comparisons.settings import Settings
from minigrad.graph import accumulation, engine
from minigrad.graph.function import Function
from minigrad.ops import choosing, matmul, transposition

pytestmark = pytest.mark.usefixtures("unmeasured", "forked")

# As micrograd is: a few operations, on arrays. It prints, one operation stops, one ends the process.
SMALL = """
import os
import numpy as np

__version__ = "0.1"
float64, float32 = "float64", "float32"


class Tensor:
    grad_fn = None

    def __init__(self, array, made_of=(), requires_grad=False):
        self.array = np.asarray(array, float)
        self.grad, self.made_of, self.requires_grad = None, made_of, requires_grad

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)

    def __array__(self, *_, **__):
        return self.array

    def __mul__(self, other):
        other = other if isinstance(other, Tensor) else Tensor(other)
        return Tensor(self.array * other.array, [(self, other.array), (other, self.array)])

    def __add__(self, other):
        other = other if isinstance(other, Tensor) else Tensor(other)
        return Tensor(self.array + other.array, [(self, 1), (other, 1)])

    __rmul__, __radd__ = __mul__, __add__

    def __pow__(self, number):
        return self.array / None

    def abs(self):
        if "END" in os.environ:
            os._exit(0)
        raise NotImplementedError("abs")

    def sum(self):
        return Tensor(self.array.sum(), [(self, np.ones(self.shape))])

    def backward(self, gradient=1.0):
        if not self.made_of:
            self.grad = Tensor(gradient if self.grad is None else self.grad.array + gradient)
        for source, slope in self.made_of:
            source.backward(gradient * slope)


def tensor(value, dtype=None, device=None, requires_grad=False):
    print("a tensor is made")
    return Tensor(value, (), requires_grad)
"""


def command(*arguments):
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(SMALL)
    return path


def test_what_an_engine_lacks_and_where_it_stops_are_rows_and_the_rest_goes_on(small, tmp_path, monkeypatch):
    monkeypatch.setenv("END", "")
    results = tmp_path / "results.json"
    chapters = "--only", "dynamic-graph", "--only", "custom-layer"
    done = command("--engine", str(small), "--json", str(results), *chapters)
    written = json.loads(results.read_text())
    assert done.exit_code == written["exit_status"] == 1, done.output  # graphs differ, beside all that did not finish
    assert written["engine"] == {"name": "small", "file": str(small), "version": "0.1"}
    assert written["versions"]["torch"] == torch.__version__ and written["not_run"] == []
    graph, layer = [{row["subject"]: row for row in each["comparisons"]} for each in written["chapters"]]
    assert graph["a value used thrice: dy/dx"]["status"] == "equal"
    stopped = graph["dy/dx = 6 at 2: small"]
    assert stopped["status"] == "stopped"
    assert stopped["message"].endswith("in Tensor.__pow__, line 33 of small.py")
    ended = graph["a loop on values: dy/dx"]  # the process did, and with it the chapter
    assert ended["message"].endswith("stopped: did not finish, its process ended with status 0")
    assert list(graph)[-1] == "a loop on values: dy/dx"
    assert layer["network"]["message"].endswith("not there yet: module 'small' has no attribute 'nn'")
    assert "a tensor is made" not in done.output
    assert done.output.count("in Tensor.__pow__, line 33 of small.py") == 1  # though it stopped four checks


def test_a_silent_engine_is_given_up(small):
    small.write_text(SMALL.replace("raise NotImplementedError", "import time; time.sleep(60)"))
    with InItsProcess(str(small), patience=60) as process:
        with pytest.raises(TrainingStopped, match="not there yet: module 'small' has no attribute"):
            process.train(Settings(), "neural-net", 10, 1, 20)
        process.patience = 0.5
        report = process.chapter("dynamic-graph", Settings())
        assert process.process is None
    assert report.rows[-1].message.endswith("did not finish, nothing was heard of it for 0.5 s (--timeout)")


ENGINES = {
    "raises": ("raise ValueError('no engine')", "ValueError: no engine, in <module>, line 1 of raises.py"),
    "exits": ("import sys; sys.exit(0)", "SystemExit: 0, in <module>, line 1 of exits.py"),
    "wrong": ("x = 1\ndef (", "SyntaxError: invalid syntax, line 2 of wrong.py"),
}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_cannot_be_imported_is_told_with_its_line(name, tmp_path):
    program, sentence = ENGINES[name]
    (tmp_path / f"{name}.py").write_text(program)
    with pytest.raises(NoEngine, match=f"cannot be imported: {sentence}"):
        load_engine(str(tmp_path / f"{name}.py"))
    sys.modules.pop(name)


def test_an_engine_that_ends_the_process_is_wrong_usage(tmp_path):
    (tmp_path / "ends.py").write_text("import os; os._exit(0)")
    done = command("train", "--engine", str(tmp_path / "ends.py"), "--figure", str(tmp_path / "x.png"))
    assert done.exit_code == 2 and "its process ended with status 0" in " ".join(done.output.split())


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", ["train", "bench"])
def test_the_engine_is_checked_before_every_command(name, before, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command(*(["--engine", "no_such_engine", name] if before else [name, "--engine", "no_such_engine"]))
    assert done.exit_code == 2 and "No module named 'no_such_engine'" in done.output
    assert not list(tmp_path.iterdir())


def test_options_of_the_chapters_before_a_command_are_refused():
    done = command("--seed", "3", "train")
    assert done.exit_code == 2 and "--seed" in done.output


def test_graphs_of_another_engine_are_not_drawn(small, tmp_path):
    done = command("--engine", str(small), "--figures", str(tmp_path))
    assert done.exit_code == 2 and "--figures" in done.output


def test_a_path_is_imported_under_its_own_name(tmp_path):
    (tmp_path / "json.py").write_text("")
    for path, sentence in (("json.py", "another name"), ("none.py", "there is no file"), (".", "there is no file")):
        done = command("--engine", f"{tmp_path}/{path}", "--only", "tape")
        assert done.exit_code == 2 and sentence in " ".join(done.output.replace("│", " ").split()), done.output


def test_json_tells_what_stopped_the_run(tmp_path, monkeypatch):
    def interrupted(settings):
        raise KeyboardInterrupt

    monkeypatch.setitem(CHAPTERS, "tape", interrupted)
    results = tmp_path / "results.json"
    command("--only", "dynamic-graph", "--only", "tape", "--only", "layers", "--json", str(results))
    written = json.loads(results.read_text())
    assert written["stop_reason"] == "interrupted" and written["exit_status"] == 130
    assert [each["chapter"] for each in written["chapters"]] == ["dynamic-graph"]
    assert written["not_run"] == ["tape", "layers"]
    done = command("--engine", "no_such_engine", "--json", str(results))
    assert "no_such_engine" in json.loads(results.read_text())["stop_reason"] and done.exit_code == 2


def test_messages_stand_in_the_order_of_the_steps():
    report = Report("order")
    one, two, three = [torch.tensor([float(each), 1.0]) for each in (1, 2, 3)]
    report.add("loss", [compare_values("loss at step 1", one, one, "exact")])
    report.add("weights", [compare_values("weights at step 1", two, one, "exact")])
    report.add("loss", [compare_values("loss at step 2", three, one, "exact")])
    assert [each.subject for each in report.findings] == ["weights at step 1", "loss at step 2"]
    assert [row.subject for row in report.rows] == ["loss", "weights"] and report.rows[0].values == 4


def test_the_first_difference_of_a_network_is_traced_to_its_rule(monkeypatch):
    monkeypatch.setattr(matmul, "grad_of_second", lambda a, b, grad_z: 3 * (a.T @ grad_z))
    finding = CHAPTERS["custom-layer"](Settings()).findings[0]
    assert finding.subject == "gradient at step 1, weight"
    assert "the gradient that AddmmBackward0" in str(finding) and "ours is 3 times theirs" in str(finding)


class Wrapped:
    """A tensor of nobody's class: it has values, a shape and a place in a graph."""

    grad_fn = None
    shape = (2,)

    def numpy(self):
        return np.ones(2)


def test_tensors_are_known_by_what_they_have():
    tensor = Wrapped()
    assert tensors_in([tensor, (1, "x", tensor)]) == [tensor, tensor]
    assert array_of(tensor).tolist() == [1, 1]
    assert compare_values("values", tensor, torch.ones(2, dtype=torch.float64), "exact").agrees


# One mistake each that no other chapter notices: the row that does.
MISTAKES = {
    "a second backward replaces": (accumulation, "add_to_grad", tape, "a second backward adds"),
    "nothing is freed": (Function, "free", tape, "a graph is freed once it was walked"),
    "no version is looked at": (Function, "check_versions", tape, "a saved factor changed in place"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_of_the_tape_are_noticed(mistake, monkeypatch):
    place, name, chapter, row = MISTAKES[mistake]
    if place is accumulation:
        monkeypatch.setattr(engine, name, lambda node, gradient: node.variable.grad.array.__setitem__(..., gradient))
    else:
        monkeypatch.setattr(place, name, lambda *arguments: None)
    assert row in [each.subject for each in chapter.run(Settings()).rows if not each.agrees]


def test_mistakes_at_kinks_ties_and_on_squares_are_noticed(monkeypatch):
    def whole(ctx, grad_z):
        x, y = [np.asarray(each) for each in ctx.saved_tensors]
        return grad_z * (x >= y), grad_z * (y >= x)

    monkeypatch.setattr(choosing.Maximum, "backward", whole)
    monkeypatch.setattr(transposition.Permute, "backward", lambda ctx, grad_z: grad_z.transpose(ctx.dims))
    monkeypatch.setattr(matmul, "grad_of_second", lambda a, b, grad_z: (a.T @ grad_z).T if a.ndim else None)
    wrong = {row.subject for row in operations.run(Settings()).rows if not row.agrees}
    assert {"maximum at a tie", "three dims in another order", "product of square matrices"} <= wrong


def test_mistakes_of_layers_and_optimizers_are_noticed(monkeypatch):
    update = minigrad.optim.SGD.update
    monkeypatch.setattr(minigrad.optim.SGD, "update", lambda *a: update(*a[:3], {**a[3], "nesterov": False}))
    normalize = minigrad.nn.functional.batch_norm
    monkeypatch.setattr("minigrad.nn.functional.batch_norm", lambda *a: normalize(*a[:5], True, *a[6:]))
    wrong = [row.subject for row in layers.run(Settings()).rows if not row.agrees]
    assert wrong == ["batch norm, evaluation mode", "batch norm of images, evaluation mode", "SGD, nesterov"]


def test_a_cause_is_guessed_of_finite_values_alone():
    theirs = torch.tensor([1.0, 2.0], dtype=torch.float64)
    twice, infinite = minigrad.tensor([2.0, 4.0]).double(), minigrad.tensor([2.0, float("inf")]).double()
    assert compare_values("x", twice, theirs, "exact").cause == "a constant factor: ours is 2 times theirs"
    assert compare_values("x", infinite, theirs, "exact").cause == ""
    assert compare_values("x", 0 * twice, theirs, "exact").cause == "nothing arrived: ours is 0 everywhere"
    huge = twice * 1e200
    assert compare_values("x", huge, theirs * 1e200, "exact").cause == "a constant factor: ours is 2 times theirs"
    assert compare_values("x", huge, theirs * 1e-200, "exact").cause == ""
    least = minigrad.tensor([5e-324], dtype=minigrad.float64)
    assert compare_values("x", least, theirs[:1], "exact").cause == ""
