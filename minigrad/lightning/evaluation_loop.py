"""EvaluationLoop: validation, test and prediction, with Lightning's hooks put in, in Lightning's order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minigrad.graph.grad_mode import call_inside, inference_mode, no_grad
from minigrad.lightning.batches import arguments_for, loaders_in, number_of_batches, numbered, warn_of_shuffling
from minigrad.lightning.module import is_overridden
from minigrad.lightning.results import Results

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["STAGES", "EvaluationLoop"]

# Of the Trainer's methods, as hooks name them.
STAGES = {"validate": "validation", "test": "test", "predict": "predict"}


class EvaluationLoop:
    """Validation, test or prediction: the module in evaluation mode over all batches, without gradients.

    Args:
        stage: "validation", "test" or "predict", as the hooks are named.
    """

    def __init__(self, trainer: Trainer, stage: str) -> None:
        self.trainer = trainer
        self.stage = stage
        self.prefix = "val" if stage == "validation" else stage  # of loaders
        self.loaders: list[Any] = []
        self.max_batches: list[float] = []
        self.seen: list[int] = []  # batches of each loader so far, by which loggers number what is logged of each batch
        self.has_run = False  # the sanity check does not count

    def is_wanted(self) -> bool:
        """Whether there are a loader and a step for it."""
        has_step = is_overridden(f"{self.stage}_step", self.trainer.lightning_module)
        return self.limit != 0 and has_step and self.trainer.sources.has(f"{self.prefix}_dataloader")

    @property
    def limit(self) -> float:
        """How many batches, or which part of them, are asked for."""
        limit: float = getattr(self.trainer, f"limit_{self.prefix}_batches")
        return limit

    def set_up(self) -> None:
        """Get the loaders, once."""
        if self.loaders or self.limit == 0:
            return
        self.loaders = loaders_in(self.trainer.sources.loader(f"{self.prefix}_dataloader"))
        self.max_batches = [number_of_batches(each, self.limit, self.prefix) for each in self.loaders]
        self.seen = [0] * len(self.loaders)
        warn_of_shuffling(self.loaders, self.prefix)

    def run(self) -> list[Any]:
        """Evaluate. Returns what was logged, a dictionary a loader; of a prediction the outputs, a list a loader."""
        self.set_up()
        most = self.trainer.num_sanity_val_steps if self.trainer.sanity_checking else math.inf
        counts = [min(most, each) for each in self.max_batches]
        if sum(counts) == 0:
            return []
        trainer = self.trainer
        outer, outer_stage = trainer.metrics.results, trainer.stage
        trainer.metrics.results = Results(training=False)
        if not trainer.sanity_checking:
            trainer.stage, self.has_run = self.stage, True
        mode = inference_mode() if trainer.inference_mode and trainer.fn != "fit" else no_grad()
        found: list[Any] = call_inside(mode, self.evaluate, counts)
        trainer.metrics.results, trainer.stage = outer, outer_stage
        return found

    def evaluate(self, counts: list[float]) -> list[Any]:
        """All loaders, ``counts`` batches of each."""
        trainer, module = self.trainer, self.trainer.lightning_module
        modes = [(each, each.training) for each in module.modules()]
        first = iter(self.loaders[0])
        trainer.call_module(f"on_{self.stage}_model_eval")
        trainer.call(f"on_{self.stage}_start")
        trainer.call(f"on_{self.stage}_epoch_start")
        logged, outputs = [], []
        for number, (loader, count) in enumerate(zip(self.loaders, counts)):
            trainer.metrics.results.loader = number if len(self.loaders) > 1 else None
            outputs.append(self.run_loader(iter(loader) if number else first, count))
            trainer.metrics.results.on_step = False
            logged.append(trainer.metrics.of_results())
        trainer.metrics.results.loader = None
        trainer.call(f"on_{self.stage}_epoch_end")
        at_end = trainer.metrics.of_results()
        if not trainer.sanity_checking:
            trainer.metrics.give_to_loggers(
                {name: value for each in [*reversed(logged), at_end] for name, value in each.items()}
            )
        trainer.call(f"on_{self.stage}_end")
        if is_overridden(f"on_{self.stage}_model_train", module):
            trainer.call_module(f"on_{self.stage}_model_train")
        else:
            for each, training in modes:
                each.training = training
        return outputs if self.stage == "predict" else [{**each, **at_end} for each in logged]

    def run_loader(self, batches: Iterator[Any], count: float) -> list[Any]:
        """The batches of a loader. Returns what the step returned for each, where that is asked for."""
        trainer = self.trainer
        number = trainer.metrics.results.loader
        place = () if number is None else (number,)
        step = getattr(trainer.lightning_module, f"{self.stage}_step")
        outputs = []
        for batch_idx, batch, _ in numbered(batches, count):
            batch = trainer.sources.transfer(batch, number or 0)
            trainer.metrics.results.batch, trainer.metrics.results.on_step = batch, True
            trainer.call(f"on_{self.stage}_batch_start", batch, batch_idx, *place)
            output = trainer.call_module(f"{self.stage}_step", *arguments_for(step, batch, batch_idx, *place))
            trainer.call(f"on_{self.stage}_batch_end", output, batch, batch_idx, *place)
            metrics = trainer.metrics.of_results()
            trainer.metrics.results.batch = None
            if not trainer.sanity_checking:
                trainer.metrics.give_to_loggers(metrics, step=self.seen[number or 0])
                self.seen[number or 0] += 1
            if self.stage == "predict" and trainer.keeps_predictions:
                outputs.append(output)
        return outputs
