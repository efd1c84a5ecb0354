"""What the two command lines do with errors: those that can be expected end in one sentence and the right status.

The others are faults of the program and keep their traceback. PyTorch is not imported here: the help does without it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer
from typer.core import TyperGroup

from torch_impl.missing import missing_part
from torch_impl.options import OptionError
from torch_impl.starting import INTERRUPTION, status_of, stopping_at_once

__all__ = ["Commands", "one_sentence", "printable"]

FAILURE, WRONG_USAGE = 1, 2

# What PyTorch says where memory runs out, or no machine's would do.
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "std::bad_alloc", "Storage size calculation overflowed")

REMEDIES = {
    "torch_impl": "compute a step in pieces with --accumulate 2 (or more), lower --batch-size or choose a smaller "
    "network; on a GPU --precision bf16 helps too",
    "comparisons": "train with a lower --batch-size or --limit, or run a smaller network",
}


class Commands(TyperGroup):
    """A program's commands. Its name is what its sentences begin with."""

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """Read the command line. An interruption would be told by the library, and otherwise than ours are."""
        with stopping_at_once():
            return super().make_context(*arguments, **named)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an empty argument: it is a variable of the shell's that was not set, and as a path the folder here."""
        for option, value in zip(["the first argument", *args], args):
            if not value or (value.startswith("--") and value.endswith("=")):
                raise typer.BadParameter(f"{value or option} is given nothing")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with one_sentence(self.name or ""):
            return super().invoke(ctx)


@contextmanager
def one_sentence(program: str, quiet: bool = False) -> Iterator[None]:
    """Whatever can be expected to go wrong ends in the right status and one sentence, or none if ``quiet``.

    What can be gone on with says how in its interruption.
    """
    try:
        yield
    except KeyboardInterrupt as interruption:
        if not quiet:
            say(program, process_of(interruption), str(interruption) or INTERRUPTION)
        raise SystemExit(status_of(interruption)) from interruption
    except Exception as error:
        sentence = sentence_of(error, program)
        if sentence is None:
            raise
        if not quiet:
            say(program, process_of(error), sentence)
        usage = isinstance(error, (OptionError, ModuleNotFoundError))
        raise SystemExit(WRONG_USAGE if usage else FAILURE) from error


def say(program: str, process: str | None, sentence: str) -> None:
    """A sentence of a process on stderr; None is one that has nothing to say."""
    if process is not None:
        with suppress(OSError):  # nobody is there to be told
            typer.echo(printable(f"{program}{process}: {' '.join(sentence.splitlines())}"), err=True)


def process_of(error: BaseException) -> str | None:
    """Which process speaks, where there are several; None where all find the same out and the main one says it."""
    if not sys.modules.get("torch"):
        return ""
    from torch_impl.checkpoint import CheckpointError
    from torch_impl.distributed import rank, world_size
    from torch_impl.soundness import TrainingError

    if rank() > 0 and isinstance(error, (CheckpointError, KeyboardInterrupt, OptionError, TrainingError)):
        return None
    return f" (process {rank()})" if world_size() > 1 else ""


def printable(text: str) -> str:
    """``text`` with escapes for characters that would tell the terminal something: some come from files."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def sentence_of(error: Exception, program: str) -> str | None:
    """The sentence for an error; None if nobody expects it."""
    if isinstance(error, OptionError):
        return str(error)
    needed = missing_part(error, program)
    if needed is not None:
        return f"this {needed}"
    if isinstance(error, BrokenPipeError):
        return "stopped: nobody reads the output any more"
    if isinstance(error, OSError):
        return f"cannot use {error.filename or 'a file or the output'}: {error.strerror or error}"
    return sentence_of_pytorch(error, program) if sys.modules.get("torch") else None


def sentence_of_pytorch(error: Exception, program: str) -> str | None:
    """The sentence for an error of a command that has imported PyTorch; None if nobody expects it."""
    import torch.distributed as dist

    from torch_impl.checkpoint import CheckpointError
    from torch_impl.data import DataError
    from torch_impl.predict import ProgramError
    from torch_impl.soundness import TrainingError

    if isinstance(error, (CheckpointError, DataError, ProgramError, TrainingError)):
        return str(error)
    if is_out_of_memory(error):
        return f"out of memory: {REMEDIES[program]}"
    lines = str(error).splitlines() or [""]
    if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
        return f"torch.compile fails here, leave out --compile: {lines[0]}"
    if isinstance(error, RuntimeError) and lines[0].startswith("DataLoader worker (pid"):
        return f"a process that reads images has ended, try fewer with --workers: {lines[0]}"
    if isinstance(error, dist.DistError) or "gloo/transport" in str(error):
        return f"another process of this training has ended: {lines[0]}"
    return None


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: only CUDA's allocator has an exception of its own for it."""
    from torch import OutOfMemoryError

    if isinstance(error, (MemoryError, OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(each in str(error) for each in OUT_OF_MEMORY)
