"""Programs of both engines: the same source scripted and traced on both, and what became of it."""

import inspect
import io
import re
import warnings

import numpy as np
import pytest
import torch

import minigrad
from comparisons import compare_values
from torch_impl.predict import torchscript_is_deprecated

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.*is deprecated:FutureWarning")
rows = np.random.default_rng(1).normal(size=(4, 3))


def functions_of(engine):
    """The same functions for an engine, whose types their annotations name."""
    functional, Tensor = engine.nn.functional, engine.Tensor

    def polynomial(x):
        y = x**2 + 2 * x + 1
        return y

    def branch(x):
        if x.sum() > 0:
            return 2 * x
        return -x

    def loop(x, count: int = 5):
        for i in range(1, count):
            if i == 2:
                continue
            if bool(x.sum() > 10):
                break
            x = x * 2 + i
        return x

    def sequence(x):
        state = engine.zeros(3, dtype=x.dtype)
        states = []
        for step in range(x.shape[0]):
            state = engine.tanh(x[step] + state * 0.5)
            states.append(state)
        return engine.stack(states)

    def helper(x, scale: float):
        if bool(x.mean() > 0):
            x = x * scale
        return x

    def calls(x):
        return helper(x, 2.0) + helper(-x, 3.0)

    def subscripts(x):
        return x[0, 1:].sum() + x[..., 0].sum() + x[:, None, -1].sum()

    def parts(x):
        first, second, third = x.chunk(3, 1)
        values, places = engine.cat([first, third, second], 1).max(1)
        return values.softmax(-1) + places

    def arithmetic(x):
        return (1 - x) / (1 + x * x) + x % 2 + 1 / (x + 9) + (x @ x.t()).sum()

    def sizes(x):
        count, width = x.size(0), x.size(1)
        return x.view(width, count) * (count * width) / x.size(0)

    def optional(x, bias: Tensor | None = None):
        if bias is not None:
            x = x + bias
        return x * 2

    def losses(x):
        return functional.cross_entropy(x, x.argmax(1)) + functional.mse_loss(x, x * 2)

    def waits(x):
        rounds = 0
        while rounds < 4 and bool(x.abs().sum() < 50):
            x = x * 2
            rounds += 1
        return x + rounds

    def raises(x):
        if x.dim() != 3:
            raise ValueError(f"expected 3D input (got {x.dim()}D input)")
        return x

    return {name: each for name, each in locals().items() if inspect.isfunction(each) and name != "helper"}


OURS, THEIRS = functions_of(minigrad), functions_of(torch)


def called(engine, program, values):
    """A program's result and gradient, or its error."""
    x = engine.tensor(values, requires_grad=True)
    try:
        result = program(x)
    except Exception as error:
        return re.findall(r"expected 3D input \(got 2D input\)", str(error))
    result.sum().backward()
    return [result, x.grad]


@pytest.mark.parametrize(("name", "make"), [(name, make) for name in OURS for make in ("script", "trace")][:-1])
@pytest.mark.filterwarnings("ignore::minigrad.jit.TracerWarning", "ignore::torch.jit.TracerWarning")
def test_programs_of_one_source_give_the_same(name, make):
    """Also where another branch is taken than the one that was traced. A trace raises nothing: the last is left out."""
    programs = []
    for engine, functions in ((minigrad, OURS), (torch, THEIRS)):
        function = functions[name]
        if make == "script":
            programs.append(engine.jit.script(function))
        else:
            programs.append(engine.jit.trace(function, engine.tensor(rows)))
    for values in (rows, -rows, 9 * rows):
        ours, theirs = called(minigrad, programs[0], values), called(torch, programs[1], values)
        assert len(ours) == len(theirs) > 0
        for found, expected in zip(ours, theirs):
            if isinstance(found, str):
                assert found == expected
            else:
                compare_values(f"{make}, {name}", found, expected, "second order").check()


def kinds(graph):
    """The kinds of the nodes that compute, without the constants, in order."""
    text = str(graph)
    return [each for each in re.findall(r"= ((?:aten|prim)::\w+)", text) if each != "prim::Constant"]


