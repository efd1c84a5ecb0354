"""PyTorch's older forms of calls, in which a factor stands before what it multiplies: ``add(x, 2, y)`` is ``x + 2 y``.

They are deprecated there, and are read here so that old code runs.
"""

from __future__ import annotations

from typing import Any

from minigrad.arguments.checks import check_tensors
from minigrad.caller import warn_user
from minigrad.graph.node import Tensor

__all__ = ["older_fused", "older_sum", "operands_and_factors"]


def form_of(arguments: tuple[Any, ...]) -> str:
    """A letter an argument: T for a tensor, N for a number or what else it is."""
    return "".join(["T" if isinstance(each, Tensor) else "N" for each in arguments])


def taken_apart(name: str, forms: list[str], by_name: str, arguments: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """The factors and the tensors among ``arguments``, which stand in one of ``forms``; now they are given ``by_name``.

    Raises:
        TypeError: they do not.
    """
    if form_of(arguments) not in forms:
        types = ", ".join([type(each).__name__ for each in arguments])
        raise TypeError(f"{name}() received an invalid combination of arguments - got ({types})")
    warn_user(f"This overload of {name} is deprecated: give {by_name} by name.")
    factors = [each for each in arguments if not isinstance(each, Tensor)]
    return factors, [each for each in arguments if isinstance(each, Tensor)]


def older_sum(name: str, *arguments: Any) -> tuple[Any, Any]:
    """``other`` and alpha of ``add(input, alpha, other)``, and of ``add(input, other, alpha)``, both one number."""
    if form_of(arguments) == "TNN" or (form_of(arguments) == "TTN" and arguments[1].ndim == 0):
        return arguments[1], arguments[2]
    (alpha,), (_, other) = taken_apart(name, ["TNT"], "alpha", arguments)
    return other, alpha


def older_fused(name: str, older: tuple[Any, ...], value: Any, **tensors: Any) -> tuple[list[Any], Any]:
    """The three tensors of ``addcmul(input, tensor1, tensor2)``, and the value; older: ``addcmul(input, value, …)``.

    Raises:
        TypeError: one is no tensor.
    """
    operands = list(tensors.values())
    if older:
        (value,), operands = taken_apart(name, ["TNTT"], "value", (*operands, *older))
    check_tensors(name, **dict(zip(tensors, operands)))
    return operands, value


def operands_and_factors(
    name: str, older: tuple[Any, ...], beta: Any, alpha: Any, **tensors: Any
) -> tuple[list[Any], dict[str, Any]]:
    """The three tensors of ``addmm`` and its kin, and beta and alpha by name.

    In the older form ``addmm(beta, input, alpha, mat1, mat2)`` alpha may be left out, and in a method's call both stand
    after the tensor.

    Raises:
        TypeError: one is no tensor.
    """
    operands = list(tensors.values())
    if older:
        forms = ["NTTT", "NTNTT", "TNTT", "TNNTT"]
        factors, operands = taken_apart(name, forms, "beta and alpha", (*operands, *older))
        beta, alpha = [*factors, 1][:2]
    check_tensors(name, **dict(zip(tensors, operands)))
    return operands, {"beta": beta, "alpha": alpha}
