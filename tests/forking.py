"""Programs in Python, begun by a fork of a process that has imported PyTorch: to import it takes longer than they run.

``python forking.py SOCKET``, a socket's number, imports what takes long once it is asked for something: nothing of this
repository's. Nor does it compute. Whoever asks gets a fork, which runs a module, a script or ``-c`` with the arguments,
environment, folder, streams and session that were asked for, as a new interpreter does. :class:`Popen` asks in the
place of :class:`subprocess.Popen`, in tests and in what they begin. What it cannot ask for, such as another option of
Python's or another number of threads, is begun as ever.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
import warnings

SOCKET = "MINIGRAD_TESTS_FORKING"
IMPORTED = (
    "torch",
    "torch.distributed.run",
    "torch.distributed.checkpoint.state_dict",
    "torch.distributed.fsdp",
    "torch._inductor",
    "torchvision.transforms.v2",
    "lightning.pytorch",
    "matplotlib.pyplot",
    "sklearn.datasets",
    "rich.progress",
    "typer",
)
# What Python and its libraries read once, when they are imported; and what may differ of it.
READ_ONCE = ("PYTHON", "LC_", "LANG", "LD_", "OMP_", "MKL_", "OPENBLAS_", "MPL", "TORCH_", "PYTORCH_", "CUDA_")
READ_AGAIN = ("PYTHONPATH", "PYTHONUNBUFFERED", "TORCH_NCCL_ASYNC_ERROR_HANDLING", "PYTHON_EXEC")


def read_once(environment):
    """The part of an environment that a fork cannot change."""
    return {name: text for name, text in environment.items() if name.startswith(READ_ONCE) and name not in READ_AGAIN}


def understood(command):
    """The way to run a command of this Python: ``-m``, ``-c`` or a script, and what follows; None if it is another."""
    if not isinstance(command, (list, tuple)) or not command or os.fspath(command[0]) != sys.executable:
        return None
    words = [os.fspath(word) for word in command[1:]]
    if any(not isinstance(word, str) for word in words):
        return None
    unbuffered = words[:1] == ["-u"]
    words = words[unbuffered:]
    strict = words[:2] == ["-W", "error"]
    words = words[2 * strict :]
    if words[:1] in (["-m"], ["-c"]) and len(words) > 1:
        way, *words = words
    elif words and not words[0].startswith("-"):
        way = "script"
    else:
        return None
    return {"way": way, "words": words, "unbuffered": unbuffered, "strict": strict}


class Popen(subprocess.Popen):
    """A fork where there is one to be had. It is no child of this process, so its status comes over the socket."""

    told = None

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *others):
        streams, (_, *user, new_session) = others[3:9], others[9:15]
        asked = understood(args)
        plain = [executable, preexec_fn, *pass_fds, others[2], *user, *others[15:]]  # shell, and who the process is
        if asked is None or SOCKET not in os.environ or any(each not in (None, False, -1) for each in plain):
            super()._execute_child(args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *others)
            return
        asked["folder"] = os.path.abspath(os.fspath(cwd)) if cwd else os.getcwd()
        asked |= {"environment": dict(os.environ if env is None else env), "new_session": bool(new_session)}
        given = [stream if stream != -1 else number for number, stream in enumerate(streams[i] for i in (0, 3, 5))]
        text = json.dumps(asked, default=os.fsdecode).encode("utf-8", "surrogateescape")
        with contextlib.ExitStack() as opened:
            asking = opened.enter_context(socket.socket(socket.AF_UNIX))
            asking.connect(os.environ[SOCKET])
            socket.send_fds(asking, [len(text).to_bytes(8, "big")], given)
            asking.sendall(text)
            pid = int.from_bytes(exactly(asking, 8), "big")
            if pid:
                self.told = opened.pop_all().enter_context(asking)
        if not pid:
            super()._execute_child(args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *others)
            return
        self.pid = pid
        self._child_created = True
        self._close_pipe_fds(*streams)

    def _try_wait(self, wait_flags):
        if self.told is None:
            return super()._try_wait(wait_flags)
        if wait_flags & os.WNOHANG and not select.select([self.told], [], [], 0)[0]:
            return 0, 0
        status = int.from_bytes(exactly(self.told, 8), "big")
        self.told.shutdown(socket.SHUT_WR)  # its number may be another process's from here on
        self.told.recv(1)
        self.told.close()
        return self.pid, status

    def _internal_poll(self, *arguments, **named):
        if self.told is None:
            return super()._internal_poll(*arguments, **named)
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG) if self.returncode is None else (0, 0)
                if pid == self.pid:
                    self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


def exactly(connection, count):
    """Read so many bytes."""
    found = b""
    while len(found) < count:
        more = connection.recv(count - len(found))
        if not more:
            raise ConnectionError("the process that forks has ended")
        found += more
    return found


def status_of(found):
    """What :func:`os.waitpid` would give of a process that has ended, from what :func:`os.waitid` does."""
    if found.si_code == os.CLD_EXITED:
        return found.si_status << 8
    return found.si_status | (0x80 if found.si_code == os.CLD_DUMPED else 0)


def serve(listener, parent, imported):
    """Fork for everybody who asks in about this environment, until the process that began this one has ended.

    Some of its variables were ``imported``: libraries have set them.

    In this process it does not return; in a fork it gives what was asked for.
    """
    ended, wake = os.pipe()
    os.set_blocking(ended, False)
    os.set_blocking(wake, False)
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began this process ends it
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    waiting, told = {}, {}  # who waits for a fork; and who has been told how it ended, and may signal to it yet
    while True:
        ready, _, _ = select.select([listener, ended, parent, *told], [], [])
        if parent in ready:
            for pid in waiting:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)
        if ended in ready:
            os.read(ended, 1000)
            for pid in [*waiting]:
                if (found := os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                    connection = waiting.pop(pid)
                    told[connection] = pid
                    with contextlib.suppress(OSError):  # nobody may ask any more
                        connection.sendall(status_of(found).to_bytes(8, "big"))
        for connection in told.keys() & set(ready):
            os.waitpid(told.pop(connection), 0)
            connection.close()
        if listener not in ready:
            continue
        connection, _ = listener.accept()
        length, streams, _, _ = socket.recv_fds(connection, 8, 3)
        asked = json.loads(exactly(connection, int.from_bytes(length, "big")).decode("utf-8", "surrogateescape"))
        possible = read_once(imported | asked["environment"]) == read_once(os.environ)
        possible = possible and os.path.isdir(asked["folder"])
        pid = os.fork() if possible else 0
        if possible and pid == 0:
            if asked["new_session"]:
                os.setsid()
            connection.sendall(os.getpid().to_bytes(8, "big"))  # it can be found by its session now
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, interrupted)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            for opened in (connection, listener, *waiting.values(), *told):
                opened.close()
            for number in (ended, wake, parent, *streams):
                os.close(number)
            return asked
        for stream in streams:
            os.close(stream)
        if possible:
            waiting[pid] = connection
        else:
            with connection:
                connection.sendall(bytes(8))


def become(asked, path):
    """Make of this fork what a new interpreter would be. Gives what is left: to run the program."""
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    way, words = asked["way"], asked["words"]
    first = {"-m": asked["folder"], "-c": ""}.get(way, os.path.dirname(os.path.realpath(words[0])))
    sys.path[:] = [first, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *path]
    sys.path_importer_cache.clear()
    unbuffered = asked["unbuffered"] or bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.orig_argv[:] = [sys.executable, *([] if way == "script" else [way]), *words]
    if asked["strict"]:  # what has been imported has warned already
        sys.warnoptions.append("error")
        warnings.simplefilter("error")
    sys.argv[:] = [way if way != "script" else words[0], *words[1:]]
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        kind = "r" if number == 0 else "w"
        raw = io.FileIO(number, kind, closefd=False)
        lines = number == 2 or os.isatty(number)
        buffered = raw if unbuffered and number else (io.BufferedWriter if number else io.BufferedReader)(raw)
        errors = getattr(sys, name).errors
        options = {"line_buffering": lines, "write_through": unbuffered and number > 0}
        stream = io.TextIOWrapper(buffered, encoding=getattr(sys, name).encoding, errors=errors, **options)
        stream.mode = kind
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    if way == "-m":
        return lambda: runpy._run_module_as_main(words[0])
    if way == "-c":
        return lambda: exec(compile(words[0], "<string>", "exec"), main.__dict__)
    main.__file__ = words[0]
    with open(words[0], "rb") as file:
        program = compile(file.read(), words[0], "exec")
    return lambda: exec(program, main.__dict__)


def finish(program):
    """Run a program and end this process as Python would, but for the memory: to free what was imported takes long."""
    status = 0
    try:
        program()
    except SystemExit as end:
        status = end.code
        if status is not None and not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException as error:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        status = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if status == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit((status or 0) & 255)


@contextlib.contextmanager
def begun():
    """There is a process that forks, for this one and all that it begins."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        os.environ[SOCKET] = os.path.join(folder, "socket")
        listener.bind(os.environ[SOCKET])
        listener.listen(100)
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        command = [sys.executable, __file__, str(listener.fileno())]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, pass_fds=[listener.fileno()])
        try:
            yield
        finally:
            del os.environ[SOCKET]
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    sys.modules["forking"] = sys.modules["__main__"]
    listener, parent = socket.socket(fileno=int(sys.argv[1])), os.dup(0)
    if parent in select.select([listener, parent], [], [])[0]:
        os._exit(0)  # nobody has asked
    subprocess.Popen = Popen
    before = dict(os.environ)
    for each in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(each)
    gc.collect()
    gc.freeze()
    imported = dict(os.environ.items() - before.items())  # what the imports have set: programs, and theirs, have it too
    asked = serve(listener, parent, imported)
    asked["environment"] = {**imported, **asked["environment"]}
    finish(become(asked, sys.path[1:]))
