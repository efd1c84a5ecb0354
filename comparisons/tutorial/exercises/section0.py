"""The exercises of section 0: an engine for single numbers, from a slope to a step of training.

What the reader's engine computes is compared with the gradients of PyTorch for the same expression. A neuron and a step
are asked on minigrad's tensors, so that they are checked whatever the engine beneath them does.
"""

from __future__ import annotations

from comparisons.coursework.cases import Case, Draw, uniform
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

X, XY = {"x": uniform()}, {"x": uniform(), "y": uniform()}


def slope(name: str, expression: str, derivative: str) -> Case:
    """The slope of a function of one number."""
    program = f"at = x.item()\nfound = engine.slope(lambda x: {expression}, at)"
    error = "close = abs(found - {}) < 1e-5"
    return Case(
        name,
        f"{program}\n{error.format(derivative)}",
        ("close",),
        X,
        theirs=f"z = {expression}\nz.backward()\nfound = x.grad.item()\nat = x.item()\n{error.format(derivative)}",
    )


def rule(name: str, node: str, expression: str, inputs: dict[str, Draw]) -> Case:
    """What an operation computes, and what its rule sends back for a gradient that arrives."""
    numbers = ", ".join(f"{each}.item()" for each in inputs)
    grads = [f"grad_{each}" for each in inputs]
    return Case(
        name,
        f"node = engine.{node}()\nz = node.forward({numbers})\nsent = node.backward(w.item())\n"
        f"z, {', '.join(grads)} = engine.tensor([z, *sent], dtype=engine.float64)",
        ("z", *grads),
        {**inputs, "w": uniform()},
        theirs=f"z = {expression}\nz.backward(w)\n{', '.join(grads)}, = {', '.join(f'{x}.grad' for x in inputs)},",
    )


def gradients(name: str, statements: str) -> Case:
    """The gradients of an expression of two values, ``z``."""
    return Case(
        name,
        "x, y = engine.Value(x.item()), engine.Value(y.item())\n"
        f"{statements}\nz.backward()\n"
        "value, grad_x, grad_y = engine.tensor([z.data, x.grad, y.grad], dtype=engine.float64)",
        ("value", "grad_x", "grad_y"),
        XY,
        theirs=f"{statements}\nz.backward()\nvalue, grad_x, grad_y = z, x.grad, y.grad",
    )


def order(name: str, statements: str, count: int) -> Case:
    """The nodes of an expression of a value, ``z``: how many are found, and whether each stands before its inputs."""
    return Case(
        name,
        f"x = engine.Value(x.item())\n{statements}\nfound = engine.in_order(z.node)\ncount = len(found)\n"
        "place = {node: number for number, node in enumerate(found)}\n"
        "ordered = all(place[node] < place[each] for node in found for each in node.edges if each is not None)",
        ("count", "ordered"),
        X,
        theirs=f"count, ordered = {count}, True",
    )


EXERCISES = (
    Exercise(
        "0.1",
        "a slope",
        ("slope",),
        (
            slope("a square", "x * x", "2 * at"),
            slope("a cube", "x * x * x + x", "(3 * at * at + 1)"),
            slope("a line", "5 * x - 1", "5"),
        ),
    ),
    Exercise("0.2", "Mul", ("Mul",), (rule("the product", "Mul", "x * y", XY),)),
    Exercise(
        "0.3",
        "Tanh",
        ("Tanh", "Value"),
        (
            rule("the rule", "Tanh", "x.tanh()", X),
            Case(
                "its place in the graph",
                "x = engine.Value(x.item())\nz = engine.Tanh.apply(x)\n"
                "edges = len(z.node.edges)\nleads_to_x = z.node.edges[0] is x.node",
                ("edges", "leads_to_x"),
                X,
                theirs="node = x.tanh().grad_fn\n"
                "edges = len(node.next_functions)\nleads_to_x = node.next_functions[0][0].variable is x",
            ),
        ),
    ),
    Exercise(
        "0.4",
        "in_order",
        ("in_order", "Value"),
        (
            order("a leaf alone", "z = x", 1),
            order("a sum", "z = x + 1.0", 2),
            order("a value used twice", "y = x + 1.0\nz = y + y", 3),
            order("paths of different lengths", "y = x + x\nz = (y + 1.0) + (x + y)", 5),
            order("a chain of 3000", "z = x\nfor _ in range(3000):\n    z = z + x", 3001),
        ),
    ),
    Exercise(
        "0.5",
        "walk_backward",
        ("walk_backward", "Value"),
        (
            gradients("a sum", "z = x + y"),
            gradients("a product", "z = x * y"),
            gradients("x * x, which uses x twice", "z = x * x + y"),
            gradients("a value used on several paths", "s = x * y\nt = s + x\nz = s * t + t.tanh() + s"),
            gradients("numbers among the values", "z = 3.0 * x - y * 0.5 + 1.0"),
            gradients("a chain of 3000", "z = x\nfor _ in range(3000):\n    z = z * 0.999 + y"),
            gradients("two walks add up", "(x * y).backward()\nz = x * x * y"),
        ),
    ),
    Exercise(
        "0.6",
        "a neuron",
        ("neuron",),
        (
            Case(
                "three inputs",
                "z = engine.neuron(list(x), b, y.tolist())\nz.backward(w)",
                ("z", "x.grad", "b.grad"),
                {"x": uniform(3), "y": uniform(3), "b": uniform(), "w": uniform()},
                theirs="z = engine.tanh((x * y.detach()).sum() + b)\nz.backward(w)",
            ),
            Case(
                "one input",
                "z = engine.neuron([x], b, [y])\nz.backward(w)",
                ("z", "x.grad", "y.grad", "b.grad"),
                {"x": uniform(), "y": uniform(), "b": uniform(), "w": uniform()},
                theirs="z = engine.tanh(x * y + b)\nz.backward(w)",
            ),
        ),
    ),
    Exercise(
        "0.7",
        "a step",
        ("step",),
        (
            Case(
                "three steps",
                "for _ in range(3):\n    (x * x * y).backward()\n    engine.step([x, y], 0.1)",
                ("x", "y", "x.grad", "y.grad"),
                XY,
                theirs="optimizer = engine.optim.SGD([x, y], lr=0.1)\n"
                "for _ in range(3):\n    (x * x * y).backward()\n    optimizer.step()\n    optimizer.zero_grad()",
            ),
        ),
    ),
    Exercise(
        "0.8",
        "a rule of your own",
        ("Pow",),
        tuple(
            Case(
                f"to the power of {n}",
                f"node = engine.Pow()\nz = node.forward(x.item(), {n})\ngrad_x = node.backward(w.item())[0]\n"
                "z, grad_x = engine.tensor([z, grad_x], dtype=engine.float64)",
                ("z", "grad_x"),
                {"x": uniform(low=0.5), "w": uniform()},
                theirs=f"z = x**{n}\nz.backward(w)\ngrad_x = x.grad",
            )
            for n in (2, 3, -1, 0.5)
        ),
    ),
)
