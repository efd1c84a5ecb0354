"""The three sentences: minigrad imports NumPy only, torch_impl never minigrad; only comparisons and tests know both.

And inside minigrad: a room imports only what stands below it, so that nothing imports itself in a circle.
"""

import ast
import functools
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DRAWING = {"graphviz", "pygraphviz"}


@functools.cache
def text_of(path):
    """What stands in a file, as letters: it is read once for all that is asked about it."""
    return path.read_text(encoding="utf-8")


def parts_of(node):
    """What stands in a file or a statement: its own statements, not those inside of them."""
    return [each for part in ("body", "handlers", "cases", "orelse", "finalbody") for each in getattr(node, part, ())]


def statements(path):
    """All statements of a file, without their expressions, which are many times as many."""
    found = parts_of(ast.parse(text_of(path)))
    for node in found:  # it grows
        found += parts_of(node)
    return found


@functools.cache
def importing(path):
    """The statements of a file that import, each with whether it does so for type checkers alone."""
    waiting = [(ast.parse(text_of(path)), False)]
    for node, for_types in waiting:  # it grows
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        waiting += [(each, for_types or (guarded and each not in node.orelse)) for each in parts_of(node)]
    return [(node, for_types) for node, for_types in waiting if isinstance(node, (ast.Import, ast.ImportFrom))]


def imports_of(path):
    """The top-level names of the packages that a file imports."""
    for node, _ in importing(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        else:
            assert node.level == 0, f"{path}: relative import"
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", sorted((ROOT / "minigrad").rglob("*.py")), ids=lambda path: path.name)
def test_minigrad_imports_numpy_only(path):
    allowed = {"minigrad", "numpy", "__future__", *sys.stdlib_module_names}
    if path.parent.name == "viz":
        allowed |= DRAWING
    if path.name == "tensorboard.py":
        allowed |= {"tensorboard", "PIL", "matplotlib"}
    if path.parent.name == "neighbours":  # what the program has imported already
        allowed |= {"einops"}
    if path.name == "dtypes.py":
        allowed |= {"ml_dtypes"}
    assert set(imports_of(path)) <= allowed


@pytest.mark.parametrize("path", sorted((ROOT / "torch_impl").rglob("*.py")), ids=lambda path: path.name)
def test_torch_impl_does_not_know_minigrad(path):
    assert not {"minigrad", "comparisons"} & set(imports_of(path))


def test_importing_minigrad_imports_nothing_that_it_may_not_need():
    late = {"torch", "graphviz", "pygraphviz", "multiprocessing", "einops", "torchvision", "ml_dtypes"}
    code = f"import sys, minigrad, minigrad.viz; print({late} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_families_load_on_use():
    """``import minigrad`` leaves them alone; their names are there, for ``dir`` too, and bring them."""
    code = """
import importlib.util, sys, minigrad
families = [each for each in minigrad.LOADED_ON_USE if importlib.util.find_spec(f"minigrad.{each}")]
loaded = lambda: [each for each in families if f"minigrad.{each}" in sys.modules]
assert "jit" in families and set(families) <= set(dir(minigrad)), families
assert loaded() == [], loaded()
assert all(getattr(minigrad, each).__name__ == f"minigrad.{each}" for each in families)
assert loaded() == families and not hasattr(minigrad, "absent")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_exported_name_exists():
    import minigrad

    assert len(set(minigrad.__all__)) == len(minigrad.__all__)
    assert all(hasattr(minigrad, name) for name in minigrad.__all__)


def test_every_module_says_what_it_is():
    for package in ("minigrad", "torch_impl", "comparisons"):
        for path in (ROOT / package).rglob("*.py"):
            assert re.match(r'r?"""\S', text_of(path)), f"{path} does not begin with a docstring"


# ------------------------------------------------------------------------------------------- the rooms of minigrad

# From the bottom up. What is named by itself does not stand in its folder's room.
ROOMS = [
    ["caller", "dtypes", "attributes", "printing", "forking", "locking", "left_out", "out_of_memory"],
    ["amp", "compiler", "cuda", "accelerator", "settings", "version", "backends", "cpu", "mps", "xpu"],  # what is asked
    ["kernels", "arguments.dims", "arguments.promotion"],
    ["graph"],
    ["arguments", "random", "return_types"],
    ["reading", "creation"],
    ["ops", "inplace", "linalg", "tensor_types"],
    ["subscript"],
    ["autograd"],
    ["methods", "lending", "tensor"],
    ["distributed"],
    ["nn", "optim", "utils", "saving", "serialization", "storage"],
    ["viz", "neighbours"],
    [""],  # the face
    # Written with the face, as with PyTorch's.
    ["models", "jit", "compat", "distributions", "func", "functional", "lightning", "testing", "neighbours.layers"]
    + ["utils.tensorboard"],
    ["command", "__main__"],  # python -m minigrad
]


def modules():
    """The modules of minigrad by name, without the package's; the face is ""."""
    for path in sorted((ROOT / "minigrad").rglob("*.py")):
        parts = path.relative_to(ROOT / "minigrad").with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imported(path):
    """The modules of minigrad that a file imports at run time, at its top or inside a function."""
    for node in [node for node, for_types in importing(path) if not for_types]:
        if isinstance(node, ast.Import):
            yield from (name.removeprefix("minigrad").lstrip(".") for name in named(node) if belongs(name))
        elif belongs(node.module):
            source = node.module.removeprefix("minigrad").lstrip(".")
            for name in named(node):
                inner = f"{source}.{name}".lstrip(".")
                yield inner if inner in MODULES else source


def named(node):
    return [alias.name for alias in node.names]


def belongs(name):
    return name.partition(".")[0] == "minigrad"


@functools.cache
def imports(module):
    """The other modules that one imports: found when a test asks, for every process of a run reads this file."""
    return set(imported(MODULES[module])) - {module}


def room_of(module):
    """The number of the room in which a module stands: that of the longest of its beginnings which is named."""
    while not any(module in room for room in ROOMS):
        assert module, "a module stands in no room"
        module = module.rpartition(".")[0]
    return next(number for number, room in enumerate(ROOMS) if module in room)


def test_every_module_stands_in_a_room():
    assert {name for room in ROOMS for name in room} <= set(MODULES)
    face = ROOMS.index([""])
    above = {"", *ROOMS[-2], *ROOMS[-1]}
    assert all(room_of(module) < face or {module, module.partition(".")[0]} & above for module in MODULES)


@pytest.mark.parametrize("module", [name for name in MODULES if name], ids=str)
def test_a_room_imports_only_what_stands_below_it(module):
    above = [other for other in imports(module) if room_of(other) > room_of(module)]
    assert not above, f"minigrad.{module} imports {above}, which stand above it"


def circles(graph):
    """The sets of more than one module that import one another, found by taking away what is in none."""
    left = dict(graph)
    while True:
        free = [
            name
            for name, others in left.items()
            if not others & set(left) or not any(name in left[other] for other in left)
        ]
        if not free:
            return set(left)
        for name in free:
            del left[name]


def test_nothing_imports_itself_in_a_circle():
    assert circles({module: imports(module) for module in MODULES}) == set()
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"c"}}) == {"b", "c"}


