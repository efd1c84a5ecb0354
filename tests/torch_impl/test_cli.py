"""``python -m torch_impl``: options, exit statuses, and that evaluate prints what train printed."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

import torch_impl.bench
import torch_impl.cli as cli
import torch_impl.commands as commands
import torch_impl.run
from tests.torch_impl.data.test_datasets import write_idx
from torch_impl.checkpoint import load_checkpoint, load_latest, load_model
from torch_impl.config import Config, read_config
from torch_impl.data import load_arrays
from torch_impl.errors import Commands
from torch_impl.flags import combine
from torch_impl.names import FORMATS, RECIPES, Recipe
from torch_impl.options import TrainingOptions, flag
from torch_impl.starting import Terminated, leave

REPOSITORY = Path(__file__).parents[2]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(each) for each in arguments])


UNUSED = {"sympy", "torchvision", "lightning", "onnx"}  # by most commands; SymPy: FSDP and checkpoints of it bring it


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_train_then_evaluate_as_a_user_does(tmp_path: Path) -> None:
    """In processes of their own, the second a new interpreter, with the defaults, from a folder of the user's.

    The second imports nothing that takes long and that it has no use for.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    outputs, errors = [], []
    for options, word in ((["-W", "error"], "train"), (["-Werror", "-X", "importtime"], "evaluate")):  # a fork: no -X
        command = [sys.executable, *options, "-m", "torch_impl", word]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout.splitlines())
        errors.append(done.stderr.splitlines())
    assert errors[0] == [] and all(line.startswith("import time:") for line in errors[1])
    imported = {line.rpartition("|")[2].strip() for line in errors[1]}
    assert "torch_impl.commands" in imported and not UNUSED & imported
    (starting, header, *trained), evaluated = outputs
    assert starting == "Starting a run in run: 5 epochs of 15 steps"
    assert re.fullmatch(r"(cpu|cuda:0) \(.+\), 397,510 parameters, 1,437 images, 5 × 15 steps", header)
    for epoch, line in enumerate(trained[:5], start=1):
        assert re.fullmatch(rf"Epoch \[{epoch}/5\] loss \d\.\d{{4}}, accuracy \d\d\.\d\d %, \d+(\.\d)? s", line)
    assert re.fullmatch(r"Accuracy on the 360 test images: \d\d\.\d\d %", trained[6])
    assert (trained[5], trained[7:]) == ("Judging run/last.ckpt, epoch 5", ["Saved run/last.ckpt"])
    assert evaluated == trained[5:7]
    assert float(trained[6].split()[-2]) > 85
    assert os.listdir(tmp_path) == ["run"]


def test_every_option_reaches_the_training(tmp_path: Path) -> None:
    values = {
        "hidden_size": 20,
        "validation": 0.2,
        "augment": True,
        "epochs": 2,
        "batch_size": 300,
        "accumulate": 2,
        "optimizer": "sgd",
        "lr": 0.05,
        "weight_decay": 0.01,
        "momentum": 0.8,
        "schedule": "cosine",
        "warmup": 1,
        "label_smoothing": 0.1,
        "clip_norm": 2.0,
        "precision": "bf16",
        "channels_last": True,
        "seed": 7,
        "deterministic": True,
        "patience": 9,
        "ema": 0.9,
    }
    given: list[object] = []
    for name, value in values.items():
        option = "--" + name.replace("_", "-")
        given += [option] if value is True else [option, value]
    result = run("train", *given, "--out", tmp_path, "--device", "cpu", "--no-figures")
    torch.use_deterministic_algorithms(False)
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"validation \d+\.\d{4}, \d+\.\d+ %", result.stdout)) == 2
    _, options, content = load_model(tmp_path / "best.ckpt")
    assert options == dataclasses.replace(TrainingOptions(), **values)
    for named, file in (("", "last.ckpt"), ("best", "best.ckpt"), ("last", "last.ckpt")):
        epoch = load_checkpoint(tmp_path / file)["epoch"]
        assert run("evaluate", tmp_path / named).stdout.splitlines()[0] == f"Judging {tmp_path / file}, epoch {epoch}"
    left_out = {"model", "small_images", "data", "image_size", "compile", "weights", "sync_bn"}
    assert {field.name for field in dataclasses.fields(options)} - set(values) == left_out
    assert content["class_names"] == list("0123456789")


