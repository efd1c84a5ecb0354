"""``results.json``: how a run ended, in numbers, and what it was, so that it can be compared and made again."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from torch_impl.checkpoint import replace_file
from torch_impl.distributed import world_size
from torch_impl.options import TrainingOptions

__all__ = ["RESULTS", "commit", "name_of", "peak_memory", "write_results"]

RESULTS = "results.json"

PACKAGES = ("torch", "torchvision", "lightning", "numpy")


def write_results(
    folder: Path,
    options: TrainingOptions,
    model: nn.Module,
    device: torch.device,
    *,
    tested: dict[str, float | None],
    trainer: str,
    epochs: int,
    images: int,
    seconds: float,
) -> None:
    """Write the file, whole or not at all. A run that is only judged once more keeps what its training took.

    Args:
        folder: of the run.
        options: of its training.
        model: trained.
        device: that it was trained on.
        tested: loss (mean cross-entropy in nats), accuracy and top-5 accuracy (in percent; None where there are no more
            than ten classes) on the test images.
        trainer: "plain" or "lightning".
        epochs: done.
        images, seconds: trained on since this start of the run, and how long that took.
    """
    if not images and (folder / RESULTS).exists():
        return
    told = {
        "test": tested,
        "epochs": epochs,
        "options": options.as_dict(),
        "trainer": trainer,
        "device": name_of(device),
        "processes": world_size(),
        "threads": torch.get_num_threads(),
        "images": images,
        "seconds": round(seconds, 3),
        "images_per_second": round(images / seconds, 1) if images else None,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "peak_memory": peak_memory(device),
        "versions": {"python": platform.python_version(), **versions()},
        "commit": commit(),
    }
    replace_file(folder / RESULTS, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())


def name_of(device: torch.device) -> str:
    """What the device is called by who made it, where PyTorch knows; else its kind."""
    ask = getattr(torch.get_device_module(device), "get_device_name", None)
    return device.type if ask is None else str(ask(device))


def peak_memory(device: torch.device) -> int | None:
    """The most bytes that this process has held so far: of a GPU's memory, else of the machine's; None if untold."""
    if device.type != "cpu":
        return torch.accelerator.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def versions() -> dict[str, str]:
    """Of the packages that numbers depend on, those that are installed."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """The commit of this checkout, with ``-dirty`` where files are changed; None outside of one, or without git."""
    checkout = Path(__file__).parents[1]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done: Any = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return str(done.stdout).strip()
