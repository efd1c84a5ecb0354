"""The code that a chapter runs on both engines, side by side: lines aligned, and marked where they differ.

Files are read and not imported. Where one text runs on both engines, it stands in both columns, and the line above it
that says which engine its parameter is differs.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path

from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from comparisons.chapters import CHAPTERS
from comparisons.page.elements import Html, element, joined

__all__ = ["code_of", "sides_of"]

ROOT = Path(__file__).parents[2]
FEW = 60  # lines of code that are shown without being asked for
LARGEST = 100_000  # bytes of an engine's file that are shown
COMPARING = {"report", "ours"}  # parameters of functions that have both engines in their hands

# The colours of a text: its kinds of tokens, the first that fits.
KINDS = {
    "comment": (Comment,),
    "string": (String,),
    "number": (Number,),
    "word": (Keyword, Operator.Word),
    "name": (Name.Function, Name.Class, Name.Decorator),
}

# What a parameter of a chapter's functions is on an engine of a name.
PARAMETERS = {"models": "{}.models", "engine": "{}", "e": "{}"}

# What chapters run beside the code of their own file: statements of a file by name, or networks, which stand twice.
STEP = ("comparisons/networks.py", "Side")
ALSO: dict[str, list[tuple[str, ...]]] = {
    "mlp": [("comparisons/training.py", "Training")],
    "lightning": [("comparisons/chapters/lightning.py", "lit_model", "data_module")],
    "custom-layer": [("models/custom_linear.py",), STEP],
    "conv-block": [("models/conv_block.py",), STEP],
    "residual-block": [("models/resnet.py",), STEP],
    "resnet18": [("models/resnet.py",), STEP],
    "script": [("comparisons/chapters/script.py", "BOTH", "branching", "made_program", "program_step")],
}
# Chapters with a part on PyTorch alone: the names of what they compare, and of the statements of each.
ALONE: dict[str, tuple[tuple[str, str], list[tuple[str, ...]], list[tuple[str, ...]]]] = {
    "lightning": (
        ("the plain loop", "Lightning"),
        [("torch_impl/training.py", "train")],
        [("torch_impl/lit.py", "LitModel")],
    ),
    "script": (
        ("the eager network", "its program"),
        [("comparisons/chapters/script.py", "NETWORKS", "prepared", "backward")],
        [
            ("comparisons/chapters/script.py", "program_of"),
            ("torch_impl/export.py", "export_bytes", "script", "trace", "exported", "pt2", "onnx"),
        ],
    ),
}


@dataclass(frozen=True)
class Line:
    """One line of code: its number in its file, None for one that stands in none, and its coloured parts."""

    number: int | None
    parts: tuple[tuple[str, str], ...]  # kind and text

    @property
    def text(self) -> str:
        return "".join([text for _, text in self.parts])


def sides_of(chapter: str, engine: str) -> tuple[str, str]:
    """What the chapter compares."""
    return ALONE[chapter][0] if chapter in ALONE else (engine, "PyTorch")


def code_of(chapter: str, engine: str, sources: Mapping[str, bytes]) -> Html:
    """The chapter's code.

    Args:
        chapter: its name.
        engine: that of the engine under test.
        sources: its files, by their path below the folder that it is imported from.
    """
    names = sides_of(chapter, engine)
    if chapter in ALONE:
        cells = [cell(lines_of_parts(parts)) for parts in ALONE[chapter][1:]]
        listings = [listing("both on PyTorch", "each in its own words", names, [element("tr", *cells)], few=False)]
        names = engine, "PyTorch"
    else:
        own_file = inspect.getfile(CHAPTERS[chapter])
        listings = [aligned(f"the chapter’s {Path(own_file).name}", names, *on_both(own_file, engine, ()))]
    for path, *chosen in ALSO.get(chapter, []):
        own, other = f"{engine.rpartition('.')[2]}/{path}", f"torch_impl/{path}"
        if chosen:
            listings.append(aligned(f"{', '.join(chosen)} of {path}", names, *on_both(path, engine, chosen)))
        elif len(sources.get(own, ())) > LARGEST:
            listings.append(element("p", f"{own} is too large for this page."))
        elif own in sources:
            lines = [list(lines_of(text)) for text in (sources[own].decode(errors="replace"), read(other))]
            listings.append(aligned(f"{own} beside {other}", names, *lines))
        else:
            row = element("tr", cell([]), cell(list(lines_of(read(other)))))
            listings.append(listing(other, f"there is no {own}", names, [row], few=False))
    return joined(listings)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def on_both(path: str, engine: str, chosen: Sequence[str]) -> list[list[Line]]:
    """One text for each engine: its first line says which one."""
    text = read(path)
    lines = list(lines_of(text, chosen)) if chosen else list(lines_of(text, run_on_each(ast.parse(text))))
    taken = {each.arg for each in ast.walk(ast.parse(text)) if isinstance(each, ast.arg)}
    parameter = next((each for each in PARAMETERS if each in taken), "engine")
    names = (engine, "torch_impl") if parameter == "models" else (engine, "torch")
    first = [colour(f"{parameter} = {PARAMETERS[parameter].format(name)}") for name in names]
    return [[Line(None, told.parts), Line(None, ()), *lines] for (told,) in first]


def run_on_each(tree: ast.Module) -> list[str]:
    """The names of a chapter's statements but for those that compare what both engines gave."""
    names = []
    for statement in tree.body:
        parameters = {each.arg for each in ast.walk(statement) if isinstance(each, ast.arg)}
        if not COMPARING & parameters and names_of(statement) not in ([], ["run"], ["__all__"]):
            names += names_of(statement)
    return names


