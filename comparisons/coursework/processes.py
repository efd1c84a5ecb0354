"""A process that answers requests: each within its time, and in no more bytes than it may. POSIX alone."""

from __future__ import annotations

import itertools
import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from comparisons.coursework.student import FIRST, HEAD

__all__ = ["Limits", "NoAnswer", "Process"]

MOST_TEXT = 1 << 20  # bytes of a message's text
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class NoAnswer(Exception):
    """The process did not answer as it should; the message says what it did instead."""


@dataclass(frozen=True)
class Limits:
    """What an engine may use: seconds for its import and for each case, bytes of memory and of an answer's arrays."""

    seconds: float = 10.0
    memory: int = 2 << 30
    answer: int = 16 << 20


class Process:
    """A process that answers requests, each within its time; ended, with all that it began, where its block ends."""

    def __init__(self, command: list[str], limits: Limits, nowhere: int) -> None:
        self.limits = limits
        self.process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[nowhere],
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        assert self.process.stdin is not None and self.process.stdout is not None and self.process.stderr is not None
        self.requests, self.answers = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.complaints = self.process.stderr
        os.set_blocking(self.requests, False)
        self.received = bytearray()
        self.numbers = itertools.count(FIRST)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS: of processes that have ended already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def ask(self, number: int, request: bytes = b"", seconds: float | None = None) -> tuple[bytes, bytes]:
        """Send a request and wait for the answer: the bytes of its text and of its arrays.

        The first message with the request's number is the answer; others are left over from before, and dropped.

        Raises:
            NoAnswer: none came in time, the process has ended, or it sent more than it may.
        """
        seconds = self.limits.seconds if seconds is None else seconds
        deadline = time.monotonic() + seconds
        while True:
            while (message := self.next_message()) is not None:
                if message[0] == number:
                    return message[1:]
            left = deadline - time.monotonic()
            if left <= 0:
                raise NoAnswer(f"no answer within {seconds:g} s")
            readable, writable, _ = select.select([self.answers], [self.requests] if request else [], [], left)
            if writable:
                request = request[self.write(request) :]
            if readable:
                part = os.read(self.answers, 1 << 16)
                if not part:
                    raise NoAnswer(self.ending())
                self.received += part

    def lives(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None

    def next_message(self) -> tuple[int, bytes, bytes] | None:
        """The first message of what was received, which is taken out; None where it is not whole yet."""
        if len(self.received) < HEAD.size:
            return None
        number, text, arrays = HEAD.unpack(self.received[: HEAD.size])
        if text > MOST_TEXT or arrays > self.limits.answer:
            raise NoAnswer(f"it sent more than {self.limits.answer:,} bytes, or no answer at all")
        end = HEAD.size + text + arrays
        if len(self.received) < end:
            return None
        message = bytes(self.received[HEAD.size : end])
        del self.received[:end]
        return number, message[:text], message[text:]

    def write(self, request: bytes) -> int:
        """Write what the pipe takes; all of it where nobody reads any more."""
        try:
            return os.write(self.requests, request)
        except BrokenPipeError:
            return len(request)

    def ending(self) -> str:
        """How the process ended, or that it stopped to answer."""
        try:
            status = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "its process closed the pipe without an answer"
        number = -status if status < 0 else status - 128
        if number in signal.valid_signals():
            return f"its process was ended by {signal.Signals(number).name} before it answered"
        return f"its process ended, with exit status {status}, before it answered"
