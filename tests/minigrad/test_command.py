"""``python -m minigrad``: what it draws and explains of expressions and of files, and how it tells what is wrong."""

import ast
import contextlib
import math
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad
from minigrad.command import main
from minigrad.viz import expression, programs

QUADRATIC = ["x**2 + 2*x + 1", "x=2"]
PACKAGE = str(Path(minigrad.__file__).parent)

PROGRAM = """
import sys
import minigrad
from minigrad import nn
import beside

assert __name__ != "__main__" and sys.argv == ["{name}"] and beside.number == 3
minigrad.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
model.out = model(minigrad.ones(1, 3)).sum()
loss = model.out * beside.number
pair = [loss, model.out]
number, cut, weight = 3, loss.detach(), model[0].weight
asks = type("Asks", (), {{"loss": property(lambda self: vars()["no loss"])}})()

def compute():
    hidden = model(minigrad.ones(1, 3))
    return hidden.mean()

def fails():
    return loss @ loss

def hooked():
    y = loss * 1
    y.register_hook(lambda grad: grad / [])
    return y

def leaves():
    sys.exit(3)

if __name__ == "__main__":
    unseen = loss
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with programs, which is the current one."""
    (tmp_path / "train.py").write_text(PROGRAM.format(name="train.py"), encoding="utf-8")
    (tmp_path / "beside.py").write_text("number = 3", encoding="utf-8")
    (tmp_path / "broken.py").write_text("one = 1\nloss = one / 0\n", encoding="utf-8")
    (tmp_path / "unread.py").write_text("loss = (1,\n", encoding="utf-8")
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(3)\n", encoding="utf-8")
    spent = "import minigrad\nx = minigrad.ones(2, requires_grad=True)\nloss = (x * x).sum()\nloss.backward()\n"
    (tmp_path / "spent.py").write_text(spent, encoding="utf-8")
    both = "from __future__ import annotations\nimport torch\nimport minigrad\n"
    for name, engine in (("ours", "minigrad"), ("theirs", "torch")):
        both += f"x = {engine}.tensor([1.0, 2.0], requires_grad=True)\n{name} = (x * x + 1).sum()\n"
    (tmp_path / "both.py").write_text(both + "def unused(x: Unknown): ...\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # what a program imports would leave files here
    return tmp_path


def told(capsys, *arguments):
    """The status of a command, and what it wrote."""
    status = main(list(arguments))
    written = capsys.readouterr()
    return status, written.out, written.err


# ---------------------------------------------------------------------------------------------- expressions


def test_an_expression_is_drawn_and_explained(capsys, folder):
    status, out, err = told(capsys, "draw", *QUADRATIC)
    assert (status, err) == (0, "")
    assert "x = leaf  float32: 2.0  grad not computed yet" in out
    assert "AddBackward0(%2, 1)  float32: 9.0" in out
    status, out, err = told(capsys, "draw", "-x@w", "w=[[1, 2], [3, 4]]", "x=[1e1, -2]", "--no-values", "-o", "a.dot")
    assert (status, out, err) == (0, "a.dot\n", "")
    content = (folder / "a.dot").read_text(encoding="utf-8")
    assert "NegBackward0" in content and "grad not computed yet" in content and "values " not in content
    status, out, _ = told(capsys, "explain", *QUADRATIC)
    assert status == 0 and "sent to x (input 0): 4.0, added to 2.0 = 6.0" in out
    assert told(capsys, "explain", *QUADRATIC, "-o", "page.html") == (0, "page.html\n", "")
    assert (folder / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("suffix", [".svg", ".mmd", ".html", ".json", ".txt", ".gv"])
def test_the_suffix_decides(capsys, folder, suffix):
    beginning = {
        ".svg": "<?xml",
        ".mmd": "flowchart",
        ".html": "<!doctype",
        ".json": "{",
        ".txt": "x = leaf",
        ".gv": "digraph",
    }
    options = ["--backward"]
    if suffix == ".svg":
        options += ["--theme", "dark", "--collapse", "no", "--depth", "1", "--max-nodes", "9"]
    assert told(capsys, "draw", *QUADRATIC, "-o", f"graph{suffix}", *options) == (0, f"graph{suffix}\n", "")
    content = (folder / f"graph{suffix}").read_text(encoding="utf-8")
    assert content.startswith(beginning[suffix]) and ("6" in content or suffix == ".mmd"), "with x's gradient"


def test_expressions_mean_what_they_mean_in_python():
    """Each of them once, where x and w stand for tensors; the functions are the engine's."""
    values = expression.given_values(["x=[0.5, 2.0, 1.5]", "w=[[1, 2, 3], [4, 5, 6]]"])
    names = {
        **values,
        **vars(minigrad),
        "F": minigrad.nn.functional,
        "pi": math.pi,
        "gelu": minigrad.nn.functional.gelu,
    }
    for text in (
        "x**2 + w @ x[:, None] - 3 // 2 % 2 + 0*x",
        "where(x > 1, exp(x), -x).sum(dim=0) + 0*w.sum()",
        "cat([x, x])[1:4:2] / pi + w.max(1).values",
        "F.softmax(w.T, 0)[..., 0] + torch.gelu(x).t()",
        "stack([x, x])[True, None] + w.reshape(2, 3).unbind(0)[1]",
        "(w - w.mean(1, keepdim=True)).square().sum() + (x == 2).sum()",
    ):
        assert expression.evaluated(text, values, minigrad).tolist() == eval(text.replace("torch.", ""), names).tolist()
    for name in expression.FUNCTIONS:
        assert expression.Evaluation({}, minigrad).function(name) or hasattr(minigrad.Tensor, name)


REFUSED = {
    "__import__('os').system('id')": "not among the functions",
    "x.__class__": "'x.__class__' is not allowed",
    "x.sum.__globals__": "is not allowed",
    "x.backward()": "'x.backward' is not among the functions",
    "x.numpy()": "not among the functions",
    "open('f')": "not among the functions",
    "(lambda: x)()": "not among the functions",
    "[y for y in x]": "is not allowed",
    "x if x else 1": "is not allowed",
    "f'{x}'": "is not allowed",
    "x + 'a'": "only numbers are",
    "x; x": "no expression: invalid syntax",
    "x**": "no expression: invalid syntax",
    "": "no expression",
    "(" * 300: "no expression",
    "sum(*x)": "is not allowed",
    "sum(**x)": "it has ** in it",
    "x << 2": "is not allowed",
    "x < 1 < 2": "is not allowed",
    "9**9**9": "more than 64 bits",
    "x * 10**19": "more than 64 bits",
    "x + 99999999999999999999": "'99999999999999999999' cannot be computed: it is a number of more than 64 bits",
    "1e308 * 10.0**400 * x": "cannot be computed",
    "(-8)**0.5 * x": "it is a complex number",
    "1/0 * x": "division by zero",
    "(1,) * 10**9": "computes with a tuple",
    "outer(cat([x] * 2), x)": "computes with a list",
    "outer(w, w)": "it has 10000 elements, and 1000 are the most",
    "lerp(w[:, None, None], w[:, None], w)": "broadcast, it has 1000000 elements, and 1000 are the most",
    "clamp(w[:, None, None], min=w[:, None], max=w)": "broadcast, it has 1000000 elements, and 1000 are the most",
    "w.view(5, 5, 4)[w.sort()[1][:, None, None] % 4, w.sort()[1][:, None] % 4, w.sort()[1] % 4]": "its index has too",
    "x @ w": "cannot be computed",
    "x[7]": "cannot be computed: index 7 is out of bounds",
    "x[1:'a']": "only numbers are",
    "-" * 200 + "x": "more than 100 operations",
    "+x" * 400: "more than 100 operations",
    "x" * 1001: "1001 letters",
    "exp": "exp is a function: call it, as in exp(x)",
    "exp(y)": "y is not known: give it a value, as in y=2",
    "3 + 4": "gives the number 7 and no tensor",
    "[x]": "gives a list and no tensor",
    "w + 1": "x is given a value, and does not stand in",
    "x": "it is a leaf",
    "x.detach() * w[0].detach()": "nothing that it was computed from requires grad",
}
BAD_VALUES = {
    "x": "a value is given as x=2",
    "=2": "a value is given as x=2",
    "a b=2": "a value is given as x=2",
    "_x=2": "a value is given as x=2",
    "exp=2": "exp has a meaning already",
    "x=": "x is to be a number",
    "x=y": "x is to be a number",
    "x=True": "x is to be a number",
    "x='a'": "x is to be a number",
    "x=[1, [2]]": "x is to be a number",
    "x={1}": "x is to be a number",
    "x=__import__('os')": "x is to be a number",
    "x=1" + "0" * 400: "x is to be a number",
    "x=" + "[" * 150: "x is to be a number",
    "x=[]": "x has 0 numbers",
    f"x={[0] * 1001}": "x has 1001 numbers",
    f"x={[0] * 7000}": "x is longer than 20000 letters",
}


def one_sentence(status, out, err, words):
    assert status and not out and words in err, err
    assert err.startswith("python -m minigrad: ") and err.count("\n") == 1


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
def test_what_strangers_write_is_refused_in_a_sentence(capsys, folder, text):
    given = ["x=[1, 2]", f"w={[1] * 100}"] if text != "x" else ["x=1"]
    values = [each for each in given if each[0] in text or "given a value" in REFUSED[text]]
    before = sorted(folder.iterdir())
    one_sentence(*told(capsys, "draw", f" {text}", *values, "-o", "a.svg"), REFUSED[text])
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: value[:30])
def test_bad_values_are_refused_in_a_sentence(capsys, value):
    one_sentence(*told(capsys, "draw", "x**2", value), BAD_VALUES[value])


def test_an_expression_is_not_run_by_python():
    """None of Python's ways to run a text is in the file that computes expressions."""
    tree = ast.parse(Path(expression.__file__).read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__"}


# ---------------------------------------------------------------------------------------------- files


def test_a_file_is_run_for_its_tensor(capsys, folder):
    before = [*sys.path], sys.argv, set(sys.modules)
    for name, words in {
        "loss": "loss = MulBackward0(%4, 3)",
        "model.out": "-- in 1",
        "pair": "output loss = loss",
        "compute": "hidden = ReluBackward0(%2)  [1, 2]",
    }.items():
        status, out, err = told(capsys, "draw", f"train.py:{name}")
        assert (status, err) == (0, "") and "# train.py:" in out and "weight = leaf" in out, name
        assert words in out, out
    assert told(capsys, "explain", f"{folder}/spent.py:x.grad_fn")[0] == 1
    assert ([*sys.path], sys.argv) == before[:2] and "__minigrad__" not in sys.modules
    assert not (folder / "__pycache__" / "train.cpython").exists()


def test_both_engines_stand_beside_each_other(capsys, folder):
    arguments = ["explain", "both.py:ours", "--against", "both.py:theirs", "-o", "page.html"]
    assert told(capsys, *arguments) == (0, "page.html\n", "")
    assert "the gradients agree with PyTorch" in (folder / "page.html").read_text(encoding="utf-8")
    status, out, _ = told(capsys, "draw", "both.py:theirs")
    assert status == 0 and "AddBackward0(%0, 1)" in out and "# both.py:7" in out, "PyTorch is watched too"


def test_what_a_file_imports_is_there_when_it_is_watched(capsys, folder, monkeypatch):
    """PyTorch can be watched only once it is imported: the file is watched anew behind its imports."""
    there = []
    monkeypatch.setattr(programs, "watch", lambda: there.append("beside" in sys.modules) or contextlib.nullcontext())
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    assert told(capsys, "draw", "train.py:loss")[0] == 0 and there == [False] * 4 + [True]


WRONG = {
    "draw missing.py:loss": "there is no file missing.py",
    "draw train.py": "say which tensor of the file, as in train.py:loss",
    "draw train.py:": "say which tensor of the file, as in train.py:loss",
    "draw train.py:los": "train.py has no los: the tensors with a graph are loss",
    "draw train.py:unseen": "train.py has no unseen",
    "draw train.py:model.lost": "train.py has no model.lost",
    "draw train.py:number": "train.py:number is no tensor: its type is int",
    "draw train.py:nn": "train.py:nn is no tensor: its type is module",
    "draw train.py:nn.Linear": "train.py:nn.Linear is a class",
    "draw train.py:model": "train.py:model is a module: name a tensor that it gave",
    "draw train.py:minigrad.exp": "asks for arguments (input)",
    "draw train.py:cut": "train.py:cut has no graph: nothing that it was computed from requires grad",
    "draw train.py:weight": "train.py:weight has no graph: it is a leaf",
    "draw train.py:loss x=2": "x=2 is a value for an expression",
    "draw train.py:leaves": "train.py:leaves ended itself",
    "draw ends.py:loss": "ended itself",
    "draw .:loss": ". is no file of Python's",
    "draw train.py:loss -o graph.xyz": "graph.xyz ends in none of .svg",
    "draw train.py:loss -o graph": "graph ends in none of .svg",
    "draw train.py:loss -o beside.py/graph.svg": "beside.py",
    "draw train.py:loss --max-nodes 2 -o graph.svg": "more than max_nodes=2 nodes",
    "draw train.py:loss --depth -1": "--depth",
    "draw train.py:loss --depth 1": "--depth is for pictures: say by -o where to",
    "draw train.py:loss --no-grads -o graph.json": "--no-grads is for pictures",
    "draw train.py:minigrad.random": "its type is module",
    "draw train.py:object": "train.py has no object",
    "explain train.py:loss -o page.svg": "page.svg ends in none of .html",
    "explain train.py:loss -o missing/page.html": "missing/page.html cannot be written: there is no such folder",
    "explain train.py:pair": "loss must be",
    "explain train.py:loss --against train.py:number": "against must be",
    "explain spent.py:loss": "the graph behind spent.py:loss was freed: the program runs backward itself",
    "": "arguments are required",
    "draw": "arguments are required: program (see",
    "paint x": "invalid choice: 'paint'",
    "draw x --nonsense": "unrecognized arguments: --nonsense",
}


@pytest.mark.parametrize("command", WRONG)
def test_what_is_wrong_is_told_in_a_sentence(capsys, folder, command):
    before = sorted(folder.iterdir())
    one_sentence(*told(capsys, *command.split()), WRONG[command])
    assert sorted(folder.iterdir()) == before, "nothing half-written"


@pytest.mark.parametrize(
    ("command", "line", "last"),
    [
        ("draw broken.py:loss", 'broken.py", line 2, in <module>', "ZeroDivisionError: division by zero"),
        ("draw unread.py:loss", 'unread.py", line 1', "SyntaxError: '(' was never closed"),
        ("draw train.py:asks.loss", 'train.py", line 14, in <lambda>', "KeyError: 'no loss'"),
        ("draw train.py:fails", 'train.py", line 21, in fails', "RuntimeError: both arguments to matmul"),
        ("explain train.py:hooked", 'train.py", line 25, in <lambda>', "TypeError: unsupported operand"),
    ],
)
def test_an_error_of_the_users_has_the_users_traceback(capsys, folder, command, line, last):
    status, _, err = told(capsys, *command.split(), "-o", "page.html")
    assert status == 1 and line in err and err.splitlines()[-1].startswith(last)
    assert f'File "{PACKAGE}' not in err and not (folder / "page.html").exists()


def test_ctrl_c_ends_without_a_word(capsys, folder):
    (folder / "waits.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    assert told(capsys, "draw", "waits.py:loss") == (130, "", "")


def test_from_a_shell(folder):
    command = [sys.executable, "-m", "minigrad", "draw", "broken.py:loss"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("Traceback") and "runpy" not in done.stderr
