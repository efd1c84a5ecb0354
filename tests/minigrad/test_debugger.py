"""What a debugger does with tensors and nodes: it looks at everything, and nothing may change by it."""

import contextlib
import importlib.util
import io
import json
import os
import select
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import viz
from minigrad.graph import storage
from minigrad.graph.function import Function
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.watching import Walk

nn = minigrad.nn
PACKAGE = Path(minigrad.__file__).parent


def look(*objects):
    """Evaluate every attribute, as a debugger does that expands an object; and print it."""
    for each in objects:
        repr(each), str(each), hash(each)
        for name in dir(each):
            with contextlib.suppress(RuntimeError):  # a debugger shows the error in the place of the value
                repr(getattr(each, name))


@pytest.fixture
def recorded(monkeypatch):
    """The names of the operations that run from now on, recorded or not."""
    names = []
    for method in ("apply", "compute"):
        original = vars(Function)[method].__func__

        def noted(cls, *args, original=original, **kwargs):
            names.append(cls.__name__)
            return original(cls, *args, **kwargs)

        monkeypatch.setattr(Function, method, classmethod(noted))
    return names


def outdated():
    """A view whose base was changed since."""
    base = minigrad.ones(4, requires_grad=True) * 1
    view = base[:2]
    base.mul_(2)
    return view


def packed():
    """A node around whose saved values stand the user's hooks, which compute."""
    with minigrad.autograd.graph.saved_tensors_hooks(lambda x: x + 1, lambda x: x - 1):
        return (minigrad.ones(2, requires_grad=True) ** 2).grad_fn


def changed_view():
    """The node of an operation that changed a view, and saved its result."""
    base = minigrad.ones(4, requires_grad=True) * 1
    view = base[:2]
    view.exp_()
    return base.grad_fn.operation


def leaf(*size):
    return minigrad.ones(*size, requires_grad=True)


LOOKED_AT = {
    "a leaf": lambda: leaf(2, 3),
    "a vector": lambda: leaf(3),
    "a number": lambda: leaf(()) * 2,
    "nothing": lambda: leaf(0, 3) * 2,
    "a result": lambda: leaf(2, 3) * 2,
    "a convolution's": lambda: nn.Conv2d(3, 4, 3)(minigrad.ones(2, 3, 8, 8)),
    "one pixel's": lambda: nn.Conv2d(3, 4, 3)(minigrad.ones(2, 3, 3, 3)),
    "a parameter": lambda: nn.Linear(2, 3).weight,
    "a view": lambda: leaf(2, 3).t(),
    "an outdated view": outdated,
    "integers": lambda: minigrad.arange(6).reshape(2, 3),
    "a node": lambda: (leaf(2, 3) * leaf(3)).grad_fn,
    "a leaf's node": lambda: (leaf(2) * 2).grad_fn.next_functions[0][0],
    "a node of several results": lambda: leaf(2, 3).max(dim=1).values.grad_fn,
    "a node with hooks around its values": packed,
    "a node that changed a view": changed_view,
    "a module": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
    "an optimizer": lambda: minigrad.optim.SGD([leaf(2)], lr=0.1),
}


@pytest.mark.parametrize("make", LOOKED_AT.values(), ids=LOOKED_AT)
def test_looking_changes_nothing(make, recorded):
    each = make()
    kind, array = type(each), getattr(each, "array", None)
    recorded.clear()
    number = storage.next_sequence_number()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look(each)
    assert storage.next_sequence_number() == number + 1
    assert recorded == []
    assert type(each) is kind and getattr(each, "array", None) is array


def gradients(between):
    """The gradients of a network whose convolutions lay their results channels-last; ``between`` sees what it makes."""
    minigrad.manual_seed(0)
    convolution, norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
    x = minigrad.randn(2, 3, 5, 5, requires_grad=True)
    h = convolution(x)
    between(h, h.grad_fn)
    z = norm(h).relu()
    between(z, h, z.grad_fn)
    z.register_hook(lambda grad: between(grad, z, h))
    loss = (z * z).mean()
    between(loss, loss.grad_fn)
    loss.backward()
    return [each.grad.array for each in (x, *convolution.parameters(), *norm.parameters())]


