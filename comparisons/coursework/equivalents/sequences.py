"""Changes that change nothing in the functions of ``assignments/sequences.py``."""

from __future__ import annotations

from comparisons.coursework.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "ops/normalization.py: NativeLayerNorm.backward",
        "batch = tuple(range(min(ctx.dims)))",
        "batch = tuple(range(min(ctx.dims) - 1))",
        "the engine sums what was broadcast, over the dimensions that the rule has left too",
    ),
    *[
        Equivalent(
            "ops/normalization.py: NativeLayerNorm.backward",
            "grad_weight = product.sum(batch) if batch else product",
            new,
            "the engine sums what was broadcast, over the dimensions that the rule has left too",
        )
        for new in (
            "grad_weight = product",
            "grad_weight = product if batch else product",
        )
    ],
    *[
        Equivalent(
            "ops/normalization.py: NativeLayerNorm.backward",
            "grad_bias = grad_z.sum(batch) if batch else grad_z",
            new,
            "the engine sums what was broadcast, over the dimensions that the rule has left too",
        )
        for new in (
            "grad_bias = grad_z",
            "grad_bias = grad_z if batch else grad_z",
        )
    ],
    Equivalent(
        "ops/attention.py: scaled_dot_product_attention",
        "nowhere = (scores.detach() == -math.inf).all(-1, keepdim=True)",
        "nowhere = (scores == -math.inf).all(-1, keepdim=True)",
        "what a comparison gives has no history, whether its tensors have one or not",
    ),
    Equivalent(
        "ops/attention.py: scaled_dot_product_attention",
        "if nowhere.any():",
        "if True:",
        "where no query may look nowhere, nothing is filled",
    ),
    *[
        Equivalent(
            "ops/attention.py: scaled_dot_product_attention",
            "if dropout_p > 0:",
            new,
            "dropout with the probability 0 gives back what it is given, and draws nothing",
        )
        for new in (
            "if dropout_p >= 0:",
            "if True:",
        )
    ],
)
