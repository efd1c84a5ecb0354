"""Recurrent layers along a whole sequence, forward and backward: fast kernels beside the plain loops of the cells.

The plain loop is the graph of the cells (``ops/recurrent.py``). Here the products that do not wait for the step before
are made for all steps at once: those with the inputs, and in backward those that give the gradients of weights and
inputs. A step is one product and a few elementwise computations. In backward, what a gate passes on but for the
gradient that arrives, its slope, is computed for all steps first too.

L steps, N sequences, I inputs, H hidden values, G gates. A weight is (GH, I) or (GH, H), with the gates in PyTorch's
order. In here they lie one after the other, (G, L, N, H), in an order in which those that are computed alike are
neighbours; products gate by gate are small, and BLAS is fastest there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigrad.kernels.blas import on_own_threads
from minigrad.kernels.memory import workspace
from minigrad.kernels.parallel import share_out, worth_sharing
from minigrad.kernels.product import multiply_rows, sum_over_rows

__all__ = ["gru", "gru_backward", "lstm", "lstm_backward", "rnn_relu", "rnn_relu_backward", "rnn_tanh"]
__all__ += ["rnn_tanh_backward"]

Arrays = tuple[np.ndarray, ...]

# Orders of gates, by their places in PyTorch's.
LSTM_GATES = [3, 0, 1, 2]  # o, i, f, g: three sigmoids; and three that c depends on
GRU_GATES = [2, 0, 1]  # n, r, z
GRU_FROM_STATE = [0, 1, 2]  # r, z, n


def by_gate(parameter: np.ndarray, order: list[int], sigmoids: slice | None = None) -> np.ndarray:
    """A weight or a bias gate by gate; negative for ``sigmoids``, as the x of 1 / (1 + exp(-x)) is.

    Shapes: (GH, ...) -> (G, H, ...).
    """
    result: np.ndarray = parameter.reshape(len(order), -1, *parameter.shape[1:])[order]
    if sigmoids is not None:
        np.negative(result[sigmoids], out=result[sigmoids])
    return result


def as_parameter(gradient: np.ndarray, order: list[int]) -> np.ndarray:
    """The other way. Shapes: (G, H, ...) -> (GH, ...)."""
    result = np.empty_like(gradient)
    result[order] = gradient
    return result.reshape(-1, *gradient.shape[2:])


def on_the_right(weight: np.ndarray) -> np.ndarray:
    """A weight as it stands on the right of a product. Shapes: (G, H, K) -> (G, K, H)."""
    return np.ascontiguousarray(weight.swapaxes(1, 2))


def for_each_gate(work: Callable[[int], None], count: int, multiplications: int) -> None:
    """``work`` of each gate, on several threads where that is worth it."""
    if worth_sharing(multiplications):
        share_out(work, range(count))
    else:
        for gate in range(count):
            work(gate)


def in_time(steps: int, reverse: bool) -> list[int]:
    """The steps in their order."""
    return list(range(steps))[:: -1 if reverse else 1]


def before(states: np.ndarray, first: np.ndarray, reverse: bool) -> np.ndarray:
    """The state before each step. Shapes: (L, N, H), (N, H) -> (L, N, H)."""
    return np.concatenate([states[1:], first[None]] if reverse else [first[None], states[:-1]])


def projected(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """What all steps' inputs add to the gates. Shapes: (L, N, I), (G, H, I), (G, H) -> (G, L, N, H)."""
    count, hidden, width = weight.shape
    rows, weight = np.ascontiguousarray(x).reshape(-1, width), on_the_right(weight)
    gates = np.empty((count, *x.shape[:2], hidden), x.dtype)

    def project(gate: int) -> None:
        result = gates[gate].reshape(-1, hidden)
        multiply_rows(rows, weight[gate], out=result)
        if bias is not None:
            result += bias[gate]

    for_each_gate(project, count, gates.size * width)
    return gates


def parameter_gradients(
    x: np.ndarray, h_before: np.ndarray, weight_ih: np.ndarray, from_input: np.ndarray, from_state: np.ndarray
) -> Arrays:
    """From the gradients of the gates, as they came from inputs and from states, those of x, weights and biases.

    Shapes: x (L, N, I), h_before (L, N, H), weight_ih (G, H, I), gates (G, L, N, H); results by gate.
    """
    count, hidden, width = weight_ih.shape
    rows, rows_before = np.ascontiguousarray(x).reshape(-1, width), h_before.reshape(-1, hidden)
    from_input, from_state = from_input.reshape(count, -1, hidden), from_state.reshape(count, -1, hidden)
    grad_ih, grad_hh = np.empty_like(weight_ih), np.empty((count, hidden, hidden), x.dtype)
    grad_rows = workspace("recurrent inputs", (count, *rows.shape), x.dtype)

    def sum_up(gate: int) -> None:
        sum_over_rows(from_input[gate], rows, out=grad_ih[gate])
        sum_over_rows(from_state[gate], rows_before, out=grad_hh[gate])
        multiply_rows(from_input[gate], weight_ih[gate], out=grad_rows[gate])

    for_each_gate(sum_up, count, from_input.size * (2 * width + hidden))
    grad_x = np.add.reduce(grad_rows, axis=0).reshape(x.shape)
    return grad_x, grad_ih, grad_hh, np.add.reduce(from_input, axis=1), np.add.reduce(from_state, axis=1)


