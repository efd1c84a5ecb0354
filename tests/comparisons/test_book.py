"""The book: its sections run from a clean kernel that reaches no network; a changed output is told, not taken."""

import contextlib
import copy
import sys

import nbformat
import pytest
from jupyter_client import launcher
from typer.testing import CliRunner

import comparisons.cli
from comparisons.book import checking, executing, sections
from comparisons.book.checking import fault_of
from comparisons.book.executing import ROOT, Run, without_folders
from comparisons.book.offline import refuse
from comparisons.book.outputs import differences, seen
from comparisons.book.sections import Section
from comparisons.tutorial.figures import show

HEADER = "---\nkernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n\n# A section\n\n"
CELL = "```{{code-cell}} ipython3\n:tags: [{}]\n\n{}\n```\n\n"
CELLS = {
    "numbers": ("minigrad", "import minigrad\nprint(1)\nminigrad.ones(2)"),
    "graph": (
        "minigrad",
        "from minigrad import viz\nx = minigrad.ones((), requires_grad=True)\nviz.draw(x * 3, names={'x': x})",
    ),
    "stepper": ("minigrad", "def program():\n    y = x * 3\n    return y\nminigrad.explain(program)"),
    "figure": (
        "",
        "from matplotlib import pyplot\nfrom comparisons.tutorial.figures import show\n"
        "figure, axes = pyplot.subplots()\nshow(figure, alt='nothing \"at all\" & <axes>')",
    ),
    "network": ("raises-exception", "import urllib.request\nurllib.request.urlopen('http://example.com')"),
    "varies": ("varies", "import os\nprint(os.getpid(), os.getcwd())"),
}


def source_of(*cells):
    return HEADER + "".join(CELL.format(*cell) for cell in cells)


def book(*arguments):
    """Run the command, and tell its status and what it printed."""
    done = CliRunner().invoke(comparisons.cli.app, ["book", *arguments])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A book of two sections; in the second a cell hangs."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "01-first.md").write_text(source_of(*CELLS.values()), encoding="utf-8")
    (folder / "02-hangs.md").write_text(
        source_of(("", "print(1)"), ("", "import time; time.sleep(60)"), ("", "print(2)")), encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sections, "TUTORIAL", folder)
        yield folder


@contextlib.contextmanager
def forks(request):
    """Inside, a kernel is a fork that has imported PyTorch, where there are forks. The book's own begin anew."""
    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux":
            patch.setattr(launcher, "Popen", request.getfixturevalue("forking").Popen)
            patch.setattr(executing, "FIXED", {})  # which is read while PyTorch and Matplotlib are imported
        yield


@pytest.fixture
def first(folder):
    return Section(folder / "01-first.md")


@pytest.fixture(scope="module")
def notebook(folder, request):
    """The outputs of the first section, whose notebook the command has written."""
    with forks(request):
        status, told = book("--section", "1", "--write")
    assert status == 0 and "written" in told, told
    return Section(folder / "01-first.md").executed()


def cell(notebook, name):
    """The cell of a notebook by its name in ``CELLS``: Markdown stands before it."""
    return notebook.cells[1 + list(CELLS).index(name)]


def test_what_a_reader_sees_is_what_is_compared(notebook):
    assert seen(cell(notebook, "numbers")) == ["[stdout]", "1", "[execute_result: text/plain]", "tensor([1., 1.])"]
    assert {"(Graph with 4 boxes, from x, to output)", "MulBackward0"} < set(seen(cell(notebook, "graph")))
    stepper = seen(cell(notebook, "stepper"))
    assert stepper[1] == "<Trace of minigrad: 4 nodes, 3 edges, 2 steps>"
    assert "step 1 of 2: MulBackward0 y" in stepper and not [line for line in stepper if "function" in line]
    text = 'nothing "at all" & <axes>'
    assert seen(cell(notebook, "figure")) == ["[display_data: text/html, text/plain]", text, f"({text})"]
    refused = (
        "URLError: <urlopen error the book runs offline, and a cell asked for example.com: use data that are here>"
    )
    assert seen(cell(notebook, "network")) == ["[error]", refused]


def test_a_changed_output_fails_and_is_not_overwritten(first, notebook, monkeypatch):
    """What the section shows is what it showed, without being run again: that takes seconds."""
    changed = copy.deepcopy(notebook)
    cell(changed, "numbers").outputs[0].text = "2\n"
    cell(changed, "varies").outputs[0].text = "2\n"
    cell(changed, "network").outputs[0].traceback = []
    cell(changed, "figure").outputs[0].data["image/png"] = ""
    cell(changed, "graph").outputs[0].data["text/html"] = "<p>another"
    first.write(changed)
    before = first.notebook.read_bytes()
    monkeypatch.setattr(checking, "execute", lambda section, *_: Run(section, notebook, [0.1] * len(notebook.cells)))
    status, told = book("--section", "1")
    assert status == 1 and "1 to be looked at" in told and first.notebook.read_bytes() == before
    for number in (2, 3, 5):
        assert f"01-first.ipynb, cell {number}: " in told
    assert told.count("01-first.ipynb, cell") == 3 and "\n-2\n+1\n" in told and "\n-another\n" in told
    first.write(notebook)


