"""``--config``: TOML, YAML, JSON and runs name options; whatever else is in a file is refused in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from torch_impl.config import read_config
from torch_impl.options import OptionError

VALUES = {"model": "resnet18", "small_images": True, "lr": 0.001, "epochs": 3}

FILES = {
    "a.toml": "model = 'resnet18'\nsmall-images = true\nlr = 1e-3\nepochs = 3",
    "a.yaml": "model: resnet18\nsmall_images: true\nlr: 1e-3\nepochs: 3",
    "a.yml": "{model: resnet18, small-images: yes, lr: 1.0e-3, epochs: 0x3}",
    "a.json": '{"model": "resnet18", "small-images": true, "lr": 1e-3, "epochs": 3}',
}


@pytest.mark.parametrize("name", FILES)
def test_the_same_in_each_language(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name])
    assert read_config(tmp_path / name) == (VALUES, True)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.toml", "epoch = 3", "there is no option 'epoch' of a training: is it epochs?"),
        ("a.toml", "colour = 3", "there is no option 'colour' of a training, see `python -m torch_impl train --help`"),
        ("a.toml", "[model]\nname = 'resnet18'", "--model must be a text, not {'name': 'resnet18'}"),
        ("a.toml", "epochs = 2.0", "--epochs must be a whole number, not 2.0"),
        ("a.toml", "epochs = [1, 2]", "--epochs must be a whole number, not [1, 2]"),
        ("a.toml", "epochs = 0", "--epochs must be at least 1, not 0"),
        ("a.toml", "lr = 'fast'", "--lr must be a number, not 'fast'"),
        ("a.toml", "lr = inf", "--lr must be a positive number, not inf"),
        ("a.toml", "augment = 1", "--augment must be true or false, not 1"),
        ("a.toml", "optimizer = 'lion'", "--optimizer must be one of adam, adamw, sgd, not lion"),
        ("a.toml", "epochs = 1\nepochs = 2", "Cannot overwrite a value"),
        ("a.toml", "batch-size = 1\nbatch_size = 2", "batch_size is there twice"),
        ("a.toml", "epochs 1", "Expected '=' after a key"),
        ("a.toml", "a = " + "[" * 1500, "it is nested too deeply"),
        ("a.toml", "\xff", "codec can't decode byte"),
        ("a.yaml", "epochs: 1\nepochs: 2", "epochs is there twice"),
        ("a.yaml", "- epochs", "it must hold names and values, not ['epochs']"),
        ("a.yaml", "", "it must hold names and values, not None"),
        ("a.yaml", "epochs: [", "while parsing"),
        ("a.yaml", "[1]: 2", "found unhashable key"),
        ("a.yaml", "1: 2", "there is no option 1 of a training"),
        ("a.yaml", "epochs:", "--epochs must be a whole number, not None"),
        ("a.yaml", "a: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("a.yaml", "[" * 600, "it is nested too deeply"),
        ("a.json", '{"epochs": 1, "epochs": 2}', "epochs is there twice"),
        ("a.json", '{"options": {"epochs": "1"}}', "--epochs must be a whole number, not '1'"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", "[" * 100_000, "it is nested too deeply"),
        ("a.toml", "#" * 2**21, "is larger than 1,048,576 bytes"),
        ("a.ini", "epochs = 1", "the name must end in .toml, .yaml, .yml, .json, .ckpt, or be that of a run's folder"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_what_is_no_file_of_options(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OptionError) as raised:
        read_config(path)
    assert sentence in str(raised.value) and str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot read .*a.toml: No such file"):
        read_config(tmp_path / "a.toml")
    with pytest.raises(OptionError, match=r"holds no run: there is neither results.json nor last.ckpt"):
        read_config(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "b.toml")
        with pytest.raises(OptionError, match="is a device or a pipe, not a file"):
            read_config(tmp_path / "b.toml")
