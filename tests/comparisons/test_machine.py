"""What programs ask of the machine they run on: PyTorch's answers where there is no GPU, and what both refuse there.

PyTorch here may be a build for GPUs, which says of some libraries that they are there: what depends on the build is
told below, not compared.
"""

import warnings

import pytest
import torch

import minigrad
from comparisons.outcomes import check_program

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="PyTorch's answers without a GPU")


@pytest.fixture(autouse=True)
def switches_as_they_begin(monkeypatch):
    """Other tests train with PyTorch, for which cuDNN tries algorithms out."""
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)


class Loose:
    """A version that compares itself with text, as ``distutils.version.LooseVersion`` does."""

    def __ge__(self, text):
        return text < "3"


def at(e, path):
    """What stands at a path under an engine."""
    for name in filter(None, path.split(".")):
        e = getattr(e, name)
    return e


ASKED = {
    "cuda": "is_available device_count is_initialized is_bf16_supported seed seed_all empty_cache "
    "memory_allocated max_memory_allocated memory_reserved max_memory_reserved memory_stats "
    "get_rng_state_all synchronize current_device get_device_name get_device_properties "
    "get_device_capability mem_get_info initial_seed get_rng_state current_stream init "
    "reset_peak_memory_stats",
    "accelerator": "is_available device_count empty_cache memory_allocated synchronize current_device_index",
    "mps": "is_available device_count synchronize empty_cache",
    "xpu": "is_available device_count",
    "cpu": "is_available device_count current_device synchronize",
    "backends.mps": "is_available is_built",
    "": "get_default_device get_float32_matmul_precision is_autocast_enabled "
    "are_deterministic_algorithms_enabled is_deterministic_algorithms_warn_only_enabled "
    "get_deterministic_debug_mode",
    "compiler": "is_compiling",
}


@pytest.mark.parametrize("name", [f"{home}.{name}" for home, names in ASKED.items() for name in names.split()])
def test_answers(name):
    check_program(name, lambda e: at(e, name)())


def switched(e, module, name, value):
    """A switch as it was, as it is set to, and inside of what sets it for a while."""
    switches = at(e, module)
    before = getattr(switches, name)
    setattr(switches, name, value)
    try:
        found = [before, getattr(switches, name)]
        if module == "backends.cudnn":
            with switches.flags(enabled=True):
                found += [switches.enabled, switches.benchmark, switches.deterministic]
        return [*found, getattr(switches, name)]
    finally:
        setattr(switches, name, before)


def set_for_a_while(e, name, value):
    """What ``get_...`` says after ``set_...``, which is then set back."""
    setting, getting = getattr(e, f"set_{name}"), getattr(e, f"get_{name}")
    before = getting()
    try:
        setting(value)
        return getting()
    finally:
        setting(before)


def deterministic(e, *arguments, **named):
    try:
        e.use_deterministic_algorithms(*arguments, **named)
        return (
            e.are_deterministic_algorithms_enabled(),
            e.is_deterministic_algorithms_warn_only_enabled(),
            e.get_deterministic_debug_mode(),
        )
    finally:
        e.use_deterministic_algorithms(False)


def trained(e, context, scaler):
    """A step of training as programs for GPUs write it."""
    e.manual_seed(0)
    layer, x = e.nn.Linear(3, 2), e.ones(4, 3)
    optimizer = e.optim.SGD(layer.parameters(), lr=0.1)
    with context(e):
        loss = layer(x).square().mean()
    scaling = scaler(e)
    scaling.scale(loss).backward()
    scaling.unscale_(optimizer)
    scaling.step(optimizer)
    scaling.update()
    scaling.load_state_dict(scaling.state_dict())
    return loss, layer.weight, scaling.get_scale(), scaling.is_enabled(), scaling.state_dict()


def amp_function(e):
    class Twice(e.autograd.Function):
        @staticmethod
        @e.amp.custom_fwd(device_type="cuda", cast_inputs=e.float16)
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @e.amp.custom_bwd(device_type="cuda")
        def backward(ctx, grad):
            return grad * 2

    x = e.ones(2, requires_grad=True)
    y = Twice.apply(x)
    y.sum().backward()
    return y, x.grad


def asked_in_autocast(e):
    with e.autocast("cuda", dtype=e.float16) as context:
        return e.is_autocast_enabled(), (e.ones(2, 2) @ e.ones(2, 2)).dtype, context.device, context.fast_dtype


