"""The three sentences: minigrad imports NumPy only, torch_impl never minigrad; only comparisons and tests know both."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DRAWING = {"graphviz", "pygraphviz"}


def imports_of(path):
    """The top-level names of the packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", sorted((ROOT / "minigrad").rglob("*.py")), ids=lambda path: path.name)
def test_minigrad_imports_numpy_only(path):
    allowed = {"minigrad", "numpy", "__future__", *sys.stdlib_module_names}
    if path.parent.name == "viz":
        allowed |= DRAWING
    assert set(imports_of(path)) <= allowed


@pytest.mark.parametrize("path", sorted((ROOT / "torch_impl").rglob("*.py")), ids=lambda path: path.name)
def test_torch_impl_does_not_know_minigrad(path):
    assert not {"minigrad", "comparisons"} & set(imports_of(path))


def test_importing_minigrad_imports_neither_torch_nor_graphviz():
    code = "import sys, minigrad, minigrad.viz; print({'torch', 'graphviz', 'pygraphviz'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_every_exported_name_exists():
    import minigrad

    assert len(set(minigrad.__all__)) == len(minigrad.__all__)
    assert all(hasattr(minigrad, name) for name in minigrad.__all__)


def test_every_module_says_what_it_is():
    for package in ("minigrad", "torch_impl", "comparisons"):
        for path in (ROOT / package).rglob("*.py"):
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no docstring"
