"""A student's functions in a text of the reference: so each task is graded by itself, whatever else is unwritten.

With a function goes what it needs of the student's text and the reference's does not have: imports, functions,
constants, classes, members of its class. What the reference has under a name stays as the reference has it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from comparisons.coursework.grading.modules import (
    bound_names,
    changed_names,
    functions_in,
    is_hole,
    lines_of,
    members_of,
    parsed,
    shifted,
    used_attributes,
    used_names,
    written_out,
)
from comparisons.coursework.holes import first_line, hollowed

__all__ = ["Graft", "transplanted"]

CHANGED = "changed:"  # what a name is put behind, where it leads to what changes its value

Line = tuple[str, int | None]  # a line, and its number in the student's text if it is from there


@dataclass
class Graft:
    """A text with functions of a student's.

    Attributes:
        lines: each with its number in the student's text, where it is from there.
        written: the names of the functions that are the student's.
        unwritten: of those that the student has not written.
    """

    lines: list[Line]
    written: list[str] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text."""
        return "".join(line for line, _ in self.lines)


def transplanted(
    reference: str, student: str, names: Sequence[str], mark: str, find: Callable[[str], str] = lambda name: name
) -> Graft:
    """The reference's text with functions as a student has written them.

    Args:
        reference: the text of the reference.
        student: the student's text.
        names: the functions' qualified names.
        mark: what the error says of a function that is not written.
        find: the name that a function has in the student's text.

    Raises:
        Unreadable: the student's text is no Python.
    """
    text = hollowed(reference, dict.fromkeys(names, mark))
    tree = parsed(student)
    theirs, ours = functions_in(student), functions_in(text)
    graft = Graft([])
    for name in names:
        piece = theirs.get(find(name))
        (graft.unwritten if piece is None or is_hole(piece.node) else graft.written).append(name)
    edits = Edits(lines_of(text), lines_of(student))
    functions = {name: theirs[find(name)].node for name in graft.written}
    for name, function in functions.items():
        edits.replace(ours[name].first, ours[name].last, function, ours[name].node.col_offset)
    needed = add_members(edits, parsed(text), tree, functions, {name: ours[name].last for name in functions}, find)
    add_statements(edits, parsed(text).body, tree.body, needed)
    graft.lines = edits.done()
    return graft


class Edits:
    """Changes of a text, done all at once, so that line numbers hold until then."""

    def __init__(self, lines: list[str], student: list[str]) -> None:
        self.lines, self.student = lines, student
        self.replaced: dict[int, tuple[int, list[Line]]] = {}  # by the first line, the last and what stands instead
        self.added: dict[int, list[Line]] = {}  # by the line that it stands behind

    def replace(self, first: int, last: int, node: ast.stmt, indent: int) -> None:
        """Put a student's statement in the place of some lines."""
        self.replaced[first] = (last, self.moved(node, indent))

    def add(self, behind: int, node: ast.stmt, indent: int, text: str = "") -> None:
        """Put a student's statement, or a ``text`` that stands for it, behind a line."""
        lines = [(text, node.lineno)] if text else self.moved(node, indent)
        self.added.setdefault(behind, []).extend(lines)

    def moved(self, node: ast.stmt, indent: int) -> list[Line]:
        """The lines of a student's statement, as far from the margin as asked."""
        first, last = first_line(node), node.end_lineno or node.lineno
        alone = not self.student[first - 1][: node.col_offset].strip()
        lines = shifted(node, self.student[first - 1 : last], indent - node.col_offset) if alone else None
        if lines is None:
            return [(line, None) for line in written_out(node, indent)]
        return list(zip(lines, range(first, last + 1)))

    def done(self) -> list[Line]:
        """The changed text."""
        result: list[Line] = list(self.added.get(0, []))
        number = 1
        while number <= len(self.lines):
            last, lines = self.replaced.get(number, (number, [(self.lines[number - 1], None)]))
            result += lines
            for each in range(number, last + 1):
                result += self.added.get(each, [])
            number = last + 1
        return result


