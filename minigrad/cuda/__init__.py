"""Answers what PyTorch code asks of a GPU: there is none here, minigrad computes on the CPU.

What PyTorch answers on a machine without a GPU is answered; what it refuses there is refused.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NoReturn

from minigrad.attributes import TYPE_NAMES
from minigrad.cuda import amp
from minigrad.out_of_memory import OutOfMemoryError

__all__ = ["OutOfMemoryError", "amp", "device_count", "empty_cache", "get_arch_list", "get_rng_state_all"]
__all__ += ["is_available", "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all"]
__all__ += ["max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved", "memory_stats"]
__all__ += ["seed", "seed_all", "set_rng_state_all"]


def is_available() -> bool:
    """Always False."""
    return False


def is_initialized() -> bool:
    """Always False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def get_arch_list() -> list[str]:
    """The processors that are computed on: none."""
    return []


def manual_seed(seed: int) -> None:
    """Nothing, as in PyTorch where there is no GPU."""


def manual_seed_all(seed: int) -> None:
    """Nothing, as in PyTorch where there is no GPU."""


def seed() -> None:
    """Nothing, as in PyTorch where there is no GPU."""


def seed_all() -> None:
    """Nothing, as in PyTorch where there is no GPU."""


def get_rng_state_all() -> list[Any]:
    """The states of all GPUs' generators: none."""
    return []


def set_rng_state_all(new_states: list[Any]) -> None:
    """Set the state of every GPU's generator: there is none.

    Raises:
        RuntimeError: states are given.
    """
    if new_states:
        refuse("set_rng_state_all")


def empty_cache() -> None:
    """Nothing, as in PyTorch where there is no GPU."""


def memory_allocated(device: Any = None) -> int:
    """How many bytes tensors take on a GPU: 0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """What is known of a GPU's memory: nothing."""
    return OrderedDict()


# What needs a GPU: to ask for its name or its time makes no sense without one, and PyTorch refuses it too.
REFUSED = {"current_device", "current_stream", "default_stream", "get_device_capability", "get_device_name", "init"}
REFUSED |= {"get_device_properties", "get_rng_state", "initial_seed", "ipc_collect", "mem_get_info", "set_device"}
REFUSED |= {"memory_summary", "reset_max_memory_allocated", "reset_peak_memory_stats", "set_rng_state", "stream"}
REFUSED |= {"synchronize", "device", "Event", "Stream"}


def refuse(name: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise a RuntimeError: there is no GPU."""
    raise RuntimeError(f"{name}() needs a GPU, and minigrad computes on the CPU only: ask is_available() first")


def refusing(module: str, names: set[str]) -> Callable[[str], Any]:
    """``__getattr__`` of a module in which these names refuse to be called."""

    def look_up(name: str) -> Any:
        if name in names:
            return functools.partial(refuse, name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)

    return look_up


class TensorTypeOfGPU:
    """``cuda.FloatTensor`` and its kin: no tensor is of such a type, and none can be made."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(f"cuda.{self.__name__}")

    def __instancecheck__(self, value: Any) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<class 'minigrad.cuda.{self.__name__}'>"


def __getattr__(name: str) -> Any:
    if name.endswith("Tensor") and name[:-6] in TYPE_NAMES.values():
        return TensorTypeOfGPU(name)
    return refusing(__name__, REFUSED)(name)
