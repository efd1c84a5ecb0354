"""What ``self.log`` keeps: the latest value of each name, and the reduction of its values over an epoch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from minigrad import dtypes
from minigrad.caller import warn_user
from minigrad.creation import tensor
from minigrad.graph.values import tensors_in
from minigrad.lightning.exceptions import MisconfigurationException
from minigrad.ops.choosing import maximum, minimum
from minigrad.tensor import Tensor

__all__ = ["Key", "Results", "levels", "loggable"]

# The hooks in which one may log, by what they do by default: keep each value, or reduce those of an epoch.
ON_STEP = {"training_step", "on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "optimizer_zero_grad"}
ON_STEP |= {"on_before_backward", "backward", "on_after_backward", "on_before_optimizer_step", "optimizer_step"}
ON_STEP |= {"configure_gradient_clipping", "clip_gradients"}
ON_EPOCH = {"validation_step", "on_validation_batch_start", "on_validation_batch_end"}
ON_EPOCH |= {"test_step", "on_test_batch_start", "on_test_batch_end"}
ON_EPOCH_ONLY = {f"on_{stage}_{time}" for stage in ("train", "validation", "test") for time in ("start",)}
ON_EPOCH_ONLY |= {f"on_{stage}_epoch_{time}" for stage in ("train", "validation", "test") for time in ("start", "end")}


def levels(hook: str, on_step: bool | None, on_epoch: bool | None) -> tuple[bool, bool]:
    """Whether each value is kept, and whether they are reduced: what was asked for, else the hook's own way.

    Raises:
        MisconfigurationException: one cannot log there, or not so.
    """
    if hook not in ON_STEP | ON_EPOCH | ON_EPOCH_ONLY:
        raise MisconfigurationException(f"You can't `self.log()` inside `{hook}`.")
    on_step = hook in ON_STEP if on_step is None else on_step
    on_epoch = hook not in ON_STEP if on_epoch is None else on_epoch
    if hook in ON_EPOCH_ONLY and (on_step or not on_epoch):
        raise MisconfigurationException(f"Inside `{hook}`, `self.log` takes on_step=False and on_epoch=True only.")
    if not on_step and not on_epoch:
        raise MisconfigurationException("`self.log(on_step=False, on_epoch=False)` is not useful.")
    return on_step, on_epoch


def loggable(name: str, value: Any) -> Tensor:
    """A value that is logged, as a tensor without dimensions, without history, of a floating type.

    Raises:
        ValueError: it is neither a number nor a tensor of one element.
    """
    if isinstance(value, (bool, int, float)):
        return tensor(float(value), dtype=dtypes.get_default_dtype())
    if not isinstance(value, Tensor):
        raise ValueError(
            f"`self.log({name}, {value})` was called, but `{type(value).__name__}` values cannot be logged"
        )
    if value.numel() != 1:
        raise ValueError(
            f"`self.log({name}, {value})` was called, but the tensor must have a single element. You can try doing "
            f"`self.log({name}, {value}.mean())`"
        )
    value = value.detach().squeeze()
    return value if value.dtype in (dtypes.float32, dtypes.float64) else value.to(dtypes.get_default_dtype())


@dataclass(frozen=True)
class Key:
    """How one name is logged in one hook. ``loader`` is the number of the loader, where there are several."""

    hook: str
    name: str
    on_step: bool
    on_epoch: bool
    prog_bar: bool = False
    logger: bool = True
    reduce_fx: str = "mean"
    loader: int | None = None

    def named(self, on_step: bool) -> tuple[str, str]:
        """The name; and that of a value, or of a reduction of values, where both are logged."""
        suffix = "" if self.loader is None else f"/dataloader_idx_{self.loader}"
        part = ("_step" if on_step else "_epoch") if self.on_step and self.on_epoch else ""
        return self.name + suffix, self.name + part + suffix


class Logged:
    """The values of one name."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.latest: Tensor | None = None
        self.total: Tensor | None = None  # the reduction so far; for a mean the sum of values times batch sizes
        self.images = 0  # the sum of the batch sizes

    def add(self, value: Tensor, batch_size: int) -> None:
        """One more value."""
        self.latest = value
        if self.key.reduce_fx == "mean":
            value = value * batch_size
            self.images += batch_size
        if self.total is None:
            self.total = value
        elif self.key.reduce_fx in ("mean", "sum"):
            self.total = self.total + value
        else:
            self.total = (maximum if self.key.reduce_fx == "max" else minimum)(self.total, value)

    def value(self, on_step: bool) -> Tensor | None:
        """The latest value, or the reduction; None where that is not asked for."""
        if not (self.key.on_step if on_step else self.key.on_epoch):
            return None
        if on_step or self.key.reduce_fx != "mean":
            return self.latest if on_step else self.total
        assert self.total is not None
        return self.total / self.images


class Results:
    """What has been logged since an epoch of training, or an evaluation, began.

    Attributes:
        batch: the batch that is under way, from which its size is known; None between batches.
        on_step: whether single values are of interest now, within an epoch, or reductions, at its end.
        loader: the number of the loader that batches come from, where there are several.
    """

    def __init__(self, training: bool) -> None:
        self.training = training
        self.begin()

    def begin(self) -> None:
        """Forget all."""
        self.logged: dict[tuple[str, str, int | None], Logged] = {}
        self.batch: Any = None
        self.on_step = False
        self.loader: int | None = None

    def log(self, key: Key, value: Tensor, batch_size: int | None) -> None:
        """Add a value.

        Raises:
            MisconfigurationException: the hook has logged that name in another way, or the batch's size is not known.
        """
        place = (key.hook, key.name, key.loader)
        logged = self.logged.setdefault(place, Logged(key))
        if logged.key != key:
            raise MisconfigurationException(
                f"You called `self.log({key.name}, ...)` twice in `{key.hook}` with different arguments. This is not "
                f"allowed"
            )
        if batch_size is None:
            weighed = self.batch is not None and key.on_epoch and key.reduce_fx == "mean"
            batch_size = size_of(self.batch) if weighed else 1
        logged.add(value, batch_size)

    def metrics(self) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, float]]:
        """What there is now: for callbacks, for loggers, for the progress bar."""
        for_callbacks: dict[str, Tensor] = {}
        for_loggers: dict[str, Tensor] = {}
        for_bar: dict[str, float] = {}
        for each in self.logged.values():
            value = each.value(self.on_step) if each.key.loader == self.loader else None
            if value is None:
                continue
            name, full_name = each.key.named(self.on_step)
            if each.key.logger:
                for_loggers[full_name] = value
            if self.training or not self.on_step:
                for_callbacks[name] = for_callbacks[full_name] = value
            if each.key.prog_bar:
                for_bar[full_name] = value.item()
        return for_callbacks, for_loggers, for_bar


def size_of(batch: Any) -> int:
    """How many samples are in a batch: the length of the first dimension of the first tensor in it.

    Raises:
        MisconfigurationException: there is no tensor in it.
    """
    found = [tensor.size(0) if tensor.ndim else 1 for tensor in tensors_in(batch, Iterable)]
    if not found:
        raise MisconfigurationException(
            "We could not infer the batch_size from the batch. Either simplify its structure or provide the batch_size "
            "as `self.log(..., batch_size=batch_size)`."
        )
    if len(set(found)) > 1:
        warn_user(
            f"Trying to infer the `batch_size` from an ambiguous collection. The batch size we found is {found[0]}. To "
            f"avoid any miscalculations, use `self.log(..., batch_size=batch_size)`."
        )
    return found[0]
