"""Several processes: the group, the network split over it (DDP or FSDP2), and what they tell each other.

``torchrun`` starts the processes; without it there is one, and every function here does its work for that one. Read
``training.py`` first: the loop exchanges gradients by itself. What takes PyTorch most of a second to import is imported
where it is used, so that a command line that needs none of it starts sooner.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD, Optimizer

from torch_impl.models import ConvBlock, CustomLinear, NeuralNet, ResidualBlock
from torch_impl.names import STRATEGIES
from torch_impl.seeds import accelerator

__all__ = [
    "STRATEGIES",
    "broadcast",
    "distribute",
    "full_state",
    "gather",
    "is_main_process",
    "leave_group",
    "load_full_state",
    "load_weights",
    "local_device",
    "min_over_processes",
    "process_group",
    "rank",
    "restarted",
    "sum_over_processes",
    "sync_buffers",
    "unwrap",
    "wait_for_main_process",
    "whole",
    "world_size",
]

BLOCKS = (NeuralNet, CustomLinear, ConvBlock, ResidualBlock)  # FSDP gathers the weights of one at a time

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)  # autocast leaves their weights alone

PATIENCE = timedelta(days=1)  # for what the main process does first


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the other processes that torchrun started, between GPUs by NCCL or its like, else by gloo; leave at the end.

    A process that dies takes torchrun's whole job with it, so an error is not handled here: it is let through.

    torchrun 2.14 keeps the store in which processes find each other when it restarts them, so that they may find the
    addresses of those that died (pytorch/pytorch#135712). On one machine each start therefore has its own part of the
    store; on several, whose restarts are not counted together, set ``TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1``.

    Source: https://docs.pytorch.org/docs/stable/elastic/run.html
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield
        return
    import_module("torch.distributed.checkpoint.state_dict")  # later, its functions' defaults would keep the group
    store, number, count = next(dist.rendezvous("env://"))
    if os.environ["LOCAL_WORLD_SIZE"] == os.environ["WORLD_SIZE"]:
        store = dist.PrefixStore(f"start {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    backend, own_device = "gloo", None
    if device.type != "cpu":
        backend, own_device = f"cpu:gloo,{device.type}:{dist.get_default_backend_for_device(device)}", device
    dist.init_process_group(backend, store=store, rank=number, world_size=count, device_id=own_device)
    yield
    leave_group()  # not on an error: it would wait for the others


def leave_group() -> None:
    """Leave the group of processes, if there is one, when no work is left.

    Its threads must end before the interpreter does, which would otherwise abort now and then ("terminate called
    without an active exception", pytorch/pytorch#190489). They end with the last that knows the group: networks do, and
    may be in reference cycles.
    """
    if dist.is_initialized():
        dist.destroy_process_group()
        gc.collect()


def local_device(name: str) -> str:
    """The device of this process: of several on one machine that all want a GPU, each takes one of its own."""
    found = accelerator()
    if found is None or name not in ("auto", found.type) or "LOCAL_RANK" not in os.environ:
        return name
    return f"{found.type}:{os.environ['LOCAL_RANK']}"


def restarted() -> bool:
    """Whether torchrun started this process in the place of one that died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main_process() -> bool:
    """Whether this is the process that writes and prints."""
    return rank() == 0


@contextmanager
def wait_for_main_process() -> Iterator[None]:
    """Do something first in the main process, then in the others: a download, say."""
    if world_size() == 1:
        yield
        return
    patient: Any = dist.new_group(timeout=PATIENCE, backend="gloo")  # the usual group gives up after minutes
    if not is_main_process():
        dist.barrier(patient)
    yield
    if is_main_process():
        dist.barrier(patient)


def distribute(model: nn.Module, strategy: str, device: torch.device, dtype: torch.dtype | None = None) -> nn.Module:
    """``model`` on ``device``, so that ``backward`` leaves in each process the mean of all processes' gradients.

    "ddp": every process holds the whole network. "fsdp": each holds a part of every weight, its gradient and its
    optimizer's state; the whole weights of a block are there only while it computes. The initial weights must be the
    same in all processes. Batch normalisation takes the statistics of each process's own images.

    Args:
        model: on any device.
        strategy: one of :data:`STRATEGIES`.
        device: of this process.
        dtype: that matrices are multiplied in, by autocast. FSDP sends the weights in it, and sums gradients in
            float32, so they are DDP's. Default: float32.

    Source: https://docs.pytorch.org/docs/stable/notes/ddp.html,
    https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html
    """
    model = model.to(device)
    if world_size() == 1:
        return model
    if strategy == "ddp":
        device_ids = None if device.index is None else [device.index]
        return DistributedDataParallel(model, device_ids, gradient_as_bucket_view=True)
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = init_device_mesh(device.type, (world_size(),))
    as_they_are = MixedPrecisionPolicy(cast_forward_inputs=False)
    policy = as_they_are if dtype is None else MixedPrecisionPolicy(dtype, reduce_dtype=torch.float32)
    normalisations: list[nn.Module] = [module for module in model.modules() if isinstance(module, BATCH_NORMS)]
    if normalisations:
        fully_shard(normalisations, mesh=mesh, mp_policy=as_they_are)  # together: they are small
    for module in model.modules():
        if isinstance(module, BLOCKS):
            exact = isinstance(module, CustomLinear)  # which normalises its weights before they are rounded
            fully_shard(module, mesh=mesh, mp_policy=as_they_are if exact else policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    return model


def unwrap(model: nn.Module) -> nn.Module:
    """The network itself, without DDP around it."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def whole(tensor: Tensor) -> Tensor:
    """A tensor that FSDP may have split over the processes, which all must call it then."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def sum_over_processes(tensor: Tensor) -> Tensor:
    """The sum of all processes' tensors, in each of them, in the place of its own."""
    if world_size() > 1:
        dist.all_reduce(tensor)
    return tensor


def min_over_processes(tensor: Tensor) -> Tensor:
    """The least of all processes' tensors, element by element, in each of them, in the place of its own."""
    if world_size() > 1:
        dist.all_reduce(tensor, dist.ReduceOp.MIN)
    return tensor


def sync_buffers(model: nn.Module) -> None:
    """Give all processes the main one's running means and variances. With DDP the forward pass does, so one lags."""
    if world_size() > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)


def broadcast(value: Any) -> Any:
    """The main process's value, in each of them."""
    values = [value]
    if world_size() > 1:
        dist.broadcast_object_list(values, 0)
    return values[0]


def gather(value: Any) -> list[Any]:
    """All processes' values in order, in the main one; the others get nothing of use."""
    if world_size() == 1:
        return [value]
    values = [None] * world_size() if is_main_process() else None
    dist.gather_object(value, values)
    return values or []


def full_state(model: nn.Module, optimizer: Optimizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights and optimizer state by parameter name, whole and on the CPU, in the main process. All must call it.

    They look the same whatever the strategy, so a run can go on with another one, or another number of processes:
    whether SGD is fused, which only FSDP has it not be, is left out.

    Source: https://docs.pytorch.org/docs/stable/distributed.checkpoint.html
    """
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights, state = get_state_dict(model, optimizer, options=options)
    if isinstance(optimizer, SGD):
        groups: Any = state.get("param_groups", [])  # the main process alone has them
        for group in groups:
            group["fused"] = None
    return weights, state


def load_full_state(
    model: nn.Module, optimizer: Optimizer, model_state: dict[str, Any], optimizer_state: dict[str, Any]
) -> None:
    """Take back what :func:`full_state` gave to the main process. All must call it; the others need have nothing."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_optimizer_state_dict

    load_weights(model, model_state)
    fused = [group["fused"] for group in optimizer.param_groups]
    groups = broadcast(None if optimizer_state.get("state") else optimizer_state.get("param_groups"))
    if groups is not None:  # SGD without momentum has nothing else, and PyTorch's function takes no such optimizer
        for group, saved in zip(optimizer.param_groups, groups):
            group.update({name: value for name, value in saved.items() if name != "params"})
    else:
        options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=world_size() > 1)
        set_optimizer_state_dict(model, optimizer, contiguous(optimizer_state), options=options)
    for group, each in zip(optimizer.param_groups, fused):
        group["fused"] = each
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                # The fused optimizers go through memory as it lies, and believe that all of it lies alike.
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def load_weights(model: nn.Module, state: dict[str, Any]) -> None:
    """Take the main process's weights, a tensor at a time. All must call it; the others need have nothing.

    PyTorch's one function for weights and optimizer, ``set_state_dict``, takes no weights for a wish to leave them out:
    a process that has none would not wait for those of the main one.
    """
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict

    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=world_size() > 1)
    set_model_state_dict(model, contiguous(state), options=options)


def contiguous(state: Any) -> Any:
    """A state whose tensors can be sent: memory is, as it lies, and whoever gets it reads it row by row."""
    if isinstance(state, dict):
        return {name: contiguous(value) for name, value in state.items()}
    return state.contiguous() if isinstance(state, Tensor) else state
