"""Engines' processes as forks of one that has NumPy already: to import it takes longer than a small engine runs.

``python -I -S -B forks.py SOCKET FOLDER``, a socket's number, imports NumPy from the folder and forks for whoever asks.
A fork does all that a new process of the sandbox's level "limits" does afterwards, ``confinement.py`` first.
"""

import contextlib
import fcntl
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading

LENGTH = 8  # bytes of a number
LISTENED = 1 << 16  # bytes of what is asked for, at most


# ---------------------------------------------------------------------------------------------- who asks for forks


class Forks:
    """What there is in the place of ``subprocess`` where engines' processes are begun."""

    PIPE, TimeoutExpired = subprocess.PIPE, subprocess.TimeoutExpired

    def __init__(self, asking):
        self.asking, self.turn = asking, threading.Lock()

    def Popen(self, command, **options):
        """A fork where Python itself is begun, not inside of another program."""
        if command[:4] != [os.path.realpath(sys.executable), "-I", "-S", "-B"]:
            return subprocess.Popen(command, **options)
        return Fork(self, command[4:], options["pass_fds"])


class Fork:
    """The part of :class:`subprocess.Popen` that an engine's process needs."""

    def __init__(self, forks, words, passed):
        (stdin, ours_in), (ours_out, stdout), (ours_err, stderr), (self.told, tell) = [os.pipe() for _ in range(4)]
        theirs = [stdin, stdout, stderr, tell]
        with forks.turn:
            text = json.dumps({"words": words, "passed": passed}).encode()
            socket.send_fds(forks.asking, [text], [*theirs, *passed])
            self.pid = int.from_bytes(forks.asking.recv(LENGTH), "big")
        for each in theirs:
            os.close(each)
        self.stdin, self.stdout, self.stderr = io.FileIO(ours_in, "w"), io.FileIO(ours_out), io.FileIO(ours_err)
        self.returncode = None

    def poll(self):
        """The exit status; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        """The exit status, once it has ended."""
        if self.returncode is None:
            if not select.select([self.told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a fork", timeout)
            told = os.read(self.told, LENGTH)
            assert told, "the process that forks has ended"
            self.returncode = os.waitstatus_to_exitcode(int.from_bytes(told, "big"))
            os.close(self.told)
        return self.returncode


@contextlib.contextmanager
def begun(environment, folder):
    """:class:`Forks` of a process with this environment, which has NumPy from a folder."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        command = [os.path.realpath(sys.executable), "-I", "-S", "-B", __file__, str(theirs.fileno()), str(folder)]
        process = subprocess.Popen(command, env=environment, cwd="/", pass_fds=[theirs.fileno()])
        theirs.close()
        try:
            yield Forks(ours)
        finally:
            ours.close()
            process.wait()


# ---------------------------------------------------------------------------------------------------- who forks


def serve(asked):
    """Fork whenever that is asked for, until nobody can ask any more. Gives, in a fork, what it is to do."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began this process ends it
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    tell = {}
    while True:
        ready, _, _ = select.select([asked, ended], [], [])
        if ended in ready:
            os.read(ended, LISTENED)
            while tell and (found := os.waitpid(-1, os.WNOHANG))[0]:
                with open(tell.pop(found[0]), "wb", buffering=0) as file, contextlib.suppress(BrokenPipeError):
                    file.write(found[1].to_bytes(LENGTH, "big"))
        if asked not in ready:
            continue
        text, given, _, _ = socket.recv_fds(asked, LISTENED, 8)
        if not text:
            os._exit(0)  # what it has forked ends with it
        order = json.loads(text)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            return order, given
        tell[pid] = given[3]
        for each in given[:3] + given[4:]:
            os.close(each)
        asked.send(pid.to_bytes(LENGTH, "big"))


def become(order, given):
    """Have the streams and files that were asked for under their numbers, and no others."""
    os.setsid()
    numbers = [0, 1, 2, *order["passed"]]
    highest = max(numbers)
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD, highest + 1) for each in given[:3] + given[4:]]
    for number in set(range(highest)) - set(numbers):
        with contextlib.suppress(OSError):
            os.close(number)
    for each, number in zip(moved, numbers, strict=True):
        os.dup2(each, number)
    os.closerange(highest + 1, max(moved + given) + 1)
    sys.argv[:] = order["words"]


if __name__ == "__main__":
    known = [*sys.path]
    sys.path.append(sys.argv[2])
    import ctypes
    import resource
    import zipfile

    import numpy as np

    imported = (ctypes, np, resource, zipfile)
    sys.path[:] = known
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        become(*serve(asked))
        asked.detach()
    status = 0
    try:
        with open(sys.argv[0], "rb") as file:
            program = compile(file.read(), sys.argv[0], "exec")
        exec(program, {"__name__": "__main__", "__file__": sys.argv[0], "__builtins__": __builtins__})
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
