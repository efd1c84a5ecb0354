"""The judge: right engines agree, wrong ones are told where, and an attack costs whoever tries it the case alone.

What a level of the sandbox needs is not there everywhere: its tests are skipped with the reason, unless the variable
``MINIGRAD_SANDBOXES`` names the level.
"""

import contextlib
import errno
import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import comparisons.harness
import minigrad
from comparisons.cli import app
from comparisons.coursework import processes
from comparisons.coursework import sandbox as sandboxes
from comparisons.coursework.answers import read_answer
from comparisons.coursework.basics import CASES
from comparisons.coursework.cases import Case, among, integers, uniform
from comparisons.coursework.confinement import has_filter
from comparisons.coursework.engines import Engine, EngineError, find_engine
from comparisons.coursework.judge import (
    AGREES,
    DIFFERS,
    LOST,
    MISSING,
    STOPPED,
    Verdict,
    expected,
    first_difference,
    judge,
    status_of,
)
from comparisons.coursework.processes import Limits, NoAnswer
from comparisons.coursework.sandbox import LEVELS, Sandbox, SandboxError
from comparisons.coursework.student import HEAD, answer_of, as_data, packed_answer

ROOT = Path(__file__).parents[3]
REQUIRED = os.environ.get("MINIGRAD_SANDBOXES", "").split()
SAFE = LEVELS[:2]

pytestmark = pytest.mark.usefixtures("unmeasured")