def become_sigmoids(negative: np.ndarray) -> None:
    """1 / (1 + exp(-x)) of -x, in place."""
    np.exp(negative, out=negative)
    negative += 1
    np.reciprocal(negative, out=negative)


def become_tanh_slopes(bent: np.ndarray) -> None:
    """1 - tanh²x of tanh x, in place."""
    np.multiply(bent, bent, out=bent)
    np.subtract(1, bent, out=bent)


# -------------------------------------------------------------------------------------------------------------- LSTM


@on_own_threads
def lstm(inputs: Arrays, reverse: bool) -> tuple[Arrays, Arrays]:
    """The outputs (L, N, H), the last h and c; and for backward the gates (4, L, N, H) and each c (L, N, H)."""
    x, weight_ih, weight_hh, bias_ih, bias_hh, h, c = inputs
    bias = None if bias_ih is None else by_gate(bias_ih + bias_hh, LSTM_GATES, slice(3))
    gates = projected(x, by_gate(weight_ih, LSTM_GATES, slice(3)), bias)
    from_state = on_the_right(by_gate(weight_hh, LSTM_GATES, slice(3)))
    outputs, cells = np.empty((2, *gates.shape[1:]), x.dtype)
    product = np.empty((4, *h.shape), x.dtype)
    for step in in_time(len(x), reverse):
        now = gates[:, step]
        now += np.matmul(h, from_state, out=product)
        output_gate, input_gate, forget_gate, cell_gate = now
        become_sigmoids(now[:3])
        np.tanh(cell_gate, out=cell_gate)
        c = np.multiply(forget_gate, c, out=cells[step])
        c += np.multiply(input_gate, cell_gate, out=product[0])
        h = np.tanh(c, out=outputs[step])
        h *= output_gate
    return (outputs, h.copy(), c.copy()), (gates, cells)


@on_own_threads
def lstm_backward(grads: Arrays, inputs: Arrays, outputs: np.ndarray, saved: Arrays, reverse: bool) -> Arrays:
    """The gradients of x, the weights, the biases, h and c, from those of the outputs and of the last h and c."""
    x, weight_ih, weight_hh, _, _, first_h, first_c = inputs
    gates, cells = saved
    output_gate, input_gate, forget_gate, cell_gate = gates
    slopes = workspace("recurrent gates", gates.shape, x.dtype)
    bent, through_output = workspace("recurrent states", (2, *cells.shape), x.dtype)
    np.tanh(cells, out=bent)
    through_output[...] = bent
    become_tanh_slopes(through_output)
    through_output *= output_gate  # dh/dc
    np.subtract(1, gates[:3], out=slopes[:3])
    slopes[:3] *= gates[:3]
    slopes[0] *= bent
    slopes[1] *= cell_gate
    slopes[2] *= before(cells, first_c, reverse)
    slopes[3] = cell_gate
    become_tanh_slopes(slopes[3])
    slopes[3] *= input_gate
    from_state = by_gate(weight_hh, LSTM_GATES)
    product = np.empty((4, *first_h.shape), x.dtype)
    grad_h, grad_c = grads[1].copy(), grads[2].copy()
    for step in in_time(len(x), not reverse):
        grad_h += grads[0][step]
        grad_c += np.multiply(grad_h, through_output[step], out=product[0])
        slopes[0, step] *= grad_h
        slopes[1:, step] *= grad_c
        np.add.reduce(np.matmul(slopes[:, step], from_state, out=product), axis=0, out=grad_h)
        grad_c *= forget_gate[step]
    h_before = before(outputs, first_h, reverse)
    grad_x, *found = parameter_gradients(x, h_before, by_gate(weight_ih, LSTM_GATES), slopes, slopes)
    return grad_x, *[as_parameter(each, LSTM_GATES) for each in found], grad_h, grad_c


# --------------------------------------------------------------------------------------------------------------- GRU


