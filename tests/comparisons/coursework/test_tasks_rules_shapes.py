"""Read and predict: the answers that are right are what both engines really do."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import minigrad
from comparisons.coursework.assignments import ASSIGNMENTS

QUESTIONS = [(task, question) for task in ASSIGNMENTS["A0"].tasks for question in task.questions]


def polynomial(engine: Any) -> dict[str, Any]:
    """x*x + 2*x + 1, each part by its name."""
    x = engine.tensor(3.0, requires_grad=True)
    a = x * x
    b = 2 * x
    c = a + b
    return {"x": x, "a": a, "b": b, "c": c, "z": c + 1}


def exponential(engine: Any) -> dict[str, Any]:
    x = engine.tensor(3.0, requires_grad=True)
    s = x.exp()
    p = s * 2
    q = s * s
    return {"x": x, "s": s, "p": p, "q": q, "z": p + q}


def detached(engine: Any) -> dict[str, Any]:
    x = engine.tensor(3.0, requires_grad=True)
    s = x.exp()
    p = s * s
    return {"x": x, "s": s, "p": p, "z": p + s.detach()}


def leaf_beside(engine: Any) -> dict[str, Any]:
    x, w = [engine.tensor(3.0, requires_grad=True) for _ in range(2)]
    s = x.exp()
    return {"x": x, "w": w, "s": s, "z": s + w}


def edges(node: Any) -> list[str]:
    """The names of the nodes that a node's edges lead to."""
    return ["none" if each is None else name_of(each) for each, _ in node.next_functions]


def name_of(node: Any) -> str:
    return str(node.name()).rpartition("::")[2].lower()


def nodes_behind(z: Any) -> list[Any]:
    """Every node, once."""
    nodes = [z.grad_fn]
    for node in nodes:
        nodes += [each for each, _ in dict.fromkeys(node.next_functions) if each is not None and each not in nodes]
    return nodes


def arrows(z: Any) -> list[Any]:
    """Where each edge leads that leads to a node."""
    return [each for node in nodes_behind(z) for each, _ in node.next_functions if each is not None]


def shared(z: Any) -> Any:
    """The only node to which several edges lead."""
    ends = arrows(z)
    (node,) = {each for each in ends if ends.count(each) > 1}
    return node


def walked(names: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """z's walk: for each node that runs the tensor's name, and what it then sends along its edges."""
    ran: list[tuple[str, list[float]]] = []
    leaves = {each for each in nodes_behind(names["z"]) if name_of(each) == "accumulategrad"}
    handles = []
    for name, tensor in names.items():
        (node,) = [each for each in leaves if each.variable is tensor] if tensor.grad_fn is None else [tensor.grad_fn]

        def note(sent: Any, _: Any, name: str = name) -> None:
            ran.append((name, [each.item() for each in sent if each is not None]))

        handles.append(node.register_hook(note))
    try:
        names["z"].backward()
    except RuntimeError:
        ran.append(("stopped", []))
    for handle in handles:
        handle.remove()
    return ran


def after_second_walk(engine: Any) -> str:
    x = engine.tensor(3.0, requires_grad=True)
    z = x + 1
    z.backward()
    z.backward()
    return f"{x.grad.item():g}"


def found(engine: Any) -> dict[str, str]:
    """What an engine really does, by question."""
    names = polynomial(engine)
    z, leaf = names["z"], shared(names["z"])
    first = walked(names)
    total = names["x"].grad.item()
    second = [name for name, _ in walked(names)]
    sent = dict(first)
    order = [name for name, _ in first]
    until_b = order[: order.index("b") + 1]
    numbers = {name: " ".join(f"{each:g}" for each in values) for name, values in sent.items()}
    apart, others = detached(engine), exponential(engine)
    with engine.no_grad():
        unrecorded = names["x"] * 2
    return {
        "names": " ".join(name_of(names[name].grad_fn) for name in "zcba"),
        "nodes": str(len(nodes_behind(z))),
        "edges": str(len(arrows(z))),
        "shared": f"{name_of(leaf)} {arrows(z).count(leaf)}",
        "edges of a": " ".join(edges(names["a"].grad_fn)),
        "edges of b": " ".join(edges(names["b"].grad_fn)),
        "detached": " ".join(edges(apart["z"].grad_fn)),
        "shared again": name_of(shared(apart["z"])),
        "unrecorded": str(unrecorded.grad_fn).lower(),
        "order": " ".join(order),
        "waiting": str(sum(edges(names[name].grad_fn).count("accumulategrad") for name in until_b)),
        "sent by b": numbers["b"],
        "sent by a": numbers["a"],
        "total": f"{total:g}",
        "freed": order[second.index("stopped")],
        "nothing saved": after_second_walk(engine),
        "made last": " ".join(name for name, _ in walked(others)),
        "summed": str(arrows(others["z"]).count(others["s"].grad_fn)),
        "a leaf beside": " ".join(name for name, _ in walked(leaf_beside(engine))),
    }


@pytest.mark.parametrize("engine", [minigrad, torch])
def test_what_is_predicted_is_what_both_engines_do(engine: Any) -> None:
    assert {question.name: question.answer for _, question in QUESTIONS} == found(engine)


def test_an_answer_can_be_given_in_the_form_that_the_sheet_asks_for() -> None:
    for task, question in QUESTIONS:
        assert question.answer == " ".join(question.answer.lower().split())
        assert not set(question.answer) & set(",;.()'\"`")
        assert "in lower case, parted by single spaces" in task.text
