"""What ``self.log`` keeps: the latest value of each name, and the reduction of its values over an epoch.

``Results`` are those of one loop; ``Metrics`` are a Trainer's, kept for callbacks, given to loggers and printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minigrad import Tensor, dtypes, maximum, minimum, tensor
from minigrad.caller import warn_user
from minigrad.graph.values import tensors_in
from minigrad.lightning.exceptions import MisconfigurationException

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["Key", "Metrics", "Results", "levels", "loggable", "print_metrics"]

# The hooks in which one may log, by what they do by default: keep each value, or reduce those of an epoch.
ON_STEP = {"training_step", "on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "optimizer_zero_grad"}
ON_STEP |= {"on_before_backward", "backward", "on_after_backward", "on_before_optimizer_step", "optimizer_step"}
ON_STEP |= {"configure_gradient_clipping", "clip_gradients"}
ON_EPOCH = {"validation_step", "on_validation_batch_start", "on_validation_batch_end"}
ON_EPOCH |= {"test_step", "on_test_batch_start", "on_test_batch_end"}
ON_EPOCH_ONLY = {f"on_{stage}_{time}" for stage in ("train", "validation", "test") for time in ("start",)}
ON_EPOCH_ONLY |= {f"on_{stage}_epoch_{time}" for stage in ("train", "validation", "test") for time in ("start", "end")}

REDUCE = {"mean": Tensor.add, "sum": Tensor.add, "max": maximum, "min": minimum}  # two values at a time


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
        self.total = value if self.total is None else REDUCE[self.key.reduce_fx](self.total, value)

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
        logged = self.logged.setdefault((key.hook, key.name, key.loader), Logged(key))
        if logged.key != key:
            raise MisconfigurationException(
                f"You called `self.log({key.name}, ...)` twice in `{key.hook}` with different arguments. This is not "
                f"allowed"
            )
        if batch_size is None:
            weighed = self.batch is not None and key.on_epoch and key.reduce_fx == "mean"
            batch_size = size_of(self.batch) if weighed else 1
        logged.add(value, batch_size)

    def give_to(self, metrics: Metrics) -> dict[str, Tensor]:
        """Hand what there is now to ``metrics``. Returns what of it is for loggers."""
        for_loggers: dict[str, Tensor] = {}
        for each in self.logged.values():
            value = each.value(self.on_step) if each.key.loader == self.loader else None
            if value is None:
                continue
            name, full_name = each.key.named(self.on_step)
            if each.key.logger:
                for_loggers[full_name] = value
            if self.training or not self.on_step:
                metrics.for_callbacks[name] = metrics.for_callbacks[full_name] = value
            if each.key.prog_bar:
                metrics.for_bar[full_name] = value.item()
        metrics.for_loggers.update(for_loggers)
        return for_loggers


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


class Metrics:
    """The latest of everything that was logged, by name, and what the loop that runs adds to it.

    Attributes:
        results: what that loop has logged.
        for_callbacks, for_loggers, for_bar: what there is, tensors () and numbers.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.results = Results(training=True)
        self.for_callbacks: dict[str, Tensor] = {}
        self.for_loggers: dict[str, Tensor] = {}
        self.for_bar: dict[str, float] = {}

    def update(self) -> Metrics:
        """Take over what the results have now."""
        self.results.give_to(self)
        return self

    def of_results(self) -> dict[str, Tensor]:
        """What the results have for loggers now; taken over too."""
        return self.results.give_to(self)

    def give_to_loggers(self, metrics: dict[str, Tensor], step: int | None = None) -> None:
        """Log; by default under the number of the step that was done last, or under a metric "step"."""
        trainer = self.trainer
        if not trainer.loggers or not metrics:
            return
        self.for_loggers.update(metrics)
        numbers: dict[str, float] = {name: value.item() for name, value in metrics.items()}
        if step is None and "step" in numbers:
            step = int(numbers.pop("step"))
        elif step is None:
            numbers.setdefault("epoch", trainer.current_epoch)
            step = trainer.global_step - 1 if trainer.fn == "fit" else trainer.global_step
        for logger in trainer.loggers:
            logger.log_metrics(numbers, step)
            logger.save()

    def are_due(self) -> bool:
        """Whether loggers are given what was logged in the step that was done last."""
        every = self.trainer.log_every_n_steps
        return every != 0 and (self.trainer.global_step % every == 0 or self.trainer.should_stop)


def print_metrics(stage: str, metrics: list[dict[str, float]]) -> None:
    """A table of what an evaluation has logged: a row a metric, a column a loader."""
    columns = [{name.partition("/dataloader_idx_")[0]: value for name, value in each.items()} for each in metrics]
    names = sorted({name for each in columns for name in each})
    if not names:
        return
    rows = [[f"{stage.capitalize()} metric", *[f"DataLoader {number}" for number in range(len(columns))]]]
    rows += [[name, *[str(each.get(name, "")) for each in columns]] for name in names]
    width = max(len(cell) for row in rows for cell in row) + 2
    bar = "─" * width * len(rows[0])
    lines = ["".join(cell.center(width) for cell in row).rstrip() for row in rows]
    print("\n".join([bar, lines[0], bar, *lines[1:], bar]))
