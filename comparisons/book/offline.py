"""A process that may reach no other machine: what it runs is known to need none."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["refuse_network"]

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def refuse_network() -> None:
    """From now on whoever asks for another machine in this process, or in one forked from it, is refused.

    Python tells of every socket before it is used, and what listens cannot be taken away again. Between processes of
    this machine everything goes as before.
    """
    sys.addaudithook(refuse)


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise OSError where an address is one of another machine."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None  # else it is a name in the file system
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and not host.startswith(LOOPBACK):
        raise OSError(f"the book runs offline, and a cell asked for {host}: use data that are here")
