"""A trace while it is under way: each operation that the program calls is noted, and what its tensors are.

``sys.setprofile`` tells of each Python call. One of a function in ``operations.py``, made by the program and not by
another operation, becomes a node. An operation that is not in the table is refused: its result would be a constant.
"""

from __future__ import annotations

import inspect
import sys
from types import CodeType, FrameType
from typing import Any

import minigrad
from minigrad import Size, Tensor, nn
from minigrad.attributes import TYPE_NAMES
from minigrad.caller import is_own_file, user_frame, warn_user
from minigrad.graph.function import Function
from minigrad.jit.frontend.items import place_of
from minigrad.jit.graph import Graph, Node, Value, holds_tensor
from minigrad.jit.operations import BY_CODE, OPERATIONS, result_type
from minigrad.jit.sizes import Traced, TracerWarning, begin, current, end, warn_of
from minigrad.jit.types import parts_of
from minigrad.nn import functional

__all__ = ["Recording", "copied", "seen"]


def code(function: Any) -> CodeType:
    """The code of a function, of the one in a gate, or of a property."""
    return inspect.unwrap(getattr(function, "fget", function)).__code__  # type: ignore[no-any-return]


OPERATORS = {code(getattr(Tensor, f"__{name}__")): name for name in ("add", "sub", "mul", "pow", "neg", "abs", "rsub")}
OPERATORS |= {code(Tensor.__radd__): "add", code(Tensor.__rmul__): "mul", code(Tensor.__truediv__): "div"}
OPERATORS |= {code(Tensor.__rtruediv__): "rdiv", code(Tensor.__rpow__): "rpow", code(Tensor.__getitem__): "getitem"}
OPERATORS |= {code(Tensor.__setitem__): "setitem", code(Tensor.T): "numpy_T", code(Tensor.mT): "mT"}
OPERATORS |= {code(Tensor.data): "detach", code(Tensor.where): "method_where", code(Tensor.to): "to"}
# What makes a Python value of a tensor, and what that is.
READ = {code(Tensor.__bool__): "boolean", code(Tensor.__contains__): "boolean", code(Tensor.__float__): "float"}
READ |= {code(Tensor.__index__): "index", code(Tensor.__int__): "integer", code(Tensor.__len__): "length"}
READ |= {code(Tensor.item): "number", code(Tensor.numpy): "NumPy array", code(Tensor.tolist): "list"}
APPLY, ITERATE, CALL = code(Function.apply), code(Tensor.__iter__), code(nn.Module.__call__)
PUBLIC = [*vars(minigrad).items(), *vars(functional).items(), *inspect.getmembers(Tensor)]
OTHERS = {  # minigrad's functions that are no operation: they are made of some, or refused
    code(function): name
    for name, function in PUBLIC
    if inspect.isfunction(function) and code(function) not in {*BY_CODE, *OPERATORS, *READ}
}


