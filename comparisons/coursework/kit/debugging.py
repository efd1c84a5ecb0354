"""``--debug``: the first case that fails, run in this process, and a stop in the student's function."""

from __future__ import annotations

import ast
import gc
import os
import sys
from bdb import BdbQuit
from types import CodeType, FunctionType

from comparisons.coursework.holes import Place, functions_in
from comparisons.coursework.kit.handed_out import Broken, Case, Handout, Task
from comparisons.coursework.kit.runner import Result, attached, result_of
from comparisons.coursework.kit.running import import_engine, missing_function, run_case, stopped_import

__all__ = ["debug", "stop_in"]


def debug(handout: Handout, task: Task, case: Case) -> Result:
    """Run a case, and stop at the first line of each function of its task, every time that it is called.

    Raises:
        Broken: a function cannot be stopped in.
    """
    number = task.cases.index(case)
    told = missing_function(handout, task)
    if told is None:
        try:
            engine = import_engine(handout)
        except BaseException as error:
            return result_of(task, number, stopped_import(error, handout))
        for place in task.places:
            stop_in(handout, place)
        try:
            told = run_case(engine, handout, case)
        except BdbQuit:
            told = {"status": "stopped", "message": "the debugger was left"}
    return result_of(task, number, told)


def stop_in(handout: Handout, place: Place) -> None:
    """Give a function a call of ``breakpoint()`` before its first statement. Its file stays as it is."""
    path = handout.file(place)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    piece = functions_in(tree)[place.name]
    node = piece.node
    position = int(ast.get_docstring(node, clean=False) is not None and len(node.body) > 1)
    call = ast.Expr(ast.Call(ast.Name("breakpoint", ast.Load()), [], []))
    first = node.body[position]
    stops_at_once = sys.version_info >= (3, 13) and not attached()  # else at the line after the call's
    line = first.lineno if stops_at_once else first.lineno - 1
    for each in ast.walk(call):
        if isinstance(each, (ast.stmt, ast.expr)):
            each.lineno = each.end_lineno = line
            each.col_offset = each.end_col_offset = 0
    node.body.insert(position, call)
    code = code_of(compile(tree, str(path), "exec", dont_inherit=True), node.name, piece.first)
    found = 0
    for each in gc.get_objects():
        if type(each) is FunctionType and is_code(each.__code__, os.fspath(path), node.name, piece.first):
            each.__code__ = code
            found += 1
    if not found:
        raise Broken(f"{place.name} is not used as it stands in {path.name}: set a breakpoint there by hand")


def is_code(code: CodeType, file: str, name: str, first: int) -> bool:
    """Whether a code is that of the function of this name which begins at this line of a file."""
    return code.co_filename == file and code.co_name == name and code.co_firstlineno == first


def code_of(code: CodeType, name: str, first: int) -> CodeType:
    """The code of a function inside that of a module."""
    waiting = [code]
    while waiting:
        each = waiting.pop()
        if each.co_name == name and each.co_firstlineno == first:
            return each
        waiting.extend(inner for inner in each.co_consts if isinstance(inner, CodeType))
    raise AssertionError("a module's code has that of its functions")
