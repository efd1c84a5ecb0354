"""The engine under test: found by the name of a module or by a path, and what is known of it."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy

from comparisons.stopping import why

__all__ = ["NoEngine", "described", "find_engine", "load_engine", "models_of", "versions"]


class NoEngine(Exception):
    """There is no such engine, or it cannot be imported; the message is one sentence."""


def load_engine(name: str) -> ModuleType:
    """The engine under test, imported.

    Args:
        name: a module's name, or the path of a Python file or of a package's folder.

    Raises:
        NoEngine: it cannot be imported.
    """
    try:
        file = find_engine(name)
        return importlib.import_module(name) if file is None else load_file(file)
    except NoEngine:
        raise
    except ModuleNotFoundError as error:
        raise NoEngine(f"--engine {name} cannot be imported: {error}") from None
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        raise NoEngine(f"--engine {name} cannot be imported: {why(error)[1]}") from None


def find_engine(name: str) -> Path | None:
    """The file that a path leads to; None for a module's name. Nothing is imported.

    Raises:
        NoEngine: there is no such file or module.
    """
    if name.endswith(".py") or "/" in name or os.sep in name:
        path = Path(name).absolute()
        file = path / "__init__.py" if path.is_dir() else path
        if not file.is_file() or file.suffix != ".py":
            raise NoEngine(f"--engine {name}: there is no file {file if path.is_dir() else path} of Python")
        loaded = getattr(sys.modules.get(module_name(file)), "__file__", None)
        if module_name(file) in sys.modules and (loaded is None or Path(loaded).resolve() != file.resolve()):
            raise NoEngine(f"--engine {name}: a module {module_name(file)} is loaded already, give it another name")
        return file
    first = name.partition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")):
        raise NoEngine(f"--engine {name!r} is no name of a module, and no path")
    if first not in sys.modules and importlib.util.find_spec(first) is None:
        raise NoEngine(f"--engine {name} cannot be imported: No module named {first!r}")
    return None


def module_name(file: Path) -> str:
    """The name that a file's module has: a package's is its folder's."""
    return file.parent.name if file.name == "__init__.py" else file.stem


def load_file(file: Path) -> ModuleType:
    """The module of a file, or the package whose ``__init__.py`` it is; its neighbours can be imported too."""
    name = module_name(file)
    if name in sys.modules:
        return sys.modules[name]
    package = file.name == "__init__.py"
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[str(file.parent)] if package else None
    )
    assert spec is not None and spec.loader is not None  # its name ends in .py
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.append(str(file.parent.parent if package else file.parent))
    spec.loader.exec_module(module)
    return module


def described(engine: ModuleType) -> dict[str, Any]:
    """The engine's name, file and version, where it has them."""
    version = getattr(engine, "__version__", None)
    return {
        "name": engine.__name__,
        "file": getattr(engine, "__file__", None),
        "version": None if version is None else str(version),
    }


def models_of(engine: ModuleType | Any) -> Any:
    """The module of an engine, PyTorch among them, that holds the tutorial's networks.

    Raises:
        NotImplementedError: an engine under test has none.
    """
    if engine.__name__ == "torch":
        import torch_impl.models  # here: it brings PyTorch along

        return torch_impl.models
    if not hasattr(engine, "models"):
        raise NotImplementedError(
            f"the engine {engine.__name__} has no module 'models': copy the folder minigrad/models into it and change "
            f"the import lines"
        )
    return engine.models


def versions() -> dict[str, str]:
    """What the results depend on beside the engine."""
    import torch  # here: an engine can be found without it

    try:
        own = importlib.metadata.version("minigrad")
    except importlib.metadata.PackageNotFoundError:
        own = "not installed"  # a checkout
    return {
        "minigrad": own,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "torch": str(torch.__version__),
        "system": platform.platform(),
    }
