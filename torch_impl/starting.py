"""How ``python -m torch_impl`` and ``python -m comparisons`` begin and end, before and after ``cli.py`` has its say.

Imports take seconds, so nothing but the standard library is imported here before Ctrl-C is listened to. SIGTERM, by
which clusters and ``kill`` end a program, is an interruption like Ctrl-C, with another status.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from torch_impl.missing import missing_part

__all__ = ["INTERRUPTION", "Terminated", "start", "status_of", "stopping_at_once"]

WRONG_USAGE = 2
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}  # what is done if nobody listens
INTERRUPTED, TERMINATED = 128 + 2, 128 + 15  # the statuses that a shell gives to what Ctrl-C and SIGTERM ended


INTERRUPTION = "interrupted"  # what is said of both, where there is nothing else to say


class Terminated(KeyboardInterrupt):
    """SIGTERM has come: whoever cleans up after Ctrl-C does so after this."""


def status_of(interruption: KeyboardInterrupt) -> int:
    """The exit status of a program that was interrupted."""
    return TERMINATED if isinstance(interruption, Terminated) else INTERRUPTED


def start(program: str) -> None:
    """Run ``main`` of the package ``program``'s ``cli.py``, and end with its status. No traceback for what is expected.

    Ctrl-C and SIGTERM while modules are imported, and while Python ends, stop at once: nothing is open then. At any
    other time, too, they end in a sentence.
    """
    listened = [number for number in USUAL if signal.getsignal(number) == USUAL[number]]  # not in a shell's background
    if "LOCAL_RANK" in os.environ and "TORCHELASTIC_RUN_ID" not in os.environ:
        for number in listened:  # which Ctrl-C tells, too: the process of Lightning's that began this one ends it
            signal.signal(number, signal.SIG_IGN)
        listened = []
    for number in listened:
        signal.signal(number, leave)
    try:
        main = importlib.import_module(f"{program}.cli").main
        errors = importlib.import_module("torch_impl.errors")
    except ModuleNotFoundError as error:
        needed = missing_part(error, program)
        if needed is None:
            raise
        print(f"python -m {program} {needed}", file=sys.stderr)
        sys.exit(WRONG_USAGE)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without × shows ?
    status: object = 0
    try:
        for number in listened:
            signal.signal(number, terminate if number == signal.SIGTERM else signal.default_int_handler)
        with errors.one_sentence(program):
            main()
    except SystemExit as end:
        status = end.code
    except KeyboardInterrupt as interruption:
        status = status_of(interruption)
    for number in listened:
        signal.signal(number, leave)
    try:
        with errors.one_sentence(program, quiet=status != 0):
            flush()
    except SystemExit as end:
        status = status or end.code
    if status in (INTERRUPTED, TERMINATED):
        os._exit(status)  # what other threads wait for, such as another process, may have ended
    sys.exit(status)  # type: ignore[arg-type]


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """While a command imports what takes seconds, Ctrl-C and SIGTERM stop at once: nothing is open then."""
    handlers = {number: signal.getsignal(number) for number in USUAL}
    listened = [number for number in USUAL if handlers[number] in (signal.default_int_handler, terminate)]
    for number in listened:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in listened:
            signal.signal(number, handlers[number])


def terminate(number: int, frame: FrameType | None) -> None:
    """Interrupt what runs."""
    raise Terminated


def leave(number: int, frame: FrameType | None) -> None:
    """End this process at once; of several the first says so."""
    program = sys.modules["__main__"].__package__
    if os.environ.get("LOCAL_RANK", "0") == "0":
        with suppress(OSError):  # nobody is there to be told
            os.write(2, f"{program}: {INTERRUPTION}\n".encode())
    os._exit(128 + number)


def flush() -> None:
    """Write what was printed and still waits. If it cannot be, it is dropped: Python would complain of it at its end.

    Raises:
        OSError: nobody reads it any more, or the disk is full.
    """
    failure: OSError | None = None
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as error:
            failure = error
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    if failure is not None:
        raise failure