@pytest.mark.usefixtures("unmeasured")
def test_a_run_that_is_looked_at_is_the_same_run():
    start = storage.next_sequence_number()
    left_alone = gradients(lambda *objects: None)
    middle = storage.next_sequence_number()
    looked_at = gradients(look)
    end = storage.next_sequence_number()
    for first, second in zip(left_alone, looked_at):
        assert first.tobytes() == second.tobytes() and first.strides == second.strides
    assert middle - start == end - middle


# ------------------------------------------------------------------------------------------- what shows one memory

SHOWING = {"data": lambda x: x.data, "detach": lambda x: x.detach(), "both": lambda x: x.data.detach()}
TAKING = {
    "a view": lambda x: x[0],
    "its memory": lambda x: x.view(-1),
    "a permutation": lambda x: x.mT,
    "NumPy": lambda x: x.detach().numpy(),
    "its address": lambda x: x.data_ptr(),
}


@pytest.mark.parametrize("take", TAKING.values(), ids=TAKING)
@pytest.mark.parametrize("show", SHOWING.values(), ids=SHOWING)
@pytest.mark.parametrize("of", ["the tensor", "what shows it"])
def test_what_shows_a_tensors_memory_shows_it_still_when_it_is_laid_in_order(show, take, of):
    x = nn.Conv2d(3, 4, 3)(minigrad.randn(2, 3, 6, 6))
    shown, gone = show(x), show(x)
    del gone
    assert shown.array is x.array and not x.array.flags.c_contiguous
    taken = take(x if of == "the tensor" else shown)
    assert shown.array is x.array and x.array.flags.c_contiguous
    with minigrad.no_grad():
        x.fill_(1.0)
        shown[0].mul_(2.0)
    assert x[0].tolist() == shown[0].tolist() == minigrad.full((4, 4, 4), 2.0).tolist()
    if isinstance(taken, (minigrad.Tensor, np.ndarray)):
        assert taken.max().item() == 2.0


def test_a_tensor_that_was_given_other_memory_is_left_alone():
    x = nn.Conv2d(3, 4, 3)(minigrad.randn(2, 3, 6, 6)).detach()
    values = x.data
    x.data = minigrad.zeros(2)
    values.view(-1).fill_(3.0)
    assert x.tolist() == [0.0, 0.0] and values.max().item() == 3.0


def test_tensors_that_show_memory_do_not_keep_each_other():
    x = nn.Conv2d(3, 4, 3)(minigrad.randn(2, 3, 6, 6))
    for _ in range(100):
        _ = x.data
    assert len(x._sharing) <= 3


# ------------------------------------------------------------------------------------------- what is printed of a node


def scaled():
    """A node of a user's operation, with many results and a name that no line holds."""

    class Scaled(minigrad.autograd.Function):
        """Not a formula."""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return tuple(x * number for number in range(100))

        @staticmethod
        def backward(ctx, *grads):
            (x,) = ctx.saved_tensors
            return x

    Scaled.__name__ *= 30
    return Scaled.apply(leaf(2))[1].grad_fn


def freed():
    x = leaf(2)
    z = x * x
    z.sum().backward()
    return z.grad_fn


def numbered(*values):
    return minigrad.tensor(values, requires_grad=True)


