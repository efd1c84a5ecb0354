"""The cases that every engine can be judged on: rules, shapes, the tape, layers, and steps of optimizers.

A program is the same text for both engines. What it needs of an engine beside tensors it asks for where it needs it, so
that an engine without layers loses the cases of layers alone.
"""

from __future__ import annotations

from comparisons.coursework.cases import Case, among, integers, uniform

__all__ = ["CASES"]

RULES = [
    Case(
        "sum and difference",
        "z = x + 2 * y - x * 0.5 - (-y)\nz.backward(w)",
        ("z", "x.grad", "y.grad"),
        {"x": uniform(3, 4), "y": uniform(3, 4), "w": uniform(3, 4)},
    ),
    Case(
        "product",
        "z = x * y\nz.backward(w)",
        ("z", "x.grad", "y.grad"),
        {"x": uniform(3, 4), "y": uniform(3, 4), "w": uniform(3, 4)},
    ),
    Case(
        "quotient",
        "z = x / y\nz.backward(w)",
        ("z", "x.grad", "y.grad"),
        {"x": uniform(3, 4), "y": uniform(3, 4, low=0.5), "w": uniform(3, 4)},
    ),
    Case(
        "powers, also at 0",
        "z = x**3 + x**2 + x**1 + x**0\nz.backward(w)",
        ("z", "x.grad"),
        {"x": among(-1.5, -1.0, 0.0, 1.0, 2.0, shape=(10,)), "w": uniform(10)},
    ),
    Case(
        "exp, log, sqrt, sin, cos",
        "z = x.exp() + x.log() * x.sqrt() + x.sin() - x.cos()\nz.backward(w)",
        ("z", "x.grad"),
        {"x": uniform(12, low=0.5), "w": uniform(12)},
    ),
    Case(
        "relu, also at 0 and at NaN",
        "z = x.relu()\nz.backward(w)",
        ("z", "x.grad"),
        {"x": among(-1.0, -0.0, 0.0, 0.5, float("nan"), shape=(10,)), "w": uniform(10)},
    ),
    Case(
        "tanh to second order",
        "z = x.tanh()\n"
        "(first,) = engine.autograd.grad(z, x, w, create_graph=True)\n"
        "(second,) = engine.autograd.grad(first, x, v)",
        ("z", "first", "second"),
        {"x": uniform(8), "w": uniform(8), "v": uniform(8)},
        "second order",
    ),
    Case(
        "sigmoid in its tails",
        "z = x.sigmoid()\nlog = z.log()\nz.backward(w)",
        ("log", "x.grad"),
        {"x": among(-700.0, -80.0, -36.0, 0.0, 36.0, 700.0, shape=(12,)), "w": uniform(12, low=1.0)},
    ),
]

SHAPES = [
    Case(
        "broadcasting",
        "z = x * y + b\nz.backward(w)",
        ("z", "x.grad", "y.grad", "b.grad"),
        {"x": uniform(3, 1), "y": uniform(2, 1, 4), "b": uniform(), "w": uniform(2, 3, 4)},
    ),
    Case(
        "sum and mean over some dims",
        "z = x.sum((0, 2)) + x.mean((2, 0)) + x.mean(1, keepdim=True).sum()\nz.backward(w)",
        ("z", "x.grad"),
        {"x": uniform(2, 3, 4), "w": uniform(3)},
    ),
    Case(
        "maximum, where values tie",
        "z = x.amax(1)\nz.backward(w)",
        ("z", "x.grad"),
        {"x": among(-1.0, 0.0, 1.0, shape=(4, 6)), "w": uniform(4)},
    ),
    Case(
        "permute and reshape",
        "z = x.permute(2, 0, 1).reshape(4, 6)\nz.backward(w)",
        ("z", "x.grad"),
        {"x": uniform(2, 3, 4), "w": uniform(4, 6)},
    ),
    Case(
        "an element picked twice",
        "z = x[i]\nz.backward(w)",
        ("z", "x.grad"),
        {"x": uniform(4, 3), "i": integers(3, (7,)), "w": uniform(7, 3)},
    ),
    Case(
        "product of square matrices",
        "z = x @ y\nz.backward(w)",
        ("z", "x.grad", "y.grad"),
        {"x": uniform(4, 4), "y": uniform(4, 4), "w": uniform(4, 4)},
    ),
]

