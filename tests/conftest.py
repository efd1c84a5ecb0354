"""What several test files share, and how a run is shared out among processes, or not.

The whole suite is run by one process more than there are processors, and what it covers of minigrad is measured.
Whoever runs a part of it, or debugs, wants to stop inside of a test instead: a process of pytest-xdist has no terminal
to stop at, and coverage takes the place of a debugger's trace function. So there is one process then, and nothing is
measured.

``--engine`` puts another engine in minigrad's place, such as a handout's, whatever its package is called: it is laid
out as minigrad is, and wherever a test, or what it tests, imports ``minigrad``, it gets that one. What the engine lacks
fails the tests that need it, and another name those that look for minigrad's. Only tests that begin another Python are
of this repository's engine all the same.
"""

import contextlib
import functools
import gc
import importlib
import importlib.util
import os
import pkgutil
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path

import coverage
import pytest
from _pytest.runner import runtestprotocol

NARROWING = ("keyword", "lf", "stepwise")  # options that leave a few tests of many

# Tests that do not reach minigrad in this process, or whose lines others reach as well.
# Measuring what they cover would take as long as they do.
UNMEASURED = ("torch_impl", "comparisons/coursework", "test_architecture.py")
LARGE = ("torch", "torchvision", "lightning.pytorch", "matplotlib.pyplot")
UNMEASURED_PATHS = {Path(__file__).parent / name for name in UNMEASURED}
MEASURED = pytest.StashKey[bool]()  # of a test: whether coverage is measured in it; of the session: now
MEASURING = pytest.StashKey[list[coverage.Coverage]]()  # by what it will be measured again, latest last


def pytest_addoption(parser):
    """The option ``--engine``."""
    parser.addoption("--engine", metavar="NAME|FOLDER", help="the engine to be tested in the place of minigrad")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Put the engine that is asked for in the place of minigrad, before anything is imported from there."""
    engine = config.getoption("--engine")
    if engine is None:
        return
    folder, name = config.invocation_params.dir / engine, engine
    if folder.is_dir():
        sys.path.insert(0, str(folder.resolve().parent))
        name = folder.resolve().name
    if "minigrad" in sys.modules:
        raise pytest.UsageError("--engine: minigrad has been imported already, by another plugin")
    if name != "minigrad":
        sys.meta_path.insert(0, InPlaceOfMinigrad(name))
        config.addinivalue_line("filterwarnings", rf"ignore::RuntimeWarning:{name}\.")
    try:
        importlib.import_module("minigrad")
    except ModuleNotFoundError as error:
        raise pytest.UsageError(f"--engine {engine}: there is no such engine: {error}") from None


class InPlaceOfMinigrad:
    """Finds ``minigrad`` and what is in it, and gives the modules of another package."""

    def __init__(self, name):
        self.name = name

    def find_spec(self, name, path=None, target=None):
        first, *rest = name.split(".")
        return ModuleSpec(name, self, origin=".".join([self.name, *rest])) if first == "minigrad" else None

    def create_module(self, spec):
        module = importlib.import_module(spec.origin)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        """It has run already. Only the names by which it knows itself are its own again."""
        module.__spec__ = module.__spec__.loader_state


def pytest_report_header(config):
    """Which engine is tested, where it is not minigrad."""
    engine = config.getoption("--engine")
    return None if engine is None else f"engine: {engine}"


def may_stop(config):
    """Whether this run may stop inside of a test: it is debugged, or only a file or a few tests are run."""
    option = config.option
    if option.usepdb or option.trace or option.capture == "no" or debugged():
        return True
    folders = all((config.invocation_params.dir / argument).is_dir() for argument in config.args)
    return not folders or any(getattr(option, name, False) for name in NARROWING)  # a plugin's, which may be off


def debugged():
    """Whether a debugger runs this process. Coverage's own trace function is none."""
    if {"debugpy", "pydevd"} & set(sys.modules):
        return True
    trace = sys.gettrace()
    return trace is not None and not type(trace).__module__.startswith("coverage")


def is_whole(config):
    """Whether this run is of all tests, so that what they cover says something."""
    everything = {Path(__file__).parent, config.rootpath}
    chosen = {config.invocation_params.dir / argument for argument in config.args}
    return chosen <= everything and not (config.option.markexpr or config.option.collectonly or may_stop(config))


