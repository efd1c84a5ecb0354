"""``python -m comparisons program``: one's own program on both engines, and the first difference by its line."""

import ast
import importlib
import io
import os
import re
import sys
import time
import timeit
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import minigrad
from comparisons.cli import app
from comparisons.program import running
from comparisons.program.agreeing import Found, compare_events
from comparisons.program.imports import change_imports_below
from comparisons.program.recording import NUMBER, Recorder
from comparisons.program.running import Request, Unusable, copy_folder
from comparisons.program.worker import DRAWING, DRAWING_METHODS, in_minigrads_sequence, nudged, replace_draws
from minigrad.compat.report import report_on
from minigrad.neighbours.changing import with_changed_imports

PAGE = Path(__file__).parents[2] / "docs" / "your-programs.md"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("import torch", "import minigrad as torch"),
        ("import torch, os", "import minigrad as torch\nimport os"),
        ("import torch.nn as nn", "import minigrad.nn as nn"),
        ("import torch.nn.functional", "import minigrad.nn.functional\nimport minigrad as torch"),
        ("from torch.utils.data import DataLoader as D", "from minigrad.utils.data import DataLoader as D"),
        ("import torchvision.transforms as T", "import minigrad.torchvision.transforms as T"),
        (
            "import torchvision.transforms",
            "import minigrad.torchvision.transforms\nimport minigrad.torchvision as torchvision",
        ),
        ("import torchvision as tv", "import minigrad.torchvision as tv"),
        ("from torchvision.models import vgg16", "from minigrad.torchvision.models import vgg16"),
        ("from . import torch", "from . import torch"),
        ("import lightning.pytorch as pl", "import minigrad.lightning as pl"),
        ("def f():\n    from torch import nn", "def f():\n    from minigrad import nn"),
    ],
)
def test_imports_are_changed(theirs, ours):
    assert ast.unparse(with_changed_imports(ast.parse(theirs))) == ours


def test_modules_of_the_program_are_changed_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path_hooks", [*sys.path_hooks])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "net_of_a_program.py").write_text("import torch.nn as nn")
    monkeypatch.syspath_prepend(tmp_path / "own")
    change_imports_below(tmp_path)
    assert importlib.import_module("net_of_a_program").nn is minigrad.nn
    sys.path_importer_cache.clear()


PROGRAM = """
from timeit import default_timer
engine.manual_seed(0)
net = engine.nn.Linear(3, 2)
optimizer = engine.optim.SGD(net.parameters(), lr=0.1)
for step in range(2):
    loss = net(engine.ones(4, 3)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("step", step, loss.item(), default_timer(), "x1 v2.0.1", loss.grad_fn.next_functions[0][0], end="")
    print("", loss.register_hook(id), end="")
print()
half = engine.ones(2, dtype=engine.float16)
"""


def recorded(engine, monkeypatch, program=PROGRAM):
    """What a program tells of itself; all that is watched is as it was before."""
    with monkeypatch.context() as patched:
        for owner, name in ((engine.Tensor, "backward"), (engine.optim.Optimizer, "__init__"), (sys, "stdout")):
            patched.setattr(owner, name, getattr(owner, name))
        for name in ("time", "perf_counter", "process_time", "monotonic"):
            patched.setattr(time, name, getattr(time, name))
        patched.setattr(timeit, "default_timer", timeit.default_timer)
        stream = io.BytesIO()
        recorder = Recorder(engine, stream, "/own", 0)
        recorder.begin()
        recorder.namespace = {"engine": engine}
        try:
            exec(compile(program, "/own/train.py", "exec"), recorder.namespace)
        except Exception as error:
            recorder.fail(error)
        else:
            recorder.end()
    stream.seek(0)
    return list(running.events_of(stream))


@pytest.fixture(scope="module")
def told():
    """What both engines tell of a program."""
    monkeypatch = pytest.MonkeyPatch()
    return [recorded(engine, monkeypatch) for engine in (minigrad, torch)]


