"""Every command and every code block of the README and of ``docs/``, run as it stands; and that what they name exists.

The commands of one block run in order in one folder; blocks need nothing of each other, and may run side by side. All
are run in this process, as is all code, and the README's by one of its own too. What other tests prove at its size is
small beneath them.
"""

import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import comparisons.cli
import minigrad
import torch_impl.cli
from comparisons import compare_values, curves
from comparisons.chapters import CHAPTERS, residual_block
from comparisons.coursework.assignments import TASKS
from comparisons.coursework.commands import mutants
from comparisons.coursework.grading import classroom
from comparisons.harness import Report
from comparisons.settings import Settings
from tests.one_by_one import one_by_one
from torch_impl import reporting

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *DOCS]
FOLDERS = {"minigrad", "torch_impl", "comparisons", "tests", "docs", ".vscode", ".ci"}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SET_UP = re.compile(r"pip install -c constraints\.txt -e \"\.\[(compare|test)\]\" && ")


def blocks(page, language):
    return [text for kind, text in FENCED.findall(page.read_text(encoding="utf-8")) if kind == language]


CODE = [block for page in PAGES for block in blocks(page, "python")]
ON_BOTH = [block for block in CODE if "import minigrad as engine" in block]
COMMANDS = [line for block in blocks(README, "sh") for line in block.splitlines()]
PROGRAMS = {"comparisons": comparisons.cli.app, "torch_impl": torch_impl.cli.app}
WITH_A_CLASS = "teaching"  # its commands are run by tests/comparisons/coursework/test_class_of_three.py
COMMANDS_OF_DOCS = {
    f"{page.stem} {number}": block.splitlines()
    for page in DOCS
    for number, block in enumerate(blocks(page, "sh"), 1)
    if page.stem != WITH_A_CLASS
}


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def run_in_order(folder, commands, programs):
    """Run lines of a shell that start Python's modules; those of ``programs`` in this process."""
    for command in commands:
        assert command.startswith("python -m "), command
        module, *arguments = shlex.split(command)[2:]
        if module in programs:
            done = CliRunner().invoke(programs[module], arguments)
            assert done.exit_code == 0, f"{command}\n{done.output}"
        else:
            run(folder, sys.executable, "-m", module, *arguments)


def run_code(code):
    """Run a block as ``python -c`` does, in names of its own; one of tests there, for this run knows its own marks."""
    if "pytest.mark" in code:
        run(None, sys.executable, "-W", "error", "-c", code)
    else:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, in which the test runs. What a block does to Python itself is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "breakpointhook", sys.breakpointhook)
    return tmp_path


@pytest.fixture
def small(monkeypatch, digits_read_once, onnx_operators_read_once):
    """What is beneath a command is small, or in this process, where others prove it as it is."""
    two_tasks = {name: TASKS[name] for name in ("1.3", "2.6")}
    monkeypatch.setattr(mutants, "TASKS", two_tasks)  # all of them: .ci/full
    monkeypatch.setattr(classroom, "side_by_side", one_by_one)  # in processes: tests/comparisons/coursework
    # The deep networks: tests/comparisons/test_chapters.py.
    monkeypatch.setattr(residual_block, "add_gradient_norms", lambda *arguments: None)
    monkeypatch.setitem(curves.MODELS, "resnet18", curves.MODELS["neural-net"])
    monkeypatch.setattr(reporting, "MOST_MISTAKES", 5)  # a row of them: tests/torch_impl/test_reporting.py


def test_there_is_something_to_run():
    assert len(CODE) >= 4 and len(COMMANDS) == 2 and len(COMMANDS_OF_DOCS) >= 4


@pytest.mark.parametrize("code", CODE, ids=[block.splitlines()[-1][:40] for block in CODE])
def test_code_block(code, folder):
    run_code(code)


def test_the_ten_lines_print_the_same_on_both_engines(capsys):
    for ours_code in ON_BOTH:
        theirs_code = ours_code.replace("import minigrad as engine", "import torch as engine")
        assert theirs_code != ours_code
        printed = []
        for code in (ours_code, theirs_code):
            run_code(code)
            printed.append(capsys.readouterr().out)
        ours, theirs = printed
        assert ours == theirs and len(ours.splitlines()) == 5


def as_run():
    """The README's commands. Setting up is what brought this test here, and pytest is what runs it."""
    return [command for line in COMMANDS if (command := SET_UP.sub("", line)) != "python -m pytest"]


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_commands(folder):
    """The README's, of one chapter, which tests/comparisons/test_chapters.py trains for fewer steps."""
    run_in_order(folder, [f"{command} --only mlp" for command in as_run()], {})


