"""What minigrad exposes: every name is PyTorch's, takes PyTorch's arguments, and stands in some comparison."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
import torch
import torch.nn.utils.prune

import minigrad
from comparisons.pytorch_names import FILE, pytorch_names
from minigrad import ops
from minigrad.methods import Methods

HERE = Path(__file__)
CASES = [*HERE.parent.glob("*.py"), *HERE.parent.glob("expressions/*.txt")]
WORDS = {word for path in CASES if path != HERE for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}
MODULES = [
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "nn.utils.rnn",
    "nn.utils.parametrizations",
    "nn.utils.parametrize",
    "nn.utils.prune",
    "func",
    "optim",
    "optim.lr_scheduler",
    "optim.swa_utils",
    "utils.data",
    "linalg",
    "distributions",
]
PUBLIC = [(module, name) for module in MODULES for name in importlib.import_module(f"minigrad.{module}").__all__]
FAMILIES = [importlib.import_module(f"minigrad.ops.{each.name}") for each in pkgutil.iter_modules(ops.__path__)]
FUNCTIONS = sorted(
    {name for family in FAMILIES for name in getattr(family, "__all__", ())}.union(
        [name for name in vars(Methods) if not name.startswith("__")]
    ).difference(minigrad.nn.functional.__all__)
)


def resolve(module, root):
    for part in module.split("."):
        root = getattr(root, part)
    return root


def parameters_of(thing):
    """Names and defaults of what a function or a class takes, but for ``out``; None where Python cannot tell."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (ValueError, TypeError):
        return None
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters):
        return None
    found = []
    for each in parameters:
        default = each.default
        if default is not each.empty and not isinstance(default, (bool, int, float, str, tuple, type(None))):
            default = "an object"
        if each.name != "out":
            found.append((each.name, default))
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_pytorchs_and_compared(name):
    assert hasattr(torch, name) or hasattr(torch.Tensor, name)
    assert hasattr(minigrad, name) or hasattr(minigrad.Tensor, name)
    if hasattr(minigrad, name) and not inspect.isclass(getattr(minigrad, name)):
        assert hasattr(torch, name)
    if hasattr(minigrad.Tensor, name):
        assert hasattr(torch.Tensor, name)
    base = name.rstrip("_")
    assert {base, f"{base}_"} & WORDS, f"{name} is compared nowhere"


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=[f"{module}.{name}" for module, name in PUBLIC])
def test_modules_are_pytorchs_and_compared(module, name):
    ours = getattr(resolve(module, minigrad), name)
    theirs = getattr(resolve(module, torch), name)
    assert inspect.isclass(ours) == inspect.isclass(theirs)
    assert name in WORDS, f"{name} is compared nowhere"
    expected, found = parameters_of(theirs), parameters_of(ours)
    if expected is not None and found is not None and not inspect.ismodule(ours):
        assert found == expected


# What is of one more kind than in PyTorch: it has that one's code, or becomes one.
ALSO = {(f"Lazy{kind}Norm{dims}d", f"{kind}Norm{dims}d") for kind in ("Batch", "Instance") for dims in (1, 2, 3)}
ALSO |= {("UninitializedBuffer", "Buffer"), ("MultiplicativeLR", "LambdaLR")}


@pytest.mark.parametrize("module", ["nn", "optim", "optim.lr_scheduler", "utils.data", "distributions"])
def test_classes_are_of_pytorchs_kinds(module):
    """``isinstance(loss, nn.NLLLoss)`` and the like have PyTorch's answer."""
    kinds = []
    for root in (torch, minigrad):
        classes = {name: getattr(resolve(module, root), name) for place, name in PUBLIC if place == module}
        classes = {name: each for name, each in classes.items() if inspect.isclass(each)}
        kinds.append({(a, b) for a in classes for b in classes if a != b and issubclass(classes[a], classes[b])})
    assert kinds[1] - ALSO == kinds[0] - ALSO


def test_compat_knows_the_names_of_this_pytorch():
    """``minigrad/compat/pytorch-names.txt`` is up to date; where PyTorch is newer, its first line says how to."""
    kept = FILE.read_text(encoding="utf-8")
    if f"# PyTorch {torch.__version__.partition('+')[0]}: " not in kept:
        pytest.skip("the names are those of another version of PyTorch")
    assert pytorch_names() == kept
