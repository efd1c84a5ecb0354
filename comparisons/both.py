"""What the fixture ``both`` gives to the body of a test: an engine, and ``check``, which compares it with PyTorch.

A value that ``check`` is given is compared with PyTorch's in the same test, whichever tests run beside it or before: at
the first ``check`` the body runs once more, with PyTorch.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

from comparisons.engines import NoEngine, load_engine
from torch_impl.missing import how_to_install

__all__ = ["Both", "begun"]

SEED = 0
Checked = dict[str, list[Any]]


class Both:
    """An engine: whatever it has can be had of this.

    Attributes:
        engine: the module.
        checked: what ``check`` was given, in order, by name.
    """

    def __init__(self, engine: Any, reference: Callable[[], Checked] | None) -> None:
        self.engine = engine
        self.checked: Checked = {}
        self._reference = reference  # None for PyTorch itself
        self._expected: Checked | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def __repr__(self) -> str:
        return f"<both: {self.engine.__name__}>"

    def check(self, name: str, value: Any, tolerance: str | None = None) -> None:
        """Assert that the engine under test has PyTorch's value.

        Args:
            name: what it is, for the message. Of one name the first value is compared with the first, and so on.
            value: a tensor, an array, a number, None, or anything that can be asked whether it is equal; or several of
                these in a list, a tuple or a dict.
            tolerance: a key of ``comparisons.TOLERANCES``; by default that of a single operation in the value's type.
                A float of Python's has float32's: most come from there.

        Raises:
            Mismatch: it has another; the message says where and by how much.
        """
        __tracebackhide__ = True
        before = self.checked.setdefault(name, [])
        place = len(before)
        if self._reference is None:
            before.append(kept(name, value, self.engine))
            return
        before.append(value)
        if self._expected is None:
            self._expected = self._reference()
        theirs = self._expected.get(name, [])
        if place >= len(theirs):
            pytest.fail(f"with PyTorch the test checks {name!r} {len(theirs)} times, here once more", pytrace=False)
        compare(name, value, theirs[place], tolerance)


def kept(name: str, value: Any, torch: Any) -> Any:
    """PyTorch's value as it is now: tensors as arrays."""
    if isinstance(value, torch.Tensor):
        return np.array(value.numpy(force=True))
    if hasattr(value, "grad_fn"):
        pytest.fail(
            f"check({name!r}) is given a tensor of {type(value).__module__} where PyTorch runs: a fixture has made it, "
            "or the module; make it in the body of the test, with both.tensor",
            pytrace=False,
        )
    if isinstance(value, (np.ndarray, np.generic)):
        return np.array(value)
    if isinstance(value, Mapping):
        return {key: kept(f"{name}[{key!r}]", each, torch) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [kept(f"{name}[{number}]", each, torch) for number, each in enumerate(value)]
    return value


def compare(name: str, ours: Any, theirs: Any, tolerance: str | None) -> None:
    """Raise a Mismatch where a value differs from PyTorch's, or one of several."""
    __tracebackhide__ = True
    from comparisons.comparing import Mismatch, compare_values, dtype_name
    from comparisons.tolerances import TOLERANCES

    if isinstance(theirs, (dict, list)):
        keys = list(theirs) if isinstance(theirs, dict) else range(len(theirs))
        if not isinstance(ours, Mapping if isinstance(theirs, dict) else Sequence) or len(ours) != len(theirs):
            raise Mismatch(f"{name}: ours {ours!r:.200}, theirs has {len(theirs)} values")
        for key in keys:
            if isinstance(theirs, dict) and key not in ours:
                raise Mismatch(f"{name}: ours has no {key!r}")
            compare(f"{name}[{key!r}]", ours[key], theirs[key], tolerance)
        return
    if theirs is not None and not isinstance(theirs, (np.ndarray, bool, int, float)):
        if ours != theirs:
            raise Mismatch(f"{name}: ours {ours!r:.200}, theirs {theirs!r:.200}")
        return
    if tolerance is None:
        dtype = "float32" if isinstance(theirs, float) else dtype_name(np.asarray(theirs))
        tolerance = dtype if dtype in ("float64", "float32", "float16") else "exact"
    elif tolerance not in TOLERANCES:
        raise ValueError(f"there is no tolerance {tolerance!r}: choose from {', '.join(TOLERANCES)}")
    found = compare_values(name, ours, theirs, tolerance)
    if not found.agrees:
        raise Mismatch(str(found))


@contextmanager
def begun(name: str | None, item: Any) -> Iterator[Both]:
    """An engine for the body of a test, seeded: the one under test, or PyTorch where ``name`` is None."""
    if name is None:
        both = Both(find_torch(), None)
    else:
        try:
            engine = load_engine(name)
        except NoEngine as error:
            pytest.fail(str(error).replace("--engine", "--engine-under-test", 1), pytrace=False)
        both = Both(engine, lambda: values_of_pytorch(item))
    with seeded(both.engine):
        yield both


def find_torch() -> Any:
    """PyTorch; the test is skipped where it is not installed."""
    try:
        import torch
    except ModuleNotFoundError:
        pytest.skip(f"this needs {how_to_install('torch', 'comparisons')}")
    return torch


def values_of_pytorch(item: Any) -> Checked:
    """What the body of a test gives to ``check`` with PyTorch, run here."""
    __tracebackhide__ = True
    both = Both(find_torch(), None)
    names = [name for name in inspect.signature(item.obj).parameters if name in item.funcargs]
    arguments = {name: both if name == "both" else item.funcargs[name] for name in names}
    with seeded(both.engine):
        try:
            item.obj(**arguments)
        except Exception as error:
            line = (str(error).splitlines() or [""])[0]
            pytest.fail(f"with PyTorch the test itself stops: {type(error).__name__}: {line}", pytrace=False)
    return both.checked


@contextmanager
def seeded(engine: Any) -> Iterator[None]:
    """Begin with one seed: the engine's numbers, NumPy's and Python's. The last two go on afterwards as before."""
    states = random.getstate(), np.random.get_state()
    random.seed(SEED)
    np.random.seed(SEED)
    with suppress(AttributeError, NotImplementedError):  # an engine may have no random numbers, or not yet
        engine.manual_seed(SEED)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
