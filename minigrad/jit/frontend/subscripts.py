"""Scripting, tuples, lists, texts and subscripts."""

from __future__ import annotations

import ast
from typing import Any

from minigrad.jit.frontend.expressions import Expressions
from minigrad.jit.frontend.items import Items, Known, Part
from minigrad.jit.graph import Value

__all__ = ["Subscripts"]


class Subscripts(Expressions):
    """What is put together and taken apart."""

    def of_Tuple(self, node: ast.Tuple) -> Items:
        return Items(tuple([self.of(each) for each in node.elts]))

    def of_List(self, node: ast.List) -> Items:
        return Items(tuple([self.of(each) for each in node.elts]), is_list=True)

    def of_JoinedStr(self, node: ast.JoinedStr) -> Any:
        text, values = "", []
        for part in node.values:
            if isinstance(part, ast.FormattedValue) and (part.format_spec is not None or part.conversion != -1):
                raise self.refused(node, "a text with a format cannot be scripted", "write {value} alone")
            item = self.of(part.value if isinstance(part, ast.FormattedValue) else part)
            if isinstance(item, Known):
                text += str(item.value).replace("{}", "{ }")
            else:
                text += "{}"
                values.append(item)
        return self.compute(node, "format", Known(text), *values) if values else Known(text)

    def of_Subscript(self, node: ast.Subscript) -> Any:
        owner = self.of(node.value)
        if isinstance(owner, (Part, Items, Known)):
            return self.chosen(node, owner)
        if owner.type in ("Tensor", "Tensor?"):
            return self.subscripted(node, owner)
        if isinstance(node.slice, ast.Slice):
            return self.compute(node, "slice.t", owner, *self.bounds(node.slice))
        index = self.of(node.slice)
        if owner.type.startswith("("):
            if not isinstance(index, Known):
                raise self.refused(node, "the place in a tuple has to be known", "take it apart: a, b = pair")
            return self.element(node, owner, index.value)
        return self.compute(node, "__getitem__", owner, index)

    def chosen(self, node: ast.Subscript, owner: Part | Items | Known) -> Any:
        """An element of what is known: of a list of modules, of a tuple."""
        index: Any
        if isinstance(node.slice, ast.Slice):
            index = slice(*[each.value for each in self.bounds(node.slice)])
        else:
            index = self.of(node.slice)
            if not isinstance(index, Known):
                instead = "go over all: for layer in self.layers"
                raise self.refused(node, f"{ast.unparse(node)}: the place has to be known", instead)
            index = index.value
        try:
            if isinstance(owner, Known):
                return Known(owner.value[index])
            if isinstance(owner, Items):
                found = owner.items[index]
                return Items(found, owner.is_list) if isinstance(index, slice) else found
            name = [*owner.module._modules][index] if isinstance(index, int) else index
            return Part(owner.module._modules[name], (*owner.path, name))  # type: ignore[arg-type]
        except (LookupError, TypeError, ValueError) as error:
            raise self.refused(node, f"{ast.unparse(node)} is not there ({error})", "look at the place") from None

    def subscripted(self, node: ast.Subscript, tensor: Value) -> Value:
        """``x[…]``: selections, slices and new dimensions, one after the other, as in ``minigrad/subscript.py``."""
        parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        dots = [place for place, each in enumerate(parts) if isinstance(each, ast.Constant) and each.value is ...]
        left, right = (parts[: dots[0]], parts[dots[0] + 1 :]) if dots else (parts, [])
        indices = []
        for side, dim, step in ((left, 0, 1), (right[::-1], -1, -1)):  # those after the dots counted from the end
            for part in side:
                tensor, kept, index = self.indexed(node, tensor, part, dim)
                dim += step * kept
                indices += [] if index is None else [index]
        if not indices:
            return tensor
        if len(indices) < len(parts):
            raise self.refused(node, "an index that mixes tensors with others", "take one subscript after the other")
        return self.compute(node, "index", tensor, Items(tuple(indices), is_list=True))

    def indexed(self, node: ast.AST, tensor: Value, part: ast.AST, dim: int) -> tuple[Value, int, Value | None]:
        """One part of a subscript: what it makes of ``tensor``, how many dimensions it leaves, and a tensor in it."""
        if isinstance(part, ast.Slice):
            bounds = self.bounds(part)
            if all(each == Known(None) for each in bounds):
                return tensor, 1, None
            step = Known(1) if bounds[2] == Known(None) else bounds[2]
            return self.compute(node, "slice", tensor, Known(dim), *bounds[:2], step), 1, None
        index = self.of(part)
        if isinstance(index, Known) and index.value is None:
            return self.compute(node, "unsqueeze", tensor, Known(dim)), 1, None
        value = self.value(node, index)
        if value.type == "Tensor":
            return tensor, 1, value
        if value.type != "int":
            raise self.refused(node, f"{value.type} is no index", "use integers, slices, None, … or tensors")
        return self.compute(node, "select", tensor, Known(dim), value), 0, None

    def bounds(self, node: ast.Slice) -> list[Any]:
        """The three parts of a slice."""
        return [Known(None) if each is None else self.of(each) for each in (node.lower, node.upper, node.step)]
