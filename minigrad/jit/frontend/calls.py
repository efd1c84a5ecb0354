"""Scripting, the calls: of modules by name, of operations as nodes, of other functions in place."""

from __future__ import annotations

import ast
import inspect
import math
from typing import Any

import minigrad
from minigrad import Tensor
from minigrad.jit.frontend.building import sequence
from minigrad.jit.frontend.items import Items, Known, Method, Part
from minigrad.jit.frontend.subscripts import Subscripts
from minigrad.jit.graph import Value
from minigrad.jit.operations import EMPTY, OPERATIONS, operation_of
from minigrad.jit.types import NUMBERS, joined

__all__ = ["Calls"]


CASTS = {int: "Int", float: "Float", bool: "Bool"}
ON_NUMBERS = (abs, min, max, math.sqrt, math.exp, math.log, math.floor, math.ceil)
READING = {"dim": "dim", "ndimension": "dim", "item": "item", "nelement": "numel", "numel": "numel", "size": "size"}
WITHOUT_EFFECT = ("device", "_stacklevel", "non_blocking", "requires_grad")  # arguments that change nothing here
OF_KNOWN = (*ON_NUMBERS, bool, float, int, len, sum, str, tuple, reversed, range, getattr, hasattr, math.prod)
EXAMPLES: dict[str, Any] = {"int": 0, "float": 0.0, "bool": False, "str": "", "NoneType": None, "Scalar": 0.0}
EXAMPLES["Tensor"] = minigrad.zeros(0)


