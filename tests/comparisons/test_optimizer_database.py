"""Every optimizer against PyTorch on the options that PyTorch's own tests keep: its optimizer database.

For each set of options, as PyTorch's three kinds of kernels take them: the parameters and the state after several
steps, the text, and what goes over to the other engine; and the database's wrong options, which must raise the same.
"""

import copy
import warnings

import numpy as np
import pytest
import torch

import minigrad
from comparisons import compare_values
from comparisons.conversion import as_minigrad
from tests.thorough import THOROUGH

database = pytest.importorskip("torch.testing._internal.common_optimizers")
pytestmark = pytest.mark.filterwarnings("ignore")  # the samples provoke many; warnings are compared elsewhere

OPTIMIZERS = {
    each.optim_cls.__name__: each
    for each in database.optim_db
    if each.optim_cls.__name__ in dir(minigrad.optim) and not each.only_supports_sparse_grads
}
KERNELS = {"default": {}, "loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
STARTS = [np.linspace(-1, 1, 6).reshape(2, 3), np.array([0.5, -2.0, 3.0]), np.array(0.7), np.zeros((0, 2))]


def close(name, ours, theirs):
    """Equal to rounding; where an option is a tensor, PyTorch rounds what it computes of it to float32."""
    if ours is None or theirs is None:
        assert ours is theirs, name
    elif isinstance(theirs, list):
        assert [each is None for each in ours] == [each is None for each in theirs], name
        if ours and ours[0] is not None:
            kept = [[each for each in values if each is not None] for values in (ours, theirs)]
            close(name, minigrad.stack(kept[0]), torch.stack(kept[1]))
    elif not isinstance(theirs, torch.Tensor):
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-12), name
    else:
        tolerance = "training float64" if name.startswith("LBFGS") else "second order"
        compare_values(name, ours, theirs, tolerance if theirs.dtype == torch.float64 else "second order").check()


def train(e, kind, options, steps=5):
    """Parameters and optimizer after some steps, in one of which two parameters have no gradient."""
    parameters = [e.tensor(start, requires_grad=True) for start in STARTS]
    few = {"max_iter": 3} if kind == "LBFGS" else {}  # in waves, and beyond the minimum, rounding grows with each move
    optimizer = getattr(e.optim, kind)(parameters, **few, **options)
    go_on(optimizer, parameters, range(steps))
    return parameters, optimizer


def go_on(optimizer, parameters, steps):
    few_moves = "max_iter" in optimizer.defaults

    def loss_at(step):
        optimizer.zero_grad()
        loss = ((parameters[0] - 0.1 * step) ** 2).sum() + (parameters[3] * 2).sum()
        if step != 3:
            bent = ((parameters[1] * 0.3 - step) ** 2 + 1).sqrt() if few_moves else (parameters[1] * step).sin()
            loss = loss + bent.sum() + (parameters[2] - step) ** 2
        loss = -loss if few_moves and optimizer.defaults["maximize"] else loss
        loss.backward()
        return loss

    for step in steps:
        optimizer.step(lambda step=step: loss_at(step))


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error)


def check_same(name, ours, theirs):
    """Compare what ``train`` gave: parameters, state, groups and text, or the type of the exception."""
    if isinstance(theirs, type):
        assert ours is theirs, name
        return
    assert not isinstance(ours, type), f"{name}: {ours}"
    for number, (first, second) in enumerate(zip(ours[0], theirs[0])):
        close(f"{name}, parameter {number}", first, second)
    assert repr(ours[1]).replace("minigrad", "torch") == repr(theirs[1])
    first, second = ours[1].state_dict(), theirs[1].state_dict()
    assert list(first["state"]) == list(second["state"])
    for number, state in second["state"].items():
        assert list(first["state"][number]) == list(state)
        for part, value in state.items():
            close(f"{name}, {part} of {number}", first["state"][number][part], value)
    for one, two in zip(first["param_groups"], second["param_groups"]):
        assert list(one) == list(two)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_options(name, kernel):
    """On a CPU PyTorch takes the loop by default: where it is asked for, one sample shows that it may be."""
    samples = OPTIMIZERS[name].optim_inputs_func("cpu", torch.float64)
    for sample in samples[:1] if kernel == "loop" and not THOROUGH else samples:
        options = {**sample.kwargs, **KERNELS[kernel]}
        theirs = outcome(lambda o=options: train(torch, name, copy.deepcopy(o)))
        ours = outcome(lambda o=options: train(minigrad, name, as_minigrad(o)))
        check_same(f"{name} {sample.desc}", ours, theirs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_goes_over_to_the_other_engine(name):
    """Some steps on PyTorch, its state loaded into a new optimizer of both engines, and both go on."""
    info = OPTIMIZERS[name]
    for sample in info.optim_inputs_func("cpu", torch.float64):
        trained, optimizer = train(torch, name, copy.deepcopy(sample.kwargs))
        results = []
        for e in (minigrad, torch):
            parameters = [e.tensor(each.detach().numpy(), requires_grad=True) for each in trained]
            restored = getattr(e.optim, name)(parameters, lr=99.0)
            restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            go_on(restored, parameters, range(5, 7))
            results.append((parameters, restored))
        check_same(f"{name} {sample.desc}", *results)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_wrong_options(name):
    info = OPTIMIZERS[name]
    for wrong in info.optim_error_inputs_func("cpu", torch.float64):
        sample = wrong.optimizer_error_input
        params = [torch.nn.Parameter(torch.ones(2))] if sample.params is None else sample.params
        converted = as_minigrad([params, sample.kwargs])
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # some samples are to warn
            with pytest.raises(wrong.error_type):
                getattr(torch.optim, name)(params, **sample.kwargs)
            with pytest.raises(wrong.error_type):
                getattr(minigrad.optim, name)(converted[0], **converted[1])
