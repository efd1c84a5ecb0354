"""What loaders give and steps return, as the loops need it: how many batches, which is the last, where the loss is.

Where a run's loaders come from is asked of ``Sources``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from minigrad import Tensor, device
from minigrad.caller import warn_user
from minigrad.lightning.exceptions import MisconfigurationException, PossibleUserWarning
from minigrad.lightning.module import is_overridden
from minigrad.utils.data.sampler import RandomSampler

__all__ = ["Sources", "arguments_for", "loaders_in", "loss_in", "number_of_batches", "numbered", "warn_of_shuffling"]


class Sources:
    """The loaders of a run, by the names of their hooks: "train_dataloader" and so on.

    Args:
        given: loaders.
        datamodule: the LightningDataModule that has all others, or None.
        module: the LightningModule that has them else.
    """

    def __init__(self, given: dict[str, Any], datamodule: Any, module: Any) -> None:
        self.given = given
        self.datamodule = datamodule
        self.module = module

    def has(self, name: str) -> bool:
        """Whether there is a loader of that name."""
        return name in self.given or is_overridden(name, self.module if self.datamodule is None else self.datamodule)

    def loader(self, name: str) -> Any:
        """The loader, or loaders, of that name.

        Raises:
            MisconfigurationException: there is none.
        """
        if name in self.given:
            return self.given[name]
        return getattr(self.module if self.datamodule is None else self.datamodule, name)()

    def transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """A batch as it comes from its loader, through the hooks that may change it."""
        for name in ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer"):
            in_data = self.datamodule is not None and is_overridden(name, self.datamodule)
            where = (device("cpu"),) if name == "transfer_batch_to_device" else ()
            batch = getattr(self.datamodule if in_data else self.module, name)(batch, *where, dataloader_idx)
        return batch


def loaders_in(given: Any) -> list[Any]:
    """The loaders of an evaluation: one, or those of a list or a dictionary."""
    if isinstance(given, dict):
        return list(given.values())
    return list(given) if isinstance(given, (list, tuple)) else [given]


def number_of_batches(loader: Any, limit: float, prefix: str) -> float:
    """How many batches are taken from a loader; infinite where it has no length and no number is given.

    Args:
        limit: a number of batches (int), or a part of them (float).
        prefix: "train", "val", "test" or "predict", for messages.

    Raises:
        TypeError: it cannot be iterated.
        MisconfigurationException: the part is of an unknown length, or less than a batch.
    """
    if not isinstance(loader, Iterable):
        raise TypeError(
            f"An invalid dataloader was returned from `{prefix}_dataloader()`. Found {type(loader).__name__}, which "
            f"cannot be iterated."
        )
    if isinstance(loader, (list, tuple, dict)):
        raise MisconfigurationException(
            f"`{prefix}_dataloader` gave a {type(loader).__name__} of loaders: minigrad.lightning takes one loader."
        )
    length = length_of(loader)
    if length == 0:
        warn_user(
            f"Total length of `{type(loader).__name__}` across ranks is zero. Please make sure this was your intention."
        )
    if isinstance(limit, int):
        return min(length, limit)
    if length == math.inf:
        if limit != 1.0:
            raise MisconfigurationException(
                f"`Trainer(limit_{prefix}_batches)` must be `1.0` or an int for a loader without a length."
            )
        return length
    if length and limit and int(length * limit) == 0:
        raise MisconfigurationException(
            f"You requested to check {limit} of the `{prefix}_dataloader` but {limit} * {length} < 1. Please increase "
            f"the `limit_{prefix}_batches` argument. Try at least `limit_{prefix}_batches={1 / length}`"
        )
    return int(length * limit)


def length_of(loader: Any) -> float:
    """The number of a loader's batches; infinite where it does not say."""
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return math.inf


def numbered(batches: Iterator[Any], count: float) -> Iterator[tuple[int, Any, bool]]:
    """Each of the first ``count`` batches, its number before it, and after it whether it is the last one.

    Where the number is not known, one batch more than is given is taken from the loader.
    """
    if count != math.inf:
        for number, batch in enumerate(islice(batches, int(count))):
            yield number, batch, number == count - 1
        return
    held: list[Any] = []
    for number, batch in enumerate(batches):
        if held:
            yield number - 1, held.pop(), False
        held.append(batch)
    if held:
        yield number, held.pop(), True


def warn_of_shuffling(loaders: list[Any], prefix: str) -> None:
    """Warn of an evaluation in random order."""
    if any(isinstance(getattr(each, "sampler", None), RandomSampler) for each in loaders):
        warn_user(
            f"Your `{prefix}_dataloader`'s sampler has shuffling enabled, it is strongly recommended that you turn "
            f"shuffling off for val/test dataloaders.",
            PossibleUserWarning,
        )


def arguments_for(step: Any, batch: Any, batch_idx: int, *place: int) -> tuple[Any, ...]:
    """What a step is called with: a step of one parameter takes the batch alone.

    Args:
        place: the number of the loader, where there are several.

    Raises:
        RuntimeError: there are several, and the step takes no number.
    """
    parameters = inspect.signature(step).parameters
    open_ended = any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters.values())
    if place and not open_ended and "dataloader_idx" not in parameters:
        raise RuntimeError(
            f"You provided multiple dataloaders, but no `dataloader_idx` argument in `{step.__qualname__}`. Try adding "
            f"`dataloader_idx=0` to its signature."
        )
    return (batch,) if len(parameters) == 1 and not open_ended else (batch, batch_idx, *place)


def loss_in(returned: Any) -> tuple[Tensor | None, dict[str, Any]]:
    """The loss in what ``training_step`` returned, and what else is there.

    Raises:
        MisconfigurationException: there is none.
    """
    if returned is None:
        warn_user("`training_step` returned `None`. If this was on purpose, ignore this warning...")
        return None, {}
    loss, others = returned, {}
    if isinstance(returned, dict):
        loss, others = returned.get("loss"), {name: value for name, value in returned.items() if name != "loss"}
    if not isinstance(loss, Tensor):
        raise MisconfigurationException(
            "In automatic optimization, `training_step` must return a Tensor, a dict with the key 'loss', or None "
            "(where the step will be skipped)."
        )
    return loss, others
