"""What a program may compute: a fixed table of names, each of one of minigrad's functions.

``OPERATIONS["linear"]`` is what the node ``aten::linear`` runs: the same function that the plain program calls, so
that values, graph and gradients are the same. A saved program names its operations, and what is not in this table is
no operation: nothing else is ever looked up.

A function's signature is its operation's: a node has a value for each argument, those left out too. Arguments that
cannot stand in a graph (``generator``, ``device``, PyTorch's old ``size_average`` …) have to be left out;
``inplace=True`` chooses the operation whose name ends in ``_``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import minigrad
from minigrad import Tensor
from minigrad.jit.plain import ON_LISTS, ON_NUMBERS, ONE_NUMBER
from minigrad.jit.types import NUMBERS, element_of, number_type
from minigrad.nn import functional

__all__ = ["BY_CODE", "EMPTY", "OPERATIONS", "Operation", "has_effect", "is_random", "operation_of", "result_type"]

# Element by element; what changes shapes, and types; reductions; products, layers and their like; losses; what makes
# tensors; what changes them in place. Each group begins a line.
TEXT = """
    abs acos acosh add addcdiv addcmul asin asinh atan atan2 atanh bitwise_and bitwise_not bitwise_or bitwise_xor ceil
    celu clamp clamp_max clamp_min cos cosh div elu eq erf exp exp2 expm1 floor floor_divide fmod frac ge gelu glu gt
    hardshrink hardsigmoid hardswish hardtanh isclose isfinite isinf isnan le leaky_relu lerp log log10 log1p log2
    logaddexp logical_and logical_not logical_or logical_xor logsigmoid lt maximum minimum mish mul nan_to_num ne neg
    pow prelu reciprocal relu relu6 remainder round rsqrt rsub selu sgn sigmoid sign silu sin sinh softplus softshrink
    softsign sqrt square sub tan tanh tanhshrink threshold trunc where
    broadcast_to cat chunk clone contiguous detach diag diag_embed diagonal expand expand_as flatten flip fliplr flipud
    gather index_add index_copy index_fill index_select masked_fill masked_select movedim narrow pad permute
    pixel_shuffle pixel_unshuffle ravel repeat repeat_interleave reshape reshape_as roll rot90 scatter scatter_add
    select split squeeze stack swapaxes swapdims t take take_along_dim tile transpose tril triu unbind unflatten unfold
    unsqueeze view view_as double float half long type_as embedding one_hot interpolate
    all amax amin any argmax argmin argsort count_nonzero cumprod cumsum diff kthvalue log_softmax logsumexp max mean
    median min nanmean nansum norm prod softmax softmin sort std std_mean sum topk trace var var_mean allclose equal
    numel
    addmm addmv addr baddbmm bilinear bmm dot inner linear matmul mm mv outer einsum tensordot vdot
    scaled_dot_product_attention conv1d conv2d conv_transpose1d conv_transpose2d avg_pool1d avg_pool2d max_pool1d
    max_pool2d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d batch_norm group_norm
    instance_norm layer_norm rms_norm normalize cosine_similarity pairwise_distance dropout dropout1d dropout2d
    binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy hinge_embedding_loss
    huber_loss kl_div l1_loss margin_ranking_loss mse_loss nll_loss smooth_l1_loss triplet_margin_loss
    arange empty empty_like eye full full_like ones ones_like rand rand_like randn randn_like tensor zeros zeros_like
    abs_ add_ addcdiv_ addcmul_ bernoulli_ ceil_ clamp_ clamp_max_ clamp_min_ copy_ cos_ div_ exp_ fill_ floor_
    floor_divide_ index_add_ index_copy_ index_fill_ lerp_ log_ masked_fill_ mul_ neg_ normal_ pow_ reciprocal_ relu_
    remainder_ round_ rsqrt_ scatter_ scatter_add_ sigmoid_ sign_ sin_ sqrt_ square_ squeeze_ sub_ tanh_ trunc_ uniform_
    unsqueeze_ zero_
