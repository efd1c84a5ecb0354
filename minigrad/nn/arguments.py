"""What PyTorch's layers do with their arguments, for layers of one's own: one size for all dimensions, and the like.

Counterparts: ``torch.nn.modules.utils``, ``torch.nn.factory_kwargs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["factory_kwargs"]


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: Iterable[Any], n: int) -> tuple[Any, ...]:
    return tuple([each for each in reversed(list(t)) for _ in range(n)])


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """Those of ``kwargs`` that functions such as ``empty`` take, and those in its ``"factory_kwargs"``.

    Raises:
        TypeError: there is another, or one twice.
    """
    given = dict(kwargs or {})
    found = dict(given.pop("factory_kwargs", {}))
    unexpected = given.keys() - {"device", "dtype", "memory_format"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    twice = given.keys() & found.keys()
    if twice:
        raise TypeError(f"{twice} specified twice, in **kwargs and in factory_kwargs")
    return {**found, **given}