def test_what_is_noted(told):
    for events in told:
        assert [event["kind"] for event in events] == ["loss", "step", "loss", "step", "printed", "end"]
        loss, step, *_, printed, end = events
        assert loss["place"] == "train.py:9" and loss["values"][0].shape == () and loss["dtypes"] == ["float32"]
        assert step["names"] == ["net.weight", "net.bias"] and len(step["gradients"]) == 2
        assert abs(step["gradients"][0] / step["gradients"][1] - 3**0.5) < 1e-5  # of three inputs, all one
        assert printed["numbers"][::3] == ["0", "1"] and printed["numbers"][2::3] == ["0.001", "0.002"]
        assert set(printed["places"]) == {"train.py:12", "train.py:13"} or printed["places"]
        assert end["names"] == ["half", "loss", "net.bias", "net.weight"] and "float16" in end["dtypes"]


def compared(*runs):
    found = Found("train.py")
    for events in zip(*runs):
        if not compare_events(found, *events):
            break
    return found


def test_equal_runs(told):
    found = compared(*told)
    assert (found.difference, found.stopped) == ("", "")
    assert found.counts == {"loss": 2, "step": 2, "printed": 1, "end": 1}
    assert [row.subject for row in found.report.rows] == [
        "losses",
        "parameters after a step",
        "printed numbers",
        "tensors at the end",
    ]


def changed(events, number, **what):
    """The events with one of them changed."""
    return [{**event, **what} if place == number else event for place, event in enumerate(events)]