class Recording:
    """One run of the example.

    Attributes:
        values: of each tensor that was met, its value, by the tensor's ``id``; ``kept`` keeps them alive meanwhile.
        inside: the frame of the operation that is running; ``name`` is the operation's, None where a value is read.
        paths: of the module's parameters and buffers, the names that lead there.
        scopes: of the modules in it, by their ``id``, the paths.
    """

    def __init__(self, graph: Graph, root: nn.Module | None) -> None:
        self.graph = graph
        self.root = root
        self.values: dict[int, Value] = {}
        self.kept: list[Any] = []
        self.inside: FrameType | None = None
        self.name: str | None = None
        self.arguments: dict[str, Any] = {}
        self.paths: dict[int, tuple[str, ...]] = {}
        self.modules: dict[tuple[str, ...], Value] = {}
        self.scopes: dict[int, str] = {}
        if root is not None:
            self.modules[()] = graph.add_input(type(root).__name__, "self")
            for path, tensor in [*root.named_parameters(), *root.named_buffers()]:
                self.paths[id(tensor)] = tuple(path.split("."))
            self.scopes = {id(each): path for path, each in root.named_modules(remove_duplicate=False)}

    def run(self, func: Any, inputs: tuple[Tensor, ...]) -> Any:
        """Run ``func``, fill the graph, and give what ``func`` gave.

        Raises:
            RuntimeError: this thread is tracing already, or ``func`` returns something else than tensors.
        """
        if current() is not None:
            raise RuntimeError("a trace is under way: trace one function after the other")
        called = func.forward if isinstance(func, nn.Module) else func
        names = [*inspect.signature(called).parameters]
        copies = [copied(each) for each in inputs]
        for number, tensor in enumerate(copies):
            value = self.graph.add_input("Tensor", names[number] if number < len(names) else f"input_{number}")
            self.keep(tensor, value)
        before = sys.getprofile()
        begin(self)
        try:
            sys.setprofile(self.profile)
            result = func(*copies)
        finally:
            sys.setprofile(before)
            end()
        self.graph.outputs = [self.result(result)]
        return result

    # ------------------------------------------------------------------------------- what runs

    def profile(self, frame: FrameType, event: str, result: Any) -> None:
        """Python calls this at each call and return."""
        if event == "call" and self.inside is None:
            self.called(frame, frame.f_code)
        elif event == "return" and frame is self.inside:
            self.inside = None
            gave = result is not NotImplemented and (result is not None or self.name == "setitem")
            if self.name is not None and gave:
                self.record(self.name, self.arguments, result)
        elif event == "return" and self.inside is None and frame.f_code in OTHERS:
            self.check_known(OTHERS[frame.f_code], arguments_of(frame), result)

    def called(self, frame: FrameType, code: CodeType) -> None:
        """A function is called, and not by an operation."""
        name = BY_CODE.get(code) or OPERATORS.get(code)
        if name is not None:
            self.inside, self.name, self.arguments = frame, name, arguments_of(frame)
        elif code in READ:
            self.inside, self.name = frame, None
            if self.knows(next(iter(arguments_of(frame).values()))):
                warn_of(READ[code])
        elif code is ITERATE and self.knows(frame.f_locals["self"]):
            warn_user(
                "Iterating over a tensor might cause the trace to be incorrect. Passing a tensor of different shape "
                "won't change the number of iterations executed (and might lead to errors or silently give incorrect "
                "results).",
                TracerWarning,
            )
        elif code is APPLY and any(map(self.knows, frame.f_locals["inputs"])):
            raise no_operation(frame.f_locals["cls"].__name__)

    def check_known(self, name: str, arguments: dict[str, Any], result: Any) -> None:
        """Raise a RuntimeError where a function made of traced tensors one that is not: it would be a constant."""
        results = result if isinstance(result, (tuple, list)) else [result]
        unknown = any(isinstance(each, Tensor) and not self.knows(each) for each in results)
        if unknown and any(map(self.knows, arguments.values())):
            raise no_operation(name)

    def record(self, name: str, arguments: dict[str, Any], result: Any) -> None:
        """Note an operation that has run."""
        special = getattr(self, f"record_{name}", None)
        if special is not None:
            special(result, *arguments.values())
            return
        if arguments.get("return_indices"):
            raise RuntimeError(f"trace: {name} with return_indices is no operation of programs")
        if arguments.get("inplace"):
            name = f"{name}_"
        operation = OPERATIONS[name]
        given: list[Any] = []
        for place, argument in enumerate(operation.arguments):
            if name in OPERATORS.values() and place < len(arguments):  # Python's operator has names of its own
                given.append([*arguments.values()][place])
                continue
            value = arguments.get(argument.name, argument.default)
            if argument.listed and len(value) == 1 and isinstance(value[0], (list, tuple)):
                (value,) = value
            elif argument.listed and not value:
                value = next((arguments[each] for each in ("shape", "size", "dims") if arguments.get(each)), ())
            given.append(value)
        self.made(name, given, result)

    def made(self, name: str, given: list[Any], result: Any) -> None:
        """The node of an operation, and what each of its results is."""
        values = [self.value(each) for each in given]
        kind = result_type(name, [each.type for each in values])
        node = self.append(f"aten::{name}", values, kind)
        if isinstance(result, Tensor):
            self.keep(result, node.output)
        elif kind.startswith("("):
            for place, (each, tensor) in enumerate(zip(parts_of(kind), result)):
                index = self.graph.constant(place)
                self.keep(tensor, self.append("prim::TupleIndex", [node.output, index], each).output)
        elif isinstance(result, (tuple, list)):
            unpacked = self.append("prim::ListUnpack", [node.output], *["Tensor"] * len(result))
            for tensor, value in zip(result, unpacked.outputs):
                self.keep(tensor, value)
        elif any(map(self.knows, given)):  # equal(), allclose()
            warn_of("boolean" if isinstance(result, bool) else "number")

    def record_to(self, result: Tensor, tensor: Tensor, *others: Any) -> None:
        """``x.to(…)``, where it gives another tensor."""
        if result is not tensor:
            self.made("to", [tensor, result.dtype], result)

    def record_rdiv(self, result: Tensor, divisor: Tensor, number: Any) -> None:
        """``1 / x``, as Tensor computes it."""
        reciprocal = self.append("aten::reciprocal", [self.value(divisor)], "Tensor").output
        self.keep(result, self.append("aten::mul", [reciprocal, self.value(number)], "Tensor").output)

    def record_rpow(self, result: Tensor, exponent: Tensor, base: Any) -> None:
        """``2 ** x``."""
        self.made("pow", [base, exponent], result)

    def record_method_where(self, result: Tensor, own: Tensor, condition: Tensor, other: Any) -> None:
        """``x.where(condition, other)``."""
        self.made("where", [condition, own, other], result)

    def record_getitem(self, result: Tensor, tensor: Tensor, index: Any) -> None:
        """``x[index]``."""
        self.keep(result, self.subscripted(tensor, index))

    def record_setitem(self, result: None, tensor: Tensor, index: Any, value: Any) -> None:
        """``x[index] = value``: the view is changed."""
        view, content = self.subscripted(tensor, index), self.value(value)
        self.append(f"aten::{'copy_' if content.type == 'Tensor' else 'fill_'}", [view, content], "Tensor")

    def subscripted(self, tensor: Tensor, index: Any) -> Value:
        """The selections, slices and new dimensions of a subscript; or positions."""
        value, dim = self.value(tensor), 0
        parts = list(index) if isinstance(index, tuple) else [index]
        if any(isinstance(each, (Tensor, list)) for each in parts):
            if not all(isinstance(each, Tensor) for each in parts):
                raise RuntimeError("trace: an index that mixes tensors with others is no operation of programs")
            return self.append("aten::index", [value, self.value(parts)], "Tensor").output
        if any(each is ... for each in parts):
            place = next(place for place, each in enumerate(parts) if each is ...)
            counted = sum(each is not None for each in parts) - 1
            parts[place : place + 1] = [slice(None)] * (tensor.ndim - counted)
        for part in parts:
            given: list[Any] = [dim]
            if part is None:
                kind = "unsqueeze"
            elif isinstance(part, slice):
                kind, given = "slice", [dim, part.start, part.stop, 1 if part.step is None else part.step]
            else:
                kind, given = "select", [dim, part]
            if part != slice(None):
                value = self.append(f"aten::{kind}", [value, *map(self.value, given)], "Tensor").output
            dim += kind != "select"
        return value

    # ------------------------------------------------------------------------------- values

    def append(self, kind: str, values: list[Value], *types: str) -> Node:
        """A node of the user's line."""
        frame, _ = user_frame()
        file = frame.f_code.co_filename
        node = Node(kind, values, types, "" if is_own_file(file) else place_of(file, frame.f_lineno))
        node.scope = self.scope()
        return self.graph.append(node)

    def scope(self) -> tuple[str, ...]:
        """The paths of the modules that are running."""
        running: list[str] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code is CALL:
                running.insert(0, self.scopes.get(id(frame.f_locals["self"]), ""))
            frame = frame.f_back
        return tuple(filter(None, running))

    def emit(self, name: str, given: list[Any], kind: str) -> Value:
        """The value of an operation that gives a number."""
        return self.append(f"aten::{name}", [self.value(each) for each in given], kind).output

    def number(self, name: str, operands: tuple[Any, ...], result: Any) -> Any:
        """What arithmetic on sizes gives."""
        kind = result_type(name, [self.value(each).type for each in operands])
        return Traced.of(result, self.emit(name, [*operands], kind))

    def knows(self, content: Any) -> bool:
        """Whether a tensor is an input, or was computed since."""
        return id(content) in self.values

    def keep(self, tensor: Any, value: Value) -> None:
        """From now on ``tensor`` is ``value``."""
        self.kept.append(tensor)
        self.values[id(tensor)] = value
        value.seen = seen(tensor)

    def value(self, content: Any) -> Value:
        """The value of a tensor, a number or a list that an operation was given."""
        if isinstance(content, Traced):
            return content.value
        if isinstance(content, Tensor):
            return self.value_of_tensor(content)
        inside = content if isinstance(content, (list, tuple)) else ()
        if any(isinstance(each, Traced) or holds_tensor(each) for each in inside):
            values = [self.value(each) for each in content]
            return self.append("prim::ListConstruct", values, f"{values[0].type}[]").output
        return self.graph.constant(tuple(content) if isinstance(content, Size) else content)

    def value_of_tensor(self, tensor: Tensor) -> Value:
        """The value of a tensor: what made it, the module's attribute, or a constant.

        Raises:
            RuntimeError: a tensor from outside requires grad.
        """
        if self.knows(tensor):
            return self.values[id(tensor)]
        if id(tensor) in self.paths:
            *names, last = self.paths[id(tensor)]
            value = self.values[id(tensor)] = self.graph.append_attribute(self.module(tuple(names)), last, "Tensor")
            return value
        if tensor.requires_grad:
            raise RuntimeError(
                "Cannot insert a Tensor that requires grad as a constant. Consider making it a parameter or input, or "
                "detaching the gradient"
            )
        value = self.graph.constant(tensor.detach().clone())
        self.keep(tensor, value)
        return value

    def module(self, path: tuple[str, ...]) -> Value:
        """The value of a module, by the names that lead to it."""
        if path not in self.modules:
            assert self.root is not None
            kind = type(self.root.get_submodule(".".join(path))).__name__
            self.modules[path] = self.graph.append_attribute(self.module(path[:-1]), path[-1], kind)
        return self.modules[path]

    def result(self, content: Any) -> Value:
        """The value of what the function returned.

        Raises:
            RuntimeError: it is neither a tensor nor a tuple or list of them.
        """
        if isinstance(content, Tensor):
            return self.value_of_tensor(content)
        if not isinstance(content, (tuple, list)) or not content:
            raise RuntimeError(
                f"trace: the function returned {type(content).__name__}; a trace returns tensors, or tuples or lists "
                f"of them"
            )
        values = [self.result(each) for each in content]
        types = [each.type for each in values]
        if isinstance(content, list) and set(types) == {"Tensor"}:
            return self.append("prim::ListConstruct", values, "Tensor[]").output
        return self.append("prim::TupleConstruct", values, f"({', '.join(types)})").output


def no_operation(name: str) -> RuntimeError:
    """The error where the program calls what no program can."""
    return RuntimeError(f"trace: {name} is no operation of programs: write it with those of minigrad.jit.OPERATIONS")


def arguments_of(frame: FrameType) -> dict[str, Any]:
    """The arguments that a function was called with."""
    code, local = frame.f_code, frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)
    return {name: local[name] for name in code.co_varnames[:count]}


def copied(tensor: Tensor) -> Tensor:
    """A leaf like ``tensor``, for a run to change."""
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def seen(tensor: Tensor) -> str:
    """What a tensor was when it was traced, as in ``Float(2, 10)``."""
    return f"{TYPE_NAMES[tensor.array.dtype.name]}({', '.join(map(str, tensor.array.shape))})"
