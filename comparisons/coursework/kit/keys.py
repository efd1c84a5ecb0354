"""Keys as they are pressed, where there is a terminal; else the first letter of each line that is typed."""

from __future__ import annotations

import os
import queue
import sys
import threading
from types import TracebackType
from typing import Any

__all__ = ["Keys"]


class Keys:
    """The keys that are pressed inside its block. Where no more can come, the last is "q"."""

    def __init__(self) -> None:
        self.pressed: queue.Queue[str] = queue.Queue()
        self.before: tuple[int, list[Any]] | None = None  # how the terminal was set

    def __enter__(self) -> Keys:
        read = self.read_lines
        if sys.stdin.isatty():
            if os.name == "nt":
                read = self.read_console
            else:
                import termios
                import tty

                number = sys.stdin.fileno()
                self.before = (number, termios.tcgetattr(number))
                tty.setcbreak(number)
                read = self.read_terminal
        threading.Thread(target=read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.before is not None:
            import termios

            termios.tcsetattr(self.before[0], termios.TCSADRAIN, self.before[1])

    def read_lines(self) -> None:
        """Lines, for an editor's console or a pipe."""
        for line in sys.stdin:
            self.pressed.put(line.strip()[:1].lower())
        self.pressed.put("q")

    def read_terminal(self) -> None:
        """Keys of a terminal, as they are pressed."""
        while key := os.read(sys.stdin.fileno(), 1):
            self.pressed.put(key.decode("ascii", "replace").lower())
        self.pressed.put("q")

    def read_console(self) -> None:
        """Keys of a console of Windows."""
        import msvcrt

        while True:
            self.pressed.put(msvcrt.getwch().lower())  # type: ignore[attr-defined]
