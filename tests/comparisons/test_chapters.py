"""The chapters agree, and they notice: a planted fault makes each fail. And their command line."""

import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import minigrad
import torch_impl.export
import torch_impl.run
from comparisons import CHAPTERS, Mismatch, Report, compare_graphs, compare_values, curves, networks
from comparisons.chapters import dynamic_graph, lightning, mlp, residual_block, script
from comparisons.cli import app
from comparisons.curves import train_in_step
from comparisons.engines import models_of
from comparisons.kinks import rounding_crossed
from comparisons.networks import Network, Side
from comparisons.settings import Settings
from comparisons.tolerances import TOLERANCES, Tolerance
from minigrad.jit import running
from tests.thorough import THOROUGH
from torch_impl import lit_run
from torch_impl.lit import LitModel
from torch_impl.networks import MODELS
from torch_impl.training import evaluate

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("unmeasured")


def small(options, channels, pixels, classes):
    """A small network that computes otherwise in training mode, in the place of a large one."""
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(pixels), nn.Linear(pixels, classes))


def half_as_deep(models, shortcut):
    """A residual network of four stages: most weights of a deep one are in further blocks of the last two."""
    return models.ResNet(partial(models.ResidualBlock, shortcut=shortcut), [3, 4, 1, 1], num_classes=10)


CASES = [(chapter, dtype) for chapter in CHAPTERS for dtype in ("float64", "float32")[chapter == "lightning" :]]
# Where these compute in float32 they run what they run in float64, which is held closer; what is a kink's in float32
# the smaller networks have as well.
LONG = {(chapter, "float32") for chapter in ("residual-block", "resnet18", "script")}


@pytest.mark.parametrize(
    ("chapter", "dtype"), [pytest.param(*case, marks=[pytest.mark.long] if case in LONG else []) for case in CASES]
)
def test_chapter_agrees(chapter, dtype, monkeypatch):
    monkeypatch.setitem(MODELS, "conv-block", small)  # which Lightning's chapter trains
    monkeypatch.setattr(networks, "STEPS", 2)  # the second one has momentum, and gradients that were there before
    if not THOROUGH:
        monkeypatch.setattr(residual_block, "with_shortcuts", partial(half_as_deep, shortcut=True))
        monkeypatch.setattr(residual_block, "without_shortcuts", partial(half_as_deep, shortcut=False))
    monkeypatch.setattr(script, "FORMATS", {name: file for name, file in script.FORMATS.items() if name != "onnx"})
    report = CHAPTERS[chapter](Settings(dtype=dtype, steps=10))
    report.check()
    assert report.agrees


@pytest.mark.parametrize(
    "name", ["conv-block", *[pytest.param(each, marks=pytest.mark.long) for each in ("neural-net", "residual network")]]
)
def test_a_program_in_onnx_agrees(name, monkeypatch):
    """It is in float32 whatever the chapter's type."""
    monkeypatch.setattr(script, "NETWORKS", {name: script.NETWORKS[name]})
    monkeypatch.setattr(script, "FORMATS", {"onnx": script.FORMATS["onnx"]})
    monkeypatch.setattr(script, "BOTH", {})
    report = script.run(Settings())
    report.check()
    assert next(row for row in report.rows if row.subject == "onnx: scores").values > 0


def test_both_engines_train_on_the_same_data_in_the_same_order():
    seen = []
    report = CHAPTERS["mlp"](Settings(steps=17, progress=lambda done, total: seen.append((done, total))))
    assert seen[-1] == (17, 17)  # more than one epoch of 15 batches
    assert next(row for row in report.rows if row.subject == "batch order").tolerance == "exact"


def faulty(**replaced):
    """minigrad with some names replaced: an engine under test that is wrong."""
    engine = types.ModuleType("faulty")
    engine.__dict__.update({name: getattr(minigrad, name) for name in minigrad.__all__})
    engine.__dict__.update(replaced)
    return engine


def test_another_random_order_is_noticed():
    report = CHAPTERS["mlp"](Settings(engine=faulty(manual_seed=lambda seed: minigrad.manual_seed(seed + 1)), steps=1))
    assert not report.agrees
    with pytest.raises(Mismatch, match="initial value, fc1.weight: .* values differ"):
        report.check()


def test_a_wrong_rule_is_noticed(monkeypatch):
    from minigrad.ops.transcendental import Sin

    monkeypatch.setattr(Sin, "backward", lambda ctx, grad_z: grad_z * ctx.saved_tensors[0])
    with pytest.raises(Mismatch, match="dy/dx"):
        CHAPTERS["dynamic-graph"](Settings()).check()


