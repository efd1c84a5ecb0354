"""The reference: a page for each family of public names, grouped as PyTorch groups them, made of their docstrings.

Here is only which names stand on which page, in the order of the modules that define them. A page is text for Sphinx's
autodoc, which imports the modules and takes signatures and docstrings from them.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ["pages"]

# The pages: their file, their title, and the modules whose public names they have. minigrad's own names are shared out
# by the places in which they are defined.
PAGES = [
    ("tensor", "Tensors", []),
    ("creation", "Creation and random numbers", []),
    ("operations", "Operations", ["minigrad.linalg"]),
    ("nn", "Modules: minigrad.nn", ["minigrad.nn", "minigrad.nn.init", "minigrad.nn.utils"]),
    ("functional", "minigrad.nn.functional", ["minigrad.nn.functional"]),
    ("optim", "Optimizers: minigrad.optim", ["minigrad.optim", "minigrad.optim.lr_scheduler"]),
    (
        "data",
        "Data: minigrad.utils",
        ["minigrad.utils.data", "minigrad.utils.checkpoint", "minigrad.utils.tensorboard"],
    ),
    ("autograd", "minigrad.autograd", ["minigrad.autograd", "minigrad.autograd.functional", "minigrad.autograd.graph"]),
    ("viz", "Graphs and steps: minigrad.viz", ["minigrad.viz"]),
    ("models", "Networks: minigrad.models", ["minigrad.models"]),
    ("lightning", "minigrad.lightning", ["minigrad.lightning"]),
    ("jit", "minigrad.jit", ["minigrad.jit"]),
    (
        "settings",
        "Saving and settings",
        ["minigrad.cuda", "minigrad.amp", "minigrad.accelerator", "minigrad.compiler", "minigrad.cpu"],
    ),
    ("torch_impl", "torch_impl", ["torch_impl"]),
    ("comparisons", "comparisons", ["comparisons", "comparisons.tutorial", "comparisons.tutorial.figures"]),
]
# Where minigrad's own names stand, by the beginning of the module that defines them; the rest are settings.
PLACES = {
    "tensor": "tensor",
    "attributes": "tensor",
    "dtypes": "tensor",
    "printing": "tensor",
    "tensor_types": "tensor",
    "creation": "creation",
    "random": "creation",
    "ops": "operations",
    "linalg": "operations",
    "graph": "autograd",
    "autograd": "autograd",
    "viz": "viz",
}


def pages() -> dict[str, str]:
    """The pages by their names, as reStructuredText."""
    own = own_names()
    written = {}
    for name, title, modules in PAGES:
        parts = [("minigrad", family) for family in [own.get(name, [])] if family]
        parts += [(module, public_names(module)) for module in modules if there_is(module)]
        if parts:
            written[name] = page(title, parts)
    return written


def own_names() -> dict[str, list[str]]:
    """The names of ``minigrad`` itself by page; modules have pages of their own."""
    places: dict[str, list[str]] = {}
    for name in public_names("minigrad"):
        first = defined_in("minigrad", name).removeprefix("minigrad.").partition(".")[0]
        places.setdefault(PLACES.get(first, "settings"), []).append(name)
    return places


def public_names(module: str) -> list[str]:
    """What a module calls public, but modules."""
    imported = importlib.import_module(module)
    names = getattr(imported, "__all__", None) or importlib.import_module(f"{module}.face").__all__
    return [name for name in names if not isinstance(getattr(imported, name), ModuleType)]


def there_is(module: str) -> bool:
    """Whether a module exists and has public names."""
    try:
        return find_spec(module) is not None and bool(public_names(module))
    except ModuleNotFoundError:  # a package without a face
        return False


def defined_in(module: str, name: str) -> str:
    """The module that defines a public name; numbers know none."""
    return getattr(value_of(module, name), "__module__", None) or module


def value_of(module: str, name: str) -> Any:
    """What a public name stands for."""
    return getattr(importlib.import_module(module), name)


def page(title: str, parts: list[tuple[str, list[str]]]) -> str:
    """One page: for each module its names, family by family. What two of the modules have is told once."""
    lines = heading(title, "=")
    told: set[int] = set()
    for module, names in parts:
        lines += heading(module, "-") if len(parts) > 1 else []
        lines += introduction(module)
        for family, members in families_of(module, names).items():
            new = [name for name in members if id(value_of(module, name)) not in told]
            lines += heading(title_of(family), "^") if new and family != module else []
            for name in new:
                lines += [*entry(module, name), ""]
        told |= {id(value_of(module, name)) for name in names if callable(value_of(module, name))}
    return "\n".join(lines)


def families_of(module: str, names: list[str]) -> dict[str, list[str]]:
    """The names by the modules that define them; first what the module itself defines."""
    families: dict[str, list[str]] = {module: []}
    for name in names:
        families.setdefault(defined_in(module, name), []).append(name)
    return families


def heading(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def introduction(module: str) -> list[str]:
    """What a module says of itself in its first paragraph."""
    paragraph = (inspect.getdoc(importlib.import_module(module)) or "").partition("\n\n")[0]
    return [paragraph, ""]


def title_of(family: str) -> str:
    """The first sentence of what a module says of itself: a family's title."""
    told = " ".join((inspect.getdoc(importlib.import_module(family)) or family).split())
    return told.partition(": ")[0].partition(". ")[0].rstrip(".").replace("``", "")


def entry(module: str, name: str) -> Iterator[str]:
    """The line by which autodoc documents a name."""
    value = value_of(module, name)
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        yield f".. {kind}:: {module}.{name}"
        yield "   :members:"
        if name == "Tensor":
            yield "   :inherited-members:"
    elif callable(value):
        yield f".. autofunction:: {module}.{name}"
    else:
        yield f".. autodata:: {module}.{name}"
        yield "   :no-value:"