def test_it_is_said_how_far_a_run_had_come() -> None:
    for done, told in ((0, "run/last.ckpt, epoch 3"), (4, "run/last.ckpt, within epoch 4")):
        assert commands.named(Path("run/last.ckpt"), {"epoch": 3, "loader": {"done": done}}) == told
    assert commands.named(Path("x.ckpt"), {"image_shape": [3, 5, 5]}) == "the weights in x.ckpt, on images of 5×5"


def test_a_folder_of_images(tmp_path: Path) -> None:
    """Trained on as a stream, resumed, judged, and refused where a picture is damaged."""
    for part, count in (("train", 6), ("test", 3)):
        for name, level in (("dark", 40), ("light", 200)):
            folder = tmp_path / "images" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (20 + number, 17), (level, level, level + number)).save(folder / f"{number}.png")
    arguments = ["--data", tmp_path / "images", "--image-size", 16, "--workers", 0, "--model", "conv-block"]
    arguments += ["--batch-size", 5, "--lr", 0.01, "--out", tmp_path / "out", "--augment"]
    assert run("train", *arguments, "--epochs", 3, "--no-figures").exit_code == 0
    result = run("train", *arguments, "--epochs", 12, "--resume")
    assert result.exit_code == 0, result.output
    assert "Epoch [4/12]" in result.stdout and "Epoch [3/12]" not in result.stdout
    assert "Accuracy on the 6 test images: 100.00 %" in result.stdout
    assert load_checkpoint(tmp_path / "out" / "last.ckpt")["class_names"] == ["dark", "light"]
    judged = run("evaluate", tmp_path / "out" / "last.ckpt", "--workers", 2)
    assert "Accuracy on the 6 test images: 100.00 %" in judged.stdout, judged.output

    (tmp_path / "images" / "test" / "dark" / "1.png").write_bytes(b"no picture")
    sentence = one_sentence(run("evaluate", tmp_path / "out" / "last.ckpt"))
    assert "1 of 6 pictures in" in sentence and "test/dark/1.png (it is damaged, or of another kind)" in sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("train --epochs 0", "--epochs must be at least 1, not 0"),
        ("train --batch-size 0", "--batch-size must be at least 1, not 0"),
        ("train --lr nan", "--lr must be a positive number, not nan"),
        ("train --seed -1", "--seed must be in 0"),
        ("train --data cifar", "no data set 'cifar': choose from digits, mnist, fashion-mnist, cifar10, or name a"),
        ("train --small-images", "--small-images goes with --model resnet18 or resnet34: with neural-net it would"),
        ("train --model conv-block --hidden-size 500", "--hidden-size goes with --model neural-net or custom-linear"),
        ("train --image-size 3", "--image-size goes with --data FOLDER: with digits it would change nothing"),
        ("train --sync-bn", "--sync-bn goes with --model conv-block, resnet18 or resnet34: with neural-net it would"),
        ("train --model conv-block --sync-bn --device cpu", "--sync-bn needs GPUs: PyTorch's SyncBatchNorm does not"),
        ("train --model conv-block --sync-bn --device cpu --trainer lightning", "--sync-bn needs GPUs"),
        ("train --channels-last --strategy fsdp", "--channels-last does not go with --strategy fsdp"),
        ("train --momentum 0.9", "--momentum goes with --optimizer sgd: with adam it would change nothing"),
        ("train --workers 2", "--workers goes with --data FOLDER: with digits it would change nothing"),
        ("train --data-root .", "--data-root goes with --data mnist, fashion-mnist or cifar10: with digits it would"),
        (
            "train --warmup 75",
            "--warmup 75 is no shorter than the run, which has 75 steps: lower it, or raise --epochs",
        ),
        ("train --warmup 5 --schedule one-cycle", "--warmup does not go with --schedule one-cycle"),
        ("train --device cuda:99", "cannot compute on the device 'cuda:99'"),
        ("train --resume --overwrite", "--resume goes on with the run that --overwrite would remove: give one of them"),
        (
            "train --model resnet18 --batch-size 718",
            "batch normalisation cannot take a variance: --batch-size 717 works",
        ),
        ("train --save-every -1", "--save-every must not be negative, not -1"),
        ("train --workers -1", "--workers must be in 0 … 1024, not -1"),
        ("train --patience 2", "--patience needs images to judge by"),
        ("evaluate --data cifar", "no data set 'cifar'"),
        ("evaluate --device gpu", "cannot compute on the device 'gpu'"),
        *(
            (f"train --{name} {2**70}", f"--{name} must be ")
            for name in [
                "hidden-size",
                "image-size",
                "epochs",
                "batch-size",
                "warmup",
                "patience",
                "workers",
                "devices",
            ]
        ),
        (f"train --accumulate {2**70} --batch-size {2**70}", "--batch-size must be at most "),
        ("train --accumulate 1438 --batch-size 2000", "cannot cut a step: there are 1437 training images"),
        (f"train --seed {2**70}", "--seed must be in 0"),
        (f"evaluate --workers {2**70}", "--workers must be in 0 … 1024"),
        ("train --device privateuseone", "cannot compute on the device 'privateuseone'"),
        ("export --data nowhere", "there is no data set 'nowhere'"),
        ("bench --data digits", "--data must be mnist or fashion-mnist, not digits"),
        ("bench --epochs 0", "--epochs must be at least 1, not 0"),
        ("export --to model.bin", "--to model.bin: the name of a program ends in .pt, .pt2, .onnx"),
        ("export --to a.onnx --format pt2", "--to a.onnx: the name of a program in the format pt2 ends in .pt2"),
        ("predict run/last.ckpt a.png", "make one with `python -m torch_impl export run/last.ckpt --format onnx`"),
        ("predict . a.png", "make one with `python -m torch_impl export . --format onnx`"),
        ("recipe digits --seeds 2 --resume", "--resume goes on with one training, --seeds measures whole ones"),
        ("recipe digits --overwrite --resume", "--resume goes on with the run that --overwrite would remove"),
        ("recipe digits --seeds 0", "--seeds must be in 1 … 1000, not 0"),
        ("train --config nowhere.toml", "--config: cannot read nowhere.toml: No such file or directory"),
    ],
)
def test_wrong_usage_is_one_sentence_and_2(
    arguments: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not [name for _, _, names in os.walk(tmp_path) for name in names], "nothing is written"


@pytest.mark.parametrize(
    "arguments",
    [
        "train --epochs many",
        "train --colour",
        "train --model vgg",
        "train --strategy zero",
        "export --format pickle",
        "recipe cake",
        "fly",
        "evaluate a b",
    ],
)
def test_what_the_parser_refuses_is_2(arguments: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert result.stdout == "" and "Error: " in result.stderr


@pytest.mark.parametrize(
    ("format", "to", "chosen"),
    [
        (None, None, "pt2"),
        ("onnx", None, "onnx"),
        *((None, file, format) for format, file in FORMATS.items()),
        (None, "model.pt", "script"),
        ("trace", "model.pt", "trace"),
        ("trace", "model.script.pt", "trace"),
    ],
)
def test_the_format_follows_from_the_name_of_the_file(format: str | None, to: str | None, chosen: str) -> None:
    assert cli.format_of(format, None if to is None else Path(to)) == chosen


def one_sentence(result: Result) -> str:
    """What was said on stderr by a command that failed without having trained, or while it trained."""
    assert result.exit_code == 1, result.output
    assert result.stdout == "" or result.stdout.startswith("Starting a run in ")
    (line,) = result.stderr.splitlines()
    return line


def test_no_data_is_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.mnist.MNIST.download", download)
    arguments = ["--data", "mnist", "--data-root", tmp_path]
    for command in (["train", *arguments, "--out", tmp_path], ["bench", *arguments]):
        sentence = one_sentence(run(*command))
        assert "--data-root" in sentence and "--data digits" in sentence
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_written_is_1_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot write to the folder" in one_sentence(run("train", "--out", tmp_path / "file"))
    (tmp_path / "last.ckpt").mkdir()
    assert "it is a folder" in one_sentence(run("train", "--out", tmp_path))


@pytest.mark.parametrize("size", [10**13, 2**62])
def test_out_of_memory_is_1(size: int, tmp_path: Path) -> None:
    """A hidden layer that no machine can hold, or count."""
    result = run("train", "--hidden-size", size, "--out", tmp_path)
    assert "out of memory: compute a step in pieces with --accumulate 2" in one_sentence(result)
    assert os.listdir(tmp_path) == []


def test_a_compiler_that_fails_is_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor.exc import InvalidCxxCompiler

    def fail(*_: object) -> None:
        raise InvalidCxxCompiler

    monkeypatch.setattr(torch_impl.run.Run, "train_epoch", fail)
    sentence = one_sentence(run("train", "--out", tmp_path))
    assert "torch.compile fails here, leave out --compile: " in sentence


def test_other_errors_are_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(torch_impl.run.Run, "train_epoch", fail)
    result = run("train", "--out", tmp_path)
    assert isinstance(result.exception, RuntimeError) and str(result.exception) == "something else"


def test_checkpoints_that_are_no_use_are_1(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    assert "there is no checkpoint" in one_sentence(run("evaluate", path))
    path.write_text("hello")
    assert "no checkpoint" in one_sentence(run("evaluate", path))
    arguments = ["train", "--hidden-size", 20, "--no-figures", "--out", tmp_path]
    assert "no checkpoint" in one_sentence(run(*arguments, "--resume"))
    assert "there is a run in" in one_sentence(run(*arguments))
    assert run(*arguments, "--overwrite").exit_code == 0
    assert "with --hidden-size 20, not 21" in one_sentence(run(*arguments, "--resume", "--hidden-size", 21))
    content = torch.load(path, weights_only=True)
    content["options"]["data"] = "gone"
    torch.save(content, path)
    assert "name them with --data" in one_sentence(run("evaluate", path))
    content["image_shape"] = [1, 4, 196]
    torch.save(content, path)
    assert "does not take images of (1, 28, 28)" in one_sentence(run("evaluate", path, "--data", "digits"))


def test_a_damaged_checkpoint_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    arguments = ["train", "--hidden-size", 20, "--no-figures", "--out", tmp_path]
    first = run(*arguments)
    whole = load_checkpoint(tmp_path / "last.ckpt")
    content = (tmp_path / "last.ckpt").read_bytes()
    (tmp_path / "last.ckpt").write_bytes(content[:-1000])
    second = run(*arguments, "--resume")
    assert second.exit_code == 0, second.output
    (line,) = second.stderr.splitlines()
    assert "last.ckpt is damaged" in line and "going on from" in line and "previous.ckpt" in line
    assert first.stdout.splitlines()[-2:] == second.stdout.splitlines()[-2:]
    resumed = load_checkpoint(tmp_path / "last.ckpt")
    assert all(torch.equal(weight, resumed["model"][name]) for name, weight in whole["model"].items())


def test_images_that_were_moved_are_named_with_data(tmp_path: Path) -> None:
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / "images" / place).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / place / "0.png")
    arguments = ["--data", tmp_path / "images", "--image-size", 8, "--workers", 0, "--epochs", 1, "--no-figures"]
    assert run("train", *arguments, "--out", tmp_path).exit_code == 0
    (tmp_path / "images").rename(tmp_path / "moved")
    for command, *given in (["evaluate"], ["export", "--format", "trace"]):  # of the formats the one that is soon done
        assert "name them with --data" in one_sentence(run(command, tmp_path / "last.ckpt", *given))
        result = run(command, tmp_path / "last.ckpt", *given, "--data", tmp_path / "moved")
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed. "),
        RuntimeError("[gloo/transport/tcp/pair.cc:545] Connection reset by peer"),
        OSError(28, "No space left on device"),
        BrokenPipeError(32, "Broken pipe"),
    ],
    ids=str,
)
def test_lost_processes_disks_and_readers_are_1(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(torch_impl.run.Run, "train_epoch", fail)
    sentence = one_sentence(run("train", "--out", tmp_path))
    assert any(word in sentence for word in ("has ended", "No space left", "nobody reads"))


@pytest.mark.skipif(os.name != "posix", reason="a shell's pipes and devices")
@pytest.mark.parametrize(
    ("command", "status", "out", "errors"),
    [
        ("train --config no.toml > /dev/full", 2, "", "torch_impl: --config: cannot read no.toml: No such file"),
        ("--help > /dev/full", 1, "", "torch_impl: cannot use .* No space left on device"),
        ("train --seed -1 | cat", 2, "", r"torch_impl: --seed must be in 0 \S 4294967295, not -1"),
    ],
)
def test_streams_that_are_full_closed_or_of_few_letters(command: str, status: int, out: str, errors: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "ascii"}
    script = f"{sys.executable} -m torch_impl {command}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == status and done.stdout == out, done.stderr
    assert re.match(errors, done.stderr) and done.stderr.count("\n") <= 1, done.stderr


INTERRUPTED = """
import os, runpy, signal, sys, time

class Interrupt:
    def find_spec(self, name, *_):
        if name in ("torch._C", "torch.nn", "torch_impl.commands"):
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
                print("interrupted in", name)
            except KeyboardInterrupt:
                pass

sys.meta_path.insert(0, Interrupt())
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("torch_impl", ["evaluate"]),
        ("torch_impl", ["evaluate", "nowhere"]),
        ("comparisons", ["--list"]),
        ("comparisons", ["judge", "--help"]),
    ],
)
def test_ctrl_c_while_modules_are_imported_is_130(
    program: str, arguments: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Sent in the midst of it, by a module that is imported by the way and would pass over an exception.

    A process that Lightning has begun does not heed it: Lightning would end the first one for it, before it had spoken.
    """
    begun = "nowhere" in arguments
    if begun:
        request.getfixturevalue("forked")  # it goes on to the end, and would import PyTorch as well
    command = [sys.executable, "-c", INTERRUPTED, program, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **({"LOCAL_RANK": "1"} if begun else {})}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    if begun:
        assert done.returncode == 1 and "there is no checkpoint nowhere" in done.stderr
        assert "interrupted in torch_impl.commands" in done.stdout
    else:
        assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{program}: interrupted\n")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("train", "torch_impl.commands.train"),
        ("recipe digits", "torch_impl.commands.follow"),
        ("evaluate", "torch_impl.commands.load_network"),
        ("export", "torch_impl.commands.load_network"),
        ("predict x.onnx x.png", "torch_impl.commands.load_program"),
        ("bench", "torch_impl.bench.compare_loops"),
    ],
)
@pytest.mark.parametrize(("kind", "status"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_every_command_says_that_it_was_interrupted(
    kind: type[KeyboardInterrupt], status: int, command: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise kind

    monkeypatch.setattr(place, interrupt)
    result = run(*command.split())
    assert (result.exit_code, result.stdout, result.stderr) == (status, "", "torch_impl: interrupted\n")


def test_an_interruption_while_the_command_line_is_read_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that reads it has a status and no sentence of its own."""
    found: list[object] = []
    monkeypatch.setattr(Commands, "parse_args", lambda *_: found.append(signal.getsignal(signal.SIGINT)) or [])
    run("train")
    assert found == [leave] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize(
    ("sent", "status", "trainer"),
    [
        (signal.SIGINT, 130, "plain"),
        (signal.SIGTERM, 143, "plain"),
        (signal.SIGTERM, 143, "lightning"),
    ],
)
@pytest.mark.usefixtures("forked")
def test_an_interruption_says_how_to_go_on_and_leaves_whole_files(
    sent: int, status: int, trainer: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-u", "-m", "torch_impl", "train", "--epochs", "100000", "--trainer", trainer]
    command += ["--device", "cpu", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == f"Starting a run in {tmp_path}: 100000 epochs of 15 steps\n"
        process.stdout.readline()
        for epoch in (1, 2, 3):
            assert f"Epoch [{epoch}/100000]" in process.stdout.readline()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"best.ckpt", "last.ckpt", "previous.ckpt", "metrics.csv"}, left
    latest, _ = load_latest(tmp_path)
    assert latest is not None and latest["epoch"] >= 2
    where = f"at epoch {latest['epoch'] + 1}, step 1 of 15"
    assert errors.splitlines() == [f"torch_impl: interrupted: --resume goes on with the run in {tmp_path} {where}"]


def test_a_line_every_hundred_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one at the end of an epoch."""
    monkeypatch.setattr(torch_impl.run, "LOG_EVERY", 2)
    result = run("train", "--epochs", 2, "--batch-size", 300, "--no-figures", "--out", tmp_path)
    lines = [re.findall(r"^Epoch \[(\d+)/2\](?:, Step \[(\d+)/5\])?", line) for line in result.stdout.splitlines()]
    assert [line[0] for line in lines if line] == [(epoch, step) for epoch in "12" for step in ("2", "4", "")]


@pytest.mark.parametrize("program", ["torch_impl", "comparisons"])
@pytest.mark.parametrize("arguments", [["--help"], ["train", "-h"]])
def test_help_and_wrong_usage_do_without_pytorch(program: str, arguments: list[str]) -> None:
    """It takes seconds to import. Wrong usage is found out without it as far as options go."""
    code = """if True:
        import sys
        sys.modules["torch"] = None
        from torch_impl.starting import start
        program, *words = sys.argv[1:]
        for sys.argv[1:] in (words, [*words[:-1], "--seed", "x"]):
            try:
                start(program)
            except SystemExit as end:
                print(f"status {end.code}")
    """
    done = subprocess.run(
        [sys.executable, "-c", code, program, *arguments], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0 and re.findall(r"status (\d+)", done.stdout) == ["0", "2"], done.stderr
    assert done.stdout.count("Usage: ") == done.stderr.count("Usage: ") == 1


@pytest.mark.long  # a new interpreter that evaluates, above, is looked at alike
def test_what_a_command_imports() -> None:
    """Not what PyTorch takes long to import: SymPy is what FSDP and distributed checkpoints bring along."""
    code = f"import sys, torch_impl.commands; print({UNUSED} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_help_names_every_option_in_its_group() -> None:
    result = run("train", "-h")
    assert result.exit_code == 0
    for field in dataclasses.fields(TrainingOptions):
        group = result.stdout.split(f"\n{field.metadata['group']}:\n")[1].split("\n\n")[0]
        assert re.search(rf"^  {flag(field.name)}\b", group, re.MULTILINE), field.name
    for words in ("Gradient clipping norm", "Learning rate schedule", "Label smoothing", "Mixed precision"):
        assert words in result.stdout


CONFIG = """
hidden-size = 20
epochs = 1
lr = 0.01
augment = true
"""


def test_flags_go_before_the_config_and_that_before_the_defaults_and_a_run_is_a_config(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(CONFIG)
    given = ["--lr", 0.02, "--no-augment", "--no-figures"]
    first = run("train", "--config", tmp_path / "one.toml", *given, "--out", tmp_path / "one")
    assert first.exit_code == 0, first.output
    options = dataclasses.replace(TrainingOptions(), hidden_size=20, epochs=1, lr=0.02)
    assert load_model(tmp_path / "one" / "last.ckpt")[1] == options
    (tmp_path / "saved.json").write_text(json.dumps({"options": options.as_dict(), "accuracy": 9}))
    for number, config in enumerate([tmp_path / "one", tmp_path / "one" / "best.ckpt", tmp_path / "saved.json"]):
        out = tmp_path / str(number)
        result = run("train", "--config", config, "--seed", 1, "--no-figures", "--out", out)
        assert result.exit_code == 0, result.output
        assert load_model(out / "last.ckpt")[1] == dataclasses.replace(options, seed=1)


def test_options_of_a_config_that_change_nothing_are_refused_but_not_those_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(CONFIG)
    options = TrainingOptions(hidden_size=20).as_dict()
    (tmp_path / "results.json").write_text(json.dumps({"options": options}))
    given = ["--model", "conv-block", "--warmup", 10**6, "--out", tmp_path / "out"]
    refused = run("train", "--config", tmp_path / "one.toml", *given)
    assert refused.exit_code == 2 and "--hidden-size goes with --model neural-net" in refused.stderr
    taken = run("train", "--config", tmp_path, *given)
    assert taken.exit_code == 2 and "--warmup 1000000 is no shorter" in taken.stderr


def test_a_recipe_is_a_config_and_its_trainings_are_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {path.stem for path in RECIPES.glob("*.toml")} == set(get_args(Recipe))
    for path in RECIPES.glob("*.toml"):
        values, chosen = read_config(path)
        combine({}, Config(values, chosen))
        assert run("recipe", path.stem, "--show").stdout == path.read_text()
    (tmp_path / "digits.toml").write_text(CONFIG)
    monkeypatch.setattr(cli, "RECIPES", tmp_path)
    result = run("recipe", "digits", "--seeds", 2, "--device", "cpu", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    first, second = re.findall(r"test images: ([\d.]+) %", result.stdout)
    row = result.stdout.splitlines()[-1]
    assert row.startswith("| `digits` | ") and f"({first}, {second})" in row and re.search(r"\d+ MB", row)
    mean, spread = map(float, re.findall(r"([\d.]+) ± ([\d.]+) %", row)[0])
    assert mean == pytest.approx((float(first) + float(second)) / 2, abs=0.011)
    assert spread == pytest.approx(abs(float(first) - float(second)) / 2**0.5, abs=0.011)
    assert [load_model(tmp_path / f"seed-{seed}" / "last.ckpt")[1].seed for seed in range(2)] == [0, 1]


QUICKER = ["--hidden-size", 160, "--epochs", 3, "--batch-size", 300, "--lr", 0.015, "--schedule", "one-cycle"]


@pytest.mark.slow
@pytest.mark.skipif("MINIGRAD_DATA" not in os.environ, reason="MINIGRAD_DATA names no folder that holds MNIST")
@pytest.mark.parametrize("given", [QUICKER, pytest.param([], marks=pytest.mark.long)], ids=["quicker", "by default"])
def test_mnist_reaches_97_and_a_half_percent(given: list[object], tmp_path: Path) -> None:
    result = run("train", "--data", "mnist", *given, "--no-figures", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    accuracy = float(result.stdout.split("test images: ")[1].split(" %")[0])
    assert accuracy >= 97.5


@pytest.fixture
def digits_as_mnist(tmp_path: Path) -> Path:
    """A folder with the digits in MNIST's files: twice for training, and once, the same ones, for the test."""
    arrays = load_arrays("digits")
    for name, times in (("train", 2), ("t10k", 1)):
        images = (255 * arrays.train_images[:, 0]).repeat(times, axis=0)
        write_idx(tmp_path / f"MNIST/raw/{name}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"MNIST/raw/{name}-labels-idx1-ubyte", arrays.train_labels.repeat(times))
    return tmp_path


def test_bench_measures_both_loops(digits_as_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of ours: each time that is measured is two seconds longer than the one before, 1, 3, 5 and so on.

    How fast it is, is measured where nothing else is to be done.
    """
    ticks = itertools.accumulate(itertools.count())
    monkeypatch.setattr(torch_impl.bench, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    monkeypatch.setattr(torch_impl.bench, "PRODUCTS", 20)
    result = run("bench", "--epochs", 2, "--data-root", digits_as_mnist)
    assert result.exit_code == 0, result.output
    tutorial, ours = 1 + 5 + 9, 3 + 7 + 11  # each: the files, and two epochs
    images = 2 * 2 * 1437
    assert f"  tutorial:  15.00 s, {images / tutorial:8,.0f} images/s" in result.stdout
    assert f"torch_impl:  21.00 s, {images / ours:8,.0f} images/s" in result.stdout
    accuracies = re.findall(r"accuracy ([\d.]+) %", result.stdout)
    assert all(float(accuracy) > 94 for accuracy in accuracies) and len(accuracies) == 2
    assert f"takes {ours / tutorial:.2f} of the tutorial's time" in result.stdout
    products = images / 100 * (13 + 51) / 2  # the median of 13, 15, … 51 for each step of a hundred images
    assert f"matrix products alone take {products:.2f} s, {products / ours:.0%} of torch_impl's time" in result.stdout
