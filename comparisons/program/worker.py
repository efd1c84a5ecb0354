"""The process that runs a program: ``python -m comparisons.program.worker ENGINE FILE STEPS SEED [ARGUMENT …]``.

It runs the file, which lies in the current folder or below, as ``python FILE`` would in the file's own; a notebook cell
by cell, and shows what the last line of each gives. What it computes goes to standard output, as events; what it prints
and complains of, to standard error.
"""

from __future__ import annotations

import ast
import builtins
import functools
import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import minigrad
from comparisons.program.imports import change_imports_below
from comparisons.program.recording import Recorder
from comparisons.streams import own_streams
from minigrad.compat.programs import Piece, Unreadable, read_program
from minigrad.neighbours.changing import with_changed_imports

__all__ = ["run"]

DRAWING = ("rand", "randn", "randint", "randperm", "bernoulli", "multinomial", "normal")
NUDGE = 32  # units in the last place: what sums in another order may err by
DRAWING_METHODS = ("uniform_", "normal_", "random_", "bernoulli_", "exponential_")


def run(engine: str, file: str, steps: int, seed: int, arguments: list[str]) -> None:
    """Run the program, and tell what it computes."""
    requests, answers = own_streams()
    threading.Thread(target=end_with, args=(requests,), daemon=True).start()
    folder, path = Path.cwd(), Path(file).resolve()
    os.chdir(path.parent)
    sys.path[0] = str(path.parent)
    sys.argv = [path.name, *arguments]
    random.seed(seed)
    np.random.seed(seed % 2**32)
    import torch

    torch.manual_seed(seed)
    minigrad.manual_seed(seed)
    if engine == "minigrad":
        change_imports_below(folder)
        replace_draws(torch, in_minigrads_sequence)
    elif engine == "nudged":
        replace_draws(torch, nudged)
    recorder = Recorder(minigrad if engine == "minigrad" else torch, answers.buffer, str(folder), steps)
    recorder.begin()
    main = ModuleType("__main__")
    main.__file__ = str(path)
    sys.modules["__main__"] = main
    recorder.namespace = vars(main)
    try:
        pieces, refused = read_program(path.name)
        if refused:
            raise Unreadable(": ".join(refused[0]))
        if path.suffix == ".ipynb":
            builtins.display = print  # type: ignore[attr-defined]
        for piece in pieces:
            run_piece(piece, main, engine)
    except BaseException as error:
        if not isinstance(error, SystemExit) or error.code not in (None, 0):
            import traceback

            traceback.print_exc()
            recorder.fail(error)
            os._exit(0)
    recorder.end()
    sys.stderr.flush()
    os._exit(0)  # threads of the program's may run


def end_with(requests: Any) -> None:
    """End this process, and what it began, when the one that began it has ended."""
    requests.read()
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else os._exit(1)


def run_piece(piece: Piece, main: ModuleType, engine: str) -> None:
    """Run a script or a cell."""
    tree = with_changed_imports(piece.tree) if engine == "minigrad" else piece.tree
    name = f"{main.__file__}, {piece.where}" if piece.where else str(main.__file__)
    last = [tree.body.pop()] if piece.where and tree.body and isinstance(tree.body[-1], ast.Expr) else []
    exec(compile(tree, name, "exec", dont_inherit=True), vars(main))
    if last:
        exec(compile(ast.Interactive(last), name, "single", dont_inherit=True), vars(main))


def replace_draws(torch: ModuleType, by: Callable[..., Any]) -> None:
    """Put other functions in the place of those of PyTorch's that draw random numbers."""
    for owner, names in ((torch, DRAWING), (torch.Tensor, DRAWING_METHODS)):
        for name in names:
            setattr(owner, name, by(getattr(owner, name), torch))


def in_minigrads_sequence(draw: Any, torch: ModuleType) -> Any:
    """A function that draws the next numbers of minigrad's generator: for libraries, such as torchvision."""

    @functools.wraps(draw)
    def drawn(*args: Any, **named: Any) -> Any:
        if named.get("generator") is not None:
            return draw(*args, **named)
        torch.set_rng_state(torch.from_numpy(minigrad.get_rng_state().numpy()))
        try:
            return draw(*args, **named)
        finally:
            minigrad.set_rng_state(minigrad.from_numpy(torch.get_rng_state().numpy()))

    return drawn


def nudged(draw: Any, torch: ModuleType) -> Any:
    """A function that draws numbers of which every third is larger by some units in the last place."""

    @functools.wraps(draw)
    def drawn(*args: Any, **named: Any) -> Any:
        numbers = draw(*args, **named)
        if numbers.is_floating_point():
            with torch.no_grad():
                third = torch.arange(numbers.numel(), device=numbers.device).reshape(numbers.shape) % 3 == 0
                numbers.mul_(1 + NUDGE * torch.finfo(numbers.dtype).eps * third)
        return numbers

    return drawn


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