TOLD = {
    "<MulBackward0 of shape [3]: z = x * y, saved x = [1, 2, 3], y = [4, 5, 6]>": lambda: (
        (numbered(1.0, 2.0, 3.0) * numbered(4.0, 5.0, 6.0)).grad_fn
    ),
    "<ReluBackward0 of shape [2, 3]: z = max(x, 0), NaN stays NaN, saved z = f32[2, 3] (1, 1, 1, 1, …)>": lambda: (
        leaf(2, 3).relu().grad_fn
    ),
    "<AddBackward0 of shape []: z = x + y>": lambda: (leaf(()) + 1).grad_fn,
    "<MulBackward0 of shape [2]: z = x * y, what it saved is freed>": freed,
    "<PowBackward0 of shape [2]: z = x ** number, what it saved is with the user's hooks>": packed,
    "<AccumulateGrad of shape [2]: leaf [0.5, 1e-06]>": lambda: (numbered(0.5, 1e-6) * 2).grad_fn.next_functions[0][0],
    "<AccumulateGrad of shape [0, 3]: leaf f32[0, 3] ()>": lambda: (leaf(0, 3) * 2).grad_fn.next_functions[0][0],
    "<Mul": lambda: minigrad.ops.arithmetic.Mul(),
    "<ScaledScaled": scaled,
    "<NodeHooks: 1 tensor_hooks>": lambda: hooked()._hooks,
    "<VersionCounter: never changed in place>": lambda: leaf(2)._version_counter,
    "<VersionCounter: changed in place once, last by add_ at ": lambda: minigrad.ones(2).add_(1)._version_counter,
    "<UntypedStorage of 8 bytes>": lambda: leaf(2).untyped_storage(),
}


def hooked():
    x = leaf(2)
    x.register_hook(print)
    return x


@pytest.mark.parametrize("begins", TOLD)
def test_a_node_tells_itself_in_a_line(begins, recorded):
    each = TOLD[begins]()
    recorded.clear()
    told = repr(each)
    assert told.startswith(begins) and told.endswith(">") and "\n" not in told
    assert recorded == []
    assert len(told) <= 120 or "at " in told  # a path is as long as it is


def test_parameters_are_told_by_their_names():
    node = nn.Linear(2, 3)(minigrad.ones(4, 2)).grad_fn
    bias, transposed = node.next_functions[0][0], node.next_functions[2][0]
    assert repr(bias).startswith("<AccumulateGrad of shape [3]: leaf bias = [")
    assert repr(transposed.next_functions[0][0]).startswith(
        "<AccumulateGrad of shape [3, 2]: leaf weight = f32[3, 2] ("
    )


@pytest.mark.parametrize("noting", [lambda: minigrad.autograd.set_detect_anomaly(True), viz.watch])
def test_the_line_that_made_a_node_is_told_where_it_was_noted(noting):
    made = {"x": leaf(2)}
    with noting():
        exec(compile("\n\ny = x * 2", "/course/train.py", "exec"), made)
    assert repr(made["y"].grad_fn) == "<MulBackward0 of shape [2]: z = x * y, train.py:3, saved y = 2>"
    assert [step.line for step in made["y"].sum().backward_steps()] == [None, "/course/train.py:3", None]


def test_a_walk_and_the_mode_print_what_they_are():
    x, seen = leaf(2), []
    x.register_hook(lambda grad: seen.extend([repr(grad_mode), repr(grad_mode.walk)]))
    (x * 2).sum().backward()
    assert seen[1].startswith("<Walk over 3 nodes, first <SumBackward0 of shape []")
    assert seen[0] == f"<grad mode of this thread: not recording, {seen[1]}>"
    assert repr(grad_mode) == "<grad mode of this thread: recording, no walk>"


# ------------------------------------------------------------------------------------------- breakpoints in backward


@pytest.fixture
def stops(monkeypatch):
    """At each stop of a debugger, what was in sight: the locals of the frame that stopped."""
    frames = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: frames.append(dict(sys._getframe(1).f_locals)))
    yield frames
    assert Walk.observers == () and not Walk.watched, "something still observes"


def names(stops):
    return [stop["node"].name() for stop in stops]


def loss_of(x, layer):
    return (layer(x).relu() * 3.0).sum()


def test_a_breakpoint_on_a_name_stops_with_all_in_sight(stops):
    x = numbered(1.0, 2.0)
    with minigrad.breakpoint_on("MulBackward0"):
        (x * x * 3.0).sum().backward()
    assert names(stops) == ["MulBackward0"] * 2
    first, second = stops
    assert first["arrived"][0].tolist() == [1.0, 1.0] and list(first["saved"]) == ["x", "y"]
    assert second["arrived"][0].tolist() == [3.0, 3.0] and second["saved"]["x"].tolist() == [1.0, 2.0]
    assert second["rule"].__self__ is second["node"]
    assert x.grad.tolist() == [6.0, 12.0]
    (x * x).sum().backward()
    assert len(stops) == 2


