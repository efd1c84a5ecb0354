"""The sections of the book: text that is edited, and the notebook that was made of it.

``02-simple-network.md`` is the source, in MyST Markdown. ``02-simple-network.ipynb`` beside it has the same cells, with
what they gave when they were run last.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from torch_impl.files import replace_file

__all__ = ["TUTORIAL", "Section", "find_sections", "in_step", "with_names"]

TUTORIAL = Path(__file__).parents[1] / "tutorial"


@dataclass(frozen=True)
class Section:
    """A section, by its source."""

    source: Path

    @property
    def name(self) -> str:
        return self.source.stem

    @property
    def notebook(self) -> Path:
        return self.source.with_suffix(".ipynb")

    def read(self) -> Any:
        """The source as a notebook that was never run."""
        notebook = jupytext.read(self.source, fmt="md:myst")
        notebook.metadata.pop("jupytext", None)  # how the text is written down
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook.metadata["language_info"] = {"name": "python"}
        return with_names(notebook)

    def executed(self) -> Any:
        """The notebook with its outputs; None where there is none yet.

        Raises:
            nbformat.reader.NotJSONError: it is no notebook.
        """
        return nbformat.read(self.notebook, as_version=4) if self.notebook.exists() else None

    def write(self, notebook: Any) -> None:
        """Put a notebook that was run in the place of the one that is there, whole or not at all."""
        nbformat.validate(notebook)
        replace_file(self.notebook, (nbformat.writes(notebook) + "\n").encode())


def find_sections(only: list[str] | None = None, folder: Path | None = None) -> list[Section]:
    """The sections in the book's order; those that ``only`` names, by their numbers or whole names.

    Raises:
        LookupError: a name is no section's, or there are no sections.
    """
    folder = folder or TUTORIAL
    found = [Section(path) for path in sorted(folder.glob("[0-9][0-9]-*.md"))]
    if not found:
        raise LookupError(f"there are no sections in {folder}")
    for name in only or []:
        if not any(name in names_of(section) for section in found):
            raise LookupError(f"there is no section {name!r}: choose from {', '.join(each.name for each in found)}")
    return [section for section in found if not only or names_of(section) & set(only)]


def names_of(section: Section) -> set[str]:
    """What a section may be called."""
    number = section.name.partition("-")[0]
    return {section.name, number, str(int(number))}


def in_step(source: Any, executed: Any) -> bool:
    """Whether a notebook that was run has the cells of its source, which are what they were and in their order."""
    return [parts_of(cell) for cell in source.cells] == [parts_of(cell) for cell in executed.cells]


def parts_of(cell: Any) -> tuple[str, str, list[str]]:
    """What makes a cell the one that it is."""
    return cell.cell_type, cell.source, list(cell.metadata.get("tags", []))


def with_names(notebook: Any) -> Any:
    """Give every cell an id that it keeps as long as its text stays, wherever it moves: the text's own hash."""
    taken: dict[str, int] = {}
    for cell in notebook.cells:
        name = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        taken[name] = taken.get(name, 0) + 1
        cell["id"] = name if taken[name] == 1 else f"{name}-{taken[name]}"
    return notebook
