"""Softmax over very many classes, the rare ones in clusters of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from minigrad.nn import functional
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.layer import Layer
from minigrad.nn.linear import Linear
from minigrad.ops.joining import cat
from minigrad.tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    """Of each sample the log-probability of its target, and the loss, their negative mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Layer):
    """ln softmax and its loss for very many classes, sorted by how frequent they are: rare ones share what is computed.

    The ``head`` scores the classes below the first of ``cutoffs``, and each cluster of further ones as a whole; a
    cluster's own two layers, narrower by ``div_value`` from one to the next, then score its classes.

    Shapes: x (N, in_features), target (N,) of classes -> ``output`` (N,) and ``loss`` (); N may be missing. Source:
    Grave et al., "Efficient softmax approximation for GPUs", 2017.

    Raises:
        ValueError: ``cutoffs`` are not rising numbers between 1 and ``n_classes`` - 1.
        RuntimeError: from forward, where the shapes do not fit, or a target is no class.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features=in_features, n_classes=n_classes, div_value=div_value, head_bias=head_bias)
        cutoffs = list(cutoffs)
        rising = all(low < high for low, high in pairwise([0, *cutoffs, n_classes]))
        if not cutoffs or not rising or any(int(each) != each for each in cutoffs):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is between 1 and n_classes-1"
            )
        self.cutoffs = [*cutoffs, n_classes]
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for number, (low, high) in enumerate(pairwise(self.cutoffs), 1):
            width = int(in_features // div_value**number)
            first = Linear(in_features, width, bias=False, **options)
            self.tail.append(Sequential(first, Linear(width, high - low, bias=False, **options)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        if target_.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if input_.ndim != target_.ndim + 1 or input_.shape[:-1] != target_.shape:
            raise RuntimeError(
                f"Input and target should have the same size in the batch dimension. Expected (N, in_features) and "
                f"(N,), or without N, but got {list(input_.shape)} and {list(target_.shape)}"
            )
        input, target = (input_, target_) if target_.ndim else (input_.unsqueeze(0), target_.unsqueeze(0))
        if bool(((target < 0) | (target >= self.n_classes)).any()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range [{target.min().item()}, "
                f"{target.max().item()}] were found. "
            )
        output = input.new_zeros(len(target))
        place = target.clone()  # in the head
        for number, (low, high) in enumerate(pairwise(self.cutoffs)):
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if rows.numel():
                scores = functional.log_softmax(self.tail[number](input.index_select(0, rows)), dim=1)
                own = scores.gather(1, (target[rows] - low).unsqueeze(1))
                output.index_copy_(0, rows, own.squeeze(1))
                place.index_fill_(0, rows, self.shortlist_size + number)
        scores = functional.log_softmax(self.head(input), dim=1)
        output += scores.gather(1, place.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if target_.ndim else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probability of every class. Shapes: (N, in_features) -> (N, n_classes)."""
        head = functional.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for number, cluster in enumerate(self.tail):
            scores = functional.log_softmax(cluster(input), dim=1)
            parts.append(scores + head[:, self.shortlist_size + number].unsqueeze(1))
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class; a cluster's only where the head prefers a cluster. Shapes: (N, in_features) -> (N,)."""
        chosen = self.head(input).argmax(1)
        unsure = chosen >= self.shortlist_size
        if bool(unsure.any()):
            chosen[unsure] = self.log_prob(input[unsure]).argmax(1)
        return chosen
