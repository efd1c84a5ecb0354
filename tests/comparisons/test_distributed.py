"""A script for several processes, run in one: the same calls on both engines, PyTorch's by gloo with a world of one."""

import importlib

import pytest
import torch

import minigrad
from comparisons.outcomes import check_outcome

ENGINES = (minigrad, torch)
NO_GROUP = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture
def alone(monkeypatch):
    """Neither engine has a group, before and after, and the environment says nothing of one."""
    for name in NO_GROUP:
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    for engine in ENGINES:
        distributed = importlib.import_module(f"{engine.__name__}.distributed")
        if distributed.is_initialized():
            distributed.destroy_process_group()


@pytest.fixture
def together(alone, tmp_path):
    """Both engines have a group of one process."""
    for engine in ENGINES:
        distributed = importlib.import_module(f"{engine.__name__}.distributed")
        distributed.init_process_group("gloo", f"file://{tmp_path}/{engine.__name__}", rank=0, world_size=1)


def begun(engine, path, **given):
    """Whether a group was there before, and what it says of itself afterwards."""
    distributed = engine.distributed
    before = distributed.is_initialized()
    distributed.init_process_group(init_method=path and f"{path}/{engine.__name__}", **given)
    told = before, distributed.is_initialized(), distributed.get_rank(), distributed.get_world_size()
    distributed.barrier()
    distributed.destroy_process_group()
    return *told, distributed.is_initialized()


@pytest.mark.filterwarnings("ignore:Device capability")
@pytest.mark.parametrize(
    "given",
    [
        {"backend": "gloo", "rank": 0, "world_size": 1},
        {"backend": "gloo", "rank": 1, "world_size": 1},
        {"backend": "gloo", "rank": 0},
        {"backend": "gloo"},
        {"backend": "nccl", "rank": 0, "world_size": 1},
        {"backend": "smoke signals", "rank": 0, "world_size": 1},
    ],
    ids=str,
)
def test_beginning_by_a_file(alone, tmp_path, given):
    check_outcome("the call", lambda e: begun(e, f"file://{tmp_path}", **given))


@pytest.mark.parametrize("missing", [*NO_GROUP[:2], None])
def test_beginning_by_the_environment(alone, missing):
    """As ``torchrun --nproc-per-node 1`` sets it."""
    values = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29731"}
    for name, value in values.items():
        if name != missing:
            alone.setenv(name, value)
    check_outcome("the call", lambda e: begun(e, None, backend="gloo"))


def test_more_processes_are_refused(alone):
    with pytest.raises(RuntimeError, match=r"one process, and world_size is 2: .*torchrun -m torch_impl train"):
        minigrad.distributed.init_process_group("gloo", "tcp://localhost:1?rank=0&world_size=2")
    assert not minigrad.distributed.is_initialized()


def gathered(call):
    """What the first argument of a call holds afterwards."""

    def of(e):
        target = [e.zeros(2)]
        call(e, e.distributed, target)
        return target

    return of


CALLS = {
    "all_reduce": lambda e: (x := e.ones(2), e.distributed.all_reduce(x, e.distributed.ReduceOp.MAX), x)[::2],
    "all_reduce, waited for": lambda e: e.distributed.all_reduce(e.ones(2), async_op=True).wait(),
    "all_reduce of bits": lambda e: e.distributed.all_reduce(e.ones(2), e.distributed.ReduceOp.BAND),
    "all_reduce of a list": lambda e: e.distributed.all_reduce([1.0]),
    "broadcast": lambda e: e.distributed.broadcast(e.ones(2), 0),
    "broadcast from nowhere": lambda e: e.distributed.broadcast(e.ones(2)),
    "broadcast from afar": lambda e: e.distributed.broadcast(e.ones(2), src=1),
    "reduce": lambda e: e.distributed.reduce(e.ones(2), 0),
    "reduce afar": lambda e: e.distributed.reduce(e.ones(2), 1),
    "all_gather": gathered(lambda e, d, target: d.all_gather(target, e.ones(2, requires_grad=True) * 2)),
    "all_gather of two": gathered(lambda e, d, target: d.all_gather(target * 2, e.ones(2))),
    "all_gather of another shape": gathered(lambda e, d, target: d.all_gather(target, e.ones(3))),
    "all_gather of another type": gathered(lambda e, d, target: d.all_gather(target, e.ones(2).double())),
    "gather": gathered(lambda e, d, target: d.gather(e.ones(2), target)),
    "gather to nowhere": lambda e: e.distributed.gather(e.ones(2)),
    "scatter": gathered(lambda e, d, target: d.scatter(target[0], [e.ones(2)])),
    "scatter of nothing": gathered(lambda e, d, target: d.scatter(target[0])),
    "reduce_scatter": gathered(lambda e, d, target: d.reduce_scatter(target[0], [e.ones(2)])),
    "all_gather_object": gathered(lambda e, d, target: d.all_gather_object(target, {"a": 1})),
    "broadcast_object_list": lambda e: e.distributed.broadcast_object_list([1, "a"], 0),
    "new_group": lambda e: e.distributed.get_world_size(e.distributed.new_group([0])),
    "the world": lambda e: (e.distributed.group.WORLD.size(), e.distributed.get_backend()),
    "twice": lambda e: e.distributed.init_process_group("gloo"),
    "what there is": lambda e: [
        getattr(e.distributed, f"is_{name}")() for name in ("available", "gloo_available", "mpi_available")
    ],
    "a sampler": lambda e: list(e.utils.data.DistributedSampler(range(5))),
    "DDP on a GPU": lambda e: e.nn.parallel.DistributedDataParallel(e.nn.Linear(2, 2), device_ids=[0]),
    "DDP of nothing": lambda e: e.nn.parallel.DistributedDataParallel(e.nn.ReLU()),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(together, name):
    check_outcome(name, CALLS[name])


@pytest.mark.parametrize(
    "name", ["all_reduce", "all_gather", "broadcast", "the world", "a sampler", "new_group", "gather"]
)
def test_calls_without_a_group(alone, name):
    check_outcome(name, CALLS[name])


def trained(wrap):
    """Losses, names of parameters and weights of a network that ``wrap`` wraps."""

    def of(e):
        e.manual_seed(0)
        model = wrap(e, e.nn.Sequential(e.nn.Linear(3, 4), e.nn.BatchNorm1d(4), e.nn.Linear(4, 2)))
        optimizer = e.optim.SGD(model.parameters(), lr=0.1)
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            losses.append(model(e.rand(5, 3)).square().mean())
            losses[-1].backward()
            optimizer.step()
        return losses, list(model.state_dict()), repr(model), [*model.parameters()], type(model.module).__name__

    return of


def test_training_in_parallel(together):
    check_outcome("DataParallel", trained(lambda e, model: e.nn.DataParallel(model, device_ids=[0])))
    check_outcome("DDP", trained(lambda e, model: e.nn.parallel.DistributedDataParallel(model, bucket_cap_mb=5)))


@pytest.mark.parametrize("length", [0, 1, 7, 10])
@pytest.mark.parametrize(
    "options", [{}, {"shuffle": False}, {"drop_last": True}, {"seed": 3, "drop_last": True}], ids=str
)
def test_distributed_sampler(options, length):
    def call(e):
        told = []
        for rank in range(3):
            sampler = e.utils.data.DistributedSampler(range(length), 3, rank, **options)
            sampler.set_epoch(rank == 2)
            told.append((len(sampler), sampler.total_size, list(sampler)))
        return told

    check_outcome("indices", call)
    check_outcome("no such rank", lambda e: e.utils.data.distributed.DistributedSampler(range(4), 2, 2))