def test_a_breakpoint_on_a_tensor_a_node_or_a_module(stops):
    x, layer = leaf(4, 2), nn.Linear(2, 3)
    inside = minigrad.breakpoint_on(layer)
    h = layer(x)
    z = h.relu() * 3.0
    others = [minigrad.breakpoint_on(each) for each in (layer.bias, h, z.grad_fn)]
    z.sum().backward()
    assert names(stops) == ["MulBackward0", "AddmmBackward0", "torch::autograd::AccumulateGrad"]
    assert stops[2]["leaf"] is layer.bias and stops[2]["arrived"][0].tolist() == layer.bias.grad.tolist()
    for each in (inside, *others):
        each.remove()
    loss_of(x, layer).backward()
    assert len(stops) == 3 and "breakpoint_on Linear" in repr(inside)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_breakpoint_on_nan_stops_where_it_begins(stops, create_graph):
    x, y = numbered(-1.0, 4.0), numbered(0.0, 1.0)
    with minigrad.breakpoint_on("nan"), minigrad.breakpoint_on("inf"):
        loss = (x.sqrt() * 2.0 + y.sqrt()).sum()
        minigrad.autograd.grad(loss, (x, y), create_graph=create_graph)
    assert names(stops) == ["SqrtBackward0", "SqrtBackward0"]
    assert [stop["saved"]["z"].tolist()[0] == 0.0 for stop in stops] == [True, False]


