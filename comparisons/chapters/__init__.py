"""The chapters, one file each: code that runs on both engines, and what must be equal.

A chapter is a function ``run(settings) -> Report``. To add one, write its file and name it in ``CHAPTERS``.
"""

import time
from collections.abc import Callable

from comparisons.chapters import (
    conv_block,
    custom_layer,
    dynamic_graph,
    layers,
    lightning,
    mlp,
    operations,
    residual_block,
    resnet18,
    script,
    tape,
)
from comparisons.harness import Report
from comparisons.settings import Settings
from comparisons.stopping import why

__all__ = ["CHAPTERS", "NEEDS", "run_chapter"]

CHAPTERS: dict[str, Callable[[Settings], Report]] = {
    "dynamic-graph": dynamic_graph.run,
    "operations": operations.run,
    "tape": tape.run,
    "layers": layers.run,
    "mlp": mlp.run,
    "custom-layer": custom_layer.run,
    "conv-block": conv_block.run,
    "residual-block": residual_block.run,
    "resnet18": resnet18.run,
    "lightning": lightning.run,
    "script": script.run,
}
NEEDS = {"lightning": ("lightning", "torchmetrics"), "script": ("onnxscript", "onnxruntime")}  # imported as they run


def run_chapter(name: str, settings: Settings) -> Report:
    """One chapter, timed. What stops it beyond its checks is a row."""
    begun = time.perf_counter()
    try:
        report = CHAPTERS[name](settings)
    except (Exception, SystemExit) as error:
        report = settings.report(name)
        report.stop(name, *why(error))
    report.seconds = time.perf_counter() - begun
    return report
