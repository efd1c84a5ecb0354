"""The gate that a function's arguments pass: each is what the signature says, or PyTorch's TypeError is raised.

``@checked`` stands above functions whose body would otherwise fail late, or not at all, on what is no tensor, no
integer, no bool. It reads the annotations of the parameters when a call comes with types that have not been seen; a
second call with these types goes straight on to the function.

Another library's tensor, such as PyTorch's, does not fit: here it becomes one of minigrad's in the same memory. A
function that examines its arguments itself, and needs no gate, stands behind ``@welcoming`` for that alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minigrad import dtypes
from minigrad.arguments.checks import NUMPY_NAMES
from minigrad.arguments.promotion import is_foreign, type_name
from minigrad.graph.function import taken_in
from minigrad.graph.node import Tensor
from minigrad.out_of_memory import is_users, out_of_memory, says_overflow
from minigrad.random import Generator

__all__ = ["LEFT_OUT", "all_taken_in", "checked", "welcoming"]


LEFT_OUT: Any = None  # the default of an argument that may be left out, but not be None

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

NUMBERS = (bool, int, float, np.number, np.bool_)
TYPES: dict[str, tuple[type, ...]] = {
    "Tensor": (Tensor,),
    "int": (int, np.integer),
    "float": NUMBERS,
    "Number": NUMBERS,
    "bool": (bool, np.bool_),
    "builtins.bool": (bool, np.bool_),
    "str": (str,),
    "Generator": (Generator,),
    "None": (type(None),),
    "dtypes.dtype": (dtypes.dtype, type),
}
# PyTorch takes anything for these, and the function itself refuses an unknown reduction.
NOT_EXAMINED = {"inplace", "return_indices", "size_average", "reduce", "reduction", "_stacklevel"}

# Arguments that functions which PyTorch has written in Python read or compare before any type is checked; and in which.
LOOKED_AT_IN = {
    "input": """
activation.glu activation.softsign activation.tanhshrink adaptive_pooling.adaptive_avg_pool2d
adaptive_pooling.adaptive_max_pool2d dropout.dropout3d functional.log_softmax functional.softmax
losses.gaussian_nll_loss normalization.group_norm normalization.local_response_norm normalization.normalize
resizing.interpolate statistics.norm unpooling.max_unpool3d volume_pooling.adaptive_avg_pool3d
volume_pooling.adaptive_max_pool3d volume_pooling.adaptive_max_pool3d_with_indices
volume_pooling.max_pool3d_with_indices""",
    "input target": """
classification_losses.binary_cross_entropy_with_logits losses.huber_loss losses.l1_loss losses.mse_loss""",
    "input target weight": "classification_losses.binary_cross_entropy",
    "beta input target": "losses.smooth_l1_loss",
    "input1 input2 target": "margin_losses.margin_ranking_loss",
    "margin": "margin_losses.triplet_margin_loss",
    "eps training": "batch_norm.batch_norm",
    "input use_input_stats": "normalization.instance_norm",
    "p": "dropout.dropout",
    "input p": "dropout.dropout1d dropout.dropout2d",
    "padding_idx": "embedding.embedding",
    "input weight": "embedding.embedding_bag",
    "tensor": "cutting.split",
    "theta": "grid_sampling.affine_grid",
    "a b": "matmul.tensordot",
    "return_counts return_inverse": "nondifferentiable.unique",
    "max_val min_val": "rectifiers.hardtanh",
}
LOOKED_AT = {name: arguments.split() for arguments, names in LOOKED_AT_IN.items() for name in names.split()}


def checked(function: AnyFunction) -> AnyFunction:
    """``function`` behind the gate: its arguments have the types that its annotations name."""
    passed: set[tuple[Any, ...]] = set()  # the types of earlier calls that decide by themselves

    @functools.wraps(function)
    def gate(*arguments: Any, **named: Any) -> Any:
        if (*map(type, arguments), *named, *map(type, named.values())) not in passed:
            arguments, named = examine(function, arguments, named, passed)
        try:
            return function(*arguments, **named)
        except MemoryError as error:
            if is_users(error):
                raise
            raise out_of_memory(error) from None
        except ValueError as error:
            if says_overflow(error) and not is_users(error):
                raise RuntimeError(f"Storage size calculation overflowed in {function.__name__}()") from None
            raise
        except TypeError:
            return once_more(function, arguments, named)

    return gate  # type: ignore[return-value]


def welcoming(function: AnyFunction) -> AnyFunction:
    """``function``, called once more where it refuses another library's tensor, now with one of minigrad's instead."""

    @functools.wraps(function)
    def welcome(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except TypeError:
            return once_more(function, arguments, named)

    return welcome  # type: ignore[return-value]


def once_more(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Called where ``function`` has refused: what it gives with other libraries' tensors taken in, if there are any."""
    if not any(map(holds_foreign, (*arguments, *named.values()))):
        raise
    return function(*map(all_taken_in, arguments), **{name: all_taken_in(value) for name, value in named.items()})


