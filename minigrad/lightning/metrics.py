"""What a Trainer has logged: kept for callbacks, given to loggers, shown in the progress bar and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.lightning.results import Results
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["Metrics", "print_metrics"]


class Metrics:
    """The latest of everything that was logged, by name, and what the loop that runs adds to it.

    Attributes:
        results: what that loop has logged.
        for_callbacks, for_loggers, for_bar: what there is, tensors () and numbers.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.results = Results(training=True)
        self.for_callbacks: dict[str, Tensor] = {}
        self.for_loggers: dict[str, Tensor] = {}
        self.for_bar: dict[str, float] = {}

    def update(self) -> Metrics:
        """Take over what the results have now."""
        for_callbacks, for_loggers, for_bar = self.results.metrics()
        self.for_callbacks.update(for_callbacks)
        self.for_loggers.update(for_loggers)
        self.for_bar.update(for_bar)
        return self

    def of_results(self) -> dict[str, Tensor]:
        """What the results have for loggers now; taken over too."""
        self.update()
        return self.results.metrics()[1]

    def give_to_loggers(self, metrics: dict[str, Tensor], step: int | None = None) -> None:
        """Log; by default under the number of the step that was done last, or under a metric "step"."""
        trainer = self.trainer
        if not trainer.loggers or not metrics:
            return
        self.for_loggers.update(metrics)
        numbers: dict[str, float] = {name: value.item() for name, value in metrics.items()}
        if step is None and "step" in numbers:
            step = int(numbers.pop("step"))
        elif step is None:
            numbers.setdefault("epoch", trainer.current_epoch)
            step = trainer.global_step - 1 if trainer.fn == "fit" else trainer.global_step
        for logger in trainer.loggers:
            logger.log_metrics(numbers, step)
            logger.save()

    def are_due(self) -> bool:
        """Whether loggers are given what was logged in the step that was done last."""
        every = self.trainer.log_every_n_steps
        return every != 0 and (self.trainer.global_step % every == 0 or self.trainer.should_stop)


def print_metrics(stage: str, metrics: list[dict[str, float]]) -> None:
    """A table of what an evaluation has logged: a row a metric, a column a loader."""
    columns = [{name.partition("/dataloader_idx_")[0]: value for name, value in each.items()} for each in metrics]
    names = sorted({name for each in columns for name in each})
    if not names:
        return
    rows = [[f"{stage.capitalize()} metric", *[f"DataLoader {number}" for number in range(len(columns))]]]
    rows += [[name, *[str(each.get(name, "")) for each in columns]] for name in names]
    width = max(len(cell) for row in rows for cell in row) + 2
    bar = "─" * width * len(rows[0])
    lines = ["".join(cell.center(width) for cell in row).rstrip() for row in rows]
    print("\n".join([bar, lines[0], bar, *lines[1:], bar]))
