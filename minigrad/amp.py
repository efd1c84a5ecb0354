"""Mixed precision: on the CPU there is none here, so what PyTorch offers for a GPU is disabled, as it is without one.

PyTorch's autocast for the CPU computes in bfloat16, which minigrad has not: that is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minigrad import dtypes
from minigrad.attributes import device as device_of
from minigrad.caller import warn_user

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


class autocast:
    """Computes as always, inside ``with`` and in a function that it decorates: there is no GPU to be quick on.

    Args:
        device_type: where mixed precision is wanted. On a GPU it is disabled with a warning.
        dtype: the shorter type that would be used.
        enabled: False is allowed everywhere.
        cache_enabled: whether the shortened weights would be kept.

    Raises:
        RuntimeError: it is wanted on the CPU, or the device is unknown.
        ValueError: the device's type is no string.
    """

    def __init__(
        self,
        device_type: str,
        dtype: dtypes.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device_of(device_type).type
        if enabled and self.device == "cpu":
            raise RuntimeError(
                "autocast on the CPU computes in bfloat16 or float16, and minigrad has no mixed precision: use "
                "enabled=False, or 'cuda', which is disabled where there is no GPU"
            )
        if enabled and self.device == "cuda":
            warn_user("CUDA is not available. Disabling autocast.")
        self.fast_dtype = dtypes.float16 if dtype is None else dtype
        self._enabled = False
        self._cache_enabled = True if cache_enabled is None else cache_enabled

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function


class GradScaler:
    """Scales nothing: without mixed precision on a GPU there is no gradient too small for its type.

    The other arguments say how an enabled one would scale.

    Raises:
        RuntimeError: it is wanted on the CPU.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device_of(device).type
        if enabled and self._device == "cpu":
            raise RuntimeError(
                "minigrad has no mixed precision, so gradients on the CPU need no scaling: use enabled=False, or "
                "'cuda', which is disabled where there is no GPU"
            )
        if enabled:
            warn_user("GradScaler is enabled, but CUDA is not available.  Disabling.")
        self._enabled = False

    def is_enabled(self) -> bool:
        """False."""
        return self._enabled

    def scale(self, outputs: Any) -> Any:
        """The outputs, tensors of any shape or sequences of such, as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Leave the gradients as they are."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(*args, **kwargs)``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Nothing: there is no scale."""

    def get_scale(self) -> float:
        """1.0."""
        return 1.0

    def state_dict(self) -> dict[str, Any]:
        """An empty dictionary."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: there is no state."""


def is_autocast_available(device_type: str) -> bool:
    """False: there is no mixed precision, on whatever device."""
    return False


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: dtypes.dtype | None = None) -> Any:
    """The forward of a custom function as it is: inputs are cast under autocast alone, and there is none."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """The backward of a custom function as it is."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    return bwd
