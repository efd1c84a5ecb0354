"""Layers and optimizers where other chapters do not look: evaluation mode, uneven paddings, ties, every option.

Every line is a program of the engine ``e`` and its leaves. A layer draws its weights itself, from one seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comparisons.harness import Report
from comparisons.lines import compare_programs, numbers
from comparisons.settings import Settings

__all__ = ["run"]

IMAGES = numbers(2, 3, 7, 6)
TIED_IMAGES = (numbers(2, 3, 7, 6) > 0).astype(float)  # 0 and 1: every window has ties
STEPS = 4


def varied(e: Any, module: Any, x: Any) -> Any:
    """A module in the type of x, whose weights are no longer all 1, or all 0."""
    module = module.to(x.dtype)
    with e.no_grad():
        for each in module.parameters():
            each.add_(e.rand(*each.shape, dtype=x.dtype))
    return module


def layer(make: Callable[[Any], Any]) -> Callable[..., Any]:
    """A line: the layer that ``make(engine.nn)`` makes, in training mode, and the gradients of its weights."""

    def program(e: Any, x: Any) -> Any:
        e.manual_seed(0)
        module = varied(e, make(e.nn), x)
        y = module(x)
        (y**3 + y).sum().backward()
        return [y, x.grad, *[each.grad for each in module.parameters()], *module.buffers()]

    return program


def evaluated(make: Callable[[Any], Any]) -> Callable[..., Any]:
    """A line: the layer in evaluation mode, after two batches in training mode."""

    def program(e: Any, x: Any) -> Any:
        e.manual_seed(0)
        module = varied(e, e.nn.Sequential(make(e.nn)), x)
        module(x), module(x * 2)
        y = module.eval()(x)
        (y**3 + y).sum().backward()
        return [y, x.grad, *[each.grad for each in module.parameters()], *module.buffers(), module[0].training]

    return program


def by_plain_loops(make: Callable[[Any], Any]) -> Callable[..., Any]:
    """:func:`layer`, computed by the plain loops of an engine that has some beside its fast kernels."""

    def program(e: Any, x: Any) -> Any:
        if not hasattr(e, "reference_kernels"):
            return layer(make)(e, x)
        with e.reference_kernels():
            return layer(make)(e, x)

    return program


def stepping(make: Callable[[Any, Any], Any], *schedule: Any) -> Callable[..., Any]:
    """A line: a few steps of the optimizer that ``make(engine.optim, parameters)`` makes, down a bowl."""

    def program(e: Any, x: Any) -> Any:
        optimizer = make(e.optim, [x])
        rates = getattr(e.optim.lr_scheduler, schedule[0])(optimizer, *schedule[1:]) if schedule else None
        seen = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            (x**2 + x.sin()).sum().backward()
            optimizer.step()
            if rates is not None:
                rates.step()
            seen += [x.detach().clone(), optimizer.param_groups[0]["lr"]]
        return seen

    return program


def two_groups(e: Any, x: Any, y: Any) -> Any:
    """Parameters in groups, each with a rate of its own; one has no gradient and stays."""
    optimizer = e.optim.SGD([{"params": [x], "lr": 0.1}, {"params": [y]}], lr=1.0, weight_decay=0.1)
    (x * x).sum().backward()
    optimizer.step()
    return [x, y]


def clipped(e: Any, x: Any, y: Any) -> Any:
    """Gradients clipped to a length, together."""
    ((x**2).sum() + (y**3).sum()).backward()
    norm = e.nn.utils.clip_grad_norm_([x, y], 1.0)
    return [norm, x.grad, y.grad]


def attending(e: Any, x: Any) -> Any:
    """Self-attention in evaluation mode: the result, its weights, and the gradients."""
    e.manual_seed(0)
    module = varied(e, e.nn.MultiheadAttention(4, 2, batch_first=True), x).eval()
    y, weights = module(x, x, x)
    (y**3 + y).sum().backward()
    return [y, weights, x.grad, *[each.grad for each in module.parameters()]]


def found_by_name(e: Any, x: Any) -> Any:
    """A module's parameters and buffers by their names, one that is shared once."""
    nn = e.nn
    shared = nn.Linear(3, 3)
    module = nn.Sequential(shared, nn.BatchNorm1d(3), nn.Sequential(shared, nn.ReLU()))
    return [[name for name, _ in module.named_parameters()], list(module.state_dict()), len(list(module.modules()))]


def batches(e: Any, x: Any) -> Any:
    """Two epochs of shuffled batches, of which the last is short or left out."""
    e.manual_seed(3)
    data = e.utils.data.TensorDataset(x.detach(), e.arange(len(x)))
    seen = []
    for drop_last in (False, True):
        loader = e.utils.data.DataLoader(data, batch_size=2, shuffle=True, drop_last=drop_last)
        seen += [len(loader), *[each for batch in loader for each in batch]]
    return seen


