"""How the tests are run: the whole suite by several processes, but where one may stop inside of a test, by one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from comparisons.coursework.holes import hollowed

ROOT = Path(__file__).parent.parent
STOP = "MINIGRAD_STOP"
HERE = f"{__file__}::test_where_one_may_stop"


def test_where_one_may_stop():
    """Others below run this one by itself and stop in it."""
    if STOP in os.environ:
        answer = 42
        breakpoint()
        assert answer == 42


def launched():
    """The arguments of ``.vscode/launch.json``'s entry for tests."""
    entries = json.loads((ROOT / ".vscode" / "launch.json").read_text(encoding="utf-8"))["configurations"]
    (arguments,) = [entry["args"] for entry in entries if entry.get("module") == "pytest"]
    return [argument.replace("${file}", HERE) for argument in arguments]


@pytest.mark.parametrize("arguments", [[HERE], [HERE, "--pdb"], launched()], ids=["by name", "pdb", "launch.json"])
def test_one_can_stop_inside_of_a_test(arguments, tmp_path):
    """The debugger is told what to do by its terminal, here a pipe. The run passes, whatever little it covers."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {STOP: "1", "COVERAGE_FILE": str(tmp_path / "coverage")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    commands = "p 'the answer is', answer\ncontinue\n"
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=commands, capture_output=True, text=True, timeout=120
    )
    assert "('the answer is', 42)" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_folder_is_run_by_several_processes_unmeasured(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment["COVERAGE_FILE"] = str(tmp_path / "coverage")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "tests/minigrad/graph"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "coverage").exists() and "TOTAL" not in done.stdout


@pytest.fixture(scope="module")
def tested_in_its_place(tmp_path_factory):
    """Runs some of the rules' tests on an engine of another name, in which one rule is unwritten; its output."""
    folder = tmp_path_factory.mktemp("handout")
    for path in (ROOT / "minigrad").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == "transcendental.py":
            text = hollowed(text, {"Sinh.backward": "1.10 Sinh: not written yet"})
        copied = folder / "hw2engine" / path.relative_to(ROOT / "minigrad")
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(re.sub(r"\bminigrad\b", "hw2engine", text), encoding="utf-8")

    def run(*arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rfE", "tests/minigrad/test_ops.py"]
        done = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
        return done.stdout + done.stderr

    return folder / "hw2engine", run


def test_another_engine_takes_the_place_of_minigrad(tested_in_its_place):
    """An unwritten rule fails its own tests, not the collection, and none that can do without it."""
    folder, run = tested_in_its_place
    output = run("--engine", str(folder), "-k", "sinh or cosh or tanh or has_a_case")
    failed = {line.rpartition("::")[2].partition(" ")[0] for line in output.splitlines() if line.startswith("FAILED")}
    cases = {f"test_gradients_and_their_gradients[{case}]" for case in ("sinh", "cosh")}
    others = {
        "test_a_wrong_rule_is_noticed[transcendental.Sinh]",
        "test_what_was_changed_since_is_refused_or_not_read[sinh]",
    }
    assert failed == cases | others, output
    assert f"engine: {folder}" in output and "hw2engine/ops/transcendental.py" in output
    assert "1.10 Sinh: not written yet" in output and " passed" in output and "ERROR" not in output


def test_an_engine_that_is_not_there_is_told_in_a_sentence(tested_in_its_place):
    _, run = tested_in_its_place
    assert "ERROR: --engine nowhere: there is no such engine: No module named 'nowhere'" in run("--engine", "nowhere")


@pytest.fixture
def conftest(pytestconfig):
    """The module ``conftest.py``."""
    plugins = pytestconfig.pluginmanager.get_plugins()
    (module,) = [each for each in plugins if getattr(each, "__file__", "") == str(ROOT / "tests" / "conftest.py")]
    return module


@pytest.fixture
def ask(conftest, monkeypatch):
    """Asks ``conftest.py`` about a run: how many processes, and if it is measured."""
    monkeypatch.setattr(conftest, "debugged", lambda: False)
    plain = {"usepdb": False, "trace": False, "capture": "fd", "keyword": "", "lf": False, "stepwise": False}
    plain |= {"markexpr": "", "collectonly": False}

    def asked(*arguments, debugged=False, **options):
        config = SimpleNamespace(
            option=SimpleNamespace(**{**plain, **options}),
            args=[str(argument) for argument in arguments],
            invocation_params=SimpleNamespace(dir=ROOT),
            rootpath=ROOT,
        )
        if debugged:
            monkeypatch.setattr(conftest, "debugged", lambda: True)
        return conftest.pytest_xdist_auto_num_workers(config), conftest.is_whole(config)

    return asked


@pytest.mark.parametrize("arguments", [["tests"], [ROOT / "tests"], ["."]], ids=["tests", "absolute", "dot"])
def test_the_whole_suite_is_run_by_one_process_more_than_processors_and_measured(ask, pytestconfig, arguments):
    assert ask(*arguments) == (os.cpu_count() + 1, True)
    options = pytestconfig.getini("addopts")
    assert {"--numprocesses=logical", "--cov=minigrad", "--cov-fail-under=95"} <= set(options)


def test_a_folder_is_run_by_as_many(ask):
    assert ask("tests/minigrad") == ask("tests/minigrad", "tests/comparisons") == (os.cpu_count() + 1, False)
    assert ask("tests", markexpr="not slow") == (os.cpu_count() + 1, False)


@pytest.mark.parametrize(
    "options",
    [{"usepdb": True}, {"trace": True}, {"capture": "no"}, {"keyword": "add"}, {"lf": True}, {"debugged": True}],
    ids=str,
)
def test_nothing_stands_in_the_way_of_a_debugger(ask, options):
    assert ask("tests", **options) == (0, False)


def test_a_file_is_run_by_one_process(ask):
    assert ask("tests/test_running.py") == ask("tests/minigrad/test_ops.py", "tests") == (0, False)
    assert ask("tests/test_running.py::test_a_file_is_run_by_one_process") == (0, False)


def test_of_cases_that_are_alike_the_same_one_is_measured_in_every_process(conftest):
    def chosen(file, order=1):
        names = [f"{file}::test_it[{case}]" for case in ("exp-float64", "exp-bool", "log-b", "log-a", "sum")][::order]
        items = [SimpleNamespace(nodeid=name, path=ROOT / file, stash=pytest.Stash()) for name in names]
        conftest.choose_what_is_measured(items)
        return {item.nodeid.partition("[")[2] for item in items if conftest.MEASURED in item.stash}

    assert chosen("tests/minigrad/test_ops.py") == {"exp-float64]", "log-a]", "sum]"}
    assert chosen("tests/minigrad/test_ops.py", order=-1) == chosen("tests/minigrad/test_ops.py")
    assert not chosen("tests/torch_impl/test_cli.py")


def test_a_fixture_that_a_test_asks_for_while_it_runs_is_measured_with_it(conftest):
    """Coverage that has been begun twice does not stop any more: its trace function stays."""
    told = []
    coverage = SimpleNamespace(start=lambda: told.append("start"), stop=lambda: told.append("stop"))
    session = SimpleNamespace(stash=pytest.Stash())
    session.stash[conftest.MEASURING] = [coverage]
    for _ in range(2):
        with conftest.measured(session), conftest.measured(session):
            told.append("inside")
    assert told == ["start", "inside", "stop"] * 2


PROGRAM = "import sys; print(*sys.argv[1:], 'torch' in sys.modules, sys.stdin.read()); {}"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each program is begun by an interpreter of its own")
@pytest.mark.parametrize(
    ("last", "status", "errors"),
    [
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no')", 1, "no\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("raise KeyboardInterrupt", -2, "KeyboardInterrupt\n"),
        ("import os; os.abort()", -6, ""),
        ("import warnings; warnings.warn('w')", 1, "UserWarning: w\n"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) > 10 else "",
)
def test_a_fork_runs_a_program_and_ends_as_python_does(last, status, errors, forked, tmp_path):
    """Only that PyTorch is imported already. With an option that a fork cannot take up, it is Python itself."""
    environment = {**os.environ, "HOME": "x"}
    program = PROGRAM.format(last.replace("os.abort", "print(os.getcwd(), os.environ['HOME'], flush=True), os.abort"))
    options = {"cwd": tmp_path, "env": environment, "input": "read", "capture_output": True, "text": True}
    command = [sys.executable, "-W", "error", "-c", program, "a b", "c"]
    fork = subprocess.run(command, **options, timeout=120)
    python = subprocess.run([*command[:1], "-B", *command[1:]], **options, timeout=120)
    assert fork.stdout.startswith("a b c True read\n") and fork.stdout.replace("True", "False", 1) == python.stdout
    assert (fork.returncode, fork.stderr) == (python.returncode, python.stderr)
    assert fork.returncode == status and fork.stderr.endswith(errors)


def test_what_a_test_begins_is_no_fork_unless_it_asks_for_one():
    """Though the process that runs it may be one, where several share the tests."""
    assert subprocess.Popen.__module__ == "subprocess"
