"""Does what ``tests/forking.py`` does, but as a process that has NumPy and no PyTorch: for the checks of a handout.

``python forking_checks.py SOCKET``, a socket's number.
"""

import contextlib
import importlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORTED = ("argparse", "ast", "bdb", "hashlib", "json", "numpy", "selectors", "zipfile")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # as checks begin an engine


@contextlib.contextmanager
def begun(environment):
    """There is a process that forks, with this environment and one thread. Gives where it is asked."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        place = os.path.join(folder, "socket")
        listener.bind(place)
        listener.listen(100)
        process = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            env={**environment, **ONE_THREAD},
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
        try:
            yield place
        finally:
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    listener, parent = socket.socket(fileno=int(sys.argv[1])), os.dup(0)
    sys.path[0] = str(Path(__file__).parents[2])
    import forking

    subprocess.Popen = forking.Popen
    for each in IMPORTED:
        importlib.import_module(each)
    asked = forking.serve(listener, parent, ONE_THREAD)
    asked["environment"] = {**ONE_THREAD, **asked["environment"]}
    forking.finish(forking.become(asked, sys.path[1:]))
