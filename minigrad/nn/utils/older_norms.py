"""Weight and spectral normalisation as older programs have them: a hook computes the weight before each forward.

``parametrizations.py`` has what came after them.
"""

from __future__ import annotations

import functools
from typing import Any

from minigrad.caller import warn_user
from minigrad.creation import randn
from minigrad.graph.grad_mode import no_grad
from minigrad.nn.functional import normalize
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, is_lazy
from minigrad.nn.utils.parametrizations import as_matrix, check_iterations, default_dim, iterate, norm_except_dim
from minigrad.tensor import Tensor

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


class NormHook:
    """A hook before forward that computes the tensor ``name`` of a module; a subclass says how."""

    kind = ""
    name: str

    def compute_weight(self, module: Any, iterate_too: bool) -> Tensor:
        """The tensor, from what is trained in its place."""
        raise NotImplementedError

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def check(self, module: Module) -> Any:
        """The parameter that is to be computed.

        Raises:
            RuntimeError: it is already.
            ValueError: its shape is not known yet, or it is None.
        """
        if any(isinstance(each, type(self)) and each.name == self.name for each in module._forward_pre_hooks.values()):
            raise RuntimeError(f"Cannot register two {self.kind} hooks on the same parameter {self.name}")
        weight = getattr(module, self.name)
        if weight is None or is_lazy(weight):
            why = "can't have uninitialized parameters: run a dummy forward first" if weight is not None else "has none"
            raise ValueError(f"{self.kind} of '{self.name}': the module {why}")
        return weight

    @no_grad()
    def remove(self, module: Module, parts: str) -> None:
        """Make the tensor a plain parameter again, and forget its parts."""
        weight = self.compute_weight(module, False)
        for part in (self.name, *[f"{self.name}_{part}" for part in parts.split()]):
            delattr(module, part)
        module.register_parameter(self.name, Parameter(weight))


class WeightNorm(NormHook):
    """weight = g · v / ‖v‖."""

    kind = "weight_norm"

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Any, iterate_too: bool) -> Tensor:
        v = getattr(module, f"{self.name}_v")
        return v * (getattr(module, f"{self.name}_g") / norm_except_dim(v, self.dim))


class SpectralNorm(NormHook):
    """weight / σ, where σ = uᵀ W v."""

    kind = "spectral_norm"

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        check_iterations(n_power_iterations)
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Any, iterate_too: bool) -> Tensor:
        weight, u, v = [getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v")]
        matrix = as_matrix(weight, self.dim)
        if iterate_too:
            iterate(matrix.t(), v, u, self.eps, self.n_power_iterations)
            u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Train a parameter as length ``name_g`` and direction ``name_v``.

    The newer one, :func:`minigrad.nn.utils.parametrizations.weight_norm`, says more.

    Raises:
        RuntimeError: it is trained so already.
        ValueError: its shape is not known yet.
    """
    new = "`torch.nn.utils.parametrizations.weight_norm`"
    warn_user(f"`torch.nn.utils.weight_norm` is deprecated in favor of {new}.", FutureWarning)
    hook = WeightNorm(name, dim)
    weight = hook.check(module)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module, False))
    module.register_forward_pre_hook(hook)
    return module


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a parameter, which is kept as ``name_orig``, by its largest singular value.

    The newer one, :func:`minigrad.nn.utils.parametrizations.spectral_norm`, says more.

    Raises:
        RuntimeError: it is divided already.
        ValueError: its shape is not known yet, or the number of iterations is not positive.
    """
    hook = SpectralNorm(name, n_power_iterations, default_dim(module, dim), eps)
    weight = hook.check(module)
    sizes = as_matrix(weight.detach(), hook.dim).shape
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    for part, size in zip("uv", sizes):
        start = normalize(randn(size, dtype=weight.dtype), dim=0, eps=eps)
        module.register_buffer(f"{name}_{part}", start)
    module.register_forward_pre_hook(hook)
    module.register_state_dict_post_hook(functools.partial(note_version, hook))
    return module


def note_version(hook: SpectralNorm, module: Module, state_dict: Any, prefix: str, local_metadata: Any) -> None:
    """Say, as PyTorch does, that the state is one with v in it."""
    local_metadata.setdefault("spectral_norm", {})[f"{hook.name}.version"] = 1


def remove_hook(module: Module, kind: type[NormHook], name: str, parts: str) -> Module:
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:
            hook.remove(module, parts)
            del module._forward_pre_hooks[number]
            return module
    raise ValueError(f"{kind.kind} of '{name}' not found in {module}")


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the parameter a plain one again, with the value that it has.

    Raises:
        ValueError: :func:`weight_norm` was not used.
    """
    return remove_hook(module, WeightNorm, name, "g v")


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the parameter a plain one again, with the value that it has.

    Raises:
        ValueError: :func:`spectral_norm` was not used.
    """
    return remove_hook(module, SpectralNorm, name, "u v orig")
