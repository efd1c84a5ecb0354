"""The recipes, files of options that come along; and what their trainings came to, as a row of ``docs/results.md``."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from torch_impl.results import name_of
from torch_impl.training import Tally

__all__ = ["HEADER", "Result"]

HEADER = (
    "| recipe | test accuracy | a training | peak memory | measured with |",
    "| --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True)
class Result:
    """One training: the sums over the test images, the seconds of its epochs, and the most memory in use, in bytes."""

    tested: Tally
    seconds: float
    memory: int | None

    @staticmethod
    def row(name: str, results: Sequence[Result]) -> str:
        """The trainings of one recipe, with different seeds, as a row of Markdown: mean ± standard deviation."""
        accuracies = [result.tested.accuracy for result in results]
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        accuracy = f"{statistics.mean(accuracies):.2f} ± {spread:.2f} % ({each})"
        seconds = f"{statistics.mean(result.seconds for result in results):,.0f} s"
        peaks = [result.memory for result in results if result.memory is not None]
        memory = f"{max(peaks) / 1e6:,.0f} MB" if peaks else "?"
        return f"| `{name}` | {accuracy} | {seconds} | {memory} | {conditions(results[0].tested.sums.device)} |"


def conditions(device: torch.device) -> str:
    """On what it was measured."""
    name = f"CPU (threads: {torch.get_num_threads()})" if device.type == "cpu" else name_of(device)
    return f"{name}, Python {platform.python_version()}, PyTorch {torch.__version__}"