def names_of(statement: ast.stmt) -> list[str]:
    """The names that a statement gives something; none for an import."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [each.id for target in targets for each in ast.walk(target or ast.Pass()) if isinstance(each, ast.Name)]


def lines_of_parts(parts: Sequence[tuple[str, ...]]) -> list[Line]:
    """The statements of several files, the file's name above."""
    lines = []
    for path, *names in parts:
        lines += [Line(None, (("comment", f"# {path}"),)), *lines_of(read(path), names), Line(None, ())]
    return lines


def lines_of(text: str, names: Sequence[str] | None = None) -> Iterator[Line]:
    """The lines of a file, coloured; those of the statements with these names, in the file's order."""
    coloured = colour(text)
    if names is None:
        yield from coloured
        return
    end = None
    for statement in ast.parse(text).body:
        if set(names_of(statement)) & set(names):
            decorators = getattr(statement, "decorator_list", [])
            begin = min([statement.lineno, *[each.lineno for each in decorators]])
            while coloured[begin - 2].text.startswith("#"):  # what is said above it
                begin -= 1
            if end is not None and begin > end + 1:
                yield Line(None, ())
            end = statement.end_lineno or begin
            yield from coloured[begin - 1 : end]


def colour(text: str) -> list[Line]:
    """The lines of a Python text, whatever is in it."""
    lines: list[list[tuple[str, str]]] = [[]]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text.expandtabs(4)):
        kind = next((kind for kind, types in KINDS.items() if any(token in each for each in types)), "")
        first, *others = value.split("\n")
        lines[-1].append((kind, first))
        lines += [[(kind, other)] for other in others]
    if not "".join([part for _, part in lines[-1]]):
        lines.pop()
    return [Line(number, tuple([part for part in parts if part[1]])) for number, parts in enumerate(lines, 1)]


def aligned(title: str, names: tuple[str, str], left: Sequence[Line], right: Sequence[Line]) -> Html:
    """Both texts in two columns, line by line: equal lines beside each other, those that differ marked."""
    rows, differ = [], 0
    ours, theirs = [[line.text for line in lines] for lines in (left, right)]
    for what, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for mine, yours in zip_longest(left[a:b], right[c:d]):
            marks = marked(mine, yours) if what != "equal" and mine and yours else (set(), set())
            cells = [cell([line] if line else [], words) for line, words in zip((mine, yours), marks)]
            rows.append(element("tr", *cells, class_="same" if what == "equal" else "differs"))
            differ += what != "equal"
    told = f"{differ} of {len(rows)} lines differ" if differ else "no line differs"
    return listing(title, told, names, rows, few=len(rows) <= FEW)


def listing(title: str, told: str, names: tuple[str, str], rows: Sequence[Html], few: bool) -> Html:
    """A table of code, which is open where it has few lines."""
    head = element("thead", element("tr", *[element("th", name, scope="col") for name in names]))
    summary = element("summary", f"Code: {title} ", element("span", told, class_="faint"))
    table = element("table", head, element("tbody", *rows), class_="code")
    return element("details", summary, table, open="" if few else None)


def marked(mine: Line, yours: Line) -> tuple[set[int], set[int]]:
    """The places of the parts that differ in two lines that are much alike."""
    ours, theirs = [[text for _, text in line.parts] for line in (mine, yours)]
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    found: tuple[set[int], set[int]] = (set(), set())
    for what, a, b, c, d in matcher.get_opcodes() if matcher.ratio() > 0.5 else ():
        if what != "equal":
            found[0].update(range(a, b))
            found[1].update(range(c, d))
    return found


def cell(lines: Sequence[Line], words: Collection[int] = ()) -> Html:
    """Lines in their column; none are a gap. ``words`` are the places of the parts that are marked."""
    told = []
    for line in lines:
        parts = []
        for place, (kind, text) in enumerate(line.parts):
            part = element("span", text, class_=kind) if kind else text
            parts.append(element("mark", part) if place in words else part)
        told.append(element("code", *parts, data_line=line.number))
    return element("td", *told, class_=None if lines else "none")