def add_members(
    edits: Edits,
    text: ast.Module,
    student: ast.Module,
    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef],
    ends: dict[str, int],
    find: Callable[[str], str],
) -> list[ast.AST]:
    """Add the members of the functions' classes that they need; return all that the student's functions consist of."""
    taken: list[ast.AST] = list(functions.values())
    for name in functions:
        ours, theirs = members_of(text, name), members_of(student, find(name))
        if "." not in find(name) or "." not in name or not ours or not theirs:
            continue
        have = names_of(ours)
        new = [each for each in theirs if each not in functions.values() and not bound_names(each) & have]
        leads = by_name((each, bound_names(each)) for each in new)
        chosen = reached(used_attributes(taken), leads, lambda each: used_attributes([each]))
        for member in new:
            if member in chosen:
                edits.add(ends[name], member, ours[0].col_offset)
        taken += chosen
    return taken


def add_statements(edits: Edits, ours: list[ast.stmt], theirs: list[ast.stmt], needed: Iterable[ast.AST]) -> None:
    """Add the statements of the student's module that the functions need."""
    have = names_of(ours)
    bound = {each: bound_names(each) for each in theirs}
    new = [each for each in theirs if not bound[each] & have or isinstance(each, (ast.Import, ast.ImportFrom))]
    known = have.union(*bound.values())
    leads = by_name((each, bound[each] - have) for each in new)
    for name, statements in by_name((each, changed_names(each)) for each in new).items():
        leads[f"{CHANGED} {name}"] = statements

    def uses(statement: ast.stmt) -> set[str]:
        used = used_names([statement])
        return used | {f"{CHANGED} {name}" for name in bound[statement] - have} | unknown(used)

    def unknown(used: set[str]) -> set[str]:
        return {"*"} if used - known else set()

    used = used_names(needed)
    taken = reached(used | unknown(used), leads, uses)
    ends = {(type(each), name): each.end_lineno or each.lineno for each in ours for name in bound_names(each)}
    behind = imports = end_of_imports(ours)
    for statement in theirs:  # each stands behind what comes before it in the student's text
        is_import = isinstance(statement, (ast.Import, ast.ImportFrom))
        if statement in taken:
            alone = without(statement, have) if isinstance(statement, (ast.Import, ast.ImportFrom)) else statement
            text = ast.unparse(alone) + "\n" if alone is not statement else ""
            edits.add(imports if is_import else behind, statement, 0, text)
        behind = max([behind, *[ends.get((type(statement), name), 0) for name in bound[statement]]])


def by_name(pairs: Iterable[tuple[ast.stmt, set[str]]]) -> dict[str, list[ast.stmt]]:
    """The statements that each name leads to."""
    leads: dict[str, list[ast.stmt]] = {}
    for statement, names in pairs:
        for name in names:
            leads.setdefault(name, []).append(statement)
    return leads


def reached(
    names: set[str], leads: Mapping[str, list[ast.stmt]], uses: Callable[[ast.stmt], set[str]]
) -> set[ast.stmt]:
    """The statements that names lead to, those that the names in these lead to, and so on: each is looked at once."""
    found: set[ast.stmt] = set()
    seen, waiting = set(names), list(names)
    while waiting:
        for statement in leads.get(waiting.pop(), ()):
            if statement not in found:
                found.add(statement)
                fresh = uses(statement) - seen
                seen |= fresh
                waiting += fresh
    return found


def names_of(statements: Iterable[ast.stmt]) -> set[str]:
    """The names that statements give a meaning to."""
    return set[str]().union(*map(bound_names, statements))


def without(statement: ast.Import | ast.ImportFrom, have: set[str]) -> ast.stmt:
    """An import of what is not there yet."""
    kept = [each for each in statement.names if (each.asname or each.name.partition(".")[0]) not in have]
    if isinstance(statement, ast.Import):
        return ast.Import(kept)
    return ast.ImportFrom(statement.module, kept, statement.level)


def end_of_imports(ours: list[ast.stmt]) -> int:
    """The line behind which imports are added, so that all else may use them."""
    behind = 0
    for each in ours:
        if not isinstance(each, (ast.Import, ast.ImportFrom)) and not (each is ours[0] and isinstance(each, ast.Expr)):
            break
        behind = each.end_lineno or each.lineno
    return behind