def test_a_wrong_step_is_noticed(monkeypatch):
    monkeypatch.setattr("minigrad.optim.adam.adam_step", lambda *arrays, **options: None)
    with pytest.raises(Mismatch, match="at step 2|weight at step 1, fc1.weight"):
        CHAPTERS["mlp"](Settings(steps=3)).check()


def in_training_mode(function):
    """``function`` with networks that cannot be put into evaluation mode."""

    def changed(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.Module, "eval", lambda module: module)
            return function(*arguments)

    return changed


def by_epoch(lit):
    """Lightning's ``configure_optimizers`` with a schedule that moves on once an epoch."""
    found = configure_optimizers(lit)
    return {**found, "lr_scheduler": {**found["lr_scheduler"], "interval": "epoch"}}


def stopping(*arguments):
    raise ValueError("no test today")


training_step, configure_optimizers, lit_fit = LitModel.training_step, LitModel.configure_optimizers, lit_run.fit
LIGHTNING_FAULTS = {
    "another loss": ((LitModel, "training_step", lambda *a: training_step(*a) * (1 + 1e-7)), "weight, 1.weight: "),
    "validation in training mode": ((LitModel, "on_validation_model_eval", lambda lit: None), "weight, 1.running_mean"),
    "a test in training mode": ((LitModel, "on_test_model_eval", lambda lit: None), "Lightning's test accuracy: "),
    "half of the accuracy": ((lit_run, "fit", lambda *a: (0, lit_fit(*a)[1] / 2)), "Lightning's test accuracy: "),
    "evaluate without eval()": ((torch_impl.run, "evaluate", in_training_mode(evaluate)), "weight, 1.running_mean"),
    "a schedule by epoch": ((LitModel, "configure_optimizers", by_epoch), "the rate of each step: .* index"),
    "an exception": ((LitModel, "test_step", stopping), "stopped: ValueError: no test today, in stopping"),
}


@pytest.mark.filterwarnings("ignore:A `OneCycleLR` scheduler is using:RuntimeWarning")  # as is planted
@pytest.mark.parametrize("fault", LIGHTNING_FAULTS)
def test_a_fault_of_either_loop_is_noticed(fault, monkeypatch):
    monkeypatch.setitem(MODELS, "conv-block", small)
    monkeypatch.setattr(lightning, "RUNS", {"run": lightning.RUNS["batch norm, digits"]})
    monkeypatch.setattr(lightning, "compare_engines", lambda report, settings: None)
    change, message = LIGHTNING_FAULTS[fault]
    monkeypatch.setattr(*change)
    report = lightning.run(Settings())
    assert re.search(message, report.findings[0].message)


def unweighted(batch):
    """What the size of a batch is not."""
    return 1


TRAINER_FAULTS = {
    "means without weights": ("results.size_of", unweighted, "metric, train_loss: "),
    "no clipping": ("module.nn.utils.clip_grad_norm_", lambda *arguments: None, "weight, model.fc1.weight: "),
    "a hook too few": (
        "fit_loop.FitLoop.validates",
        lambda loop: False,
        "the order of hooks: number .*, theirs on_validation_start",
    ),
    "gradients that stay": (
        "module.LightningModule.optimizer_zero_grad",
        lambda *arguments: None,
        "loss of each batch: ",
    ),
    "an exception": ("fit_loop.FitLoop.run", stopping, "stopped: ValueError: no test today, in stopping"),
}


@pytest.mark.parametrize("fault", TRAINER_FAULTS)
def test_a_fault_of_minigrads_trainer_is_noticed(fault, monkeypatch):
    place, replacement, message = TRAINER_FAULTS[fault]
    monkeypatch.setattr(lightning, "RUNS", {})
    monkeypatch.setattr(f"minigrad.lightning.{place}", replacement)
    assert any(re.search(message, finding.message) for finding in lightning.run(Settings()).findings)


def test_a_program_that_computes_something_else_is_noticed(monkeypatch):
    compute = running.compute
    monkeypatch.setattr(running, "compute", lambda name, inputs: compute({"relu": "abs"}.get(name, name), inputs))
    monkeypatch.setattr(script, "BOTH", {"neural-net": script.BOTH["neural-net"]})
    monkeypatch.setattr(script, "FORMATS", {})
    report = script.run(Settings())
    assert "scores of neural-net, script, evaluation" in report.findings[0].message