def sandbox_at(level, seconds=1.0, known=None):
    try:
        return Sandbox(level, Limits(seconds, memory=1 << 30, answer=1 << 20), known)
    except SandboxError as reason:
        assert level not in REQUIRED, reason
        return pytest.skip(f"the level {level} cannot be had here: {reason}")


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request):
    """Each level in turn, for attacks: where no filter can be had, some would succeed."""
    if not has_filter():
        pytest.skip("no filter of system calls is known here")
    with sandbox_at(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def limits_alone():
    with sandbox_at("limits") as made:
        yield made


@pytest.fixture
def outside(limits_alone, forking_engines, monkeypatch):
    """Limits alone, and forks: where a test does not need more."""
    monkeypatch.setattr(processes, "subprocess", forking_engines)
    return limits_alone


def verdicts_of(sandbox, source, cases, name="engine"):
    engine = Engine(name, {f"{name}.py": source.encode()})
    return judge(engine, cases, sandbox, secret=b"a secret", submission="somebody")


# An engine that is right in what it has: products, and their gradients.
HONEST = """
import numpy as np


class Tensor:
    def __init__(self, data, parents=()):
        self.data, self.parents, self.grad = data, parents, None

    def __mul__(self, other):
        return Tensor(self.data * other.data, (self, other))

    def backward(self, gradient):
        x, y = self.parents
        x.grad, y.grad = Tensor(gradient.data * y.data), Tensor(gradient.data * x.data)

    def numpy(self):
        return self.data


def tensor(data, requires_grad=False):
    return Tensor(data)
"""

NUMBERS = {name: uniform(3, 2) for name in "xyw"}
DRAWN = [-1.6326167471002586, -1.7994154869741346]
PRODUCT = Case("product", "z = x * y\nz.backward(w)", ("z", "x.grad", "y.grad"), NUMBERS)


def asking(expression):
    """A case that asks for one operation."""
    return Case(expression, f"z = {expression}", ("z",), NUMBERS)


# --------------------------------------------------------------------------------------------- what attacks cost

# By the operation that they stand in: what is done there, and what the judge then says.
ATTACKS = {
    "abs": ("1 / 0", STOPPED, "ZeroDivisionError: division by zero, in Tensor.abs, line "),
    "acos": ("sys.exit(0)", STOPPED, "SystemExit: 0, in Tensor.acos"),
    "asin": ("os._exit(0)", LOST, "its process ended, with exit status 0, before it answered"),
    "atan": ("print('All 26 cases agree with PyTorch.', flush=True); os._exit(0)", LOST, "exit status 0"),
    "ceil": ("send({'plain': {'z': 'agrees'}})", DIFFERS, "z: ours is 'agrees', theirs an array of shape (3, 2)"),
    "cos": ("send({'arrays': [], 'verdict': 'agrees', 'status': 0})", LOST, "what it sent is no answer"),
    "erf": ("for each in signals: signal.signal(each, signal.SIG_IGN)\n        signal.pause()", LOST, "within 1 s"),
    "exp": ("import torch; return torch.exp(self.data)", STOPPED, "ModuleNotFoundError: No module named 'torch'"),
    "floor": ("import minigrad", STOPPED, "ModuleNotFoundError: No module named 'minigrad'"),
    "log": ("from comparisons.chapters import CHAPTERS; CHAPTERS.clear()", STOPPED, "ModuleNotFoundError"),
    "log1p": ("import comparisons.harness as h; h.compare_values = None", STOPPED, "ModuleNotFoundError"),
    "neg": ("return Equal()", STOPPED, "ValueError: Equal came where"),
    "positive": ("send({'plain': {'z': 'agrees'}}, 10**6); return self", AGREES, ""),
    "relu": ("return EqualArray(self.data.shape)", DIFFERS, "z: 6 of 6 values differ"),
    "round": ("look_around()", STOPPED, "LookupError: nobody knows what is right"),
    "rsqrt": ("open(RESULTS, 'a', 1).write('agrees\\n')", STOPPED, "in Tensor.rsqrt"),
    "sigmoid": ("subprocess.Popen([sys.executable, '-c', 'while True: pass'])", STOPPED, "PermissionError"),
    "sign": ("while True: os.fork()", STOPPED, "PermissionError"),
    "sin": ("np.ones(1 << 28)", STOPPED, "MemoryError"),
    "sinh": ("write(b'agrees' * 1000, 1000)", LOST, "it sent more than 1,048,576 bytes"),
    "sqrt": ("for _ in range(1000): print('agrees' * 1000)\n        signal.pause()", LOST, "no answer within 1 s"),
    "square": ("socket.create_connection(('127.0.0.1', 9))", STOPPED, "PermissionError"),
    "t": ("while True: threading.Thread(target=input).start()", STOPPED, "RuntimeError: can't start new thread"),
    "tan": ("os.kill(os.getppid(), signal.SIGKILL)", STOPPED, "PermissionError"),
    "tanh": ("raise ValueError('[red]\\033[31m\\n' * 1000)", STOPPED, "ValueError: [red]\\x1b[31m [red]\\x1b[31m"),
    "trunc": ("raise type('x' * 10**6, (Exception,), {})", STOPPED, "xxx"),
}

TOOLS = """
import gc, json, os, signal, socket, struct, subprocess, sys, threading

signals = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


class Equal:
    def __eq__(self, other):
        return True

    __hash__ = None


class EqualArray(np.ndarray):
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0


def send(told, number=None):
    frame = sys._getframe()
    while number is None:
        number = frame.f_locals.get("number")
        frame = frame.f_back
    text = json.dumps(told).encode()
    write(struct.pack(">III", number, len(text), 0) + text)


def write(data, times=1):
    for _ in range(times):
        for number in range(3, 64):
            try:
                os.write(number, data)
            except OSError:
                pass


def look_around():
    frame = sys._getframe()
    while frame is not None:
        if {"right", "theirs", "expected", "secret"} & set(frame.f_locals):
            return tensor(frame.f_locals["right"])
        frame = frame.f_back
    for each in gc.get_objects():
        if type(each) is dict and ("torch" in each or "right" in each or "secret" in each):
            return tensor(each["right"])
    raise LookupError("nobody knows what is right")
"""


def attacker(results):
    """An engine that is honest but for its attacks."""
    methods = "".join(f"\n    def {name}(self):\n        {code}\n" for name, (code, _, _) in ATTACKS.items())
    head, tail = HONEST.split("\n\ndef tensor")
    tools = TOOLS.replace("import gc", f"RESULTS = {str(results)!r}\nimport gc")
    return head.replace("class Tensor", f"{tools}\n\nclass Tensor") + f"{methods}\n\ndef tensor{tail}"


def test_an_attack_costs_the_case_that_it_is_made_in_and_no_other(sandbox, tmp_path):
    results = tmp_path / "results.json"
    results.write_text("the judge's")
    cases = [each for name in ATTACKS for each in (asking(f"x.{name}()"), PRODUCT)]
    verdicts = verdicts_of(sandbox, attacker(results), cases)
    for (name, (_, status, part)), verdict in zip(ATTACKS.items(), verdicts[::2]):
        assert verdict.status == status and part in verdict.reason, (name, verdict)
        assert verdict.reason.isprintable() and len(verdict.reason) < 500
    assert {each.status for each in verdicts[1::2]} == {AGREES}, verdicts
    assert results.read_text() == "the judge's"


AT_IMPORT = {
    "raise ValueError('no engine')": (STOPPED, "ValueError: no engine, line 1 of engine.py"),
    "x = 1\ndef (": (STOPPED, "line 2 of engine.py"),
    "import sys; sys.exit(0)": (STOPPED, "SystemExit: 0, line 1 of engine.py"),
    "import os; os._exit(0)": (LOST, "its process ended, with exit status 0, before it answered"),
    "while True: pass": (LOST, "no answer within 1 s"),
    "from torch import *": (STOPPED, "ModuleNotFoundError: No module named 'torch', line 1 of engine.py"),
    "from minigrad import *": (STOPPED, "ModuleNotFoundError: No module named 'minigrad'"),
}


@pytest.mark.parametrize("source", AT_IMPORT)
def test_an_engine_that_cannot_be_imported_loses_each_case_with_the_reason(source, outside):
    status, reason = AT_IMPORT[source]
    for verdict in verdicts_of(outside, source, [PRODUCT, asking("x + y")]):
        assert verdict.status == status and verdict.reason.startswith("when it was imported: "), verdict
        assert reason in verdict.reason


def test_what_an_engine_lacks_is_told_apart_from_what_stops_it(outside):
    lacks = {
        "": "AttributeError: module 'engine' has no attribute 'tensor'",
        "def tensor(data): return data": "TypeError: tensor() got an unexpected keyword",
        "class T: pass\ndef tensor(data, requires_grad): return T()": "TypeError: unsupported operand type(s) for *",
        "def tensor(data, requires_grad): raise NotImplementedError": "NotImplementedError, in tensor, line 1",
    }
    for source, reason in lacks.items():
        (verdict,) = verdicts_of(outside, source, [PRODUCT])
        assert verdict.status == MISSING and reason in verdict.reason, verdict
    (verdict,) = verdicts_of(outside, "def tensor(data, requires_grad): return data.lacking", [PRODUCT])
    assert verdict.status == STOPPED and verdict.reason.endswith("in tensor, line 1 of engine.py")


def test_an_engine_that_ends_after_each_answer_gets_each_case_asked(outside):
    source = HONEST + "\nimport signal\nsignal.setitimer(signal.ITIMER_REAL, 0.02)\n"
    verdicts = verdicts_of(outside, source, [PRODUCT] * 3)
    assert len(verdicts) == 3 and {each.status for each in verdicts} <= {AGREES, LOST}


SIGHT = """
import os, sys

seen = []
for folder, folders, files in os.walk("/"):
    seen += [os.path.join(folder, each) for each in folders + files if each in {names!r}]
    if folder.endswith("-packages") and folders + files:
        seen.append(folder)
for path in {paths!r}:
    try:
        with open(path, "rb") as file:
            file.read(1)
        seen.append(path)
    except OSError:
        pass
for folder, _, _ in os.walk("/"):
    try:
        os.mkdir(folder + "/made")
        seen.append(folder + " can be written")
    except OSError:
        pass
seen += [each for each in ("MINIGRAD_SECRET", "HOME") if each in os.environ] + (["root"] if os.getuid() == 0 else [])
raise LookupError(f"seen: {{seen}}")
"""


@pytest.mark.parametrize("level", SAFE)
def test_in_a_sandbox_there_is_neither_pytorch_nor_the_judge_nor_a_secret(level, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_SECRET", "a secret")
    (tmp_path / "secret").write_text("a secret")
    (tmp_path / "secret").chmod(0o644)
    memories = [f"/proc/{process}/{name}" for process in ("self", os.getpid()) for name in ("mem", "environ", "maps")]
    others = [torch.__file__, comparisons.harness.__file__, str(tmp_path / "secret"), "/etc/passwd", __file__]
    names = ["torch", "torch_impl", "comparisons", "minigrad", "tolerances.py", "judge.py"]
    with sandbox_at(level, seconds=60) as made, made.start(Engine("other", {"other.py": b"secret = 1"})):
        (other,) = made.folder.glob("*/other.py")
        paths = [*memories, *others, str(other), f"/engine/{other.parent.name}/other.py"]
        (verdict,) = verdicts_of(made, SIGHT.format(names=names, paths=paths), [PRODUCT])
    assert "LookupError: seen: [], line" in verdict.reason, verdict


@pytest.mark.parametrize("level", LEVELS)
def test_a_known_engine_is_compiled_once_and_what_is_changed_or_brought_is_not(level):
    known = Engine("engine", {"engine.py": HONEST.encode(), "other.py": b"x = 1\n"})
    stale = f"__pycache__/engine.{sys.implementation.cache_tag}.pyc"
    with sandbox_at(level, known=known) as made:
        for engine in (known, Engine("engine", {**known.sources, "engine.py": b"tensor = 1 / 0\n"})):
            with made.start(engine):
                (folder,) = [each.parent for each in made.folder.glob("*/engine.py")]
                kept = folder / "other.py"
                assert kept.samefile(made.shelf.folder / "other.py")
                assert [each.name.split(".")[0] for each in sorted(folder.glob("__pycache__/*"))] == (
                    ["engine", "other"] if engine is known else ["other"]
                )
                assert (folder / stale).exists() == (engine is known)
            (verdict,) = judge(engine, [PRODUCT], made, secret=b"a secret", submission="somebody")
            assert verdict.status == (AGREES if engine is known else STOPPED), verdict
            if engine is not known:
                assert verdict.reason.endswith("ZeroDivisionError: division by zero, line 1 of engine.py")


HANGING = """
import sys
from comparisons.coursework.engines import Engine
from comparisons.coursework.sandbox import Sandbox

with Sandbox(sys.argv[1]) as sandbox, sandbox.start(Engine("engine", {"engine.py": b"while True: pass"})) as process:
    print(process.process.pid, flush=True)
    process.ask(1, seconds=60)
"""


def children_of(process):
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()]


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize("level", ["bubblewrap", "limits"])
def test_a_judge_that_is_killed_leaves_no_process(level, tmp_path):
    with sandbox_at(level):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", HANGING, level]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as judging:
        started = [int(judging.stdout.readline())]
        for each in started:
            started += children_of(each)
        judging.kill()
    assert all(gone(each) for each in started)


def gone(process):
    """Whether a process ends within some seconds. One that has ended and is still listed has no command line."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if not Path(f"/proc/{process}/cmdline").read_bytes():
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


# ------------------------------------------------------------------------------------------------ what came back


def archive(compression=zipfile.ZIP_STORED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, data in members.items():
            made.writestr(f"{name}.npy", data)
    return file.getvalue()


def array_file(array, **changes):
    """The bytes of an ``npy`` file; what the header says may be replaced."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    data = file.getvalue()
    for old, new in changes.values():
        assert old in data
        data = data.replace(old, new)
    return data


ONE = {"arrays": ["z"]}
GOOD = array_file(np.ones(3))
ENCRYPTED = archive(arr_0=GOOD).replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
FORGED = {
    "no json": (b"{", b""),
    "deep json": (b"[" * 10**6, b""),
    "no object": (b"3", b""),
    "a long integer": (b'{"plain": {"z": ' + b"9" * 4000 + b"}}", b""),
    "a list": (b'{"plain": {"z": [1, 2]}}', b""),
    "an unknown place": (b'{"stopped": {"error": "E", "text": "", "place": [1], "missing": false}}', b""),
    "a long text": (json.dumps({"plain": {"z": "x" * 1000}}).encode(), b""),
    "a graph that points nowhere": (b'{"graphs": {"z": [["A", [[7, 0]]]]}}', b""),
    "a graph that points back from the end": (b'{"graphs": {"z": [["A", [[-1, 0]]]]}}', b""),
    "a large graph": (json.dumps({"graphs": {"z": [["A", []]] * 20_000}}).encode(), b""),
    "no archive": (json.dumps(ONE).encode(), b"agrees"),
    "no array": (json.dumps(ONE).encode(), b""),
    "too many arrays": (json.dumps({"arrays": ["z"] * 10**5}).encode(), archive(arr_0=GOOD)),
    "another array": (json.dumps(ONE).encode(), archive(arr_1=GOOD)),
    "more arrays than are named": (json.dumps(ONE).encode(), archive(arr_0=GOOD, arr_1=GOOD)),
    "compressed": (json.dumps(ONE).encode(), archive(zipfile.ZIP_DEFLATED, arr_0=array_file(np.zeros(10**6)))),
    "encrypted": (json.dumps(ONE).encode(), ENCRYPTED),
    "objects": (json.dumps(ONE).encode(), archive(arr_0=array_file(np.array([print], dtype=object)))),
    "texts": (json.dumps(ONE).encode(), archive(arr_0=array_file(np.array(["agrees"])))),
    "larger than it is": (json.dumps(ONE).encode(), archive(arr_0=array_file(np.ones(3), size=(b"(3,)", b"(9,)")))),
    "huge": (
        json.dumps(ONE).encode(),
        archive(arr_0=array_file(np.ones(3), size=(b"(3,), }    ", b"(9**9,), }"))),
    ),
    "below nothing": (json.dumps(ONE).encode(), archive(arr_0=array_file(np.ones((1, 3)), size=(b"1, 3", b"-1,3")))),
    "cut off": (json.dumps(ONE).encode(), archive(arr_0=GOOD[:-1])),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_no_answer_is_refused(name):
    with pytest.raises(NoAnswer, match="what it sent is no answer"):
        read_answer(*FORGED[name])


def sent(answer):
    """An answer after it was sent and read."""
    message = packed_answer(7, answer)
    number, text, arrays = HEAD.unpack_from(message)
    assert number == 7 and len(message) == HEAD.size + text + arrays
    return read_answer(message[HEAD.size :][:text], message[HEAD.size + text :])


@pytest.mark.parametrize(
    "value",
    [
        np.ones((2, 3)),
        np.array(1.5, np.float32),
        np.zeros((0, 3), np.float32),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([float("nan"), -float("inf")]),
        np.array([True, False]),
        np.array([1.5, 2.5], ">f8"),
        np.arange(3),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}",
)
def test_arrays_come_back_as_they_were(value):
    back = sent({"z": as_data(value)}).values["z"]
    np.testing.assert_array_equal(back, value.astype(value.dtype.newbyteorder("=")), strict=True)


def test_plain_values_come_back_as_they_were():
    values = {"a": None, "b": True, "c": 3, "d": 1.5, "e": "text", "f": -float("inf")}
    assert sent(values).values == values


# ---------------------------------------------------------------------------------------------- the cases themselves


def found_in(engine, case):
    """Where an engine that runs here differs from PyTorch."""
    inputs = case.draw(b"a secret", "somebody")
    return first_difference(case, sent(answer_of(engine, case.program, inputs, case.show)), expected(case, inputs))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_minigrad_agrees(case):
    assert found_in(minigrad, case) == ""


def named(name):
    return next(case for case in CASES if case.name == name)


def untied(ctx, grad_z):
    x, z = [getattr(each, "array", each) for each in ctx.saved_tensors]
    return (x == np.expand_dims(z, ctx.dims)) * np.expand_dims(grad_z, ctx.dims)


def changed_unseen(tensor, number):
    tensor.array += number
    return tensor


def index_once(ctx, grad, *, shape, where):
    z = np.zeros(shape, grad.dtype)
    z[where] = grad
    return z


def without_max(ctx, x, *, dim):
    with np.errstate(over="ignore"):
        ctx.dim, z = dim, x - np.log(np.exp(x).sum(dim, keepdims=True))
    ctx.save_for_backward(z)
    return z


def flushed(ctx, x):
    z = np.where(x < -30, 0.0, 1 / (1 + np.exp(-x)))
    ctx.save_for_backward(z)
    return z


def passes_at_zero(ctx, grad, result):
    ctx.save_for_backward(result)
    return grad * ~(result < 0)


OVERWRITTEN = minigrad.graph.engine.add_to_grad

# By the case that notices: where a mistake is planted, and what stands there then.
MISTAKES = {
    "product": (
        "ops.arithmetic.Mul.backward",
        lambda ctx, grad_z: tuple([grad_z * each for each in ctx.saved_tensors]),
    ),
    "sum and difference": ("ops.arithmetic.Sub.backward", lambda ctx, grad_z: (grad_z, grad_z)),
    "relu, also at 0 and at NaN": ("ops.rectifiers.ThresholdBackward.forward", passes_at_zero),
    "sigmoid in its tails": ("ops.activation.Sigmoid.forward", flushed),
    "maximum, where values tie": ("ops.extremes.Amax.backward", untied),
    "an element picked twice": ("ops.indexing.IndexBackward.forward", index_once),
    "product of square matrices": ("ops.matmul.grad_of_second", lambda a, b, grad_z: grad_z.T @ a),
    "gradients add up over two calls of backward": (
        "graph.engine.add_to_grad",
        lambda node, gradient: (setattr(node.variable, "grad", None), OVERWRITTEN(node, gradient))[1],
    ),
    "a graph is freed unless it is kept": ("graph.function.Function.free", lambda node: None),
    "a saved value that was changed is noticed": ("Tensor.add_", changed_unseen),
    "no_grad and detach": ("no_grad", contextlib.nullcontext),
    "initial weights from a seed": ("manual_seed", lambda seed: None),
    "a network and its cross-entropy": ("nn.functional.relu", lambda x, inplace: x),
    "log-softmax of large numbers": ("ops.softmax.LogSoftmax.forward", without_max),
    "batch normalisation, training and evaluating": ("nn.BatchNorm1d.eval", lambda layer: layer),
    "Adam": ("optim.adam.adam_step", lambda *arrays, **options: None),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_noticed_by_its_case(name, monkeypatch):
    place, mistake = MISTAKES[name]
    monkeypatch.setattr(f"minigrad.{place}", mistake)
    assert found_in(minigrad, named(name)) != ""


def test_a_difference_is_told_with_argument_index_ours_and_theirs(monkeypatch):
    from minigrad.ops.arithmetic import Mul

    monkeypatch.setattr(Mul, "backward", lambda ctx, grad_z: (grad_z * ctx.saved_tensors[0], None))
    message = found_in(minigrad, named("product"))
    assert message.startswith("x.grad: 12 of 12 values differ")
    assert re.search(r"at index \(\d, \d\): ours -?\d+\.\d+, theirs -?\d+\.\d+$", message)
    assert found_in(minigrad, named("quotient")) == ""


def test_another_graph_is_told_with_its_path():
    case = Case("graph", "z = (x * y).exp() if engine.__name__ == 'torch' else (x + y).exp()", ("graph(z)",), NUMBERS)
    leaves = "(AccumulateGrad, AccumulateGrad)"
    nodes = f"ours AddBackward0{leaves}, theirs MulBackward0{leaves}"
    assert found_in(minigrad, case) == f"graph(z): the graphs differ at result -> ExpBackward0[0]: {nodes}"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("z = 1 if ours else True", "z: ours 1, theirs True"),
        ("z = 'a' if ours else 'b'", "z: ours 'a', theirs 'b'"),
        ("z = None if ours else x", "z: ours is None, theirs does not agree"),
        ("z = x if ours else None", "z: ours is an array of shape (3, 2), theirs None"),
        ("z = x if ours else x[:2]", "z: shapes differ: ours (3, 2), theirs (2, 2)"),
        ("z = x.float() if ours else x", "z: dtypes differ: ours float32, theirs float64"),
    ],
)
def test_another_kind_of_value_is_told(program, message):
    case = Case("kind", f"ours = engine.__name__ == 'minigrad'\n{program}", ("z",), NUMBERS)
    assert found_in(minigrad, case) == message


def test_numbers_that_overflow_when_they_are_compared_are_numbers_that_differ(outside):
    huge = HONEST.replace("self.data * other.data, (", "np.full(self.data.shape, 1.7e308), (")
    (verdict,) = verdicts_of(outside, huge, [PRODUCT])
    assert verdict.status == DIFFERS and "ours 1.7e+308" in verdict.reason


def test_inputs_are_drawn_for_each_submission_and_case_from_the_secret():
    case = Case("a", "", (), {"x": uniform(2), "k": among(0.0, 1.0, 2.0, shape=(7,)), "i": integers(3, (4,))})
    first = case.draw(b"secret", "ann")
    np.testing.assert_equal(case.draw(b"secret", "ann"), first)
    assert set(first["k"]) == {0.0, 1.0, 2.0} and set(first["i"]) == {0, 1, 2} and first["i"].dtype == np.int64
    renamed = Case("b", "", (), case.inputs)
    for other in (case.draw(b"another", "ann"), case.draw(b"secret", "bob"), renamed.draw(b"secret", "ann")):
        assert not np.array_equal(other["x"], first["x"])
    assert first["x"].tolist() == DRAWN  # whichever NumPy draws


def test_the_worst_verdicts_decide_the_status():
    def status(*statuses):
        return status_of([Verdict("case", each) for each in statuses])

    assert status(AGREES, AGREES) == 0 and status(AGREES, MISSING) == status(STOPPED) == status(LOST, AGREES) == 3
    assert status(AGREES, LOST, DIFFERS) == 1


# ---------------------------------------------------------------------------------------------------- the engine


def test_an_engine_is_found_without_running_it(tmp_path, monkeypatch):
    package = tmp_path / "course" / "engine"
    (package / "inner").mkdir(parents=True)
    (package.parent / "__init__.py").write_text("raise SystemExit('run')")
    (package / "__init__.py").write_text("raise SystemExit('run')")
    (package / "inner" / "rules.py").write_text("rule = 1")
    (package / "data.bin").write_bytes(b"0" * 100)
    (package / "link.py").symlink_to(__file__)
    monkeypatch.syspath_prepend(tmp_path)
    found = find_engine(str(package))
    assert found.name == "engine" and set(found.sources) == {"engine/__init__.py", "engine/inner/rules.py"}
    assert find_engine("course.engine") == found and find_engine("course.engine.inner.rules").name == "rules"
    assert find_engine(str(package / "inner" / "rules.py")).sources == {"rules.py": b"rule = 1"}
    (package / "inner" / "rules.py").write_text("rule = 2")
    assert find_engine(str(package)).digest != found.digest


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("no_such_engine", "there is no engine no_such_engine"),
        ("no/such/engine.py", "there is no engine"),
        ("..", "has no __init__.py"),
        ("folder", "has no __init__.py"),
        ("notes.txt", "must end in .py"),
        ("my-engine.py", "cannot be imported under the name 'my-engine'"),
        ("json.py", "cannot have the name json"),
        ("numpy.py", "cannot have the name numpy"),
        ("large.py", "has more than"),
        ("x" * 5000, "cannot be read"),
    ],
    ids=lambda each: each[:20],
)
def test_what_is_no_engine_is_refused_in_a_sentence(path, part, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    for name in ("notes.txt", "my-engine.py", "json.py", "numpy.py"):
        (tmp_path / name).write_text("")
    if path == "large.py":
        (tmp_path / path).write_text("#" * 20_000_000)
    monkeypatch.chdir(tmp_path / "folder" if path == ".." else tmp_path)
    with pytest.raises(EngineError, match=part) as caught:
        find_engine(path)
    assert "\n" not in str(caught.value)
    done = command(path)
    assert done.exit_code == 2 and "Traceback" not in done.output


# --------------------------------------------------------------------------------------------------- the command


def command(*arguments):
    return CliRunner().invoke(app, ["judge", *arguments])


def test_the_command_judges_minigrad_and_writes_what_was_judged_and_how(tmp_path):
    results = tmp_path / "results.json"
    done = command("minigrad", "--unsafe", "--secret", "a secret", "--json", str(results))
    assert done.exit_code == 0 and f"All {len(CASES)} cases agree with PyTorch." in done.output, done.output
    assert "a secret" not in done.output + results.read_text()
    written = json.loads(results.read_text())
    assert written["engine"] == written["submission"] == "minigrad" and written["status"] == 0
    assert written["digest"] == find_engine("minigrad").digest and written["versions"]["numpy"] == np.__version__
    assert written["unsafe"] == (written["sandbox"] == "limits")
    assert [each["case"] for each in written["cases"]] == [case.name for case in CASES]
    assert {each["status"] for each in written["cases"]} == {AGREES}


def test_the_command_ends_with_1_where_something_differs_and_3_where_something_stops(tmp_path):
    engine = tmp_path / "engine.py"
    engine.write_text(HONEST.replace("gradient.data * x.data", "gradient.data * x.data + 1"))
    done = command(str(engine), "--unsafe", "--only", "product", "--submission", "ann")
    assert done.exit_code == 1 and "differs" in done.output and "y.grad: 12 of" in done.output, done.output
    assert "not there yet" in done.output and "The same inputs again: --secret" in done.output  # of matrices
    engine.write_text(HONEST)
    done = command(str(engine), "--unsafe", "--only", "quotient")
    assert done.exit_code == 3 and "0 of 1 cases agree with PyTorch; 1 not there yet." in done.output, done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["minigrad", "--only", "no such case"],
        ["minigrad", "--seconds", "0"],
        ["minigrad", "--json", "/no/such/folder/file.json"],
        ["minigrad", "--secret="],
        [""],
    ],
    ids=str,
)
def test_wrong_usage_ends_with_2(arguments):
    done = command(*arguments)
    assert done.exit_code == 2 and "Traceback" not in done.output


