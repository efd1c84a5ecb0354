"""What a run leaves to look at: ``metrics.csv``, curves, a confusion matrix, the worst mistakes, TensorBoard's log."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import Dataset

from torch_impl.checkpoint import replace_file
from torch_impl.data import Loader, as_floats
from torch_impl.distributed import gather, unwrap
from torch_impl.training import autocast

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "COLUMNS",
    "Predictions",
    "TensorBoard",
    "draw_confusion",
    "draw_curves",
    "draw_mistakes",
    "predict",
    "write_figures",
    "write_metrics",
]

# A row of ``metrics.csv``: the epoch, from 1, steps so far, the last one's learning rate, mean cross-entropies in nats
# (smoothed: with label smoothing, what is minimised), accuracies in percent.
COLUMNS = ("epoch", "step", "lr", "loss", "smoothed_loss", "accuracy", "validation_loss", "validation_accuracy")

BLUE, ORANGE = "#0072b2", "#d55e00"

MOST_MISTAKES = 25  # on the sheet

MOST_LETTERS = 22  # of a class's name in a figure

MOST_COUNTED, MOST_NAMED = 30, 100  # classes whose images are counted in a confusion matrix, and that are named at it


def write_metrics(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """All epochs of ``history`` as ``metrics.csv``, whole or not at all: after a resumption no row is there twice."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    replace_file(folder / "metrics.csv", text.getvalue().encode())


