"""Einstein summation: products of tensors summed over the letters that the result does not have.

Each tensor is brought to one dimension a letter, in one order; two at a time are then multiplied, and what no later
tensor and no result needs is summed, as a batched matrix product.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import welcoming
from minigrad.graph.node import Tensor
from minigrad.ops.matmul import bmm

__all__ = ["einsum"]


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DOTS = "..."


@welcoming
def einsum(equation: Any, *operands: Any) -> Tensor:
    """``einsum("bij,bjk->bik", a, b)`` is a batched matrix product; "..." stands for leading dimensions, broadcast.

    Shapes: as the equation says. Without "->" the result has, in alphabetical order, the letters that occur once.
    Instead of letters, lists of numbers may follow each operand: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.

    Raises:
        RuntimeError: the equation does not fit the operands, or their sizes each other.
        ValueError: the equation or the operands are missing, or a number in a list is not in 0 … 51.

    >>> a, b = minigrad.tensor([1, 2]), minigrad.tensor([3, 4])
    >>> minigrad.einsum("i,j->ij", a, b)
    tensor([[3, 4],
            [6, 8]])
    """
    if not operands:
        raise ValueError("einsum(): must specify the equation and at least one operand")
    if not isinstance(equation, str):
        check_tensors("einsum", equation=equation)
        equation, operands = from_lists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not operands:
        raise ValueError("einsum(): must specify the equation string and at least one operand")
    for each in operands:
        check_tensors("einsum", operands=each)
    terms, result = parse(equation, operands)
    for number, (term, operand) in enumerate(zip(terms, operands)):
        count = len(term) - (DOTS in term)
        if count > operand.ndim if DOTS in term else count != operand.ndim:
            says, end = ("is more than", "") if DOTS in term else ("does not match", " and no ellipsis was given")
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({count}) {says} the number of dimensions "
                f"({operand.ndim}) for operand {number}{end}"
            )
    leading = max([operand.ndim - len(term) + 1 for term, operand in zip(terms, operands) if DOTS in term], default=0)
    places = [f"dot{number}" for number in range(leading)]
    wanted = spell(result, places)
    spelled = [spell(term, places, operand.ndim) for term, operand in zip(terms, operands)]
    summed = sorted({label for term in spelled for label in term} - set(wanted))
    order = wanted + summed
    check_sizes(spelled, operands)
    aligned = [align(operand, term, order) for operand, term in zip(operands, spelled)]
    total: Any = None
    for position, operand in enumerate(aligned):
        known = {label for term in spelled[: position + 1] for label in term}
        later = {label for term in spelled[position + 1 :] for label in term}
        now = [order.index(label) for label in summed if label in known - later]
        if total is not None:
            total = multiply_and_sum(total, operand, now)
        else:
            total = operand.sum(now, keepdim=True) if now else operand
    return total.reshape(total.shape[: len(wanted)])


def from_lists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The equation that lists of numbers mean, and the operands between them."""
    result = arguments[-1] if len(arguments) % 2 else None
    operands = arguments[: len(arguments) // 2 * 2 : 2]
    equation = ",".join([letters_of(term) for term in arguments[1::2][: len(operands)]])
    if result is not None:
        equation += "->" + letters_of(result)
    return equation, operands


def letters_of(numbers: Any) -> str:
    """The letters that a list of numbers means.

    Raises:
        ValueError: there is no such letter.
    """
    letters = []
    for each in numbers:
        if each is not Ellipsis and not 0 <= operator.index(each) < len(LETTERS):
            raise ValueError(f"einsum(): subscript {each} in the subscript list is not within the valid range [0, 52)")
        letters.append(DOTS if each is Ellipsis else LETTERS[each])
    return "".join(letters)


def parse(equation: str, operands: tuple[Any, ...]) -> tuple[list[list[str]], list[str]]:
    """The labels of each operand and of the result: letters, and one :data:`DOTS` at most."""
    left, arrow, right = equation.partition("->")
    terms, start = [], 0
    for number, term in enumerate(left.split(",")):
        terms.append(labels_of(term, start, f"operand {number}"))
        start += len(term) + 1
    if len(terms) != len(operands):
        raise RuntimeError(
            f"einsum(): {'more' if len(operands) > len(terms) else 'fewer'} operands were provided than specified in "
            f"the equation: {len(operands)} and {len(terms)}"
        )
    used = [label for term in terms for label in term]
    if not arrow:
        once = sorted(label for label in set(used) - {DOTS} if used.count(label) == 1)
        return terms, ([DOTS] if DOTS in used else []) + once
    result = labels_of(right, len(left) + len(arrow), "output")
    for label in result:
        if result.count(label) > 1:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output")
        if label not in used and label != DOTS:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
    return terms, result


def labels_of(term: str, start: int, whose: str) -> list[str]:
    """``"i...j"`` as ``["i", "...", "j"]``. It stands at ``start`` in the equation, ``whose`` says for what."""
    labels: list[str] = []
    position = 0
    while position < len(term):
        label = DOTS if term.startswith(DOTS, position) else term[position]
        if "." in label and DOTS in labels:
            already = "but an ellipsis (...)" if whose == "output" else "for which an ellipsis"
            raise RuntimeError(f"einsum(): found '.' for {whose} {already} was already found")
        if label == ".":
            raise RuntimeError(f"einsum(): found '.' for {whose} that is not part of any ellipsis (...)")
        if label not in (DOTS, " ") and label not in LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {start + position} in the equation string, subscripts "
                f"must be in [a-zA-Z], not {label}"
            )
        labels += [label] if label != " " else []
        position += len(label)
    return labels


