"""``torch_impl.reporting`` and ``progress``: what a run leaves to look at says what happened."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from torch import nn
from torch.utils.data import TensorDataset

from torch_impl.data import Batches
from torch_impl.options import TrainingOptions
from torch_impl.reporting import (
    COLUMNS,
    Predictions,
    draw_confusion,
    draw_curves,
    draw_mistakes,
    predict,
    write_figures,
)
from torch_impl.run import Place, Run
from torch_impl.training import evaluate

CPU = torch.device("cpu")


def history(epochs: int, validation: bool) -> list[dict[str, Any]]:
    judged = {"validation_loss": 0.5, "validation_accuracy": 80.0} if validation else dict.fromkeys(COLUMNS[6:])
    return [
        {
            "epoch": epoch,
            "step": 3 * epoch,
            "lr": 0.1,
            "loss": 1 / epoch,
            "smoothed_loss": None,
            "accuracy": 50.0 + epoch,
            **judged,
        }
        for epoch in range(1, epochs + 1)
    ]


def test_a_run_leaves_figures_metrics_and_a_log(tmp_path: Path) -> None:
    options = TrainingOptions(hidden_size=20, epochs=2, validation=0.1)
    run = Run(options, Place(CPU, tmp_path, tensorboard=True))
    tested = run.run()
    names = ["best.ckpt", "confusion.png", "curves.png", "last.ckpt", "metrics.csv", "mistakes.png", "model.ckpt"]
    assert sorted(os.listdir(tmp_path)) == [*names, "previous.ckpt", "results.json", "tensorboard"]
    for name in ("confusion.png", "curves.png", "mistakes.png"):
        picture = imread(tmp_path / name)
        assert min(picture.shape[:2]) >= 400 and picture.std() > 0.05, f"{name} is empty"
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["13", "26"] and tuple(rows[0]) == COLUMNS
    assert float(rows[1]["validation_loss"]) == evaluate(run.model, run.validation).loss  # type: ignore[arg-type]
    told = json.loads((tmp_path / "results.json").read_text())
    assert told["test"] == {"loss": tested.loss, "accuracy": tested.accuracy, "top5_accuracy": None}
    assert TrainingOptions(**told["options"]) == options and told["epochs"] == 2 and told["trainer"] == "plain"
    assert told["parameters"] == sum(each.numel() for each in run.model.parameters())
    assert told["images"] == 2 * 1293 and told["images_per_second"] == pytest.approx(2586 / told["seconds"], rel=0.05)
    assert told["versions"]["torch"] == torch.__version__.partition("+")[0] and told["peak_memory"] > 1e8
    found = predict(run.model, run.test)
    assert found is not None
    assert 100 * np.trace(found.confusion(10)) / 360 == pytest.approx(tested.accuracy)


def test_tensorboard_has_every_number_once_after_a_resumption(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    """The third epoch of the first start is lost with its checkpoint, and written again by the second."""
    for epochs in (3, 4):
        options = TrainingOptions(hidden_size=20, epochs=epochs, validation=0.1)
        Run(options, Place(CPU, tmp_path, resume=epochs == 4, tensorboard=True, figures=False)).run()
        os.replace(tmp_path / "previous.ckpt", tmp_path / "last.ckpt")
    log = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in log.Scalars("training/loss")] == [13, 26, 39, 52]
    assert [event.step for event in log.Scalars("epoch/validation_accuracy")] == [13, 26, 39, 52]


def test_predict_is_in_order_and_counts_as_evaluate_does() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    images, labels = torch.rand(10, 1, 2, 2), torch.arange(10) % 3
    dataset = TensorDataset(images, labels)
    found = predict(model, Batches(dataset, 4, CPU))
    assert found is not None
    scores = model(images).detach()
    assert found.labels.tolist() == labels.tolist()
    assert found.predicted.tolist() == scores.argmax(1).tolist()
    expected = nn.functional.cross_entropy(scores, labels, reduction="none")
    np.testing.assert_allclose(found.losses, expected.numpy(), rtol=1e-6)


def test_confusion_and_worst_mistakes() -> None:
    found = Predictions(np.array([0, 1, 2, 2, 1]), np.array([0, 2, 2, 0, 2]), np.array([9.0, 1.0, 9.0, 3.0, 2.0]))
    assert found.confusion(3).tolist() == [[1, 0, 0], [0, 0, 2], [1, 0, 1]]
    assert found.worst_mistakes(2).tolist() == [3, 4]
    assert found.worst_mistakes(9).tolist() == [3, 4, 1]


@pytest.mark.parametrize("validation", [False, True])
def test_curves_are_drawn_from_the_history(validation: bool) -> None:
    left, right = draw_curves(history(4, validation)).axes
    assert len(left.lines) == len(right.lines) == 1 + validation
    assert list(left.lines[0].get_ydata()) == [1 / epoch for epoch in (1, 2, 3, 4)]
    assert list(right.lines[0].get_ydata()) == [51, 52, 53, 54]


def test_the_confusion_matrix_says_how_many() -> None:
    (axes,) = draw_confusion(np.array([[3, 1], [0, 2]]), ["cat", "dog"]).axes
    assert [text.get_text() for text in axes.texts] == ["3", "1", "2"]
    assert axes.figure.get_suptitle() == "5 of 6 test images are right"


@pytest.mark.parametrize("channels", [1, 3])
def test_the_sheet_shows_the_worst_first(channels: int) -> None:
    images = torch.rand(4, channels, 5, 5)
    found = Predictions(np.array([0, 1, 1, 0]), np.array([1, 1, 0, 1]), np.array([1.0, 9.0, 3.0, 2.0]))
    figure = draw_mistakes(found, TensorDataset(images, torch.zeros(4)), ["cat", "dog"])
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["dog → cat\nloss 3.0", "cat → dog\nloss 2.0", "cat → dog\nloss 1.0"]
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, images[2].permute(1, 2, 0).squeeze(2).numpy())


def test_no_mistakes() -> None:
    found = Predictions(np.zeros(3, np.int64), np.zeros(3, np.int64), np.zeros(3))
    figure = draw_mistakes(found, TensorDataset(torch.rand(3, 1, 2, 2), torch.zeros(3)), ["cat"])
    assert not figure.axes
    assert [text.get_text() for text in figure.texts] == ["No mistakes: all 3 test images are right"]


@pytest.mark.parametrize("epochs", [1, 2, 3, 30])
def test_epochs_are_counted_in_whole_numbers(epochs: int) -> None:
    for axes in draw_curves(history(epochs, True)).axes:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert ticks and all(tick == round(tick) for tick in ticks) and (epochs > 3 or len(ticks) == epochs)


LONG = [
    "golden retriever, a dog",
    "black-and-white photograph of a cat",
    "x",
    r"$\5 & 10$",
    "a_long_name_" * 9,
    "T-shirt",
]


def extents(figure: Figure, texts: list[Text]) -> list[Bbox]:
    """Where texts stand in the picture."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    return [text.get_window_extent(canvas.get_renderer()) for text in texts if text.get_text()]


