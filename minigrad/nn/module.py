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
from minigrad.nn.hooks import ForwardHook, call_with_hooks, register
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Size, Tensor, check_device, wrap

__all__ = ["Module"]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find (missing) or did not need (unexpected)."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


EXTRA_STATE = "_extra_state"


def overrides(module: Module, name: str) -> bool:
    """True if the module's class defines ``name`` itself."""
    return getattr(type(module), name) is not getattr(Module, name)


def quoted(names: list[str]) -> str:
    """The names in quotes, with commas."""
    return ", ".join(f'"{name}"' for name in names)


def matching_values(own: Mapping[str, Tensor], state_dict: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arrays of ``state_dict`` for the tensors of a module that it names, and what is wrong with them."""
    values, problems = {}, []
    for name, tensor in own.items():
        if name not in state_dict:
            continue
        value = state_dict[name]
        values[name] = value.array if isinstance(value, Tensor) else np.asarray(value)
        if values[name].shape != tensor.array.shape:
            problems.append(
                f"size mismatch for {name}: copying a param with shape {Size(values[name].shape)} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
    return values, problems


class Module:
    """The base of every layer and network. Subclass it, make the parts in ``__init__``, compute in ``forward``.

    Counterpart: ``torch.nn.Module``.
    """

    training: bool
    _version: int = 1  # of what a state_dict holds of such a module; PyTorch's

    def __init__(self) -> None:
        set_plainly = super().__setattr__
        set_plainly("training", True)
        set_plainly("_parameters", {})
        set_plainly("_buffers", {})
        set_plainly("_non_persistent_buffers", set())
        set_plainly("_modules", {})
        set_plainly("_forward_hooks", OrderedDict())
        set_plainly("_forward_pre_hooks", OrderedDict())
        set_plainly("_backward_hooks", OrderedDict())
        set_plainly("_backward_pre_hooks", OrderedDict())
        set_plainly("_state_hooks", {})

    def forward(self, *inputs: Any) -> Any:
        """What the module computes. Every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
            return call_with_hooks(self, inputs, options)
        return self.forward(*inputs, **options)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each forward; what it returns replaces the arguments.

        With ``with_kwargs``, ``hook(module, args, kwargs)`` returns None or a pair.
        """
        return register(self._forward_pre_hooks, ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each forward; what it returns replaces the output.

        With ``with_kwargs`` it is ``hook(module, args, kwargs, output)``; with ``always_call`` it is called also where
        forward raised, with None as output.
        """
        return register(self._forward_hooks, ForwardHook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the module's backward; a tuple it returns replaces them."""
        return register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs are computed.

        A tuple it returns replaces ``grad_input``. Only positional tensors that require grad have a gradient there.
        """
        return register(self._backward_hooks, hook, prepend)

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
            self._forget(name, but=self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name, but=self._modules)
            self._modules[name] = value
        elif name in self._parameters or name in self._modules:
            self._check_part(name, value)
            (self._parameters if name in self._parameters else self._modules)[name] = value
        elif name in self._buffers:
            self.register_buffer(name, value, persistent=name not in self._non_persistent_buffers)
        else:
            super().__setattr__(name, value)

    def _check_part(self, name: str, value: Any) -> None:
        """Raise a TypeError where ``value`` cannot take the place of a parameter or module: only None can."""
        if value is not None:
            kind, wanted = ("parameter", "Parameter") if name in self._parameters else ("child module", "Module")
            raise TypeError(
                f"cannot assign '{type(value).__name__}' as {kind} '{name}' (minigrad.nn.{wanted} or None expected)"
            )

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

    def _forget(self, name: str, but: dict[str, Any] | None = None) -> None:
        """Take ``name`` out of everything that holds parts, except ``but``, where it keeps its position."""
        for parts in (self._parameters, self._buffers, self._modules, self.__dict__):
            if parts is not but:
                parts.pop(name, None)
        self._non_persistent_buffers.discard(name)

    def _check_name(self, name: str, held: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name should be a string, got {type(name).__name__}")
        if "." in name or not name:
            raise KeyError(f'a name can\'t contain "." or be empty, got {name!r}')
        if name not in held and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """File ``param`` under ``name``; None keeps the name free for one.

        Raises:
            TypeError: it is no Parameter.
            KeyError: the name is empty, has a dot in it, or is an attribute already.
        """
        self._check_name(name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                f"(minigrad.nn.Parameter or None required)"
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """File a tensor that is part of the state but is not trained; ``persistent`` ones are saved.

        Raises:
            TypeError: it is no tensor.
            KeyError: as :meth:`register_parameter`.
        """
        self._check_name(name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)"
            )
        self._buffers[name] = tensor
        self._non_persistent_buffers.discard(name)
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
        self._check_name(name, self._modules)
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """:meth:`add_module`."""
        self.add_module(name, module)

    # ------------------------------------------------------------------------------- walking the tree

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, depth first, with its dotted path; each once unless told otherwise."""
        seen = set() if memo is None else memo
        waiting: list[tuple[str, Module]] = [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if module in seen and remove_duplicate:
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

    def _named_tensors(self, which: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, tensor in getattr(module, which).items():
                if tensor is not None and (id(tensor) not in seen or not once):
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Every parameter here and below, with its dotted path; each once unless told otherwise."""
        return self._named_tensors("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter here and below, each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer here and below, with its dotted path; each once unless told otherwise."""
        return self._named_tensors("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer here and below, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; an empty one is this module.

        Raises:
            AttributeError: there is none.
        """
        module: Any = self
        for name in target.split(".") if target else []:
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put ``module`` at a dotted path, in the place of another; with ``strict`` there must be one.

        Raises:
            ValueError: the path is empty, or ``module`` is no Module.
            AttributeError: the path leads nowhere.
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"Module is of type {type(module).__name__}, which is no Module")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path.

        Raises:
            AttributeError: there is none.
        """
        return self._get_tensor(target, "_parameters", "nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path.

        Raises:
            AttributeError: there is none.
        """
        return self._get_tensor(target, "_buffers", "buffer")

    def _get_tensor(self, target: str, which: str, kind: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if name not in getattr(module, which):
            raise AttributeError(f"`{name}` is not an {kind}" if kind[0] == "n" else f"`{name}` is not a {kind}")
        return getattr(module, which)[name]

    # ------------------------------------------------------------------------------- state

    def state_dict(
        self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Tensor]:
        """Every parameter and persistent buffer by its dotted path, in the modules' own memory.

        Its attribute ``_metadata`` holds the version of every module by its path, as PyTorch's does.

        Args:
            destination: a dictionary to write into. Default: a new one.
            prefix: put before every name.
            keep_vars: give the parameters themselves, not detached tensors.
        """
        state: OrderedDict[str, Any] = OrderedDict() if destination is None else destination
        if destination is None:
            vars(state)["_metadata"] = OrderedDict()
        metadata = getattr(state, "_metadata", {})
        for path, module in self._named_places(prefix):
            metadata[path[:-1]] = {"version": module._version}
            for name, tensor in module._state().items():
                state[f"{path}{name}"] = tensor if keep_vars else tensor.detach()
            if overrides(module, "get_extra_state"):
                state[f"{path}{EXTRA_STATE}"] = module.get_extra_state()
        for module in self.modules():
            for hook in module._state_hooks.get("state_dict", {}).values():
                hook(module, state, prefix, {"version": module._version})
        return state

    def get_extra_state(self) -> Any:
        """What else to put into ``state_dict``: a subclass that defines it defines :meth:`set_extra_state` too."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state: Any) -> None:
        """Take what :meth:`get_extra_state` gave."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    def _named_places(self, prefix: str = "") -> list[tuple[str, Module]]:
        """Every module with its path and a dot, once a place: a module used at two places is saved at both."""
        places: list[tuple[str, Module]] = []
        waiting: list[tuple[str, Module]] = [(prefix, self)]
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

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict``; it may change it in place."""
        return RemovableHandle(self._state_hooks.setdefault("state_dict", OrderedDict()), hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after ``load_state_dict``; it may change the two lists."""
        return RemovableHandle(self._state_hooks.setdefault("load", OrderedDict()), hook)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of ``state_dict`` into the parameters and buffers. All is checked before any is changed.

        Args:
            state_dict: tensors, or anything that has ``__array__``, by dotted path.
            strict: insist that the names are exactly this module's.
            assign: put the tensors themselves, with their type, in the place of the module's.

        Raises:
            TypeError: ``state_dict`` is no mapping.
            RuntimeError: names are missing or unexpected, or a shape differs.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        places = self._named_places()
        own = {f"{path}{name}": tensor for path, module in places for name, tensor in module._state().items()}
        extra = {f"{path}{EXTRA_STATE}": module for path, module in places if overrides(module, "set_extra_state")}
        keys = IncompatibleKeys(
            [name for name in (*own, *extra) if name not in state_dict],
            [name for name in state_dict if name not in own and name not in extra],
        )
        values, problems = matching_values(own, state_dict)
        for module in self.modules():
            for hook in module._state_hooks.get("load", {}).values():
                hook(module, keys)
        if strict and keys.unexpected_keys:
            problems.insert(0, "Unexpected key(s) in state_dict: " + quoted(keys.unexpected_keys) + ". ")
        if strict and keys.missing_keys:
            problems.insert(0, "Missing key(s) in state_dict: " + quoted(keys.missing_keys) + ". ")
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        with no_grad():
            for name, value in values.items():
                if assign:
                    own[name].array = value
                else:
                    own[name].copy_(wrap(value, None, 0))
        for name, module in extra.items():
            if name in state_dict:
                module.set_extra_state(state_dict[name])
        return keys

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

    def half(self) -> Module:
        """Convert to float16."""
        return self.to(dtypes.float16)

    def type(self, dst_type: dtypes.dtype) -> Module:
        """Convert every parameter and buffer, integers too."""
        for tensor in [*self.parameters(), *self.buffers()]:
            tensor.array = tensor.array.astype(dst_type.numpy, copy=False)
        return self

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
                parameter.grad.detach_().zero_()

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
