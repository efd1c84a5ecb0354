"""``"x**2 + 2*x + 1"`` with ``x=2``: a text that may come from a stranger, computed without running it.

Python's ``ast`` parses it, and :class:`Evaluation` walks what comes of that: numbers, names that were given values,
arithmetic, comparisons, subscripts, and calls of :data:`FUNCTIONS`. Everything else is refused in a sentence, and so is
what would take long or much memory: each tensor has at most :data:`LARGEST` elements, each integer at most 64 bits.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.creation import tensor
from minigrad.tensor import Tensor

__all__ = ["FUNCTIONS", "evaluated", "given_values"]

LONGEST = 1000  # letters
DEEPEST = 100  # operations one inside another
LARGEST = 1000  # elements of a tensor

# As functions, and those that tensors have as methods too. None makes more elements than two of its arguments have
# multiplied, or all of them broadcast.
NAMES = """
    abs acos acosh add addcdiv addcmul amax amin asin asinh atan atan2 atanh binary_cross_entropy cat celu clamp
    clamp_max clamp_min clone cos cosh cosine_similarity cross_entropy cumprod cumsum detach diagonal div dot elu
    erf exp exp2 expm1 flatten flip fmod gelu hardsigmoid hardswish hardtanh huber_loss inner l1_loss leaky_relu lerp
    log log10 log1p log2 log_softmax logaddexp logsigmoid logsumexp matmul max maximum mean min minimum mish mm mse_loss
    mul mv neg norm outer permute pow prod reciprocal relu relu6 remainder reshape rsqrt selu sigmoid silu sin sinh
    smooth_l1_loss softmax softmin softplus softsign sort sqrt square squeeze stack std sub sum t tan tanh tanhshrink
    transpose tril triu unbind unsqueeze var view where
"""
FUNCTIONS = frozenset(NAMES.split())
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
ATTRIBUTES = {Tensor: ("T", "mT"), tuple: ("values", "indices")}  # a tuple: the results of max, min and sort

OPERATORS: dict[type, Any] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.USub: operator.neg}
OPERATORS |= {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.UAdd: operator.pos, ast.Pow: operator.pow}
OPERATORS |= {ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.MatMult: operator.matmul}
OPERATORS |= {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Eq: operator.eq}
OPERATORS |= {ast.Gt: operator.gt, ast.GtE: operator.ge, ast.NotEq: operator.ne}


def given_values(assignments: list[str]) -> dict[str, Tensor]:
    """Tensors that require grad from texts such as ``x=2`` and ``w=[1, 2, 3]``.

    Raises:
        ValueError: one is no name with a number or nested lists of numbers.
    """
    values: dict[str, Tensor] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier() or name.startswith("_"):
            raise ValueError(f"a value is given as x=2 or x=[1, 2, 3], not as {shortened(assignment)}")
        if name in values:
            raise ValueError(f"{name} is given twice")
        if name in FUNCTIONS or name in CONSTANTS:
            raise ValueError(f"{name} has a meaning already: give the value another name")
        if len(text) > 20 * LARGEST:
            raise ValueError(f"{name} is longer than {20 * LARGEST} letters")
        try:
            values[name] = tensor(as_floats(ast.literal_eval(text.strip())), requires_grad=True)
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError):
            told = "a number, or lists of numbers of equal lengths"
            raise ValueError(f"{name} is to be {told}, not {shortened(text)}") from None
        if not 0 < values[name].numel() <= LARGEST:
            raise ValueError(f"{name} has {values[name].numel()} numbers: give 1 to {LARGEST}")
    return values


def as_floats(value: Any) -> Any:
    """Nested lists of numbers, as floats."""
    if isinstance(value, (list, tuple)):
        return [as_floats(each) for each in value]
    if type(value) not in (int, float):
        raise TypeError
    return float(value)


def evaluated(text: str, values: Mapping[str, Tensor], engine: Any) -> Tensor:
    """The tensor that an expression of ``values`` gives, computed by the functions of ``engine``.

    Raises:
        ValueError: it has something in it that is not allowed, or that fails; the sentence says what.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise ValueError(f"the expression has {len(text)} letters: {LONGEST} are the most")
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{shortened(text)} is no expression: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError):
        raise ValueError(f"{shortened(text)} is no expression that can be read") from None
    check_depth(tree)
    evaluation = Evaluation(values, engine)
    result = evaluation.value(tree)
    if not isinstance(result, Tensor):
        raise ValueError(f"{shortened(text)} gives {in_a_word(result)} and no tensor")
    unused = sorted(set(values) - evaluation.used)
    if unused:
        raise ValueError(f"{unused[0]} is given a value, and does not stand in {shortened(text)}")
    return result


