"""``explain_grad`` on programs as students write them: what it says of each by its telling words, and which line."""

import inspect
import subprocess
import sys
import threading

import numpy as np
import pytest

import minigrad
from minigrad import explain_grad, nn

PROGRAMS = {}


def says(*words):
    """The program's explanation has these words, and, where a line of it ends with ``# here``, that line."""

    def noted(program):
        PROGRAMS[program] = words
        return program

    return noted


def leaf(*values):
    return minigrad.tensor(values, requires_grad=True)


def linear():
    return nn.Linear(2, 2)


ONES = minigrad.ones(1, 2)


# ---------------------------------------------------------------------------------- where a history was cut


@says("its history was cut", "detach() left the history of a result of MulBackward0 behind", "Use the tensor itself")
def detached_and_computed_with():
    h = leaf(1.0, 2.0) * 2
    y = h.detach() * 3  # here
    return explain_grad((y + 1).exp().sum())


@says("detach() left the history of a leaf behind")
def detached_leaf():
    return explain_grad(leaf(1.0).detach())  # here


@says(".data left the history of a leaf behind")
def data():
    return explain_grad(leaf(1.0).data * 3)  # here


@says("detach_() made a result of MulBackward0 forget")
def forgotten():
    y = leaf(1.0) * 2
    y.detach_()  # here
    return explain_grad(y + 1)


@says("Mul took a leaf while recording was off (no_grad)", "outside of that block")
def no_grad():
    w = leaf(1.0)
    with minigrad.no_grad():
        y = w * 2  # here
    return explain_grad((y + 3).sum())


@says("Mul took a leaf while recording was off (inference_mode)")
def inference_mode():
    w = leaf(1.0)
    with minigrad.inference_mode():
        return explain_grad(w * 2)  # here


@says("Addmm took a leaf while recording was off (no_grad)")
def decorated():
    layer = linear()
    for parameter in (layer.weight,):
        parameter.requires_grad_(False)

    @minigrad.no_grad()
    def embed(x):
        return layer(x)  # here

    return explain_grad(embed(ONES) * 2)


@says("detach() left the history of a result of MulBackward0 behind")
def through_numpy():
    values = (leaf(1.0) * 2).detach().numpy()  # here
    return explain_grad(minigrad.tensor(values) + 1)


@says("numpy() gave the values of a result of MulBackward0 alone")
def through_a_slice_of_an_array():
    values = (leaf(1.0, 2.0) * 2).numpy(force=True)  # here
    return explain_grad(minigrad.from_numpy(values[:1]) + 1)


@says("detach() left the history of a result of MulBackward0 behind")
def through_a_function_of_numpy():
    return explain_grad(minigrad.tensor(np.asarray((leaf(1.0) * 2).detach())) + 1)  # here


@says("item() gave the value of a result of MulBackward0 alone", "not with the number")
def item():
    number = (leaf(1.0) * 2).item()  # here
    return explain_grad(minigrad.tensor(number) * 2)


@says("item() gave the value of a result of SelectBackward0 alone")
def items():
    w = leaf(1.0, 2.0)
    numbers = [w[0].item(), 3.0]  # here
    return explain_grad(minigrad.tensor(numbers).sum())


@says("tensor() copied the values of a result of SelectBackward0 alone", "stack()")
def tensor_of_tensors():
    w = leaf(1.0, 2.0)
    return explain_grad(minigrad.tensor([w[0], w[1]]).sum())  # here


@says("a leaf became minigrad.int64, and only floating types have gradients", "smooth function")
def integers():
    return explain_grad(leaf(1.5).long().float() * 2)  # here


@says("a leaf became minigrad.int64")
def argmax():
    return explain_grad(leaf(1.0, 2.0).argmax().float())  # here


@says("a leaf became minigrad.int64")
def argsort():
    return explain_grad(leaf(1.0, 2.0).argsort().float())  # here


@says("a leaf became minigrad.int64")
def indices_of_a_maximum():
    return explain_grad(leaf(1.0, 2.0).max(0).indices + 1)  # here


