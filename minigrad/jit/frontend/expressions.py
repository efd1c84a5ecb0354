"""Scripting, the expressions: names, attributes, arithmetic and logic. Subscripts and calls: the files of these names.

Each becomes nodes of the graph, or is known without any."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import minigrad
from minigrad import Tensor, nn
from minigrad.jit.frontend.building import Building, is_path, sequence
from minigrad.jit.frontend.items import Items, Known, Method, Part, Undefined
from minigrad.jit.graph import Block, Value
from minigrad.jit.operations import OPERATIONS
from minigrad.jit.plain import ON_LISTS, ON_NUMBERS
from minigrad.jit.types import NUMBERS

__all__ = ["ARITHMETIC", "Expressions"]


ARITHMETIC: dict[type, str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
ARITHMETIC |= {ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.MatMult: "matmul"}
ARITHMETIC |= {ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor"}
COMPARISONS: dict[type, str] = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
COMPARISONS |= {ast.Is: "__is__", ast.IsNot: "__isnot__", ast.In: "__contains__"}
MIRRORED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
ATTRIBUTES = {"shape": "size", "ndim": "dim", "dtype": "dtype", "T": "numpy_T", "mT": "mT", "data": "detach"}
ATTRIBUTES["requires_grad"] = "requires_grad"


class Expressions(Building):
    """Names, attributes, arithmetic and logic."""

    def of_Constant(self, node: ast.Constant) -> Known:
        return Known(node.value, written=True)

    def of_Name(self, node: ast.Name) -> Any:
        if node.id in self.frame.variables:
            item = self.frame.variables[node.id]
            if isinstance(item, Undefined):
                raise self.refused(node, f"{node.id} may have no value here: {item.why}", "give it one before")
            return item
        return self.from_outside(node, node.id, look_up(self.frame.source.function, node.id, self, node))

    def from_outside(self, node: ast.AST, name: str, value: Any) -> Any:
        """What a name stands for that is no variable: a function, a module of Python's, a constant."""
        if isinstance(value, Tensor):
            instead = "give it as an argument, or register it as a buffer"
            raise self.refused(node, f"{name} is a tensor from outside", instead)
        if isinstance(value, nn.Module):
            raise self.refused(node, f"{name} is a module from outside", "make it an attribute of the module")
        return Known(value)

    def of_Attribute(self, node: ast.Attribute) -> Any:
        owner, name = self.of(node.value), node.attr
        if isinstance(owner, Part):
            return self.attribute(node, owner, name)
        if isinstance(owner, Known):
            if not hasattr(owner.value, name):
                raise self.refused(node, f"{ast.unparse(node)} is not there", "look at the name")
            return self.from_outside(node, ast.unparse(node), getattr(owner.value, name))
        if isinstance(owner, Value) and owner.type in ("Tensor", "Tensor?"):
            if name in ATTRIBUTES:
                return self.compute(node, ATTRIBUTES[name], owner)
            if name in ("device", "is_cuda", "is_cpu"):
                return Known(minigrad.device("cpu") if name == "device" else name == "is_cpu")
        if isinstance(owner, Value) and owner.type.startswith("(") and name in ("values", "indices"):
            return self.element(node, owner, 0 if name == "values" else 1)
        return Method(owner, name)

    def attribute(self, node: ast.AST, part: Part, name: str) -> Any:
        """``self.name``: a tensor or ``training`` is a value, a module a part, everything else is known."""
        module = part.module
        if name in module._parameters or name in module._buffers or name == "training":
            if getattr(module, name) is None:
                return Known(None)
            kind = "bool" if name == "training" else "Tensor"
            return self.block.append_attribute(self.module(node, part), name, kind)
        if name in module._modules:
            child = module._modules[name]
            return Known(None) if child is None else Part(child, (*part.path, name))
        function = getattr(type(module), name, None)
        if inspect.isfunction(function) and name not in vars(module):
            return Method(part, name, function)
        if isinstance(function, property):
            return self.inline(node, function.fget, [part], {})
        if not hasattr(module, name):
            raise self.refused(node, f"{type(module).__name__} has no {name}", "look at the name")
        value = getattr(module, name)
        if isinstance(value, Tensor):
            what = f"{name} is a tensor that the module does not know"
            raise self.refused(node, what, f'register_buffer("{name}", …) in __init__')
        return Known(tuple(value) if isinstance(value, list) else value)

    def module(self, node: ast.AST, part: Part) -> Value:
        """The value of a module: the way that leads to it from ``%self``."""
        value = self.graph.inputs[0]
        module: nn.Module = self.root
        for name in part.path:
            module = module._modules[name]  # type: ignore[assignment]
            value = self.block.append_attribute(value, name, type(module).__name__)
        return value

    root: nn.Module

    # ------------------------------------------------------------------------------- arithmetic and logic

    def of_BinOp(self, node: ast.BinOp) -> Any:
        return self.arithmetic(node, ARITHMETIC.get(type(node.op)), self.of(node.left), self.of(node.right))

    def arithmetic(self, node: ast.AST, name: str | None, left: Any, right: Any) -> Any:
        """An operator on tensors or numbers, as Tensor's operators compute it; of tuples, only their sum."""
        if name is None:
            raise self.refused(node, "this operator cannot be scripted", "write it with arithmetic")
        if isinstance(left, (Items, Known)) and isinstance(right, (Items, Known)) and name == "add":
            one, other = sequence(left), sequence(right)
            if one is not None and other is not None:
                return Items((*one.items, *other.items), one.is_list)
        left, right = self.value(node, left), self.value(node, right)
        of_tensor = right.type in ("Tensor", "Tensor?")
        if left.type in NUMBERS and of_tensor:
            if name in ("add", "mul"):
                left, right = right, left
            elif name == "sub":
                return self.compute(node, "rsub", right, left, Known(1))
            elif name == "div":
                return self.compute(node, "mul", self.compute(node, "reciprocal", right), left)
        return self.computed(node, name, left, right)

    def computed(self, node: ast.AST, name: str, left: Value, right: Value) -> Value:
        """An operation of two operands; on tensors, with its other arguments as they are by default."""
        on_tensors = name in OPERATIONS and "Tensor" in (left.type, right.type)
        others = [Known(each.default) for each in OPERATIONS[name].arguments[2:]] if on_tensors else []
        return self.compute(node, name, left, right, *others)

    def of_UnaryOp(self, node: ast.UnaryOp) -> Any:
        item = self.of(node.operand)
        if isinstance(node.op, ast.Not):
            truth = self.condition(node, item)
            return Known(not truth.value) if isinstance(truth, Known) else self.compute(node, "__not__", truth)
        if isinstance(node.op, ast.UAdd):
            return item
        if isinstance(node.op, ast.USub) and isinstance(item, Known):
            return Known(-item.value, item.written)
        return self.compute(node, "neg" if isinstance(node.op, ast.USub) else "bitwise_not", item)

    def of_Compare(self, node: ast.Compare) -> Any:
        if isinstance(node.ops[0], (ast.Is, ast.IsNot)) and isinstance(node.left, ast.Attribute) and is_path(node.left):
            owner = self.of(node.left.value)  # whether self.bias is None is known without reading it
            parts = {**owner.module._parameters, **owner.module._buffers} if isinstance(owner, Part) else {}
            if node.left.attr in parts and ast.unparse(node.comparators[0]) == "None":
                return Known((parts[node.left.attr] is None) == isinstance(node.ops[0], ast.Is))
        operands = [self.of(each) for each in (node.left, *node.comparators)]
        found = None
        for operator, left, right in zip(node.ops, operands, operands[1:]):
            item = self.compared(node, type(operator), left, right)
            found = item if found is None else self.both(node, True, found, partial(self.condition, node, item))
        return found

    def compared(self, node: ast.AST, operator: type, left: Any, right: Any) -> Any:
        """One comparison: known where both sides are, and neither both written."""
        if operator is ast.NotIn:
            found = self.compared(node, ast.In, left, right)
            return Known(not found.value) if isinstance(found, Known) else self.compute(node, "__not__", found)
        known = [each for each in (left, right) if isinstance(each, Known)]
        if operator in (ast.Is, ast.IsNot) and isinstance(left, (Part, Items)):
            return Known(operator is ast.IsNot)
        if operator in (ast.Is, ast.IsNot) and isinstance(left, Value) and not left.type.endswith("?"):
            return Known((left.type == "NoneType") == (operator is ast.Is))
        name = COMPARISONS[operator]
        if operator is ast.In:  # the operation takes first what has the other in it
            left, right = right, left
        if len(known) == 2 and not (left.written and right.written):
            compare = ON_NUMBERS[name] if name in ON_NUMBERS else ON_LISTS[name][0]
            return Known(compare(left.value, right.value))
        if name in MIRRORED:
            left, right = self.value(node, left), self.value(node, right)
            if left.type in NUMBERS and right.type == "Tensor":  # Python asks the tensor: 0 < x is x > 0
                left, right, name = right, left, MIRRORED[name]
        return self.compute(node, name, left, right)

    def of_BoolOp(self, node: ast.BoolOp) -> Any:
        is_and = isinstance(node.op, ast.And)
        found = self.of(node.values[0])
        for operand in node.values[1:]:
            if isinstance(found, Known):  # as in Python, one of them, not its truth
                found = self.of(operand) if bool(found.value) is is_and else found
            else:
                found = self.both(node, is_and, found, partial(self.of, operand))
        return found

    def both(self, node: ast.AST, is_and: bool, left: Any, right: Callable[[], Any]) -> Any:
        """``left and right`` or ``left or right``: the right one is computed only if the left one leaves it open."""
        left = self.condition(node, left)
        taken, other = self.inside(lambda: self.condition(node, right()))
        if isinstance(left, Known) or (isinstance(other, Known) and not taken.nodes):
            known, open_one = (left, other) if isinstance(left, Known) else (other, left)
            return open_one if known.value is is_and else known
        decided = Block(), Known(not is_and)
        pair = [(taken, other), decided] if is_and else [decided, (taken, other)]
        return self.choice(node, left, pair)

    def of_IfExp(self, node: ast.IfExp) -> Any:
        condition = self.condition(node.test, self.of(node.test))
        if isinstance(condition, Known):
            return self.of(node.body if condition.value else node.orelse)
        branches = [self.inside(partial(self.of, each)) for each in (node.body, node.orelse)]
        return self.choice(node, condition, branches)


def look_up(function: Any, name: str, scripting: Expressions, node: ast.AST) -> Any:
    """What a name means in a function where it is no variable: in the functions around it, its module, Python."""
    if name in function.__code__.co_freevars:
        cell = function.__closure__[function.__code__.co_freevars.index(name)]
        return cell.cell_contents
    if name in function.__globals__:
        return function.__globals__[name]
    if not hasattr(builtins, name):
        raise scripting.refused(node, f"{name} has no value", "give it one before")
    return getattr(builtins, name)
