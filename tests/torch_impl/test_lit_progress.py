"""``torch_impl.lit_progress``: a training reads alike, whichever loop it is."""

import re

import pytest
import torch

from torch_impl import lit_progress, lit_run, run
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run

OPTIONS = TrainingOptions(hidden_size=20, epochs=2, validation=0.2, batch_size=100, accumulate=2)


def told(text):
    """What was trained, the lines of steps and epochs, and the bar at last; without seconds and speed."""
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n").split("\n")
    kept = [line for line in lines if "━" not in line and re.match("Epoch|.* parameters, ", line)]
    bar = [line.split(" ━")[0] for line in lines if "━" in line][-1:]
    return [re.sub(r"[\d,]+ images/s|[\d.]+ s$", "…", line) for line in kept + bar]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_training_reads_alike_whichever_loop_it_is(terminal, tmp_path, monkeypatch, capsys):
    if terminal:
        for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
            monkeypatch.setenv(name, value)
    for module in (run, lit_progress):
        monkeypatch.setattr(module, "LOG_EVERY", 5)
    Run(OPTIONS, Place(torch.device("cpu"), tmp_path / "plain", figures=False)).run()
    plain = told(capsys.readouterr().out)
    lit_run.fit(OPTIONS, Place(torch.device("cpu"), tmp_path / "lightning", figures=False))
    assert told(capsys.readouterr().out) == plain
    assert len(plain) == 1 + 2 + (1 if terminal else 4) and "1,150 images, 2 × 12 steps" in plain[0]
    assert all(len(line) <= 80 for line in plain)