@on_own_threads
def gru(inputs: Arrays, reverse: bool) -> tuple[Arrays, Arrays]:
    """The outputs (L, N, H), the last h; and for backward the gates (3, L, N, H) and each W_hn h + b_hn (L, N, H)."""
    x, weight_ih, weight_hh, bias_ih, bias_hh, h = inputs
    bias, bias_hn = None, 0
    if bias_ih is not None:
        bias, bias_hh = by_gate(bias_ih, GRU_GATES), by_gate(bias_hh, GRU_GATES)
        bias_hn = bias_hh[0]
        bias[1:] = -bias[1:] - bias_hh[1:]
    gates = projected(x, by_gate(weight_ih, GRU_GATES, slice(1, 3)), bias)
    from_state = on_the_right(by_gate(weight_hh, GRU_FROM_STATE, slice(2)))
    outputs, hidden = np.empty((2, *gates.shape[1:]), x.dtype)
    product = np.empty((3, *h.shape), x.dtype)
    for step in in_time(len(x), reverse):
        np.matmul(h, from_state, out=product)
        new_gate, reset_gate, update_gate = gates[:, step]
        sigmoids = gates[1:, step]
        sigmoids += product[:2]
        become_sigmoids(sigmoids)
        np.add(product[2], bias_hn, out=hidden[step])
        new_gate += np.multiply(reset_gate, hidden[step], out=product[0])
        np.tanh(new_gate, out=new_gate)
        h = np.subtract(h, new_gate, out=outputs[step])
        h *= update_gate
        h += new_gate
    return (outputs, h.copy()), (gates, hidden)


@on_own_threads
def gru_backward(grads: Arrays, inputs: Arrays, outputs: np.ndarray, saved: Arrays, reverse: bool) -> Arrays:
    """The gradients of x, the two weights, the two biases and h, from those of the outputs and of the last h."""
    x, weight_ih, weight_hh, _, _, first_h = inputs
    gates, hidden = saved
    new_gate, reset_gate, update_gate = gates
    h_before = before(outputs, first_h, reverse)
    slopes = workspace("recurrent gates", (4, *hidden.shape), x.dtype)  # of n, r, z, and of what r is multiplied with
    np.subtract(1, gates[1:], out=slopes[1:3])
    slopes[0] = new_gate
    become_tanh_slopes(slopes[0])
    slopes[0] *= slopes[2]
    slopes[1] *= slopes[0]
    np.multiply(slopes[0], reset_gate, out=slopes[3])
    slopes[1] *= reset_gate
    slopes[1] *= hidden
    slopes[2] *= update_gate
    slopes[2] *= h_before - new_gate
    from_state = by_gate(weight_hh, GRU_FROM_STATE)
    product = np.empty((3, *first_h.shape), x.dtype)
    grad_h = grads[1].copy()
    for step in in_time(len(x), not reverse):
        grad_h += grads[0][step]
        slopes[:, step] *= grad_h
        grad_h *= update_gate[step]
        np.matmul(slopes[1:, step], from_state, out=product)
        for part in product:
            grad_h += part
    grad_x, *found = parameter_gradients(x, h_before, by_gate(weight_ih, GRU_GATES), slopes[:3], slopes[1:])
    orders = [GRU_GATES, GRU_FROM_STATE] * 2
    return grad_x, *[as_parameter(each, order) for each, order in zip(found, orders)], grad_h


# --------------------------------------------------------------------------------------------------------------- RNN


def rectify(x: np.ndarray, out: np.ndarray) -> None:
    """max(x, 0), written to ``out``."""
    np.maximum(x, 0, out=out)


def become_rectified_slopes(rectified: np.ndarray) -> None:
    """1 where max(x, 0) is positive, else 0, in place."""
    rectified[...] = rectified > 0


@on_own_threads
def rnn(bend: Callable[..., Any], inputs: Arrays, reverse: bool) -> tuple[Arrays, Arrays]:
    """The outputs (L, N, H) and the last h; backward needs nothing else."""
    x, weight_ih, weight_hh, bias_ih, bias_hh, h = inputs
    (outputs,) = projected(x, weight_ih[None], None if bias_ih is None else (bias_ih + bias_hh)[None])
    from_state = np.ascontiguousarray(weight_hh.T)
    product = np.empty(h.shape, x.dtype)
    for step in in_time(len(x), reverse):
        now = outputs[step]
        now += np.matmul(h, from_state, out=product)
        bend(now, out=now)
        h = now
    return (outputs, h.copy()), ()


@on_own_threads
def rnn_backward(become_slopes: Any, grads: Arrays, inputs: Arrays, outputs: Any, saved: Any, reverse: bool) -> Arrays:
    """The gradients of x, the two weights, the two biases and h, from those of the outputs and of the last h."""
    x, weight_ih, weight_hh, _, _, first_h = inputs
    slopes = workspace("recurrent gates", outputs.shape, x.dtype)
    slopes[...] = outputs
    become_slopes(slopes)
    grad_h = grads[1].copy()
    for step in in_time(len(x), not reverse):
        grad_h += grads[0][step]
        slopes[step] *= grad_h
        np.matmul(slopes[step], weight_hh, out=grad_h)
    h_before = before(outputs, first_h, reverse)
    grad_x, *found = parameter_gradients(x, h_before, weight_ih[None], slopes[None], slopes[None])
    return grad_x, *[each[0] for each in found], grad_h


rnn_tanh, rnn_relu = partial(rnn, np.tanh), partial(rnn, rectify)
rnn_tanh_backward = partial(rnn_backward, become_tanh_slopes)
rnn_relu_backward = partial(rnn_backward, become_rectified_slopes)
