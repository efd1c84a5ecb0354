"""Recurrent layers, their cells and packed sequences on both engines: parameters, values, gradients, graphs, errors."""

import copy
import pickle
from contextlib import nullcontext

import pytest
import torch

import minigrad
from comparisons import compare_values
from comparisons.graphs import compare_graphs
from comparisons.outcomes import check_program

KINDS = ["RNN", "LSTM", "GRU"]
OPTIONS = {
    "plain": {},
    "two layers, both ways": {"num_layers": 2, "bidirectional": True},
    "no bias": {"bias": False},
    "dropout": {"num_layers": 3, "dropout": 0.4, "batch_first": True},
    "all": {"num_layers": 2, "bias": False, "batch_first": True, "dropout": 0.5, "bidirectional": True},
}
LAYERS = [(kind, options) for options in OPTIONS.values() for kind in KINDS]
LAYERS += [("RNN", {"nonlinearity": "relu", "num_layers": 2}), ("LSTM", {"proj_size": 2, **OPTIONS["dropout"]})]
LAYERS += [("LSTM", {"proj_size": 3, "bias": False, "bidirectional": True, "num_layers": 2})]
IN_FLOAT32 = [*[("LSTM", options) for options in OPTIONS.values()], ("RNN", OPTIONS["no bias"]), ("GRU", {})]
INPUTS = ["padded", "with a state", "unbatched", "packed", "packed, of one length", "packed, unsorted, with a state"]
LENGTHS = {
    "packed": [3, 3, 1, 1],
    "packed, of one length": [3, 3, 3, 3],
    "packed, unsorted, with a state": [2, 3, 1, 3],
}


# These options are joined in "all" and "two layers, both ways", and "unsorted, with a state" joins what else is given.
APART = [OPTIONS[name] for name in ("plain", "no bias", "dropout")]
SHORT = ["padded", "packed, unsorted, with a state"]


def given_to(layers):
    """Each layer with each kind of input: all that is joined, the rest where it takes long."""
    return [
        pytest.param(kind, options, given, marks=[pytest.mark.long] * (options in APART and given not in SHORT))
        for kind, options in layers
        for given in INPUTS
    ]


def flat(value):
    """The tensors of a state, or of a packed sequence."""
    return [each for each in value if each is not None] if isinstance(value, tuple) else [value]


def drawn(e, *shape, dtype):
    return e.rand(*shape, dtype=dtype).sub_(0.5).mul_(2)


def run(e, kind, options, given, dtype, orders=2):
    """By name: what the layer is, what it gives, and gradients of both orders."""
    e.manual_seed(5)
    dtype = getattr(e, dtype)
    layer = getattr(e.nn, kind)(3, 4, dtype=dtype, **options)
    found = {"repr": repr(layer), "names": list(layer.state_dict())}
    found["all_weights"] = [[each.shape for each in own] for own in layer.all_weights]
    found |= layer.state_dict()
    batch_first, unbatched = options.get("batch_first", False), given == "unbatched"
    shape = [4, 3] if batch_first else [3, 4]
    data = drawn(e, *([3] if unbatched else shape), 3, dtype=dtype).requires_grad_()
    leaves = [data, *layer.parameters()]
    x, state = data, ()
    if given in LENGTHS:
        pack = e.nn.utils.rnn.pack_padded_sequence
        x = pack(data, LENGTHS[given], batch_first, enforce_sorted=given == "packed")
    if given == "with a state" or given == "packed, unsorted, with a state" or (unbatched and kind == "GRU"):
        count = layer.num_layers * (2 if layer.bidirectional else 1)
        sizes = [layer.proj_size or 4, 4][: 2 if kind == "LSTM" else 1]
        state = [drawn(e, count, *([] if unbatched else [4]), size, dtype=dtype).requires_grad_() for size in sizes]
        leaves += state
        state = (tuple(state),) if kind == "LSTM" else state
    output, last = layer(x, *state)
    results = {f"output {number}": each for number, each in enumerate([*flat(output), *flat(last)])}
    found |= results
    found["strides"] = [each.stride() for each in results.values()]
    wanted = [each for each in results.values() if each.requires_grad]
    starts = [drawn(e, *each.shape, dtype=dtype) for each in wanted]
    grads = e.autograd.grad(wanted, leaves, starts, create_graph=orders == 2)
    found |= {f"gradient {number}": each for number, each in enumerate(grads)}
    if orders == 2:
        total = sum((each * each).sum() for each in grads)
        found |= {f"second {number}": each for number, each in enumerate(e.autograd.grad(total, leaves))}
    found["next numbers"] = e.rand(3)
    return found, wanted


