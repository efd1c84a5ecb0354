"""What was handed in: one entry of a folder a student, read as data. What cannot be read says so, in a sentence."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from comparisons.coursework.engines import EngineError, check_name
from comparisons.coursework.grading.notebooks import cells_of
from comparisons.coursework.grading.trees import Broken, FolderTree, Tree, ZipTree
from comparisons.coursework.tasks import KNOWN_VERSIONS, VERSION
from torch_impl.errors import printable

__all__ = ["HANDOUT", "Submission", "entries_of", "name_of", "read_submission", "short_digest", "shown"]

HANDOUT, ANSWERS, TESTS = "handout.json", "answers.json", "tests"
LONGEST_NAME = 200
LONGEST_JSON = 1_000_000
MOST_SOURCES = 2_000


@dataclass(frozen=True)
class Submission:
    """What a student handed in.

    Attributes:
        student: the entry's name, as a text that can be shown.
        engine: the name of the package.
        sources: its files, ``.py`` alone, by their path below the package.
        cells: of a notebook, by task.
        answers: by task and question.
        tests: files of tests, by their path below ``tests``.
        version: of the handout.
        problem: why nothing can be graded; empty if it can.
    """

    student: str
    engine: str = "minigrad"
    sources: dict[str, bytes] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    tests: dict[str, bytes] = field(default_factory=dict)
    version: int = VERSION
    problem: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of all that is graded; not of the student's name."""
        told = {name: value for name, value in asdict(self).items() if name != "student"}
        text = json.dumps(told, sort_keys=True, default=lambda content: hashlib.sha256(content).hexdigest())
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def entries_of(folder: Path) -> dict[str, Path]:
    """A student's name each, and what is handed in: the names of folders and files, without ``.zip`` and ``.ipynb``.

    A name that would be two's is kept whole.
    """
    paths = sorted(each for each in folder.iterdir() if not each.name.startswith((".", "__MACOSX")))
    count = Counter(name_of(each) for each in paths)
    entries: dict[str, Path] = {}
    for path in paths:
        name = shown(name_of(path) if count[name_of(path)] == 1 else path.name)
        entries[name if name not in entries else f"{name} ({short_digest(path.name)})"] = path
    return entries


def name_of(path: Path) -> str:
    """A student's name from what is handed in."""
    return path.stem if path.suffix.lower() in (".zip", ".ipynb") else path.name


def shown(name: str) -> str:
    """A name as a text of bounded length that tells a terminal nothing."""
    text = printable(name)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}… ({short_digest(name)})"


def short_digest(name: str) -> str:
    """Eight digits by which names can be told apart."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def read_submission(student: str, path: Path, assignment: str) -> Submission:
    """Read what a student handed in.

    Raises:
        NoJupytext: it is a notebook, and what reads one is not installed.
    """
    try:
        if path.is_symlink():
            raise Broken("it is a link")
        if path.is_dir():
            return from_tree(student, FolderTree(path), assignment)
        if path.suffix.lower() == ".zip":
            with closing(ZipTree(path)) as tree:
                return from_tree(student, tree, assignment)
        if path.suffix.lower() == ".ipynb":
            cells = cells_of(path)
            if not any(task.split(".")[0] == assignment[1:] for task in cells):
                raise Broken(f"none of its cells is tagged with a task of {assignment}, such as {assignment[1:]}.1")
            return Submission(student, cells=cells)
        raise Broken("it is neither a folder, nor a zip, nor a notebook")
    except Broken as reason:
        return Submission(student, problem=shown_line(str(reason)))
    except OSError as error:
        return Submission(student, problem=f"it cannot be read: {error.strerror}")


def shown_line(text: str) -> str:
    """One line of bounded length."""
    return printable(" ".join(text.split()))[: 2 * LONGEST_NAME]


def from_tree(student: str, tree: Tree, assignment: str) -> Submission:
    """A submission from the files of a handout."""
    root = root_of(tree)
    version, engine = read_handout(read_json(tree, root + HANDOUT), assignment)
    sources = {name: tree.read(path) for name, path in python_below(tree, f"{root}{engine}/")}
    answers = read_answers(read_json(tree, root + ANSWERS)) if root + ANSWERS in tree.names else {}
    tests = {name: tree.read(path) for name, path in python_below(tree, f"{root}{TESTS}/")}
    if not (sources or answers or tests):
        raise Broken(f"it has no package {engine}")
    return Submission(student, engine, sources, {}, answers, tests, version)


def root_of(tree: Tree) -> str:
    """The folder in which the handout's description is, with a slash at its end if it has a name."""
    found = [name for name in tree.names if name.rpartition("/")[2] == HANDOUT]
    depth = min((name.count("/") for name in found), default=0)
    found = [name for name in found if name.count("/") == depth]
    if len(found) != 1:
        raise Broken(f"it has {len(found) or 'no'} {HANDOUT}: hand in the folder that was handed out")
    return found[0].removesuffix(HANDOUT)


def python_below(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    """The files of Python below a folder: their paths below it, and in the tree."""
    paths = [name for name in tree.names if name.startswith(folder) and name.endswith(".py")]
    if len(paths) > MOST_SOURCES:
        raise Broken(f"it has more than {MOST_SOURCES:,} files of Python")
    return ((path.removeprefix(folder), path) for path in paths)


def read_json(tree: Tree, path: str) -> Any:
    """A file of JSON."""
    content = tree.read(path)
    name = path.rpartition("/")[2]
    if len(content) > LONGEST_JSON:
        raise Broken(f"its {name} is too long")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Broken(f"its {name} is no JSON") from None


def read_handout(told: Any, assignment: str) -> tuple[int, str]:
    """The version of a handout, and the name of its engine."""
    if not isinstance(told, dict):
        raise Broken(f"its {HANDOUT} is not what was handed out")
    if told.get("assignment") != assignment:
        raise Broken(f"it is a handout of {str(told.get('assignment'))[:20]}, not of {assignment}")
    version, engine = told.get("version"), told.get("engine")
    if type(version) is not int or version not in KNOWN_VERSIONS:
        known = " and ".join(map(str, KNOWN_VERSIONS))
        raise Broken(f"it is of version {str(version)[:20]} of the handout, and graded are those of version {known}")
    if not isinstance(engine, str):
        raise Broken(f"its {HANDOUT} names no engine")
    try:
        check_name(engine)
    except EngineError as error:
        raise Broken(str(error)[: 2 * LONGEST_NAME]) from None
    return version, engine


def read_answers(told: Any) -> dict[str, dict[str, str]]:
    """Answers by task and question; what is none is left out."""
    if not isinstance(told, dict):
        raise Broken(f"its {ANSWERS} is not what was handed out")
    return {
        task: {name: str(answer)[:LONGEST_NAME] for name, answer in answers.items()}
        for task, answers in told.items()
        if isinstance(answers, dict)
    }
