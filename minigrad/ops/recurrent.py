"""Recurrent networks, written as loops over the steps: one function a cell, then what runs a cell along a sequence.

A cell's step takes ``projected``, W_ih x + b_ih of this step, the state that the step before left, and the weights; it
gives the new state: h, of an LSTM h and c. A layer computes the projections of all steps in one product and lets the
cell step along them; in float32 a fast kernel does both (:class:`LayerAtOnce`, ``kernels/recurrent.py``). Layers and
directions are stacked in :func:`stacked`. The modules are in ``nn/rnn.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from minigrad import dtypes
from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import checked
from minigrad.graph.accumulation import Arrived, receive
from minigrad.graph.engine import walk_backward
from minigrad.graph.function import Function, gradient_edge, wrap
from minigrad.graph.grad_mode import call_inside, inference_mode
from minigrad.graph.node import Tensor
from minigrad.kernels import kernel_mode
from minigrad.kernels import recurrent as kernels
from minigrad.ops.cutting import Split, unbind
from minigrad.ops.dropout import dropout
from minigrad.ops.joining import cat, stack
from minigrad.ops.linear import linear
from minigrad.ops.shape import Alias

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]

State = tuple[Tensor, ...]  # h (N, hidden_size); of an LSTM h and c


class Weights(NamedTuple):
    """The parameters of a cell of so many gates; ``weight_hr`` projects an LSTM's h to a smaller one."""

    weight_ih: Tensor  # (gates · hidden_size, input_size)
    weight_hh: Tensor  # (gates · hidden_size, hidden_size)
    bias_ih: Tensor | None = None  # (gates · hidden_size,)
    bias_hh: Tensor | None = None
    weight_hr: Tensor | None = None  # (proj_size, hidden_size)


class UnsafeSplit(Split):
    """x cut into pieces that are no views for the user, as nobody else sees x."""

    is_view = False


