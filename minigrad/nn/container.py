"""Containers: modules and parameters in sequences and dictionaries, found by ``parameters()`` as any others.

``Sequential`` computes; ``ModuleList``, ``ModuleDict``, ``ParameterList`` and ``ParameterDict`` only hold.
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def check_iterable(method: str, given: Any, wanted: str = "an iterable") -> None:
    """Raise PyTorch's TypeError for what has no items."""
    if not isinstance(given, Iterable):
        raise TypeError(f"{method} should be called with {wanted}, but got {type(given).__name__}")


class _ByNumber(Module):
    """Parts named 0, 1, 2 …, used like a list."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iadd__(self, parts: Any) -> Any:
        return self.extend(parts)

    def _position(self, index: Any) -> int:
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"index {position} is out of range")
        return position % len(self)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]


class _ByName(Module):
    """Parts used like a dictionary, whose keys are those of ``_held``: of the modules, unless told otherwise."""

    def _held(self) -> dict[str, Any]:
        return self._modules

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[str]:
        return iter(self._held())

    def __contains__(self, key: str) -> bool:
        return key in self._held()

    def keys(self) -> Any:
        """The names."""
        return self._held().keys()

    def pop(self, key: str) -> Any:
        """Take the part ``key`` out and return it."""
        part = self[key]  # type: ignore[index]
        del self[key]  # type: ignore[attr-defined]
        return part


class ModuleSequence(_ByNumber):
    """Modules named 0, 1, 2 …, used like a list."""

    def _rename(self, modules: Iterable[Module]) -> None:
        """Hold exactly ``modules``, named by their positions."""
        modules = list(modules)
        self._modules.clear()
        for position, module in enumerate(modules):
            self.add_module(str(position), module)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(*self._of_slice(index))
        return list(self._modules.values())[self._position(index)]

    def _of_slice(self, index: slice) -> list[Any]:
        """What the constructor takes to hold the modules at ``index``."""
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(list(self._modules)[self._position(index)], module)

    def __delitem__(self, index: int | slice) -> None:
        kept = list(self._modules.values())
        del kept[index if isinstance(index, slice) else self._position(index)]
        self._rename(kept)

    def append(self, module: Module) -> Any:
        """Add ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add ``modules`` at the end, in order."""
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take the module at ``key`` out and return it."""
        module = self[key]
        del self[key]
        return module


class Sequential(ModuleSequence):
    """y = the last module of … of the first module of x. Takes modules, or one OrderedDict of named modules.

    Shapes: those of its modules.

    Counterpart: ``torch.nn.Sequential``.

    >>> nn = minigrad.nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    >>> model(minigrad.ones(5, 1, 8, 8)).shape
    minigrad.Size([5, 10])
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        named = modules[0].items() if len(modules) == 1 and isinstance(modules[0], OrderedDict) else enumerate(modules)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def _of_slice(self, index: slice) -> list[Any]:
        return [OrderedDict(list(self._modules.items())[index])]

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self).__iadd__(other)

    def __iadd__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(other)

    def __mul__(self, times: int) -> Sequential:
        """The same modules, not copies, ``times`` times over."""
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return Sequential(*list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Sequential:
        self.extend(list(self * times)[len(self) :])
        return self

    def insert(self, index: int, module: Module) -> Sequential:
        """Put ``module`` before the position ``index``.

        Raises:
            AssertionError: it is no module.
            IndexError: there is no such position.
        """
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        held = list(self)
        held.insert(index, module)
        self._rename(held)
        return self


class ModuleList(ModuleSequence):
    """Modules in a list. Counterpart: ``torch.nn.ModuleList``.

    >>> layers = minigrad.nn.ModuleList([minigrad.nn.Linear(4, 4) for _ in range(3)])
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def _of_slice(self, index: slice) -> list[Any]:
        return [list(self._modules.values())[index]]

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add ``modules`` at the end, in order.

        Raises:
            TypeError: they are not iterable.
        """
        check_iterable("ModuleList.extend", modules)
        return super().extend(modules)

    def insert(self, index: int, module: Module) -> None:
        """Put ``module`` before the position ``index``, under that very number where the list is shorter.

        Raises:
            KeyError: the position is negative.
        """
        if index < 0:
            raise KeyError(f"ModuleList.insert takes no negative position, but got {index}")
        for position in range(len(self), index, -1):
            self._modules[str(position)] = self._modules[str(position - 1)]
        self._modules[str(index)] = module

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """Equal neighbours are printed once, with their number."""
        lines = []
        for text, group in groupby(enumerate(map(repr, self)), key=operator.itemgetter(1)):
            first, *others = [position for position, _ in group]
            places = f"({first}-{others[-1]}): {len(others) + 1} x" if others else f"({first}):"
            lines.append(f"{places} {text}".replace("\n", "\n  "))
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)" if lines else f"{type(self).__name__}()"


class ModuleDict(_ByName):
    """Modules by name. Counterpart: ``torch.nn.ModuleDict``."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def clear(self) -> None:
        """Hold nothing."""
        self._modules.clear()

    def items(self) -> Any:
        """The names and modules."""
        return self._modules.items()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Take the modules of a dictionary, or of an iterable of pairs.

        Raises:
            TypeError: it is neither.
        """
        check_iterable("ModuleDict.update", modules, "an iterable of key/value pairs")
        pairs = modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules
        for key, module in pairs:
            self[key] = module


def as_parameter(value: Any) -> Any:
    """A plain tensor as a parameter; anything else as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def type_name(value: Any) -> str:
    """``torch.float32``, as PyTorch prints it in a ParameterList."""
    return f"torch.{str(value.dtype).rpartition('.')[2]}" if isinstance(value, Tensor) else ""


