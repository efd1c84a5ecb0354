"""Averages of weights: a copy of a model that holds the mean, or the moving average, of what training passes through.

Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from minigrad import dtypes
from minigrad.creation import tensor
from minigrad.graph.grad_mode import no_grad
from minigrad.nn.batchnorm import _BatchNorm
from minigrad.nn.module import Module
from minigrad.optim.lr_scheduler import LRScheduler, one_a_group
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor

__all__ = ["SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn"]
__all__ += ["get_swa_multi_avg_fn", "update_bn"]


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Tensor]:
    """``avg_fn`` of a moving average: decay · average + (1 - decay) · weight. Shapes: those of the weight.

    Raises:
        ValueError: the decay is not in [0, 1].
    """
    check_decay(decay)

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return no_grad()(ema_update)


def get_swa_avg_fn() -> Callable[..., Tensor]:
    """``avg_fn`` of the mean: average + (weight - average) / (n + 1). Shapes: those of the weight."""

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return no_grad()(swa_update)


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """``multi_avg_fn`` of a moving average: it changes all averages of one type in place. Shapes: the weights'.

    Raises:
        ValueError: the decay is not in [0, 1].
    """
    check_decay(decay)

    def ema_update(ema_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        bring_nearer(ema_param_list, current_param_list, 1 - decay)

    return no_grad()(ema_update)


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """``multi_avg_fn`` of the mean: it changes all averages of one type in place. Shapes: those of the weights."""

    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        bring_nearer(averaged_param_list, current_param_list, float(1 / (num_averaged + 1)))

    return no_grad()(swa_update)


def bring_nearer(averages: Iterable[Tensor], weights: Iterable[Tensor], share: float) -> None:
    """Let each average go ``share`` of the way to its weight, in place."""
    for average, weight in zip(averages, weights):
        if average.is_floating_point():
            average.lerp_(weight, share)
        else:
            average.copy_(average * (1 - share) + weight * share)


def check_decay(decay: float) -> None:
    """Raise PyTorch's ValueError for a decay that is not in [0, 1]."""
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of ``model`` that ``update_parameters`` makes the average of the weights given to it, mean or other.

    ``n_averaged`` counts them; the first is copied. ``avg_fn(average, weight, n)`` gives the next average of one
    tensor, ``multi_avg_fn(averages, weights, n)`` changes lists of them; with ``use_buffers`` the buffers are averaged
    too, else they are the model's. Shapes: those of ``model``. Counterpart: ``torch.optim.swa_utils.AveragedModel``.

    Raises:
        AssertionError: both functions are given.

    >>> model = minigrad.nn.Linear(1, 1)
    >>> average = minigrad.optim.swa_utils.AveragedModel(model)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     _ = minigrad.nn.init.constant_(model.weight, weight)
    ...     average.update_parameters(model)
    >>> average.module.weight
    Parameter containing:
    tensor([[3.]], requires_grad=True)
    """

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[list[Tensor], list[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model).to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the weights of ``model`` into the average."""
        weights = zip(self.module.parameters(), model.parameters())
        buffers = list(zip(self.module.buffers(), model.buffers()))
        averaged = [*weights, *(buffers if self.use_buffers else ())]
        pairs = [(average.detach(), weight.detach()) for average, weight in averaged]
        if self.n_averaged == 0:
            for average, weight in pairs:
                average.copy_(weight)
        elif self.multi_avg_fn is not None:
            for kind in dict.fromkeys([average.dtype for average, _ in pairs]):
                alike = [pair for pair in pairs if pair[0].dtype == kind]
                self.multi_avg_fn([pair[0] for pair in alike], [pair[1] for pair in alike], self.n_averaged)
        else:
            average_of = self.avg_fn or get_swa_avg_fn()
            for average, weight in pairs:
                average.copy_(average_of(average, weight, self.n_averaged))
        for own, buffer in () if self.use_buffers else buffers:
            own.copy_(buffer)
        self.n_averaged.add_(1)


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of the batch normalisations of ``model`` anew, from all batches of ``loader``.

    A batch is a tensor, or a list or tuple that begins with it. Shapes: those that ``model`` takes.
    """
    layers = [each for each in model.modules() if isinstance(each, _BatchNorm)]
    momenta, was_training = [each.momentum for each in layers], model.training
    if not layers:
        return
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean of all batches
    for batch in loader:
        model((batch[0] if isinstance(batch, (list, tuple)) else batch).to(device))
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """The rate goes to ``swa_lr`` in ``anneal_epochs`` steps, on a cosine or a line, and stays there.

    Counterpart: ``torch.optim.swa_utils.SWALR``.

    Raises:
        ValueError: the strategy is neither "cos" nor "linear", or ``anneal_epochs`` is no integer of at least 0.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(optimizer.param_groups, one_a_group("swa_lr", swa_lr, optimizer)):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal(self, step: int) -> float:
        """The share of ``swa_lr`` in the rate after ``step`` steps."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def next_rates(self) -> list[Any]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, share = self.anneal(step - 1), self.anneal(step)
        rates = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            first = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(last * share + first * (1 - share))
        return rates
