"""Every layer and loss against PyTorch on the samples that PyTorch's own tests keep: its module database.

For each sample, in training and in evaluation: the text, the names and first values of the state, the outputs, and the
gradients of inputs and parameters; and the database's wrong samples, whose exceptions must be of one type.
"""

import functools
import inspect
import random

import numpy as np
import pytest
import torch

import minigrad
from comparisons import compare_values
from comparisons.conversion import as_minigrad, tensors_in
from tests.thorough import THOROUGH

database = pytest.importorskip("torch.testing._internal.common_modules")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the samples provoke many; warnings are compared elsewhere
    pytest.mark.usefixtures("unmeasured"),
]

EVERY = {each.name.split(".")[-1]: each for each in database.module_db}
MODULES = {name: info for name, info in EVERY.items() if hasattr(minigrad.nn, name)}
MOST = 200 if THOROUGH else 12  # samples of one layer in one test, of up to 105: combinations of its options


def test_the_database_knows():
    """The layers that nothing else compares."""
    only_here = """
    AdaptiveAvgPool3d AdaptiveMaxPool3d AvgPool3d BatchNorm3d CTCLoss CircularPad1d CircularPad2d CircularPad3d
    ConstantPad1d ConstantPad2d ConstantPad3d Conv3d ConvTranspose3d GaussianNLLLoss InstanceNorm1d InstanceNorm2d
    InstanceNorm3d LPPool1d LPPool2d LPPool3d LocalResponseNorm MaxPool3d MultiLabelMarginLoss MultiLabelSoftMarginLoss
    MultiMarginLoss PoissonNLLLoss ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d
    ReplicationPad3d SoftMarginLoss Softmax2d ZeroPad1d ZeroPad2d ZeroPad3d
    """
    assert set(only_here.split()) <= set(MODULES)


def run(e, kind, constructor, forward, training, state):
    """Everything there is to compare of a layer, by name; its parameters first become ``state``, where given."""
    layer = kind(*constructor[0], **constructor[1])
    if "Lazy" in kind.__name__:
        layer(*forward[0], **forward[1])  # from here on it is the plain layer
    if state is not None:
        layer.load_state_dict(state)
    layer.train(training)
    found = {"repr": repr(layer).replace("minigrad", "torch")}
    found.update({f"state {name}": each.detach().clone() for name, each in layer.state_dict().items()})
    outputs = tensors_in(layer(*forward[0], **forward[1]))
    found.update({f"output {number}": each for number, each in enumerate(outputs)})
    outputs = [each for each in outputs if each.requires_grad]
    leaves = [each for each in [*tensors_in(list(forward)), *layer.parameters()] if each.requires_grad]
    if outputs and leaves:
        starts = [weights_like(e, each, number) for number, each in enumerate(outputs)]
        gradients = e.autograd.grad(outputs, leaves, starts, allow_unused=True)
        found.update({f"gradient {number}": each for number, each in enumerate(gradients)})
    return found


def weights_like(e, tensor, seed):
    return weights(e, seed, tuple(tensor.shape), tensor.dtype)


@functools.lru_cache(1000)
def weights(e, seed, shape, dtype):
    """Values between 0.5 and 1.5, the same ones each time."""
    return e.tensor(np.random.default_rng(seed).uniform(0.5, 1.5, shape), dtype=dtype)


def pair(given):
    return list(given.args), dict(given.kwargs)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MODULES)
def test_samples(name, dtype, training):
    info, kind = MODULES[name], getattr(torch, dtype)
    tolerance = {"float64": "second order", "float32": "training float32"}[dtype]  # a layer is several operations
    torch.default_generator.manual_seed(0)  # torch.manual_seed takes as long as a sample where there is no GPU
    compared = 0
    recurrent = issubclass(info.module_cls, torch.nn.RNNBase)  # which passes keywords on
    typed = recurrent or "dtype" in inspect.signature(info.module_cls).parameters
    samples = info.module_inputs_func(info, "cpu", kind, True, training)
    if len(samples) > MOST:
        samples = random.Random(f"{dtype}, {training}").sample(samples, MOST)  # each test has other ones
    for sample in samples:
        constructor, forward = pair(sample.constructor_input), pair(sample.forward_input)
        if any(isinstance(each, torch.nn.Module) for each in constructor[0]):
            continue
        if typed:
            constructor[1].setdefault("dtype", kind)
        converted = as_minigrad([list(constructor), list(forward)])
        theirs = run(torch, info.module_cls, constructor, forward, training, None)
        state = {key[6:]: value.numpy().copy() for key, value in theirs.items() if key.startswith("state ")}
        ours = run(minigrad, getattr(minigrad.nn, name), *converted, training, state)
        assert list(ours) == list(theirs)
        assert ours.pop("repr") == theirs.pop("repr")
        for part, value in ours.items():
            subject = f"{name} {sample.desc}, {part}"
            assert (value is None) == (theirs[part] is None), subject
            if value is not None:
                compare_values(subject, value, theirs[part], tolerance).check()
        compared += 1
    assert compared or name == "TransformerEncoder"  # whose samples are made of a module of PyTorch's


@pytest.mark.parametrize("name", [name for name, info in MODULES.items() if info.module_error_inputs_func is not None])
def test_wrong_samples(name):
    info = MODULES[name]
    for wrong in info.module_error_inputs_func(info, "cpu", torch.float64, False, True):
        sample = wrong.module_error_input
        constructor = pair(sample.constructor_input)
        forward = ([], {}) if sample.forward_input is None else pair(sample.forward_input)
        for kind, (made_with, called_with) in (
            (info.module_cls, (constructor, forward)),
            (getattr(minigrad.nn, name), as_minigrad([list(constructor), list(forward)])),
        ):
            with pytest.raises(wrong.error_type):
                kind(*made_with[0], **made_with[1])(*called_with[0], **called_with[1])
