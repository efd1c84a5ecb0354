"""The exercises of section 6: two passes over a program's graph.

The programs are traced, for the source of a case is not there to be scripted.
"""

from __future__ import annotations

from comparisons.coursework.cases import Case, uniform
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


def graph_of(expression: str) -> str:
    """Statements that trace a function of x."""
    return f"program = engine.jit.trace(lambda x: {expression}, x.detach())\ngraph = program.graph\n"


def dead(name: str, expression: str, nodes: list[tuple[str, int]], left: int) -> Case:
    """A program after nodes that nobody needs, each of a kind and of the value with a number, were put at its end."""
    added = [
        f"taken = values[{place}]\nnode = graph.append(engine.jit.Node('{kind}', [taken], ['Tensor']))\n"
        "values.append(node.outputs[0])\n"
        for kind, place in nodes
    ]
    return Case(
        name,
        f"{graph_of(expression)}values = [graph.inputs[0]]\n{''.join(added)}engine.remove_dead(graph)\n"
        "z, left = program(x), engine.tensor(len(graph.nodes))",
        ("z", "left"),
        {"x": uniform(3, low=0.5)},
        theirs=f"z, left = {expression}, engine.tensor({left})",
    )


def squares(name: str, expression: str, kinds: list[str]) -> Case:
    """A program in which squares are products: what it gives, and how many powers and products are in it."""
    counts = ", ".join([f"sum(each.kind == 'aten::{kind}' for each in graph.nodes)" for kind in ("pow", "mul")])
    wanted = ", ".join([str(kinds.count(kind)) for kind in ("pow", "mul")])
    return Case(
        name,
        f"{graph_of(expression)}engine.square_by_product(graph)\nz, counts = program(x), engine.tensor([{counts}])",
        ("z", "counts"),
        {"x": uniform(3, low=0.5)},
        theirs=f"z, counts = {expression}, engine.tensor([{wanted}])",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "6.1",
        "Dead code",
        ("remove_dead",),
        (
            dead("nothing is dead", "x.exp() + x.sin()", [], 4),
            dead("one node", "x.exp() + x.sin()", [("aten::cos", 0)], 4),
            dead("a chain", "x.exp() * 2", [("aten::cos", 0), ("aten::exp", 1), ("aten::neg", 2)], 3),
            dead("what changes a tensor stays", "(x * 1).exp()", [("aten::cos", 0), ("aten::neg_", 1)], 5),
        ),
    ),
    Exercise(
        "6.2",
        "Squares are products",
        ("square_by_product",),
        (
            squares("a square", "x**2 + x", ["mul"]),
            squares("a power of 2.0", "x**2.0 + x", ["pow"]),
            squares("other powers", "x**3 + x**0.5 + 2**x", ["pow"] * 3),
            squares("squares of squares", "(x**2 + 1)**2 * 2", ["mul"] * 3),
            squares("no power", "x * 2 + 2", ["mul"]),
        ),
    ),
)
