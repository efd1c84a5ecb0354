"""``save_hyperparameters``: what a module was made with, kept beside it, so that a checkpoint can make it again."""

from __future__ import annotations

import inspect
import io
import sys
from types import FrameType
from typing import Any

from minigrad.saving.serialization import save

__all__ = ["AttributeDict", "Hyperparameters", "accepted"]


class AttributeDict(dict[str, Any]):
    """A dictionary whose items are attributes too. Counterpart: Lightning's of that name."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"Missing attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class Hyperparameters:
    """What modules and data modules have of it.

    Attributes:
        logs_hyperparameters: whether loggers write them down.
    """

    logs_hyperparameters = False

    @property
    def hparams(self) -> AttributeDict:
        """What :meth:`save_hyperparameters` kept: a dictionary, and each item an attribute."""
        held: AttributeDict = self.__dict__.setdefault("_hparams", AttributeDict())
        return held

    def save_hyperparameters(self, *names: Any, ignore: str | list[str] | None = None, logger: bool = True) -> None:
        """Keep the arguments of the ``__init__`` that calls this, as ``self.hparams``. Counterpart: Lightning's.

        Args:
            names: keep these only; or, in their place, a dictionary of what is to be kept.
            ignore: names that are not kept: those of modules, for example.
            logger: write them down as the training begins.

        Raises:
            TypeError: a value is none that a checkpoint can hold: numbers, strings, tensors, and containers of them.
        """
        if len(names) == 1 and isinstance(names[0], dict):
            given = names[0]
        else:
            given = arguments_of(self, sys._getframe(1))
            given = {name: given[name] for name in names} if names else given
        left_out = {ignore} if isinstance(ignore, str) else set(ignore or ())
        kept = {name: value for name, value in given.items() if name not in left_out}
        save(kept, io.BytesIO())  # refused here, and not at the first checkpoint
        self.hparams.update(kept)
        self.logs_hyperparameters = logger


def arguments_of(module: Any, frame: FrameType | None) -> dict[str, Any]:
    """The arguments of the ``__init__`` that runs in ``frame``, and of those of subclasses that called it."""
    found: dict[str, Any] = {}
    while frame is not None and frame.f_code.co_name == "__init__":
        names, _, others, values = inspect.getargvalues(frame)
        if not names or values[names[0]] is not module:
            break
        own = {name: values[name] for name in names[1:]}
        found = {**found, **own, **(values[others] if others else {})}
        frame = frame.f_back
    return found


def accepted(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that ``cls`` can be made with."""
    parameters = inspect.signature(cls).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return values
    known = {each.name for each in parameters}
    return {name: value for name, value in values.items() if name in known}