PROGRAMS = {
    "benchmark": lambda e: switched(e, "backends.cudnn", "benchmark", True),
    "deterministic": lambda e: switched(e, "backends.cudnn", "deterministic", True),
    "cudnn": lambda e: switched(e, "backends.cudnn", "enabled", False),
    "benchmark limit": lambda e: switched(e, "backends.cudnn", "benchmark_limit", 3),
    "tf32": lambda e: switched(e, "backends.cuda.matmul", "allow_tf32", True),
    "mkldnn": lambda e: switched(e, "backends.mkldnn", "enabled", False),
    "acceptable": lambda e: e.backends.cudnn.is_acceptable(e.ones(2)),
    "seeds": lambda e: (e.manual_seed(1), e.cuda.manual_seed(5), e.cuda.manual_seed_all(6), e.rand(3))[1:],
    "no states": lambda e: e.cuda.set_rng_state_all([]),
    "out of memory": lambda e: e.cuda.OutOfMemoryError is e.OutOfMemoryError,
    "precision": lambda e: set_for_a_while(e, "float32_matmul_precision", "medium"),
    "no precision": lambda e: set_for_a_while(e, "float32_matmul_precision", "low"),
    "debug mode": lambda e: [set_for_a_while(e, "deterministic_debug_mode", mode) for mode in (0, 1, 2, "warn")],
    "debug mode, unknown name": lambda e: e.set_deterministic_debug_mode("all"),
    "debug mode, unknown number": lambda e: e.set_deterministic_debug_mode(3),
    "debug mode, neither": lambda e: e.set_deterministic_debug_mode(None),
    "deterministic algorithms": lambda e: deterministic(e, True),
    "deterministic, only warned": lambda e: deterministic(e, True, warn_only=True),
    "deterministic, a number": lambda e: deterministic(e, 1),
    "threads beside each other": lambda e: e.set_num_interop_threads(0),
    "default device": lambda e: [e.set_default_device(each) for each in ("cpu", e.device("cpu"), None)],
    "default device, unknown": lambda e: e.set_default_device("gpu"),
    "inside of a device": lambda e: entered(e.device("cpu")),
    "with a device": lambda e: with_device(e, "cpu"),
    "compile twice": lambda e: e.compile(abs, mode="default", options={}),
    "autocast": asked_in_autocast,
    "autocast, older": lambda e: trained(e, lambda e: e.cuda.amp.autocast(), lambda e: e.cuda.amp.GradScaler()),
    "autocast, disabled": lambda e: trained(
        e, lambda e: e.autocast("cpu", enabled=False), lambda e: e.amp.GradScaler(enabled=False)
    ),
    "autocast around a function": lambda e: e.amp.autocast("cuda")(lambda x: x + 1)(e.ones(1)),
    "autocast, unknown": lambda e: e.autocast("gpu"),
    "autocast, a number": lambda e: e.autocast(0),
    "autocast of a function": amp_function,
    "version": lambda e: (
        [e.__version__ >= each for each in ("1.8", "2.9.1", (2, 0), "2.14")],
        [e.__version__ < each for each in ("2.2", "2.20", "10")],
        [e.__version__ > "1.13.1+cu117", e.__version__ <= "0.4", e.__version__ <= Loose()],
        [e.version.hip, e.version.debug, e.version.__version__ == e.__version__],
        e.__version__.split("+")[0],
    ),
}


def entered(context):
    """What a ``with`` gives, which is left again."""
    with context as found:
        return found


def with_device(e, name):
    with e.device(name):
        return e.ones(2).device


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    check_program(name, PROGRAMS[name])


@pytest.mark.parametrize(
    "path", ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"], ids=lambda path: f"backends.{path}"
)
def test_no_library_is_there(path):
    backend = getattr(minigrad.backends, path)
    assert getattr(backend, "is_built" if path == "cuda" else "is_available")() is False
    assert minigrad.backends.cudnn.version() is None and minigrad.version.cuda is None
    assert minigrad.accelerator.current_accelerator() is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: minigrad.cuda.synchronize(),
        lambda: minigrad.cuda.Event(enable_timing=True),
        lambda: minigrad.cuda.set_rng_state_all([minigrad.get_rng_state()]),
        lambda: minigrad.accelerator.set_device_index(0),
        lambda: minigrad.set_default_device("cuda"),
        lambda: with_device(minigrad, "meta"),
        lambda: minigrad.ones(2, device="meta"),
        lambda: minigrad.nn.Linear(2, 2, device="cuda"),
        lambda: minigrad.autocast("cpu"),
        lambda: minigrad.amp.autocast("cpu", dtype=minigrad.float16),
        lambda: minigrad.amp.GradScaler("cpu"),
    ],
)
def test_refused(call):
    """Before anything is done, in a sentence that says where minigrad computes, or what it has not."""
    with pytest.raises(RuntimeError, match="on the CPU only|no mixed precision"):
        call()


def test_compile_says_once_that_it_compiles_nothing(monkeypatch):
    monkeypatch.setattr(minigrad.compiler.Told, "once", False)
    layer = minigrad.nn.Linear(2, 2)
    with pytest.warns(UserWarning, match="compiles nothing") as caught:
        assert minigrad.compile(layer, mode="max-autotune") is layer
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer.compile(fullgraph=True)

        @minigrad.compile(dynamic=False)
        def twice(x):
            return x * 2

        assert minigrad.compiler.disable(twice)(minigrad.ones(1)) == 2


def test_one_version():
    """That of the package, and of PyTorch, which is compared with."""
    from importlib.metadata import version

    assert minigrad.__version__ == f"{version('torch').partition('+')[0]}+minigrad.{minigrad.version.minigrad}"
