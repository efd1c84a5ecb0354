"""Learning-rate schedules: each ``step()`` gives the optimizer's groups their next learning rate.

Most are written as PyTorch writes them, from the previous rate to the next, so that several can act on one optimizer
and rounding is the same. ``last_epoch`` counts the steps from 0.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.caller import warn_user
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor

__all__ = ["ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR"]
__all__ += ["ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR"]
__all__ += ["PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"]

Factor = Callable[[int], float]

ADVICE = "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


def check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


class LRScheduler:
    """The base of every schedule; a subclass writes ``get_lr``. Counterpart: ``torch.optim.lr_scheduler.LRScheduler``.

    Minigrad's own write ``next_rates`` instead, which ``get_lr`` calls; ``_get_closed_form_lr``, where there is one,
    gives the rates of any ``last_epoch`` without the previous ones.

    Args:
        optimizer: whose groups receive the rates.
        last_epoch: -1 to begin; to continue, the number of the last step, with ``initial_lr`` in every group.

    Raises:
        TypeError: it is no optimizer.
        KeyError: ``initial_lr`` is missing where a schedule is continued.
        ValueError: from ``step``, where the optimizer has got a group since.
    """

    _get_lr_called_within_step = False
    _is_initial = False
    kept_apart = ""  # of what is saved, that which a subclass saves and loads otherwise

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler with "
                    f"last_epoch >= 0"
                )
        self.base_lrs = [copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        if optimizer.stepped is None:
            optimizer.stepped = False
        optimizer.scheduled_step = vars(optimizer).get("step")
        self._initial_step()

    def _initial_step(self) -> None:
        """Give the first rates."""
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[Any]:
        """The next rate of each group, from ``last_epoch`` and the present rates. For ``step`` to call."""
        if not self._get_lr_called_within_step:
            warn_user("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.")
        return self.next_rates()

    def next_rates(self) -> list[Any]:
        """What :meth:`get_lr` gives."""
        raise NotImplementedError

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step gave."""
        return self._last_lr

    def present(self) -> list[Any]:
        """The rates as they are, copied."""
        return [copied(group["lr"]) for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Give every group its next rate. Call it after ``optimizer.step()``. ``epoch``, deprecated: go to that one."""
        if self._step_count == 1 and vars(self.optimizer).get("step") is not self.optimizer.scheduled_step:
            warn_user(
                f"Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                f"Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. See more details at "
                f"{ADVICE}"
            )
        elif self._step_count == 1 and not self.optimizer.stepped:
            warn_user(
                f"Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
                f"otherwise the first value of the learning rate schedule is skipped. See more details at {ADVICE}"
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        is_closed = epoch is not None and hasattr(self, "_get_closed_form_lr")
        self._give_next("_get_closed_form_lr" if is_closed else "get_lr")

    def _give_next(self, method: str = "get_lr") -> None:
        """Give each group the rate that a method computes.

        Raises:
            ValueError: there are not as many rates as groups.
        """
        try:
            self._get_lr_called_within_step = True
            rates = getattr(self, method)()
        finally:
            self._get_lr_called_within_step = False
        if len(rates) != len(self.optimizer.param_groups):
            raise ValueError(f"{len(rates)} rates for {len(self.optimizer.param_groups)} groups: was a group added?")
        for group, rate in zip(self.optimizer.param_groups, rates):
            set_option(group, "lr", rate)
        self._last_lr = self.present()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name not in ("optimizer", self.kept_apart)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave."""
        self.__dict__.update({name: value for name, value in state_dict.items() if name != self.kept_apart})


class _LRScheduler(LRScheduler):
    """What the base was called before, for subclasses of older programs."""


def copied(value: Any) -> Any:
    """A copy of a tensor, so that changing one in place leaves the other; a number as it is."""
    return value.clone() if isinstance(value, Tensor) else value


def set_option(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a group; one that is a tensor stays that tensor, and is filled."""
    if isinstance(group[name], Tensor):
        group[name].fill_(value.item() if isinstance(value, Tensor) else value)
    else:
        group[name] = value


def warn_of_epoch() -> None:
    warn_user(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please "
        "use `scheduler.step()` to step the scheduler."
    )


class LambdaLR(LRScheduler):
    """rate = initial rate · lr_lambda(last_epoch); one function, or one a group.

    Raises:
        ValueError: there are not as many functions as groups.
    """

    kept_apart = "lr_lambdas"

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        groups = len(optimizer.param_groups)
        self.lr_lambdas: list[Any] = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        return [base * function(self.last_epoch) for base, function in zip(self.base_lrs, self.lr_lambdas)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the functions; of callable objects, what they hold."""
        return {**super().state_dict(), "lr_lambdas": [held_by(each) for each in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave; the functions are this schedule's own."""
        held = state_dict["lr_lambdas"]
        super().load_state_dict(state_dict)
        for function, attributes in zip(self.lr_lambdas, held):
            if attributes is not None:
                function.__dict__.update(attributes)


class MultiplicativeLR(LambdaLR):
    """The rate times lr_lambda(last_epoch) every step; one function, or one a group.

    Raises:
        ValueError: there are not as many functions as groups.
        TypeError: one is no function.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1) -> None:
        for function in lr_lambda if isinstance(lr_lambda, (list, tuple)) else [lr_lambda]:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        super().__init__(optimizer, lr_lambda, last_epoch)

    def next_rates(self) -> list[Any]:
        if self._is_initial:
            return self.present()
        return [rate * function(self.last_epoch) for rate, function in zip(self.present(), self.lr_lambdas)]


class StepLR(LRScheduler):
    """The rate times ``gamma`` every ``step_size`` steps.

    >>> optimizer = minigrad.optim.SGD([minigrad.nn.Parameter(minigrad.ones(1))], lr=0.1)
    >>> schedule = minigrad.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     print(schedule.get_last_lr())
    [0.1]
    [0.05]
    [0.05]
    [0.025]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self.present()
        return [rate * self.gamma for rate in self.present()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """The rate times ``gamma`` at each of ``milestones``."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        if self.last_epoch not in self.milestones:
            return self.present()
        return [rate * self.gamma ** self.milestones[self.last_epoch] for rate in self.present()]

    def _get_closed_form_lr(self) -> list[Any]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """The rate times ``factor`` for the first ``total_iters`` steps.

    Raises:
        ValueError: ``factor`` is not in [0, 1].
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        if self.last_epoch == 0:
            return [rate * self.factor for rate in self.present()]
        if self.last_epoch != self.total_iters:
            return self.present()
        return [rate * (1.0 / self.factor) for rate in self.present()]

    def _get_closed_form_lr(self) -> list[Any]:
        during = self.last_epoch < self.total_iters
        return [base * (self.factor + (not during) * (1 - self.factor)) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """The rate's factor goes evenly from ``start_factor`` to ``end_factor`` in ``total_iters`` steps.

    Raises:
        ValueError: ``start_factor`` is not in (0, 1], or ``end_factor`` not in [0, 1].
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        if self.last_epoch == 0:
            return [rate * self.start_factor for rate in self.present()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self.present()
        growth = self.end_factor - self.start_factor
        factor = 1.0 + growth / (self.total_iters * self.start_factor + (self.last_epoch - 1) * growth)
        return [rate * factor for rate in self.present()]

    def _get_closed_form_lr(self) -> list[Any]:
        growth = self.end_factor - self.start_factor
        factor = self.start_factor + growth * min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * factor for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """The rate times ``gamma`` every step."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        return self.present() if self._is_initial else [rate * self.gamma for rate in self.present()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """rate = initial rate · (1 - t / total_iters)^power for the first ``total_iters`` steps t, then 0."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        if self._is_initial or self.last_epoch > self.total_iters:
            return self.present()
        left, before = 1.0 - self.last_epoch / self.total_iters, 1.0 - (self.last_epoch - 1) / self.total_iters
        return [rate * (left / before) ** self.power for rate in self.present()]

    def _get_closed_form_lr(self) -> list[Any]:
        share = (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power
        return [base * share for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """rate = eta_min + (initial rate - eta_min) (1 + cos(π t / T_max)) / 2. Source: Loshchilov & Hutter, 2016."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        t, rates = self.last_epoch, self.present()
        if self._is_initial:
            return rates
        if self._step_count == 1 and t > 0:  # continued: nothing to go on from
            share = (1 + math.cos(math.pi * t / self.T_max)) / 2
            return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:  # the previous rate was eta_min
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [rate + (base - self.eta_min) * rise for base, rate in zip(self.base_lrs, rates)]
        factor = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (t - 1) / self.T_max))
        return [factor * (rate - self.eta_min) + self.eta_min for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        share = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (base - self.eta_min) * share / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that begins again after ``T_0`` steps, then after ``T_mult`` times as many, and so on.

    Source: Loshchilov & Hutter, "SGDR", 2016.

    Raises:
        ValueError: ``T_0`` is not a positive integer, or ``T_mult`` not an integer of at least 1.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on by one step, or to ``epoch``, which may lie between two.

        Raises:
            ValueError: ``epoch`` is negative.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        elif epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            restarts = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**restarts - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**restarts
        self.last_epoch = math.floor(epoch)
        self._give_next()


class OneCycleLR(LRScheduler):
    """From a low rate up to ``max_lr`` and down to a far lower one; momentum, where there is one, the other way.

    The cycle has ``total_steps`` steps, or ``epochs * steps_per_epoch``. It begins at max_lr / ``div_factor``, rises
    for the part ``pct_start`` and ends at that over ``final_div_factor``. ``three_phase`` first comes back to where it
    began. Source: Smith & Topin, "Super-Convergence", 2017.

    Raises:
        ValueError: the length is missing or not positive, or an option is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.total_steps = cycle_length(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._schedule_phases = phases_of_cycle(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            for group, highest in zip(optimizer.param_groups, one_a_group("max_lr", max_lr, optimizer)):
                group["initial_lr"] = highest / div_factor
                group["max_lr"] = highest
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            self.use_beta1 = begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def next_rates(self) -> list[Any]:
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        start, (phase, *later) = 0.0, self._schedule_phases
        while later and self.last_epoch > phase["end_step"]:
            start, (phase, *later) = phase["end_step"], later
        share = (self.last_epoch - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self.between(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                set_momentum(group, self.between(group[phase["start_momentum"]], group[phase["end_momentum"]], share))
        return rates

    def between(self, first: float, second: float, share: float) -> float:
        """What lies at ``share`` of the way from ``first`` to ``second``, on a line or on a cosine."""
        if self._anneal_func_type == "linear":
            return (second - first) * share + first
        return second + (first - second) / 2.0 * (math.cos(math.pi * share) + 1)


PHASES = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")


def phases_of_cycle(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """When each phase of a cycle ends, and between which of a group's options rate and momentum go in it."""
    rise = (float(pct_start * total_steps) - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    phases: list[Any] = [rise, (total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    if three_phase:
        back_end = float(2 * pct_start * total_steps) - 2
        back = (back_end, "max_lr", "initial_lr", "base_momentum", "max_momentum")
        phases = [rise, back, (total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]
    return [dict(zip(PHASES, phase)) for phase in phases]


def cycle_length(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """How many steps a cycle has, however it was told."""
    if total_steps is not None:
        given = {"total_steps": total_steps}
    elif epochs is not None and steps_per_epoch is not None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    else:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in given.items():
        if value <= 0 or not isinstance(value, int):
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(given.values())


def one_a_group(name: str, value: Any, optimizer: Optimizer) -> list[float]:
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups: {len(value)} and {groups}")
    return list(value)


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set what plays momentum's part: the first of an Adam's betas, or ``momentum``."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def begin_momentum(optimizer: Optimizer, base_momentum: Any, max_momentum: Any, last_epoch: int) -> bool:
    """Give each group its highest momentum to begin with, and note both bounds. Says whether it is Adam's first beta.

    Raises:
        ValueError: the optimizer has neither.
    """
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    lowest = one_a_group("base_momentum", base_momentum, optimizer)
    highest = one_a_group("max_momentum", max_momentum, optimizer)
    for group, low, high in zip(optimizer.param_groups, lowest, highest) if last_epoch == -1 else ():
        set_momentum(group, high)
        group["max_momentum"] = high
        group["base_momentum"] = low
    return "betas" in optimizer.defaults


class CyclicLR(LRScheduler):
    """From ``base_lr`` evenly up to ``max_lr`` and down again, cycle after cycle; momentum, where there is one, down.

    ``mode`` says how far up: always all the way ("triangular"), half as far in each next cycle ("triangular2"), or
    ``gamma`` to the power of the step ("exp_range"); ``scale_fn``, in the place of ``mode``, gives the share from the
    number of the cycle or of the step, as ``scale_mode`` says. Source: Smith, "Cyclical Learning Rates", 2015.

    Raises:
        ValueError: the mode is unknown, or there is no momentum to cycle.
    """

    kept_apart = "_scale_fn_custom"

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        base_lrs = one_a_group("base_lr", base_lr, optimizer)
        for group, rate in zip(optimizer.param_groups, base_lrs) if last_epoch == -1 else ():
            set_option(group, "lr", rate)
        self.max_lrs = one_a_group("max_lr", max_lr, optimizer)
        self.total_size = float(step_size_up + (step_size_up if step_size_down is None else step_size_down))
        self.step_ratio = step_size_up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        by_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = by_mode if scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
            self.base_momentums = one_a_group("base_momentum", base_momentum, optimizer)
            self.max_momentums = one_a_group("max_momentum", max_momentum, optimizer)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The share of the way up in cycle, or at step, ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return {"triangular": 1.0, "triangular2": 1 / 2.0 ** (x - 1), "exp_range": self.gamma**x}[self.mode]

    def next_rates(self) -> list[Any]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        share = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                set_momentum(group, high - (high - low) * share * scale)
        return [low + (high - low) * share * scale for low, high in zip(self.base_lrs, self.max_lrs)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and a function of one's own; of a callable object, what it holds."""
        return {**super().state_dict(), "_scale_fn_custom": held_by(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave; a function of one's own is this schedule's."""
        super().load_state_dict(state_dict)
        if state_dict["_scale_fn_custom"] is not None:
            vars(self._scale_fn_custom).update(state_dict["_scale_fn_custom"])


def held_by(function: Any) -> dict[str, Any] | None:
    """What a callable object holds; None for a function."""
    return None if function is None or hasattr(function, "__code__") else dict(vars(function))


class CombinedScheduler(LRScheduler):
    """Several schedules of one optimizer, saved and loaded together."""

    kept_apart = "_schedulers"
    _schedulers: Sequence[Any]

    def check(self, schedulers: Sequence[Any], optimizer: Optimizer | None) -> Optimizer:
        """The one optimizer of ``schedulers``.

        Raises:
            ValueError: there is no schedule, one is a ReduceLROnPlateau, or they are not of one optimizer.
            TypeError: one is no schedule.
        """
        name = type(self).__name__
        if not schedulers:
            raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
        for number, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name} at index {number} should have `optimizer` as its attribute.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau` scheduler, but got one at index {number}"
                )
            optimizer = scheduler.optimizer if optimizer is None else optimizer
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, not so index {number}"
                )
        assert optimizer is not None
        return optimizer

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, the schedules as their own state dicts."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave."""
        super().load_state_dict(state_dict)
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(state)


class SequentialLR(CombinedScheduler):
    """Several schedules one after the other: at each of ``milestones`` the next begins.

    Raises:
        ValueError: they are not of one optimizer, or there are not as many milestones as changes.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[Any], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self.optimizer = self.check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        undo_first_step(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Let the schedule whose turn it is give the next rates."""
        self.last_epoch += 1
        number = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[number]
        if number > 0 and self._milestones[number - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def undo_first_step(scheduler: Any) -> None:
    """Take back the step that making a schedule made, and those of the schedules in it."""
    if hasattr(scheduler, "_schedulers"):
        for each in scheduler._schedulers:
            undo_first_step(each)
    elif hasattr(scheduler, "last_epoch"):
        scheduler.last_epoch -= 1


class ChainedScheduler(CombinedScheduler):
    """Several schedules at once: each changes the rates that the one before it gave.

    Raises:
        ValueError: there is no schedule, or they are not of one optimizer.
    """

    def __init__(self, schedulers: Sequence[Any], optimizer: Optimizer | None = None) -> None:
        self.optimizer = self.check(schedulers, optimizer)
        self._schedulers = schedulers
        self._last_lr = self.present()

    def step(self) -> None:  # type: ignore[override]
        """Let every schedule go on by one step."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self.present()


class ReduceLROnPlateau(LRScheduler):
    """The rate times ``factor`` once a metric has not become better for ``patience`` steps; then ``cooldown`` of rest.

    Better is smaller (``mode`` "min") or larger ("max") by more than ``threshold``, a part of the best so far
    (``threshold_mode`` "rel") or a number ("abs"). No rate goes below ``min_lr``, nor changes by less than ``eps``.

    Raises:
        ValueError: ``factor`` is not below 1, or a mode is unknown.
        TypeError: it is no optimizer.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        check_optimizer(optimizer)
        if not isinstance(mode, str):
            raise TypeError(f"mode must be 'min' or 'max', not {mode!r}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.factor = factor
        self.optimizer = optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = one_a_group("min_lr", min_lr, optimizer)
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self.present()
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether the rates were lowered so lately that they stay."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take note of the metric, and lower the rates if it is time. ``epoch`` is deprecated."""
        current = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self.present()

    def reduce(self) -> None:
        """Lower every group's rate.

        Raises:
            RuntimeError: a group was added since, and ``min_lr`` was told for each.
        """
        if len(self.optimizer.param_groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"There are {len(self.optimizer.param_groups)} groups now and {len(self.min_lrs)} min_lrs: set "
                    f"`min_lrs` to one a group"
                )
            self.min_lrs = [self.default_min_lr] * len(self.optimizer.param_groups)
        for group, lowest in zip(self.optimizer.param_groups, self.min_lrs):
            present = float(group["lr"])
            lower = max(present * self.factor, lowest)
            if present - lower > self.eps:
                set_option(group, "lr", lower)

    def is_better(self, current: float) -> bool:
        """Whether ``current`` beats the best so far by the threshold."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            bar = self.best * (1 + sign * self.threshold)
        else:
            bar = self.best + sign * self.threshold
        return current < bar if self.mode == "min" else current > bar
