"""L-BFGS: Newton's step with the curvature that the last gradients tell, for losses that are computed whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from minigrad.creation import zeros_like
from minigrad.graph.grad_mode import call_inside, enable_grad, no_grad
from minigrad.ops.joining import cat
from minigrad.optim.optimizer import Optimizer, checked_options
from minigrad.tensor import Tensor

__all__ = ["LBFGS"]

REMEMBERED = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


class LBFGS(Optimizer):
    """θ ← θ + t · d, where d = -H g, and H is the inverse Hessian as the last ``history_size`` changes tell it.

    ``step(closure)`` makes up to ``max_iter`` such moves, and calls ``closure``, which computes the loss and its
    gradients anew, up to ``max_eval`` times (default: 5/4 of ``max_iter``). It ends earlier where no element of g is
    above ``tolerance_grad``, or the loss or θ changes by less than ``tolerance_change``. t is lr, or what
    ``line_search_fn="strong_wolfe"`` finds. Use it with whole batches. Counterpart: ``torch.optim.LBFGS``. Source:
    Nocedal & Wright, "Numerical Optimization", 2006, chapters 3 and 7.

    Raises:
        ValueError: lr is negative, or there are several groups.
        RuntimeError: from ``step``, where ``line_search_fn`` is another one.

    >>> x = minigrad.tensor([-1.0, 2.0], requires_grad=True)
    >>> optimizer = minigrad.optim.LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2  # Rosenbrock's valley
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(2):
    ...     loss = optimizer.step(closure)
    >>> x
    tensor([1.0000, 1.0000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        options: Any = {"lr": lr, "max_iter": max_iter, "max_eval": max_eval, "tolerance_grad": tolerance_grad}
        options |= {"tolerance_change": tolerance_change, "history_size": history_size}
        options |= {"line_search_fn": line_search_fn, "maximize": maximize}
        super().__init__(params, checked_options(self, options))
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Move up to ``max_iter`` times. Returns the loss before the first move, as ``closure`` gave it."""
        group, parameters = self.param_groups[0], self.param_groups[0]["params"]
        rate = group["lr"].squeeze() if isinstance(group["lr"], Tensor) else group["lr"]
        if not parameters:
            return call_inside(enable_grad(), closure)
        first_loss, loss, gradient = self._evaluate(closure)
        state = self.state[parameters[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        state["func_evals"] += 1
        if gradient.abs().max() <= group["tolerance_grad"]:
            return first_loss
        memory: dict[str, Any] = {name: state.get(name) for name in REMEMBERED}
        evaluated = 1
        for move in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            begin = state["n_iter"] == 1
            memory["d"] = self._begin(memory, gradient) if begin else self._direction(state, memory, gradient, group)
            memory["prev_flat_grad"], memory["prev_loss"] = gradient.clone(), loss
            memory["t"] = min(1.0, 1.0 / gradient.abs().sum()) * rate if begin else rate
            slope = gradient.dot(memory["d"])
            if slope > -group["tolerance_change"]:
                break
            count = 0
            if group["line_search_fn"] is not None:
                start = Point(0, loss, gradient, slope)
                found, count = self._search(closure, start, memory, group, group["max_eval"] - evaluated)
                memory["t"], loss, gradient, _ = found
            self._move(memory["t"], memory["d"])
            if group["line_search_fn"] is None and move != group["max_iter"]:
                _, loss, gradient = self._evaluate(closure)
                count = 1
            evaluated += count
            state["func_evals"] += count
            if (
                evaluated >= group["max_eval"]
                or gradient.abs().max() <= group["tolerance_grad"]
                or (memory["d"] * memory["t"]).abs().max() <= group["tolerance_change"]
                or abs(loss - memory["prev_loss"]) < group["tolerance_change"]
            ):
                break
        state.update(memory)
        return first_loss

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Tensor]:
        """What ``closure`` gives, the loss as what is to be made small, and its gradients one after the other (n,)."""
        given = call_inside(enable_grad(), closure)
        loss = float(given.detach() if isinstance(given, Tensor) else given)
        group = self.param_groups[0]
        grads = [zeros_like(each) if each.grad is None else each.grad for each in group["params"]]
        gradient = cat([each.reshape(-1) for each in grads])
        return (given, -loss, -gradient) if group["maximize"] else (given, loss, gradient)

    def _move(self, t: Any, direction: Tensor) -> None:
        """Go ``t`` times as far as ``direction`` (n,)."""
        start = 0
        for each in self.param_groups[0]["params"]:
            each.add_(direction[start : start + each.numel()].reshape(each.shape) * t)
            start += each.numel()

    def _begin(self, memory: dict[str, Any], gradient: Tensor) -> Tensor:
        """The first direction: straight down."""
        memory.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return -gradient

    def _direction(
        self, state: dict[str, Any], memory: dict[str, Any], gradient: Tensor, group: dict[str, Any]
    ) -> Tensor:
        """-H g, by the two loops over the changes y of the gradient and the moves s; the newest pair is added first."""
        changes, moves, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        y, s = gradient - memory["prev_flat_grad"], memory["d"] * memory["t"]
        curvature = y.dot(s)
        if curvature > 1e-10:
            if len(changes) == group["history_size"]:
                for each in (changes, moves, ro):
                    each.pop(0)
            changes.append(y)
            moves.append(s)
            ro.append(1.0 / curvature)
            memory["H_diag"] = curvature / y.dot(y)
        al = state.setdefault("al", [None] * group["history_size"])
        direction = -gradient
        for number in reversed(range(len(changes))):
            al[number] = moves[number].dot(direction) * ro[number]
            direction = direction - changes[number] * al[number]
        direction = direction * memory["H_diag"]
        for number in range(len(changes)):
            direction = direction + moves[number] * (al[number] - changes[number].dot(direction) * ro[number])
        return direction

    def _search(
        self, closure: Callable[[], Any], start: Point, memory: dict[str, Any], group: dict[str, Any], most: int
    ) -> tuple[Point, int]:
        """The point that the line search finds, and how often it called ``closure``; θ is as before."""
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        parameters, direction = group["params"], memory["d"]
        values = [each.clone() for each in parameters]

        def at(t: Any) -> Point:
            self._move(t, direction)
            _, loss, gradient = self._evaluate(closure)
            for each, value in zip(parameters, values):
                each.copy_(value)
            return Point(t, loss, gradient, gradient.dot(direction))

        return strong_wolfe(at, start, memory["t"], group["tolerance_change"] / direction.abs().max(), most)


class Point(NamedTuple):
    """A point on the line: how far along the direction it is, the loss, its gradient (n,), and the slope there."""

    t: Any
    loss: float
    gradient: Tensor
    slope: Any


def strong_wolfe(at: Callable[[Any], Point], start: Point, t: Any, shortest: Any, most: int) -> tuple[Point, int]:
    """A point that is low enough and flat enough, and how many were tried: after ``most`` more than one, the best.

    First points farther and farther on, until two have such a one between them; then the two come closer, until they
    are less than ``shortest`` apart.
    """

    def is_high(point: Point) -> bool:
        return point.loss > start.loss + 1e-4 * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -0.9 * start.slope

    previous, point, count = start, at(t), 0
    while count < most:
        if is_high(point) or (count > 1 and point.loss >= previous.loss):
            break
        if is_flat(point):
            return point, count + 1
        if point.slope >= 0:
            break
        reach = point.t + 0.01 * (point.t - previous.t), point.t * 10
        previous, point = point, at(lowest_between(previous, point, reach))
        count += 1
    else:
        previous = start
    ends = [previous, point]
    low = 0 if previous.loss <= point.loss else 1
    at_end = False
    while count < most and not abs(ends[1].t - ends[0].t) < shortest:
        first, last = sorted([each.t for each in ends])
        t = lowest_between(ends[0], ends[1], (first, last))
        margin = 0.1 * (last - first)
        near = min(last - t, t - first) < margin
        if near and (at_end or t >= last or t <= first):
            t = last - margin if abs(t - last) < abs(t - first) else first + margin
            near = False
        at_end = near
        point = at(t)
        count += 1
        if is_high(point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        flat = is_flat(point)
        if not flat and point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
        if flat:
            break
    return ends[low], count + 1


def lowest_between(one: Point, other: Point, bounds: tuple[Any, Any]) -> Any:
    """Where the cubic with the two points' losses and slopes is lowest, within bounds; where it is nowhere, halfway."""
    left, right = (one, other) if one.t <= other.t else (other, one)
    d1 = one.slope + other.slope - 3 * (one.loss - other.loss) / (one.t - other.t)
    square = d1**2 - one.slope * other.slope
    if not square >= 0:
        return (bounds[0] + bounds[1]) / 2.0
    d2 = square.sqrt()
    lowest = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2))
    return min(max(lowest, bounds[0]), bounds[1])
