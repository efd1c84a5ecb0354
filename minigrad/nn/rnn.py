"""Recurrent layers, and their cells alone. What a step computes, and the loop over steps: ``ops/recurrent.py``."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

from minigrad import dtypes
from minigrad.arguments.gate import all_taken_in
from minigrad.caller import warn_user
from minigrad.creation import empty, zeros
from minigrad.nn import init
from minigrad.nn.layer import Layer
from minigrad.nn.parameter import Parameter
from minigrad.nn.utils.rnn import PackedSequence
from minigrad.ops.recurrent import gru, gru_cell, lstm, lstm_cell, rnn_relu, rnn_relu_cell, rnn_tanh, rnn_tanh_cell
from minigrad.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
FUNCTIONS: dict[str, Any] = {"LSTM": lstm, "GRU": gru, "RNN_TANH": rnn_tanh, "RNN_RELU": rnn_relu}


class _Recurrent(Layer):
    """What layers and cells share."""

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _described(self, defaults: dict[str, Any]) -> str:
        """The sizes, and what else is not as it is by default."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in defaults.items():
            value = getattr(self, name, default)
            if value != default or type(value) is not type(default):
                text += f", {name}={value}"
        return text


class RNNBase(_Recurrent):
    """What recurrent layers share. ``mode`` is "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".

    Shapes, L steps, N sequences, D directions: x (L, N, input_size), (N, L, input_size) with ``batch_first``,
    (L, input_size), or a PackedSequence -> the outputs, likewise, with D · hidden_size features, those of both
    directions side by side; and the last states (D · num_layers, N, hidden_size). The first states, shaped like the
    last, are zeros unless they are given.

    ``weight_ih_l0`` (gates · hidden_size, input_size), ``weight_hh_l0`` (gates · hidden_size, hidden_size),
    ``bias_ih_l0`` and ``bias_hh_l0`` (gates · hidden_size,) are those of the first layer; ``weight_ih_l0_reverse`` and
    so on those of its other direction; all begin evenly distributed in ±1/√hidden_size. With ``proj_size``, for an LSTM
    only, ``weight_hr_l0`` (proj_size, hidden_size) projects h, which then has that size. In training, the outputs of
    all layers but the last are dropped with the probability ``dropout``.

    Raises:
        ValueError: a size, ``dropout`` or ``mode`` is not what it may be; from forward, where x has other dimensions or
            another type.
        TypeError: a size is no int, a switch no bool.
        RuntimeError: from forward, where sizes do not fit.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_arguments(dropout)
        gate_size = GATES[mode] * hidden_size
        state_size = proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            width = input_size if layer == 0 else state_size * (2 if bidirectional else 1)
            for suffix in ("", "_reverse") if bidirectional else ("",):
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gate_size, width)}
                shapes["weight_hh"] = (gate_size, state_size)
                if bias:
                    shapes |= {"bias_ih": (gate_size,), "bias_hh": (gate_size,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, f"{name}_l{layer}{suffix}", Parameter(empty(shape, device=device, dtype=dtype)))
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
        self.reset_parameters()

    def _check_arguments(self, dropout: Any) -> None:
        """Raise PyTorch's error for an argument that is not what it may be."""
        if not isinstance(dropout, Number) or isinstance(dropout, bool) or not 0 <= self.dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if self.dropout > 0 and self.num_layers == 1:
            warn_user(
                f"dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}"
            )
        for name in ("bias", "batch_first"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} should be of type bool, got: {type(getattr(self, name)).__name__}")
        for name in ("input_size", "hidden_size"):
            if not isinstance(getattr(self, name), int):
                raise TypeError(f"{name} should be of type int, got: {type(getattr(self, name)).__name__}")
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in GATES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [parameter for own in self.all_weights for parameter in own]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    def flatten_parameters(self) -> None:
        """Nothing: only a GPU's library wants the parameters in one piece."""

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """See that x is of the parameters' type, and of the right dimensions and last size.

        Raises:
            ValueError, RuntimeError: it is not.
        """
        kind = self._flat_weights[0].dtype
        if input.dtype is not kind:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({kind}). Convert input: "
                f"input.to({kind}), or convert model: model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of h: (D · num_layers, N, hidden_size), or proj_size in its place."""
        count = input.size(0 if self.batch_first else 1) if batch_sizes is None else int(batch_sizes[0])
        return len(self._all_weights), count, self.proj_size or self.hidden_size

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """See that a part of the state has the shape expected.

        Raises:
            RuntimeError: it has not.
        """
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """:meth:`check_input`, and :meth:`check_hidden_size` of the state."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its sequences in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        """The state before the first step, where none was given."""
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _with_batch(self, hx: Any, batched: bool) -> Any:
        """The state with a dimension for the sequences, which must be there already if x has one."""
        if hx.dim() != (3 if batched else 2):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, hx should also be {kind[-3:]} but got {hx.dim()}-D tensor")
        return hx if batched else hx.unsqueeze(1)

    def _forward(self, input: Any, hx: Any) -> tuple[Any, Any]:
        """The outputs and the last state, packed or padded or without a dimension for sequences as the input is."""
        input, hx = all_taken_in((input, hx))
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched, batch_dim = input.dim() == 3, 0 if self.batch_first else 1
        input = input if batched else input.unsqueeze(batch_dim)
        hx = self._zeros(input, None) if hx is None else self._with_batch(hx, batched)
        self.check_forward_args(input, hx, None)
        output, *last = FUNCTIONS[self.mode](input, hx, *self._options(), self.batch_first)
        if not batched:
            output, last = output.squeeze(batch_dim), [each.squeeze(1) for each in last]
        return output, last[0] if len(last) == 1 else tuple(last)

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        data, batch_sizes, sorted_indices, unsorted_indices = input
        hx = self._zeros(data, batch_sizes) if hx is None else self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(data, hx, batch_sizes)
        output, *last = FUNCTIONS[self.mode](data, batch_sizes, hx, *self._options())
        last = self.permute_hidden(last[0] if len(last) == 1 else tuple(last), unsorted_indices)
        return PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices), last

    def _options(self) -> tuple[Any, ...]:
        """What PyTorch's function takes after the states."""
        return self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional

    def extra_repr(self) -> str:
        options = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        return self._described({**options, "bidirectional": False})


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) along a sequence, or relu where ``nonlinearity`` is "relu".

    Arguments: input_size, hidden_size, num_layers=1, nonlinearity="tanh", and the others of :class:`RNNBase`, which
    tells the shapes too. Source: Elman, "Finding structure in time", 1990.

    Raises:
        ValueError: ``nonlinearity`` is another word, or ``proj_size`` is given.

    >>> layer = minigrad.nn.RNN(3, 4, num_layers=2)
    >>> output, h = layer(minigrad.rand(5, 2, 3))
    >>> output.shape, h.shape
    (minigrad.Size([5, 2, 4]), minigrad.Size([2, 2, 4]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_projections(kwargs)
        if len(args) > 3:
            args, nonlinearity = args[:3] + args[4:], args[3]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        return self._forward(input, hx)


class GRU(RNNBase):
    """Gated recurrent units along a sequence: h' = (1 - z) n + z h, n = tanh(W_in x + b_in + r (W_hn h + b_hn)).

    The reset gate r and the update gate z are sigmoids of W x + b + W h + b; the rows of the weights stand in the order
    r, z, n. Arguments and shapes: :class:`RNNBase`. Source: Cho et al., 2014.

    Raises:
        ValueError: ``proj_size`` is given.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_projections(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        return self._forward(input, hx)


class LSTM(RNNBase):
    """Long short-term memory along a sequence: c' = f c + i g and h' = o tanh(c').

    The gates i, f and o are sigmoids of W x + b + W h + b, g is a tanh of it; the rows of the weights stand in the
    order i, f, g, o. The state is a pair, h and c. Arguments and shapes: :class:`RNNBase`. Source: Hochreiter &
    Schmidhuber, "Long Short-Term Memory", 1997; Sak et al., 2014, for ``proj_size``.

    >>> layer = minigrad.nn.LSTM(3, 4, bidirectional=True, batch_first=True)
    >>> output, (h, c) = layer(minigrad.rand(2, 5, 3))
    >>> output.shape, c.shape
    (minigrad.Size([2, 5, 8]), minigrad.Size([2, 2, 4]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        return self._forward(input, hx)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of c: (D · num_layers, N, hidden_size)."""
        return *self.get_expected_hidden_size(input, batch_sizes)[:2], self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """:meth:`check_input`, and :meth:`check_hidden_size` of h and c."""
        self.check_input(input, batch_sizes)
        sizes = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        for number, expected in enumerate(sizes):
            self.check_hidden_size(hidden[number], expected, f"Expected hidden[{number}] size {{}}, got {{}}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """h and c with their sequences in another order."""
        return hx if permutation is None else tuple([each.index_select(1, permutation) for each in hx])

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        c = zeros(self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype)
        return super()._zeros(input, batch_sizes), c

    def _with_batch(self, hx: Any, batched: bool) -> Any:
        dims = hx[0].dim(), hx[1].dim()
        if dims != ((3, 3) if batched else (2, 2)):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {kind[-3:]} but got ({dims[0]}-D, {dims[1]}-D) tensors"
            )
        return hx if batched else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))


def refuse_projections(arguments: dict[str, Any]) -> None:
    if "proj_size" in arguments:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


# ------------------------------------------------------------------------------------------------------- cells alone


class RNNCellBase(_Recurrent):
    """What cells share: parameters of ``num_chunks`` gates.

    Shapes: x (N, input_size) and h (N, hidden_size), or both without N -> the next h; h is zeros unless it is given.
    ``weight_ih`` (gates · hidden_size, input_size), ``weight_hh`` (gates · hidden_size, hidden_size), ``bias_ih`` and
    ``bias_hh`` (gates · hidden_size,) begin evenly distributed in ±1/√hidden_size.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size=input_size, hidden_size=hidden_size, bias=bias)
        self.weight_ih = Parameter(empty(num_chunks * hidden_size, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(num_chunks * hidden_size, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            values = Parameter(empty(num_chunks * hidden_size, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, values)
        self.reset_parameters()

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _step(self, function: Any, input: Tensor, hx: Tensor | None) -> Tensor:
        """The next h by PyTorch's function; without a dimension for sequences where x has none."""
        self._check_dimensions(input=input)
        batched = input.dim() == 2
        input = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = zeros(input.size(0), self.hidden_size, dtype=input.dtype)
        else:
            self._check_dimensions(hidden=hx)
            hx = hx if batched else hx.unsqueeze(0)
        h = function(input, hx, *self._weights())
        return h if batched else h.squeeze(0)

    def _check_dimensions(self, **given: Tensor) -> None:
        """Raise PyTorch's error unless each tensor has one dimension or two."""
        for name, each in given.items():
            if each.dim() not in (1, 2):
                raise ValueError(f"{type(self).__name__}: Expected {name} to be 1D or 2D, got {each.dim()}D instead")

    def extra_repr(self) -> str:
        return self._described({"bias": True, "nonlinearity": "tanh"})


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu where ``nonlinearity`` is "relu": one step of :class:`RNN`.

    Shapes: :class:`RNNCellBase`. Source: Elman, "Finding structure in time", 1990.

    Raises:
        ValueError: from forward, where x or h has more than two dimensions.
        RuntimeError: from forward, where ``nonlinearity`` is another word, or sizes do not fit.

    >>> minigrad.nn.RNNCell(3, 4)(minigrad.rand(2, 3)).shape
    minigrad.Size([2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        functions = {"tanh": rnn_tanh_cell, "relu": rnn_relu_cell}
        if self.nonlinearity not in functions:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(functions[self.nonlinearity], input, hx)


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`. Shapes: :class:`RNNCellBase`. Source: Cho et al., 2014.

    Raises:
        ValueError: from forward, where x or h has more than two dimensions.
        RuntimeError: from forward, where sizes do not fit.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`, from a pair, h and c, to the next one.

    Shapes: :class:`RNNCellBase`. Source: Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997.

    Raises:
        ValueError: from forward, where x, h or c has more than two dimensions.
        RuntimeError: from forward, where sizes do not fit.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        self._check_dimensions(input=input)
        batched = input.dim() == 2
        input = input if batched else input.unsqueeze(0)
        if hx is None:
            start = zeros(input.size(0), self.hidden_size, dtype=input.dtype)
            hx = start, start
        else:
            self._check_dimensions(**{f"hx[{number}]": each for number, each in enumerate(hx)})
            hx = hx if batched else (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        h, c = lstm_cell(input, hx, *self._weights())
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
