"""Module: a part of a network that holds parameters, buffers and other modules, and computes in ``forward``.

How a module finds its parameters: assigning to an attribute goes through ``Module.__setattr__``, which files a
Parameter under ``_parameters`` and a Module under ``_modules``. ``named_parameters`` then walks the tree of modules.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad import dtypes
from minigrad.autograd.grad_mode import no_grad
from minigrad.autograd.hooks import RemovableHandle
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor, check_device, wrap

__all__ = ["Module"]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find (missing) or did not need (unexpected)."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module:
    """The base of every layer and network. Subclass it, make the parts in ``__init__``, compute in ``forward``.

    Counterpart: ``torch.nn.Module``.
    """

    training: bool

    def __init__(self) -> None:
        set_plainly = super().__setattr__
        set_plainly("training", True)
        set_plainly("_parameters", {})
        set_plainly("_buffers", {})
        set_plainly("_non_persistent_buffers", set())
        set_plainly("_modules", {})
        set_plainly("_forward_hooks", {})
        set_plainly("_forward_pre_hooks", {})

    def forward(self, *inputs: Any) -> Any:
        """What the module computes. Every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        for pre_hook in list(self._forward_pre_hooks.values()):
            replacement = pre_hook(self, inputs)
            if replacement is not None:
                inputs = replacement if isinstance(replacement, tuple) else (replacement,)
        result = self.forward(*inputs, **options)
        for hook in list(self._forward_hooks.values()):
            replacement = hook(self, inputs, result)
            if replacement is not None:
                result = replacement
        return result

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, inputs)`` before each forward; what it returns replaces the inputs."""
        return RemovableHandle(self._forward_pre_hooks, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, inputs, output)`` after each forward; what it returns replaces the output."""
        return RemovableHandle(self._forward_hooks, hook)

    # ------------------------------------------------------------------------------- holding parts

    def __setattr__(self, name: str, value: Any) -> None:
        parts = self.__dict__.get("_parameters")
        if parts is None:
            if isinstance(value, (Parameter, Module)):
                raise AttributeError(
                    f"cannot assign {'parameters' if isinstance(value, Parameter) else 'module'} before "
                    f"Module.__init__() call: call super().__init__() first"
                )
            super().__setattr__(name, value)
        elif isinstance(value, Parameter):
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name)
            self._modules[name] = value
        elif name in self._parameters and value is not None:
            raise TypeError(
                f"cannot assign '{type(value).__name__}' as parameter '{name}' (minigrad.nn.Parameter or None expected)"
            )
        elif name in self._parameters or name in self._modules:
            (self._parameters if name in self._parameters else self._modules)[name] = value
        elif name in self._buffers:
            self.register_buffer(name, value, persistent=name not in self._non_persistent_buffers)
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:  # called only where ordinary lookup found nothing
        for parts in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(parts, {})
            if name in found:
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        if name in self._parameters or name in self._buffers or name in self._modules:
            self._forget(name)
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def _forget(self, name: str) -> None:
        for parts in (self._parameters, self._buffers, self._modules, self.__dict__):
            parts.pop(name, None)
        self._non_persistent_buffers.discard(name)

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name should be a string, got {type(name).__name__}")
        if "." in name or not name:
            raise KeyError(f'a name can\'t contain "." or be empty, got {name!r}')

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """File ``param`` under ``name``; None keeps the name free for one.

        Raises:
            TypeError: it is no Parameter.
            KeyError: the name is empty, has a dot in it, or is an attribute already.
        """
        self._check_name(name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                f"(minigrad.nn.Parameter or None required)"
            )
        self._forget(name)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """File a tensor that is part of the state but is not trained; ``persistent`` ones are saved.

        Raises:
            TypeError: it is no tensor.
            KeyError: as :meth:`register_parameter`.
        """
        self._check_name(name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)"
            )
        self._forget(name)
        self._buffers[name] = tensor
        if not persistent:
            self._non_persistent_buffers.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """File ``module`` under ``name``.

        Raises:
            TypeError: it is no Module.
            KeyError: as :meth:`register_parameter`.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name)
        self._forget(name)
        self._modules[name] = module

    # ------------------------------------------------------------------------------- walking the tree

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, depth first, each once, with its dotted path."""
        seen = set()
        waiting: list[tuple[str, Module]] = [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if module in seen:
                continue
            seen.add(module)
            yield path, module
            children = [(f"{path}.{name}" if path else name, child) for name, child in module._modules.items() if child]
            waiting.extend(reversed(children))

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules held directly, each once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules held directly."""
        for _, child in self.named_children():
            yield child

    def _named_tensors(self, which: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in getattr(module, which).items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Every parameter here and below, each once, with its dotted path."""
        return self._named_tensors("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter here and below, each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Every buffer here and below, each once, with its dotted path."""
        return self._named_tensors("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer here and below, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path.

        Raises:
            AttributeError: there is none.
        """
        module: Any = self
        for name in target.split(".") if target else []:
            module = getattr(module, name, None)
            if not isinstance(module, Module):
                raise AttributeError(f"{type(self).__name__} has no submodule at `{target}` (looked for `{name}`)")
        return module

    # ------------------------------------------------------------------------------- state

    def state_dict(self) -> OrderedDict[str, Tensor]:
        """Every parameter and persistent buffer by its dotted path, in the modules' own memory, without history."""
        state: OrderedDict[str, Tensor] = OrderedDict()
        for path, module in self._named_places():
            for name, tensor in module._state().items():
                state[f"{path}{name}"] = tensor.detach()
        return state

    def _named_places(self) -> list[tuple[str, Module]]:
        """Every module with its path and a dot, once a place: a module used at two places is saved at both."""
        places: list[tuple[str, Module]] = []
        waiting: list[tuple[str, Module]] = [("", self)]
        while waiting:
            path, module = waiting.pop()
            places.append((path, module))
            children = [(f"{path}{name}.", child) for name, child in module._modules.items() if child is not None]
            waiting.extend(reversed(children))
        return places

    def _state(self) -> dict[str, Tensor]:
        """The tensors that this module alone, without its children, saves."""
        state = {name: tensor for name, tensor in self._parameters.items() if tensor is not None}
        for name, tensor in self._buffers.items():
            if tensor is not None and name not in self._non_persistent_buffers:
                state[name] = tensor
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy the values of ``state_dict`` into the parameters and buffers. All is checked before any is changed.

        Args:
            state_dict: tensors, or anything that has ``__array__``, by dotted path.
            strict: insist that the names are exactly this module's.

        Raises:
            TypeError: ``state_dict`` is no mapping.
            RuntimeError: names are missing or unexpected, or a shape differs.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = {
            f"{path}{name}": tensor for path, module in self._named_places() for name, tensor in module._state().items()
        }
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and unexpected:
            problems.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{name}"' for name in unexpected) + ". ")
        if strict and missing:
            problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{name}"' for name in missing) + ". ")
        values = {}
        for name, tensor in own.items():
            if name in state_dict:
                value = state_dict[name]
                values[name] = value.array if isinstance(value, Tensor) else np.asarray(value)
                if values[name].shape != tensor.array.shape:
                    problems.append(
                        f"size mismatch for {name}: copying a param with shape {list(values[name].shape)} from "
                        f"checkpoint, the shape in current model is {list(tensor.array.shape)}."
                    )
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        with no_grad():
            for name, value in values.items():
                own[name].copy_(wrap(value, None, 0))
        return IncompatibleKeys(missing, unexpected)

    # ------------------------------------------------------------------------------- changing all

    def apply(self, fn: Callable[[Module], None]) -> Module:
        """Call ``fn`` with every module, children first."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, *target: Any, dtype: dtypes.dtype | None = None, device: Any = None) -> Module:
        """Convert the floating parameters and buffers to another type, in place. A device must be the CPU."""
        for each in target:
            if isinstance(each, dtypes.dtype):
                dtype = each
            else:
                device = each
        if device is not None:
            check_device(device)
        if dtype is not None:
            if not dtype.is_floating_point:
                raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
            for tensor in [*self.parameters(), *self.buffers()]:
                if tensor.is_floating_point():
                    tensor.array = tensor.array.astype(dtype.numpy, copy=False)
                    if tensor.grad is not None:
                        tensor.grad = tensor.grad.detach().to(dtype)
        return self

    def double(self) -> Module:
        """Convert to float64."""
        return self.to(dtypes.float64)

    def float(self) -> Module:
        """Convert to float32."""
        return self.to(dtypes.float32)

    def cpu(self) -> Module:
        """This module: it is on the CPU."""
        return self

    def train(self, mode: bool = True) -> Module:
        """Set training mode here and below. Layers that behave differently while training look at ``training``."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Set evaluation mode: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Ask for, or stop asking for, every parameter's gradient."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or fill it with zeros."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach().zero_()

    # ------------------------------------------------------------------------------- printing

    def extra_repr(self) -> str:
        """What a layer prints inside its brackets."""
        return ""

    def __repr__(self) -> str:
        lines = [line for line in self.extra_repr().split("\n") if line]
        children = []
        for name, child in self._modules.items():
            indented = repr(child).replace("\n", "\n  ")
            children.append(f"({name}): {indented}")
        if len(lines) == 1 and not children:
            return f"{type(self).__name__}({lines[0]})"
        if not lines and not children:
            return f"{type(self).__name__}()"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines + children) + "\n)"