def test_one_arrow_points_up_for_types_only():
    """Lower files know a tensor as ``graph.node.Tensor``: all that the graph needs; for type checkers it is Tensor."""
    upwards = []
    for name, path in MODULES.items():
        text = text_of(path)
        if room_of(name) < room_of("tensor") and "minigrad.tensor" in text and "import" in text:
            upwards += [name for line in text.splitlines() if line.strip() == "from minigrad.tensor import Tensor"]
    assert upwards == ["graph.node"]


def test_type_checkers_know_what_a_function_gives(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import minigrad\n"
        "x = minigrad.ones(2)\n"
        "reveal_type(minigrad.exp(x))\n"
        "reveal_type(x.exp() * 2)\n"
        "reveal_type(minigrad.nn.functional.relu(x))\n"
    )
    # minigrad's own lines are checked elsewhere, and its types do not hang on NumPy's.
    options = ["--follow-imports=silent", "--no-site-packages", "--no-incremental", "--cache-dir", os.devnull]
    command = [sys.executable, "-m", "mypy", *options, str(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    revealed = [line.rpartition(" is ")[2] for line in done.stdout.splitlines() if "Revealed" in line]
    assert revealed == ['"minigrad.tensor.Tensor"'] * 3, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path",
    [
        "serialization",
        "storage",
        "autograd.function",
        "autograd.grad_mode",
        "autograd.anomaly_mode",
        "autograd.graph",
        "autograd.functional",
        "autograd.variable",
        "nn.functional",
        "nn.parameter",
        "nn.utils.rnn",
        "optim.lr_scheduler",
        "utils.data",
        "utils.checkpoint",
        "utils.tensorboard",
        "utils.data._utils.collate",
        "functional",
        "optim.optimizer",
        "accelerator",
        "amp",
        "compiler",
        "cpu",
        "cuda",
        "cuda.amp",
        "mps",
        "xpu",
        *(f"backends.{name}" for name in ("cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum")),
    ],
)
def test_pytorchs_paths_can_be_imported(path):
    """And what minigrad's module calls public, PyTorch's has too."""
    module = importlib.import_module(f"minigrad.{path}")
    theirs = importlib.import_module(f"torch.{path}")
    for name in module.__all__:
        assert hasattr(theirs, name), f"torch.{path} has no {name}"


def test_pytorchs_older_paths_of_layers():
    """Each layer that minigrad has stands under the path of PyTorch's file too."""
    import torch

    import minigrad

    found = []
    for path in pkgutil.iter_modules(torch.nn.modules.__path__):
        theirs = importlib.import_module(f"torch.nn.modules.{path.name}")
        for name in set(getattr(theirs, "__all__", ())) & set(minigrad.nn.__all__):
            ours = importlib.import_module(f"minigrad.nn.modules.{path.name}")
            assert getattr(ours, name) is getattr(minigrad.nn.modules, name) is getattr(minigrad.nn, name)
            found.append(name)
    assert set(found) >= {"Conv2d", "Dropout", "LazyLinear", "MultiheadAttention"}


# ------------------------------------------------------------------------------------------- what Ctrl-C may not leave

MODES = {"no_grad", "enable_grad", "inference_mode", "set_grad_enabled", "saved_tensors_hooks", "fork_rng"}


def inside_of(node):
    """What stands in a statement, but not in functions that it defines."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.Lambda)):
            yield child
            yield from inside_of(child)


@pytest.mark.parametrize("path", sorted((ROOT / "minigrad").rglob("*.py")), ids=lambda path: path.name)
def test_what_is_switched_is_switched_back_after_an_interrupt(path):
    """Python looks for signals where ``__exit__`` begins, and where a loop begins again: not always in the ``try``."""
    if not any(word in text_of(path) for word in ("finally", *MODES)):
        return  # most files: there is nothing to be switched back
    for node in statements(path):
        if isinstance(node, ast.With):
            called = [each.context_expr.func for each in node.items if isinstance(each.context_expr, ast.Call)]
            assert not MODES & {ast.unparse(each) for each in called}, f"line {node.lineno}: see call_inside()"
        if isinstance(node, ast.Try) and node.finalbody:
            loops = [each.lineno for each in inside_of(node) if isinstance(each, (ast.For, ast.While))]
            assert not loops, f"line {loops}: a loop inside of try ... finally belongs in a function of its own"
