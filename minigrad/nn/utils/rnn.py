"""Batches of sequences of several lengths: padded to one length, or packed, so that nothing is computed for padding.

Packed, the first steps of all sequences stand one after the other, then the second steps of those that have one, and
so on: of the sequences "abc" and "x" it is "axbc", with the batch sizes 2, 1, 1. The longest stand first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from minigrad import dtypes
from minigrad.arguments.gate import welcoming
from minigrad.creation import arange, as_tensor, empty_like, full
from minigrad.ops.packing import PackPaddedSequence
from minigrad.tensor import Tensor

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence"]
__all__ += ["pad_sequence", "unpack_sequence", "unpad_sequence"]


Indices = Tensor | None


class PackedSequence_(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Indices
    unsorted_indices: Indices


class PackedSequence(PackedSequence_):
    """Sequences packed by :func:`pack_sequence` or :func:`pack_padded_sequence`, as recurrent layers take them.

    Shapes: ``data`` (ΣL, ...), ``batch_sizes`` (L of the longest,): how many sequences have such a step;
    ``sorted_indices`` (N,): which sequence stands where, None where they came sorted; ``unsorted_indices`` the inverse.

    Raises:
        AssertionError: without ``batch_sizes``, and ``data`` is no pair of the two.
    """

    def __new__(
        cls, data: Any, batch_sizes: Indices = None, sorted_indices: Indices = None, unsorted_indices: Indices = None
    ) -> PackedSequence:
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)  # type: ignore[arg-type]

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """``data`` converted by :meth:`Tensor.to`; itself where that changes nothing."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self) -> PackedSequence:
        """Itself: it is on the CPU."""
        return self

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Raise a RuntimeError: there is no GPU here."""
        return self.to(*args, **{"device": "cuda", **kwargs})

    def double(self) -> PackedSequence:
        """In float64."""
        return self.to(dtypes.float64)

    def float(self) -> PackedSequence:
        """In float32."""
        return self.to(dtypes.float32)

    def half(self) -> PackedSequence:
        """In float16."""
        return self.to(dtypes.float16)

    def long(self) -> PackedSequence:
        """In int64."""
        return self.to(dtypes.int64)

    def int(self) -> PackedSequence:
        """In int32."""
        return self.to(dtypes.int32)

    def short(self) -> PackedSequence:
        """In int16."""
        return self.to(dtypes.int16)

    def char(self) -> PackedSequence:
        """In int8."""
        return self.to(dtypes.int8)

    def byte(self) -> PackedSequence:
        """In uint8."""
        return self.to(dtypes.uint8)

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False

    def is_pinned(self) -> bool:
        """False: no memory is pinned."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one; of None None. Shapes: (n,) -> (n,)."""
    if permutation is None:
        return None
    return empty_like(permutation).scatter_(0, permutation, arange(permutation.numel()))