def check_depth(tree: ast.AST) -> None:
    """Raise a ValueError where parts stand too deep inside others."""
    level = [tree]
    for _ in range(DEEPEST):
        level = [part for node in level for part in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ValueError(f"the expression has more than {DEEPEST} operations one inside another")


class Evaluation:
    """One expression while it is computed, from its innermost parts outward."""

    def __init__(self, values: Mapping[str, Tensor], engine: Any) -> None:
        self.values = values
        self.engine = engine
        self.used: set[str] = set()

    def value(self, node: ast.AST) -> Any:
        """What a part of the expression gives."""
        compute = getattr(self, f"of_{type(node).__name__}", None)
        if compute is None:
            raise ValueError(f"{shown(node)} is not allowed in an expression: only arithmetic and functions are")
        return compute(node)

    def of_Constant(self, node: ast.Constant) -> Any:
        if type(node.value) not in (int, float, bool, type(None), type(...)):
            raise ValueError(f"{shown(node)} is not allowed in an expression: only numbers are")
        return self.call(node, lambda: node.value, [], {})

    def of_Name(self, node: ast.Name) -> Any:
        self.used.add(node.id)
        if node.id in self.values:
            return self.values[node.id]
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        if node.id in FUNCTIONS:
            raise ValueError(f"{node.id} is a function: call it, as in {node.id}(x)")
        raise ValueError(f"{node.id} is not known: give it a value, as in {node.id}=2")

    def of_BinOp(self, node: ast.BinOp) -> Any:
        return self.computed(node, OPERATORS.get(type(node.op)), self.value(node.left), self.value(node.right))

    def of_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return self.computed(node, OPERATORS.get(type(node.op)), self.value(node.operand))

    def of_Compare(self, node: ast.Compare) -> Any:
        function = OPERATORS.get(type(node.ops[0])) if len(node.ops) == 1 else None
        return self.computed(node, function, self.value(node.left), self.value(node.comparators[0]))

    def computed(self, node: ast.expr, function: Any, *operands: Any) -> Any:
        """``function`` of numbers and tensors."""
        if function is None:
            raise ValueError(f"{shown(node)} is not allowed in an expression: only arithmetic and functions are")
        for each in operands:
            if not isinstance(each, (Tensor, int, float)):
                raise ValueError(f"{shown(node)} computes with {in_a_word(each)}, which is no number and no tensor")
        if function is operator.pow and all(isinstance(each, int) for each in operands):
            base, exponent = operands
            if exponent > 0 and abs(base) > 1 and exponent * math.log2(abs(base)) > 64:
                raise ValueError(f"{shown(node)} is a number of more than 64 bits")
        return self.call(node, function, list(operands), {})

    def of_Call(self, node: ast.Call) -> Any:
        name = node.func
        arguments = []
        if isinstance(name, ast.Attribute) and not is_engine(name.value):
            arguments.append(self.value(name.value))
            if not isinstance(arguments[0], Tensor):
                raise ValueError(f"{shown(name.value)} is no tensor, so it has no {name.attr}")
            function = getattr(Tensor, name.attr, None) if name.attr in FUNCTIONS else None
        else:
            called = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
            function = self.function(called)
        if function is None:
            raise ValueError(f"{shown(name)} is not among the functions that an expression may call")
        arguments += [self.value(each) for each in node.args]
        if any(each.arg is None for each in node.keywords):
            raise ValueError(f"{shown(node)} is not allowed in an expression: it has ** in it")
        named = {each.arg: self.value(each.value) for each in node.keywords if each.arg is not None}
        return self.call(node, function, arguments, named)

    def function(self, name: str) -> Any:
        """The engine's function of this name, or None."""
        place = self.engine if name in self.engine.__all__ else self.engine.nn.functional
        return getattr(place, name, None) if name in FUNCTIONS else None

    def of_Attribute(self, node: ast.Attribute) -> Any:
        value = self.value(node.value)
        for kind, names in ATTRIBUTES.items():
            if isinstance(value, kind) and node.attr in names and hasattr(value, node.attr):
                return checked(getattr(value, node.attr))
        raise ValueError(f"{shown(node)} is not allowed in an expression: {in_a_word(value)} has no such part here")

    def of_Subscript(self, node: ast.Subscript) -> Any:
        return self.call(node, subscripted, [self.value(node.value), self.value(node.slice)], {})

    def of_Slice(self, node: ast.Slice) -> slice:
        return slice(*[None if each is None else self.value(each) for each in (node.lower, node.upper, node.step)])

    def of_Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple([self.value(each) for each in node.elts])

    def of_List(self, node: ast.List) -> list[Any]:
        return [self.value(each) for each in node.elts]

    def call(self, node: ast.expr, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """What ``function`` gives, if it is no larger than allowed."""
        try:
            check_broadcast([*arguments, *named.values()])
            return checked(function(*arguments, **named))
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            told = str(error).partition("\n")[0]
            raise ValueError(f"{shown(node)} cannot be computed: {told}") from None


def is_engine(node: ast.expr) -> bool:
    """True for a name that stands before functions in a program: ``F.gelu(x)``, ``torch.exp(x)``."""
    return isinstance(node, ast.Name) and node.id in ("F", "minigrad", "torch")


def subscripted(value: Any, index: Any) -> Any:
    """``value[index]``; tensors in an index may be broadcast to many elements."""
    parts = index if isinstance(index, tuple) else (index,)
    shapes = [tuple(each.shape) for each in parts if isinstance(each, Tensor)]
    if shapes and isinstance(value, Tensor) and math.prod(np.broadcast_shapes(*shapes)) * value.numel() > LARGEST**2:
        raise ValueError("its index has too many elements")
    return value[index]


def check_broadcast(arguments: list[Any]) -> None:
    """Raise a ValueError where more than two tensors would be very many elements, broadcast to one another."""
    shapes = [tuple(each.shape) for each in arguments if isinstance(each, Tensor)]
    if len(shapes) > 2:
        count = math.prod(np.broadcast_shapes(*shapes))
        if count > LARGEST:
            raise ValueError(f"broadcast, it has {count} elements, and {LARGEST} are the most")


def checked(value: Any) -> Any:
    """``value``, if it is neither too large nor of another kind than tensors and real numbers."""
    if isinstance(value, (tuple, list)):
        for each in value:
            checked(each)
    elif isinstance(value, Tensor):
        if value.numel() > LARGEST:
            raise ValueError(f"it has {value.numel()} elements, and {LARGEST} are the most")
    elif isinstance(value, complex):
        raise ValueError("it is a complex number")
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("it is a number of more than 64 bits")
    return value


def shown(node: ast.AST) -> str:
    """A part of the expression, as text."""
    return shortened(ast.unparse(node))


def shortened(text: str) -> str:
    """``text`` in one line that a terminal can show, in quotes."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def in_a_word(value: Any) -> str:
    """What a value is, in a word."""
    if isinstance(value, (bool, int, float)):
        return f"the number {value}"
    return {list: "a list", tuple: "a tuple", type(None): "None"}.get(type(value), f"a {type(value).__name__}")
