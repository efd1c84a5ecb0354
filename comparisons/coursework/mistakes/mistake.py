"""What a planted mistake is: a text of the engine replaced by another, and the task whose cases must notice it."""

from __future__ import annotations

from dataclasses import dataclass

from comparisons.coursework.engines import Engine

__all__ = ["Mistake"]


@dataclass(frozen=True)
class Mistake:
    """A change of meaning, known by what it does.

    Attributes:
        id: its own, such as "W1".
        task: the task whose cases catch it.
        file: the file's path below the package.
        old: what stands there, once.
        new: what stands there instead.
        what: what is wrong then, in a few words.
    """

    id: str
    task: str
    file: str
    old: str
    new: str
    what: str

    def planted(self, engine: Engine) -> Engine:
        """The engine with this mistake.

        Raises:
            ValueError: what is to be replaced does not stand there once.
        """
        path = f"{engine.name}/{self.file}"
        text = engine.sources[path].decode()
        if text.count(self.old) != 1:
            raise ValueError(f"mistake {self.id}: {self.file} has its text {text.count(self.old)} times, not once")
        return Engine(engine.name, {**engine.sources, path: text.replace(self.old, self.new).encode()})
