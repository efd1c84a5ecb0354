"""``python -m minigrad``: the graph of an expression or of one's own program, drawn, or its backward explained; and
whether what programs use of PyTorch is here.

    python -m minigrad draw "x**2 + 2*x + 1" x=2 -o graph.svg
    python -m minigrad draw train.py:loss
    python -m minigrad explain train.py:loss --against train.py:torch_loss -o backward.html
    python -m minigrad compat course/

What is wrong is told in one sentence, with status 2 if it is the command line and 1 otherwise; an error in the user's
own file has its traceback, from the user's line on. An expression may come from a stranger: ``viz/expression.py``
computes it and runs no code. A file that is drawn or explained is the user's own program, and is run:
``viz/programs.py``. What ``compat`` reads may be anybody's, and is not run: ``compat/programs.py``.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import shutil
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import minigrad
from minigrad import viz
from minigrad.compat.programs import Unreadable
from minigrad.compat.report import report_on
from minigrad.viz.explaining import SUFFIXES as PAGES
from minigrad.viz.explaining import called
from minigrad.viz.expression import evaluated, given_values
from minigrad.viz.programs import Programs, Refused
from minigrad.viz.tracing import looks_like_tensor

__all__ = ["main"]

PROGRAM = "python -m minigrad"
WRONG_USAGE, INTERRUPTED = 2, 130

PICTURES = (".svg", ".png", ".pdf", ".dot", ".gv")
FORMATS = (*PICTURES, ".mmd", ".html", ".json", ".txt")
LOOKS = ("depth", "collapse", "theme", "no_values", "no_grads", "max_nodes")  # the options of pictures
IN_A_FILE = re.compile(r".+\.py:[^\W\d]\w*(\.[^\W\d]\w*)*")


def main(arguments: Sequence[str]) -> int:
    """Run a command line, and give its status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without × shows ?
    try:
        chosen = parser().parse_args([f" {each}" if is_negative(each) else each for each in arguments])
        status: int = chosen.begin(chosen)
        sys.stdout.flush()
    except Refused as refused:
        told = str(refused) if refused.is_traceback else f"{PROGRAM}: {' '.join(str(refused).split())}"
        print(told, file=sys.stderr)
        return refused.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who read it has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def look(chosen: argparse.Namespace) -> int:
    """Draw or explain what was chosen; what goes wrong is a Refused."""
    if chosen.output is not None:
        if suffix_of(chosen.output) not in chosen.suffixes:
            raise Refused(f"{chosen.output} ends in none of {', '.join(chosen.suffixes)}", WRONG_USAGE)
        chosen.path = os.path.abspath(chosen.output)  # a program may go to another folder
    with Programs() as programs:
        try:
            print(chosen.run(Subject(chosen.program, chosen.value, programs), chosen))
        except BaseException as error:
            raise programs.refusal(error, chosen.program) from None
    return 0


def compat(chosen: argparse.Namespace) -> int:
    """``compat``: tell which of PyTorch's names programs use. Returns 0 where all are there, 1 where one is absent."""
    try:
        report = report_on(chosen.path)
    except Unreadable as error:
        raise Refused(f"{chosen.path}: {error}", WRONG_USAGE) from None
    print(report.as_json() if chosen.json else report.as_text(columns()))
    return report.status