LAYERS: dict[str, tuple[Any, ...]] = {
    "linear, square": (layer(lambda nn: nn.Linear(4, 4)), numbers(3, 4)),
    "convolution, uneven padding": (layer(lambda nn: nn.Conv2d(3, 4, 3, padding=(2, 0))), IMAGES),
    "convolution, uneven kernel, stride, dilation": (
        layer(lambda nn: nn.Conv2d(3, 4, (3, 2), stride=(1, 2), padding=(0, 1), dilation=(2, 1))),
        IMAGES,
    ),
    "convolution 5×5, groups": (layer(lambda nn: nn.Conv2d(3, 6, 5, padding=2, groups=3)), IMAGES),
    "convolution 1×1, stride 2": (layer(lambda nn: nn.Conv2d(3, 4, 1, stride=2, bias=False)), IMAGES),
    "convolution by plain loops": (
        by_plain_loops(lambda nn: nn.Conv2d(3, 2, (3, 2), stride=(1, 2), padding=(1, 0), dilation=(2, 1))),
        IMAGES,
    ),
    "max pooling of ties": (layer(lambda nn: nn.MaxPool2d(3, 2, 1)), TIED_IMAGES),
    "max pooling of ties by plain loops": (by_plain_loops(lambda nn: nn.MaxPool2d(2, 1)), TIED_IMAGES),
    "max pooling, uneven": (layer(lambda nn: nn.MaxPool2d((2, 3), (2, 1), (1, 0))), IMAGES),
    "average pooling, padded": (layer(lambda nn: nn.AvgPool2d(3, 2, 1)), IMAGES),
    "adaptive average pooling": (layer(lambda nn: nn.AdaptiveAvgPool2d((2, 3))), IMAGES),
    "batch norm of features": (layer(lambda nn: nn.BatchNorm1d(4)), numbers(5, 4)),
    "batch norm of images": (layer(lambda nn: nn.BatchNorm2d(3, eps=1e-3, momentum=0.3)), IMAGES),
    "batch norm, evaluation mode": (evaluated(lambda nn: nn.BatchNorm1d(4)), numbers(5, 4)),
    "batch norm of images, evaluation mode": (evaluated(lambda nn: nn.BatchNorm2d(3)), IMAGES),
    "dropout": (layer(lambda nn: nn.Dropout(0.4)), numbers(5, 4)),
    "dropout, evaluation mode": (evaluated(lambda nn: nn.Dropout(0.4)), numbers(5, 4)),
    "layer norm": (layer(lambda nn: nn.LayerNorm(4)), numbers(3, 4)),
    "layer norm over two dims": (layer(lambda nn: nn.LayerNorm([3, 4])), numbers(2, 3, 4)),
    "group norm": (layer(lambda nn: nn.GroupNorm(3, 6)), numbers(2, 6, 4)),
    "flattened": (layer(lambda nn: nn.Sequential(nn.Flatten(), nn.Linear(126, 2))), IMAGES),
    "attention of two heads": (attending, numbers(2, 3, 4)),
    "batches": (batches, numbers(5, 2)),
    "parameters by name": (found_by_name, numbers(3)),
}

OPTIMIZERS: dict[str, tuple[Any, ...]] = {
    "SGD": (stepping(lambda optim, x: optim.SGD(x, 0.1)), numbers(4)),
    "SGD, momentum and dampening": (
        stepping(lambda optim, x: optim.SGD(x, 0.1, momentum=0.9, dampening=0.3)),
        numbers(4),
    ),
    "SGD, nesterov": (stepping(lambda optim, x: optim.SGD(x, 0.1, momentum=0.9, nesterov=True)), numbers(4)),
    "SGD, weight decay": (stepping(lambda optim, x: optim.SGD(x, 0.1, momentum=0.5, weight_decay=0.2)), numbers(4)),
    "SGD, uphill": (stepping(lambda optim, x: optim.SGD(x, 0.1, maximize=True)), numbers(4)),
    "SGD, two groups": (two_groups, numbers(4), numbers(2)),
    "Adam": (stepping(lambda optim, x: optim.Adam(x, 0.1)), numbers(4)),
    "Adam, weight decay": (stepping(lambda optim, x: optim.Adam(x, 0.1, weight_decay=0.2)), numbers(4)),
    "Adam, other betas and eps": (stepping(lambda optim, x: optim.Adam(x, 0.1, (0.5, 0.6), 1e-2)), numbers(4)),
    "Adam, amsgrad": (stepping(lambda optim, x: optim.Adam(x, 0.5, (0.5, 0.1), amsgrad=True)), numbers(4)),
    "AdamW": (stepping(lambda optim, x: optim.AdamW(x, 0.1, weight_decay=0.2)), numbers(4)),
    "RMSprop": (stepping(lambda optim, x: optim.RMSprop(x, 0.1, momentum=0.5)), numbers(4)),
    "Adagrad": (stepping(lambda optim, x: optim.Adagrad(x, 0.1)), numbers(4)),
    "a rate in steps": (stepping(lambda optim, x: optim.SGD(x, 0.1), "StepLR", 2), numbers(4)),
    "a rate that decays": (stepping(lambda optim, x: optim.SGD(x, 0.1), "ExponentialLR", 0.7), numbers(4)),
    "a rate along a cosine": (stepping(lambda optim, x: optim.SGD(x, 0.1), "CosineAnnealingLR", 3), numbers(4)),
    "gradients clipped": (clipped, numbers(4), numbers(2)),
}


def run(settings: Settings) -> Report:
    """Compare what every program returns."""
    report = settings.report("layers")
    compare_programs(report, settings, LAYERS)
    compare_programs(report, settings, OPTIMIZERS)
    return report
