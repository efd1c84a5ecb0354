"""Scripting, the loops: ``prim::Loop`` carries what its body assigns; one over modules is its body again and again."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from minigrad.jit.frontend.building import is_path, sequence
from minigrad.jit.frontend.items import Items, Known, Part, Undefined
from minigrad.jit.frontend.statements import Exit, Statements
from minigrad.jit.graph import FOREVER, Block, Node, Value
from minigrad.jit.types import joined

__all__ = ["Scripting"]


class Looping:
    """How the body of a loop ends: it gives whether to go on, and the variables that it carries."""

    inner = ("return", "break", "continue")

    def __init__(self, carried: Sequence[str], again: ast.expr | None) -> None:
        self.carried = carried
        self.again = again

    def items(self, scripting: Statements, ended: Exit | None) -> tuple[Any, ...]:
        """What the block of a way gives that ended so."""
        if ended is not None and ended.kind == "done":
            return ended.items
        if ended is not None and ended.kind == "return":
            instead = "set a variable, break, and return it after the loop"
            raise scripting.refused(ended.node, "return in a loop", instead)
        variables = scripting.frame.variables
        carried = [variables[each] for each in self.carried]
        if ended is not None and ended.kind == "break":
            return (Known(False), *carried)
        if self.again is None:
            return (Known(True), *carried)
        return (scripting.condition(self.again, scripting.of(self.again)), *carried)


class Unrolled:
    """How the body of a loop ends whose rounds are known. Whether it ends early has to be known as well."""

    inner = ("return", "break", "continue")

    def items(self, scripting: Statements, ended: Exit | None) -> tuple[Any, ...]:
        """Refuse it: an ``if`` on values decides."""
        node = scripting.frame.source.tree if ended is None else ended.node
        instead = "set a variable, and put the rest of the round under an if"
        raise scripting.refused(node, "a loop over modules that values may end", instead)


class Scripting(Statements):
    """The whole: expressions, statements and loops."""

    def run_For(self, node: ast.For) -> Exit | None:
        if node.orelse:
            raise self.refused(node, "else after a loop", "write it after the loop, with a variable")
        call = called_name(node.iter)
        if call == "range" and "range" not in self.frame.variables:
            assert isinstance(node.iter, ast.Call)
            return self.loop_over_range(node, [self.of(each) for each in node.iter.args])
        rounds = self.rounds(node, node.iter)
        if isinstance(rounds, list):
            return self.unrolled(node, rounds)
        values = self.compute(node, "unbind", rounds, Known(0)) if rounds.type == "Tensor" else rounds
        if not values.type.endswith("[]"):
            raise self.refused(node, f"a loop over {values.type}", "go over range(), a list, a tensor or modules")
        count = self.compute(node, "len", values)
        return self.loop(node, count, Known(True), lambda index: self.compute(node, "__getitem__", values, index))

    def rounds(self, node: ast.For, iterated: ast.expr) -> list[Any] | Value:
        """What a loop goes over: items where it is known which, as of modules, and of what was written out."""
        call = called_name(iterated)
        if isinstance(iterated, ast.Call) and call in ("enumerate", "zip", "reversed"):
            lists = [self.rounds(node, each) for each in iterated.args]
            known = [each for each in lists if isinstance(each, list)]
            if len(known) < len(lists) or iterated.keywords:
                raise self.refused(node, f"{call}() of values", "go over range(len(…))")
            if call == "reversed":
                return known[0][::-1]
            if call == "enumerate":
                return [Items((Known(number), each)) for number, each in enumerate(known[0])]
            return [Items(tuple(each)) for each in zip(*known)]
        if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Attribute) and is_path(iterated.func.value):
            owner = self.of(iterated.func.value)
            if isinstance(owner, Part) and iterated.func.attr in ("children", "values", "items"):
                parts = self.parts(owner)
                pairs: list[Any] = [Items((Known(each.path[-1]), each)) for each in parts]
                return pairs if iterated.func.attr == "items" else list(parts)
        item = self.of(iterated)
        if isinstance(item, Part):
            return list(self.parts(item))
        items = sequence(item)
        return self.value(iterated, item) if items is None else list(items.items)

    def parts(self, owner: Part) -> list[Part]:
        """The modules in a module."""
        return [Part(each, (*owner.path, name)) for name, each in owner.module._modules.items() if each is not None]

    def unrolled(self, node: ast.For, rounds: Sequence[Any]) -> Exit | None:
        """A loop whose rounds are known is its body again and again."""
        ending, self.frame.ending = self.frame.ending, Unrolled()
        ended = None
        for item in rounds:
            self.assign(node.target, Known(item.value) if isinstance(item, Known) else item)
            ended = self.run(node.body)
            if ended is not None and ended.kind != "continue":
                break
        self.frame.ending = ending
        return ended if ended is not None and ended.kind in ("return", "raise") else None

    def loop_over_range(self, node: ast.For, bounds: list[Any]) -> Exit | None:
        """``for i in range(…)``."""
        if len(bounds) == 1:
            return self.loop(node, self.value(node, bounds[0]), Known(True), lambda index: index)
        start, stop, step = (*bounds, Known(1))[:3]
        count = self.compute(node, "__range_length", start, stop, step)
        return self.loop(
            node, count, Known(True), lambda index: self.compute(node, "__derive_index", index, start, step)
        )

    def run_While(self, node: ast.While) -> Exit | None:
        if node.orelse:
            raise self.refused(node, "else after a loop", "write it after the loop, with a variable")
        count = self.value(node, Known(FOREVER))
        return self.loop(node, count, self.condition(node.test, self.of(node.test)), None)

    def loop(self, node: ast.For | ast.While, count: Value, first: Any, item_of: Any) -> Exit | None:
        """``prim::Loop``: at most ``count`` rounds, as long as each gives true, with the variables that it carries."""
        if count.type != "int":
            raise self.refused(node, f"range() of {count.type}", "give it integers")
        variables = self.frame.variables
        assigned = assigned_in(node)
        carried = [each for each in variables if each in assigned]
        carried = [each for each in carried if not isinstance(variables[each], (Undefined, Part))]
        for name in carried:
            variables[name] = self.value(node, variables[name], as_list=False)
        made = Node("prim::Loop", [count, self.value(node, first)], [], self.frame.source.place(node))
        made.inputs += [variables[each] for each in carried]
        block = Block()
        index = block.add_input("int", counter_of(node))
        inside = dict(variables)
        for name in carried:
            kind = variables[name].type
            inside[name] = block.add_input("Tensor?" if kind == "NoneType" else kind, name)
        outside, ending, self.block = self.block, self.frame.ending, block
        again = node.test if isinstance(node, ast.While) else None
        self.frame.variables, self.frame.ending = inside, Looping(carried, again)
        if isinstance(node, ast.For):
            self.assign(node.target, item_of(index))
        items = self.finished(node.body)
        if items is None:
            raise self.refused(node, "a loop that raises in its first round", "use if instead")
        block.outputs = [self.value(node, each, as_list=False) for each in items]
        self.block, self.frame.variables, self.frame.ending = outside, variables, ending
        for name, value, result in zip(carried, block.inputs[1:], block.outputs[1:]):
            if joined(value.type, result.type) != value.type:
                what = f"{name} is {value.type} before the loop and {result.type} in it"
                raise self.refused(node, what, "let it be of one type")
            made.outputs.append(Value(value.type, name))
            variables[name] = made.outputs[-1]
        made.blocks = [block]
        self.block.append(made)
        for name in assigned - set(carried):
            variables[name] = Undefined(f"it has one in the loop of line {self.frame.source.line(node)} only")
        return None


def called_name(node: ast.expr) -> str:
    """The name of the function that is called, as in ``range(3)``; "" where it is none."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def counter_of(node: ast.For | ast.While) -> str:
    """What a loop calls its one variable, as ``i`` in ``for i in range(…)``."""
    return node.target.id if isinstance(node, ast.For) and isinstance(node.target, ast.Name) else ""


def assigned_in(node: ast.AST) -> set[str]:
    """The variables that are assigned below."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
