"""What a user calls on tensors, one family a file: ``minigrad.exp(x)`` is ``functions.elementwise.exp``, and
``x.exp()`` is the same function as a method: ``Tensor`` takes it over by name in ``methods.py``.

A function checks what it was given, then applies operations of ``minigrad/ops``, which hold formulas and gradients; one
that PyTorch composes of others is composed here in the same way. ``Tensor`` is made of these functions, so they refer
to it, and to ``ops``, which needs it, only when they are called.
"""

from minigrad.functions import (
    activation,
    arrangement,
    casting,
    classification_losses,
    comparison,
    convolution,
    division,
    einsum,
    elementwise,
    fused,
    joining,
    layers,
    losses,
    margin_losses,
    normalization,
    picking,
    pooling,
    products,
    reduction,
    resizing,
    rounding,
    scan,
    shape,
    sorting,
    statistics,
    transcendental,
    types,
)

__all__ = [
    "activation",
    "arrangement",
    "casting",
    "classification_losses",
    "comparison",
    "convolution",
    "division",
    "einsum",
    "elementwise",
    "fused",
    "joining",
    "layers",
    "losses",
    "margin_losses",
    "normalization",
    "picking",
    "pooling",
    "products",
    "reduction",
    "resizing",
    "rounding",
    "scan",
    "shape",
    "sorting",
    "statistics",
    "transcendental",
    "types",
]
