"""The optimizer and its learning rate, from the options."""

from __future__ import annotations

import math
from functools import partial

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from torch_impl.options import TrainingOptions

__all__ = ["build_optimizer", "build_scheduler", "rate_factor"]


def build_optimizer(options: TrainingOptions, model: nn.Module) -> Optimizer:
    """Adam, AdamW or SGD over all parameters of ``model``, with weight decay and momentum as the options have them.

    Adam and AdamW are the fused ones, which change a parameter in one pass. SGD has little to gain from it, and PyTorch
    2.14 cannot do it with the sharded parameters of FSDP.
    """
    parameters, lr, weight_decay = model.parameters(), options.lr, options.weight_decay
    if options.optimizer == "adam":
        return Adam(parameters, lr, weight_decay=weight_decay, fused=True)
    if options.optimizer == "adamw":
        return AdamW(parameters, lr, weight_decay=weight_decay, fused=True)
    return SGD(parameters, lr, momentum=options.momentum, weight_decay=weight_decay)


def build_scheduler(options: TrainingOptions, optimizer: Optimizer, steps: int) -> LambdaLR:
    """The learning rate of every step is ``options.lr`` times :func:`rate_factor`; ``steps`` are those of the run."""
    return LambdaLR(optimizer, partial(rate_factor, options, steps))


def rate_factor(options: TrainingOptions, steps: int, step: int) -> float:
    """What the learning rate is multiplied by at ``step``, from 0, of a run of ``steps``.

    The first ``options.warmup`` steps rise evenly: step k has (k + 1) / (warmup + 1). Then, t going from 0 to 1 over
    the steps that are left:

    - constant: 1.
    - cosine: (1 + cos πt) / 2 (Loshchilov & Hutter, "SGDR", 2017).
    - step: 1, from t = 1/2 on 0.1 and from t = 3/4 on 0.01 (He et al., "Deep Residual Learning", 2015, section 4.2).
    - one-cycle: from 0.04 up to 1 at t = 0.3 and down to 4e-6, both by half a cosine (Smith & Topin,
      "Super-Convergence", 2018, with the numbers of ``torch.optim.lr_scheduler.OneCycleLR``).
    """
    if step < options.warmup:
        return (step + 1) / (options.warmup + 1)
    t = min(1.0, (step - options.warmup) / max(1, steps - options.warmup))
    if options.schedule == "cosine":
        return half_cosine(1.0, 0.0, t)
    if options.schedule == "step":
        return 1.0 if t < 0.5 else 0.1 if t < 0.75 else 0.01
    if options.schedule == "one-cycle":
        return half_cosine(0.04, 1.0, t / 0.3) if t < 0.3 else half_cosine(1.0, 4e-6, (t - 0.3) / 0.7)
    return 1.0


def half_cosine(start: float, end: float, t: float) -> float:
    """From ``start`` at t = 0 to ``end`` at t = 1, flat at both."""
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2