def test_a_cell_that_takes_too_long_is_given_up_and_nothing_is_written(folder, request):
    with forks(request):
        status, told = book("--section", "2", "--write", "--limit", "1")
    assert status == 3 and "02-hangs.md, cell 3: it took longer than 1 s" in told
    assert not (folder / "02-hangs.ipynb").exists()


@pytest.mark.parametrize(
    "written, told",
    [
        (f"{ROOT / 'minigrad' / 'ops'}:3", "minigrad/ops:3"),
        ("File ~/.venv/lib/python3.11/site-packages/torch/nn.py:3, in f", "File site-packages/torch/nn.py:3, in f"),
        ("/usr/lib/python3.13/json/decoder.py:3: Warning", "python3.13/json/decoder.py:3: Warning"),
        ("1/2 of lr/site", "1/2 of lr/site"),
    ],
)
def test_a_notebook_does_not_tell_where_it_was_run(written, told):
    assert without_folders(written) == told


def test_a_long_difference_is_cut_short(first):
    was, now = first.read(), first.read()
    text = "\n".join(map(str, range(10**5)))
    cell(now, "numbers").outputs = [nbformat.v4.new_output("stream", text=text)]
    (difference,) = differences(was, now)
    assert len(difference.lines) < 100 and difference.lines[-1].endswith("lines more")


def test_a_notebook_that_is_not_its_sources_is_told(first, tmp_path):
    section = Section(tmp_path / "01-first.md")
    section.source.write_bytes(first.source.read_bytes())
    assert fault_of(section) == "there is no 01-first.ipynb yet: --write makes it of 01-first.md"
    section.notebook.write_text("no JSON")
    assert fault_of(section) == "01-first.ipynb is no notebook: --write makes it of 01-first.md"
    section.write(section.read())
    assert fault_of(section) is None
    for old, new in (("print(1)", "print(2)"), ("[minigrad]", "[pytorch]"), ("# A section", "# The section")):
        section.source.write_text(first.source.read_text().replace(old, new, 1))
        assert (
            fault_of(section)
            == "the cells of 01-first.ipynb are not those of 01-first.md: --write makes it of 01-first.md"
        )


def test_a_section_that_is_not_there_is_refused(folder):
    status, told = book("--section", "3")
    assert status == 2 and "there is no section '3': choose from 01-first, 02-hangs" in " ".join(told.split())


def test_a_cell_keeps_its_id_where_another_is_put_before_it(first):
    notebook = first.read()
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell("# A section"))
    ids = [cell.id for cell in sections.with_names(notebook).cells]
    assert ids[0] + "-2" == ids[1] and ids[2:] == [cell.id for cell in first.read().cells][1:]


@pytest.mark.parametrize(
    "host, allowed", [("127.0.0.1", True), ("localhost", True), ("example.com", False), (b"10.0.0.1", False)]
)
def test_this_machine_may_be_asked_and_no_other(host, allowed):
    for event, arguments in (
        ("socket.getaddrinfo", (host, 80)),
        ("socket.connect", (None, (host, 80))),
        ("socket.gethostbyname", (host,)),
    ):
        if allowed:
            refuse(event, arguments)
        else:
            with pytest.raises(OSError, match="the book runs offline"):
                refuse(event, arguments)
    refuse("socket.connect", (None, "/run/a-socket"))


def test_a_figure_without_a_text_is_refused():
    with pytest.raises(ValueError, match="a sentence that says what is to be seen"):
        show(None, alt=" ")


# ------------------------------------------------------------------------------------------- the book itself

BOOK = [Section(path) for path in sorted(sections.TUTORIAL.glob("[0-9]*.md"))]


@pytest.mark.parametrize("section", BOOK, ids=lambda section: section.name)
def test_the_notebook_of_a_section_is_that_of_its_source(section):
    assert fault_of(section) is None


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_section_runs_from_a_clean_kernel_and_shows_what_it_showed(monkeypatch):
    """One of those that take least; ``.ci/full`` runs all, and holds their cells to half a minute."""
    monkeypatch.setattr(sections, "TUTORIAL", BOOK[0].source.parent)
    status, told = book("--section", "01", "--limit", "300")
    assert status == 0 and "equal" in told, told
