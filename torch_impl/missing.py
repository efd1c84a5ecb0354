"""What tells which part of the installation is missing: PyTorch and all else beside NumPy come by extras.

The standard library alone is imported here: this is asked where an import has failed.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

__all__ = ["face_of", "how_to_install", "missing_part", "require"]

# What the libraries are called, by the name that they are imported by.
LIBRARIES = {
    "IPython": "IPython",
    "PIL": "Pillow",
    "docutils": "Docutils",
    "furo": "Furo",
    "graphviz": "graphviz",
    "ipykernel": "ipykernel",
    "jupyter_client": "jupyter-client",
    "jupytext": "jupytext",
    "lightning": "Lightning",
    "matplotlib": "Matplotlib",
    "myst_nb": "MyST-NB",
    "nbclient": "nbclient",
    "nbformat": "nbformat",
    "onnxruntime": "onnxruntime",
    "onnxscript": "onnxscript",
    "pygments": "Pygments",
    "pygraphviz": "pygraphviz",
    "pytest": "pytest",
    "rich": "Rich",
    "sklearn": "scikit-learn",
    "sphinx": "Sphinx",
    "sphinx-mathjax-offline": "sphinx-mathjax-offline",
    "sphinx_copybutton": "sphinx-copybutton",
    "tensorboard": "TensorBoard",
    "threadpoolctl": "threadpoolctl",
    "tomli": "tomli",
    "torch": "PyTorch",
    "torchmetrics": "TorchMetrics",
    "torchvision": "torchvision",
    "typer": "Typer",
    "watchfiles": "watchfiles",
    "yaml": "PyYAML",
}
TAUGHT_WITH = ("IPython", "ipykernel", "jupyter_client", "jupytext", "nbclient", "nbformat", "pytest", "watchfiles")
PUBLISHED_WITH = ("docutils", "furo", "myst_nb", "sphinx", "sphinx-mathjax-offline", "sphinx_copybutton")
EXTRAS = {"torch_impl": "train", "comparisons": "compare"}


def missing_part(error: BaseException, program: str) -> str | None:
    """What is needed where an import failed because an extra is not installed; None for any other error.

    Args:
        program: the package that was used, ``torch_impl`` or ``comparisons``.
    """
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return f"needs {how_to_install(name, program)}" if name in LIBRARIES else None


def how_to_install(name: str, program: str) -> str:
    """What a library is called, and the command that installs it with all else that ``program`` needs."""
    extra = "teach" if name in TAUGHT_WITH else "book" if name in PUBLISHED_WITH else EXTRAS[program]
    return f"{LIBRARIES[name]}: pip install 'minigrad[{extra}]'"


def require(*names: str) -> None:
    """Look for libraries before the work is begun that needs them at its end. Nothing is imported.

    Raises:
        ModuleNotFoundError: one is not installed.
    """
    for name in names:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def face_of(package: str) -> ModuleType:
    """The module ``face.py`` of a package.

    Raises:
        ImportError: an extra is not installed; the message says which.
    """
    try:
        return importlib.import_module(f"{package}.face")
    except ModuleNotFoundError as error:
        needed = missing_part(error, package)
        if needed is None:
            raise
        raise ImportError(f"{package} {needed}") from error
