"""What can be named on the command line: data sets, formats, recipes. PyTorch is not needed to know the names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

__all__ = ["DATASETS", "FORMATS", "NAMES", "OUT", "RECIPES", "STRATEGIES", "Format", "Recipe", "Strategy", "Trainer"]

DATASETS = ("digits", "mnist", "fashion-mnist")  # 28×28, grey, ten classes
NAMES = (*DATASETS, "cifar10")

Trainer = Literal["plain", "lightning"]

Strategy = Literal["ddp", "fsdp"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)

# Each format of an exported network, and the usual name of its file.
Format = Literal["script", "trace", "pt2", "onnx"]
FORMATS: dict[str, str] = {
    "script": "model.script.pt",
    "trace": "model.trace.pt",
    "pt2": "model.pt2",
    "onnx": "model.onnx",
}

OUT = Path("run")  # the folder of a run, where no other is named

# Each a file that ``--config`` could read.
Recipe = Literal["digits", "mnist", "mnist-resnet18", "cifar10-resnet18"]
RECIPES = Path(__file__).parent / "recipes"