def by_gate(values: Tensor, count: int) -> tuple[Tensor, ...]:
    """``values`` (N, gates · hidden_size) cut into those of each of ``count`` gates."""
    pieces: tuple[Tensor, ...] = UnsafeSplit.apply(values, sizes=[values.size(1) // count] * count, dim=1)
    return pieces


# ------------------------------------------------------------------------------------------------------------ the cells


def rnn_tanh_step(projected: Tensor, state: State, weights: Weights) -> State:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh). Source: Elman, "Finding structure in time", 1990."""
    (h,) = state
    return ((linear(h, weights.weight_hh, weights.bias_hh) + projected).tanh(),)


def rnn_relu_step(projected: Tensor, state: State, weights: Weights) -> State:
    """h' = relu(W_ih x + b_ih + W_hh h + b_hh). Source: Le et al., 2015."""
    (h,) = state
    return ((linear(h, weights.weight_hh, weights.bias_hh) + projected).relu(),)


def lstm_step(projected: Tensor, state: State, weights: Weights) -> State:
    """c' = f c + i g and h' = o tanh(c'). Source: Hochreiter & Schmidhuber, 1997; f: Gers et al., 2000."""
    h, c = state
    gates = linear(h, weights.weight_hh, weights.bias_hh) + projected
    i, f, g, o = by_gate(gates, 4)
    input_gate = i.sigmoid()
    forget_gate = f.sigmoid()
    cell_gate = g.tanh()
    output_gate = o.sigmoid()
    c = forget_gate * c + input_gate * cell_gate
    h = output_gate * c.tanh()
    if weights.weight_hr is not None:
        h = h @ weights.weight_hr.t()
    return h, c


def gru_step(projected: Tensor, state: State, weights: Weights) -> State:
    """h' = (1 - z) n + z h with n = tanh(W_in x + b_in + r (W_hn h + b_hn)). Source: Cho et al., 2014."""
    (h,) = state
    input_r, input_z, input_n = by_gate(projected, 3)
    hidden_r, hidden_z, hidden_n = by_gate(linear(h, weights.weight_hh, weights.bias_hh), 3)
    reset_gate = (hidden_r + input_r).sigmoid()
    update_gate = (hidden_z + input_z).sigmoid()
    new_gate = (input_n + hidden_n * reset_gate).tanh()
    return ((h - new_gate) * update_gate + new_gate,)


Step = Callable[[Tensor, State, Weights], State]
Layer = Callable[[Tensor, State, Weights, bool], tuple[Tensor, State]]


def one_step(step: Step, gates: int, input: Tensor, state: State, weights: Weights) -> State:
    """A step of a cell alone, after a look at the sizes."""
    width, hidden_size = weights.weight_ih.size(1), weights.weight_hh.size(1)
    if input.size(1) != width:
        raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {width}")
    for each in state:
        if each.size(0) != input.size(0):
            raise RuntimeError(f"Input batch size {input.size(0)} doesn't match hidden0 batch size {each.size(0)}")
        if each.size(1) != hidden_size:
            raise RuntimeError(f"hidden0 has inconsistent hidden_size: got {each.size(1)}, expected {hidden_size}")
    if gates > 1 and weights.weight_ih.size(0) != gates * hidden_size:
        raise RuntimeError(
            f"weight_ih first dim must be {gates} * hidden_size = {gates * hidden_size}, but got "
            f"{weights.weight_ih.size(0)}"
        )
    return step(linear(input, weights.weight_ih, weights.bias_ih), state, weights)


@checked
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """tanh(w_ih input + b_ih + w_hh hx + b_hh). Shapes: (N, n), (N, m), (m, n), (m, m), (m,), (m,) -> (N, m).

    Raises:
        RuntimeError: the sizes do not agree.
    """
    return one_step(rnn_tanh_step, 1, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


@checked
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """:func:`rnn_tanh_cell` with relu in the place of tanh."""
    return one_step(rnn_relu_step, 1, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


@checked
def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """A step of an LSTM from h and c, which ``hx`` holds, to the next. Gates stand in the order i, f, g, o.

    Shapes: (N, n), twice (N, m), (4m, n), (4m, m), (4m,), (4m,) -> twice (N, m).

    Raises:
        RuntimeError: the sizes do not agree, or ``hx`` holds other than two tensors.
    """
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    h, c = one_step(lstm_step, 4, input, tuple(hx), Weights(w_ih, w_hh, b_ih, b_hh))
    return h, c


@checked
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """A step of a GRU from h, which is ``hx``, to the next. Gates stand in the order r, z, n.

    Shapes: (N, n), (N, m), (3m, n), (3m, m), (3m,), (3m,) -> (N, m).

    Raises:
        RuntimeError: the sizes do not agree.
    """
    return one_step(gru_step, 3, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


# ----------------------------------------------------------------------------------------------------- along a sequence


def along_steps(step: Step, input: Tensor, state: State, weights: Weights, reverse: bool) -> tuple[Tensor, State]:
    """A layer in one direction: its outputs at all steps, and the last state. Shapes: (L, N, n) -> (L, N, m)."""
    if not len(input):
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    steps = unbind(linear(input, weights.weight_ih, weights.bias_ih))
    outputs = []
    for projected in reversed(steps) if reverse else steps:
        state = step(projected, state, weights)
        outputs.append(state[0])
    return stack(outputs[::-1] if reverse else outputs), state


class LayerAtOnce(Function):
    """:func:`along_steps` as one node for all steps: a cell's ``step`` and the two kernels that compute with it.

    Backward goes through time in the fast kernel. A gradient that is to be differentiated again, and every one where
    the plain loops compute, comes from the graph of the cells, which is made anew.
    """

    result_strides = None
    step: Any
    kernels: tuple[Any, Any]
    gates = 1
    saves_result = False  # True: the outputs may not be changed in place afterwards, as in PyTorch

    def forward(ctx, *inputs, reverse):
        ctx.reverse = reverse
        results, saved = ctx.kernels[0](inputs, reverse)
        outputs = results[0] if ctx.saves_result else results[0].copy()
        ctx.save_for_backward(*inputs, outputs, *saved)
        return results

    def backward(ctx, *grads):
        count = len(ctx.edges)
        inputs, (outputs, *saved) = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        if isinstance(grads[0], Tensor) or kernel_mode.get().reference:
            return call_inside(
                inference_mode(False), by_graph, ctx.step, inputs, ctx.needs_input_grad, grads, ctx.reverse
            )
        return ctx.kernels[1](grads, inputs, outputs, saved, ctx.reverse)


class RnnTanhLayer(LayerAtOnce):
    """A layer of an RNN, in float32."""

    step = staticmethod(rnn_tanh_step)
    kernels = kernels.rnn_tanh, kernels.rnn_tanh_backward


class RnnReluLayer(LayerAtOnce):
    """A layer of an RNN with relu, in float32."""

    step = staticmethod(rnn_relu_step)
    kernels = kernels.rnn_relu, kernels.rnn_relu_backward


class GruLayer(LayerAtOnce):
    """A layer of a GRU, in float32."""

    gates = 3
    step = staticmethod(gru_step)
    kernels = kernels.gru, kernels.gru_backward


class MkldnnRnnLayer(LayerAtOnce):
    """A layer of an LSTM, in float32. In PyTorch a library for CPUs computes it, and it is one node there too."""

    gates = 4
    saves_result = True
    step = staticmethod(lstm_step)
    kernels = kernels.lstm, kernels.lstm_backward


def by_graph(step, inputs, needed, grads, reverse):
    """The gradients of a layer's ``inputs`` by a walk of its cells' graph: recorded where ``grads`` are tensors."""
    own = []
    for each, need in zip(inputs, needed):
        if each is not None:  # a node of its own, at which the walk ends, whatever else one input was made of
            each = Alias.apply(each if isinstance(each, Tensor) else wrap(each).requires_grad_(need))
        own.append(each)
    output, state = along_steps(step, own[0], tuple(own[5:]), Weights(*own[1:5]), reverse)
    arrived: Arrived = {}
    for result, grad in zip((output, *state), grads):
        receive(arrived, gradient_edge(result), grad)
    edges = [gradient_edge(each) if need else None for each, need in zip(own, needed)]
    wanted = [edge for edge in edges if edge is not None]
    found = walk_backward(arrived, None, isinstance(grads[0], Tensor), wanted, accumulate=False)
    return tuple([None if edge is None else found[edge] for edge in edges])


AT_ONCE = {"rnn_tanh": RnnTanhLayer, "rnn_relu": RnnReluLayer, "lstm": MkldnnRnnLayer, "gru": GruLayer}


def along_steps_at_once(
    name: str, input: Tensor, state: State, weights: Weights, reverse: bool
) -> tuple[Tensor, State]:
    """:func:`along_steps`, computed by the fast kernel."""
    if not len(input):
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    (batch, width), hidden = input.shape[1:], state[0].size(1)
    rows = AT_ONCE[name].gates * hidden
    shapes = [(rows, width), (rows, hidden), (rows,), (rows,), *[(batch, hidden)] * 2]
    for each, shape in zip((*weights[:4], *state), shapes):
        if each is not None and (each.shape != shape or each.dtype is not input.dtype):
            raise RuntimeError(
                f"{name}: with an input of shape {list(input.shape)} and type {input.dtype}, and hidden_size {hidden}, "
                f"expected a weight, bias or state of shape {list(shape)}, but got {list(each.shape)}, {each.dtype}"
            )
    output, *last = AT_ONCE[name].apply(input, *weights[:4], *state, reverse=reverse)
    return output, tuple(last)


def along_packed_steps(
    step: Step, batch_sizes: list[int], input: Tensor, state: State, weights: Weights, reverse: bool
) -> tuple[Tensor, State]:
    """The same for packed sequences, of which ``batch_sizes[t]``, the longest, have a step t. Shapes: (ΣL, n).

    Forward, sequences that have ended are set aside with their state; backward, sequences join in as they begin.
    """
    projected = linear(input, weights.weight_ih, weights.bias_ih)
    first, running = state, batch_sizes[-1 if reverse else 0]
    state = tuple([each.narrow(0, 0, running) for each in first]) if reverse else first
    outputs, ended = [], []
    start = len(input) if reverse else 0
    for size in reversed(batch_sizes) if reverse else batch_sizes:
        if size < running:
            ended.append([each.narrow(0, size, running - size) for each in state])
            state = tuple([each.narrow(0, 0, size) for each in state])
        elif size > running:
            joining = [each.narrow(0, running, size - running) for each in first]
            state = tuple([cat(pair) for pair in zip(state, joining)])
        start -= size if reverse else 0
        state = step(projected.narrow(0, start, size), state, weights)
        start += 0 if reverse else size
        outputs.append(state[0])
        running = size
    if reverse:
        return cat(outputs[::-1]), state
    ended.append(list(state))
    return cat(outputs), tuple([cat(parts[::-1]) for parts in zip(*ended)])


def weights_of(params: Sequence[Tensor], has_biases: bool, has_projections: bool) -> list[Weights]:
    """The parameters, layer by layer and direction by direction."""
    each = 2 + 2 * has_biases + has_projections
    if len(params) % each:
        raise RuntimeError("got an incorrect number of RNN parameters")
    found = []
    for first in range(0, len(params), each):
        own = params[first : first + each]
        bias_ih, bias_hh = own[2:4] if has_biases else (None, None)
        found.append(Weights(own[0], own[1], bias_ih, bias_hh, own[-1] if has_projections else None))
    return found


PADDED = ("input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")
PACKED = ("data", "batch_sizes", *PADDED[1:-1])


def arranged(name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, those of padded or those of packed sequences, whichever were given.

    Raises:
        TypeError: neither were.
    """
    for names in (PADDED, PACKED):
        given = dict(zip(names, arguments)) | named
        whole = len(arguments) + len(named) == len(names) and given.keys() == set(names)
        if whole and isinstance(given["params"], (tuple, list)) and isinstance(given["has_biases"], bool):
            check_tensors(name, **{each: given[each] for each in names[: names.index("hx")]})
            return given
    types = ", ".join([type(each).__name__ for each in (*arguments, *named.values())])
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({types}), but expected one of: "
        f"({', '.join(PADDED)}) or ({', '.join(PACKED)})"
    )


def recurrent(name: str, step: Step, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Tensor, ...]:
    """A network: the outputs of its last layer, and each part of the last states of all layers, stacked."""
    given = arranged(name, arguments, named)
    parts: Sequence[Tensor] = (given["hx"],) if isinstance(given["hx"], Tensor) else given["hx"]
    if len(parts) != (2 if name == "lstm" else 1):
        raise RuntimeError(f"{name} expects {'two hidden states' if name == 'lstm' else 'one hidden state'}")
    has_projections = name == "lstm" and parts[0].size(2) != parts[1].size(2)
    weights = weights_of(given["params"], given["has_biases"], has_projections)
    fast = not has_projections and not kernel_mode.get().reference
    layer: Layer
    if "data" in given:
        input, batch_sizes = given["data"], given["batch_sizes"].tolist()
        layer = partial(along_packed_steps, step, batch_sizes)
        fast = fast and input.dtype is dtypes.float32 and len(set(batch_sizes)) == 1
        input = input.view(len(batch_sizes), batch_sizes[0], -1) if fast else input
    else:
        input = given["input"].transpose(0, 1) if given["batch_first"] else given["input"]
        layer = partial(along_steps, step)
        fast = fast and input.dtype is dtypes.float32
    if fast:
        layer, input = partial(along_steps_at_once, name), input.contiguous()
        parts = [part.contiguous() for part in parts]
        states: list[State] = [tuple([part[place] for part in parts]) for place in range(len(parts[0]))]
    else:
        states = list(zip(*[unbind(part) for part in parts]))
    output, last = stacked(layer, input, states, weights, given)
    if given.get("batch_first"):
        output = output.transpose(0, 1) if name == "lstm" else output.transpose_(0, 1)
    elif fast and "data" in given:
        output = output.view(-1, output.size(2))
    return output, *[stack(part) for part in zip(*last)]


def stacked(
    layer: Layer, input: Tensor, states: list[State], weights: list[Weights], given: dict[str, Any]
) -> tuple[Tensor, list[State]]:
    """Layer upon layer, in one direction or both side by side: the outputs of the last, and the last states of all."""
    directions = 2 if given["bidirectional"] else 1
    if len(states) % directions or len(weights) % directions:
        raise RuntimeError("Odd number of params or hiddens given to a bidirectional RNN")
    for count, kind in ((len(states), "hidden states"), (len(weights), "weights")):
        if count != given["num_layers"] * directions:
            raise RuntimeError(f"Expected more {kind} in stacked_rnn")
    last = []
    for number in range(given["num_layers"]):
        outputs = []
        for direction in range(directions):
            place = number * directions + direction
            output, state = layer(input, states[place], weights[place], direction == 1)
            outputs.append(output)
            last.append(state)
        input = cat(outputs, -1) if directions == 2 else outputs[0]
        if given["train"] and given["dropout"] and number < given["num_layers"] - 1:
            input = dropout(input, given["dropout"])
    return input, last


def rnn_tanh(*arguments: Any, **named: Any) -> tuple[Tensor, Tensor]:
    """The outputs (L, N, m) of a network of cells :func:`rnn_tanh_cell`, and the last h (layers · directions, N, m).

    Arguments: input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first; of packed
    sequences data, batch_sizes, hx and so on to bidirectional.

    Shapes: ``input`` (L, N, n), or (N, L, n) with ``batch_first``, as then the outputs; ``hx`` like the last h;
    ``params`` those of ``nn.RNN``, layer by layer.

    Raises:
        RuntimeError: there are other numbers of states or parameters, or the sequence is empty.
    """
    output, h = recurrent("rnn_tanh", rnn_tanh_step, arguments, named)
    return output, h


def rnn_relu(*arguments: Any, **named: Any) -> tuple[Tensor, Tensor]:
    """:func:`rnn_tanh` with relu in the place of tanh."""
    output, h = recurrent("rnn_relu", rnn_relu_step, arguments, named)
    return output, h


def gru(*arguments: Any, **named: Any) -> tuple[Tensor, Tensor]:
    """:func:`rnn_tanh` with the cells of :func:`gru_cell`."""
    output, h = recurrent("gru", gru_step, arguments, named)
    return output, h


def lstm(*arguments: Any, **named: Any) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`rnn_tanh` with the cells of :func:`lstm_cell`: ``hx`` holds h and c, and the last c is given too.

    Where h is smaller than c, it is a projection, whose weight each layer has besides.
    """
    output, h, c = recurrent("lstm", lstm_step, arguments, named)
    return output, h, c
