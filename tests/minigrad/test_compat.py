"""``python -m minigrad compat``: programs are read and never run; each name is told for what it is."""

import json
import os
import re
from pathlib import Path

import pytest

from minigrad.command import main
from minigrad.compat import programs, verdicts
from minigrad.compat.report import report_on

DOCS = Path(__file__).parent.parent.parent / "docs"

COURSE = {
    "train.py": """
import numpy as np
import torch.nn as nn, torch
from torch import optim
from torch.fft import rfft
F = nn.functional
raise SystemExit("a program is not run")

class Net(nn.Module):
    def to_mkldnn(self):
        return F.relu(np.ones(3).to_sparse(), torch.rand(2).to_sparse().mean())

optim = optim.SGD(Net().parameters(), lr=0.1)
optim.zero_grad()
Net().to_mkldnn()
torch.no_such_name(torch.__version__, torch._C, torch.nn.Embedding.from_pretrained, torch.Tensor.to_mkldnn)
""",
    "star.md": "Text.\n```python\nfrom torch.nn import *\nLinear(2, 3)\n```\n```python\n... parts >\n```\n",
    "plain.py": "print(to_sparse())",
    "notes.txt": "import torch",
    ".hidden/other.py": "import torch.hidden",
}
CELLS = [
    "%matplotlib inline\n!pip install torch\nimport torch",
    "%%time\ntorch.load?\nfiles = !ls\nx = (3\n  % 2)\ntorch.load('a')",
    "%%bash\nimport torch.bash",
    "  torch.hub.list()",
    ") torch",
]


def notebook(*cells):
    code = [{"cell_type": "code", "source": each.splitlines(keepends=True)} for each in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "torch."}, *code]})


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    (folder / ".hidden").mkdir()
    for name, text in COURSE.items():
        (folder / name).write_text(text)
    return folder


def names_of(report):
    return {status: {name: each.places for name, each in names.items()} for status, names in report.names.items()}


def test_names_of_a_course(course):
    report = report_on(str(course))
    names = names_of(report)
    assert (report.programs, report.use_pytorch, report.refused, report.status) == (3, 2, [], 1)
    assert names["absent"] == {
        "torch.fft": [("train.py", "line 5")],
        "torch._C": [("train.py", "line 16")],
        "torch.Tensor.to_mkldnn": [("train.py", "line 16")],
    }
    assert names["methods"] == {"to_sparse": [("train.py", "line 11")]}  # not NumPy's, not one of its own
    assert names["unknown"] == {"torch.no_such_name": [("train.py", "line 16")]}  # optim is a value in line 14
    assert names["different"] == {"torch.__version__": [("train.py", "line 16")]}
    there = {"torch.nn.functional.relu", "torch.optim.SGD", "torch.nn.Linear", "torch.nn.Embedding.from_pretrained"}
    assert there <= set(names["there"]) and names["there"]["torch.nn.Linear"] == [("star.md", "block 1, line 2")]


def test_cells_are_read_without_their_magics(tmp_path):
    path = tmp_path / "notebook.ipynb"
    path.write_text(notebook(*CELLS))
    report = report_on(str(path))
    assert report.refused == [("notebook.ipynb, cell 6", "line 1 is no Python: unmatched ')'")]
    assert names_of(report)["different"] == {"torch.load": [("notebook.ipynb", "cell 3, line 6")]}
    assert names_of(report)["absent"] == {"torch.hub": [("notebook.ipynb", "cell 5, line 1")]}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.py", "print 1", "line 1 is no Python"),
        ("a.py", "x = 1\0", "no Python"),
        ("a.py", "-" * 100_000 + "1", "nested too deeply"),
        ("a.py", "x" + "()" * 100_000, "nested too deeply"),
        ("a.py", "# coding: no-such\n", "no text in the encoding"),
        ("a.py", "x = 1\n" * 200_000, "letters of code"),
        ("a.ipynb", "[" * 100_000, "no notebook"),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": 3}]}', "no notebook"),
        ("a.txt", "import torch", "its name ends in none of .py, .ipynb, .md"),
        ("absent.py", None, "No such file"),
        ("folder.py", ..., "there is no program in it"),
        ("pipe.py", "pipe", "no regular file"),
    ],
)
def test_what_is_no_program_is_refused_in_a_sentence(name, content, told, tmp_path, capsys):
    path = tmp_path / name
    if content is ...:
        path.mkdir()
    elif content == "pipe":
        os.mkfifo(path) if hasattr(os, "mkfifo") else pytest.skip("there are no pipes with a name here")
    elif content is not None:
        path.write_text(content)
    assert main(["compat", str(path)]) == 2
    output = capsys.readouterr()
    assert output.out == "" and told in output.err and len(output.err.splitlines()) == 1
    if content is not None and content is not ...:
        (tmp_path / "b.py").write_text("import torch")
        assert main(["compat", str(tmp_path)]) == (0 if name == "a.txt" else 1)  # in a folder it is told, and counted


def test_too_large_and_too_many(monkeypatch, tmp_path):
    (tmp_path / "a.py").write_text("import torch")
    monkeypatch.setattr(programs, "MOST_BYTES", 5)
    assert "at most" in report_on(str(tmp_path)).refused[0][1]
    monkeypatch.setattr(programs, "MOST_PROGRAMS", 0)
    with pytest.raises(programs.Unreadable, match="more than 0"):
        report_on(str(tmp_path))


def test_text_and_json(course, capsys):
    assert main(["compat", str(course)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 of 3 programs use PyTorch: ") and max(map(len, lines)) <= 80
    assert "  torch.fft: train.py, line 5" in lines and "    docs/differences.md#machine" in lines
    assert main(["compat", str(course / "star.md"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["names"]["there"]["torch.nn.Linear"] == {"told": "", "places": [["star.md", "block 1, line 2"]]}


def test_names_of_files_do_not_command_the_terminal(tmp_path):
    for name in ("a\x1b[2J.py", "b.py"):
        (tmp_path / name).write_text("import torch.fft")
    assert "a?[2J.py" in report_on(str(tmp_path)).as_text(80)


def test_what_differs_is_there_and_the_page_tells_how():
    page = (DOCS / "differences.md").read_text(encoding="utf-8")
    sections = {each.partition("\n")[0].lower().replace(" ", "-"): each for each in re.split(r"^## ", page, flags=re.M)}
    for heading, names in verdicts.DIFFERENT.items():
        for name in names.split():
            assert verdicts.verdict_of(f"torch.{name}").status == "different"
            assert name.rpartition(".")[2] in sections[heading], f"#{heading} does not tell of {name}"


def test_what_minigrad_says_of_an_absent_name_is_told(monkeypatch):
    import minigrad

    def of(name):
        raise AttributeError(f"minigrad has no {name!r}: see there" + ", or fft.py" * (name == "fft"))

    monkeypatch.setattr(minigrad, "__getattr__", of)
    assert verdicts.verdict_of("torch.fft.rfft") == (
        "absent",
        "torch.fft",
        "minigrad has no 'fft': see there, or fft.py",
    )
    assert verdicts.verdict_of("torch.hub") == ("absent", "torch.hub", "")
