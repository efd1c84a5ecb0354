"""Mixed precision under its older name, for the GPU alone: where there is none, it is disabled."""

from __future__ import annotations

import functools
import sys

from minigrad import amp, dtypes
from minigrad.caller import warn_user

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


def warn_of_older_name(name: str) -> None:
    """Warn as PyTorch does."""
    warn_user(
        f"`minigrad.cuda.amp.{name}(args...)` is deprecated. Please use `minigrad.amp.{name}('cuda', args...)` "
        f"instead.",
        FutureWarning,
    )


class autocast(amp.autocast):
    """:class:`minigrad.amp.autocast` for a GPU."""

    def __init__(self, enabled: bool = True, dtype: dtypes.dtype = dtypes.float16, cache_enabled: bool = True) -> None:
        warn_of_older_name("autocast")
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """:class:`minigrad.amp.GradScaler` for a GPU."""

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        warn_of_older_name("GradScaler")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


custom_fwd = functools.partial(amp.custom_fwd, device_type="cuda")
custom_bwd = functools.partial(amp.custom_bwd, device_type="cuda")

__path__: list[str] = []  # a package to Python: PyTorch's two files of it are this one
sys.modules[f"{__name__}.autocast_mode"] = autocast_mode = sys.modules[__name__]
sys.modules[f"{__name__}.grad_scaler"] = grad_scaler = sys.modules[__name__]
