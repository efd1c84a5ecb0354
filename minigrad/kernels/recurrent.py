"""An LSTM along a whole sequence, forward and backward: the fast kernel beside the plain loop of ``ops/recurrent.py``.

The plain loop is the graph of the cells. Here the products that do not wait for the step before are made for all steps
at once: those with the inputs, and in backward those of the gradients of weights and inputs. A step is one product and
a few elementwise computations. The gates lie one after the other, (4, L, N, H), in the order o, i, f, g: so that the
three sigmoids are computed together, and what c depends on. Products gate by gate are small, and BLAS is fastest there.

L steps, N sequences, I inputs, H hidden values. A weight is (4H, I) or (4H, H), its gates in the order i, f, g, o.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigrad.kernels.blas import on_own_threads
from minigrad.kernels.memory import workspace
from minigrad.kernels.parallel import share_out, worth_sharing
from minigrad.kernels.product import multiply_rows, sum_over_rows

__all__ = ["lstm", "lstm_backward"]


def by_gate(parameter: np.ndarray) -> np.ndarray:
    """A weight or a bias gate by gate. Shapes: (4H, ...) -> (4, H, ...)."""
    return parameter.reshape(4, -1, *parameter.shape[1:])[[3, 0, 1, 2]]


def as_parameter(gradient: np.ndarray) -> np.ndarray:
    """The other way. Shapes: (4, H, ...) -> (4H, ...)."""
    return gradient[[1, 2, 3, 0]].reshape(-1, *gradient.shape[2:])


def transposed_by_gate(weight: np.ndarray) -> np.ndarray:
    """A weight gate by gate, as it stands on the right of a product; for sigmoids negative, as 1 / (1 + exp(-x)) is.

    Shapes: (4H, K) -> (4, K, H).
    """
    result = np.ascontiguousarray(by_gate(weight).swapaxes(1, 2))
    np.negative(result[:3], out=result[:3])
    return result


def for_each_gate(work: Callable[[int], None], multiplications: int) -> None:
    """``work`` of each gate, on several threads where that is worth it."""
    if worth_sharing(multiplications):
        share_out(work, range(4))
    else:
        for gate in range(4):
            work(gate)


def along(steps: int, reverse: bool) -> list[int]:
    """The steps in their order."""
    return list(range(steps))[:: -1 if reverse else 1]


def before(states: np.ndarray, first: np.ndarray, reverse: bool) -> np.ndarray:
    """The state before each step. Shapes: (L, N, H), (N, H) -> (L, N, H)."""
    return np.concatenate([states[1:], first[None]] if reverse else [first[None], states[:-1]])


@on_own_threads
def lstm(
    x: np.ndarray,
    weight_ih: np.ndarray,
    weight_hh: np.ndarray,
    bias: np.ndarray | None,
    h: np.ndarray,
    c: np.ndarray,
    reverse: bool,
) -> tuple[np.ndarray, ...]:
    """The outputs (L, N, H), the last h and c, and for backward the gates (4, L, N, H) and each c (L, N, H)."""
    (steps, batch, width), hidden = x.shape, h.shape[1]
    gates = np.empty((4, steps, batch, hidden), x.dtype)
    rows = np.ascontiguousarray(x).reshape(-1, width)
    from_input, from_state = transposed_by_gate(weight_ih), transposed_by_gate(weight_hh)
    shift = None if bias is None else transposed_by_gate(bias[:, None])  # (4, 1, H)

    def project(gate: int) -> None:
        result = gates[gate].reshape(-1, hidden)
        multiply_rows(rows, from_input[gate], out=result)
        if shift is not None:
            result += shift[gate]

    for_each_gate(project, gates.size * width)
    outputs, cells = np.empty((2, steps, batch, hidden), x.dtype)
    product = np.empty((4, batch, hidden), x.dtype)
    for step in along(steps, reverse):
        now = gates[:, step]
        now += np.matmul(h, from_state, out=product)
        output_gate, input_gate, forget_gate, cell_gate = now
        sigmoids = now[:3]
        np.exp(sigmoids, out=sigmoids)
        sigmoids += 1
        np.reciprocal(sigmoids, out=sigmoids)
        np.tanh(cell_gate, out=cell_gate)
        c = np.multiply(forget_gate, c, out=cells[step])
        c += np.multiply(input_gate, cell_gate, out=product[0])
        h = np.tanh(c, out=outputs[step])
        h *= output_gate
    return outputs, h.copy(), c.copy(), gates, cells


@on_own_threads
def lstm_backward(
    grads: tuple[np.ndarray, ...],
    x: np.ndarray,
    weight_ih: np.ndarray,
    weight_hh: np.ndarray,
    states: tuple[np.ndarray, ...],
    saved: tuple[np.ndarray, ...],
    reverse: bool,
) -> tuple[np.ndarray, ...]:
    """The gradients of x, the two weights, the bias, h and c.

    Args:
        grads: those of the outputs, of the last h and of the last c.
        x, weight_ih, weight_hh, reverse: forward's.
        states: h and c before the first step.
        saved: what forward gave: the outputs, the gates and each c.
    """
    outputs, gates, cells = saved
    output_gate, input_gate, forget_gate, cell_gate = gates
    slopes = workspace("recurrent gates", gates.shape, gates.dtype)
    bent, through_output = workspace("recurrent cells", (2, *cells.shape), cells.dtype)
    np.tanh(cells, out=bent)
    np.multiply(bent, bent, out=through_output)  # dh/dc = o (1 - tanh²c)
    np.subtract(1, through_output, out=through_output)
    through_output *= output_gate
    # What a gate passes on to what it was computed from, times what it stands beside; then, step by step, times the
    # gradient that arrives at h, and for the others than the output gate at c.
    np.subtract(1, gates[:3], out=slopes[:3])
    slopes[:3] *= gates[:3]
    slopes[0] *= bent
    slopes[1] *= cell_gate
    slopes[2] *= before(cells, states[1], reverse)
    np.multiply(cell_gate, cell_gate, out=slopes[3])
    np.subtract(1, slopes[3], out=slopes[3])
    slopes[3] *= input_gate
    weights = by_gate(weight_hh)
    product = np.empty((4, *outputs.shape[1:]), x.dtype)
    grad_h, grad_c = grads[1].copy(), grads[2].copy()
    for step in along(len(outputs), not reverse):
        grad_h += grads[0][step]
        grad_c += np.multiply(grad_h, through_output[step], out=product[0])
        slopes[0, step] *= grad_h
        slopes[1:, step] *= grad_c
        np.matmul(slopes[:, step], weights, out=product)
        np.add.reduce(product, axis=0, out=grad_h)
        grad_c *= forget_gate[step]
    grad_gates = slopes.reshape(4, -1, outputs.shape[2])
    rows = np.ascontiguousarray(x).reshape(-1, x.shape[2])
    rows_before = before(outputs, states[0], reverse).reshape(-1, outputs.shape[2])
    weights = by_gate(weight_ih)
    grad_ih, grad_hh = np.empty_like(weights), np.empty((4, *weight_hh.shape[1:] * 2), x.dtype)
    grad_rows = workspace("recurrent inputs", (4, *rows.shape), x.dtype)

    def sum_up(gate: int) -> None:
        sum_over_rows(grad_gates[gate], rows, out=grad_ih[gate])
        sum_over_rows(grad_gates[gate], rows_before, out=grad_hh[gate])
        multiply_rows(grad_gates[gate], weights[gate], out=grad_rows[gate])

    for_each_gate(sum_up, grad_gates.size * (2 * rows.shape[1] + outputs.shape[2]))
    grad_x = np.add.reduce(grad_rows, axis=0).reshape(x.shape)
    grad_bias = np.add.reduce(grad_gates, axis=1)
    return grad_x, as_parameter(grad_ih), as_parameter(grad_hh), as_parameter(grad_bias), grad_h, grad_c
