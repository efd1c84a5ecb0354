"""Parametrizations: a module's parameter that is computed, each time it is asked for, from what is really trained.

``register_parametrization(layer, "weight", part)`` makes ``layer.weight`` a property of the layer's class, whose value
is ``part(original)``; what is trained lies in ``layer.parametrizations.weight``. Assigning to ``layer.weight`` goes the
other way, by ``right_inverse``. Source: PyTorch's "Parametrizations Tutorial".
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from minigrad.graph.grad_mode import no_grad
from minigrad.nn.container import ModuleDict, ModuleList
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations"]
__all__ += ["type_before_parametrizations"]

RIGHT_INVERSE = "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...)"

values: dict[tuple[int, str], Tensor] = {}  # inside cached(): what was computed, by module and name
depth = 0


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once inside, however often it is asked for."""
    global depth
    depth += 1
    try:
        yield
    finally:
        depth -= 1
        if not depth:
            values.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied in order to ``original``, or to ``original0``, ``original1`` ….

    Shapes: the first takes what the last ``right_inverse`` gives; the last gives what the module uses. Counterpart:
    ``torch.nn.utils.parametrize.ParametrizationList``.

    Raises:
        ValueError: there is none, or what they give is no tensor, or of another type or shape than the original's;
            ``unsafe`` allows the latter.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new = inverted_by_all(self, original)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(f"{RIGHT_INVERSE}. Got {type(new).__name__}")
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if isinstance(new, Tensor):
            if new.dtype != dtype:
                raise ValueError(
                    f"When `right_inverse` outputs one tensor, it may not change the dtype.\noriginal.dtype: {dtype}\n"
                    f"right_inverse(original).dtype: {new.dtype}"
                )
            if new is not original:
                original.data = new  # the same parameter: an optimizer goes on with it
            register_tensor(self, "original", original)
        for number, each in enumerate(() if self.is_tensor else new):
            if not isinstance(each, Tensor):
                got = f"Got element {number} of the sequence with type {type(each).__name__}."
                raise ValueError(f"{RIGHT_INVERSE}. {got}")
            held = Parameter(each, original.requires_grad) if isinstance(original, Parameter) else each
            register_tensor(self, f"original{number}", held.requires_grad_(original.requires_grad))
        if not unsafe:
            check_kept(self(), dtype, shape)

    def originals(self) -> list[Tensor]:
        """What is really trained."""
        names = ["original"] if self.is_tensor else [f"original{number}" for number in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    @no_grad()
    def right_inverse(self, value: Any) -> None:
        """Make the originals such that the parametrized tensor is ``value``.

        Raises:
            RuntimeError: a parametrization has no ``right_inverse``.
            ValueError: one gives something else than the originals are.
        """
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
            value = module.right_inverse(value)
        if self.is_tensor and not isinstance(value, Tensor):
            raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
        if not self.is_tensor and not isinstance(value, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}")
        given: list[Any] = [value] if self.is_tensor else list(value)
        held = self.originals()
        if len(given) != len(held):
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {len(held)}. Got a sequence of length "
                f"{len(given)}."
            )
        for number, (each, original) in enumerate(zip(given, held)):
            if not isinstance(each, Tensor) or each.dtype != original.dtype:
                raise ValueError(
                    f"Tensor {number} returned by `right_inverse` has dtype {getattr(each, 'dtype', type(each))} while "
                    f"the original has dtype {original.dtype}"
                )
        for each, original in zip(given, held):
            original.data = each

    def forward(self) -> Any:
        first, *rest = self
        x = first(*self.originals())
        for module in rest:
            x = module(x)
        return x


def inverted(module: Module, value: Any) -> Any:
    """What ``module`` makes ``value`` of; where it does not say, ``value`` itself."""
    with contextlib.suppress(NotImplementedError):
        return module.right_inverse(value) if hasattr(module, "right_inverse") else value
    return value


