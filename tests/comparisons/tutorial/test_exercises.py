"""The exercises of the book: text and cases agree, a stub earns nothing, the hidden answer all, and nothing raises."""

import ast
import functools
import json
import re
import types
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import pytest
from typer.testing import CliRunner

import minigrad
from comparisons.cli import app
from comparisons.coursework.engines import Engine
from comparisons.coursework.judge import AGREES, DIFFERS, MISSING, STOPPED
from comparisons.tutorial import check, from_scratch
from comparisons.tutorial.exercises import EXERCISES
from comparisons.tutorial.exercises.exercise import is_stub
from comparisons.tutorial.exercises.judging import HandedIn, NotAsked, chosen_exercises, engine_for, handed_in

ROOT = Path(__file__).parents[3]
BOOK = ROOT / "comparisons" / "tutorial"
TEXTS = sorted(BOOK.glob("[0-9][0-9]-*.md"))
ANSWER = re.compile(r"<details>.*?</details>", re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass
class InText:
    """An exercise as it stands in a section: the number of its stub's cell, the names that are checked, the answer."""

    path: Path
    stub: int | None
    names: tuple[str, ...]
    answer: str = ""


@functools.cache
def code_of(path):
    """The code of a section, cell by cell."""
    return handed_in(path).cells


def checked_in(source):
    """The id and the names that a cell checks; None where it checks nothing."""
    for node in ast.walk(ast.parse(source)) if "check(" in source else ():
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
            return node.args[0].value, tuple(each.id for each in node.args[1:])
    return None


def exercises_in(path):
    """The exercises of a section's text by id: a stub, then its check, then what is hidden."""
    number, stub, found, waiting = -1, None, {}, None
    for cell in jupytext.read(path, fmt="md:myst").cells:
        if cell.cell_type == "code":
            number += 1
            if "exercise" in cell.metadata.get("tags", []):
                stub = number
            elif checked := checked_in(code_of(path)[number]):
                waiting, names = checked
                found[waiting] = InText(path, stub, names)
                stub = None
        elif waiting and (hidden := ANSWER.search(cell.source)):
            found[waiting].answer = "\n".join(PYTHON.findall(hidden[0]))
            waiting = None
    return found


def cells_of(path, *, answered=False):
    """A section's code; with the hidden answers in the places of the stubs."""
    answers = {each.stub: each.answer for each in IN_TEXT.values() if each.path == path} if answered else {}
    return HandedIn(tuple(answers.get(number, cell) for number, cell in enumerate(code_of(path))), "code cell {}")


IN_TEXT = {id: each for path in TEXTS for id, each in exercises_in(path).items()}
SECTIONS = {path.name[1] for path in TEXTS}
NOTHING = Engine("nothing", {})


def test_ids_sections_and_names_of_cases_are_in_order():
    assert [each.id for each in EXERCISES.values()] == list(EXERCISES)
    assert sorted(EXERCISES, key=lambda id: [int(each) for each in id.split(".")]) == list(EXERCISES)
    for exercise in EXERCISES.values():
        names = [case.name for case in exercise.cases]
        assert names and len(set(names)) == len(names), exercise.id
        assert exercise.names and all(case.theirs for case in exercise.cases), exercise.id


def test_texts_and_cases_have_the_same_exercises():
    assert set(IN_TEXT) == {id for id in EXERCISES if id.split(".")[0] in SECTIONS}
    for id, in_text in IN_TEXT.items():
        assert in_text.names == EXERCISES[id].names and in_text.stub is not None and in_text.answer, id


def definitions(handed, exercise):
    """What a reader's notebook defines, as the judge takes it; run here, for it is ours."""
    source = engine_for(exercise, handed, NOTHING).sources["exercise.py"].decode()
    assert "torch" not in source, f"{exercise.id}: the judge's sandbox has no PyTorch"
    module = types.ModuleType("exercise")
    exec(compile(source, f"{exercise.id}", "exec"), vars(module))
    return [getattr(module, name) for name in exercise.names]


@pytest.mark.parametrize("id", IN_TEXT)
def test_the_stub_earns_nothing_and_the_hidden_answer_agrees(id):
    exercise, in_text = EXERCISES[id], IN_TEXT[id]
    with pytest.raises(NotAsked, match="not written yet"):
        engine_for(exercise, cells_of(in_text.path), NOTHING)
    checked = check(id, *definitions(cells_of(in_text.path, answered=True), exercise))
    assert checked.failed is None, repr(checked)
    wrong = check(id, *[lambda *given, **named: given[0] if given else None] * len(exercise.names))
    assert wrong.failed, "what gives back its first argument is right"


# ------------------------------------------------------------------------------------------- checking and judging


class Mul(from_scratch.Node):
    """Right."""

    def forward(self, x, y):
        self.saved = x, y
        return x * y

    def backward(self, grad_z):
        x, y = self.saved
        return grad_z * y, grad_z * x


class WrongMul(Mul):
    def backward(self, grad_z):
        return grad_z, grad_z


class NoMul(Mul):
    def backward(self, grad_z):
        raise NotImplementedError


class BrokenMul(Mul):
    def forward(self, x, y):
        return x * undefined  # noqa: F821


class QuittingMul(Mul):
    def forward(self, x, y):
        raise SystemExit


@pytest.mark.parametrize(
    "written, status, told",
    [
        (Mul, AGREES, "0.2 Mul: the case agrees"),
        (NoMul, MISSING, "0.2 Mul: not written yet"),
        (WrongMul, DIFFERS, "0.2 Mul: 0 of 1 cases agree; first that differs: the product: grad_x: 1 of 1 values diff"),
        (BrokenMul, STOPPED, "first that stopped: the product: NameError: name 'undefined' is not defined, in Broken"),
        (QuittingMul, STOPPED, "the product: SystemExit, in QuittingMul.forward, line "),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_a_check_tells_what_came_of_it(written, status, told):
    checked = check("0.2", written)
    assert told in str(checked) and [each.status for each in checked.verdicts] == [status]
    shown = status not in (AGREES, MISSING)
    assert ("engine.Mul()" in repr(checked)) == shown == ("<details>" in checked._repr_html_())
    assert "<" not in re.sub(r"</?(div|details|summary|pre)\b[^>]*>", "", checked._repr_html_())


@pytest.mark.parametrize(
    "source, stub",
    [
        ("def f(x): ...", True),
        ("def f(x):\n    'What it does.'\n    ...", True),
        ("def f(x):\n    raise NotImplementedError('not yet')", True),
        ("class A:\n    x = 1", True),
        ("class A:\n    def f(self): return 1\n    async def g(self): ...", True),
        ("class A:\n    def f(self): pass\n    def g(self):\n        'Nothing.'", False),
        ("def f(x):\n    y = ...\n    return y", False),
    ],
)
def test_a_stub_is_told_from_what_is_written(source, stub):
    assert is_stub(ast.parse(source).body[0]) == stub


def test_a_check_leaves_the_readers_random_numbers_alone():
    minigrad.manual_seed(0)
    state = minigrad.get_rng_state()

    def step(parameters, lr):
        minigrad.rand(3)

    assert "0 of 1" in str(check("0.7", step))
    assert minigrad.equal(state, minigrad.get_rng_state())


def test_what_is_no_exercise_is_refused():
    with pytest.raises(ValueError, match=r"no exercise '0.99': choose from 0\.1, 0\.2"):
        check("0.99", Mul)
    with pytest.raises(TypeError, match=r'exercise 0.3 asks for 2: check\("0.3", Tanh, Value\)'):
        check("0.3", Mul)


HANDED_IN = [
    "import torch\nimport itertools\nitertools.about(torch)\ntable = {}\ntable['one'] = 1",
    "%pwd\ncounter = itertools.count()\nclass Node:\n    pass",
    "class Mul(Node):\n    def forward(self, x, y): ...",
    "def this is no Python",
    "class Mul(Node):\n"
    "    def forward(self, x, y):\n        next(counter)\n        self.saved = x, y\n        return x * y * factor()\n"
    "    def backward(self, grad_z):\n        x, y = self.saved\n        return grad_z * y, grad_z * x\n",
    "def factor():\n    return {factor} * table['one']",
    "if not torch:\n    from comparisons.tutorial.from_scratch import Mul",
    "torch.ones(3)\nraise SystemExit",
]


def notebook_with(factor):
    return [each.replace("{factor}", factor) for each in HANDED_IN]


def write(path, cells):
    """Write cells as a notebook, or its Markdown, or, without what is no Python, a file of Python."""
    if path.suffix == ".py":
        path.write_text("\n".join(each.lstrip("%") for each in cells if "no Python" not in each))
        return path
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    jupytext.write(notebook, path, fmt="md:myst" if path.suffix == ".md" else "ipynb")
    return path


def judged(path, *arguments):
    done = CliRunner().invoke(app, ["judge", str(path), "--unsafe", "--secret", "a secret", *arguments])
    return done.exit_code, " ".join(done.output.split())


def test_the_judge_takes_of_a_notebook_what_an_exercise_asks_for_and_that_needs(tmp_path, unmeasured):
    right = write(tmp_path / "ann.ipynb", notebook_with("1"))
    status, told = judged(right, "--exercises", "0.2", "--json", str(tmp_path / "results.json"))
    assert status == 0 and "All 1 cases agree" in told, told
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["engine"], results["cases"][0]["case"]) == ("ann", "0.2 the product")
    wrong = write(tmp_path / "bob.md", notebook_with("1 / 0"))
    status, told = judged(wrong, "--exercises", "0.2", "--exercises", "0.7")
    assert status == 3, told
    assert "ZeroDivisionError: division by zero, in factor, line 2 of code cell 6" in told
    assert "0.7 three steps not there yet step is not there" in told


@pytest.mark.parametrize("suffix", [".ipynb", ".md", ".py"])
def test_what_is_handed_in_is_read_in_each_form(tmp_path, suffix):
    path = write(tmp_path / f"ann{suffix}", notebook_with("1"))
    handed = handed_in(path)
    source = engine_for(EXERCISES["0.2"], handed, NOTHING).sources["exercise.py"].decode()
    assert "class Mul" in source and "counter = " in source and "torch" not in source
    with pytest.raises(NotAsked, match="^step is not there$"):
        engine_for(EXERCISES["0.7"], handed, NOTHING)
    (number,) = (number for number, line in enumerate(source.splitlines(), 1) if line == "def factor():")
    line = path.read_text().splitlines().index("def factor():") + 1 if suffix == ".py" else 1
    assert handed.place_of(number) == f"line {line} of {'ann.py' if suffix == '.py' else 'code cell 6'}"


def test_a_cell_that_is_no_python_stops_what_is_asked_of_it_alone():
    handed = HandedIn(("def step(parameters, lr):\n    for", "def neuron(w, b, x):\n    return 1"), "code cell {}")
    with pytest.raises(NotAsked, match="^step: SyntaxError: .*, line 2 of code cell 1$") as refused:
        engine_for(EXERCISES["0.7"], handed, NOTHING)
    assert refused.value.status == STOPPED
    assert engine_for(EXERCISES["0.6"], handed, NOTHING)


@pytest.mark.parametrize(
    "name, arguments, told",
    [
        ("ann.py", ["--exercises", "7.7"], "there is no exercise '7.7': choose from 0.1, 0.2"),
        ("ann.txt", ["--exercises", "0"], "it is no notebook"),
        ("nobody.py", ["--exercises", "0"], "it cannot be read"),
    ],
)
def test_the_command_refuses_in_a_sentence(tmp_path, name, arguments, told):
    write(tmp_path / "ann.py", notebook_with("1"))
    (tmp_path / "ann.txt").write_text("no notebook")
    status, output = judged(tmp_path / name, *arguments)
    assert status == 2 and told in output.replace("│ ", "").replace(" │", ""), output


def test_sections_are_chosen_by_number_and_exercises_by_id():
    assert [each.id for each in chosen_exercises(["0"])] == [id for id in EXERCISES if id.startswith("0.")]
    assert [each.id for each in chosen_exercises(["0.7", "0.2"])] == ["0.2", "0.7"]
