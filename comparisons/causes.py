"""What may have caused a difference: the faults that engines written by hand have most often, told by their traces.

Each test looks at the numbers alone and names a cause only where they fit it to six digits. Faults that leave no trace
of their own go without a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

__all__ = ["BEFORE", "causes_of_activation", "causes_of_arrival", "causes_of_rule", "general_causes"]

BEFORE = "before the call"  # ends the name of a parameter or buffer that was noted when its module was called
CLOSE = 1e-6  # a float32 that fits a cause fits it to this; another value does so by chance once in a million
MOST_PARTS = 8  # of so many contributions every selection is tried: 2⁸
TIES = (
    "MaxPool",
    "AdaptiveMaxPool",
    "Max",
    "Min",
    "Amax",
    "Amin",
    "Maximum",
    "Minimum",
    "Relu",
    "Clamp",
    "Sort",
    "Topk",
)


def close(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether two arrays of finite numbers agree to six digits of the largest."""
    if ours.shape != theirs.shape or not np.isfinite(ours).all() or not np.isfinite(theirs).all():
        return False
    return bool(np.abs(ours - theirs).max(initial=0.0) <= CLOSE * np.abs(theirs).max(initial=0.0))


def factor_between(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """The number by which theirs is multiplied to give ours, where there is one."""
    if ours.shape != theirs.shape or not np.isfinite(ours).all() or not np.isfinite(theirs).all():
        return None
    largest = np.abs(theirs).max(initial=0.0)
    if not largest:
        return None
    with np.errstate(all="ignore"):  # values of 1e200 have no squares, and no factor leads from 1e-200 to 1e200
        weights = theirs / largest
        factor = float((ours / largest * weights).sum() / (weights * weights).sum())
        return factor if close(ours, theirs * factor) else None


def is_simple(factor: float) -> bool:
    """Whether a factor is a whole number or one over a whole number: one value alone has some factor always."""
    if not factor:
        return False
    whole = abs(factor) if abs(factor) >= 1 else 1 / abs(factor)
    return whole < 1000 and abs(whole - round(whole)) < CLOSE


def general_causes(ours: np.ndarray | None, theirs: np.ndarray | None) -> list[str]:
    """Causes that any value can have."""
    if ours is None or theirs is None:
        return ["one engine has no gradient here: an input was taken for one that needs none"]
    if np.isnan(ours).any() and not np.isnan(theirs).any():
        return ["a NaN of ours alone: 0/0, 0·inf or inf - inf that PyTorch's formula avoids"]
    if ours.shape == theirs.shape and theirs.any() and not ours.any():
        return ["nothing arrived: ours is 0 everywhere"]
    factor = factor_between(ours, theirs)
    if factor is not None and abs(factor - 1) > CLOSE and (theirs.size > 1 or is_simple(factor)):
        return [f"a constant factor: ours is {factor:.6g} times theirs"]
    if ours.ndim == 2 and ours.shape[0] == ours.shape[1] and close(ours.T, theirs):
        return ["a transposed matrix: ours is theirs with rows and columns swapped"]
    return []


def fits(ours: np.ndarray, suspected: np.ndarray, right: np.ndarray) -> bool:
    """Whether ``ours`` is what a suspected fault would give, rather than what is right."""
    if not ours.shape == suspected.shape == right.shape:
        return False
    return bool(np.abs(ours - suspected).max(initial=0.0) < 0.1 * np.abs(ours - right).max(initial=0.0))


# -------------------------------------------------------------------------------------------- activations


def causes_of_activation(
    what: str, ours: np.ndarray, theirs: np.ndarray, module: Any, before: Mapping[str, np.ndarray]
) -> tuple[str, ...]:
    """Causes of a module's output or buffer that differs.

    Args:
        what: "output", a buffer's name, or the name of a parameter or buffer before the call.
        ours, theirs: the two values.
        module: PyTorch's module.
        before: what was noted of this module before: "input 0" and, by name, the buffers before the call.
    """
    found = []
    if what.endswith(BEFORE):
        found.append("the models did not hold the same values when they were called: load one's state_dict into both")
    if type(module).__name__.startswith("BatchNorm") and module.training and "input 0" in before:
        found += causes_of_batch_norm(what, ours, theirs, module, before)
    if type(module).__name__.startswith("Dropout") and module.training:
        found.append("random numbers: dropout drew others, from another seed or in another order")
    return tuple(found + general_causes(ours, theirs))


def causes_of_batch_norm(
    what: str, ours: np.ndarray, theirs: np.ndarray, module: Any, before: Mapping[str, np.ndarray]
) -> list[str]:
    """The two variances taken for each other: in ``running_var``, or in the output."""
    x = before["input 0"].astype(np.float64)
    dims = (0, *range(2, x.ndim))
    biased, unbiased = x.var(dims), x.var(dims, ddof=1)
    if what == "running_var" and module.momentum is not None:
        kept = (1 - module.momentum) * before[f"running_var {BEFORE}"]
        if fits(ours, kept + module.momentum * biased, theirs):
            return ["biased variance: running_var has moved towards Σ(x - mean)²/n, and PyTorch's divides by n - 1"]
    if what == "output":
        shape = (1, -1, *[1] * (x.ndim - 2))
        normal = (x - x.mean(dims).reshape(shape)) / np.sqrt(unbiased.reshape(shape) + module.eps)
        if module.affine:
            weight, bias = [each.detach().cpu().double().numpy() for each in (module.weight, module.bias)]
            normal = normal * weight.reshape(shape) + bias.reshape(shape)
        if fits(ours, normal, theirs):
            return ["unbiased variance: the batch was normalised by Σ(x - mean)²/(n - 1), and PyTorch divides by n"]
    return []


# ---------------------------------------------------------------------------------------------- gradients


def causes_of_arrival(
    ours: np.ndarray | None, theirs: np.ndarray | None, parts: Sequence[np.ndarray]
) -> tuple[str, ...]:
    """Causes of a sum of gradients that differs, though each of ``parts``, what is to be summed, agrees."""
    if ours is None or theirs is None or len(parts) < 2 or len(parts) > MOST_PARTS:
        return tuple(general_causes(ours, theirs))
    for count in range(1, len(parts)):
        for kept in combinations(range(len(parts)), count):
            if fits(ours, sum([parts[number] for number in kept], np.zeros(())), theirs):
                lost = ", ".join([str(number + 1) for number in range(len(parts)) if number not in kept])
                return (
                    f"a lost accumulation: the value is used {len(parts)} times, and of the {len(parts)} gradients "
                    f"number {lost} was not added",
                )
    return tuple(general_causes(ours, theirs))


def causes_of_rule(
    name: str, arrived: Sequence[np.ndarray | None], ours: np.ndarray | None, theirs: np.ndarray | None
) -> tuple[str, ...]:
    """Causes of a rule that returns a gradient other than PyTorch's for the same gradients that arrived.

    Args:
        name: the node's, such as ``AddBackward0``.
        arrived: the gradients of the node's outputs.
        ours, theirs: the gradients that the two rules returned for one input.
    """
    found = []
    if ours is not None and theirs is not None:
        if arrived and arrived[0] is not None and is_broadcast(theirs.shape, arrived[0].shape):
            found.append(
                f"a gradient not summed over a broadcast: an input of shape {list(theirs.shape)} was repeated to "
                f"{list(arrived[0].shape)}, so its gradient is the sum over the repeated dimensions"
            )
        if name.startswith(TIES) and is_moved(ours, theirs):
            found.append(
                "a tie: the same gradients in other places; of equal values, or at a kink, PyTorch chose otherwise"
            )
    return tuple(found or general_causes(ours, theirs))


def is_broadcast(shape: tuple[int, ...], result: tuple[int, ...]) -> bool:
    """Whether an input of ``shape`` was repeated along a dimension to give ``result``."""
    if shape == result or len(shape) > len(result):
        return False
    aligned = (1,) * (len(result) - len(shape)) + shape
    return all(size in (1, whole) for size, whole in zip(aligned, result))


def is_moved(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether two gradients have one sum, though single elements differ, or differ at few places alone."""
    if not np.isfinite(ours).all() or not np.isfinite(theirs).all():
        return False
    differ = np.abs(ours - theirs) > CLOSE * np.abs(theirs).max(initial=0.0)
    total = np.abs(theirs).sum()
    return bool(abs(ours.sum() - theirs.sum()) <= CLOSE * total or differ.mean() < 0.5)