@pytest.mark.long
def test_commands_as_they_stand(folder):
    """With Lightning's convolutions too, in whose place that file has a small network."""
    run_in_order(folder, as_run(), {})


def test_the_first_command_runs_every_chapter_as_its_own_test_does(folder, monkeypatch):
    ran = {}

    def chapter(name, settings):
        ran[name] = replace(settings, progress=Settings.progress)
        report = Report(name)
        report.add("one and one", [compare_values("one", minigrad.ones(1), torch.ones(1), "exact")])
        return report

    for name in CHAPTERS:
        monkeypatch.setitem(CHAPTERS, name, partial(chapter, name))
    run_in_order(folder, as_run(), PROGRAMS)
    assert ran == dict.fromkeys(CHAPTERS, Settings())


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured", "forked", "small")
@pytest.mark.parametrize("commands", COMMANDS_OF_DOCS.values(), ids=COMMANDS_OF_DOCS)
def test_commands_of_docs(commands, folder):
    run_in_order(folder, commands, PROGRAMS)


def test_the_set_up_lines_name_what_exists():
    set_up = [line for line in COMMANDS if SET_UP.match(line)]
    assert len(set_up) == 2 and (ROOT / "constraints.txt").is_file()


# ---------------------------------------------------------------------------------------------- what the pages name


def prose(page):
    """The page without its blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def quoted(page):
    """What stands in backticks, outside of blocks."""
    return re.findall(r"`([^`]+)`", prose(page))


def links(page):
    """Where its links lead to."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def anchors(page):
    """The headings of a page as a link names them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_path(text):
    """True for what names a file or a folder of the repository, or what ends like one of its files."""
    if not re.fullmatch(r"[\w./-]+", text):
        return False
    return text.endswith((".py", ".md", ".toml")) or ("/" in text and text.split("/")[0] in FOLDERS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_paths_of_a_page_exist(page):
    missing = [text for text in quoted(page) if is_path(text) and not (ROOT / text).exists()]
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" not in link and not (target.is_file() and (not anchor or anchor in anchors(target))):
            missing.append(link)
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_names_of_a_page_exist(page):
    """``minigrad.rand`` can be had, and "`Mul` in `minigrad/ops/arithmetic.py`" stands in that file."""
    for text in quoted(page):
        for name in re.findall(r"\bminigrad(?:\.[A-Za-z_]\w*)+", "" if is_path(text) else text):
            pkgutil.resolve_name(name)
    for name, path in re.findall(r"`([\w.]+)` in\s+`([\w/]+\.py)`", prose(page)):
        assert re.search(rf"\b{name.split('.')[0]}\b", (ROOT / path).read_text(encoding="utf-8")), (name, path)


def test_links_lead_from_the_readme_to_every_page():
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        waiting += targets & set(DOCS) - reached
    assert sorted(page.name for page in set(DOCS) - reached) == []


def test_the_readme_is_one_screen():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 60


# ---------------------------------------------------------------------------------------------- docs/stepping.md


def traced(work, trace):
    """Call ``work`` as a debugger does: ``trace`` is told of every call."""
    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)


def test_the_first_breakpoint_shows_what_the_page_says():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    rule = type((x * x).grad_fn).backward.__code__
    stops = []

    def trace(frame, event, argument):
        if frame.f_code is not rule:
            return None
        if event == "line":
            stops.append((set(frame.f_locals), frame.f_back.f_code))
        return trace

    traced(y.backward, trace)
    (first, loop), (second, _) = stops[:2]
    assert first == {"ctx", "grad_z"} and second == {"ctx", "grad_z", "x", "y"}
    assert loop.co_name == "run_backward"
    files = [Path(code.co_filename).relative_to(Path(minigrad.__file__).parent).as_posix() for code in (rule, loop)]
    assert files == ["ops/arithmetic.py", "graph/engine.py"]


def test_the_first_gradient_is_stepped_through_as_its_comments_say():
    functions, rules = [], []

    def trace(frame, event, argument):
        file = Path(frame.f_code.co_filename)
        if Path(minigrad.__file__).parent in file.parents:
            functions.append(frame.f_code.co_name)
            if file.parent.name == "ops" and functions[-1] == "backward":
                rules.append(type(frame.f_locals["ctx"]).__name__)

    traced(lambda: runpy.run_path(str(ROOT / ".vscode" / "first_gradient.py")), trace)
    later = iter(functions)
    for name in (
        "__pow__",
        "apply",
        "forward",
        "backward",
        "backward",
        "first_gradients",
        "walk_backward",
        "run_backward",
    ):
        assert name in later, name
    assert rules == ["Add", "Add", "Mul", "PowScalar"]