def spell(term: list[str], places: list[str], ndim: int | None = None) -> list[str]:
    """The labels with the dots replaced by the leading dimensions that they stand for, the last ones if fewer."""
    if DOTS not in term:
        return list(term)
    position = term.index(DOTS)
    count = len(places) if ndim is None else ndim - len(term) + 1
    return term[:position] + places[len(places) - count :] + term[position + 1 :]


def check_sizes(spelled: list[list[str]], operands: tuple[Any, ...]) -> None:
    """Raise a RuntimeError where one label means two sizes, neither of them 1."""
    sizes: dict[str, int] = {}
    for number, (term, operand) in enumerate(zip(spelled, operands)):
        within: dict[str, int] = {}
        for label, size in zip(term, operand.shape):
            if within.setdefault(label, size) != size:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {number} but the sizes don't match, {size} "
                    f"!= {within[label]}"
                )
            known = sizes.get(label, 1)
            if known != 1 and size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {number} which does not broadcast with "
                    f"previously seen size {known}"
                )
            sizes[label] = size if known == 1 else known


def align(operand: Tensor, term: list[str], order: list[str]) -> Tensor:
    """``operand`` with one dimension a label of ``order``, of size 1 where it lacks the label."""
    labels = list(term)
    for label in dict.fromkeys(term):
        while labels.count(label) > 1:  # a repeated letter is a diagonal
            first = labels.index(label)
            second = labels.index(label, first + 1)
            operand = operand.diagonal(0, first, second)
            labels = [each for place, each in enumerate(labels) if place not in (first, second)] + [label]
    present = [label for label in order if label in labels]
    operand = operand.permute([labels.index(label) for label in present])
    for position, label in enumerate(order):
        if label not in labels:
            operand = operand.unsqueeze(position)
    return operand


def multiply_and_sum(left: Tensor, right: Tensor, dims: list[int]) -> Tensor:
    """``(left * right).sum(dims, keepdim=True)``, through one batched matrix product."""
    for dim in dims:
        if left.shape[dim] == 1 and right.shape[dim] != 1:
            right = right.sum(dim, keepdim=True)
        elif right.shape[dim] == 1 and left.shape[dim] != 1:
            left = left.sum(dim, keepdim=True)
    dims = [dim for dim in dims if left.shape[dim] != 1]
    if not dims:
        return left * right
    free = [dim for dim in range(left.ndim) if dim not in dims]
    batch = [dim for dim in free if left.shape[dim] != 1 and right.shape[dim] != 1]
    rows = [dim for dim in free if right.shape[dim] == 1]
    columns = [dim for dim in free if dim not in batch and dim not in rows]
    sizes = [left.shape[dim] for dim in batch]
    rows_sizes, columns_sizes = [left.shape[dim] for dim in rows], [right.shape[dim] for dim in columns]
    count, length = int(np.prod(sizes)), int(np.prod([left.shape[dim] for dim in dims]))
    first = left.permute(batch + rows + dims + columns).reshape(count, int(np.prod(rows_sizes)), length)
    second = right.permute(batch + dims + columns + rows).reshape(count, length, int(np.prod(columns_sizes)))
    product = bmm(first, second).reshape(sizes + rows_sizes + columns_sizes + [1] * len(dims))
    made_of = batch + rows + columns + dims
    return product.permute([made_of.index(dim) for dim in range(left.ndim)])