@contextlib.contextmanager
def measured(session):
    """Coverage is measured inside, if it is to be in what runs now: everywhere else it has been stopped.

    A test may ask for a fixture while it runs: what is measured already is not begun a second time.
    """
    if not session.stash.get(MEASURED, True):
        yield
        return
    stopped, session.stash[MEASURING] = session.stash.get(MEASURING, []), []
    for each in stopped:
        each.start()
    try:
        yield
    finally:
        for each in reversed(stopped):
            each.stop()
        session.stash[MEASURING] = stopped


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """No processes beside this one where a test may stop; otherwise one more than processors: many tests wait for a
    program that they have begun."""
    return 0 if may_stop(config) else (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Stop measuring what is not the whole suite, unless the command line asks for it."""
    asked_for = any(str(argument).startswith("--cov") for argument in config.invocation_params.args)
    measuring = coverage.Coverage.current()
    if hasattr(config, "workerinput"):
        measured = config.workerinput["measured"]  # as the process has decided that began this one
        if "forking" in sys.modules:  # it is a fork itself: what its tests begin is one only where they ask for that
            subprocess.Popen = sys.modules["forking"].Popen.__base__
    else:
        measured = asked_for or (is_whole(config) and config.getoption("--engine") is None)
    if measuring is not None and not measured:
        measuring.stop()
        config.option.no_cov = config.known_args_namespace.no_cov = True  # pytest-cov looks at the second


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Tell a process of pytest-xdist whether it measures, and leaves the long tests out: it has the same command line,
    and would decide again."""
    node.workerinput["measured"] = not node.config.option.no_cov
    node.workerinput["whole"] = is_whole(node.config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config, specs):
    """Several processes compute on one thread each: those of BLAS and of PyTorch keep turning while they wait.

    One process forks for all of them, and they are forks of it: PyTorch is imported once.
    """
    if len(specs) > 1:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if sys.platform == "linux":
        forking = load_forking()
        if forking.SOCKET not in os.environ:  # else a test of such a run has begun this one
            process = contextlib.ExitStack()
            process.enter_context(forking.begun())
            config.add_cleanup(process.close)
        subprocess.Popen = forking.Popen


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart():
    """Only the processes that share the tests are begun otherwise, not what else this one begins."""
    begun_by = subprocess.Popen
    try:
        return (yield)
    finally:
        subprocess.Popen = begun_by


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session):
    """Import what the tests do, before they are collected: what is measured of it, and what several processes share.

    Coverage is stopped here: pytest itself takes twice as long where it is measured.
    """
    gc.disable()  # it would go through what stays, again and again; in the process that only counts, to the end
    if is_controller(session.config):
        return
    if not session.config.option.no_cov:
        stop_measuring(session)
        with contextlib.suppress(ImportError):  # the engine's tests need none of it
            for name in LARGE:
                importlib.import_module(name)
    whole = hasattr(session.config, "workerinput") and session.config.workerinput["whole"]
    if whole:
        compile_own_share(session)
    if not session.config.option.no_cov:
        with measured(session):
            import_whole("minigrad")
    if whole:
        import_own_share(session)


def stop_measuring(session):
    """Stop coverage, so that :func:`measured` begins it again."""
    stopped = session.stash[MEASURING] = []
    while (measuring := coverage.Coverage.current()) is not None:
        measuring.stop()
        stopped.insert(0, measuring)


def import_whole(name):
    """Import a package with all that is in it."""
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def own_share(session, paths):
    """Some of the files, in each of the processes that share the tests others."""
    own = int(session.config.workerinput["workerid"].removeprefix("gw"))
    return sorted(paths)[own :: session.config.workerinput["workercount"]]


def compile_own_share(session):
    """Write the bytecode of some of the packages' files, where there is none yet: all need all of it."""
    for package in ("minigrad", "comparisons", "torch_impl"):
        for path in own_share(session, (Path(__file__).parent.parent / package).rglob("*.py")):
            with contextlib.suppress(SyntaxError):  # importing it tells
                SourceFileLoader(path.stem, str(path)).get_code(path.stem)


def import_own_share(session):
    """Import some of the files of tests, each process others: the rest has the bytecode that the others then have
    written. To have all of them compiled by each takes as long as to collect them."""
    for path in own_share(session, Path(__file__).parent.rglob("test_*.py")):
        with contextlib.suppress(pytest.Collector.CollectError, pytest.skip.Exception):  # collecting it tells
            assert pytest.Module.from_parent(session, path=path).obj


def is_controller(config):
    """Whether this process only shares out the tests among others."""
    return bool(config.getoption("tx", [])) and not hasattr(config, "workerinput")


def pytest_collection_modifyitems(config, items):
    """Leave the long tests out of a run of them all, and begin with the slow ones where processes share them: one that
    is begun last is waited for by all others."""
    if config.workerinput["whole"] if hasattr(config, "workerinput") else is_whole(config):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish(session):
    """What is there now, PyTorch and thousands of tests, stays: the garbage collector need not go through it again."""
    choose_what_is_measured(session.items)
    gc.freeze()
    gc.enable()


def choose_what_is_measured(items):
    """Mark the items in which coverage is measured, the same ones in every process and in any order.

    Of cases whose names differ only behind the first dash, as in ``[exp-float64]`` and ``[exp-int64]``, it is that of
    float64, or the first by name: the others run the same lines over again.
    """

    def rank(name):
        return "float64" not in name, name

    files = {item.path for item in items}
    measured = {path for path in files if UNMEASURED_PATHS.isdisjoint([path, *path.parents])}
    named = {item.nodeid: item for item in items if item.path in measured}  # a name is put together each time
    first = {}
    for name in named:
        alike = name.partition("-")[0]
        first[alike] = min(first.get(alike, name), name, key=rank)
    for name in first.values():
        named[name].stash[MEASURED] = True