class TensorBoard:
    """TensorBoard's log of a run, the same from either trainer.

    What an earlier start of the run wrote after ``step`` is taken back.

    Every ``progress.LOG_EVERY`` steps of an epoch, and at its last: ``training/loss``, ``training/lr``,
    ``training/gradient_norm`` (before it is clipped) and ``training/images_per_second``. At its end the row of
    ``metrics.csv``: ``epoch/loss``, ``epoch/accuracy``, ….
    """

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # imported where it is needed: it takes a second

        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def step(self, step: int, loss: float, lr: float, gradient_norm: float | None, speed: float) -> None:
        """A step: its number, mean cross-entropy in nats, learning rate, gradient's norm, and images per second."""
        values = {"loss": loss, "lr": lr, "gradient_norm": gradient_norm, "images_per_second": speed}
        for name, value in values.items():
            if value is not None:
                self.writer.add_scalar(f"training/{name}", value, step)

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch, as it stands in ``metrics.csv``."""
        for name, value in row.items():
            if name not in ("epoch", "step", "lr") and value is not None:
                self.writer.add_scalar(f"epoch/{name}", value, row["step"])

    def close(self) -> None:
        """Write what is not written yet."""
        self.writer.close()


@dataclass(frozen=True)
class Predictions:
    """What a network says of each image, in the order of the data set: (N,) each; losses in nats."""

    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    losses: NDArray[np.float64]

    def confusion(self, classes: int) -> NDArray[np.int64]:
        """How many images of each class were taken for each: (classes, classes), a row for each true class."""
        return np.bincount(self.labels * classes + self.predicted, minlength=classes**2).reshape(classes, classes)

    def worst_mistakes(self, count: int) -> NDArray[np.int64]:
        """The places of the wrong predictions with the highest losses, the worst first."""
        wrong = np.flatnonzero(self.labels != self.predicted)
        return wrong[np.argsort(-self.losses[wrong], kind="stable")][:count]


@torch.no_grad()
def predict(model: nn.Module, loader: Loader, precision: str = "fp32") -> Predictions | None:
    """What ``model`` says of every image of a loader that does not shuffle; None but in the main process.

    All processes must call it: each has a share of every batch.
    """
    model.eval()
    network = unwrap(model)
    parts = []
    for images, labels, _ in loader:
        with autocast(loader.device, precision):
            outputs = network(images)
            losses = nn.functional.cross_entropy(outputs, labels, reduction="none")
        columns = [labels.cpu().double(), outputs.argmax(dim=1).cpu().double(), losses.cpu().double()]
        parts.append(torch.stack(columns))  # (3, n)
    shares = gather(parts)
    if not shares:
        return None
    labels, predicted, losses = torch.cat([part for batch in zip(*shares) for part in batch], dim=1).numpy()
    return Predictions(labels.astype(np.int64), predicted.astype(np.int64), losses)


def write_figures(
    folder: Path, history: Sequence[dict[str, Any]], found: Predictions, test: Dataset[Any], names: Sequence[str]
) -> None:
    """``curves.png``, ``confusion.png`` and ``mistakes.png``."""
    figures = {
        "curves.png": draw_curves(history),
        "confusion.png": draw_confusion(found.confusion(len(names)), names),
        "mistakes.png": draw_mistakes(found, test, names),
    }
    for name, figure in figures.items():
        picture = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # drawn as a box
            figure.savefig(picture, format="png", dpi=120)
        replace_file(folder / name, picture.getvalue())


def draw_curves(history: Sequence[dict[str, Any]]) -> Figure:
    """Loss and accuracy by epoch, of the training images and of those kept out, if there are any."""
    from matplotlib.figure import Figure  # imported where it is needed: it takes a second
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for axes, quantity, title in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), ("mean cross-entropy in nats", "accuracy in percent")
    ):
        axes.plot(epochs, [row[quantity] for row in history], "o-", color=BLUE, label="training, as it went")
        if history and history[0]["validation_loss"] is not None:
            values = [row[f"validation_{quantity}"] for row in history]
            axes.plot(epochs, values, "s-", color=ORANGE, label="validation, after the epoch")
        axes.set(title=title, xlabel="epoch")
        if epochs:
            axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def draw_confusion(matrix: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """How many images of each class (row) were taken for each (column), coloured by their share of the row.

    Of many classes only the colours are shown, and of very many not every name.
    """
    from matplotlib.figure import Figure

    classes = len(names)
    named = range(0, classes, -(-classes // MOST_NAMED))
    labels = [short(names[place]) for place in named]
    letters = max(map(len, labels))
    counted = classes <= MOST_COUNTED
    size = 0.55 * min(classes, MOST_COUNTED) + 0.1 * letters + 1  # inches
    figure = Figure(figsize=(max(5.0, size), max(5.0, size)), layout="constrained")
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if counted:
        for row, column in zip(*np.nonzero(matrix)):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{matrix[row, column]:,}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(named, labels, rotation=0 if letters < 3 and counted else 90, parse_math=False)
    axes.set_yticks(named, labels, parse_math=False)
    axes.set(xlabel="predicted", ylabel="label")
    figure.suptitle(f"{np.trace(matrix):,} of {matrix.sum():,} test images are right")
    return figure


def draw_mistakes(found: Predictions, test: Dataset[Any], names: Sequence[str]) -> Figure:
    """The wrong predictions that the network was surest of."""
    from matplotlib.figure import Figure

    places = found.worst_mistakes(MOST_MISTAKES)
    columns = 5
    rows = max(1, -(-len(places) // columns))
    figure = Figure(figsize=(1.75 * columns, 2.25 * rows + 0.5), layout="constrained")
    mistakes = int((found.labels != found.predicted).sum())
    if not mistakes:
        figure.text(0.5, 0.5, f"No mistakes: all {len(found.labels):,} test images are right", ha="center")
        return figure
    figure.suptitle(f"The worst {len(places)} of {mistakes:,} mistakes: label → prediction")
    for axes, place in zip(figure.subplots(rows, columns, squeeze=False).flat, [*places, *[None] * rows * columns]):
        axes.axis("off")
        axes.set(xticks=[], yticks=[])  # the layout would measure even those that are not shown
        if place is not None:
            image = as_floats(test[place][0]).permute(1, 2, 0).squeeze(2).numpy()  # (H, W) or (H, W, 3)
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            label, predicted = short(names[found.labels[place]]), short(names[found.predicted[place]])
            apart = "\n" if len(label + predicted) > MOST_LETTERS - 3 else " "
            title = f"{label}{apart}→ {predicted}\nloss {found.losses[place]:.1f}"
            axes.set_title(title, fontsize=8, parse_math=False)
    return figure


def short(name: str) -> str:
    """A class's name, its middle left out where it has more than :data:`MOST_LETTERS`."""
    half = MOST_LETTERS // 2
    return name if len(name) <= MOST_LETTERS else f"{name[:half]}…{name[1 - half :]}"
