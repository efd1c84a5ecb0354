"""The optimizer and its learning rate schedule, from the options. Both are PyTorch's own."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    SequentialLR,
)
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from torch_impl.options import OptionError, TrainingOptions

__all__ = ["build_average", "build_optimizer", "build_scheduler", "scheduler_at"]


def build_optimizer(options: TrainingOptions, model: nn.Module) -> Optimizer:
    """Adam, AdamW or SGD over all parameters of ``model``, with weight decay and momentum as the options have them.

    They are the fused ones, which change a parameter in one pass: all that PyTorch trains on has them. With parameters
    that FSDP has split, PyTorch 2.14 has no fused SGD.
    """
    parameters, lr, weight_decay = list(model.parameters()), options.lr, options.weight_decay
    if options.optimizer == "adam":
        return Adam(parameters, lr, weight_decay=weight_decay, fused=True)
    if options.optimizer == "adamw":
        return AdamW(parameters, lr, weight_decay=weight_decay, fused=True)
    split = any(hasattr(parameter, "to_local") for parameter in parameters)
    return SGD(parameters, lr, momentum=options.momentum, weight_decay=weight_decay, fused=not split)


def build_average(options: TrainingOptions, model: nn.Module) -> AveragedModel | None:
    """A copy of ``model`` for the moving average of its weights w and running statistics; None if none is wanted.

    With every step it becomes ema · itself + (1 - ema) · w; the first step's are taken as they are.

    Source: https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
    """
    if not options.ema:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(options.ema), use_buffers=True)


def build_scheduler(options: TrainingOptions, optimizer: Optimizer, steps: int) -> LRScheduler:
    """The schedule of a run of ``steps``, which moves on with every step.

    The first ``options.warmup`` steps rise linearly: step k, from 0, has (k + 1) / (warmup + 1) of the learning rate.
    The schedule goes over the steps that are left:

    - constant.
    - cosine: from all of it to 0 by half a cosine (Loshchilov & Hutter, "SGDR", 2017).
    - step: a tenth of it after half of them, and a hundredth after three quarters (He et al., "Deep Residual Learning",
      2015, section 4.2).
    - one-cycle: up from a 25th and down to nearly 0, and no warm-up (Smith & Topin, "Super-Convergence", 2018).

    Raises:
        OptionError: the warm-up is as long as the run.

    Source: https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
    """
    warmup, left = options.warmup, max(1, steps - options.warmup)
    if warmup and warmup >= steps:
        raise OptionError(
            f"--warmup {warmup} is no shorter than the run, which has {steps:,} steps: lower it, or raise --epochs"
        )
    scheduler: LRScheduler
    if options.schedule == "cosine":
        scheduler = CosineAnnealingLR(optimizer, T_max=left)
    elif options.schedule == "step":
        scheduler = MultiStepLR(optimizer, milestones=[math.ceil(left / 2), math.ceil(left * 3 / 4)])
    elif options.schedule == "one-cycle":
        return OneCycleLR(optimizer, options.lr, total_steps=steps, cycle_momentum=False)
    else:
        scheduler = ConstantLR(optimizer, factor=1.0, total_iters=0)
    if not warmup:
        return scheduler
    rising = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [rising, scheduler], milestones=[warmup])


def scheduler_at(options: TrainingOptions, steps: int, step: int) -> LRScheduler:
    """The schedule of a run of ``steps`` after ``step`` of them, with an optimizer that has nothing to change.

    It is stepped there, as the schedules that a checkpoint holds were: each rate is computed from the one before.
    """
    optimizer = SGD([torch.zeros(0, requires_grad=True)], options.lr)
    scheduler = build_scheduler(options, optimizer, steps)
    for _ in range(step):
        optimizer.step()
        scheduler.step()
    return scheduler
