"""The plugin of pytest for courses, by pytest's own means: runs of tests that are written into a folder."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

import comparisons.both  # a run inside of this process forgets what it imported first
import comparisons.coursework.assignments
import comparisons.harness

ROOT = Path(__file__).parents[3]
PLUGIN = "comparisons.pytest_plugin"
PLUGINS = [part for name in (PLUGIN, "no:randomly", "no:cacheprovider", "no:hypothesispytest") for part in ("-p", name)]

pytest_plugins = "pytester"


@pytest.fixture
def run(pytester, unmeasured):
    """Runs tests in this process, with the plugin, whether it is installed or not."""

    def run(source, *arguments, file="test_it"):
        pytester.makepyfile(**{file: source})
        return pytester.runpytest_inprocess(*PLUGINS, *arguments)

    return run


OUTCOMES = """
    import pytest

    @pytest.fixture
    def broken():
        raise OSError("no such thing")

    @pytest.mark.task("2.10", "shapes")
    @pytest.mark.points(3)
    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_thirds(n):
        assert n < 3

    @pytest.mark.task("2.9", "sums")
    @pytest.mark.points(1)
    class TestSums:
        def test_passes(self): pass
        def test_gives_up(self): pytest.skip("an engine may do this")
        def test_is_expected_to_fail(self): pytest.xfail("and this")
        def test_error(self, broken): pass
        @pytest.mark.skipif(True, reason="another system")
        def test_elsewhere(self): pass

    @pytest.mark.points(0.5)
    def test_of_no_task(): pass

    def test_that_does_not_count(): assert False
"""


def of(points):
    """Points and what they are out of, task by task, and how each test went."""
    rows = {task["task"]: (task["points"], task["of"]) for task in points["tasks"]}
    outcomes = {re.sub(r".*::(test_)?", "", test["name"]): test["outcome"] for test in points["tests"]}
    return rows, (points["points"], points["of"]), outcomes


def test_points(run, pytester):
    done = run(OUTCOMES, "--points", "--points-json=points.json")
    done.stdout.fnmatch_lines(
        [
            "*= points =*",
            "2.9  sums     1 of 4 tests  1 of 4 points  (1 skipped)",
            "2.10  shapes  2 of 3 tests  2 of 3 points",
            "no task       1 of 1 tests  0.5 of 0.5 points",
            "all           4 of 8 tests  3.5 of 7.5 points  (1 skipped)",
        ]
    )
    points = json.loads((pytester.path / "points.json").read_text())
    rows, total, outcomes = of(points)
    assert list(rows.items()) == [("2.9", (1, 4)), ("2.10", (2, 3)), ("", (0.5, 0.5))] and total == (3.5, 7.5)
    assert outcomes == {
        "thirds[1]": "passed",
        "thirds[2]": "passed",
        "thirds[3]": "failed",
        "passes": "passed",
        "gives_up": "failed",
        "is_expected_to_fail": "failed",
        "error": "error",
        "elsewhere": "skipped",
        "of_no_task": "passed",
    }
    reasons = {test["name"].rpartition("::")[2]: test["reason"] for test in points["tests"]}
    assert reasons["test_thirds[3]"] == "AssertionError: assert 3 < 3" and points["exit_status"] == 1
    assert reasons["test_error"] == "OSError: no such thing" and "an engine may" in reasons["test_gives_up"]


def test_what_was_chosen_and_did_not_run_earns_nothing(run, pytester):
    run(OUTCOMES, "-x", "-k", "thirds", "--points-json=points.json", "--deselect", "test_it.py::test_thirds[2]")
    rows, _, outcomes = of(json.loads((pytester.path / "points.json").read_text()))
    assert rows == {"2.10": (1, 2)} and outcomes == {"thirds[1]": "passed", "thirds[3]": "failed"}
    run("import pytest\n@pytest.mark.points(1)\ndef test_stops(): pytest.exit('now')", "--points-json=points.json")
    assert of(json.loads((pytester.path / "points.json").read_text()))[1] == (0, 1)


def test_processes_of_xdist_count_as_one_does(pytester, monkeypatch):
    """Where one of them crashes too."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(
        test_it=OUTCOMES + "\n    @pytest.mark.points(2)\n    def test_crash(): import os; os._exit(0)\n"
    )
    done = pytester.runpytest_subprocess(*PLUGINS, "-n", "1", "--points", "--points-json=points.json")
    done.stdout.fnmatch_lines(["all  *4 of 9 tests  3.5 of 9.5 points *"])
    rows, total, outcomes = of(json.loads((pytester.path / "points.json").read_text()))
    assert rows == {"2.9": (1, 4), "2.10": (2, 3), "": (0.5, 2.5)} and total == (3.5, 9.5)
    assert outcomes["crash"] == "error" and outcomes["elsewhere"] == "skipped"


