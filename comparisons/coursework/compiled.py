"""Engines of our own, compiled ahead: a planted mistake then costs compiling one file, and need not show its text.

Never for an engine that somebody else wrote: compiling is done in this process.
"""

from __future__ import annotations

import functools
import importlib.util
import marshal
import sys

from comparisons.coursework.engines import Engine

__all__ = ["compiled", "place_of_code", "without_text"]

UNCHECKED = 1  # the flag of compiled code that its text is not asked for
FLAGS, HASH = 4, 8  # bytes


def compiled(engine: Engine) -> Engine:
    """The engine with the compiled code of each file beside it, where Python looks for it."""
    codes = {place_of_code(path): code_of(path, text) for path, text in engine.sources.items()}
    return Engine(engine.name, {**engine.sources, **codes})


def place_of_code(path: str) -> str:
    """Where Python looks for the compiled code of a file."""
    folder, _, name = path.rpartition("/")
    place = f"__pycache__/{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    return f"{folder}/{place}" if folder else place


def without_text(engine: Engine) -> Engine:
    """The engine as compiled code alone: it can be imported, and nothing of its text is there to be read."""
    return Engine(engine.name, {f"{path}c": code_of(path, text) for path, text in engine.sources.items()})


@functools.lru_cache(maxsize=2048)
def code_of(path: str, text: bytes) -> bytes:
    """A file of compiled code. Python checks neither its age nor its text."""
    head = importlib.util.MAGIC_NUMBER + UNCHECKED.to_bytes(FLAGS, "little") + bytes(HASH)
    return head + marshal.dumps(compile(text, path, "exec", dont_inherit=True))