def test_long_names_do_not_overlap_and_stay_in_the_picture() -> None:
    labels, predicted = np.divmod(np.arange(25) + 1, 6)
    found = Predictions(labels, np.where(labels == predicted, (labels + 1) % 6, predicted), np.ones(25))
    sheet = draw_mistakes(found, TensorDataset(torch.rand(25, 3, 4, 4), torch.zeros(25)), LONG)
    matrix = draw_confusion(np.full((6, 6), 1234), LONG)
    (axes,) = matrix.axes
    for figure, texts in (
        (sheet, [axes.title for axes in sheet.axes]),
        (matrix, [*axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts, matrix._suptitle]),
    ):
        boxes = extents(figure, texts)
        assert len(boxes) == len(texts)
        for place, box in enumerate(boxes):
            assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1
            assert box.count_overlaps(boxes[:place]) == 0
    shown = [text.get_text() for text in axes.get_yticklabels()]
    assert shown[3:] == [r"$\5 & 10$", "a_long_name…long_name_", "T-shirt"]


@pytest.mark.parametrize(("classes", "named"), [(30, 30), (1000, 100)])
def test_a_confusion_matrix_of_many_classes_is_no_larger(classes: int, named: int) -> None:
    figure = draw_confusion(np.eye(classes, dtype=np.int64), [f"class number {number}" for number in range(classes)])
    (axes,) = figure.axes
    assert len(axes.get_xticks()) == len(axes.get_yticks()) == named and max(figure.get_size_inches()) < 20
    labels = axes.get_yticklabels()
    axes.images[0].remove()  # a million numbers take longer to draw than all else, and the names alone are looked at
    boxes = extents(figure, labels)
    assert not any(box.count_overlaps(boxes[:place]) for place, box in enumerate(boxes))
    assert labels[1].get_text() == f"class number {classes // named}"


def test_a_name_in_letters_that_the_font_has_not_is_no_reason_to_warn(tmp_path: Path) -> None:
    found = Predictions(np.array([0, 1]), np.array([1, 1]), np.array([1.0, 2.0]))
    test = TensorDataset(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1]))
    write_figures(tmp_path, history(1, True), found, test, ["猫", "犬"])
    assert sorted(os.listdir(tmp_path)) == ["confusion.png", "curves.png", "mistakes.png"]
