"""The embedding: a table of vectors, one a word; and bags of words, one vector a bag."""

from __future__ import annotations

from typing import Any

from minigrad.creation import empty
from minigrad.nn import functional, init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """What both layers share: the table ``weight``, whose row ``padding_idx`` is zero."""

    def _add_table(self, given: Tensor | None, padding_idx: int | None, trained: bool, device: Any, dtype: Any) -> None:
        """Take the table that is ``given``, or draw one."""
        if padding_idx is not None:
            if not -self.num_embeddings <= padding_idx < self.num_embeddings:
                raise AssertionError("padding_idx must be within num_embeddings")
            padding_idx %= self.num_embeddings
        self.padding_idx = padding_idx
        shape = (self.num_embeddings, self.embedding_dim)
        if given is not None and given.shape != shape:
            raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
        values = empty(shape, device=device, dtype=dtype) if given is None else given
        self.weight = Parameter(values, requires_grad=trained)
        if given is None:
            self.reset_parameters()

    def _sizes_and(self, *names: str) -> str:
        """The sizes of the table, and of these options those that are not as usual."""
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        unusual = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) != usual[name]]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *unusual])

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx].fill_(0)


class Embedding(_Table):
    """The rows of a table that the input names. Source: Bengio et al., "A Neural Probabilistic Language Model", 2003.

    Shapes: x (...), integers -> (..., embedding_dim); ``weight`` (num_embeddings, embedding_dim), drawn from the normal
    distribution. The row ``padding_idx`` is zero and receives no gradient. The other arguments:
    :func:`minigrad.nn.functional.embedding`.

    Raises:
        AssertionError: ``padding_idx`` is no row, or ``_weight`` has another shape.
        IndexError: from forward, where an index is no row.

    >>> minigrad.nn.Embedding(10, 3)(minigrad.tensor([[1, 2, 4, 5]])).shape
    minigrad.Size([1, 4, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._add_table(_weight, padding_idx, not _freeze, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer with this table (num_embeddings, embedding_dim), which is not trained where ``freeze`` is true.

        Raises:
            AssertionError: the table has other than two dimensions.
        """
        rows, size = shape_of_table(embeddings)
        named = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)
        return cls(rows, size, *named)

    def extra_repr(self) -> str:
        return self._sizes_and("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")


class EmbeddingBag(_Table):
    """Of each bag of words the rows of a table, as one: their mean, sum, or in each column their max.

    Shapes: x (B, S), or (S,) with ``offsets`` (B,), integers -> (B, embedding_dim); ``weight`` (num_embeddings,
    embedding_dim), drawn from the normal distribution. The arguments are those of
    :func:`minigrad.nn.functional.embedding_bag`, errors too. Source: Joulin et al., "Bag of Tricks for Efficient Text
    Classification", 2017.

    Raises:
        AssertionError: ``padding_idx`` is no row, or ``_weight`` has another shape.

    >>> minigrad.nn.EmbeddingBag(10, 3)(minigrad.tensor([1, 2, 4, 5]), minigrad.tensor([0, 3])).shape
    minigrad.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self.mode = mode
        self.include_last_offset = include_last_offset
        self._add_table(_weight, padding_idx, True, device, dtype)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        named = (self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse)
        return functional.embedding_bag(
            input, self.weight, offsets, *named, per_sample_weights, self.include_last_offset, self.padding_idx
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A layer with this table (num_embeddings, embedding_dim), which is not trained where ``freeze`` is true.

        Raises:
            AssertionError: the table has other than two dimensions.
        """
        named = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        rows, size = shape_of_table(embeddings)
        layer = cls(rows, size, *named)
        layer.weight.requires_grad = not freeze
        return layer

    def extra_repr(self) -> str:
        text = self._sizes_and("max_norm", "norm_type", "scale_grad_by_freq")
        return f"{text}, mode={self.mode!r}" + ("" if self.padding_idx is None else f", padding_idx={self.padding_idx}")


def shape_of_table(table: Tensor) -> Any:
    if table.ndim != 2:
        raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
    return table.shape