@pytest.mark.parametrize(
    ("format", "message"),
    [
        *((each, "scores of conv-block") for each in ("script", "trace", "pt2")),
        ("onnx", "ProgramError: .* differ from"),
    ],
)
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_program_in_training_mode_is_noticed(format, message, monkeypatch):
    monkeypatch.setattr(script, "NETWORKS", {name: script.NETWORKS[name] for name in ("conv-block", "neural-net")})
    monkeypatch.setattr(script, "FORMATS", {format: script.FORMATS[format]})
    monkeypatch.setattr(script, "BOTH", {})
    monkeypatch.setattr(script, "export_program", in_training_mode(script.export_program))
    report = script.run(Settings())
    assert re.search(message, report.findings[0].message)
    assert next(row for row in report.rows if row.subject == f"{format}: scores").values > 0  # of the other network


def test_a_program_of_other_weights_is_noticed(monkeypatch):
    def another(model, *arguments):
        model = copy.deepcopy(model)
        with torch.no_grad():
            next(model.parameters()).mul_(1 + 1e-15)
        return export_bytes(model, *arguments)

    export_bytes = torch_impl.export.export_bytes
    monkeypatch.setattr("torch_impl.export.export_bytes", another)
    monkeypatch.setattr(script, "NETWORKS", {"neural-net": script.NETWORKS["neural-net"]})
    monkeypatch.setattr(script, "FORMATS", {"pt2": "model.pt2"})
    monkeypatch.setattr(script, "BOTH", {})
    with pytest.raises(Mismatch, match="scores of neural-net, pt2, 3 images"):
        script.run(Settings()).check()


def test_a_kink_is_decided_by_what_enters_pytorchs_relu():
    near, far = np.float32([[1e-7, 1.0, -1.0]]), np.float32([[1e-3, 1.0, -1.0]])
    assert rounding_crossed(-near, near) is False  # at 1.0 the two part far from 0
    assert rounding_crossed(near * [-1, 1, 1], near)
    assert not rounding_crossed(near, near * 2)  # the same values pass
    assert not rounding_crossed(far * [-1, 1, 1], far)  # no rounding moves a value so far: the engine is wrong


def test_after_a_kink_the_rows_say_so_and_still_notice(monkeypatch):
    calls = []
    monkeypatch.setattr(mlp, "rounding_crossed", lambda mine, yours: calls.append(mine) or len(calls) == 3)
    report = mlp.run(Settings(dtype="float32", steps=4))
    report.check()
    tolerances = {row.subject: row.tolerance for row in report.rows}
    assert tolerances["gradients"] == "training float32" and report.rows[-3].tolerance == "training after a kink"
    assert tolerances["gradients, kink at step 3"] == tolerances["loss, kink at step 3"] == "training after a kink"

    calls.clear()
    monkeypatch.setattr("minigrad.optim.adam.adam_step", lambda *arrays, **options: None)
    monkeypatch.setattr(mlp, "rounding_crossed", lambda mine, yours: True)
    with pytest.raises(Mismatch, match="weight at step 1"):
        mlp.run(Settings(dtype="float32", steps=1)).check()


@pytest.mark.parametrize(
    ("measure", "far", "near"),
    [
        ("element", [1e4, 1.002], [1e4, 1.0005]),
        ("largest", [1e4, 12.0], [1e4, 10.0]),
        ("norm", [1e4, 12.0], [9999.5, 1]),
    ],
)
def test_measures_of_distance(measure, far, near, monkeypatch):
    monkeypatch.setitem(TOLERANCES, measure, Tolerance(1e-3, 0.0, "a test's", measure))
    theirs = torch.tensor([1e4, 1.0], dtype=torch.float64)
    assert not compare_values("far", minigrad.tensor(far, dtype=minigrad.float64), theirs, measure).agrees
    assert compare_values("near", minigrad.tensor(near, dtype=minigrad.float64), theirs, measure).agrees


def test_a_comparison_of_nothing_does_not_pass():
    with pytest.raises(Mismatch, match="nothing was compared"):
        Report("empty").check()
    report = Report("one row")
    report.add("nothing", [])
    assert not report.agrees


@pytest.mark.parametrize(
    ("ours", "theirs", "part"),
    [
        ([1.0, 2.0], [1.0], "shapes differ"),
        ([1.0, 2.0], [1.0, 2.1], "index (1,): ours 2.0, theirs 2.1"),
        ([1.0, float("nan")], [1.0, 2.0], "index (1,)"),
        ([float("inf")], [-float("inf")], "index (0,)"),
        ([1], [1.0], "dtypes differ"),
        (None, [1.0], "None"),
    ],
)
def test_a_difference_is_named(ours, theirs, part):
    ours = None if ours is None else minigrad.tensor(ours)
    comparison = compare_values("operation, argument", ours, torch.tensor(theirs), "float32")
    assert not comparison.agrees and part in comparison.message and "operation, argument" in comparison.message


