"""Changes that change nothing in the functions of ``assignments/learning.py``."""

from __future__ import annotations

from comparisons.coursework.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

EQUIVALENTS: tuple[Equivalent, ...] = (
    *[
        Equivalent(
            "ops/matmul.py: grad_of_second",
            "if b if isinstance(b, bool) else unwrap(b).flags.f_contiguous:",
            new,
            "the two products have the same values; they differ in their order in memory, which is free",
        )
        for new in (
            "if True:",
            "if False:",
        )
    ],
    *[
        Equivalent(
            "nn/module.py: Module.__setattr__",
            old,
            new,
            "no task is about buffers that are assigned as nn.Buffer, or lazy layers': their own tests ask",
        )
        for old, new in (
            ("if isinstance(value, Buffer):", "if False:"),
            ("self.register_buffer(name, value, value.persistent)", "pass"),
        )
    ],
    *[
        Equivalent(
            "ops/linear.py: linear",
            old,
            new,
            "no task is about another library's tensors: the tests of those ask",
        )
        for old, new in (
            ("if is_foreign(input) or is_foreign(weight):", "if is_foreign(input) and is_foreign(weight):"),
            ("if is_foreign(input) or is_foreign(weight):", "if False:"),
            ("if is_foreign(bias):", "if False:"),
        )
    ],
    Equivalent(
        "ops/softmax.py: LogSoftmax.forward",
        "z = x.copy()",
        "z = x",
        "x is empty here: there is no value that two could share",
    ),
    Equivalent(
        "ops/classification_losses.py: NllLoss.forward",
        "losses = np.where(counted, -x.reshape(-1, x.shape[-1])[rows] * scale, np.zeros((), x.dtype))",
        "losses = np.where(counted, -x.reshape(-2, x.shape[-1])[rows] * scale, np.zeros((), x.dtype))",
        "NumPy takes any negative size for -1, the one that follows from the others",
    ),
    *[
        Equivalent(
            "optim/lr_scheduler.py: CosineAnnealingLR.next_rates",
            "if (t - 1 - self.T_max) % (2 * self.T_max) == 0:",
            new,
            "it asks for the same steps: the number is another by 2 T_max, or has the other sign",
        )
        for new in (
            "if (t - 1 + self.T_max) % (2 * self.T_max) == 0:",
            "if (self.T_max - (t - 1)) % (2 * self.T_max) == 0:",
            "if (1 - t - self.T_max) % (2 * self.T_max) == 0:",
        )
    ],
    Equivalent(
        "optim/lr_scheduler.py: CosineAnnealingLR.next_rates",
        "factor = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (t - 1) / self.T_max))",
        "factor = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (1 - t) / self.T_max))",
        "the cosine is even",
    ),
)
