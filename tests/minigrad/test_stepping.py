"""Stepping through the engine: how many functions, in how many files, a debugger enters for one operation."""

import sys
from pathlib import Path

import minigrad

PACKAGE = Path(minigrad.__file__).parent


def entered(work):
    """The functions that ``work`` enters, as (file, name): those of the package, and those of anybody else."""
    ours, others = [], []

    def trace(frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path != Path(__file__):
            (ours if PACKAGE in path.parents else others).append((path.name, described(frame)))

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
    return ours, others


def described(frame):
    """``Mul.forward``: the function's name, after its class's where it has one."""
    local = frame.f_locals
    first = local.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None
    owner = first if isinstance(first, type) else type(first)
    if owner.__module__.startswith("minigrad") and hasattr(owner, frame.f_code.co_name):
        return f"{owner.__name__}.{frame.f_code.co_name}"
    return frame.f_code.co_name


def test_a_product_takes_six_frames_in_three_files():
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    b = minigrad.tensor([3.0, 4.0], requires_grad=True)
    ours, others = entered(lambda: a * b)
    names = [name for _, name in ours]
    assert names[:3] == ["Tensor.__mul__", "Mul.apply", "Mul.forward"]
    assert len(ours) <= 6, ours
    assert len({file for file, _ in ours}) <= 3, ours
    assert others == []


def test_backward_goes_from_the_engine_to_the_rule():
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    b = minigrad.tensor([3.0, 4.0], requires_grad=True)
    z = a * b
    start = minigrad.ones(2)
    ours, others = entered(lambda: z.backward(start))
    names = [name for _, name in ours]
    position = names.index("Mul.backward")
    assert names[position - 2 : position] == ["run_rule", "call_rule"] and "run_backward" in names[:position]
    assert others == []


def test_no_closure_lambda_or_comprehension_on_the_path():
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    start = minigrad.ones(2)
    ours, _ = entered(lambda: (a * a).backward(start))
    hidden = [name for _, name in ours if "<genexpr>" in name or name.endswith("comp>")]
    assert hidden == []


def test_a_node_says_what_it_is_first():
    a = minigrad.ones(2, 3, requires_grad=True)
    assert repr((a * 2).grad_fn) == "<MulBackward0 of shape [2, 3]>"
