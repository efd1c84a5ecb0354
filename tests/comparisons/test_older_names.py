"""Names that PyTorch keeps for older programs, on both engines."""

import numpy as np
import pytest

from comparisons.outcomes import check_program


def variable(e, *args, **named):
    return e.autograd.Variable(*args, **named)


def of_one_memory(e):
    """A Variable shows its tensor's memory, and its changes count for both."""
    x = e.zeros(2)
    v = variable(e, x)
    x.add_(1)
    return v, v is x, v.data_ptr() == x.data_ptr(), v._version


def as_before_0_4(e):
    """A network's gradient as it was written then."""
    e.manual_seed(0)
    w = variable(e, e.rand(3, 2).type(e.FloatTensor), requires_grad=True)
    x = variable(e, e.ones(4, 3), requires_grad=False)
    for _ in range(2):
        loss = (x.mm(w) - variable(e, e.ones(4, 2))).pow(2).sum()
        loss.backward()
        w.data -= 0.1 * w.grad.data
        w.grad.data.zero_()
    return loss.data, w, w.grad


VARIABLES = {
    "plain": lambda e: variable(e, e.ones(2)),
    "by name": lambda e: variable(e, data=e.ones(2), requires_grad=True),
    "by position": lambda e: variable(e, e.ones(2), True),
    "nothing": lambda e: (variable(e), variable(e, None)),
    "volatile": lambda e: variable(e, e.ones(2), volatile=True),
    "volatile by position": lambda e: variable(e, e.ones(2), False, True),
    "without history": lambda e: (x := e.ones(2, requires_grad=True), [variable(e, x), variable(e, x * 2)])[1],
    "of a parameter": lambda e: (v := variable(e, e.nn.Parameter(e.ones(2))), type(v)),
    "of integers": lambda e: variable(e, e.ones(2).long(), requires_grad=True),
    "of a number": lambda e: variable(e, 3),
    "of a list": lambda e: variable(e, [1.0]),
    "of an array": lambda e: variable(e, np.ones(2)),
    "isinstance": lambda e: [isinstance(x, e.autograd.Variable) for x in (e.ones(1), e.nn.Parameter(e.ones(1)), 3)],
    "class": lambda e: (e.autograd.Variable, e.autograd.variable.Variable is e.autograd.Variable),
    "one memory": of_one_memory,
    "training": as_before_0_4,
    "paths": lambda e: [
        e.autograd.grad_mode.no_grad is e.no_grad,
        e.autograd.anomaly_mode.detect_anomaly is e.autograd.detect_anomaly,
        e.autograd.function.Function is e.autograd.Function,
    ],
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variable(name):
    check_program(name, VARIABLES[name])
