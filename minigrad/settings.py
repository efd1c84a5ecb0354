"""Switches of the whole program that PyTorch has for speed and for repeatable results. minigrad always computes float32
products in float32, and the same numbers every time: so the switches keep what they are set to, and change nothing.
"""

from __future__ import annotations

from typing import Any

from minigrad.attributes import CPU, check_device, device
from minigrad.caller import warn_user

__all__ = ["are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode"]
__all__ += ["get_float32_matmul_precision", "get_num_interop_threads", "is_autocast_enabled"]
__all__ += ["is_deterministic_algorithms_warn_only_enabled", "set_default_device", "set_deterministic_debug_mode"]
__all__ += ["set_float32_matmul_precision", "set_flush_denormal", "set_num_interop_threads"]
__all__ += ["use_deterministic_algorithms"]

DEBUG_MODES = ("default", "warn", "error")


class Settings:
    """What the switches are set to."""

    precision = "highest"
    debug_mode = 0
    warn_only = False
    interop_threads = 1


def get_default_device() -> device:
    """Where tensors are made: always the CPU."""
    return CPU


def set_default_device(device: Any) -> None:
    """Make tensors on ``device`` from here on: the CPU, or None.

    Raises:
        RuntimeError: it is another device.
    """
    if device is not None:
        check_device(device)


def get_float32_matmul_precision() -> str:
    """What :func:`set_float32_matmul_precision` was told; ``"highest"`` at first."""
    return Settings.precision


def set_float32_matmul_precision(precision: str) -> None:
    """Allow GPUs to compute products of float32 tensors in less precision: ``"highest"``, ``"high"`` or ``"medium"``.

    The CPU computes all in float32. Anything else is warned of, and changes nothing.
    """
    if precision not in ("highest", "high", "medium"):
        warn_user(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has "
            f"no effect."
        )
    else:
        Settings.precision = precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for the same numbers every time: minigrad gives them anyway."""
    if not isinstance(mode, bool):
        raise TypeError(f"use_deterministic_algorithms(): argument 'mode' must be bool, not {type(mode).__name__}")
    Settings.debug_mode = 0 if not mode else 1 if warn_only else 2
    Settings.warn_only = warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """Whether :func:`use_deterministic_algorithms` asked for them."""
    return Settings.debug_mode > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether :func:`use_deterministic_algorithms` asked for warnings alone."""
    return Settings.warn_only


def get_deterministic_debug_mode() -> int:
    """0 for "default", 1 for "warn", 2 for "error"."""
    return Settings.debug_mode


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """:func:`use_deterministic_algorithms` by a name or its number: "default" 0, "warn" 1, "error" 2.

    Raises:
        RuntimeError: there is no such mode.
    """
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in DEBUG_MODES:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    Settings.debug_mode, Settings.warn_only = debug_mode, debug_mode == 1


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Always False: see :class:`minigrad.amp.autocast`."""
    return False


def get_num_interop_threads() -> int:
    """How many operations may run beside each other: what :func:`set_num_interop_threads` was told, 1 at first."""
    return Settings.interop_threads


def set_num_interop_threads(num: int) -> None:
    """Allow ``num`` operations beside each other, as ``jit.fork`` of PyTorch's starts them. minigrad starts none.

    Raises:
        RuntimeError: ``num`` is not positive.
    """
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    Settings.interop_threads = num


def set_flush_denormal(mode: bool) -> bool:
    """Whether the smallest numbers could be set to compute as 0: False, for Python cannot tell the processor."""
    return False