"""
NAMES = TEXT.split()

LEFT_OUT = {"device", "generator", "inplace", "memory_format", "non_blocking", "copy", "size_average", "reduce"}
LEFT_OUT |= {"requires_grad", "_stacklevel", "return_indices", "older"}
RANDOM = ["bernoulli", "dropout", "dropout1d", "dropout2d", "empty", "empty_like", "normal", "rand", "rand_like"]
RANDOM += ["randn", "randn_like", "scaled_dot_product_attention", "uniform"]
ALTERING = ("batch_norm", "instance_norm", "append")  # what they are given, without a name that ends in _
PAIRS = "(Tensor, Tensor)"
GIVE_PAIRS = ("kthvalue", "sort", "std_mean", "topk", "var_mean")
PAIR_WITH_DIM = ("max", "median", "min")


@dataclass(frozen=True)
class Argument:
    """An argument of an operation. ``default`` is ``EMPTY`` where it has to be given; ``listed``: a program may also
    give the elements one by one, as in ``x.view(2, 3)``, and a node has one list."""

    name: str
    default: Any
    listed: bool = False


EMPTY = inspect.Parameter.empty


class Operation:
    """One of minigrad's functions, with the arguments that a node has a value for."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.function = function
        signature = inspect.signature(function)
        self.returns = str(signature.return_annotation)
        self.arguments: list[Argument] = []
        for each in signature.parameters.values():
            one_by_one = each.kind is each.VAR_POSITIONAL
            listed = any(before.listed for before in self.arguments)
            again = listed and each.name in ("shape", "size", "dims")  # the list by its name
            optional = one_by_one and any(before.default is not EMPTY for before in self.arguments)
            if not (each.name in LEFT_OUT or each.kind is each.VAR_KEYWORD or again or optional):
                self.arguments.append(Argument(each.name, each.default, one_by_one))

    def __repr__(self) -> str:
        return f"<Operation aten::{self.name}({', '.join([each.name for each in self.arguments])})>"

    def __call__(self, *values: Any) -> Any:
        """Run the function: what is as it mostly is, is left out."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for argument, value in zip(self.arguments, values):
            if argument.listed and self.name == "einsum":
                positional += value
            elif argument.default is EMPTY:
                positional.append(value)
            elif not same(value, argument.default):
                named[argument.name] = value
        return self.function(*positional, **named)


def same(value: Any, default: Any) -> bool:
    """Whether an argument is its default."""
    return value is default or (type(value) is type(default) and not isinstance(value, Tensor) and value == default)


# ------------------------------------------------------------------------------- functions that stand for Python's


def to(input: Tensor, dtype: Any) -> Tensor:
    """``input`` in another type."""
    return input.to(dtype)


def slice_tensor(input: Tensor, dim: int, start: int | None, end: int | None, step: int) -> Tensor:
    """``input[..., start:end:step]``, ``dim`` dimensions before it."""
    return input[(slice(None),) * (dim % input.ndim) + (slice(start, end, step),)]


def index(input: Tensor, indices: list[Tensor]) -> Tensor:
    """``input[indices]``: positions, or a mask."""
    return input[tuple(indices)]


def item(input: Tensor) -> Any:
    """The number in a tensor of one element."""
    return input.item()


def attribute(name: str) -> Callable[[Tensor], Any]:
    """What reads an attribute of a tensor."""

    def read(input: Tensor) -> Any:
        return getattr(input, name)

    return read


OWN: dict[str, Callable[..., Any]] = {"slice": slice_tensor, "to": to, "index": index, "item": item}
OWN |= {name: attribute(name) for name in ("mT", "dtype", "requires_grad")}
OWN |= {"numpy_T": attribute("T"), "dim": attribute("ndim")}
RETURNS = {"Tensor": "Tensor", "bool": "bool", "builtins.bool": "bool", "int": "int", "tuple[Tensor, ...]": "Tensor[]"}
OWN_RETURNS = {"item": "Scalar", "dtype": "dtype", "dim": "int", "requires_grad": "bool"}


def table() -> tuple[dict[str, Operation], dict[Any, str]]:
    """Every operation by name, and the name by the code of each function that is one."""
    operations = {name: Operation(name, function) for name, function in OWN.items()}
    by_code = {}
    for place in (Tensor, minigrad, functional):
        for name in NAMES:
            function = getattr(place, name, None)
            if not inspect.isfunction(function) or (place, name) in ((Tensor, "where"), (functional, "unfold")):
                continue  # minigrad.double is a type; these two are others than the operations of their names
            plain = inspect.unwrap(function)
            by_code[plain.__code__] = name
            operations.setdefault(name, Operation(name, function))
            if "inplace" in inspect.signature(plain).parameters and f"{name}_" not in NAMES:
                operations[f"{name}_"] = Operation(f"{name}_", partial(function, inplace=True))
    for name, function in (("im2col", functional.unfold), ("col2im", functional.fold)):
        operations[name] = Operation(name, function)
        by_code[inspect.unwrap(function).__code__] = name
    return operations, by_code


OPERATIONS, BY_CODE = table()


def operation_of(function: Any) -> str | None:
    """The name of the operation that a function is; None where it is none."""
    return BY_CODE.get(getattr(inspect.unwrap(function), "__code__", None)) if callable(function) else None


def is_random(kind: str) -> bool:
    """Whether two runs of a node of this kind may give different values."""
    return kind.removeprefix("aten::").removesuffix("_") in RANDOM


def has_effect(kind: str) -> bool:
    """Whether a node of this kind does something besides making its values: changes a tensor, raises, calls."""
    name = kind.removeprefix("aten::")
    changes = name.endswith("_") and not name.endswith("__")
    return changes or name in ALTERING or kind in ("prim::RaiseException", "prim::CallMethod")


def result_type(name: str, types: Sequence[str]) -> str:
    """The type of what the operation ``name`` makes of values of these types.

    Raises:
        TypeError: it takes no such values.
    """
    if name in ON_NUMBERS and all(each in NUMBERS for each in types):
        if len(types) != (1 if name in ONE_NUMBER else 2):
            raise TypeError(f"aten::{name} does not take {len(types)} numbers")
        if name in OF_NUMBERS:
            return OF_NUMBERS[name]
        return "Scalar" if name == "pow" and types[0] == "int" else number_type(list(types))
    if name in COMPARISONS and all(each in ("str", "dtype") or each.endswith("[]") for each in types):
        return "bool"
    if name in ON_LISTS:
        return list_result(name, types)
    if name not in OPERATIONS:
        raise TypeError(f"aten::{name} is no operation of programs")
    operation = OPERATIONS[name]
    if len(types) != len(operation.arguments):
        raise TypeError(f"aten::{name} takes {len(operation.arguments)} values, not {len(types)}")
    if operation.arguments[0].name in ("input", "self") and types[0] not in ("Tensor", "Tensor?", *NUMBERS):
        raise TypeError(f"aten::{name} takes a tensor, not {types[0]}")
    if name in GIVE_PAIRS or (name in PAIR_WITH_DIM and types[1] in NUMBERS):
        return PAIRS
    return OWN_RETURNS.get(name) or RETURNS.get(operation.returns, "Tensor")


COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
OF_NUMBERS = {**dict.fromkeys(COMPARISONS, "bool"), **dict.fromkeys(("div", "sqrt", "exp", "log"), "float")}
OF_NUMBERS |= {"floor": "int", "ceil": "int"}


def list_result(name: str, types: Sequence[str]) -> str:
    """:func:`result_type` for what is in ``ON_LISTS``."""
    counts = ON_LISTS[name][2]
    if not types or (counts and len(types) not in counts):
        raise TypeError(f"aten::{name} does not take {len(types)} values")
    is_list = types[0].endswith("[]")
    if name == "size" and types[0] == "Tensor":
        return "int[]" if len(types) == 1 else "int"
    if name == "__getitem__" and is_list and types[1:] == ["int"]:
        return element_of(types[0])
    if name in ("append", "slice.t") and is_list and (name == "slice.t" or types[1:] == [element_of(types[0])]):
        return types[0]
    if name in ("size", "__getitem__", "append", "slice.t"):
        raise TypeError(f"aten::{name} does not take {' and '.join(types)}")
    return ON_LISTS[name][1]
