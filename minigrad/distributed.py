"""Collective calls of a program that runs in one process. Counterpart: ``torch.distributed`` with gloo, alone.

What all processes would sum, gather or hand on is what this one has; arguments are checked as PyTorch checks them. More
processes are refused: minigrad computes in one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from minigrad.arguments.promotion import type_name
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.graph.node import Tensor

__all__ = ["GroupMember", "ProcessGroup", "ReduceOp", "Work", "all_gather", "all_gather_object", "all_reduce"]
__all__ += ["barrier", "broadcast", "broadcast_object_list", "destroy_process_group", "gather", "get_backend"]
__all__ += ["get_rank", "get_world_size", "group", "init_process_group", "is_available", "is_gloo_available"]
__all__ += ["is_initialized", "is_mpi_available", "is_nccl_available", "new_group", "reduce", "reduce_scatter"]
__all__ += ["scatter"]


class ReduceOp(Enum):
    """How the values of all processes become one: of one process they stay as they are."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = range(8)


class ProcessGroup:
    """The processes that call together: this one."""

    def rank(self) -> int:
        """The number of this process: 0."""
        return 0

    def size(self) -> int:
        """How many processes there are: 1."""
        return 1


Group = ProcessGroup | None  # None: the one of all processes


class Work:
    """What a call with ``async_op`` gives: it is done already."""

    def wait(self, timeout: Any = None) -> bool:
        """True."""
        return True

    def is_completed(self) -> bool:
        """True."""
        return True


class GroupMember:
    """``WORLD``: all processes, or None before :func:`init_process_group`. PyTorch calls it ``group`` too."""

    WORLD: ProcessGroup | None = None


group = GroupMember


def is_available() -> bool:
    """True: the calls are there."""
    return True


def is_gloo_available() -> bool:
    """True: ``"gloo"`` names the calls here."""
    return True


def is_nccl_available() -> bool:
    """False: there is no GPU."""
    return False


def is_mpi_available() -> bool:
    """False: there is one process."""
    return False


def is_initialized() -> bool:
    """Whether :func:`init_process_group` was called."""
    return GroupMember.WORLD is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
) -> None:
    """Begin: ``rank`` and ``world_size`` are given, stand in the address, or, for ``env://``, in ``RANK`` and
    ``WORLD_SIZE``. No other process is asked, so the address and the waiting time are used for nothing else.

    Raises:
        ValueError: there is a group already, one of the two is missing, or the backend is that of GPUs.
        RuntimeError: there is more than one process, or the rank is not below their number.
        AssertionError: there is no such backend.
    """
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    if backend == "nccl":
        raise ValueError("ProcessGroupNCCL is only supported with GPUs, no GPUs found! Use 'gloo'.")
    if backend not in (None, "gloo"):
        raise AssertionError(f"Unknown backend type {backend}: use 'gloo'")
    if store is None:
        rank, world_size = agreed(init_method or "env://", rank, world_size)
    if world_size != 1:
        raise RuntimeError(
            f"minigrad computes in one process, and world_size is {world_size}: start the program once, or train in "
            f"PyTorch, where torchrun -m torch_impl train shares the work"
        )
    if rank != 0:
        raise RuntimeError(f"rank must be below world_size: {rank} vs {world_size}")
    GroupMember.WORLD = ProcessGroup()


def agreed(address: str, rank: int, world_size: int) -> tuple[int, int]:
    """Rank and size of the world: as given, else as ``address`` says."""
    parts = urlsplit(address)
    if parts.scheme not in ("env", "file", "tcp"):
        raise RuntimeError(f"No rendezvous handler for {parts.scheme}://: use env://, file:// or tcp://")
    said = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    failed = f"Error initializing minigrad.distributed using {parts.scheme}:// rendezvous:"
    found = []
    for name, given in (("rank", rank), ("world_size", world_size)):
        if given == -1 and name not in said:
            if parts.scheme != "env":
                raise ValueError(f"{failed} {name.replace('_', ' ')} parameter missing")
            if name.upper() not in os.environ:
                raise ValueError(f"{failed} environment variable {name.upper()} expected, but not set")
            said[name] = os.environ[name.upper()]
        found.append(int(said[name]) if given == -1 else given)
    return found[0], found[1]


def destroy_process_group(group: Group = None) -> None:
    """End: there is no group any more; a group of one's own ends alone.

    Raises:
        AssertionError: there is none.
    """
    if checked_group(group, AssertionError) is GroupMember.WORLD:
        GroupMember.WORLD = None


def checked_group(given: Any = None, error: type[Exception] = ValueError) -> Any:
    """The group that is meant; PyTorch's error where none was begun."""
    if not is_initialized():
        raise error("Default process group has not been initialized, please make sure to call init_process_group.")
    return given or GroupMember.WORLD


def get_rank(group: Group = None) -> int:
    """The number of this process: 0.

    Raises:
        ValueError: there is no group.
    """
    return checked_group(group).rank()  # type: ignore[no-any-return]


def get_world_size(group: Group = None) -> int:
    """How many processes there are: 1.

    Raises:
        ValueError: there is no group.
    """
    return checked_group(group).size()  # type: ignore[no-any-return]


def get_backend(group: Group = None) -> str:
    """``"gloo"``.

    Raises:
        ValueError: there is no group.
    """
    checked_group(group)
    return "gloo"


