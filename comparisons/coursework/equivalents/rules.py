"""Changes that change nothing in the functions of ``assignments/rules.py``."""

from __future__ import annotations

from comparisons.coursework.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "ops/rectifiers.py: Relu.forward",
        "z = np.empty_like(x) if out is None else out",
        "z = np.empty_like(x)",
        "an operation in place copies a result that is not in its memory yet",
    ),
    Equivalent(
        "ops/transcendental.py: TanhBackward.backward",
        "grad_grad = TanhBackward.apply(grad_out, z) if ctx.needs_input_grad[0] else None",
        "grad_grad = TanhBackward.apply(grad_out, z) if ctx.needs_input_grad[1] else None",
        "z is tanh's result, which requires grad wherever this is recorded; a gradient that nobody asked for is "
        "dropped",
    ),
    Equivalent(
        "ops/activation.py: logistic",
        "return np.where(x >= 0, 1, decay) / (1 + decay)",
        "return np.where(x > 0, 1, decay) / (1 + decay)",
        "at 0 the decay is 1: both branches are the same number",
    ),
)