SECRET = """
    import warnings
    import pytest

    @pytest.mark.task("2.2", "shapes", hint="count the dims")
    @pytest.mark.points(1)
    @pytest.mark.hidden
    @pytest.mark.parametrize("value", [1111, 2222])
    def test_quiet(value, both):
        print("printed", value)
        warnings.warn(f"warned {value}")
        assert value + 1 == 0, f"asserted {value}"

    @pytest.mark.hidden
    @pytest.mark.xfail
    def test_expected(): assert 3333 == 0
"""


def test_hidden_tests(run, pytester):
    secrets = ["1111", "2222", "3333", "printed", "warned", "asserted", "value + 1"]
    options = [
        "-v",
        "-l",
        "-rA",
        "--tb=long",
        "--xfail-tb",
        "-W",
        "always",
        "--junitxml=junit.xml",
        "--points-json=points.json",
        "-k",
        "not torch",
    ]
    done = run(SECRET, *options)
    assert all(secret in done.stdout.str() for secret in secrets)
    done = run(SECRET, *options, "--hide", "--hints")
    files = [(pytester.path / name).read_text() for name in ("junit.xml", "points.json")]
    for text in (done.stdout.str(), done.stderr.str(), *files):
        assert not [secret for secret in secrets if secret in text]
    done.stdout.fnmatch_lines(
        ["*test_quiet?minigrad-value0? FAILED*", "2.2 shapes: a hidden test", "hint: count the dims"]
    )
    done = run("import nothing  # 4444", "--hide", file="test_hidden_file")
    done.stdout.fnmatch_lines(["it cannot be collected: ModuleNotFoundError: No module named 'nothing'"])
    assert "4444" not in done.stdout.str()


def test_hints(run, pytester):
    pytester.makepyfile(engine="def product(x, y):\n    return x / y\n")
    source = """
        import engine, pytest

        pytestmark = pytest.mark.task("1.3")

        def test_fails():
            x = 3
            assert engine.product(
                x, 1
            ) == 4, "what is x times 1?"

        @pytest.mark.points(1, hint=["first", "second", "third"])
        def test_stops(): engine.product(1, 0)

        def test_unknown(fixture): pass
    """
    product = comparisons.coursework.assignments.TASKS["1.3"]
    done = run(source, "--hints", "--hints")
    done.stdout.fnmatch_lines(
        [
            f"1.3 {product.title}: test_it.py, line 7",
            '    assert engine.product( x, 1 ) == 4, "what is x times 1?"',
            "    what is x times 1?",
            "    assert 3.0 == 4",
            *[f"hint: {hint}" for hint in product.hints[:2]],
            f"1.3 {product.title}: test_it.py, line 12",
            "    ZeroDivisionError: division by zero, in product, line 2 of engine.py",
            "hint: first",
            "hint: second",
        ],
        consecutive=False,
    )
    assert "third" not in done.stdout.str() and "return x / y" not in done.stdout.str()
    done.stdout.fnmatch_lines(["*fixture 'fixture' not found"])


BOTH = """
    import random
    import numpy
    import pytest

    numbers = []

    def test_equal(both):
        numbers.append((random.random(), numpy.random.rand(), both.rand(2).tolist()))
        x = both.tensor([1.0, 2.0], dtype=both.float64, requires_grad=True)
        for step in range(2):
            (x * x).sum().backward()
            both.check("x.grad", x.grad)
        both.check("much", {"loss": 2 * both.rand(1).item(), "shapes": [x.shape, "text", None, numbers[0][:2]]})

    def test_seeds(both):
        assert numbers == numbers[:1] * 3  # the body of the first ran once more

    @pytest.mark.points(1)
    def test_differs(both):
        both.check("drawn", both.rand(3))

    @pytest.mark.points(1)
    def test_lacks(both):
        both.check("ones", both.zeros(2))

    @pytest.fixture
    def made(both):
        return both.ones(2)

    def test_fixture(both, made):
        both.check("made", made)

    def test_itself(both):
        both.check("name", both.engine.__name__)
        assert both.engine.__name__ != "torch"
"""


def test_both_engines(run, pytester):
    pytester.makepyfile(
        wrong="from minigrad import *\nimport minigrad\nrand = lambda *n: minigrad.rand(*n) * 1.5\ndel zeros"
    )
    done = run(BOTH, "-k", "equal or seeds or fixture or itself", "-v")
    statuses = dict(re.findall(r"::(test_\S+) (PASSED|FAILED)", done.stdout.str()))
    expected = {"test_equal": "PASSED PASSED", "test_seeds": "PASSED PASSED", "test_itself": "FAILED FAILED"}
    expected |= {"test_fixture": "FAILED PASSED"}
    ids = ("minigrad", "torch")
    assert statuses == {f"{n}[{i}]": s for n, both in expected.items() for i, s in zip(ids, both.split())}
    done.stdout.fnmatch_lines(
        [
            "*check('made') is given a tensor of minigrad.tensor where PyTorch runs: a fixture has made it*",
            "*with PyTorch the test itself stops: AssertionError: assert 'torch' != 'torch'*",
        ]
    )
    done = run(BOTH, "-k", "differs or lacks", "-v", "--engine-under-test", "./wrong.py", "--points", "--tb=short")
    statuses = dict(re.findall(r"::(test_\S+) (PASSED|FAILED)", done.stdout.str()))
    ids = ("wrong", "torch")
    assert statuses == {
        f"{n}[{i}]": s for n in ("test_differs", "test_lacks") for i, s in zip(ids, ("FAILED", "PASSED"))
    }
    done.stdout.fnmatch_lines(
        ["*Mismatch: drawn: 3 of 3 values differ by more than*", "all  *0 of 2 tests  0 of 2 points"]
    )