def holds_foreign(value: Any) -> bool:
    """Whether ``value`` is another library's tensor, or a sequence that holds one."""
    return any(map(holds_foreign, value)) if isinstance(value, (tuple, list)) else is_foreign(value)


def all_taken_in(value: Any) -> Any:
    """:func:`minigrad.graph.function.taken_in`, also of what is in a tuple or a list."""
    return type(value)(map(all_taken_in, value)) if type(value) in (tuple, list) else taken_in(value)


def examine(
    function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any], passed: set[tuple[Any, ...]]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments, numbers where tensors of one element stand for numbers, and other libraries' tensors taken in;
    PyTorch's error where one does not fit.

    The types go into ``passed`` where they decide: all other arguments of the same types would be right too.
    """
    code = function.__code__
    if not NUMPY_NAMES.keys().isdisjoint(named) and place_of(function) not in LOOKED_AT:
        named = in_torchs_names(named, code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    values = dict(zip(code.co_varnames[: code.co_argcount], arguments)) | named
    types_decide = True
    for position, (name, value) in enumerate(values.items(), 1):
        annotation = function.__annotations__.get(name, "Any")
        if annotation == "Any" or name in NOT_EXAMINED:
            continue
        if not fits(annotation, value) and holds_foreign(value):
            values[name] = value = all_taken_in(value)
            types_decide = False
        if not fits(annotation, value):
            raise error_for(function, name, annotation, value)(
                f"{function.__name__}(): argument '{name}' (position {position}) must be {wanted(annotation)}, not "
                f"{type_told(value, annotation)}"
            )
        if isinstance(value, Tensor) and "Tensor" not in annotation:
            values[name] = value.item()
            types_decide = False
        elif isinstance(value, (tuple, list)):
            types_decide = False
    if types_decide:
        passed.add((*map(type, arguments), *named, *map(type, named.values())))
    positional = tuple(values.values())[: len(arguments)] + arguments[code.co_argcount :]
    return positional, {name: values[name] for name in named}


def in_torchs_names(named: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """The arguments ``named``, those that a function does not know under the names that it has for NumPy's."""
    theirs = {name: NUMPY_NAMES.get(name, name) for name in named if name not in known}
    theirs = {name: other for name, other in theirs.items() if other in known and other not in named}
    return {theirs.get(name, name): value for name, value in named.items()}


def place_of(function: Callable[..., Any]) -> str:
    """The last part of a function's module, and its name."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def fits(annotation: str, value: Any) -> bool:
    """Whether ``value`` is of one of the types in ``annotation``.

    A tensor with one number in it may stand for it, but not one that requires grad: its gradient would be lost.
    """
    types, inner = parsed(annotation)
    if isinstance(value, types):
        return not isinstance(value, bool) or bool in types or object in types
    if inner and isinstance(value, (tuple, list, range)):
        return all(fits(inner, each) for each in value)
    if isinstance(value, Tensor) and value.ndim == 0 and int in types and not value._requires_grad:
        return bool in types or value.array.dtype.kind in "iu"
    return False


@functools.cache
def parsed(annotation: str) -> tuple[tuple[type, ...], str]:
    """The types that an annotation allows, and what it allows in a sequence; "" where it allows none."""
    types: tuple[type, ...] = ()
    inner = ""
    for each in re.split(r" \| (?![^\[]*\])", annotation):
        if each.startswith("Sequence["):
            inner = each[len("Sequence[") : -1]
        elif each == "Sizes":
            types, inner = types + TYPES["int"], "int"
        elif each == "Dims":
            types, inner = types + TYPES["int"] + TYPES["None"], "int"
        else:
            types += TYPES.get(each, (object,))  # nothing is said here of other classes
    return types, inner


def error_for(function: Callable[..., Any], name: str, annotation: str, value: Any) -> type[Exception]:
    """TypeError; where PyTorch has looked at the argument before, what comes of that: what is no tensor has no shape,
    and a tensor of several elements is neither true nor false. A complex number is one, but for no type here."""
    if isinstance(value, complex) and "Number" in annotation:
        return RuntimeError
    if name in LOOKED_AT.get(place_of(function), ()):
        if "Tensor" in annotation and not hasattr(value, function.__name__):  # a string can be split
            return AttributeError
        if isinstance(value, Tensor):
            return RuntimeError
    return TypeError


def wanted(annotation: str) -> str:
    """The types of an annotation in PyTorch's words."""
    named = annotation.replace("Dims", "int | Sequence[int] | None")
    return named.replace("Sequence[Tensor]", "tuple of Tensors").replace("Sequence[int]", "tuple of ints")


def type_told(value: Any, annotation: str) -> str:
    """The type of ``value``, and of what is in it; what a tensor is like where one of one element could have stood."""
    if isinstance(value, (tuple, list)) and value:
        telling = next(filter(is_foreign, value), value[0])
        return f"{type(value).__name__} of {type_name(telling)}"
    if not isinstance(value, Tensor) or "Tensor" in annotation:
        return type_name(value)
    return f"Tensor of shape {list(value.shape)}" + (" that requires grad" if value._requires_grad else "")
