"""The lock for ``with`` statements, which Ctrl-C leaves open.

Python 3.14 may raise ``KeyboardInterrupt`` between a lock's ``__enter__`` and the block. Nobody lets it go then, and
whoever asks for it next waits for ever (Python's issue 148874, mended in 3.15). Other versions do not look there.
"""

from __future__ import annotations

import sys
import threading

__all__ = ["Lock"]


class InterruptibleLock(type(threading.RLock())):  # type: ignore[misc]
    """The lock that lets itself go where an interrupt comes before the block has begun.

    It knows who holds it, so it may be asked when it is not clear whether it was taken. Its ``__exit__`` is Python's
    own, which no interrupt divides.
    """

    def __enter__(self) -> bool:
        try:
            return self.acquire()
        except BaseException:
            if self._is_owned():
                self.release()
            raise


Lock = InterruptibleLock if sys.version_info[:2] == (3, 14) else threading.RLock
