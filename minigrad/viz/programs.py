"""The user's own program, run for what it computes: ``train.py:loss``, a variable or a function without arguments."""

from __future__ import annotations
import __future__

import ast
import os
import sys
import traceback
import types
from pathlib import Path
from typing import Any

from minigrad.caller import is_own_file
from minigrad.viz.tracing import looks_like_tensor
from minigrad.viz.watching import watch

__all__ = ["Programs", "Refused"]

MODULE_NAME = "__minigrad__"
FUTURE = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})


class Refused(Exception):
    """What the user is told: a sentence, or the traceback of an error of the user's own.

    The command ends with the status 1; or 2, if the command line is wrong or a package is not installed.
    """

    def __init__(self, told: str, status: int = 1, is_traceback: bool = False) -> None:
        super().__init__(told)
        self.status, self.is_traceback = status, is_traceback


class Programs:
    """The user's files while a command runs. Each is run once, under ``watch``, nearly as ``python train.py`` would.

    Its folder is the first in which it imports, ``sys.argv`` has its name alone. But ``__name__`` is "__minigrad__":
    what stands under ``if __name__ == "__main__":`` is not run.
    """

    def __init__(self) -> None:
        self.run: dict[str, types.ModuleType] = {}

    def __enter__(self) -> Programs:
        self.before = [*sys.path], sys.argv
        return self

    def __exit__(self, *error: object) -> None:
        sys.path[:], sys.argv = self.before
        sys.modules.pop(MODULE_NAME, None)

    def named(self, target: str) -> tuple[Any, dict[str, Any]]:
        """What ``train.py:model.loss`` names, and all names of the file.

        Raises:
            Refused: there is no such file or name.
        """
        path, _, dotted = target.rpartition(":")
        module = self.module(path)
        value: Any = module
        try:
            for name in dotted.split("."):
                value = getattr(value, name)
        except AttributeError:
            raise Refused(f"{path} has no {dotted}{self.instead(module)}") from None
        return value, vars(module)

    def module(self, path: str) -> types.ModuleType:
        """The file, run."""
        place = os.path.abspath(path)
        if place not in self.run:
            if not os.path.isfile(place):
                raise Refused(f"there is no file {path}")
            try:
                source = Path(place).read_bytes()
            except OSError as error:
                raise Refused(f"{path} cannot be read: {error.strerror}") from None
            self.run[place] = module = types.ModuleType(MODULE_NAME)
            module.__file__ = place
            sys.modules[MODULE_NAME] = module
            sys.path.insert(0, os.path.dirname(place))
            sys.argv = [path]
            execute(source, module)
        return self.run[place]

    def refusal(self, error: BaseException, program: str) -> BaseException:
        """What is told of an error that ``program`` ended with: if it is the user's, with the traceback from the user's
        first line on; else in a sentence."""
        if isinstance(error, (Refused, KeyboardInterrupt, BrokenPipeError)):
            return error
        if isinstance(error, SystemExit):
            return Refused(f"{program} ended itself, by sys.exit or the like, before there was a graph")
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename not in self.run:
            trace = trace.tb_next
        if trace is not None or (isinstance(error, SyntaxError) and error.filename in self.run):
            return Refused(of_user(traceback.TracebackException(type(error), error, trace)), is_traceback=True)
        words = str(error).partition("\n")[0]
        if words.startswith("Trying to backward through the graph a second time"):
            instead = "so leave that out, or call it with retain_graph=True"
            return Refused(f"the graph behind {program} was freed: the program runs backward itself, {instead}")
        if isinstance(error, OSError) and error.filename is not None:
            return Refused(f"{os.fspath(error.filename)} cannot be written: {error.strerror}")
        if isinstance(error, ImportError):  # an extra is not installed
            return Refused(words, status=2)
        return Refused(words or type(error).__name__)

    def instead(self, module: types.ModuleType) -> str:
        """What could have been named instead."""
        found = vars(module).items()
        tensors = [name for name, value in found if looks_like_tensor(value) and value.grad_fn is not None]
        if tensors:
            return f": the tensors with a graph are {', '.join(tensors[-5:])}"
        return ': it has no tensor with a graph (what stands under if __name__ == "__main__": is not run)'


def of_user(told: traceback.TracebackException) -> str:
    """A traceback without minigrad's own lines, nor those of what led to the error."""
    cause: traceback.TracebackException | None = told
    while cause is not None:
        cause.stack = traceback.StackSummary.from_list([each for each in cause.stack if not is_own_file(each.filename)])
        cause = cause.__cause__ or cause.__context__
    return "".join(told.format()).rstrip()


def execute(source: bytes, module: types.ModuleType) -> None:
    """Run a file, from import to import, so that ``watch`` sees PyTorch from where it is imported on."""
    path: Any = module.__file__
    body = ast.parse(source, path).body
    ends = [number for number, statement in enumerate(body, 1) if has_import(statement)]
    flags = 0
    for first, end in zip([0, *ends], [*ends, len(body)]):
        code = compile(ast.Module(body[first:end], []), path, "exec", flags, dont_inherit=True)
        flags |= code.co_flags & FUTURE
        with watch():
            exec(code, vars(module))


def has_import(statement: ast.stmt) -> bool:
    """True for an import, also one that is tried."""
    return any(isinstance(each, (ast.Import, ast.ImportFrom)) for each in (statement, *getattr(statement, "body", ())))