@pytest.mark.parametrize(("kind", "options", "given"), given_to(LAYERS), ids=str)
def test_layers(kind, options, given):
    """The parts are equal, to second order, and so are the graphs."""
    if given == "unbatched" and options == OPTIONS["all"]:
        options = {**options, "dropout": 0.0}
    ours, made = run(minigrad, kind, options, given, "float64")
    theirs, made_there = run(torch, kind, options, given, "float64")
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        if isinstance(value, minigrad.Tensor):
            compare_values(name, value, theirs[name], "second order").check()
        else:
            assert repr(value).replace("minigrad", "torch") == repr(theirs[name]), name
    for number, (our, their) in enumerate(zip(made, made_there)):
        compare_graphs(f"output {number}", our, their).check()


@pytest.mark.parametrize(("kind", "options", "given"), given_to(IN_FLOAT32), ids=str)
def test_layers_in_float32(kind, options, given):
    """Here fast kernels compute, and the plain loop to second order. The graphs are PyTorch's of an LSTM alone."""
    ours, made = run(minigrad, kind, options, given, "float32")
    theirs, made_there = run(torch, kind, options, given, "float32")
    for name, value in ours.items():
        if isinstance(value, minigrad.Tensor):
            compare_values(name, value, theirs[name], "training float32").check()
    for number, (our, their) in enumerate(zip(made, made_there) if kind == "LSTM" else ()):
        compare_graphs(f"output {number}", our, their).check()


@pytest.mark.parametrize("inside", ["forward and backward", "backward"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "RNN with relu"])
def test_the_fast_kernel_computes_what_the_plain_loop_does(kind, inside):
    """Forward by the plain loop has the graph of the cells; backward by it makes that graph."""
    kind, _, relu = kind.partition(" with ")
    options = {"num_layers": 2, "bidirectional": True, **({"nonlinearity": relu} if relu else {})}
    layer = getattr(minigrad.nn, kind)(3, 4, **options)
    x = minigrad.rand(5, 2, 3, requires_grad=True)
    state = [minigrad.rand(4, 2, 4, requires_grad=True) for _ in range(2 if kind == "LSTM" else 1)]
    found = []
    for plain in (False, True):
        loops = minigrad.reference_kernels if plain else nullcontext
        with nullcontext() if inside == "backward" else loops():
            output, last = layer(x, tuple(state) if kind == "LSTM" else state[0])
        with loops():
            results = [output, *flat(last)]
            found.append([*results, *minigrad.autograd.grad(results, [x, *state, *layer.parameters()], results)])
        name = output.grad_fn.next_functions[0][0].name()
        assert (name == "StackBackward0") == (plain and inside != "backward")
    for number, pair in enumerate(zip(*found)):
        compare_values(f"value {number}", *pair, "training float32").check()


