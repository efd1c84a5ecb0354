"""Changes that change nothing in the functions of ``assignments/pictures.py``."""

from __future__ import annotations

from comparisons.coursework.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

EQUIVALENTS: tuple[Equivalent, ...] = (
    *[
        Equivalent(
            "kernels/convolution.py: Reading.rows",
            "seen = (bottom - top - 1) * down + (height - 1) * under + 1",
            new,
            "it is at least as large: more rows and columns stand ready than are looked at",
        )
        for new in (
            "seen = (bottom - top + 1) * down + (height - 1) * under + 1",
            "seen = (bottom - top) * down + (height - 1) * under + 1",
            "seen = (bottom + top - 1) * down + (height - 1) * under + 1",
            "seen = (bottom - 1) * down + (height - 1) * under + 1",
            "seen = (bottom - top - 1) * down + (height + 1) * under + 1",
            "seen = (bottom - top - 1) * down + height * under + 1",
            "seen = (bottom - top - 1) * down + (height - 1) * under + 2",
        )
    ],
    *[
        Equivalent(
            "kernels/convolution.py: Reading.rows",
            "span = (self.across - 1) * right + (width - 1) * beside + 1",
            new,
            "it is at least as large: more rows and columns stand ready than are looked at",
        )
        for new in (
            "span = (self.across + 1) * right + (width - 1) * beside + 1",
            "span = self.across * right + (width - 1) * beside + 1",
            "span = (self.across - 1) * right + (width + 1) * beside + 1",
            "span = (self.across - 1) * right + width * beside + 1",
            "span = (self.across - 1) * right + (width - 1) * beside + 2",
        )
    ],
    Equivalent(
        "kernels/convolution.py: Reading.rows",
        "places = as_strided(framed, (end - first, bottom - top, self.across, height, width, self.channels), "
        "(picture, row * down, column * right, row * under, column * beside, channel), writeable=False)",
        "places = as_strided(framed, (end - first, bottom - top, self.across, height, width, self.channels), "
        "(picture, row * down, column * right, row * under, column * beside, channel), writeable=True)",
        "nobody writes to it",
    ),
    *[
        Equivalent(
            "kernels/convolution.py: Reading.rows",
            "count = (end - first) * (bottom - top) * self.across",
            new,
            "NumPy takes any negative size for -1, the one that follows from the others",
        )
        for new in (
            "count = (first - end) * (bottom - top) * self.across",
            "count = (end - first) * (top - bottom) * self.across",
        )
    ],
    *[
        Equivalent(
            "ops/batch_norm.py: NativeBatchNormBackward.forward",
            "return (grad_x.astype(narrow, copy=False), grad_weight, total.astype(kind).reshape(shape))",
            new,
            "the engine gives a gradient the type of what it belongs to",
        )
        for new in (
            "return (grad_x, grad_weight, total.astype(kind).reshape(shape))",
            "return (grad_x.astype(narrow, copy=False), grad_weight, total.reshape(shape))",
        )
    ],
    Equivalent(
        "ops/batch_norm.py: NativeBatchNormBackward.forward",
        "grad_weight = (aligned * inverse).astype(kind).reshape(shape)",
        "grad_weight = (aligned * inverse).reshape(shape)",
        "the engine gives a gradient the type of what it belongs to",
    ),
    Equivalent(
        "ops/batch_norm.py: NativeBatchNormBackward.forward",
        "return (grad_x.astype(narrow, copy=False), grad_weight, total.astype(kind).reshape(shape))",
        "return (grad_x.astype(narrow, copy=True), grad_weight, total.astype(kind).reshape(shape))",
        "a copy has the same values",
    ),
    Equivalent(
        "ops/batch_norm.py: NativeBatchNormBackward.forward",
        "scale = inverse if weight is None else inverse * weight.reshape(-1)",
        "scale = inverse if weight is None else inverse * weight",
        "the weight has one dimension: PyTorch knows no way back to another, and no case can ask for it",
    ),
    Equivalent(
        "ops/batch_norm.py: NativeBatchNormBackward.forward",
        "grad_weight = (aligned * inverse).astype(kind).reshape(shape)",
        "grad_weight = (aligned * inverse).astype(kind)",
        "the weight has one dimension: PyTorch knows no way back to another, and no case can ask for it",
    ),
    Equivalent(
        "ops/batch_norm.py: NativeBatchNormBackward.forward",
        "return (grad_x.astype(narrow, copy=False), grad_weight, total.astype(kind).reshape(shape))",
        "return (grad_x.astype(narrow, copy=False), grad_weight, total.astype(kind))",
        "the weight has one dimension: PyTorch knows no way back to another, and no case can ask for it",
    ),
    Equivalent(
        "ops/batch_norm.py: NativeBatchNormBackward.forward",
        "scale = inverse if weight is None else inverse * weight.reshape(-1)",
        "scale = inverse if weight is None else inverse * weight.reshape(-2)",
        "NumPy takes any negative size for -1, the one that follows from the others",
    ),
    Equivalent(
        "kernels/batch_norm.py: plain_statistics",
        "squares += (value - mean[c]) ** 2",
        "squares += (mean[c] - value) ** 2",
        "a square has no sign",
    ),
    *[
        Equivalent(
            "kernels/convolution.py: Reading.rows",
            "if not places.flags.c_contiguous:",
            new,
            "a matrix that is copied and one that is not are equal, and reshaping copies what does not lie in order",
        )
        for new in (
            "if places.flags.c_contiguous:",
            "if True:",
            "if False:",
        )
    ],
)
