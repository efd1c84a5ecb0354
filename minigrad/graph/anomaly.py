"""Anomaly detection: while it is on, an error or a NaN in backward names the line of forward that made the node.

``function.py`` notes where each node is made, ``watching.py`` asks here after each rule. It costs a walk up the stack
for every operation: for debugging only. Counterpart: ``torch.autograd.anomaly_mode``.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.caller import is_own_file, warn_user
from minigrad.graph.node import unwrap

__all__ = ["check_nan", "detect_anomaly", "is_anomaly_enabled", "note_origin", "set_detect_anomaly", "tell_origin"]

enabled = False
checks_nan = True


def is_anomaly_enabled() -> bool:
    """True while anomalies are being detected."""
    return enabled


def detect(mode: bool, check_nan: bool) -> None:
    global enabled, checks_nan
    enabled, checks_nan = mode, check_nan


class set_detect_anomaly:
    """Turn the detection on or off: at once when called, and back again when used as a context manager.

    Args:
        mode: on or off.
        check_nan: whether a NaN in a gradient is an error.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.previous = enabled, checks_nan
        detect(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        detect(*self.previous)


class detect_anomaly(set_detect_anomaly):
    """Detect anomalies inside this context. Forward must run inside too, so that its lines are known."""

    def __init__(self, check_nan: bool = True) -> None:
        warn_user(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
        )
        self.previous = enabled, checks_nan
        self.check_nan = check_nan

    def __enter__(self) -> None:
        detect(True, self.check_nan)


class _Running(threading.local):
    """The node whose rule this thread is running while anomalies are detected."""

    node: Any = None


running = _Running()


def note_origin(node: Any) -> None:
    """Keep the stack of the user's code that makes ``node``, as text, in its metadata; and the node whose rule does."""
    stack = traceback.extract_stack()
    while len(stack) > 1 and is_own_file(stack[-1].filename):
        stack.pop()
    node.metadata["traceback_"] = stack.format()
    if running.node is not None:
        node.metadata["parent_"] = running.node


def tell_origin(node: Any) -> None:
    """Warn, with the stack that made ``node``; where a gradient's rule made it, with the stack of that one too."""
    told = f"Error detected in {node.name()}. "
    while node is not None:
        lines = node.metadata.get("traceback_")
        if lines is None:
            told += (
                "No forward pass information available. Enable detect anomaly during forward pass for more information."
            )
        else:
            told += "Traceback of forward call that caused the error:\n" + "".join(lines)
        try:
            warn_user(told)
        except Warning:  # warnings are errors here, but the error that is being told of is to arrive
            print(told, file=sys.stderr)
        node = node.metadata.get("parent_")
        if node is not None:
            told = f"\n\nPrevious calculation was induced by {node.name()}. "


def check_nan(node: Any, gradients: Sequence[Any]) -> None:
    """Raise a RuntimeError if one of the gradients that ``node`` gave holds a NaN."""
    if not checks_nan:
        return
    for position, gradient in enumerate(gradients):
        if gradient is not None and np.isnan(unwrap(gradient)).any():
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {position}th output.")