def suffix_of(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def is_negative(argument: str) -> bool:
    """True for an expression such as ``-x**2``, which argparse would take for an option."""
    return re.match(r"-[^-oh]", argument) is not None


# ---------------------------------------------------------------------------------------------- the command line


class Parser(argparse.ArgumentParser):
    """argparse, which tells what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message} (see {self.prog} --help)", WRONG_USAGE)


def parser() -> Parser:
    """What may stand on the command line."""
    root = Parser(prog=PROGRAM, description="Look at graphs, and at programs.")
    commands = root.add_subparsers(required=True, metavar="draw|explain|compat")

    drawing = add_command(commands, "draw", draw, FORMATS, "draw the graph behind a tensor", "the graph is printed")
    drawing.add_argument("--depth", type=natural, metavar="N", help="how many levels of modules are open")
    drawing.add_argument("--collapse", choices=["auto", "module", "no"], help="what is folded")
    drawing.add_argument("--theme", choices=["auto", "light", "dark"], help="the colours")
    drawing.add_argument("--no-values", action="store_true", default=None, help="leave the values out")
    drawing.add_argument("--no-grads", action="store_true", default=None, help="leave the gradients out")
    drawing.add_argument("--backward", action="store_true", help="run backward first, so that there are gradients")
    drawing.add_argument("--max-nodes", type=natural, metavar="N", help="refuse larger pictures")

    explaining = add_command(
        commands, "explain", explain, PAGES, "write a page to step through backward on", "the steps are printed"
    )
    explaining.add_argument("--against", metavar="FILE.py:NAME", help="the same of PyTorch: its gradients stand beside")

    tells = "tell which of PyTorch's names programs use, and whether they are here, without running them"
    reading = commands.add_parser("compat", help=tells, description=f"{tells[0].upper()}{tells[1:]}.")
    reading.add_argument("path", help="a program (.py, .ipynb, .md), or a folder of programs")
    reading.add_argument("--json", action="store_true", help="tell it in JSON, with every place")
    reading.set_defaults(begin=compat)
    return root


def add_command(commands: Any, name: str, run: Any, suffixes: Sequence[str], does: str, otherwise: str) -> Parser:
    """A command that looks at a graph, with what both of them ask for."""
    command: Parser = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
    command.add_argument(
        "program",
        help="a name in a file of yours, which is run: train.py:loss, train.py:model.loss, or a function without "
        "arguments; or an expression: 'x**2 + 2*x + 1', which is computed, and runs no code",
    )
    command.add_argument("value", nargs="*", default=[], metavar="x=2", help="the expression's values: x=2, x=[1,2,3]")
    command.add_argument("-o", dest="output", metavar="FILE", help=f"{', '.join(suffixes)}; without it {otherwise}")
    command.set_defaults(begin=look, run=run, suffixes=suffixes, path=None)
    return command


def natural(text: str) -> int:
    """An integer that is not negative, as argparse asks for it."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


# ---------------------------------------------------------------------------------------------- what is looked at


class Subject:
    """What is drawn or explained: a tensor, or a function that gives one, and the names that go with it."""

    def __init__(self, program: str, values: Sequence[str], programs: Programs) -> None:
        self.program, self.programs = program, programs
        self.value, self.names = self.found(program, values)

    def found(self, program: str, values: Sequence[str]) -> tuple[Any, dict[str, Any]]:
        """What ``program`` names or computes, and the names of tensors."""
        if IN_A_FILE.fullmatch(program):
            if values:
                raise Refused(f"{values[0]} is a value for an expression, and {program} is in a file", WRONG_USAGE)
            value, names = self.programs.named(program)
            check_function(value, program)
            return value, names
        file = program.rpartition(":")[0] or program
        if file.endswith(".py"):
            raise Refused(f"say which tensor of the file, as in {file}:loss", WRONG_USAGE)
        if ":" in program and os.path.exists(file):
            raise Refused(f"{file} is no file of Python's: its name must end in .py", WRONG_USAGE)
        try:
            given = given_values(list(values))
            with viz.watch(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return evaluated(program, given, minigrad), dict(given)
        except ValueError as error:
            raise Refused(str(error), WRONG_USAGE) from None

    def tensors(self) -> Any:
        """The tensor, or the tensors in a list; a function is called for it.

        Raises:
            Refused: it is none, or has no graph.
        """
        if callable(self.value):
            with viz.watch():
                self.value, self.names = called(self.value)
        several = isinstance(self.value, (list, tuple)) and len(self.value) > 0
        for each in self.value if several else [self.value]:
            if not looks_like_tensor(each):
                raise Refused(f"{self.program} is no tensor: its type is {type(each).__name__}")
            if not each.requires_grad:
                raise Refused(f"{self.program} has no graph: nothing that it was computed from requires grad")
            if each.grad_fn is None:
                raise Refused(f"{self.program} has no graph: it is a leaf, which nothing was computed for")
        return self.value


def check_function(value: Any, program: str) -> None:
    """Raise a sentence where ``value`` could be called, but not without arguments."""
    if not callable(value) or looks_like_tensor(value):
        return
    if isinstance(value, type) or hasattr(value, "parameters"):
        kind = "a class" if isinstance(value, type) else "a module"
        raise Refused(f"{program} is {kind}: name a tensor that it gave, or a function that returns one")
    needed = []
    with suppress(TypeError, ValueError):  # there are functions of which nothing is known
        for name, parameter in inspect.signature(value).parameters.items():
            if parameter.default is parameter.empty and "VAR_" not in parameter.kind.name:
                needed.append(name)
    if needed:
        raise Refused(f"{program} asks for arguments ({', '.join(needed)}): name a function without any")


# ---------------------------------------------------------------------------------------------- the two commands


def draw(subject: Subject, chosen: argparse.Namespace) -> str:
    """``draw``: the graph as a picture, whose path is told, or as text."""
    looks = {name: getattr(chosen, name) for name in LOOKS if getattr(chosen, name) is not None}
    if looks and (chosen.output is None or suffix_of(chosen.output) not in PICTURES):
        option = next(iter(looks)).replace("_", "-")
        raise Refused(f"--{option} is for pictures: say by -o where to, in {', '.join(PICTURES)}", WRONG_USAGE)
    tensors: Any = subject.tensors()
    names: Any = subject.names
    if chosen.backward:
        tensors, names = viz.record(tensors, names=names), None
    if chosen.output is None:
        return viz.text(tensors, names=names, width=columns())
    for name in ("values", "grads"):
        looks[name] = not looks.pop(f"no_{name}", False)
    if chosen.collapse == "no":
        looks["collapse"] = False
    viz.draw(tensors, names=names, **looks).save(chosen.path)
    return str(chosen.output)


def explain(subject: Subject, chosen: argparse.Namespace) -> str:
    """``explain``: the page, whose path is told, or the steps as text."""
    is_function = callable(subject.value)
    what: Any = subject.value if is_function else subject.tensors()
    names: Any = None if is_function else subject.names  # a function's are its own variables
    against = None if chosen.against is None else Subject(chosen.against, (), subject.programs).value
    trace = viz.explain(what, chosen.path, against=against, names=names)
    return trace.text(columns()) if chosen.output is None else str(chosen.output)


def columns() -> int:
    """How wide the terminal is."""
    return max(40, shutil.get_terminal_size().columns)