@pytest.mark.parametrize(
    ("number", "what", "difference"),
    [
        (2, {"values": [np.float32(3.0)]}, "the value at loss 2 (train.py:9): 1 of 1 values differ"),
        (0, {"dtypes": ["float64"]}, "the value at loss 1 (train.py:9): dtypes differ: ours float64, theirs float32"),
        (3, {"values": [np.zeros((2, 3), np.float32)] * 2}, "net.weight at step 2 (train.py:10): 6 of 6 values"),
        (
            1,
            {"names": ["net.weight"]},
            "at a step of an optimizer (train.py:10) minigrad has 1 tensors, PyTorch 2 tensors",
        ),
        (
            1,
            {"kind": "end"},
            "minigrad comes to its end (train.py:10), PyTorch to a step of an optimizer (train.py:10)",
        ),
        (4, {"numbers": ["0", "9.5", "0.001", "1", "2", "0.002"]}, "printed at train.py:"),
        (
            5,
            {"names": ["half", "loss", "net.bias", "other"]},
            "at its end minigrad has 4 tensors (half, loss, net.bias, other)",
        ),
        (
            2,
            {"kind": "error", "type": "E", "message": "no", "at": "a.py:1"},
            "PyTorch goes on, minigrad stops: E: no (a.py:1)",
        ),
        (2, {"kind": "gone"}, "PyTorch goes on, minigrad stops: its process ended"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_first_difference_is_named(number, what, difference, told):
    ours, theirs = told
    assert compared(changed(ours, number, **what), theirs).difference.startswith(difference)


@pytest.mark.parametrize(
    ("ours", "theirs", "named"),
    [
        ([1.0, 1e-9], [1.0, 2e-9], True),
        ([1.0, 1e-9], [1.0, 1e-3], False),
        ([1.0, 1e-3], [1.0, 1e-9], False),
        ([1.0, 0.0], [1.0, 0.0], False),
        ([0.0, 0.0], [0.0, 0.0], False),
    ],
)
def test_a_parameter_with_next_to_no_gradient_is_named(ours, theirs, named, told):
    _, step, *_ = told[0]
    weight, bias = step["values"]
    found = compared([{**step, "gradients": ours, "values": [weight, bias + 0.1]}], [{**step, "gradients": theirs}])
    words = (
        "net.bias at step 1 (train.py:10), whose gradient is next to nothing on both engines, 2e-09 of the largest: "
    )
    assert found.difference.startswith(words if named else "net.bias at step 1 (train.py:10): ")


def test_where_pytorch_stops_nothing_differs(monkeypatch):
    runs = [recorded(engine, monkeypatch, PROGRAM + "engine.ones(2) @ engine.ones(3)") for engine in (minigrad, torch)]
    found = compared(*runs)
    assert not found.difference and re.match(r"PyTorch stops: RuntimeError: .* \(train.py:15\)", found.stopped)


@pytest.mark.parametrize(("moved", "rounding"), [(0.0, False), (1e-3, False), (0.11, True)])
def test_what_moves_in_pytorch_too_is_rounding(moved, rounding, told):
    ours, theirs = [changed(events, 1, values=[np.ones((2, 3)), np.ones(2)])[:3] for events in told]
    third = changed(theirs, 1, values=[np.ones((2, 3)), np.full(2, 1 + moved)])
    ours[1]["values"] = [np.ones((2, 3)), np.full(2, 2.0)]
    found = compared(ours, theirs, third)
    assert found.rounding == "net.bias at step 1 (train.py:10)" * rounding
    assert found.difference.startswith("net.bias at step 1 (train.py:10): 2 of 2") or rounding
    assert found.counts == {"loss": 1 + rounding, "step": 1}


def test_where_rounding_decides_what_comes_nothing_is_compared_further(told):
    ours, theirs = told
    found = compared(ours, theirs, changed(theirs, 2, kind="step"))
    assert found.stopped == "rounding alone decides what PyTorch does after a loss (train.py:9)"


def test_the_third_run_has_numbers_a_little_larger():
    numbers = nudged(torch.rand, torch)(4, generator=torch.Generator().manual_seed(0))
    plain = torch.rand(4, generator=torch.Generator().manual_seed(0))
    assert (numbers != plain).tolist() == [True, False, False, True] and torch.allclose(numbers, plain, rtol=5e-6)
    assert nudged(torch.randint, torch)(9, (4,)).dtype == torch.int64


@pytest.mark.parametrize(
    ("ours", "theirs", "agree"),
    [
        ("0.6931", "0.6932", True),
        ("0.6931", "0.6933", False),
        ("9712", "9711", False),
        ("1.2e-05", "1.3e-05", True),
        ("nan", "nan", True),
        ("nan", "1.0", False),
        ("inf", "inf", True),
        ("-0.00", "0.00", True),
    ],
)
def test_printed_numbers(ours, theirs, agree):
    event = {"kind": "printed", "dtypes": [], "places": ["a.py:1"]}
    found = compared([{**event, "numbers": [ours]}], [{**event, "numbers": [theirs]}])
    assert (found.difference == "") == agree


def test_what_is_a_number():
    text = "loss: 0.25, 3 of 10. nan info 1e-4 -2.5 2.14.1+minigrad.0.1.0 x1 0x7f12 [1., 2.] 97.5% <AddBackward0>"
    assert NUMBER.findall(text) == ["0.25", "3", "10.", "nan", "1e-4", "-2.5", "1.", "2.", "97.5"]


def test_random_numbers_of_libraries_are_in_minigrads_sequence(monkeypatch):
    with monkeypatch.context() as patched:
        for owner, names in ((torch, DRAWING), (torch.Tensor, DRAWING_METHODS)):
            for name in names:
                patched.setattr(owner, name, getattr(owner, name))
        replace_draws(torch, in_minigrads_sequence)
        minigrad.manual_seed(1)
        mixed = [minigrad.rand(2).tolist(), torch.rand(2).tolist(), torch.empty(2).uniform_().tolist()]
        mixed.append(minigrad.rand(2).tolist())
    torch.manual_seed(1)
    assert mixed == [torch.rand(2).tolist() for _ in range(4)]


def test_the_folder_is_copied(tmp_path, monkeypatch):
    source = tmp_path / "source"
    (source / "data").mkdir(parents=True)
    (source / ".git").mkdir()
    (source / "data" / "names.txt").write_text("a")
    (source / "large.bin").write_bytes(b"12345")
    monkeypatch.setattr(running, "LARGEST_COPY", 4)
    copy_folder(source, tmp_path / "target")
    assert sorted(os.listdir(tmp_path / "target")) == ["data", "large.bin"]
    assert (tmp_path / "target" / "large.bin").is_symlink() and not (tmp_path / "target" / "data").is_symlink()
    monkeypatch.setattr(running, "MOST_FILES", 1)
    with pytest.raises(Unusable, match="more than 1 files"):
        copy_folder(source, tmp_path / "other")


@pytest.mark.parametrize(
    ("folder", "source", "file"),
    [
        (None, "course/week 1", "train.py"),
        ("course", "course", "week 1/train.py"),
        ("course/..", ".", "course/week 1/train.py"),
    ],
)
def test_the_folder_that_is_copied(folder, source, file, tmp_path, monkeypatch):
    (tmp_path / "course" / "week 1").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    request = Request(Path("course/week 1/train.py"), folder=folder and Path(folder))
    assert request.places() == ((tmp_path / source).resolve(), Path(file))


@pytest.fixture
def forked(request, monkeypatch):
    """Programs run in forks of a process that has PyTorch, where that is possible.

    How Python hashes, what Matplotlib draws with and whether modules are kept compiled is settled in those already, and
    no program here depends on it.
    """
    if sys.platform != "linux":
        return
    begin = request.getfixturevalue("forking").Popen
    settled = ("PYTHONHASHSEED", "MPLBACKEND", "PYTHONDONTWRITEBYTECODE")

    def begun(command, env, **options):
        return begin(command, env={name: text for name, text in env.items() if name not in settled}, **options)

    monkeypatch.setattr(running.subprocess, "Popen", begun)


@pytest.mark.usefixtures("unmeasured", "forked")
def test_a_program_that_imports_what_lies_beside_its_folder(tmp_path):
    (tmp_path / "week").mkdir()
    (tmp_path / "kit.py").write_text("import torch\ndef ones(): return torch.ones(2)")
    program = tmp_path / "week" / "train.py"
    program.write_text(
        "import os, sys\nsys.path.append('..')\nfrom kit import ones\nprint(ones(), os.listdir('.'))\nopen('new', 'w')"
    )
    done = CliRunner().invoke(app, ["program", str(program), "--folder", str(tmp_path)])
    assert done.exit_code == 0 and "Equal." in done.output
    assert os.listdir(tmp_path / "week") == ["train.py"]


def test_values_that_differ_are_compared_beside_a_third_run(monkeypatch):
    runs = []

    def compare_runs(request, *engines):
        runs.append(engines)
        return Found("a.py", difference="a value", values_differ=len(engines) == 2)

    monkeypatch.setattr(running, "compare_runs", compare_runs)
    running.compare_program(Request(Path("a.py")))
    assert runs == [("minigrad", "torch"), ("minigrad", "torch", "nudged")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["absent.py"], "there is no file"),
        (["a.txt"], "must end in .py or .ipynb"),
        (["a.py", "--steps", "-1"], "--steps"),
        (["a.py", "--folder", "other"], "other does not hold a.py: --folder is one that the program lies in"),
    ],
)
def test_wrong_usage(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").touch()
    (tmp_path / "other").mkdir()
    if "--folder" in arguments:
        (tmp_path / "a.py").touch()
    done = CliRunner().invoke(app, ["program", *arguments])
    assert done.exit_code == 2 and told in " ".join(done.output.split())


@pytest.mark.usefixtures("unmeasured", "forked")
def test_what_takes_too_long_is_ended_and_leaves_no_process(tmp_path, monkeypatch):
    begun = []
    popen = running.subprocess.Popen
    monkeypatch.setattr(
        running.subprocess, "Popen", lambda *args, **named: begun.append(popen(*args, **named)) or begun[-1]
    )
    (tmp_path / "a.py").write_text("import time\ntime.sleep(600)")
    done = CliRunner().invoke(app, ["program", str(tmp_path / "a.py"), "--timeout", "1"])
    assert done.exit_code == 3 and "longer than 1 s (--timeout)" in " ".join(done.output.split())
    assert len(begun) == 2 and all(process.poll() is not None for process in begun)
    assert os.listdir(tmp_path) == ["a.py"]


def shown_rows(text):
    """The lines of a table, without what rounding makes of the processor's sums; and the words around it."""
    return [re.sub(r"  +[\d.]+(e-\d+)?(?=  )", "", line).split() for line in text.splitlines() if line.strip(" ─")]


@pytest.mark.usefixtures("unmeasured", "forked")
def test_the_page(tmp_path, monkeypatch):
    """The page's program gives here what is shown there, on both engines in processes of their own."""
    text = PAGE.read_text(encoding="utf-8")
    (source,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    shown = dict(re.findall(r"^```text\n\$ python -m (\w+ \w+)[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    (tmp_path / "train.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    assert report_on("train.py").as_text(80) + "\n" == shown["minigrad compat"]
    done = CliRunner().invoke(app, ["program", "train.py", "--steps", "3"])
    assert shown_rows(done.output) == shown_rows(shown["comparisons program"])
    assert done.exit_code == 0 and os.listdir(tmp_path) == ["train.py"]