TAPE = [
    Case(
        "a value used more than once",
        "square = x * x\nz = square * square + square\nz.backward(w)",
        ("z", "x.grad"),
        {"x": uniform(6), "w": uniform(6)},
    ),
    Case(
        "the graph that is recorded",
        "square = x * x\nz = (square.exp() / (y + 1) - square).sum()",
        ("graph(z)",),
        {"x": uniform(3, 4), "y": uniform(4, low=0.5)},
    ),
    Case(
        "gradients add up over two calls of backward",
        "z = x.sin() * y\nz.backward(w, retain_graph=True)\nonce = x.grad.clone()\nz.backward(w)",
        ("once", "x.grad", "y.grad"),
        {"x": uniform(5), "y": uniform(5), "w": uniform(5)},
    ),
    Case(
        "a graph is freed unless it is kept",
        "z = x.exp() * x\nz.backward(w)\n"
        "second = 'nothing'\n"
        "try:\n    z.backward(w)\nexcept RuntimeError:\n    second = 'RuntimeError'",
        ("x.grad", "second"),
        {"x": uniform(5), "w": uniform(5)},
    ),
    Case(
        "a saved value that was changed is noticed",
        "y = x * 2\nz = y * y\ny.add_(1)\nfound = 'nothing'\n"
        "try:\n    z.backward(w)\nexcept RuntimeError:\n    found = 'RuntimeError'",
        ("y", "found"),
        {"x": uniform(5), "w": uniform(5)},
    ),
    Case(
        "no_grad and detach",
        "with engine.no_grad():\n    y = x * 3\nz = x.detach() * x + y\nz.backward(w)",
        ("y.requires_grad", "z", "x.grad"),
        {"x": uniform(5), "w": uniform(5)},
    ),
]

NETWORK = "model = engine.nn.Sequential(engine.nn.Linear(5, 4), engine.nn.ReLU(), engine.nn.Linear(4, 3))\n"
STEPS = (
    "parameter = engine.nn.Parameter(x.detach().clone())\n"
    "{optimizer}\n"
    "for _ in range(4):\n"
    "    optimizer.zero_grad()\n"
    "    ((parameter * w) ** 2).sum().backward()\n"
    "    optimizer.step()"
)

LEARNING = [
    Case(
        "initial weights from a seed",
        "engine.manual_seed(7)\n" + NETWORK + "names = ' '.join(name for name, _ in model.named_parameters())",
        ("names", "model[0].weight", "model[0].bias", "model[2].weight"),
        tolerance="exact",
    ),
    Case(
        "a network and its cross-entropy",
        "engine.manual_seed(3)\n" + NETWORK + "loss = engine.nn.CrossEntropyLoss()(model(x.float()), labels)\n"
        "loss.backward()",
        ("loss", "model[0].weight.grad", "model[0].bias.grad", "model[2].weight.grad", "x.grad"),
        {"x": uniform(6, 5), "labels": integers(3, (6,))},
        "network float32",
    ),
    Case(
        "log-softmax of large numbers",
        "z = engine.nn.functional.log_softmax(x, 1)\nz.backward(w)",
        ("z", "x.grad"),
        {"x": uniform(4, 5, low=-1000.0, high=1000.0), "w": uniform(4, 5)},
        "convolution float64",
    ),
    Case(
        "batch normalisation, training and evaluating",
        "layer = engine.nn.BatchNorm1d(3, dtype=engine.float64)\nz = layer(x)\nz.backward(w)\n"
        "layer.eval()\nlater = layer(x.detach())",
        ("z", "x.grad", "layer.weight.grad", "layer.running_mean", "layer.running_var", "later"),
        {"x": uniform(8, 3), "w": uniform(8, 3)},
        "network float64",
    ),
    Case(
        "convolution, unequal paddings and strides",
        "z = engine.nn.functional.conv2d(x, weight, bias, stride=(2, 1), padding=(2, 0))\nz.backward(w)",
        ("z", "x.grad", "weight.grad", "bias.grad"),
        {"x": uniform(2, 2, 6, 7), "weight": uniform(3, 2, 3, 2), "bias": uniform(3), "w": uniform(2, 3, 4, 6)},
        "convolution float64",
    ),
    Case(
        "SGD with momentum, nesterov and weight decay",
        STEPS.format(
            optimizer="optimizer = engine.optim.SGD("
            "[parameter], lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1)"
        ),
        ("parameter",),
        {"x": uniform(6), "w": uniform(6, low=0.5)},
        "training float64",
    ),
    Case(
        "Adam",
        STEPS.format(optimizer="optimizer = engine.optim.Adam([parameter], lr=0.1)"),
        ("parameter",),
        {"x": uniform(6), "w": uniform(6, low=0.5)},
        "training float64",
    ),
]

CASES = [*RULES, *SHAPES, *TAPE, *LEARNING]