def test_without_a_sandbox_nothing_is_run_unless_that_is_asked_for(tmp_path, monkeypatch):
    def missing(*names):
        raise SandboxError("there is no such program here")

    def unreadable():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "ldd")

    monkeypatch.setattr(sandboxes, "executable", missing)
    monkeypatch.setattr(sandboxes, "bubblewrap", unreadable)
    engine, results = tmp_path / "engine.py", tmp_path / "results.json"
    engine.write_text(HONEST)
    done = command(str(engine), "--json", str(results))
    assert done.exit_code == 2 and "ldd" in done.output and "--unsafe" in done.output
    assert not results.exists()
    done = command(str(engine), "--json", str(results), "--only", "quotient", "--unsafe")
    written = json.loads(results.read_text())
    assert done.exit_code == 3 and written["unsafe"] and written["sandbox"] == "limits"


def test_the_cases_are_listed():
    assert command("--list").output.splitlines() == [case.name for case in CASES]


def test_nothing_that_only_posix_has_is_needed_to_import():
    program = (
        "import sys\nsys.modules.update(dict.fromkeys(['resource', 'fcntl', 'pwd', 'grp']))\n"
        "import comparisons.coursework.sandbox, comparisons.coursework.basics\n"
        "print('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout == "False\n", done.stderr
