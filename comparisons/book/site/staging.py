"""What the site is made of, laid out as the repository is, so that links from page to page stay what they are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from comparisons.book.sections import Section
from comparisons.book.site.reference import pages

__all__ = ["ROOT", "stage"]

ROOT = Path(__file__).parents[3]
# The pages of docs/ by what they are for; those that are named nowhere stand at the end.
SHELVES = {
    "How it works": ("how-it-works", "differences", "speed", "results"),
    "How to": ("your-programs", "stepping", "seeing", "gradients", "operations", "training", "jit", "comparisons"),
    "Teaching": ("teaching", "handouts", "grading", "judging", "graders", "pytest"),
    "Taking part": ("book", "contributing"),
}
SECTION = re.compile(r"(?<=\]\()(\d\d-[\w-]+)\.md(?=[)#])")  # a link from one to another
FIRST_PAGE = """# minigrad

An autograd engine from scratch, beside the PyTorch that it explains. The book tells it section by section, each concept
on both engines; every page of it is a notebook that was run. What is where, and how to install it, is told in the
[README](README.md).

"""


def stage(folder: Path, sections: list[Section]) -> None:
    """Lay out the site's sources in ``folder``: the notebooks, the pages, the reference, and the files they link to."""
    for package in ("minigrad", "torch_impl", "comparisons", "docs", "tests", ".ci", ".vscode"):
        if (ROOT / package).is_dir():
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.glob("*.*"):
        if file.is_file():
            shutil.copy(file, folder)
    tutorial = folder / "comparisons" / "tutorial"
    for path in [*tutorial.glob("[0-9]*.md"), *tutorial.glob("[0-9]*.ipynb")]:
        path.unlink()
    for section in sections:
        text = section.notebook.read_text(encoding="utf-8")
        (tutorial / section.notebook.name).write_text(SECTION.sub(r"\1.ipynb", text), encoding="utf-8")
    reference = folder / "reference"
    reference.mkdir()
    written = pages()
    for name, text in written.items():
        (reference / f"{name}.rst").write_text(text, encoding="utf-8")
    book = [f"comparisons/tutorial/{section.name}" for section in sections]
    if (tutorial / "references.md").exists():
        book.append("comparisons/tutorial/references")
    shelves = {"The book": book, **shelves_of(folder), "Reference": [f"reference/{name}" for name in written]}
    first = FIRST_PAGE + "".join(tree_of(title, names) for title, names in shelves.items() if names)
    (folder / "index.md").write_text(first, encoding="utf-8")


def shelves_of(folder: Path) -> dict[str, list[str]]:
    """The pages of ``docs/``, each on its shelf."""
    there = sorted(path.stem for path in (folder / "docs").glob("*.md"))
    placed = {title: [name for name in names if name in there] for title, names in SHELVES.items()}
    named = {name for names in SHELVES.values() for name in names}
    placed["Taking part"] += [name for name in there if name not in named]
    placed["Taking part"] = ["README", *placed["Taking part"]]
    return {title: [name if name == "README" else f"docs/{name}" for name in names] for title, names in placed.items()}


def tree_of(title: str, names: list[str]) -> str:
    """A list of pages, for the first page and for the side of each."""
    entries = "\n".join("README <README>" if name == "README" else name for name in names)
    return f"```{{toctree}}\n:caption: {title}\n:maxdepth: 1\n\n{entries}\n```\n\n"