@says("a leaf became minigrad.bool")
def accuracy_as_loss():
    right = leaf(1.0, 2.0) > 1.5  # here
    return explain_grad((right == minigrad.tensor([True, False])).float().mean())


@says("an operation that has no gradient took a leaf")
def distinct():
    return explain_grad(leaf(1.0, 1.0).unique() * 2)  # here


@says("SignOnly marked what it made of a leaf as non-differentiable")
def marked():
    class SignOnly(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.sign()
            ctx.mark_non_differentiable(y)
            return y

    return explain_grad(SignOnly.apply(leaf(1.0)) * 2)  # here


@says("Mul took a leaf while recording was off (no_grad)")
def written_in_place():
    w, buffer = leaf(1.0, 2.0), minigrad.zeros(2)
    with minigrad.no_grad():
        buffer.copy_(w * 2)  # here
    return explain_grad(buffer * 3)


@says("Select took a leaf while recording was off (no_grad)")
def written_to_an_element():
    w, buffer = leaf(1.0, 2.0), minigrad.zeros(2)
    with minigrad.no_grad():
        buffer[0] = w[1]  # here
    return explain_grad(buffer * 3)


@says("was frozen", "requires_grad_(False) froze a leaf", "call requires_grad_() on it")
def frozen():
    layer = linear()
    layer.weight.requires_grad_(False)  # here
    layer(ONES).sum().backward()
    return explain_grad(layer.weight)


@says("it, or what it was computed from, was frozen")
def computed_from_what_is_frozen():
    layer = linear()
    layer.requires_grad_(False)  # here
    return explain_grad(layer(ONES).sum())


@says("Parameter() made a new leaf of the values of a result of MulBackward0")
def parameter_of_a_result():
    w = leaf(1.0)
    y = w * 2
    (nn.Parameter(y) * 3).sum().backward()  # here
    return explain_grad(w)


@says("does not require grad: nothing it was computed from requires grad", "requires_grad=True")
def constant():
    return explain_grad(minigrad.ones(1) * 2)


@says("of type minigrad.int64, and only floating tensors have gradients")
def positions():
    return explain_grad(minigrad.tensor([1]))


# ---------------------------------------------------------------------------------- the errors that say so


def error_of(function, *arguments):
    with pytest.raises((RuntimeError, ValueError)) as caught:
        function(*arguments)
    return str(caught.value)


@says("element 0 of tensors does not require grad and does not have a grad_fn: its history was cut", "detach()")
def error_of_backward():
    loss = ((leaf(1.0) * 2).detach() * 3).sum()  # here
    return error_of(loss.backward)


@says("element 0 of tensors", "nothing it was computed from requires grad")
def error_of_a_constant():
    return error_of(minigrad.ones(()).backward)


@says("does not require grad (index 0): its history was cut", "detach() left")
def error_of_grad():
    w = leaf(1.0)
    return error_of(minigrad.autograd.grad, (w * 2).sum(), w.detach())  # here


@says("not have been used in the graph", "explain_grad(tensor, result)")
def error_of_an_unused_input():
    return error_of(minigrad.autograd.grad, leaf(1.0).sum(), leaf(1.0))


@says("can't retain_grad", "its history was cut")
def error_of_retain_grad():
    return error_of(leaf(1.0).detach().retain_grad)  # here


@says("cannot register a hook", "its history was cut")
def error_of_a_hook():
    return error_of(leaf(1.0).detach().register_hook, print)  # here


@says("can't optimize a non-leaf Tensor: SubBackward0 made it", "explain_grad(tensor)")
def error_of_an_optimizer():
    return error_of(minigrad.optim.SGD, [leaf(1.0) - 0.5], 0.1)


# ---------------------------------------------------------------------------------- results, leaves, optimizers


@says("no leaf any more", "x = x - lr * x.grad", "with no_grad(): x -= lr * x.grad")
def leaf_replaced_by_a_step():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    x = x - 0.1 * x.grad
    return explain_grad(x)


@says("AddBackward0 made it out of a leaf and that leaf's .grad")
def leaf_replaced_by_a_step_up():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    return explain_grad(x + 0.1 * x.grad)


@says("not a leaf: AddBackward0 made it")
def result_of_one_element():
    x = leaf(1.0)
    (x * x).sum().backward()
    return explain_grad(x + minigrad.tensor([5.0]))


@says("Sub took a leaf while recording was off", "with no_grad(): x -= lr * x.grad")
def leaf_replaced_under_no_grad():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    with minigrad.no_grad():
        x = x - 0.1 * x.grad  # here
    return explain_grad(x)


@says("not a leaf: SubBackward0 made it", "Call retain_grad()")
def result_like_a_step():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    return explain_grad(x - minigrad.tensor([3.0, 5.0]))


@says("although retain_grad() was called")
def retained():
    y = leaf(1.0) * 2
    y.retain_grad()
    return explain_grad(y)


@says("no operation has ever used it", "another model's")
def never_used():
    layer, other = linear(), linear()
    other(ONES).sum().backward()
    return explain_grad(layer.weight)


@says("the result was not computed from it: no operation has ever used it")
def not_in_the_loss():
    layer, other = linear(), linear()
    return explain_grad(layer.weight, other(ONES).sum())


@says("nothing recorded uses it", "T took a leaf while recording was off (no_grad)")
def used_only_under_no_grad():
    layer, other = linear(), linear()
    with minigrad.no_grad():
        h = layer(ONES)  # here
    other(h).sum().backward()
    return explain_grad(layer.weight)


@says("the path to the result is cut", "detach() left the history of a result of AddmmBackward0")
def cut_between_two_models():
    layer, other = linear(), linear()
    h = layer(ONES)
    other(h.detach()).sum().backward()  # here
    return explain_grad(layer.weight)


@says(
    "no graph that is still alive uses it", "The last time that it, or else some result, was cut off", "AddmmBackward0"
)
def cut_at_once():
    layer, other = linear(), linear()
    h = layer(ONES).detach()  # here
    other(h).sum().backward()
    return explain_grad(layer.weight)


@says("no graph that is still alive uses it", "a leaf became minigrad.int64")
def used_as_integers():
    w, other = leaf(1.0), leaf(1.0)
    (w.long() * other).sum().backward()  # here
    return explain_grad(w)


@says("the result does not require grad: its history was cut", "detach()")
def result_that_is_cut():
    w = leaf(1.0)
    return explain_grad(w, (w * 2).detach().sum())  # here


@says("a graph that is still alive uses it", "such as SumBackward0's")
def not_run_yet():
    linear()(ONES).sum().backward()
    w = leaf(1.0)
    loss = w.sum()
    return explain_grad(w) + str(loss)


@says("one from the result will bring it a gradient: 1")
def the_result_itself():
    w = leaf(1.0)
    return explain_grad(w, w)


@says("The .grad is None and stays so", "your custom function")
def rule_that_returns_none():
    class NoGradient(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, grad_z):
            return None

    w = leaf(1.0)
    return explain_grad(w, NoGradient.apply(w).sum())


@says("one from the result will bring it a gradient.")
def not_run_yet_from_the_loss():
    w = leaf(1.0)
    return explain_grad(w, (w * 2).sum())


@says("although a backward pass has gone through", "stopped on the way by an error")
def stopped_by_an_error():
    w = leaf(1.0)
    w.register_hook(lambda gradient: 3.0)
    loss = (w * w).sum()
    with pytest.raises(TypeError):
        loss.backward()
    return explain_grad(w, loss)


@says("was set to None, as optimizer.zero_grad() does too")
def cleared():
    w = leaf(1.0)
    w.sum().backward()
    w.grad = None
    return explain_grad(w)


@says("what one backward pass brought", "The optimizer does not hold it: of its 2 parameters 1 has this shape")
def another_models_optimizer():
    layer, other = linear(), linear()
    optimizer = minigrad.optim.SGD(other.parameters(), lr=0.1)
    layer(ONES).sum().backward()
    return explain_grad(layer.weight, optimizer=optimizer)


@says("The optimizer does not hold it", "make the optimizer anew")
def parameter_replaced_since():
    layer = linear()
    optimizer = minigrad.optim.SGD(layer.parameters(), lr=0.1)
    layer.weight = nn.Parameter(minigrad.ones(2, 2))
    layer(ONES).sum().backward()
    return explain_grad(layer.weight, optimizer=optimizer)


@says("The optimizer holds it")
def right_optimizer():
    layer = linear()
    layer(ONES).sum().backward()
    return explain_grad(layer.weight, optimizer=minigrad.optim.SGD(layer.parameters(), lr=0.1))


@says("sum of what 2 backward passes brought", "zero_grad()")
def accumulated():
    w = leaf(1.0)
    w.sum().backward()
    w.sum().backward()
    return explain_grad(w)


@says("assigned to it by hand, plus what 1 backward pass brought")
def assigned():
    w = leaf(1.0)
    w.grad = minigrad.ones(1)
    w.sum().backward()
    return explain_grad(w)


@says("assigned by hand, or kept from before")
def assigned_alone():
    w = leaf(1.0)
    w.grad = minigrad.ones(1)
    return explain_grad(w)


@says("changed in place since, by mul_ at ")
def changed_since():
    w = leaf(1.0)
    w.sum().backward()
    w.grad.mul_(0.5)
    return explain_grad(w)


# ---------------------------------------------------------------------------------- zeros, NaN and infinity


def nll_ignored(w):
    return nn.functional.cross_entropy(w.view(1, 2), minigrad.tensor([-100]))


def overwritten(w):
    y = w * 3
    y.fill_(1.0)
    return y


# Of each function of a leaf: where it begins, and the nodes' reason.
BEGINNINGS = {
    "dead ReLU": (
        lambda w: w.relu() * 3,
        [-1, -2],
        "of zeros",
        "ReluBackward0, which has no input above 0",
        "dead ReLU",
    ),
    "sigmoid": (lambda w: w.sigmoid(), [100, 200], "of zeros", "SigmoidBackward0, which is saturated"),
    "tanh": (lambda w: (w * 100).tanh(), [1, 2], "of zeros", "TanhBackward0, which is saturated"),
    "softmax": (lambda w: w.softmax(0)[0], [0, 2000], "of zeros", "SoftmaxBackward0, which is saturated"),
    "sum of a softmax": (lambda w: w.softmax(0), [0, 0], "of zeros", "whose sum is always 1"),
    "clamped": (lambda w: w.clamp(0, 1), [-1, 2], "of zeros", "ClampBackward1, which has its input outside"),
    "masked": (lambda w: w.masked_fill(w > -9, 0), [1, 2], "of zeros", "MaskedFillBackward0, which took none"),
    "chosen otherwise": (lambda w: minigrad.where(w > 9, w, -w * 0 + 1), [1, 2], "of zeros", "It began"),
    "times a mask": (lambda w: w.exp() * minigrad.zeros(2), [1, 2], "of zeros", "MulBackward0, which multiplied by 0"),
    "overwritten": (overwritten, [1, 2], "of zeros", "which overwrote all of it"),
    "times 0": (lambda w: w * 0, [1, 2], "of zeros", "MulBackward0, which multiplied by 0"),
    "zero weights": (lambda w: w @ minigrad.zeros(2, 2), [1, 2], "of zeros", "multiplied by a matrix of zeros"),
    "rounded": (lambda w: w.round() * 2, [1, 2], "of zeros", "RoundBackward0, which is flat"),
    "squared at 0": (lambda w: w**2, [0, 0], "of zeros", "PowBackward0, which has the slope 0"),
    "difference": (lambda w: w - w, [1, 2], "of zeros", "SubBackward0 cancels out"),
    "log of 0": (lambda w: w.log(), [0, 1], "NaN or infinity", "LogBackward0, which divides by its input", "log of 0"),
    "x log x": (lambda w: w * w.log(), [0, 1], "NaN or infinity", "LogBackward0, which divides by its input"),
    "0/0": (lambda w: w / w, [0, 1], "NaN or infinity", "DivBackward0, which divides by 0"),
    "where behind": (lambda w: minigrad.where(w > 0, w / w, w), [0, 1], "NaN or infinity", "comes too late"),
    "root at 0": (lambda w: (w * w).sum().sqrt(), [0, 0], "NaN or infinity", "SqrtBackward0, which has an infinite"),
    "overflow": (lambda w: w.exp(), [1000, 1], "NaN or infinity", "ExpBackward0, which overflowed"),
    "own softmax": (lambda w: w.exp() / w.exp().sum(), [1000, 1], "NaN or infinity", "ExpBackward0, which overflowed"),
    "NaN among inputs": (
        lambda w: w * minigrad.tensor([np.nan, 1]),
        [1, 1],
        "NaN or infinity",
        "an input has it already",
    ),
    "NaN in the leaf": (lambda w: w * w, [np.nan, 1], "NaN or infinity", "a leaf has it already"),
    "no target left": (nll_ignored, [1, 2], "of zeros", "counts no target"),
    "product": (lambda w: w.exp() * w**9 * 2 * w, [1e9, 1], "NaN or infinity", "forward: the result of"),
    "NaN of before": (lambda w: (w.log() * 2).exp(), [-1, 1], "NaN or infinity", "It began at ExpBackward0"),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_where_bad_values_began(name):
    """Asked before backward, after one that kept the graph, and of the loss that is at hand."""
    function, values, what, *words = BEGINNINGS[name]
    w = minigrad.tensor([float(each) for each in values], requires_grad=True)
    loss = function(w).sum()
    before = explain_grad(w, loss)
    assert all(part in before for part in (what, *words)), before
    assert w.grad is None
    loss.backward(retain_graph=True)
    for told in (explain_grad(w, loss), explain_grad(w)):
        assert all(part in told for part in words), told
        assert "is 0 everywhere" in told if what == "of zeros" else "of 2 elements" in told


@says("is 0 everywhere", "On the way stand ReluBackward0, MulBackward0", "before result.backward() frees the graph")
def zeros_of_a_freed_graph():
    w = leaf(-1.0)
    loss = (w.relu() * 3).sum()
    loss.backward()
    return explain_grad(w, loss)


@says("It can have begun at ReluBackward0: if so, it has no input above 0")
def zeros_of_a_freed_graph_with_one_suspect():
    w = leaf(-1.0)
    loss = w.relu().sum()
    loss.backward()
    return explain_grad(w)


@says("has 1 NaN and 1 infinite of 3 elements", "detect_anomaly()")
def broken_and_gone():
    w = leaf(0.0, -1.0, 1.0)
    (w.sqrt()).sum().backward()
    return explain_grad(w)


@says("is 0 everywhere", "a hook")
def made_zero_by_a_hook():
    w = leaf(1.0)
    w.register_hook(lambda gradient: gradient * 0)
    loss = (w * 2).sum()
    loss.backward(retain_graph=True)
    return explain_grad(w, loss)


@says("It began at ReluBackward0 (", "a dead ReLU")
def line_of_the_beginning():
    with minigrad.autograd.set_detect_anomaly(True):
        w = leaf(-1.0)
        h = w.relu()  # here
    return explain_grad(w, h.sum())


@says("A backward pass from there fails: one of the variables needed", "mul_ at ")
def changed_before_it_is_asked():
    w = leaf(0.0)
    h = w.exp()
    loss = (h * 0).sum()
    loss.backward(retain_graph=True)
    h.detach().mul_(2)
    return explain_grad(w, loss)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_what_is_said(program):
    told = program()
    assert "\n" not in told and len(told) < 600
    for words in PROGRAMS[program]:
        assert words in told, told
    lines, first = inspect.getsourcelines(program)
    for number, line in enumerate(lines, first):
        if line.endswith("# here\n"):
            assert f"{__file__}:{number}" in told, told


def test_asking_changes_nothing():
    w = leaf(-1.0, 2.0)
    seen = []
    w.register_hook(seen.append)
    h = w.relu()
    h.register_hook(seen.append)
    h.retain_grad()
    loss = (h * 0).sum()
    with minigrad.autograd.set_detect_anomaly(True):
        explain_grad(w, loss)
        assert minigrad.autograd.is_anomaly_enabled()
    assert seen == [] and w.grad is None and h.grad is None
    loss.backward()
    assert len(seen) == 2 and h.grad.tolist() == [0, 0] and w.grad.tolist() == [0, 0]


def test_right_programs_raise_no_alarm():
    """Training with what is right to detach, to freeze, to look at and to evaluate."""
    backbone, head = nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Linear(5, 2)
    backbone.requires_grad_(False)
    optimizer = minigrad.optim.Adam(head.parameters(), lr=0.1)
    x, y = minigrad.rand(8, 4), minigrad.randint(0, 2, (8,))
    total = minigrad.zeros(())
    for _ in range(3):
        with minigrad.no_grad():
            features = backbone(x)
        scores = head(features)
        loss = nn.functional.cross_entropy(scores, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()
        (scores.argmax(1) == y).float().mean().item()
        with minigrad.no_grad():
            head(features)
    for parameter in head.parameters():
        told = explain_grad(parameter, optimizer=optimizer)
        assert "one backward pass brought: the sum over all paths" in told and "The optimizer holds it" in told
        assert not any(word in told for word in ("cut", "0 everywhere", "NaN", "frozen")), told
    assert "not a leaf: NllLossBackward0 made it" in explain_grad(loss)
    assert "nothing it was computed from requires grad" in explain_grad(x * 2 + minigrad.tensor([1.0]))


@pytest.mark.usefixtures("unmeasured")
def test_a_long_way_is_searched_quickly():
    """Bad all along, from both ends."""
    w = leaf(-1.0)
    y = w.relu()
    for _ in range(1200):
        y = y + y * 1e-4
    assert "It began at ReluBackward0" in explain_grad(w, y.sum())
    y = w
    for _ in range(1200):
        y = y.neg()
    assert "It began at MulBackward0" in explain_grad(w, (y * 0).sum())


def test_what_is_recorded_again_has_its_own_history():
    w = leaf(1.0)
    x = (w * 2).detach().requires_grad_()
    loss = (x * 3).sum()
    loss.backward()
    assert "what one backward pass brought" in explain_grad(x)


def test_arguments():
    told = []
    thread = threading.Thread(target=lambda: told.append(explain_grad(leaf(1.0))))
    thread.start()
    thread.join()
    assert "no backward pass has run in this thread" in told[0]
    for arguments, name in (
        ((3.0,), "'tensor'"),
        ((leaf(1.0), 3.0), "'result'"),
        ((leaf(1.0), None, 3.0), "'optimizer'"),
    ):
        with pytest.raises(TypeError, match=f"argument {name} must be"):
            explain_grad(*arguments)


@pytest.mark.parametrize("folder", ["minigrad", "elsewhere"])
def test_lines_of_users_in_a_folder_of_that_name(folder, tmp_path):
    """``detect_anomaly``, ``explain_grad`` and the error of a change in place tell the user's own lines."""
    file = tmp_path / folder / "train.py"
    file.parent.mkdir()
    file.write_text(
        "import minigrad\n"
        "def forward(w):\n"
        "    return (w * w).sqrt()\n"
        "w = minigrad.zeros(1, requires_grad=True)\n"
        "print(minigrad.explain_grad(w.detach()))\n"
        "with minigrad.autograd.detect_anomaly():\n"
        "    forward(w).sum().backward()\n"
    )
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True)
    assert f"{file}:5" in done.stdout
    assert f'File "{file}", line 3, in forward' in done.stderr and "returned nan values" in done.stderr