CELLS = [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu", "bias": False}), ("LSTMCell", {}), ("GRUCell", {})]
CELLS += [("LSTMCell", {"bias": False}), ("GRUCell", {"bias": False})]


@pytest.mark.parametrize("given", ["batch", "batch with a state", "one"])
@pytest.mark.parametrize(("kind", "options"), CELLS, ids=str)
def test_cells(kind, options, given):
    def program(e):
        e.manual_seed(2)
        cell = getattr(e.nn, kind)(3, 4, dtype=e.float64, **options)
        rows = [] if given == "one" else [2]
        x = drawn(e, *rows, 3, dtype=e.float64).requires_grad_()
        state = [drawn(e, *rows, 4, dtype=e.float64).requires_grad_() for _ in range(2 if kind == "LSTMCell" else 1)]
        given_state = (tuple(state) if kind == "LSTMCell" else state[0],) if given == "batch with a state" else ()
        results = flat(cell(x, *given_state))
        leaves = [x, *cell.parameters(), *(state if given_state else [])]
        grads = e.autograd.grad(results, leaves, results, create_graph=True)
        total = sum((each * each).sum() for each in grads)
        graphs.append(results)
        return [repr(cell), cell.state_dict(), results, grads, e.autograd.grad(total, leaves)]

    graphs = []
    check_program(kind, program)
    for our, their in zip(*graphs):
        compare_graphs(kind, our, their).check()


def sequences(e, *lengths):
    e.manual_seed(1)
    return [e.rand(length, 2, requires_grad=True) for length in lengths]


def padded(e, **named):
    """What padding gives, and the gradients."""
    given = sequences(e, 2, 4, 3)
    result = e.nn.utils.rnn.pad_sequence(given, **named)
    result.square().sum().backward()
    return result, result.stride(), [each.grad for each in given]


def packed(e, lengths, batch_first=False, **named):
    e.manual_seed(1)
    data = e.rand(3, 4, 2, requires_grad=True) if batch_first else e.rand(4, 3, 2, requires_grad=True)
    return data, e.nn.utils.rnn.pack_padded_sequence(data, lengths, batch_first, **named)


def there_and_back(e, batch_first, **named):
    """Packed and padded again, with gradients of both orders."""
    data, between = packed(e, [2, 4, 1], batch_first, enforce_sorted=False)
    result, lengths = e.nn.utils.rnn.pad_packed_sequence(between, batch_first, **named)
    (grad,) = e.autograd.grad(result.square().sum(), data, create_graph=True)
    return [*between, result, result.stride(), lengths, grad, e.autograd.grad(grad.square().sum(), data)]


def unpadded(e, batch_first):
    x = e.arange(12).view(3, 4)
    return e.nn.utils.rnn.unpad_sequence(x, e.tensor([2, 1, 3] if batch_first else [3, 0, 1, 2]), batch_first), x


def a_layer(e, kind="LSTM", **named):
    e.manual_seed(0)
    return getattr(e.nn, kind)(3, 4, **named)


def copied(e, how):
    layer = a_layer(e, num_layers=2)
    other = how(layer)
    with e.no_grad():
        layer.weight_hh_l1.zero_()
    return layer(e.ones(2, 1, 3)), other(e.ones(2, 1, 3)), other, other.all_weights


def loaded(e):
    layer = a_layer(e, bidirectional=True)
    layer.load_state_dict(a_layer(e, bidirectional=True).double().state_dict())
    return layer(e.ones(2, 1, 3)), layer.double()(e.ones(2, 1, 3, dtype=e.float64))


def replaced(e):
    """A parameter that is put in the place of another is used from then on."""
    layer = a_layer(e, "GRU")
    layer.weight_hh_l0 = e.nn.Parameter(e.ones(12, 4))
    del layer._parameters["bias_hh_l0"]
    layer.bias_hh_l0 = e.arange(12.0)
    return layer(e.ones(3, 1, 3))


def changed_in_place(e, kind):
    """The outputs, which some layers saved."""
    x = e.ones(3, 1, 3, requires_grad=True)
    output = a_layer(e, kind)(x)[0]
    output.mul_(2).sum().backward()
    return x.grad


def another_shape(e, kind, dtype):
    layer = a_layer(e, kind, dtype=getattr(e, dtype))
    layer.weight_hh_l0 = e.nn.Parameter(e.ones(7, 4, dtype=getattr(e, dtype)))
    return layer(e.ones(3, 1, 3, dtype=getattr(e, dtype)))


def by_function(e, name, packed=False, by_name=False, layers=1, **changed):
    """PyTorch's functions under the layers, for padded sequences and packed ones."""
    e.manual_seed(0)
    gates = {"lstm": 4, "gru": 3}.get(name, 1)
    h = e.rand(layers, 2, 4)
    params = [e.rand(gates * 4, size) - 0.5 for size in (3, 4, 4, 4)[: 2 * layers]]
    given = {"input": e.rand(5, 2, 3)}
    if packed:
        given = {"data": e.rand(7, 3), "batch_sizes": e.tensor([2, 2, 1, 1, 1])}
    given |= {"hx": (h, e.rand(layers, 2, 4)) if name == "lstm" else h, "params": params, "has_biases": False}
    given |= {"num_layers": layers, "dropout": 0.0, "train": True, "bidirectional": False}
    given |= {} if packed else {"batch_first": False}
    given |= changed
    function = getattr(e, name)
    return function(**given) if by_name else function(*given.values())


def shapes(value):
    return [each.shape for each in flat(value)]


rnn = ["rnn_tanh", "rnn_relu", "lstm", "gru"]
PROGRAMS = {
    "pad": padded,
    "pad, batch first": lambda e: padded(e, batch_first=True, padding_value=-1.5),
    "pad, left": lambda e: padded(e, padding_side="left"),
    "pad a generator": lambda e: e.nn.utils.rnn.pad_sequence(e.ones(n) for n in (1, 3)),
    "pad a tensor": lambda e: e.nn.utils.rnn.pad_sequence(e.ones(2, 3)),
    "pad types": lambda e: e.nn.utils.rnn.pad_sequence([e.ones(2, dtype=e.int64), e.ones(3) * 1.5]),
    "pad nothing": lambda e: e.nn.utils.rnn.pad_sequence([]),
    "pad a number": lambda e: e.nn.utils.rnn.pad_sequence(3),
    "pad lists": lambda e: e.nn.utils.rnn.pad_sequence([[1], [2]]),
    "pad other sizes": lambda e: e.nn.utils.rnn.pad_sequence([e.ones(2, 2), e.ones(2, 3)]),
    "pad no dimension": lambda e: e.nn.utils.rnn.pad_sequence([e.tensor(1.0)]),
    "pad a side": lambda e: e.nn.utils.rnn.pad_sequence([e.ones(2)], padding_side="up"),
    "unpad": lambda e: unpadded(e, True),
    "unpad, transposed in place": lambda e: unpadded(e, False),
    "unpad, a length missing": lambda e: e.nn.utils.rnn.unpad_sequence(e.ones(2, 3), e.tensor([1]), True),
    "there and back": lambda e: there_and_back(e, False),
    "there and back, batch first": lambda e: there_and_back(e, True, padding_value=2.0, total_length=6),
    "too short a total": lambda e: there_and_back(e, True, total_length=3),
    "pack sequences": lambda e: e.nn.utils.rnn.pack_sequence(sequences(e, 3, 2, 2)),
    "pack and unpack": lambda e: e.nn.utils.rnn.unpack_sequence(
        e.nn.utils.rnn.pack_sequence(sequences(e, 1, 3, 2), enforce_sorted=False)
    ),
    "pack no sequences": lambda e: e.nn.utils.rnn.pack_sequence([]),
    "pack unsorted sequences": lambda e: e.nn.utils.rnn.pack_sequence(sequences(e, 1, 2)),
    "pack labels": lambda e: e.nn.utils.rnn.pack_padded_sequence(e.arange(6).view(3, 2), e.tensor([3.0, 1.0])),
    "pack unsorted": lambda e: packed(e, [1, 2, 3]),
    "pack an empty one": lambda e: packed(e, [2, 1, 0]),
    "pack an empty one, unsorted": lambda e: packed(e, [2, 0, 1], enforce_sorted=False),
    "pack too few": lambda e: packed(e, [2, 1]),
    "pack too long": lambda e: packed(e, [6, 2, 1]),
    "pack lengths of two dimensions": lambda e: packed(e, e.ones(3, 1)),
    "pack nothing": lambda e: e.nn.utils.rnn.pack_padded_sequence(e.ones(0, 3), [0, 0, 0]),
    "pack no tensor": lambda e: e.nn.utils.rnn.pack_padded_sequence([1], [1]),
    "pack one dimension": lambda e: e.nn.utils.rnn.pack_padded_sequence(e.ones(3), [1]),
    "invert": lambda e: e.nn.utils.rnn.invert_permutation(e.tensor([2, 0, 1])),
    "invert nothing": lambda e: e.nn.utils.rnn.invert_permutation(None),
    "packed text": lambda e: repr(packed(e, [4, 2, 1])[1]),
    "packed by hand": lambda e: e.nn.utils.rnn.PackedSequence((e.ones(3), e.tensor([2, 1]))),
    "packed by hand, unsorted": lambda e: e.nn.utils.rnn.PackedSequence(e.ones(3), e.tensor([2, 1]), e.tensor([1, 0])),
    "packed without sizes": lambda e: e.nn.utils.rnn.PackedSequence(e.ones(3)),
    "packed converted": lambda e: [
        [getattr(each, name)().data.dtype, getattr(each, name)() is each]
        for each in [e.nn.utils.rnn.pack_sequence([e.ones(3)])]
        for name in ["double", "float", "half", "long", "int", "short", "char", "byte", "cpu", "pin_memory"][:9]
    ],
    "packed to": lambda e: (x := packed(e, [3, 2, 1])[1], x.to("cpu") is x, x.to(e.float64), x.is_cuda, x.is_pinned()),
    "packed to a GPU": lambda e: packed(e, [3, 2, 1])[1].cuda(),
    "deepcopy": lambda e: copied(e, copy.deepcopy),
    "pickle": lambda e: copied(e, lambda layer: pickle.loads(pickle.dumps(layer))),
    "load": loaded,
    "replaced": replaced,
    **{f"changed in place, {kind}": lambda e, k=kind: changed_in_place(e, k) for kind in KINDS},
    **{f"another shape, {kind}": lambda e, k=kind: another_shape(e, k, "float64") for kind in KINDS},
    "another shape, float32": lambda e: another_shape(e, "GRU", "float32"),
    "flatten": lambda e: a_layer(e).flatten_parameters(),
    "evaluation": lambda e: a_layer(e, num_layers=2, dropout=0.9).eval()(e.ones(2, 1, 3)),
    "without a record": lambda e: e.no_grad()(a_layer(e))(e.ones(2, 1, 3)),
    "half": lambda e: shapes(a_layer(e, "GRU", dtype=e.float16)(e.ones(2, 1, 3, dtype=e.float16))),
    **{f"no sequences, {kind}": lambda e, k=kind: shapes(a_layer(e, k)(e.ones(2, 0, 3))[0]) for kind in KINDS},
    "apply": lambda e: a_layer(e).apply(lambda each: [e.nn.init.ones_(p) for p in each.parameters()]).weight_hh_l0,
    "sizes of a state": lambda e: (
        a_layer(e, proj_size=2, num_layers=2).get_expected_hidden_size(e.ones(5, 2, 3), None),
        a_layer(e, proj_size=2, batch_first=True).get_expected_cell_size(e.ones(5, 2, 3), None),
        a_layer(e, "GRU").get_expected_hidden_size(e.ones(5, 3), e.tensor([4, 1])),
    ),
    "base": lambda e: repr(e.nn.RNNBase("GRU", 3, 4)),
    "base, forward": lambda e: e.nn.RNNBase("GRU", 3, 4)(e.ones(2, 1, 3)),
    "base, another mode": lambda e: e.nn.RNNBase("MLP", 3, 4),
    "base of cells": lambda e: shapes(tuple(e.nn.RNNCellBase(3, 4, True, 2).parameters())),
    "one-layer dropout": lambda e: a_layer(e, dropout=0.5),
    **{
        f"{name}, {packed=}, {by_name=}": lambda e, n=name, p=packed, b=by_name: by_function(e, n, p, b, 2)
        for name in rnn
        for packed in (False, True)
        for by_name in (False, True)
    },
    "function, no name": lambda e: by_function(e, "gru", by_name=True, hidden=1),
    "function, odd parameters": lambda e: by_function(e, "gru", params=[e.ones(12, 3)]),
    "function, more layers": lambda e: by_function(e, "gru", num_layers=2),
    "function, both ways": lambda e: by_function(e, "rnn_relu", bidirectional=True),
    "function, more parameters": lambda e: by_function(e, "rnn_tanh", params=[e.ones(4, 3), e.ones(4, 4)] * 2),
    "function, one state": lambda e: by_function(e, "lstm", packed=True, hx=(e.ones(1, 2, 4),)),
    "function, no input": lambda e: by_function(e, "rnn_tanh", input=None),
}
MISTAKES = [
    *({"dropout": value} for value in (2, True, "a")),
    *({name: value} for name in ("input_size", "hidden_size", "num_layers") for value in (0, 2.0, "a")),
    *({"bias": 1}, {"batch_first": 0}, {"proj_size": 5}, {"proj_size": -1}, {"nonlinearity": "gelu"}, {"other": 1}),
]
PROGRAMS |= {
    f"{kind}, {mistake}": lambda e, kind=kind, mistake=mistake: getattr(e.nn, kind)(
        **{"input_size": 3, "hidden_size": 4, **mistake}
    )
    for kind in KINDS
    for mistake in MISTAKES
}
WRONG_INPUTS = {
    "one dimension": lambda e: (e.ones(3),),
    "no tensor": lambda e: ([1.0],),
    "another size": lambda e: (e.ones(2, 1, 4),),
    "another type": lambda e: (e.ones(2, 1, 3, dtype=e.float64),),
    "no steps": lambda e: (e.ones(0, 1, 3),),
    "a packed one of three dimensions": lambda e: (e.nn.utils.rnn.pack_sequence([e.ones(2, 2, 3)]),),
    "a packed one of another size": lambda e: (e.nn.utils.rnn.pack_sequence([e.ones(2, 5), e.ones(1, 5)]),),
}
WRONG_STATES = {
    "two dimensions": lambda e: (e.ones(2, 2, 3), e.ones(1, 4)),
    "three dimensions": lambda e: (e.ones(2, 3), e.ones(1, 1, 4)),
    "another size": lambda e: (e.ones(2, 2, 3), e.ones(1, 2, 5)),
    "another batch": lambda e: (e.ones(2, 2, 3), e.ones(1, 3, 4)),
    "another type": lambda e: (e.ones(2, 2, 3), e.ones(1, 2, 4, dtype=e.float64)),
}


def refused(e, kind, given, state):
    x, *h = given(e)
    cell = a_layer(e, kind)
    return cell(x, *[(each, each) if kind.startswith("LSTM") else each for each in h]) if state else cell(x)


PROGRAMS |= {
    f"{kind}, {name}{', state' * state}": lambda e, k=kind, g=given, s=state: refused(e, k, g, s)
    for kind in KINDS
    for wrong, state in ((WRONG_INPUTS, False), (WRONG_STATES, True))
    for name, given in wrong.items()
}
WRONG_FOR_CELLS = {
    "three dimensions": lambda e: (e.ones(2, 1, 3),),
    "no tensor": lambda e: ([1.0],),
    "another size": lambda e: (e.ones(2, 4),),
    "another type": lambda e: (e.ones(2, 3, dtype=e.float64),),
    "a state of three dimensions": lambda e: (e.ones(2, 3), e.ones(1, 2, 4)),
    "a state of another batch": lambda e: (e.ones(2, 3), e.ones(3, 4)),
    "a state of another size": lambda e: (e.ones(2, 3), e.ones(2, 5)),
    "a state of one dimension": lambda e: (e.ones(2, 3), e.ones(4)),
    "a state of two dimensions": lambda e: (e.ones(3), e.ones(2, 4)),
}
PROGRAMS |= {
    f"{kind}Cell, {name}": lambda e, k=kind, g=given: refused(e, f"{k}Cell", g, len(g(e)) > 1)
    for kind in KINDS
    for name, given in WRONG_FOR_CELLS.items()
}
PROGRAMS |= {
    "cell, another word": lambda e: e.nn.RNNCell(3, 4, nonlinearity="gelu")(e.ones(2, 3)),
    "cell, bias as a number": lambda e: repr(e.nn.GRUCell(3, 4, bias=1)),
    "cells of nothing": lambda e: [
        cell(e.ones(3, 2), e.ones(3, 0)) for cell in (e.nn.RNNCell(2, 0), e.nn.GRUCell(2, 0))
    ],
    "cell of nothing, two states": lambda e: e.nn.LSTMCell(2, 0)(e.ones(3, 2)),
    "cell, one state": lambda e: e.lstm_cell(e.ones(2, 3), (e.ones(2, 4),), e.ones(16, 3), e.ones(16, 4)),
    "cell, rows of the weight": lambda e: e.gru_cell(e.ones(2, 3), e.ones(2, 4), e.ones(4, 3), e.ones(4, 4)),
    "cell, by name": lambda e: e.rnn_tanh_cell(
        input=e.ones(2, 3), hx=e.ones(2, 4), w_ih=e.ones(4, 3), w_hh=e.ones(4, 4), b_ih=-e.ones(4)
    ),
    "cell, biases by name": lambda e: e.rnn_relu_cell(
        e.ones(2, 3), e.ones(2, 4), e.ones(4, 3), e.ones(4, 4), b_hh=e.arange(4.0)
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    check_program(name, PROGRAMS[name])


@pytest.mark.parametrize("side", ["right", "left"])
def test_graphs_of_padding(side):
    pairs = [e.nn.utils.rnn.pad_sequence(sequences(e, 2, 4, 3), padding_side=side) for e in (minigrad, torch)]
    compare_graphs("pad", *pairs).check()
    pairs = [e.nn.utils.rnn.pad_packed_sequence(packed(e, [4, 1, 1])[1], side == "left")[0] for e in (minigrad, torch)]
    compare_graphs("pad again", *pairs).check()