@no_grad()
def inverted_by_all(modules: Any, value: Any) -> Any:
    """What all ``modules``, the last first, make ``value`` of."""
    for module in reversed(list(modules)):
        value = inverted(module, value)
    return value


def check_kept(value: Any, dtype: Any, shape: Any) -> None:
    """Raise PyTorch's ValueError unless a parametrization gave a tensor of the type and the shape that there were."""
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
    for what, before, after in (("dtype", dtype, value.dtype), ("shape", shape, value.shape)):
        if before != after:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless `unsafe` flag is "
                f"enabled.\nunparametrized {what}: {before}\nparametrized {what}: {after}"
            )


def register_tensor(module: Module, name: str, tensor: Tensor) -> None:
    """File ``tensor`` as a parameter, if it is one, or as a buffer."""
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def parametrized(name: str) -> property:
    """The property that stands in a parametrized module's class for the tensor ``name``."""

    def get(module: Any) -> Any:
        if not depth:
            return module.parametrizations[name]()
        if (id(module), name) not in values:
            values[id(module), name] = module.parametrizations[name]()
        return values[id(module), name]

    def put(module: Any, value: Any) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(get, put)


def copied(module: Module, memo: dict[int, Any]) -> Any:
    """A deep copy of a parametrized module, whose class is its own, and nowhere by name."""
    replica = memo[id(module)] = object.__new__(type(module))
    replica.__dict__ = copy.deepcopy(module.__dict__, memo)
    return replica


def refuse_to_pickle(module: Module) -> None:
    raise RuntimeError("Serialization of parametrized modules is only supported through state_dict().")


def change_class(module: Module, base: type) -> None:
    """Give a module a class of its own, with a property for each parametrized tensor; where there is none, ``base``."""
    names = list(module.parametrizations)
    if not names:
        del module.parametrizations
        module.__class__ = base
        return
    own: dict[str, Any] = {"__getstate__": refuse_to_pickle, "__deepcopy__": getattr(base, "__deepcopy__", copied)}
    own |= {name: parametrized(name) for name in names}
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), own)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let ``module`` compute its tensor ``tensor_name`` by ``parametrization``, after those registered before.

    Raises:
        ValueError: there is no such tensor, or the type or shape changes, which ``unsafe`` allows.

    >>> class Symmetric(minigrad.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = minigrad.nn.Linear(3, 3)
    >>> _ = minigrad.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> minigrad.equal(layer.weight, layer.weight.T)
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        present = getattr(module, tensor_name)
        if not unsafe:
            value = parametrization(present)
            check_kept(value, present.dtype, present.shape)
            back = inverted(parametrization, value)
            if not isinstance(back, Tensor):
                raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
            for what in ("dtype", "shape"):
                if getattr(back, what) != getattr(present, what):
                    raise ValueError(
                        f"The tensor returned by parametrization.right_inverse must have the same {what} as "
                        f"module.{tensor_name}, unless the `unsafe` flag is enabled.\nmodule.{tensor_name}.{what}: "
                        f"{getattr(present, what)}\nreturned {what}: {getattr(back, what)}"
                    )
        module.parametrizations[tensor_name].append(parametrization)
        module.parametrizations[tensor_name].unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    held = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    base = type_before_parametrizations(module)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = held
    change_class(module, base)
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether ``module`` has a parametrized tensor, or has that one."""
    held = getattr(module, "parametrizations", None)
    if not isinstance(held, ModuleDict):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make ``tensor_name`` a plain tensor again, with the value that it has, or with its original.

    Raises:
        ValueError: it is not parametrized, or there are several originals to leave.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    held = module.parametrizations[tensor_name]
    value = getattr(module, tensor_name)
    if held.is_tensor:
        original = held.original
        if leave_parametrized:
            original.data = value.detach()
    elif leave_parametrized:
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    base = type_before_parametrizations(module)
    del module.parametrizations[tensor_name]
    change_class(module, base)
    register_tensor(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of the module without its parametrizations."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)