def test_a_users_rule_does_not_run_twice_to_find_a_nan(stops):
    ran = []

    class Lost(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            ran.append(grad)
            return grad * float("nan")

    x = leaf(2)
    with minigrad.breakpoint_on("nan"):
        Lost.apply(x * 2).sum().backward()
    assert names(stops) == ["MulBackward0"] and len(ran) == 1


def test_what_is_observed_is_the_same_run(stops):
    alone = gradients(lambda *objects: None)
    with minigrad.breakpoint_on("nan"), minigrad.breakpoint_on("AccumulateGrad"):
        observed = gradients(lambda *objects: None)
    assert [each.tobytes() for each in alone] == [each.tobytes() for each in observed]
    assert len(stops) == 5


def test_what_no_breakpoint_can_be_on(stops):
    with pytest.raises(ValueError, match="'MulBackwards0': did you mean 'MulBackward0'"):
        minigrad.breakpoint_on("MulBackwards0")
    with pytest.raises(RuntimeError, match="does not require grad"):
        minigrad.breakpoint_on(minigrad.ones(2))
    with pytest.raises(TypeError, match="not int"):
        minigrad.breakpoint_on(3)


def under_pdb(tmp_path, program, *commands):
    """What a program prints that is run, and stopped, with these commands for pdb at its terminal."""
    path = tmp_path / "program.py"
    path.write_text(program)
    typed = "".join(f"{command}\n" for command in commands)
    done = subprocess.run([sys.executable, str(path)], input=typed, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pdb_stops_in_the_walk_and_steps_into_the_rule(tmp_path):
    program = """
import minigrad

x = minigrad.tensor([1.0, 2.0], requires_grad=True)
with minigrad.breakpoint_on("MulBackward0"):
    (x * x).sum().backward()
print("end", x.grad.tolist())
"""
    to_the_rule = ["next"] if sys.version_info >= (3, 14) else []  # it stops at the call of breakpoint() itself
    commands = [*to_the_rule, "p arrived, saved", "step", "next", "next", "p grad_z, x", "continue"]
    told = under_pdb(tmp_path, program, *commands)
    stopped, seen, called, first, second, values, *_ = told.split("(Pdb) ")[len(to_the_rule) :]
    assert "run_observed()" in stopped and "-> outgoing = rule(*arrived)" in stopped
    assert "[array([1., 1.], dtype=float32)], {'x': array([1., 2.], dtype=float32), 'y': array([1., 2.]" in seen
    assert "--Call--" in called and "arithmetic.py" in called and "-> def backward(ctx, grad_z):" in called
    assert "-> x, y = ctx.saved_tensors" in first and "-> needs_x, needs_y = " in second
    assert "array([1., 1.]" in values and "end [2.0, 4.0]" in told


# ------------------------------------------------------------------------------------------- the log of what ran

LOGGED = """
x = minigrad.ones(2, 4, requires_grad=True)
with minigrad.log_operations(file=file) as tape:
    y = x * 3.0
    v, i = y.max(dim=1)
    (v.relu_() + y.sum(1)).sum().backward()
    with minigrad.no_grad():
        x.add_(y)
"""
LINES = """
%1: f32[2, 4]
%2: f32[2, 4] = mul(%1, 3)  # train.py:4
%3: f32[2], %4: i64[2] = max(%2, dim=1, keepdim=False)  # train.py:5
%5: f32[2] = relu(%3)  # train.py:6
%6: f32[2] = sum(%2, dim=1, keepdim=False)  # train.py:6
%7: f32[2] = add(%5, %6)  # train.py:6
%8: f32[] = sum(%7, keepdim=False)  # train.py:6
grad %7: f32[2] = sum_backward(grad %8)  # train.py:6
grad %5: f32[2], grad %6: f32[2] = add_backward(grad %7)  # train.py:6
grad %2: f32[2, 4] = sum_backward(grad %6)  # train.py:6
grad %3: f32[2] = relu_backward(grad %5)  # train.py:6
grad %2: f32[2, 4] = max_backward(grad %3)  # train.py:5
grad %1: f32[2, 4] = mul_backward(grad %2)  # train.py:4
%1.grad: f32[2, 4] = accumulate_grad(grad %1)
%9: f32[2, 4] = add(%1, %2)  # train.py:8
"""


def applying():
    """The functions through which all operations go."""
    return vars(Function)["apply"], vars(minigrad.autograd.Function)["_apply"]


APPLYING = applying()


def test_what_ran_is_told_line_by_line():
    made = {"minigrad": minigrad, "file": io.StringIO()}
    exec(compile(LOGGED, "/course/train.py", "exec"), made)
    assert str(made["tape"]).splitlines() == LINES.strip().splitlines()
    assert made["file"].getvalue() == str(made["tape"]) + "\n"
    kinds = [event.kind for event in made["tape"]]
    assert kinds == ["input"] + ["forward"] * 6 + ["backward"] * 7 + ["forward"]
    third = made["tape"][2]
    assert third.operation == "max" and third.results[1].shape == (2,) and third.line == 5


def test_a_users_operation_and_a_recorded_gradient_are_told():
    class Twice(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x + x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x, twice = leaf(2), Twice.apply
    with minigrad.log_operations() as tape:
        (first,) = minigrad.autograd.grad((twice(x) ** 2).sum(), x, create_graph=True)
    operations = [event.operation for event in tape if event.kind != "input"]
    assert operations[:4] == ["add", "twice", "pow", "sum"]
    assert [each for each in operations if each.endswith("_backward")] == [
        "sum_backward",
        "pow_backward",
        "twice_backward",
    ]
    assert first.requires_grad and operations.index("pow_backward") > operations.index("mul")


def test_a_closed_log_leaves_nothing_behind():
    with pytest.raises(KeyError), minigrad.log_operations() as outer:
        with minigrad.log_operations() as inner:
            _ = leaf(2) * 2
        _ = leaf(2) + 2
        raise KeyError
    assert (len(inner), len(outer)) == (2, 4)
    assert applying() == APPLYING
    assert Walk.observers == () and not Walk.watched


def test_a_logged_run_is_the_same_run():
    alone = gradients(lambda *objects: None)
    with minigrad.log_operations() as tape:
        logged = gradients(lambda *objects: None)
    assert [each.tobytes() for each in alone] == [each.tobytes() for each in logged]
    assert {"convolution", "native_batch_norm", "convolution_backward"} <= {event.operation for event in tape}


class Terminal:
    """A program under pdb at a terminal."""

    def __init__(self, program):
        import pty  # not on Windows

        self.end, other = pty.openpty()
        command = [sys.executable, "-m", "pdb", str(program)]
        quiet = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it traces too
        quiet["PYTHON_COLORS"] = "0"
        self.process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, close_fds=True, env=quiet)
        os.close(other)
        self.told()

    def told(self):
        """What pdb prints until it waits again."""
        printed = b""
        while not printed.endswith(b"(Pdb) "):
            ready, _, _ = select.select([self.end], [], [], 60)
            assert ready, printed
            printed += os.read(self.end, 10_000)
        return printed.decode().replace("\r\n", "\n")

    def type(self, command):
        os.write(self.end, f"{command}\n".encode())
        return self.told()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.end)


@pytest.mark.skipif(sys.platform == "win32", reason="pdb is driven by a pseudo-terminal")
def test_the_first_breakpoint_at_a_terminal(tmp_path):
    """What docs/stepping.md says is in sight there, and where the loop and the user's line are."""
    page = (PACKAGE.parent / "docs" / "stepping.md").read_text(encoding="utf-8")
    program = tmp_path / "program.py"
    program.write_text(page.partition("```python\n")[2].partition("```")[0])
    rule = minigrad.ops.arithmetic.Mul.backward.__code__
    terminal = Terminal(program)
    try:
        assert "Breakpoint 1 at" in terminal.type(f"break {rule.co_filename}:{rule.co_firstlineno + 1}")
        assert "-> x, y = ctx.saved_tensors" in terminal.type("continue")
        assert "['ctx', 'grad_z']" in terminal.type("p sorted(locals())")
        terminal.type("next")
        assert "['ctx', 'grad_z', 'x', 'y']" in terminal.type("p sorted(locals())")
        assert "run_backward()" in terminal.type("up")
        assert "(['Mul'], [[1.0, 1.0]])" in terminal.type(
            "p [type(node).__name__], [each.tolist() for each in incoming]"
        )
        functions = ["walk_backward()", "differentiation.py", "tensor.py", "program.py(5)<module>()"]
        assert [name for name in functions if name not in terminal.type("up")] == []
    finally:
        terminal.close()


# ------------------------------------------------------------------------------------------- the debug adapter

PROGRAM = """
import minigrad
from minigrad.graph import storage

minigrad.manual_seed(0)
convolution = minigrad.nn.Conv2d(3, 4, 3)
norm = minigrad.nn.BatchNorm2d(4)
x = minigrad.randn(2, 3, 8, 8, requires_grad=True)
h = convolution(x)
z = norm(h).relu()
node = z.grad_fn
view = z[0]
z.backward(minigrad.ones_like(z))  # stop here
print(x.grad.array.tobytes().hex(), convolution.weight.grad.array.tobytes().hex(), storage.next_sequence_number())
"""


class Client:
    """What an editor says to the debug adapter."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.stream = self.socket.makefile("rwb")
        self.events, self.number = [], 0

    def close(self):
        self.stream.close()
        self.socket.close()

    def send(self, command, **arguments):
        self.number += 1
        message = {"seq": self.number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self.stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.stream.flush()
        return self.number

    def receive(self):
        if hasattr(socket, "TCP_QUICKACK"):  # it tells an answer and then an event, which waits until that has come
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        header = self.stream.readline()
        assert header.startswith(b"Content-Length: "), header
        assert self.stream.readline() == b"\r\n"
        return json.loads(self.stream.read(int(header.split()[1])))

    def ask(self, command, **arguments):
        """The answer to a request."""
        number = self.send(command, **arguments)
        while True:
            message = self.receive()
            if message["type"] == "event":
                self.events.append(message)
            elif message.get("request_seq") == number:
                assert message["success"], message
                return message.get("body", {})

    def wait_for(self, event):
        while True:
            for each in self.events:
                if each["event"] == event:
                    self.events.remove(each)
                    return each.get("body", {})
            message = self.receive()
            if message["type"] == "event":
                self.events.append(message)


# A port that is chosen by another process may be taken before the adapter listens at it. What is imported before runs
# as fast as ever. The debugger sends each message in two parts, and would wait until the first has come.
LISTENING = """
import runpy
import socket
import sys

import debugpy
import minigrad

_, port = debugpy.listen(("127.0.0.1", 0))
print(port, flush=True)
debugpy.wait_for_client()
from pydevd import get_global_debugger  # it can be found since debugpy listens

get_global_debugger().writer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@contextlib.contextmanager
def debugged(program, line, **settings):
    """A program under the debug adapter, stopped at ``line``: the client, the thread, and the process."""
    command = [sys.executable, "-Xfrozen_modules=off", "-c", LISTENING, str(program)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline()
        assert port, process.communicate()
        client = Client(int(port))
        client.ask("initialize", adapterID="test", pathFormat="path")
        client.send("attach", justMyCode=False, **settings)
        client.wait_for("initialized")
        client.ask("setBreakpoints", source={"path": str(program)}, breakpoints=[{"line": line}])
        client.ask("configurationDone")
        thread = client.wait_for("stopped")["threadId"]
        yield client, thread, process
        client.close()
    finally:
        process.kill()
        process.communicate()


needs_debugpy = pytest.mark.skipif(
    importlib.util.find_spec("debugpy") is None, reason="debugpy, which is VS Code's, is not installed"
)


def line_of(program, words):
    return next(number for number, line in enumerate(program.splitlines(), 1) if words in line)


@needs_debugpy
def test_expanding_in_an_editor_changes_nothing(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    shown = dict.fromkeys(["h", "z", "x", "node", "view", "convolution"])
    with debugged(program, line_of(PROGRAM, "stop here")) as (client, thread, process):
        frame = client.ask("stackTrace", threadId=thread)["stackFrames"][0]["id"]
        scope = client.ask("scopes", frameId=frame)["scopes"][0]["variablesReference"]
        for variable in client.ask("variables", variablesReference=scope)["variables"]:
            if variable["name"] in shown:
                inside = client.ask("variables", variablesReference=variable["variablesReference"])["variables"]
                shown[variable["name"]] = {each["name"]: each["value"] for each in inside}
        client.ask("continue", threadId=thread)
        client.wait_for("terminated")
        client.ask("disconnect")
        printed, errors = process.communicate(timeout=60)
    alone = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    assert printed == alone.stdout and "Warning" not in errors
    assert None not in shown.values()
    assert "data" in shown["h"] and shown["h"]["shape"].startswith("minigrad.Size([2, 4, 6, 6]")


STEPPED = """
import minigrad

x = minigrad.tensor([1, 2])
z = x + 1.5  # step into this
print(z)
"""


def files_entered(work):
    """The files of minigrad whose functions ``work`` calls."""
    files = set()
    previous = sys.gettrace()
    sys.settrace(lambda frame, event, argument: files.add(frame.f_code.co_filename))
    try:
        work()
    finally:
        sys.settrace(previous)
    return {Path(file).relative_to(PACKAGE).as_posix() for file in files if PACKAGE in Path(file).parents}


@needs_debugpy
def test_an_editor_steps_into_what_teaches(tmp_path):
    """With the settings of .vscode/launch.json, stepping into a sum of two types enters no check and no promotion."""
    settings = (PACKAGE.parent / ".vscode" / "launch.json").read_text(encoding="utf-8")
    rules = [each["rules"] for each in json.loads(settings)["configurations"]]
    assert rules[0] == rules[1] == rules[2]
    program = tmp_path / "program.py"
    program.write_text(STEPPED)
    seen, line = set(), line_of(STEPPED, "step into")
    with debugged(program, line, rules=rules[0]) as (client, thread, _):
        while True:
            client.ask("stepIn", threadId=thread)
            client.wait_for("stopped")
            top = client.ask("stackTrace", threadId=thread)["stackFrames"][0]
            if top["name"] == "<module>":
                break
            seen.add(Path(top["source"]["path"]).relative_to(PACKAGE).as_posix())
    x = minigrad.tensor([1, 2])
    entered = files_entered(lambda: x + 1.5)
    left_out = {file for file in entered if file.startswith(("arguments/", "dtypes.py"))}
    assert left_out and seen == entered - left_out
