"""Scripting, the statements: assignments name values, ``if`` and loops become blocks.

What follows an ``if`` in which some way ends (by return, break or continue) is scripted into the ways that go on: so
both blocks give what the whole gives.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from minigrad.jit.frontend.building import Frame, sequence
from minigrad.jit.frontend.calls import Calls
from minigrad.jit.frontend.expressions import ARITHMETIC
from minigrad.jit.frontend.items import Items, Known, Source, Undefined
from minigrad.jit.graph import Value
from minigrad.jit.plain import RAISED
from minigrad.jit.types import NUMBERS, element_of, type_of_annotation

__all__ = ["Exit", "Statements"]

DEEPEST = 30  # functions that call one another
DIFFERENT = "what is {} in one branch and {} in the other"


@dataclass(frozen=True)
class Exit:
    """How statements ended: by "return", "break", "continue" or "raise"; "done": the items of all ways are joined."""

    kind: str
    node: ast.AST
    items: tuple[Any, ...] = ()


class Returning:
    """How a function ends: it gives one item."""

    inner = ("return",)

    def items(self, statements: Statements, ended: Exit | None) -> tuple[Any, ...]:
        """What the block of a way gives that ended so."""
        if ended is None:
            return (Known(None),)
        return ended.items


class Statements(Calls):
    """A method for each kind of statement."""

    def run(self, statements: Sequence[ast.stmt]) -> Exit | None:
        """Script statements one after the other, up to one that ends them."""
        for number, statement in enumerate(statements):
            if isinstance(statement, ast.If):
                condition = self.condition(statement.test, self.of(statement.test))
                if isinstance(condition, Known):
                    ended = self.run(statement.body if condition.value else statement.orelse)
                elif any(may_end(each, self.frame.ending.inner) for each in (*statement.body, *statement.orelse)):
                    return self.ways(statement, condition, statements[number + 1 :])
                else:
                    ended = self.joined_if(statement, condition)
            else:
                method = getattr(self, f"run_{type(statement).__name__}", None)
                if method is None:
                    self.of(statement)  # which refuses it
                    continue
                ended = method(statement)
            if ended is not None:
                return ended
        return None

    # ------------------------------------------------------------------------------- assignment

    def run_Assign(self, node: ast.Assign) -> None:
        item = self.of(node.value)
        for target in node.targets:
            self.assign(target, item)

    def run_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is None:
            return
        item = self.of(node.value)
        kind = type_of_annotation(node.annotation)
        if isinstance(item, Items) and item.is_list and not item.items and kind is not None and kind.endswith("[]"):
            item = self.emit(node, "prim::ListConstruct", [], kind).output
        self.assign(node.target, item)

    def assign(self, target: ast.expr, item: Any) -> None:
        """Give ``target`` what ``item`` is."""
        if isinstance(target, ast.Name):
            if isinstance(item, Items) and item.is_list and target.id in appended_to(self.frame.source.tree):
                item = self.value(target, item)
            if isinstance(item, Value) and not item.name:
                item.name = target.id
            self.frame.variables[target.id] = item
        elif isinstance(target, (ast.Tuple, ast.List)):
            for each, part in zip(target.elts, self.taken_apart(target, item, len(target.elts))):
                self.assign(each, part)
        elif isinstance(target, ast.Subscript):
            view = self.subscripted(target, self.valued(target.value))
            value = self.value(target, item)
            self.compute(target, "fill_" if value.type in NUMBERS else "copy_", view, value)
        else:
            what = f"{ast.unparse(target)} cannot be assigned"
            raise self.refused(target, what, "change a buffer in place, as in self.count.add_(1)")

    def taken_apart(self, node: ast.expr, item: Any, count: int) -> Sequence[Any]:
        """The parts of a tuple or a list that is assigned to ``count`` targets."""
        known = sequence(item)
        if known is not None:
            parts: Sequence[Any] = known.items
        else:
            value = self.value(node, item)
            if value.type == "Tensor":
                value = self.compute(node, "unbind", value, Known(0))
            if value.type.startswith("("):
                parts = [self.element(node, value, place) for place in range(value.type.count(",") + 1)]
            elif value.type.endswith("[]"):
                parts = self.emit(node, "prim::ListUnpack", [value], *[element_of(value.type)] * count).outputs
            else:
                raise self.refused(node, f"{value.type} cannot be taken apart", "assign it to one name")
        if len(parts) != count:
            raise self.refused(node, f"{len(parts)} values for {count} names", "give each a name")
        return parts

    def run_AugAssign(self, node: ast.AugAssign) -> None:
        target, name = node.target, ARITHMETIC.get(type(node.op))
        load = ast.copy_location(ast.parse(ast.unparse(target), mode="eval").body, target)
        for each in ast.walk(load):
            ast.copy_location(each, target)
        old, other = self.of(load), self.of(node.value)
        if isinstance(old, Value) and old.type == "Tensor":
            new = self.computed(node, f"{name}_", old, self.value(node, other))
            if isinstance(target, ast.Name):
                self.assign(target, new)
        else:
            self.assign(target, self.arithmetic(node, name, old, other))

    def run_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.of(node.value)

    def run_Pass(self, node: ast.Pass) -> None:
        """Nothing."""

    # ------------------------------------------------------------------------------- ends

    def run_Return(self, node: ast.Return) -> Exit:
        return Exit("return", node, (Known(None) if node.value is None else self.of(node.value),))

    def run_Break(self, node: ast.Break) -> Exit:
        return Exit("break", node)

    def run_Continue(self, node: ast.Continue) -> Exit:
        return Exit("continue", node)

    def run_Raise(self, node: ast.Raise) -> Exit:
        call = node.exc
        name = call.func if isinstance(call, ast.Call) else call
        if not isinstance(name, ast.Name) or name.id not in RAISED:
            raise self.refused(node, "this error cannot be raised", f"raise one of {', '.join(RAISED)}")
        message = self.of(call.args[0]) if isinstance(call, ast.Call) and call.args else Known("")
        inputs = [self.value(node, message), self.value(node, Known(name.id))]
        self.emit(node, "prim::RaiseException", inputs)
        return Exit("raise", node)

    def run_Assert(self, node: ast.Assert) -> Exit | None:
        message = [node.msg] if node.msg is not None else []
        raised = ast.Raise(ast.Call(ast.Name("AssertionError", ast.Load()), message, []), None)
        check = ast.If(ast.UnaryOp(ast.Not(), node.test), [raised], [])
        for each in ast.walk(check):
            if not hasattr(each, "lineno"):
                ast.copy_location(each, node)
        return self.run([check])

    # ------------------------------------------------------------------------------- if

    def ways(self, node: ast.If, condition: Value, rest: Sequence[ast.stmt]) -> Exit:
        """An ``if`` in which some way ends: each way goes on to the end, and gives what the whole gives."""
        branches = []
        for body in (node.body, node.orelse):
            before = dict(self.frame.variables)
            branches.append(self.inside(partial(self.finished, [*body, *rest])))
            self.frame.variables = before
        return Exit("done", node, tuple(self.join(node, condition, branches, DIFFERENT)))

    def finished(self, statements: Sequence[ast.stmt]) -> tuple[Any, ...] | None:
        """What comes of ``statements`` up to their end; None where that is an error."""
        ended = self.run(statements)
        if ended is not None and ended.kind == "raise":
            return None
        return tuple(self.frame.ending.items(self, ended))

    def joined_if(self, node: ast.If, condition: Value) -> Exit | None:
        """An ``if`` whose ways meet again: what they assign is joined."""
        before, after, blocks, raised = self.frame.variables, [], [], []
        for body in (node.body, node.orelse):
            self.frame.variables = dict(before)
            block, ended = self.inside(partial(self.run, body))
            after.append(self.frame.variables)
            blocks.append(block)
            raised.append(ended is not None)
        self.frame.variables = before
        if all(raised):
            self.join(node, condition, [(each, None) for each in blocks], DIFFERENT)
            return Exit("raise", node)
        one, other = [before if bad else variables for variables, bad in zip(after, raised)]
        names = [each for each in {**after[0], **after[1]} if one.get(each) is not other.get(each)]
        whole = []
        for name in names:
            there = [raised[side] or not isinstance(after[side].get(name, Undefined("")), Undefined) for side in (0, 1)]
            if all(there):
                whole.append(name)
            else:
                before[name] = Undefined(f"only one branch of line {self.frame.source.line(node)} gives it one")
        branches = [
            (block, None if bad else tuple([variables[name] for name in whole]))
            for block, bad, variables in zip(blocks, raised, after)
        ]
        for name, value in zip(whole, self.join(node, condition, branches, DIFFERENT)):
            value.name = name
            before[name] = value
        return None

    # ------------------------------------------------------------------------------- functions

    def inline(self, node: ast.AST, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A call of a function whose source is there: its statements, with its arguments as variables."""
        source = Source(function)
        if len(self.frames) > DEEPEST:
            raise self.refused(node, f"{function.__name__} calls itself, or too many call one another", "use a loop")
        names = [each.arg for each in source.tree.args.args]
        defaults = dict(zip(names[::-1], (source.function.__defaults__ or ())[::-1]))
        if source.tree.args.vararg or source.tree.args.kwarg or source.tree.args.kwonlyargs:
            raise self.refused(node, f"{function.__name__} takes * or **", "name its arguments")
        bound = self.bound(node, names, defaults, arguments, named)
        return self.body(source, dict(zip(names, bound)))

    def body(self, source: Source, variables: dict[str, Any], as_value: bool = False) -> Any:
        """What a function gives: an item, or its value."""
        self.frames.append(Frame(source, variables, Returning()))
        items = self.finished(source.tree.body)
        item = Known(None) if items is None else items[0]
        if as_value:
            item = self.value(source.tree, item, as_list=False)
        self.frames.pop()
        return item


def may_end(node: ast.AST, kinds: Sequence[str]) -> bool:
    """Whether a statement has a return in it, or of its own loop a break or continue."""
    if isinstance(node, (ast.For, ast.While)):
        return any(may_end(each, ["return"]) for each in node.body)
    if type(node).__name__.lower() in kinds:
        return True
    return isinstance(node, ast.If) and any(may_end(each, kinds) for each in (*node.body, *node.orelse))


def appended_to(node: ast.AST) -> set[str]:
    """The variables whose ``append`` is called below: these lists are values."""
    return {
        each.func.value.id
        for each in ast.walk(node)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "append"
        and isinstance(each.func.value, ast.Name)
    }