@pytest.fixture(scope="session", autouse=True)
def unlocked_backends():
    """PyTorch's testing tools, which some tests import, lock its backends' flags; programs under test set them."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.backends.flags_frozen.__globals__["__allow_nonbracketed_mutation_flag"] = True


def begin_generators():
    """Begin the random numbers of each engine anew, and each elsewhere.

    No test then depends on those before it, and one that compares random numbers but seeds neither engine fails.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(1)
    if "minigrad" in sys.modules:
        generator = sys.modules["minigrad"].default_generator
        generator._seed = 2
        vars(generator).pop("_twister", None)  # begun where it is asked for: to seed takes as long as a short test
        generator._second_normal = None


def pytest_runtest_protocol(item, nextitem):
    """Say whether coverage is measured in the fixtures and in the function of a test; and where processes share the
    tests, tell the one that counts them of no fixture that has passed: each report takes as long as a short test."""
    item.session.stash[MEASURED] = MEASURED in item.stash
    begin_generators()
    if not hasattr(item.config, "workerinput"):
        return None  # pytest runs it
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        if report.when == "call" or not report.passed or report.user_properties:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request):
    """Measure what a fixture runs."""
    with measured(request.session):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Measure what a test runs."""
    with measured(pyfuncitem.session):
        return (yield)


@pytest.fixture
def unmeasured(request):
    """In a test that asks for this no coverage is measured, which would take longer than the test.

    It is for tests of many samples, whose lines others reach as well, and for those that do not reach minigrad at all.
    """
    request.session.stash[MEASURED] = False


def load_forking():
    """The module ``forking.py``."""
    spec = importlib.util.spec_from_file_location("forking", Path(__file__).with_name("forking.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def forking():
    """The module ``forking.py``, and a process that forks, if there is none yet."""
    module = load_forking()
    with contextlib.nullcontext() if module.SOCKET in os.environ else module.begun():
        yield module


@pytest.fixture
def forked(request, monkeypatch):
    """The Pythons that a test begins have imported PyTorch already, where that is possible.

    It is for tests of what a program does, not of how the interpreter begins or what is imported.
    """
    if sys.platform == "linux":
        monkeypatch.setattr(subprocess, "Popen", request.getfixturevalue("forking").Popen)


@pytest.fixture(scope="session")
def digits_read_once():
    """scikit-learn decodes its file of digits once for all tests: it would take a fifth of a small run."""
    import sklearn.datasets  # here: what is run without these tests does without it

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn.datasets.load_digits", functools.cache(sklearn.datasets.load_digits))
        yield


@pytest.fixture(scope="session")
def onnx_operators_read_once():
    """For each program of ONNX, PyTorch parses the source of hundreds of operators, the same each time."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(ONNXRegistry.from_torchlib)))
        yield


@pytest.fixture(scope="session", autouse=True)
def threads_of_minigrad():
    """Where several processes share the tests, minigrad still computes on two threads: they wait without turning."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        import minigrad

        minigrad.set_num_threads(2)


@pytest.fixture(scope="session")
def without_mkl():
    """Skip where PyTorch takes masks and waiting times from MKL's generator, as it may on Intel's processors."""
    import torch

    generators = [torch.Generator().manual_seed(0) for _ in range(3)]
    torch.empty(10).bernoulli_(0.5, generator=generators[0])
    torch.empty(10).exponential_(generator=generators[1])
    torch.rand(10, dtype=torch.float64, generator=generators[2])
    if any(not torch.equal(each.get_state(), generators[2].get_state()) for each in generators):
        pytest.skip("PyTorch takes these numbers from MKL's generator here")


@pytest.fixture(scope="session", autouse=True)
def newer_than_what_it_points_at():
    """In every graph that a test walks backward, each node has a higher number than those that its edges lead to.

    The engine runs nodes in the order of their numbers alone and relies on it.
    """
    from minigrad.graph import engine  # here, when what is covered is measured already

    in_order = engine.in_order

    def checked(roots):
        order = in_order(roots)
        for node in order:
            for next_node, _, _ in node.edges:
                if next_node is not None and next_node.edges:
                    assert next_node.sequence_number < node.sequence_number, (node, next_node)
        return order

    engine.in_order = checked
    yield
    engine.in_order = in_order


@pytest.fixture(scope="module")
def browser():
    """Chromium, once for all tests of a file. Without it they are skipped, or fail where it is required."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if program is None or sync_playwright is None:
        missing = "Chromium is not installed" if program is None else "playwright is not installed"
        if os.environ.get("MINIGRAD_BROWSER") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()
