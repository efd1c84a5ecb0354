"""``torch_impl.distributed``: two processes on the CPU do what one does. They are started by torchrun, as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from torch_impl.checkpoint import load_checkpoint
from torch_impl.data import DataError
from torch_impl.distributed import full_state, load_full_state, local_device, restarted
from torch_impl.errors import one_sentence
from torch_impl.optimization import build_optimizer
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run, TrainingError

REPOSITORY = Path(__file__).parents[2]


def torchrun(script: str, folder: Path, *arguments: str, restarts: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a script in two processes."""
    path = folder / "script.py"
    path.write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--monitor-interval", "0.1"]
    command += ["--standalone", "--max-restarts", str(restarts), str(path), str(folder), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


GRADIENTS = """
import copy, sys, torch
from torch.utils.data import TensorDataset
from torch_impl.data import Batches, load_datasets
from torch_impl.distributed import *
from torch_impl.networks import build_model
from torch_impl.optimization import build_optimizer
from torch_impl.options import TrainingOptions
from torch_impl.reporting import predict
from torch_impl.training import autocast, evaluate, train

CPU = torch.device("cpu")
images, labels = load_datasets("digits")[0].tensors
dataset = TensorDataset(images[:41].double(), labels[:41])  # steps of 20, 20 and 1: a process has nothing in the last

def steps(strategy, rank, world_size, accumulate):
    '''The gradients of every step, whole, and the network at the end.'''
    options = TrainingOptions(batch_size=20, accumulate=accumulate, optimizer="sgd", lr=0.1, label_smoothing=0.1)
    torch.manual_seed(0)
    model = build_model(options).double()
    if strategy:
        model = distribute(model, strategy, CPU)
    optimizer = build_optimizer(options, model)
    step, found = optimizer.step, []
    def watched(*arguments, **named):
        for parameter in model.parameters():
            gradient = parameter.grad
            found.append(gradient.full_tensor() if hasattr(gradient, "full_tensor") else gradient.clone())
        step(*arguments, **named)
    optimizer.step = watched
    split = {"rank": rank, "world_size": world_size}
    loader = Batches(dataset, 20, CPU, generator=torch.Generator().manual_seed(0), pieces=accumulate, **split)
    tally = train(model, loader, optimizer, accumulate=accumulate, label_smoothing=0.1)
    judged = evaluate(model, Batches(dataset, 20, CPU, **split))
    return model, optimizer, found, tally, judged, predict(model, Batches(dataset, 20, CPU, **split))

def taken_back(model, optimizer):
    '''What the main process alone has is taken back by all, each its part.'''
    whole, fused = copy.deepcopy(full_state(model, optimizer)), optimizer.param_groups[0]["fused"]
    assert fused != hasattr(model, "reshard")  # FSDP's
    assert rank() or whole[1]["param_groups"][0]["fused"] is None  # so that the other strategy takes it too
    held = [*model.parameters(), *(state["momentum_buffer"] for state in optimizer.state.values())]
    before = [tensor.detach().clone() for tensor in held]
    with torch.no_grad():
        for tensor in held:
            tensor.zero_()
    load_full_state(model, optimizer, *(whole if rank() == 0 else ({}, {})))
    held = [*model.parameters(), *(state["momentum_buffer"] for state in optimizer.state.values())]
    assert optimizer.param_groups[0]["fused"] == fused
    return len(held) == 8 and all(torch.equal(local(now), local(then)) for now, then in zip(held, before, strict=True))

def mixed(name, strategy):
    '''The types in which the layers' weights are while they compute, and the gradients, whole.'''
    torch.manual_seed(0)
    model = distribute(build_model(TrainingOptions(model=name)), strategy, CPU, torch.bfloat16)
    seen = {}
    for module in model.modules():
        if hasattr(module, "weight"):
            module.register_forward_pre_hook(
                lambda layer, _: seen.update({type(layer).__name__.removeprefix("FSDP"): layer.weight.dtype})
            )
    with autocast(CPU, "bf16"):
        scores = model(images[20 * rank() :][:20])
    scores.float().square().mean().backward()
    return seen, [whole(parameter.grad) for parameter in model.parameters()]

def local(tensor):
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor

alone = steps("", 0, 1, 1)[2]
assert len(alone) == 12
with process_group(CPU):
    assert world_size() == 2
    for strategy in ("ddp", "fsdp"):
        for accumulate in (1, 3):
            model, optimizer, found, tally, judged, predictions = steps(strategy, rank(), 2, accumulate)
            for ours, expected in zip(found, alone, strict=True):
                torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-13)
            assert tally.over_processes().images == judged.images == 41 > tally.images
            parameters = sum(part.numel() for part in unwrap(model).parameters())
            held = sum(p.to_local().numel() if strategy == "fsdp" else p.numel() for p in model.parameters())
            assert held == (parameters / 2 if strategy == "fsdp" else parameters)
            if rank() == 0:
                assert predictions.labels.tolist() == labels[:41].tolist()
                right = (predictions.labels == predictions.predicted).sum()
                assert judged.accuracy == 100 * right / 41
                assert abs(judged.loss - predictions.losses.mean()) < 1e-6
            else:
                assert predictions is None
            assert taken_back(model, optimizer)
    float32, bfloat16 = torch.float32, torch.bfloat16
    for name, types in (
        ("conv-block", {"Conv2d": bfloat16, "BatchNorm2d": float32, "Linear": bfloat16}),
        ("custom-linear", {"CustomLinear": float32}),
    ):
        found, ours = mixed(name, "fsdp")
        assert found == types, found
        for one, other in zip(ours, mixed(name, "ddp")[1], strict=True):
            assert one.dtype == float32 and one.abs().max() > 0 and torch.equal(one, other)
    sys.stdout.write(f"process {rank()} is through\\n")  # at once: two processes write here
"""


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_gradients_of_two_processes_are_those_of_one(tmp_path: Path) -> None:
    """DDP and FSDP, whole steps and steps in pieces, in float64; what is counted is every image once.

    And what the main process kept of it all take back. In bfloat16 both leave the same gradients, to the last bit.
    """
    done = torchrun(GRADIENTS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["process 0 is through", "process 1 is through"]


# Runs that fail, in each process in the same way, so that none waits for another.
FAILING = """
import sys, torch
from pathlib import Path
from torch_impl import state
from torch_impl.checkpoint import CheckpointError, load_checkpoint
from torch_impl.distributed import process_group, rank
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.run import Place, Run, TrainingError

def full(*_):
    raise CheckpointError("cannot write: no space")

with process_group(torch.device("cpu")):
    for number, (change, error) in enumerate((
        ({"optimizer": "sgd", "lr": 1e30}, TrainingError),
        ({"model": "resnet18", "batch_size": 718}, OptionError),
        ({}, CheckpointError),
    )):
        folder = Path(sys.argv[1], str(number))
        state.save_checkpoint = full if error is CheckpointError else state.save_checkpoint
        options = TrainingOptions(**{"hidden_size": 4, "epochs": 1, "batch_size": 100, **change})
        try:
            Run(options, Place(torch.device("cpu"), folder, save_every=5, figures=False)).run()
        except (CheckpointError, OptionError, TrainingError) as caught:
            assert type(caught) is error
            sys.stdout.write(f"{rank()}: {caught}\\n")
            sys.stdout.flush()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_two_processes_fail_alike(tmp_path: Path) -> None:
    """Of a loss that is not finite, of a batch of which one of them had a single image, of a disk that is full."""
    done = torchrun(FAILING, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = sorted(line for line in done.stdout.splitlines() if line[:3] in ("0: ", "1: "))
    assert len(lines) == 6 and [line[3:] for line in lines[:3]] == [line[3:] for line in lines[3:]]
    batch, disk, loss = (line[3:] for line in sorted(lines[:3], key=lambda line: line[3:]))
    assert disk == "cannot write: no space"
    assert "leaves one of the 2 parts (processes times --accumulate) of a step with less than two images" in batch
    assert loss.startswith("the loss is not finite at step 2 (epoch 1, step 2 of 15), and the first gradient")


# The command line, telling at the end how many threads of the group there are still. Lightning runs it a second time.
ENDING = """
import atexit, os, sys
from pathlib import Path
from torch_impl import cli

def tell():
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    count = sum("gloo" in name for name in names)
    os.write(1, f"threads of gloo: {count}\\n".encode())  # at once: two processes write here

atexit.register(tell)
os.environ.setdefault("LINE", f"train --epochs 1 --no-figures --device cpu --out {' '.join(sys.argv[1:])}")
sys.argv[1:] = os.environ["LINE"].split()
cli.main()
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted as Linux shows them")
@pytest.mark.parametrize("trainer", ["plain", "lightning"])
def test_the_threads_of_the_group_end_before_the_interpreter(trainer: str, tmp_path: Path) -> None:
    """Else PyTorch aborts the process now and then, when all is done."""
    if trainer == "plain":
        done = torchrun(ENDING, tmp_path)
    else:
        path = tmp_path / "script.py"
        path.write_text(ENDING)
        command = [sys.executable, str(path), str(tmp_path), "--trainer", "lightning", "--devices", "2"]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("threads of gloo: 0") == 2, done.stdout


# The command line with a process that dies in the third epoch of its first start: killed, or of an error.
DYING = """
import os, pickle, signal, sys
from torch_impl import cli, state
from torch_impl.run import Run

folder, strategy, ending = sys.argv[1:]
train_epoch, broadcast = Run.train_epoch, state.broadcast

def told(value):
    os.write(1, f"told {len(pickle.dumps(value))} bytes\\n".encode())
    return broadcast(value)

def dying(run):
    if (os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"], run.epoch) == ("1", "0", 2):
        if ending == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("this process has had enough")
    train_epoch(run)

Run.train_epoch, state.broadcast = dying, told
line = f"train --epochs 4 --batch-size 300 --augment --no-figures --device cpu --strategy {strategy} --out {folder}/out"
sys.argv[1:] = line.split()
cli.main()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize(
    "strategy", [pytest.param("ddp", marks=pytest.mark.long), "fsdp"]
)  # FSDP's state is split, too
def test_a_killed_process_is_restarted_and_the_run_goes_on(strategy: str, tmp_path: Path) -> None:
    """It ends with the weights of a run in one process, about: sums of other halves are rounded differently.

    PyTorch 2.14 aborts some processes that end while threads of their group live, as after an error, or with FSDP,
    whose caches know the group (see ``distributed.leave_group``): then it is tried again, from the start.
    """
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        done = torchrun(DYING, folder, strategy, "killed", restarts=1)
        if done.returncode == 0 or "terminate called without an active exception" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    epochs = [line.split("/")[0] for line in done.stdout.splitlines() if line.startswith("Epoch")]
    assert epochs[:2] == ["Epoch [1", "Epoch [2"] and epochs[-2:] == ["Epoch [3", "Epoch [4"]
    assert len(epochs) in (4, 5), "the main process may have shown the third epoch before it was ended"
    told = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("told")]
    assert 10_000 < max(told) < 100_000, "the rest of the checkpoint, of which the tensors are 4,770,000 bytes"
    assert done.stdout.count("Accuracy on the 360 test images") == done.stdout.count("Saved") == 1

    options = TrainingOptions(epochs=4, batch_size=300, augment=True)
    alone = Run(options, Place(torch.device("cpu"), tmp_path / "alone", figures=False)).run()
    assert f"{alone.accuracy:.2f} %" in done.stdout
    ours, expected = load_checkpoint(folder / "out" / "last.ckpt"), load_checkpoint(tmp_path / "alone" / "last.ckpt")
    for name, weight in expected["model"].items():
        torch.testing.assert_close(ours["model"][name], weight, rtol=1e-3, atol=1e-5)
    assert list(ours["optimizer"]["state"]) == list(expected["optimizer"]["state"])
    assert ours["history"][-1]["accuracy"] == pytest.approx(expected["history"][-1]["accuracy"], abs=0.2)
    assert len(ours["random_states"]) == 2


def test_a_state_lies_in_memory_as_its_parameter() -> None:
    """The optimizer goes through both as they lie; of another process, a state comes row by row."""
    torch.manual_seed(0)
    model = torch.nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
    optimizer = build_optimizer(TrainingOptions(), model)
    weights, state = full_state(model, optimizer)
    for each in state["state"].values():
        each["exp_avg"] = torch.randn(each["exp_avg"].shape)
    load_full_state(model, optimizer, weights, state)
    kept = optimizer.state[model.weight]["exp_avg"]
    assert kept.stride() == model.weight.stride() != torch.empty(3, 2, 3, 3).stride()
    assert torch.equal(kept, state["state"]["weight"]["exp_avg"])


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_an_error_in_one_process_ends_the_job_with_it(tmp_path: Path) -> None:
    done = torchrun(DYING, tmp_path, "ddp", "error")
    assert done.returncode == 1
    assert "ValueError: this process has had enough" in done.stderr
    assert load_checkpoint(tmp_path / "out" / "last.ckpt")["epoch"] == 2


@pytest.mark.parametrize(
    ("error", "sentence"), [(TrainingError("x"), ""), (DataError("x"), "torch_impl (process 1): x\n")], ids=repr
)
def test_what_all_processes_know_the_main_one_says(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch_impl.distributed.rank", lambda: 1)
    monkeypatch.setattr("torch_impl.distributed.world_size", lambda: 2)
    with pytest.raises(SystemExit, match="1"), one_sentence("torch_impl"):
        raise error
    assert capsys.readouterr().err == sentence


def test_devices_of_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("cuda"))
    assert [local_device(name) for name in ("cpu", "cuda", "cuda:0")] == ["cpu", "cuda", "cuda:0"]
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert [local_device(name) for name in ("cpu", "cuda", "cuda:0")] == ["cpu", "cuda:3", "cuda:0"]


def test_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not restarted()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert not restarted()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "2")
    assert restarted()
