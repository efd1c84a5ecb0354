"""What is told of programs: by name what they use, as text for a terminal or as JSON."""

from __future__ import annotations

import json
import os
import textwrap
from collections import Counter
from dataclasses import dataclass, field

from minigrad.compat.programs import Unreadable, find_programs, read_program
from minigrad.compat.uses import Uses, uses_of
from minigrad.compat.verdicts import is_absent_method, verdict_of

__all__ = ["Name", "Report", "report_on"]

# Libraries that are made for PyTorch's tensors.
OTHERS = """
    accelerate captum einops fastai ignite lightning pytorch_lightning sentence_transformers timm torch_geometric
    torchaudio torchmetrics torchtext torchvision transformers
"""
HEADINGS = {
    "absent": "Absent",
    "methods": "Perhaps absent: methods of these names, if they are called on tensors or modules",
    "different": "There, and different",
    "unknown": "Neither here nor in PyTorch",
}
SHOWN = 4  # places in a program


@dataclass
class Name:
    """What is told of a name: a sentence or a page, where there is one; and the places, each a file and a line."""

    told: str = ""
    places: list[tuple[str, str]] = field(default_factory=list)

    @property
    def programs(self) -> int:
        """How many programs use it."""
        return len({file for file, _ in self.places})


@dataclass
class Report:
    """What programs use.

    Attributes:
        programs: how many were read.
        use_pytorch: how many of them use PyTorch.
        libraries: what else they import that is made for PyTorch's tensors, and how many do.
        names: by status, by name.
        refused: the files, cells and blocks that could not be read, and why.
    """

    programs: int = 0
    use_pytorch: int = 0
    libraries: Counter[str] = field(default_factory=Counter)
    names: dict[str, dict[str, Name]] = field(default_factory=lambda: {each: {} for each in ("there", *HEADINGS)})
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status: 0 where all is there, 1 where a name is absent or something could not be read."""
        return int(bool(self.names["absent"] or self.refused))

    def add(self, file: str, uses: Uses, defined: set[str]) -> None:
        """Add what a program uses; of methods those that no program defines."""
        self.programs += 1
        if not uses.names:
            return
        self.use_pytorch += 1
        self.libraries.update(uses.libraries.intersection(OTHERS.split()))
        for names, sure in ((uses.names, True), (uses.guesses, False)):
            for name, line in names:
                verdict = verdict_of(name)
                if sure or verdict.status != "unknown":
                    self.note(verdict.status, verdict.name, verdict.told, (file, line))
        for name, line in uses.methods:
            if name not in defined and is_absent_method(name):
                self.note("methods", name, "", (file, line))

    def note(self, status: str, name: str, told: str, place: tuple[str, str]) -> None:
        """Add a place of a name."""
        self.names[status].setdefault(name, Name(told)).places.append(place)

    def as_json(self) -> str:
        """All of it, for programs."""
        return json.dumps(vars(self), default=vars, indent=2, sort_keys=True)

    def as_text(self, width: int) -> str:
        """All of it, for a terminal: what most programs use stands first."""
        there, different, absent = (len(self.names[each]) for each in ("there", "different", "absent"))
        lines = [f"{self.use_pytorch} of {self.programs} programs use PyTorch: " if self.programs > 1 else ""]
        lines[0] += f"{there + different} of its names are used and there, {absent} absent."
        if self.libraries:
            lines[0] += f" Not looked into: {', '.join(sorted(self.libraries))}."
        for status, heading in HEADINGS.items():
            if self.names[status]:
                lines += ["", f"{heading}:"]
                in_order = sorted(self.names[status].items(), key=lambda item: (-item[1].programs, item[0]))
                lines += [line for name, each in in_order for line in self.entry(name, each)]
        if self.refused:
            lines += ["", f"Could not be read: {len(self.refused)}"]
            lines += [f"  {where}: {why}" for where, why in self.refused]
        return "\n".join(folded(line, width) for line in lines)

    def entry(self, name: str, each: Name) -> list[str]:
        """The lines of a name: where it stands, in the one program that was read or in several; and what is told."""
        shown = [line for _, line in each.places] if self.programs == 1 else [", ".join(each.places[0])]
        where = "; ".join(shown[:SHOWN]) + ("; …" if len(shown) > SHOWN else "")
        several = f" in {each.programs} programs," if each.programs > 1 else ""
        return [f"  {name}:{several} {where}", *([f"    {each.told}"] if each.told else [])]


def folded(line: str, width: int) -> str:
    """A line in as many as the terminal needs, without letters that would command it."""
    plain = "".join(each if each.isprintable() else "?" for each in line)
    further = "    " if line.startswith(" ") else ""
    return textwrap.fill(plain, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)


def report_on(path: str) -> Report:
    """Read a program, or all in a folder.

    Raises:
        Unreadable: there is none, or the one that is named cannot be read.
    """
    report = Report()
    read: list[tuple[str, Uses]] = []
    for file in find_programs(path):
        name = os.path.relpath(file, path) if file != path else os.path.basename(file)
        try:
            pieces, refused = read_program(file)
        except Unreadable as error:
            if file == path:
                raise
            report.refused.append((name, str(error)))
        else:
            report.refused += [(f"{name}, {where}", why) for where, why in refused]
            read.append((name, uses_of(pieces)))
    defined = {name for _, uses in read for name in uses.defined}
    for name, uses in read:
        report.add(name, uses, defined)
    return report