OLD_NAMES = {"float16": "Half", "float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int"}


def old_type_name(value: Any) -> str:
    """``torch.FloatTensor``, as PyTorch prints it in a ParameterDict."""
    name = type_name(value).rpartition(".")[2]
    return f"torch.{OLD_NAMES.get(name, name.capitalize())}Tensor"


def line_about(name: Any, value: Any, kind_of_values: str) -> str:
    """One line about what a parameter container holds."""
    if not isinstance(value, Tensor):
        return f"  ({name}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    sizes = "x".join([str(size) for size in value.shape])
    return f"  ({name}): {kind} containing: [{kind_of_values} of size {sizes}]"


class ParameterList(_ByNumber):
    """Parameters in a list; plain tensors become parameters. Counterpart: ``torch.nn.ParameterList``."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        self.extend(() if values is None else values)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)([self[position] for position in range(self._size)[index]])
        return getattr(self, str(self._position(index)))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(self._position(index)), as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[position] for position in range(self._size)])

    def append(self, value: Any) -> ParameterList:
        """Add ``value`` at the end."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add ``values`` at the end, in order.

        Raises:
            TypeError: they are not iterable, or one tensor.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")

    def extra_repr(self) -> str:
        return "\n".join([line_about(position, value, type_name(value)) for position, value in enumerate(self)])


class ParameterDict(_ByName):
    """Parameters by name; plain tensors become parameters. Counterpart: ``torch.nn.ParameterDict``."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        self.update({} if parameters is None else parameters)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._keys[key] = None
        setattr(self, key, as_parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def _held(self) -> dict[str, Any]:
        return self._keys

    def items(self) -> Iterable[tuple[str, Any]]:
        """The names and parameters."""
        return [(key, self[key]) for key in self._keys]

    def values(self) -> Iterable[Any]:
        """The parameters."""
        return [self[key] for key in self._keys]

    def popitem(self) -> tuple[str, Any]:
        """Take the parameter that came last out and return it with its name."""
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self) -> None:
        """Hold nothing."""
        for key in list(self._keys):
            del self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter ``key``, or ``default`` where there is none."""
        return getattr(self, key) if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The parameter ``key``, which becomes ``default`` where there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def copy(self) -> ParameterDict:
        """Another dictionary with the same parameters."""
        return ParameterDict(OrderedDict(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dictionary in which each of ``keys`` has the value ``default``."""
        return ParameterDict([(key, default) for key in keys])

    def update(self, parameters: Any) -> None:
        """Take the values of a dictionary, a plain one's in the order of its keys, or of an iterable of pairs.

        Raises:
            TypeError: it is neither.
        """
        check_iterable("ParametersDict.update", parameters, "an iterable of key/value pairs")
        if isinstance(parameters, (OrderedDict, ParameterDict)):
            pairs: Iterable[Any] = parameters.items()
        else:
            pairs = sorted(parameters.items()) if isinstance(parameters, Mapping) else parameters
        for key, value in pairs:
            self[key] = value

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __or__(self, other: ParameterDict) -> ParameterDict:
        joined = self.copy()
        joined.update(other)
        return joined

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        joined = other.copy()
        joined.update(self)
        return joined

    def __ior__(self, other: ParameterDict) -> ParameterDict:
        self.update(other)
        return self

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called.")

    def extra_repr(self) -> str:
        return "\n".join([line_about(key, value, old_type_name(value)) for key, value in self.items()])
