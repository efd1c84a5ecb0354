"""Module: a part of a network that holds parameters, buffers and other modules, and computes in ``forward``.

How a module finds its parameters: assigning to an attribute goes through ``Module.__setattr__``, which files a
Parameter under ``_parameters`` and a Module under ``_modules``. ``named_parameters`` then walks the tree of modules.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import NoneType
from typing import Any

from minigrad import dtypes
from minigrad.attributes import check_device, memory_format
from minigrad.attributes import device as device_type
from minigrad.caller import warn_user
from minigrad.compiler import compile
from minigrad.creation import empty_like
from minigrad.graph.function import taken_in
from minigrad.graph.hooks import RemovableHandle
from minigrad.nn.module_hooks import as_hooks_want, call_with_hooks, check_kind, forward_hook, register
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.state import EXTRA_STATE, IncompatibleKeys, Loading, load_into, saved, value_for
from minigrad.tensor import Tensor
from minigrad.tensor_types import dtype_of

__all__ = ["Module"]


HOOKS = ["_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_pre_hooks"]
HOOKS += ["_state_dict_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"]


def overrides(module: Module, name: str) -> bool:
    """True if the module's class defines ``name`` itself."""
    return getattr(type(module), name) is not getattr(Module, name)


class Module:
    """The base of every layer and network. Subclass it, make the parts in ``__init__``, compute in ``forward``.

    Counterpart: ``torch.nn.Module``.

    Raises:
        NotImplementedError: from the call, where the subclass has no ``forward``.

    >>> class Twice(minigrad.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = minigrad.nn.Linear(3, 3)
    ...
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> [name for name, _ in Twice().named_parameters()]
    ['inner.weight', 'inner.bias']
    >>> Twice()(minigrad.ones(5, 3)).shape
    minigrad.Size([5, 3])
    """

    training: bool
    call_super_init = False  # True: what stands after Module among the bases of a subclass is initialised too
    _version = 1  # saved with the state: a layer whose state changes its layout counts it up

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            given = f"{len(args)} positional arguments" if args else f"the keyword argument {next(iter(kwargs))!r}"
            raise TypeError(f"{type(self).__name__}.__init__() got {given}, and takes none")
        vars(self).update(training=True, _parameters={}, _buffers={}, _non_persistent_buffers=set(), _modules={})
        vars(self).update({kind: OrderedDict() for kind in HOOKS})
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *inputs: Any) -> Any:
        """What the module computes, as its class tells: every subclass defines it."""
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
        return register(self._forward_pre_hooks, forward_hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each forward; what it returns replaces the output.

        With ``with_kwargs`` it is ``hook(module, args, kwargs, output)``; with ``always_call`` it is called also where
        forward raised, with None as output.
        """
        return register(self._forward_hooks, forward_hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the module's backward; a tuple it returns replaces them."""
        return register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs are computed.

        A tuple it returns replaces ``grad_input``. Only positional tensors that require grad have a gradient there.

        Raises:
            RuntimeError: there is one of :meth:`register_backward_hook`.
        """
        check_kind(self._backward_hooks, full=True)
        return register(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` with what the last node of the module's forward has.

        So ``grad_input`` is the module's only where it is one operation: take :meth:`register_full_backward_hook`.

        Raises:
            RuntimeError: there is one of :meth:`register_full_backward_hook`.
        """
        return register(self._backward_hooks, check_kind(self._backward_hooks, full=False)(hook), prepend=False)

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
        elif isinstance(value, Module) and name not in self._parameters:
            self._forget(name, but=self._modules)
            self._modules[name] = as_hooks_want("module", self, name, value)
        elif name in self._parameters or name in self._modules:
            self._check_part(name, value)
            (self._parameters if name in self._parameters else self._modules)[name] = value
        elif isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
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
            if name in self.__dict__.get(parts, ()):
                return self.__dict__[parts][name]
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

    def _check_name(self, part: str, name: str, held: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{part} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{part} name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError(f'{part} name can\'t be empty string ""')
        if name not in held and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """File ``param`` under ``name``; None keeps the name free for one.

        Raises:
            TypeError: it is no Parameter.
            KeyError: the name is empty, has a dot in it, or is an attribute already.
        """
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                f"(minigrad.nn.Parameter or None required)"
            )
        if param is not None:
            param = as_hooks_want("parameter", self, name, param)
            param._name = name
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """File a tensor that is part of the state but is not trained; ``persistent`` ones are saved.

        Raises:
            TypeError: it is no tensor, nor something that says by ``__torch_function__`` that it acts as one.
            KeyError: as :meth:`register_parameter`.
        """
        self._check_name("buffer", name, self._buffers)
        tensor = taken_in(tensor)
        if tensor is not None and not isinstance(tensor, Tensor) and not hasattr(tensor, "__torch_function__"):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)"
            )
        self._buffers[name] = as_hooks_want("buffer", self, name, tensor)
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
        self._check_name("module", name, self._modules)
        self._modules[name] = as_hooks_want("module", self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """:meth:`add_module`."""
        self.add_module(name, module)

    # ------------------------------------------------------------------------------- walking the tree

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, depth first, with its dotted path; each once unless told otherwise."""
        seen = set() if memo is None else memo
        waiting: list[tuple[str, Any]] = [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if module is None or (module in seen and remove_duplicate):
                continue
            seen.add(module)
            yield path, module
            children = [(f"{path}.{name}" if path else name, child) for name, child in module._modules.items()]
            waiting.extend(reversed(children))

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it, each once unless told otherwise."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules held directly, each once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules held directly."""
        return (child for _, child in self.named_children())

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
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer here and below, with its dotted path; each once unless told otherwise."""
        return self._named_tensors("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer here and below, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

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
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
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
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Any]:
        """Every parameter and persistent buffer by its dotted path, in the modules' own memory.

        Its attribute ``_metadata`` holds the version of every module by its path, as PyTorch's does.

        Args:
            args: the three following by position, as older code gives them.
            destination: a dictionary to write into. Default: a new one.
            prefix: put before every name.
            keep_vars: give the parameters themselves, not detached tensors.

        >>> list(minigrad.nn.Linear(3, 2).state_dict())
        ['weight', 'bias']
        """
        if args:
            warn_user("Positional args are being deprecated, use kwargs instead.", FutureWarning)
            given = dict(zip(("destination", "prefix", "keep_vars"), args))
            return self.state_dict(**{"destination": destination, "prefix": prefix, "keep_vars": keep_vars, **given})
        return saved(self, destination, prefix, keep_vars)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put what this module alone, without its children, saves into ``destination``."""
        for name, tensor in self._state().items():
            destination[f"{prefix}{name}"] = tensor if keep_vars else tensor.detach()
        if overrides(self, "get_extra_state"):
            destination[f"{prefix}{EXTRA_STATE}"] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """What else to put into ``state_dict``: a subclass that defines it defines :meth:`set_extra_state` too.

        Raises:
            RuntimeError: the subclass does not define it.
        """
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state: Any) -> None:
        """Take what :meth:`get_extra_state` gave.

        Raises:
            RuntimeError: the subclass does not define it.
        """
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    def _state(self) -> dict[str, Tensor]:
        """The tensors that this module alone, without its children, saves."""
        state = {name: tensor for name, tensor in self._parameters.items() if tensor is not None}
        for name, tensor in self._buffers.items():
            if tensor is not None and name not in self._non_persistent_buffers:
                state[name] = tensor
        return state

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict``."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict``; it may change it in place."""
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook`` before this module looks for its tensors in a state dict, which it may change in place.

        Its arguments are the module and those of :meth:`_load_from_state_dict`.
        """
        return RemovableHandle(self._load_state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        """As older code has it: the hook does not receive the module."""
        kept = hook if with_module else lambda module, *given: hook(*given)
        return RemovableHandle(self._load_state_dict_pre_hooks, kept)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after ``load_state_dict``; it may change the two lists."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of ``state_dict`` into the parameters and buffers. All is checked before any is changed, but
        extra state is given over as soon as it is met.

        Args:
            state_dict: tensors, or anything that has ``__array__``, by dotted path.
            strict: insist that the names are exactly this module's.
            assign: put the tensors themselves, with their type, in the place of the module's.

        Raises:
            TypeError: ``state_dict`` is no mapping.
            RuntimeError: names are missing or unexpected, a shape differs, or something is no tensor.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        loading = Loading(state_dict, assign)
        loading.visit(self, OrderedDict(state_dict))
        return loading.finish(self, strict)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Look in ``state_dict`` for what this module alone saves, and note what does not fit in the three lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own: dict[str, Any] = self._state()
        if overrides(self, "set_extra_state"):
            own[EXTRA_STATE] = None
        pending = local_metadata.get("pending")
        for name, tensor in own.items():
            key = f"{prefix}{name}"
            if key not in state_dict:
                missing_keys.extend([key] if strict else [])
                continue
            value = state_dict[key]
            if name != EXTRA_STATE:
                value = value_for(tensor, key, value, error_msgs)
                if value is None:
                    continue
            if pending is None or name == EXTRA_STATE:  # which may make the modules that the following names lead to
                load_into(self, name, value, local_metadata.get("assign_to_params_buffers", False))
            else:
                pending.append((self, name, value))
        for key in state_dict if strict else ():
            if key.startswith(prefix):
                name, _, below = key[len(prefix) :].partition(".")
                if name not in (self._modules if below else own):
                    unexpected_keys.append(key)

    # ------------------------------------------------------------------------------- changing all

    def apply(self, fn: Callable[[Module], None]) -> Module:
        """Call ``fn`` with every module, children first."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(
        self,
        *target: Any,
        dtype: dtypes.dtype | None = None,
        device: Any = None,
        non_blocking: bool = False,
        tensor: Tensor | None = None,
        memory_format: memory_format | None = None,
    ) -> Module:
        """Convert the floating parameters and buffers to another type, in place, or lay them otherwise.

        Args:
            target: as in PyTorch, a type, a device, or both; or a tensor, whose type is taken; then ``non_blocking``.
            device: must be the CPU.
            non_blocking: changes nothing on the CPU.
            memory_format: how parameters and buffers of 4 and 5 dimensions are to lie.

        Raises:
            TypeError: the type is not a floating one, or the arguments are others than those.
        """
        allowed: tuple[Any, ...] = ((str, int, device_type, NoneType), (dtypes.dtype, NoneType), bool)
        if target and isinstance(target[0], (dtypes.dtype, Tensor)):
            allowed = ((dtypes.dtype, Tensor), bool)
        if len(target) > len(allowed) or not all(isinstance(each, kind) for each, kind in zip(target, allowed)):
            given = ", ".join(type(each).__name__ for each in target)
            raise TypeError(
                f"to() received an invalid combination of arguments - got ({given}), but expected a device and a "
                f"dtype, a dtype or a tensor; then non_blocking, a bool"
            )
        for each in (*target, tensor):
            if isinstance(each, dtypes.dtype):
                dtype = each
            elif isinstance(each, Tensor):
                dtype = each.dtype
            elif each is not None and not isinstance(each, bool):
                device = each
        if device is not None:
            check_device(device)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        for each in [*self.parameters(), *self.buffers()]:
            if dtype is not None and each.is_floating_point():
                each._convert(dtype.numpy)
                if each.grad is not None:
                    each.grad = each.grad.detach().to(dtype)
            if memory_format is not None and each.ndim in (4, 5):
                each.data = each.data.to(memory_format=memory_format)
        return self

    def double(self) -> Module:
        """Convert to float64."""
        return self.to(dtypes.float64)

    def float(self) -> Module:
        """Convert to float32."""
        return self.to(dtypes.float32)

    def bfloat16(self) -> Module:
        """Convert to bfloat16."""
        return self.to(dtypes.bfloat16)

    def half(self) -> Module:
        """Convert to float16."""
        return self.to(dtypes.float16)

    def type(self, dst_type: Any) -> Module:
        """Convert every parameter and buffer, integers too. The type may be an older one, as in :meth:`Tensor.type`."""
        kind = dtype_of(dst_type).numpy
        for tensor in [*self.parameters(), *self.buffers()]:
            tensor._convert(kind)
        return self

    def compile(self, **options: Any) -> None:
        """:func:`minigrad.compile`: the module stays as it is."""
        compile(self, **options)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Module:
        """Give every parameter and buffer new memory, whose values are still to be filled in. ``device``: the CPU."""
        for each in [*self.parameters(recurse), *self.buffers(recurse)]:
            each.data = empty_like(each, device=device)
        return self

    def share_memory(self) -> Module:
        """Refused: tensors are in the memory of their process.

        Raises:
            NotImplementedError: always; it names what to send.
        """
        raise NotImplementedError(
            "minigrad's tensors are not shared by processes: send the state_dict, and load it there"
        )

    def cpu(self) -> Module:
        """This module: it is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Module:
        """Raise a RuntimeError: there is no GPU here."""
        return self.to(device="cuda")

    def train(self, mode: bool = True) -> Module:
        """Set training mode here and below. Layers that behave differently while training look at ``training``.

        Raises:
            ValueError: ``mode`` is no bool.
        """
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

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What a layer prints inside its brackets."""
        return ""

    def __repr__(self) -> str:
        lines = [line for line in self.extra_repr().split("\n") if line]
        children = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self._modules.items()]
        if len(lines) < 2 and not children:
            return f"{type(self).__name__}({''.join(lines)})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines + children) + "\n)"
