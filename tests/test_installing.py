"""What is installed with what: NumPy alone for minigrad, extras for the rest; what is missing is told in a sentence."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

import comparisons.cli
import minigrad
import torch_impl.cli
from torch_impl import missing

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it along

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DISTRIBUTIONS = {
    "IPython": "ipython",
    "PIL": "pillow",
    "jupyter_client": "jupyter-client",
    "myst_nb": "myst-nb",
    "sphinx_copybutton": "sphinx-copybutton",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}  # the others are called as they are imported


def test_minigrad_tells_its_own_version():
    assert minigrad.version.minigrad == PROJECT["version"]


def needed_by(extra):
    """The names of what an extra installs, by itself and by the extras that it names."""
    names = {"numpy"}
    for text in EXTRAS[extra]:
        requirement = Requirement(text)
        if requirement.name == "minigrad":
            names |= {name for other in requirement.extras for name in needed_by(other)}
        names.add(requirement.name)
    return names - {"minigrad"}


def imported_by(package):
    """What the files of a package import that is neither ours nor Python's."""
    names = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.partition(".")[0])
    ours = {"minigrad", "comparisons", "torch_impl", "student"}
    return {name for name in names - ours if name not in sys.stdlib_module_names}


def test_minigrad_is_installed_with_numpy_alone():
    assert [Requirement(text).name for text in PROJECT["dependencies"]] == ["numpy"]
    assert needed_by("draw") == {"numpy", "graphviz", "pygraphviz"}
    assert needed_by("train") < needed_by("compare") < needed_by("teach") < needed_by("book")
    assert needed_by("book") == needed_by("all") < needed_by("test")


@pytest.mark.parametrize("package", ["torch_impl", "comparisons"])
def test_an_extra_has_all_that_its_package_imports_and_what_is_missing_is_told(package):
    for name in imported_by(package) - {"numpy"}:
        extra = re.fullmatch(r".+: pip install 'minigrad\[(\w+)\]'", missing.how_to_install(name, package))[1]
        assert DISTRIBUTIONS.get(name, name) in needed_by(extra)
    assert {DISTRIBUTIONS.get(name, name) for name in missing.LIBRARIES} <= needed_by("book")


def test_every_library_has_its_version_in_the_constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {Requirement(line).name for line in lines if not line.startswith("#")}
    assert needed_by("dev") - {"pre-commit"} <= pinned


def without(*names, module, arguments=""):
    """Run ``python -m module`` where libraries are not installed."""
    code = "import runpy, sys\nsys.modules.update(dict.fromkeys(sys.argv.pop().split()))\n"
    code += "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", code, module, *arguments.split(), " ".join(names)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "lacking, module, arguments, told",
    [
        ("torch", "comparisons", "", "comparisons: this needs PyTorch: pip install 'minigrad[compare]'"),
        ("typer", "comparisons", "judge x", "python -m comparisons needs Typer: pip install 'minigrad[compare]'"),
        ("torch", "torch_impl", "train", "torch_impl: this needs PyTorch: pip install 'minigrad[train]'"),
        (
            "graphviz",
            "minigrad",
            "draw x*x x=2 -o x.svg",
            "python -m minigrad: drawing needs the Python package graphviz: pip install 'minigrad[draw]'",
        ),
    ],
)
def test_a_command_without_its_libraries(lacking, module, arguments, told):
    done = without(lacking, module=module, arguments=arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told + "\n")
    assert not (ROOT / "x.svg").exists()


@pytest.mark.parametrize(
    "lacking, program, arguments, told",
    [
        ("matplotlib", "comparisons", "train", "Matplotlib: pip install 'minigrad[compare]'"),
        ("sphinx", "comparisons", "book --out site", "Sphinx: pip install 'minigrad[book]'"),
        ("lightning", "comparisons", "", "Lightning: pip install 'minigrad[compare]'"),
        ("onnxruntime", "comparisons", "--only script", "onnxruntime: pip install 'minigrad[compare]'"),
        ("matplotlib", "torch_impl", "train", "Matplotlib: pip install 'minigrad[train]'"),
        ("tensorboard", "torch_impl", "train --no-figures --tensorboard", "TensorBoard: pip install 'minigrad[train]'"),
        ("lightning", "torch_impl", "train --trainer lightning", "Lightning: pip install 'minigrad[train]'"),
        ("onnxscript", "torch_impl", "export --format onnx", "onnxscript: pip install 'minigrad[train]'"),
        ("sklearn", "torch_impl", "train --no-figures", "scikit-learn: pip install 'minigrad[train]'"),
    ],
)
def test_what_is_needed_later_is_looked_for_before_the_work(lacking, program, arguments, told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == lacking]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("torch_impl.lit", "torch_impl.lit_run"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, lacking, None)
    app = {"comparisons": comparisons.cli.app, "torch_impl": torch_impl.cli.app}[program]
    done = CliRunner().invoke(app, arguments.split())
    assert (done.exit_code, done.output) == (2, f"{program}: this needs {told}\n")


@pytest.mark.parametrize("package", ["torch_impl", "comparisons"])
def test_a_package_without_pytorch_tells_who_uses_it(package):
    program = f"import sys, {package}\nsys.modules['torch'] = None\n"
    program += f"try: {package}.anything\nexcept ImportError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    extra = {"torch_impl": "train", "comparisons": "compare"}[package]
    assert done.stdout == f"{package} needs PyTorch: pip install 'minigrad[{extra}]'\n"
