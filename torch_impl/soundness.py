"""Whether a training is sound: its losses, gradients and weights are finite numbers. What to try where they are not.

To look at a number is to wait for the device. So a GPU notes by itself which step was the first whose loss or gradient
was not finite, and is asked where it is waited for anyway: where the loss is shown, at the end of an epoch, before a
checkpoint. One process on a CPU has nothing to wait for, and stops before the optimizer takes the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torch_impl.distributed import min_over_processes, unwrap, world_size
from torch_impl.options import TrainingOptions
from torch_impl.training import Tally

__all__ = ["TrainingError", "Watch", "WatchedTally", "unsound_part"]

NEVER = 2**62  # a step that no training comes to


class TrainingError(RuntimeError):
    """A training that cannot go on; the message is one sentence."""


class Watch:
    """Notes the first step with a loss that is not finite, and for each parameter the first with such a gradient.

    A step that the scaler of float16 leaves out, because a gradient was too large, is none of them: its loss is finite.

    Args:
        model: the network, as it is trained.
        options: of the training.
        steps: of an epoch; infinity, if nobody knows.
        device: of this process.
    """

    def __init__(self, model: nn.Module, options: TrainingOptions, steps: float, device: torch.device) -> None:
        named = list(unwrap(model).named_parameters())
        self.names, self.parameters = [name for name, _ in named], [parameter for _, parameter in named]
        self.options, self.steps = options, steps
        self.at_once = device.type == "cpu" and world_size() == 1
        self.first = torch.full((1 + len(named),), NEVER, device=device)  # of the loss, then of each parameter

    def look(self, step: int, losses: Tensor) -> None:
        """Note what is not finite, after backward and before the gradients are clipped.

        Args:
            step: of the run, from 1.
            losses: the sums of the epoch's losses so far, of any shape: what was once not finite stays so.

        Raises:
            TrainingError: as :meth:`check`, where nothing has to be waited for.
        """
        if self.at_once and not self.options.clip_norm and math.isfinite(losses.sum().item()):
            return  # clipped, one gradient that is not finite makes all others so, and nobody knows it any longer
        fine = losses.isfinite().all().view(1)
        gradients = are_finite([parameter.grad for parameter in self.parameters], losses)  # (parameters,)
        if self.options.precision == "fp16":
            gradients |= fine
        self.first = self.first.minimum(torch.where(torch.cat([fine, gradients]), NEVER, step))
        if self.at_once:  # the weights are those that the step before has left: was it the first?
            weights = are_finite([parameter.detach() for parameter in self.parameters], losses)
            self.first[1:] = self.first[1:].minimum(torch.where(weights, NEVER, step - 1))
            self.check()

    def check(self) -> None:
        """See that nothing was noted. All processes must call it, and it waits for the device.

        Raises:
            TrainingError: the message names the step, the first parameter, and what to try.
        """
        of_loss, *of_parameters = min_over_processes(self.first.clone()).tolist()
        earliest = min(of_parameters)
        step = earliest if of_loss == NEVER else of_loss
        if step == NEVER:
            return
        where = f"step {step}"
        if self.steps < math.inf:
            epoch, before = divmod(step - 1, int(self.steps))
            where += f" (epoch {epoch + 1}, step {before + 1} of {self.steps})"
        found = "" if of_loss == NEVER else f"the loss is not finite at {where}"
        if earliest < NEVER:
            name = self.names[of_parameters.index(earliest)]
            found += f", and the first gradient that is not finite is that of {name}" if found else ""
            found = found or f"the gradient of {name} is not finite at {where}"
        raise TrainingError(f"{found}: {advice(self.options)}")


class WatchedTally(Tally):
    """A tally whose sum of losses is looked at with every piece of a step, before the optimizer has its turn.

    Args:
        device: as for :class:`Tally`.
        look: called with the sums of the losses.
    """

    def __init__(self, device: torch.device, look: Callable[[Tensor], None]) -> None:
        super().__init__(device)
        self.look = look

    def add(self, total: Tensor, outputs: Tensor, labels: Tensor, objective: Tensor | None = None) -> None:
        super().add(total, outputs, labels, objective)
        self.look(self.sums)


def are_finite(tensors: Sequence[Tensor | None], like: Tensor) -> Tensor:
    """Whether all elements of each are finite, of a tensor that is split over processes this one's: (tensors,) bool.

    What is not there, or empty, is finite. Nothing is waited for.

    Args:
        tensors: to look at.
        like: any tensor on their device.
    """
    parts = [like.new_zeros(1) if each is None else local_part(each) for each in tensors]
    parts = [part if part.numel() else part.new_zeros(1) for part in parts]
    return torch.stack(torch._foreach_norm(parts, 1)).isfinite()  # sums of magnitudes, in one pass over all tensors


def local_part(tensor: Tensor) -> Tensor:
    """What this process has of a tensor: all of it, unless FSDP has split it."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def unsound_part(content: Mapping[str, Any]) -> str:
    """The first part of a checkpoint's content from which no run could go on; empty if all are sound."""
    states = {
        f"the optimizer's {part} of {name}": value
        for name, state in content["optimizer"]["state"].items()
        for part, value in state.items()
    }
    for name, value in {**content["model"], **states}.items():
        if isinstance(value, Tensor) and not value.isfinite().all():
            return f"{name} is not finite"
    for name, value in (content["history"] or [{}])[-1].items():
        if value is not None and not math.isfinite(value):
            return f"{name} is not finite"
    if content["scaler"].get("scale", 1.0) <= 0:
        return "float16 holds the gradients at no scale"
    return ""


def advice(options: TrainingOptions) -> str:
    """What to try, in a training whose numbers have grown beyond all bounds."""
    shrinking = options.weight_decay * (1.0 if options.optimizer == "adam" else options.lr)
    if shrinking >= 1 and options.weight_decay > options.lr:
        return f"lower --weight-decay, which is {options.weight_decay:g}"
    remedies = [f"lower --lr, which is {options.lr:g}"]
    if options.precision == "fp16":
        remedies.append("try --precision bf16")
    if not options.clip_norm:
        remedies.append("try --clip-norm 1")
    return ", or ".join(remedies)