def new_group(ranks: Sequence[int] | None = None, timeout: Any = None, backend: str | None = None) -> ProcessGroup:
    """A group of its own of the processes ``ranks``.

    Raises:
        ValueError: there is no group yet, or a rank is not 0.
    """
    checked_group()
    if ranks is not None and list(ranks) != [0]:
        raise ValueError(f"the new group's rank should be within the world_size set by init_process_group: {ranks}")
    return ProcessGroup()


def begin(group: Any, *tensors: Any, root: int | None = 0) -> None:
    """What every call checks: there is a group, the process that gives or receives is this one, and these are tensors.

    Raises:
        ValueError, RuntimeError, TypeError: one of these is not so.
    """
    checked_group(group)
    for each in tensors:
        if not isinstance(each, Tensor):
            raise TypeError(f"Expected parameter `tensor` of type minigrad.Tensor, but got {type_name(each)}")
    if root is None:
        raise ValueError("Must specify the rank of the process that gives or receives: 0")
    if root != 0:
        raise RuntimeError(f"invalid root rank: {root}: there is one process, 0")


def done(async_op: bool) -> Work | None:
    """What a call gives."""
    return Work() if async_op else None


def hand_over(target: Tensor, source: Tensor) -> None:
    """Write ``source`` to ``target``, unrecorded.

    Raises:
        ValueError, RuntimeError: types or shapes differ.
    """
    if target.dtype is not source.dtype:
        raise ValueError(f"Invalid usage of tensors with different dtypes: {target.dtype} and {source.dtype}")
    if target.numel() != source.numel():
        raise RuntimeError(f"invalid tensor size: expected {list(source.shape)}, got {list(target.shape)}")
    call_inside(no_grad(), target.copy_, source.reshape(target.shape))


def check_one(name: str, values: Sequence[Any]) -> None:
    """Raise PyTorch's error unless there is one entry for each process."""
    if len(values) != 1:
        raise RuntimeError(f"{name}: invalid tensor list (expected length 1, got {len(values)})")


def barrier(group: Group = None, async_op: bool = False) -> Work | None:
    """Wait for all processes: for none.

    Raises:
        ValueError: there is no group.
    """
    begin(group)
    return done(async_op)


def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Group = None, async_op: bool = False) -> Work | None:
    """The sum, or what ``op`` says, of every process's ``tensor``, of any shape, written to it: it stays as it is.

    Raises:
        ValueError: there is no group.
        RuntimeError: ``op`` is one of bits, the tensor of no integers.
    """
    begin(group, tensor)
    if op in (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR) and tensor.is_floating_point():
        raise RuntimeError(f"Cannot use {op} with non-integral dtype")
    return done(async_op)


def reduce(
    tensor: Tensor, dst: int | None = None, op: ReduceOp = ReduceOp.SUM, group: Group = None, async_op: bool = False
) -> Work | None:
    """:func:`all_reduce`, for process ``dst`` alone. Shape: any.

    Raises:
        ValueError, RuntimeError: as there; ``dst`` is missing, or not 0.
    """
    begin(group, tensor, root=dst)
    return all_reduce(tensor, op, group, async_op)


def broadcast(tensor: Tensor, src: int | None = None, group: Group = None, async_op: bool = False) -> Work | None:
    """The ``tensor`` of process ``src``, of any shape, written to every other process's: to none.

    Raises:
        ValueError, RuntimeError: there is no group; ``src`` is missing, or not 0.
    """
    begin(group, tensor, root=src)
    return done(async_op)


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Group = None, async_op: bool = False) -> Work | None:
    """Every process's ``tensor`` written to one of ``tensor_list`` each, of its shape and type.

    Raises:
        ValueError, RuntimeError: there is no group, not one tensor in the list, or one of another type or size.
    """
    begin(group, tensor, *tensor_list)
    check_one("all_gather", tensor_list)
    hand_over(tensor_list[0], tensor)
    return done(async_op)


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = 0,
    group: Group = None,
    async_op: bool = False,
) -> Work | None:
    """:func:`all_gather`, for process ``dst`` alone. Shape: any.

    Raises:
        ValueError, RuntimeError: as there; ``dst`` is not 0.
    """
    begin(group, tensor, root=dst)
    if not gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    return all_gather(gather_list, tensor, group, async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = 0,
    group: Group = None,
    async_op: bool = False,
) -> Work | None:
    """One of ``scatter_list``, of process ``src``, written to each process's ``tensor``, of the same shape and type.

    Raises:
        ValueError, RuntimeError: there is no group or no list, not one tensor in it, or one of another type or size.
    """
    begin(group, tensor, root=src)
    if not scatter_list:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    check_one("scatter", scatter_list)
    return all_gather([tensor], scatter_list[0], group, async_op)


def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: ReduceOp = ReduceOp.SUM, group: Group = None, async_op: bool = False
) -> Work | None:
    """The sums of what every process has for each, written to its ``output``: :func:`scatter` of one's own list.

    Raises:
        ValueError, RuntimeError: as there, and as :func:`all_reduce`.
    """
    begin(group, output, *input_list)
    check_one("reduce_scatter", input_list)
    all_reduce(input_list[0], op, group)
    return all_gather([output], input_list[0], group, async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Group = None) -> None:
    """Every process's ``obj`` put into ``object_list``.

    Raises:
        ValueError, RuntimeError: there is no group, or not one place in the list.
    """
    begin(group)
    check_one("all_gather_object", object_list)
    object_list[0] = obj


def broadcast_object_list(object_list: list[Any], src: int | None = None, group: Group = None) -> None:
    """The objects of process ``src`` put into every other process's list: into none.

    Raises:
        ValueError, RuntimeError: there is no group; ``src`` is missing, or not 0.
    """
    begin(group, root=src)