@welcoming
def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Sequences packed without their padding: of each the first ``lengths`` steps.

    Shapes: ``input`` (L, N, ...), or (N, L, ...) with ``batch_first``; ``lengths`` (N,), a tensor or a list, falling
    unless ``enforce_sorted`` is false.

    Raises:
        RuntimeError: lengths are not positive, not sorted, not as many as sequences, or there is nothing to pack.

    >>> padded = minigrad.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> minigrad.nn.utils.rnn.pack_padded_sequence(padded, [2, 1, 3], batch_first=True, enforce_sorted=False).data
    tensor([4, 1, 3, 5, 2, 6])
    """
    if not isinstance(lengths, Tensor):
        lengths = as_tensor(lengths, dtype=dtypes.int64)
    lengths, sorted_indices = lengths.to(dtypes.int64), None
    if not enforce_sorted:
        lengths, sorted_indices = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    if not isinstance(input, Tensor):
        name = type(input).__name__
        raise TypeError(f"_pack_padded_sequence(): argument 'input' (position 1) must be Tensor, not {name}")
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    count = input.size(0 if batch_first else 1)
    if lengths.ndim != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.ndim}D cpu Long tensor"
        )
    if len(lengths) != count:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={count})"
        )
    if lengths[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (lengths[1:] > lengths[:-1]).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    batch_sizes = (lengths > arange(int(lengths[0])).unsqueeze(1)).sum(1)
    data = PackPaddedSequence.apply(input, batch_sizes=batch_sizes.tolist(), batch_first=batch_first)
    return PackedSequence(data, batch_sizes, sorted_indices, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The sequences padded to one length, and their lengths, in the order that they had before packing.

    Shapes: (ΣL, ...) -> (L, N, ...), or (N, L, ...) with ``batch_first``; and (N,). L is ``total_length``, without it
    the longest length.

    Raises:
        ValueError: a sequence is longer than ``total_length``.
    """
    data, batch_sizes, _, unsorted_indices = sequence
    longest = len(batch_sizes)
    if total_length is not None and total_length < longest:
        raise ValueError(
            f"Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    sizes = batch_sizes.tolist()
    padded = full((total_length or longest, sizes[0], *data.shape[1:]), padding_value, dtype=data.dtype)
    begin = start = 0
    for step, size in enumerate(sizes):
        if step + 1 == longest or sizes[step + 1] != size:  # the last step with so many sequences
            steps = step + 1 - begin
            block = data[start : start + steps * size].view(steps, size, *data.shape[1:])
            padded[begin : step + 1, :size].copy_(block)
            begin, start = step + 1, start + steps * size
    lengths = (batch_sizes > arange(sizes[0]).unsqueeze(1)).sum(1)
    if batch_first:
        padded = padded.transpose(0, 1)
    if unsorted_indices is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, unsorted_indices), lengths[unsorted_indices]


@welcoming
def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences padded to the length of the longest. Shapes: N of (L, ...) -> (L, N, ...), or (N, L, ...).

    Raises:
        RuntimeError: there is no sequence, their other sizes differ, or ``padding_side`` is another word.

    >>> minigrad.nn.utils.rnn.pad_sequence([minigrad.ones(3), minigrad.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    listed = list(sequences)
    if not listed:
        raise RuntimeError("received an empty list of sequences")
    for position, each in enumerate(listed):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(each).__name__}")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    if not listed[0].ndim:
        raise RuntimeError("pad_sequence: a sequence has at least one dimension, but the first one has none")
    longest = max(map(len, listed))
    shape = (len(listed), longest) if batch_first else (longest, len(listed))
    padded = full((*shape, *listed[0].shape[1:]), padding_value, dtype=listed[0].dtype)
    for number, each in enumerate(listed):
        start = longest - len(each) if padding_side == "left" else 0
        steps = slice(start, start + len(each))
        (padded[number, steps] if batch_first else padded[steps, number]).copy_(each)
    return padded


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences without their padding. Shapes: (L, N, ...), or (N, L, ...) with ``batch_first`` -> N of (L, ...).

    As in PyTorch, without ``batch_first`` the two dimensions of ``padded_sequences`` are transposed in place.

    Raises:
        ValueError: there are not as many lengths as sequences.
    """
    if not batch_first:
        padded_sequences.transpose_(0, 1)
    steps = arange(padded_sequences.shape[1], device=lengths.device)
    return [sequence[steps < length] for sequence, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences packed, the longest first unless ``enforce_sorted`` is false. Shapes: N of (L, ...) -> (ΣL, ...).

    >>> a, b, c = minigrad.tensor([1, 2, 3]), minigrad.tensor([4, 5]), minigrad.tensor([6])
    >>> minigrad.nn.utils.rnn.pack_sequence([a, b, c]).data
    tensor([1, 4, 6, 2, 5, 3])
    """
    lengths = as_tensor([each.size(0) for each in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed, in the order that they had before. Shapes: (ΣL, ...) -> N of (L, ...)."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
