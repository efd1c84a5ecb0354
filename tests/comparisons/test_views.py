"""Views and in-place operations against PyTorch: values, gradients to second order, and the rewired graphs."""

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_operation, compare_graphs, compare_values

X = np.array([[1.0, -2.0, 0.5], [0.25, 1.5, -0.75]])
V = np.array([0.5, -1.25, 2.0])


def change_a_view(e, x, v):
    y = x * 2
    row = y[1]
    row.mul_(3)
    return y, row


def change_with_what_requires_grad(e, x, v):
    y = x * 2
    row = y[0]
    row.add_(v)
    row.exp_()
    return y, row


def change_the_base(e, x, v):
    y = x * 2
    row, column = y[0], y[:, 1]
    y.mul_(3)
    return row, column, y


def change_a_view_of_a_view(e, x, v):
    y = x * 2
    flat = y.view(-1)
    part = flat[1:4]
    part.sub_(v)
    return part, flat, y


def change_one_see_another(e, x, v):
    y = x.exp()
    y = y * 1
    first, both = y[0], y.t()
    first.copy_(v * v)
    return both, first, y


def base_without_gradient(e, x, v):
    zeros = e.zeros(2, 3, dtype=e.float64)
    first, second = zeros[0], zeros[1]
    first.copy_(x[0] * v)
    return zeros, second, first


def set_elements(e, x, v):
    y = x * x
    y[0] = v
    y[1, 2] = v[0] * v[1]
    y[:, 0] = 5.0
    return y


def set_rows_by_list(e, x, v):
    y = x * x
    y[[1, 0]] = v * x
    return y


def set_by_mask(e, x, v):
    y = x * x
    y[y > 1] = v[1]
    return y


def add_to_elements(e, x, v):
    y = x * x
    y[0] += v
    y[:, 1:] *= 2
    return y


def set_on_a_view(e, x, v):
    y = x * x
    columns = y.t()
    columns[1] = v[:2]
    return columns, y


def base_that_is_not_contiguous(e, x, v):
    y = (x * 2).t().exp()
    y = y * 1
    y[1].add_(v[:2])
    return y


def change_unrecorded(e, x, v):
    y = x * 2
    row = y[0]
    with e.no_grad():
        row.zero_()
    return row, y


def expanded_view_of_a_changed_base(e, x, v):
    y = x * 2
    wide = y[:, :1].expand(2, 4)
    y.add_(v)
    return wide, y


def zero_and_fill(e, x, v):
    y = x * 2
    y[0].zero_()
    y[1, 1:].fill_(3.0)
    return y


def change_twice_use_between(e, x, v):
    y = x * 2
    row = y[0]
    row.add_(1)
    between = row.sum() + y.sum()
    row.add_(v)
    return y, between, row


PROGRAMS = [
    change_a_view,
    change_with_what_requires_grad,
    change_the_base,
    change_a_view_of_a_view,
    change_one_see_another,
    base_without_gradient,
    set_elements,
    set_rows_by_list,
    set_by_mask,
    add_to_elements,
    set_on_a_view,
    base_that_is_not_contiguous,
    change_unrecorded,
    expanded_view_of_a_changed_base,
    zero_and_fill,
    change_twice_use_between,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program(program):
    check_operation(program.__name__, program, X, V)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_graph_of_every_result(program):
    results = []
    for engine in (minigrad, torch):
        x = engine.from_numpy(X.copy()).requires_grad_()
        v = engine.from_numpy(V.copy()).requires_grad_()
        result = program(engine, x, v)
        results.append(result if isinstance(result, tuple) else (result,))
    for number, (ours, theirs) in enumerate(zip(*results)):
        assert ours.requires_grad == theirs.requires_grad and ours.is_leaf == theirs.is_leaf
        assert ours._version == theirs._version
        assert ours.grad_fn.name() == theirs.grad_fn.name()
        compare_graphs(f"{program.__name__}, result {number}", ours, theirs).check()


def view_made_under_no_grad(e, y, v):
    with e.no_grad():
        view = y[0]
    view.mul_(v)


REFUSED = {
    "leaf": lambda e, x, v: x.add_(1),
    "view of a leaf": lambda e, x, v: x[0].add_(1),
    "element of a leaf": lambda e, x, v: x.__setitem__(0, 1.0),
    "view made under no_grad": lambda e, x, v: view_made_under_no_grad(e, x * 1, v),
    "expanded": lambda e, x, v: e.ones(1).expand(3).add_(1),
    "larger result": lambda e, x, v: v.detach().clone().add_(x.detach()),
    "narrower type": lambda e, x, v: e.ones(3, dtype=e.int64).add_(v.detach()),
    "saved, then changed through a view": lambda e, x, v: saved_then_changed(x * 1),
}


def saved_then_changed(y):
    z = y * y
    y[0].zero_()
    z.sum().backward()


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_in_pytorch(name):
    messages = []
    for engine in (minigrad, torch):
        x = engine.from_numpy(X.copy()).requires_grad_()
        v = engine.from_numpy(V.copy()).requires_grad_()
        with pytest.raises(RuntimeError) as caught:
            REFUSED[name](engine, x, v)
        messages.append(str(caught.value))
        assert np.array_equal(x.detach().numpy(), X) and np.array_equal(v.detach().numpy(), V)
    assert messages[0].split()[:2] == messages[1].split()[:2]


def test_views_come_and_go():
    """A loop over views of one tensor leaves no trail of them."""
    y = minigrad.ones(1000, requires_grad=True) * 1
    for position in range(1000):
        y[position].sum()
    assert len(y._version_counter.views) < 40
    kept = [y[position] for position in range(100)]
    y.mul_(2)
    assert all(each.grad_fn.name() == "AsStridedBackward0" and each.item() == 2 for each in kept)


def test_detached_views_keep_out():
    y = minigrad.ones(3, requires_grad=True) * 1
    apart = y.detach()
    window = apart[:2]
    y.mul_(2)
    assert not window.requires_grad and window.tolist() == [2.0, 2.0] and window._version == 1
    compare_values("untouched graph", y.detach(), torch.full((3,), 2.0), "exact").check()