@pytest.mark.parametrize(
    "engine, told",
    [
        ("nowhere", "--engine-under-test nowhere cannot be imported: No module named 'nowhere'"),
        ("./bad.py", "--engine-under-test ./bad.py cannot be imported: SyntaxError: *, line 1 of bad.py"),
    ],
)
def test_an_engine_that_is_none(engine, told, run, pytester):
    pytester.makepyfile(bad="def")
    done = run("def test_it(both): pass", "--engine-under-test", engine)
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines([told])


def test_without_pytorch_a_check_is_a_skip(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    done = run("def test_a(both): pass\ndef test_b(both): both.check('ones', both.ones(2))", "-rs")
    done.assert_outcomes(passed=1, skipped=3)
    done.stdout.fnmatch_lines(["*this needs PyTorch: pip install 'minigrad[[]compare[]]'"])


@pytest.mark.parametrize(
    "source, option, told",
    [
        ("", "--points-json=missing/points.json", "*--points-json *points.json: there is no folder *missing"),
        ("", "--points-json=.", "*--points-json *: it cannot be written"),
        ("points('many')", "--points", "*test_it: points(n) takes a number from 0 on, got 'many'"),
        ("points(float('nan'))", "--points", "*test_it: points(n) takes a number from 0 on, got nan"),
        ("task(2.2)", "--hints", '*test_it: task(id, concept) takes texts, such as "2.2", got (2.2,)'),
    ],
)
def test_wrong_usage(source, option, told, run):
    mark = f"@pytest.mark.{source}\n" if source else ""
    done = run(f"import pytest\n{mark}def test_it(): pass", option)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([told])


def test_options_and_marks_of_others_stay_theirs(run, pytester):
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--points", type=int, default=7)
            parser.getgroup("theirs").addoption("--hints", action="store_true")
        def pytest_report_header(config):
            return f"theirs: {config.getoption('points')} {config.getoption('--hints')}"
        """
    )
    source = "import pytest\n@pytest.mark.hidden\n@pytest.mark.points('many')\ndef test_it(): assert 5 == 6"
    done = run(source, "--points", "3", "--hints", "--strict-markers", "--hide")
    done.stdout.fnmatch_lines(["theirs: 3 True", "test_it: a hidden test"])
    done = run(source)
    done.stdout.fnmatch_lines(["theirs: 7 False", "E  *assert 5 == 6"])


def test_it_costs_nothing_where_nobody_asks():
    code = f"import sys, {PLUGIN}; print(*sorted(name for name in sys.modules if name.count('.') < 2))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {name for name in done.stdout.split() if name.startswith(("minigrad", "comparisons", "torch_impl"))}
    assert ours <= {"comparisons", PLUGIN, "torch_impl", "torch_impl.missing"}
    assert not {"numpy", "torch", "rich", "typer"} & set(done.stdout.split())


def test_what_is_installed_with_it_is_not_rewritten(pytestconfig, monkeypatch):
    hook = AssertionRewritingHook(pytestconfig)
    monkeypatch.setattr(hook, "_warn_already_imported", lambda name: None)
    hook.mark_rewrite("minigrad", "comparisons", "torch_impl", "tests")
    specs = []
    for _ in range(2):
        specs.append(
            [bool(hook.find_spec(f"{name}.files", [str(ROOT / "torch_impl")])) for name in ("minigrad", "tests")]
        )
        comparisons.pytest_plugin.pytest_addoption(SimpleNamespace(rewrite_hook=hook))
    assert specs == [[True, True], [False, True]]


def test_it_is_installed_under_its_own_name():
    """So that ``-p`` and an installation name one plugin."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'[project.entry-points.pytest11]\n"{PLUGIN}" = "{PLUGIN}"\n' in text


def test_the_page(run):
    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```", page, re.DOTALL | re.MULTILINE))
    command, *lines = blocks["console"].splitlines()
    assert command.startswith("$ python -m pytest ")
    done = run(blocks["python"], *command.split()[4:], file="test_page")
    shown = [re.sub(r"(_{5,}|={5,})", "*", line).replace("[", "[[]") for line in lines]
    done.stdout.fnmatch_lines(shown)