def test_equal_special_values_agree():
    values = [float("nan"), float("inf"), -float("inf"), 0.0]
    assert compare_values("special", minigrad.tensor(values), torch.tensor(values), "exact").agrees
    assert compare_values("nobody has one", None, None, "exact").agrees
    large = 2**60
    assert not compare_values("one float64", minigrad.tensor([large]), torch.tensor([large + 1]), "exact").agrees


def test_graphs_that_differ_are_named():
    def both(function):
        return [function(engine.tensor(2.0, requires_grad=True)) for engine in (minigrad, torch)]

    ours, theirs = both(lambda x: (x * x).exp())[0], both(lambda x: (x * 2).exp())[1]
    comparison = compare_graphs("graph", ours, theirs)
    assert not comparison.agrees and "MulBackward0" in comparison.message
    shared = minigrad.tensor(2.0, requires_grad=True)
    y = shared * 1
    apart = torch.tensor(2.0, requires_grad=True)
    assert not compare_graphs("sharing", y * y, (apart * 1) * (apart * 1)).agrees


def command(*arguments):
    return CliRunner().invoke(app, [*arguments])


def test_command_line(tmp_path):
    results = tmp_path / "results.json"
    done = command("--only", "dynamic-graph", "--json", str(results), "--seed", "5")
    assert done.exit_code == 0, done.output
    assert "agree" in done.output
    written = json.loads(results.read_text())
    assert written["seed"] == 5 and [each["chapter"] for each in written["chapters"]] == ["dynamic-graph"]
    assert all(row["agrees"] for row in written["chapters"][0]["comparisons"])
    listed = command("--list")
    assert listed.exit_code == 0 and all(name in listed.output for name in CHAPTERS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "no-such-chapter"],
        ["--dtype", "float16"],
        ["--data", "imagenet"],
        ["--engine", "no_such_engine"],
        ["--device", "no-such-device"],
        ["--json", "/no/such/folder/file.json"],
        ["--json", "."],
        ["--json", "x" * 300],
        ["--json", ""],
        ["--json="],
        ["--engine", ""],
        ["--engine", "."],
        ["--device", "meta"],
        ["--device", "privateuseone"],
        ["--seed", str(2**70)],
        ["bench", "--rounds", str(2**70)],
        ["bench", "--threads", str(2**70)],
        ["bench", "--json", "."],
        ["--no-such-option"],
    ],
    ids=str,
)
def test_wrong_usage_ends_with_2(arguments):
    done = command(*arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_devices_are_written_into(tmp_path):
    for device, status in (("/dev/null", 0), ("/dev/full", 1)):
        done = command("--only", "dynamic-graph", "--json", device)
        assert done.exit_code == status and not os.path.isfile(device), done.output
    assert done.stderr == "comparisons: cannot use /dev/full: No space left on device\n"


def children_of(process):
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()]