class Calls(Subscripts):
    """A call of a module, a method, an operation or a function."""

    def of_Call(self, node: ast.Call) -> Any:
        called = self.of(node.func)
        arguments: list[Any] = []
        for each in node.args:
            item = self.of(each.value if isinstance(each, ast.Starred) else each)
            several = sequence(item) if isinstance(each, ast.Starred) else Items((item,))
            if several is None:  # only of what was written out is it known how many there are
                raise self.refused(node, f"{ast.unparse(each)}: it is not known how many", "write the arguments out")
            arguments += several.items
        if any(each.arg is None for each in node.keywords):
            raise self.refused(node, "** cannot be scripted", "write the arguments out")
        named = {str(each.arg): self.of(each.value) for each in node.keywords}
        if isinstance(called, Part):
            return self.call_module(node, called, arguments, named)
        if isinstance(called, Method):
            return self.call_method(node, called, arguments, named)
        if not isinstance(called, Known) or not callable(called.value):
            raise self.refused(node, f"{ast.unparse(node.func)} is no function", "call a function or a module")
        return self.call_function(node, called.value, arguments, named)

    def call_module(self, node: ast.AST, part: Part, arguments: list[Any], named: dict[str, Any]) -> Value:
        """``self.layer(x)``: its ``forward`` is scripted too, and called by name."""
        graph = self.forward_of(part.module)
        bound = self.bound(node, [each.name for each in graph.inputs[1:]], graph.defaults, arguments, named)
        given = [self.value(node, each) for each in bound]
        for value, wanted in zip(given, graph.inputs[1:]):
            if joined(value.type, wanted.type) != wanted.type:
                what = f"{type(part.module).__name__} takes {wanted.type} for {wanted.name}, and gets {value.type}"
                raise self.refused(node, what, f"annotate its argument, as in {wanted.name}: {value.type}")
        module = self.module(node, part)
        return self.emit(node, "prim::CallMethod", [module, *given], graph.outputs[0].type, name="forward").output

    def bound(
        self, node: ast.AST, names: list[str], defaults: dict[str, Any], arguments: list[Any], named: dict[str, Any]
    ) -> list[Any]:
        """The arguments of a call in order."""
        given = dict(zip(names, arguments)) | named
        missing = [each for each in names if each not in given and each not in defaults]
        surplus = [each for each in named if each not in names] or arguments[len(names) :]
        if missing or surplus or len(given) < len(arguments) + len(named):
            raise self.refused(node, f"a call with other arguments than ({', '.join(names)})", "give these")
        return [given[each] if each in given else Known(defaults[each]) for each in names]

    def call_method(self, node: ast.Call, method: Method, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A method of a module, which is scripted in place, or of a tensor or list, which is an operation."""
        owner = method.of
        if isinstance(owner, Part):
            return self.inline(node, method.function, [owner, *arguments], named)
        if isinstance(owner, Items):
            raise self.refused(node, f"{method.name} of a tuple or list that was written out", "begin with x = []")
        if owner.type.endswith("[]") and method.name == "append":
            return self.compute(node, "append", owner, *arguments)
        function, instead = getattr(Tensor, method.name, None), "write it with other operations"
        if owner.type not in ("Tensor", "Tensor?") or function is None:
            raise self.refused(node, f"{owner.type} has no {method.name} in a program", instead)
        if method.name in READING:
            return self.compute(node, READING[method.name], owner, *arguments, *named.values())
        if method.name == "to":
            return self.to(node, owner, arguments, named)
        if method.name == "cpu":
            return owner
        name = operation_of(function)
        if name is None:
            raise self.refused(node, f"{method.name}() is no operation of programs", instead)
        return self.operation(node, name, function, [owner, *arguments], named)

    def to(self, node: ast.AST, tensor: Value, arguments: list[Any], named: dict[str, Any]) -> Value:
        """``x.to(…)``: another type; of devices there is the CPU alone."""
        for item in (*arguments, *named.values()):
            if isinstance(item, Known) and isinstance(item.value, (str, bool, minigrad.device, type(None))):
                continue
            value = self.value(node, item)
            if value.type not in ("Tensor", "dtype"):
                raise self.refused(node, f"to() with {value.type}", "give a type, as in x.to(minigrad.float64)")
            kind = self.compute(node, "dtype", value) if value.type == "Tensor" else value
            return self.compute(node, "to", tensor, kind)
        return tensor

    def call_function(self, node: ast.Call, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A function: an operation, one of Python's, or one whose source is scripted in place."""
        name = operation_of(function)
        if name is not None:
            return self.operation(node, name, function, arguments, named)
        if all(isinstance(each, Known) for each in (*arguments, *named.values())) and function in OF_KNOWN:
            try:
                options = {name: each.value for name, each in named.items()}
                return Known(function(*[each.value for each in arguments], **options))
            except (ArithmeticError, TypeError, ValueError) as error:
                raise self.refused(node, str(error), "give it other values") from None
        if function in CASTS and len(arguments) == 1:
            return self.compute(node, CASTS[function], *arguments)
        if function in ON_NUMBERS:
            return self.compute(node, function.__name__, *arguments)
        if function is len:
            return self.length(node, *arguments)
        if function is isinstance:
            return self.is_instance(node, *arguments)
        if function in (tuple, list):
            several = sequence(arguments[0]) if arguments else Items(())
            if several is not None:
                return Items(several.items, function is list)
            return arguments[0]
        if isinstance(function, type) or not inspect.isfunction(inspect.unwrap(function)):
            what = f"{ast.unparse(node.func)} cannot be called in a program"
            raise self.refused(node, what, "call operations, modules, plain functions")
        home = inspect.unwrap(function).__module__
        if home.startswith("minigrad.") and not home.startswith("minigrad.models"):
            what = f"{ast.unparse(node.func)} is no operation of programs"
            raise self.refused(node, what, "use those of minigrad.jit.OPERATIONS")
        return self.inline(node, function, arguments, named)

    def length(self, node: ast.AST, item: Any) -> Any:
        """``len(item)``."""
        if isinstance(item, Part):
            return Known(len(item.module._modules))
        several = sequence(item)
        if several is not None:
            return Known(len(several.items))
        if self.value(node, item).type == "Tensor":
            return self.compute(node, "size", item, Known(0))
        return self.compute(node, "len", item)

    def is_instance(self, node: ast.AST, item: Any, kinds: Any) -> Known:
        """``isinstance(item, kinds)``, which the types of values tell."""
        wanted = kinds.value if isinstance(kinds, Known) else tuple([each.value for each in kinds.items])
        if isinstance(item, (Known, Part)):
            return Known(isinstance(item.value if isinstance(item, Known) else item.module, wanted))
        value = self.value(node, item)
        example = EXAMPLES.get(value.type, [] if value.type.endswith("[]") else ())
        return Known(isinstance(example, wanted))

    def operation(self, node: ast.AST, name: str, function: Any, arguments: list[Any], named: dict[str, Any]) -> Value:
        """The node of an operation: each argument by its name, those left out as they are by default."""
        plain = inspect.unwrap(function)
        try:
            given = inspect.signature(plain).bind(*arguments, **named).arguments
        except TypeError as error:
            raise self.refused(node, f"{name}(): {error}", "give what the function takes") from None
        if given.pop("inplace", Known(False)).value:
            name = f"{name}_"
        operation = OPERATIONS[name]
        items = []
        for argument in operation.arguments:
            item = given.pop(argument.name, None)
            if argument.listed and item is not None:
                item = item[0] if len(item) == 1 and not is_number(item[0]) else Items(tuple(item))
            items.append(Known(argument.default) if item is None else item)
        for left, item in given.items():
            usual = inspect.signature(plain).parameters[left].default
            if left == "size" or not (isinstance(item, Known) and (item.value is usual or left in WITHOUT_EFFECT)):
                raise self.refused(node, f"{name}() with {left}", f"leave {left} out in a program")
        if any(each is EMPTY for each in (each.value for each in items if isinstance(each, Known))):
            raise self.refused(node, f"{name}() without all it needs", "give what the function takes")
        return self.compute(node, name, *items)


def is_number(item: Any) -> bool:
    """Whether an item is a number, and no list of them."""
    return (isinstance(item, Known) and isinstance(item.value, int)) or (
        isinstance(item, Value) and item.type in NUMBERS
    )