@pytest.mark.parametrize("name", ["polynomial", "branch", "sizes"])
def test_scripted_graphs_have_the_same_nodes(name):
    """Where PyTorch simplifies nothing."""
    assert kinds(minigrad.jit.script(OURS[name]).graph) == kinds(torch.jit.script(THEIRS[name]).graph)


def network(engine):
    nn = engine.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(3)
            self.relu = nn.ReLU(inplace=True)
            self.drop = nn.Dropout(0.0)
            self.pool = nn.MaxPool2d(2)
            self.layers = nn.ModuleList([nn.Linear(12, 12), nn.Linear(12, 12)])
            self.downsample = None
            self.register_buffer("scale", engine.ones(12, dtype=engine.float64) * 2)

        def forward(self, x):
            out = self.bn(self.conv(x))
            if self.downsample is not None:
                x = self.downsample(x)
            out += x
            out = self.drop(self.pool(self.relu(out))).flatten(1)
            for layer in self.layers:
                out = layer(out) * self.scale
            return out

    engine.manual_seed(0)
    return Block().double()


@pytest.mark.parametrize("make", ["script", "trace"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # of a check that PyTorch makes
def test_programs_of_a_network_are_equal(make, training):
    """Outputs, gradients, and what training leaves in the buffers; loaded again by each engine."""
    left = []
    for engine in (minigrad, torch):
        model = network(engine).train(training)
        x = engine.rand(2, 3, 4, 4, dtype=engine.float64).requires_grad_()
        program = engine.jit.script(model) if make == "script" else engine.jit.trace(model, x, check_trace=False)
        file = io.BytesIO()
        engine.jit.save(program, file)
        file.seek(0)
        loaded = engine.jit.load(file)
        for _ in range(2):
            output = loaded(x)
            output.square().sum().backward()
        left.append({"output": output, "x.grad": x.grad, **loaded.state_dict(), **grads_of(loaded)})
    ours, theirs = left
    assert [*ours] == [*theirs]
    for name, value in ours.items():
        compare_values(name, value, theirs[name], "network float64").check()


def grads_of(model):
    return {f"{name}.grad": each.grad for name, each in model.named_parameters()}


@pytest.mark.parametrize("engine", [minigrad, torch], ids=lambda engine: engine.__name__)
def test_both_warn_of_a_branch_that_is_lost(engine):
    function = (OURS if engine is minigrad else THEIRS)["branch"]
    with warnings.catch_warnings(), pytest.warns(engine.jit.TracerWarning, match="a Python boolean"):
        traced = engine.jit.trace(function, engine.ones(2), check_trace=False)
    with torchscript_is_deprecated():
        scripted = engine.jit.script(function)
    x = -engine.ones(2)
    assert scripted(x).tolist() == function(x).tolist() == [1, 1] and traced(x).tolist() == [-2, -2]


@pytest.mark.parametrize("engine", [minigrad, torch], ids=lambda engine: engine.__name__)
def test_both_refuse_another_length_than_that_of_a_traced_loop(engine):
    with pytest.warns(engine.jit.TracerWarning, match="Iterating over a tensor"):
        traced = engine.jit.trace(lambda x: sum(row * 2 for row in x), engine.ones(3, 2))
    assert traced(engine.ones(3, 2)).tolist() == [6, 6]
    with pytest.raises(RuntimeError, match="Expected 3 elements in a list but found 7"):
        traced(engine.ones(7, 2))


def test_a_program_of_pytorchs_is_told_from_one_of_minigrads(tmp_path):
    torch.jit.script(torch.nn.ReLU()).save(tmp_path / "theirs.pt")
    with pytest.raises(Exception, match=r"TorchScript program.*: PyTorch alone runs it"):
        minigrad.jit.load(tmp_path / "theirs.pt")
    layer = minigrad.nn.Linear(2, 2)
    minigrad.jit.script(layer).save(tmp_path / "ours.pt")
    data = torch.load(tmp_path / "ours.pt", weights_only=True)  # data, for PyTorch too
    assert data["format"] == "minigrad program"
    assert torch.equal(data["modules"][0]["parameters"]["weight"], torch.tensor(layer.weight.tolist()))