def command_line(process):
    """Empty where the process has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8")
    except OSError:
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_bench_tells_of_a_process_that_was_killed_and_ends_on_ctrl_c():
    """Each once one process that measures is there. None stays."""
    for target, number, status in (("child", signal.SIGKILL, 3), ("parent", signal.SIGINT, 130)):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
        bench = subprocess.Popen(
            [sys.executable, "-m", "comparisons", "bench", "--rounds", "1000"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while not (measuring := [child for child in children_of(bench.pid) if "workloads" in command_line(child)]):
            assert bench.poll() is None, bench.communicate()[1]
            time.sleep(0.05)
        child = measuring[0]
        os.kill(child if target == "child" else bench.pid, number)
        _, errors = bench.communicate(timeout=60)
        assert bench.returncode == status, errors
        killed = "bench: a process that measures ended with status -9\n"
        assert errors == ("comparisons: interrupted\n" if target == "parent" else killed)
        deadline = time.monotonic() + 30
        while command_line(child) and time.monotonic() < deadline:  # a zombie has none; who reaps it may be slow
            time.sleep(0.05)
        assert command_line(child) == ""


def test_a_difference_ends_with_1(monkeypatch):
    from minigrad.ops.transcendental import Sin

    monkeypatch.setattr(Sin, "backward", lambda ctx, grad_z: grad_z * ctx.saved_tensors[0])
    done = command("--only", "dynamic-graph")
    assert done.exit_code == 1 and "DIFFERS" in done.output


def test_missing_data_ends_with_3(tmp_path, monkeypatch):
    def no_network(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", no_network)
    done = command("--only", "mlp", "--data", "mnist", "--data-root", str(tmp_path))
    assert done.exit_code == 3 and "--data-root" in done.output


def test_figures(tmp_path, monkeypatch):
    functions = {"x² + 2x + 1": dynamic_graph.polynomial, "a value used thrice": dynamic_graph.shared_twice}
    monkeypatch.setattr(dynamic_graph, "FUNCTIONS", {title: (each, [0.5]) for title, each in functions.items()})
    done = command("--only", "conv-block", "--only", "dynamic-graph", "--figures", str(tmp_path))
    assert done.exit_code == 0, done.output
    names = {path.name for path in tmp_path.iterdir()}
    sides = ("minigrad", "torch", "diff")
    titles = ("conv-block", "polynomial", "shared-twice")
    assert names == {f"{title}-{side}.svg" for title in titles for side in sides}
    drawn = [(tmp_path / f"conv-block-{side}.svg").read_text() for side in sides]
    assert all("ConvolutionBackward0" in each and "conv.weight" in each and ">x<" in each for each in drawn)
    assert "minigrad and torch: equal" in drawn[2]
    assert "PowBackward0" in (tmp_path / "polynomial-torch.svg").read_text()
    assert command("--figures", str(tmp_path / "missing")).exit_code == 2


def test_shortcuts_keep_gradients_small():
    """On PyTorch alone, and half the images: the chapter holds minigrad against it."""

    def grown(build):
        side = Side(torch, "cpu", Settings(), Network(build, input_shape=(2, 3, 64, 64), classes=10))
        norms = residual_block.gradient_norms(side)
        return norms["first"] / norms["last"]

    assert grown(residual_block.without_shortcuts) > 3 * grown(residual_block.with_shortcuts)


def test_an_engine_without_networks_is_told_what_to_do():
    bare = faulty()
    del bare.models
    with pytest.raises(Mismatch, match="not there yet: .*copy the folder minigrad/models"):
        CHAPTERS["conv-block"](Settings(engine=bare)).check()


def test_training_in_step(tmp_path, monkeypatch):
    """The blocks of ResNet-18, one in a stage; its chapter compares the whole."""

    def build(engine):
        models = models_of(engine)
        return models.ResNet(models.ResidualBlock, [1, 1, 1, 1], curves.CLASSES, in_channels=1)

    if not THOROUGH:
        monkeypatch.setitem(curves.MODELS, "resnet18", (build, curves.MODELS["resnet18"][1]))
    figure = tmp_path / "curves.png"
    done = command("train", "--model", "resnet18", "--limit", "20", "--figure", str(figure), "--dtype", "float64")
    assert done.exit_code == 0, done.output
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "resnet18 on 20 images of digits, float64, seed 0" in done.output


def test_training_curves_agree_and_go_down():
    curves = train_in_step(Settings(dtype="float64"), "neural-net", batch_size=50, epochs=2, limit=500)
    assert len(curves.ours) == len(curves.theirs) == 20
    assert curves.largest_difference < 1e-9 and curves.accuracies[0] == curves.accuracies[1] > 50
    assert curves.ours[-1] < 0.7 * curves.ours[0]


def test_a_last_batch_of_one_image_is_refused_before_batch_normalisation(tmp_path):
    arguments = ["train", "--model", "resnet18", "--limit", "41", "--figure", str(tmp_path / "curves.png")]
    done = command(*arguments, "--batch-size", "10")
    assert done.exit_code == 2 and done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())
    assert "--batch-size 10 with 41 training images leaves a step with less than two images" in done.stderr
    assert done.stderr.endswith(": --batch-size 9 works\n")


def test_the_help_names_the_networks_of_train():
    """It does so without importing them."""
    assert f"<{'|'.join(curves.MODELS)}>" in command("train", "--help").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "lenet"],
        ["--figure", "curves.txt"],
        ["--figure", "no/such/folder.png"],
        ["--data", "x"],
        ["--limit", "0"],
        *([option, str(2**70)] for option in ("--epochs", "--batch-size", "--limit", "--seed")),
        ["--figure", "x" * 300 + ".png"],
    ],
    ids=str,
)
def test_wrong_usage_of_train(arguments):
    done = command("train", *arguments)
    assert done.exit_code == 2 and "Traceback" not in done.output
