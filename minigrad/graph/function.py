"""``Function.apply``: where an operation becomes a node of the graph, and its edges are recorded.

An operation is a subclass of :class:`Function`. Calling ``Mul.apply(a, b)`` makes an instance of ``Mul``, lets
``Mul.forward`` compute on the NumPy arrays inside ``a`` and ``b``, and keeps the instance as the result's ``grad_fn``:
the instance *is* the graph node. It holds what forward saved and points at the nodes that made its inputs.

The operations themselves are in ``minigrad/ops``. Others take their place in the graph by :meth:`Function.connect`: a
user's own operation, on tensors (``autograd/function.py``), and what a change in place makes of a view and of its base,
which takes over the edges of the operation too (``inplace/views.py``). Read next: ``engine.py``, which walks the graph
backward.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

import numpy as np
from numpy import asarray, ndarray

from minigrad.arguments.promotion import is_foreign, type_name
from minigrad.dtypes import from_numpy_dtype
from minigrad.graph import anomaly
from minigrad.graph.grad_mode import call_inside, grad_mode, inference_mode
from minigrad.graph.history import cut_here, note_cut, switched_off
from minigrad.graph.node import (
    NO_EDGE,
    NO_GRADIENT,
    ONE_OUTPUT,
    AccumulateGrad,
    Edge,
    Node,
    Number,
    Tensor,
    TensorBase,
    unwrap,
)
from minigrad.graph.saved_names import names_of_saved
from minigrad.graph.saved_tensors import (
    THIS_NODE,
    Given,
    Origin,
    Packing,
    changed_since,
    detached_since,
    freed,
    inference_saved,
    pack,
    packing,
    unpack,
)
from minigrad.graph.storage import InferenceCounter, VersionCounter, next_sequence_number
from minigrad.graph.strides import elementwise, keep_strides, lay_as_pytorch
from minigrad.kernels.bfloat16 import ARRAYS, BFloat16Array
from minigrad.kernels.layout import check_layout, opened
from minigrad.out_of_memory import out_of_memory

__all__ = ["ONLY_FIRST", "Function", "Probe", "gradient_edge", "taken_in", "with_zeros", "wrap"]
__all__ += ["Number", "Tensor", "constant_like", "unwrap"]  # what a rule is written with besides


counter_of = itemgetter(2)  # an edge's
STRIDED = repeat("_strided"), repeat(False)  # for map(getattr, …): whether the user laid a tensor himself
ONLY_FIRST = [True, False, False]  # the needs of an operation of three inputs


def wrap(array: ndarray) -> Tensor:
    """A new tensor around ``array``, without history."""
    tensor: Tensor = object.__new__(TensorBase._result_type)
    tensor.array = array if array.dtype.kind != "V" else array.view(BFloat16Array)
    tensor._version_counter = InferenceCounter() if grad_mode.inference else VersionCounter()
    return tensor


def constant_like(array: ndarray, value: Any) -> Any:
    """``array`` in the type of ``value``, as a tensor where ``value`` is one, so that the two can be combined."""
    array = asarray(array, unwrap(value).dtype)
    return wrap(array) if isinstance(value, Tensor) else array


def taken_in(value: Any) -> Any:
    """``value``; of another library's tensor, such as PyTorch's, one of minigrad's in the same memory.

    Raises:
        RuntimeError: it requires grad, while operations are recorded: its history would stay behind.
        TypeError: it is not in the CPU's memory, or of a type or a layout that minigrad has not.
    """
    if not is_foreign(value):
        return value
    if getattr(value, "requires_grad", False):
        if grad_mode.enabled:
            raise RuntimeError(
                f"a {type_name(value)} that requires grad cannot become a minigrad.Tensor: its history would be lost. "
                f"Call detach() on it, or compute it in minigrad."
            )
        value = value.detach()
    try:
        array = asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)
        check_layout(array)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"a {type_name(value)} cannot become a minigrad.Tensor: {error}") from None
    tensor = wrap(opened(array))
    keep_strides(tensor)
    return tensor


class Function(Node):
    """An operation on arrays: subclass it with ``forward`` and ``backward``, call it with ``apply``.

    ``forward(ctx, *inputs, **options)`` receives NumPy arrays (and Python numbers as they are) and returns an array or
    a tuple of arrays. ``inputs`` are what can have a gradient; everything else is an option. ``backward(ctx, *grads)``
    receives one gradient an output and returns one gradient an input, None where there is none. The engine sums a
    gradient to the shape of an input that was broadcast.

    One rule serves every order: the engine feeds ``backward`` arrays, or, to record the gradient's own graph
    (``create_graph=True``), tensors. So a rule uses only operators, other Functions, and methods that arrays and
    tensors share. Called on arrays alone, ``apply`` just computes: no node is kept, nothing is wrapped.
    """

    __slots__ = ()

    forward: Any
    backward: Any

    _saved: Any = ()  # what forward saved; None once it was freed
    _origins: Sequence[Origin | None] = ()  # of each saved value, see :meth:`origins`

    receives_tensors = False  # True: forward and backward work on tensors (see ``autograd/function.py``)
    materialize_grads = True  # an output that nobody used sends zeros, not None
    overload = 0  # PyTorch numbers the variants of one operation: SumBackward0 sums all, SumBackward1 along dims
    result_strides: Any = elementwise  # how results lie if the user laid an input, see strides.py; None: in order
    saved_inputs: Any = None  # a slice: forward saves these inputs, None in the place of one, then nothing of inputs
    saves_nothing_for: Any = None  # the needs for which forward saves None in the place of each
    writes_into = False  # True: forward takes ``out``, x's own memory; the rule never needs x's old values
    node_name = ""  # set where PyTorch's name is not the class's
    saved_names: Sequence[str] = ()  # PyTorch's names of what is saved, where saved_names.py does not know them
    packed = False  # True: the user's hooks hold what was saved (see saved_tensors.py)
    inside: weakref.ref[Any] | None = None  # the CopySlices around an operation that changed a view (inplace/views.py)

    def __init_subclass__(cls) -> None:
        if isinstance(vars(cls).get("forward"), staticmethod) and not cls.receives_tensors:
            raise TypeError(
                f"{cls.__name__} has a static forward, as a user's function has: let it inherit from "
                f"minigrad.autograd.Function. This class is what minigrad's own operations inherit from."
            )
        for name in vars(cls).get("saved_names", ()):
            name_saved_value(name)

    def name(self) -> str:
        return self.node_name or f"{type(self).__name__}Backward{self.overload}"

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Any:
        """Compute ``forward`` on the arrays inside ``inputs`` and, where a gradient may be wanted, record the node."""
        if not grad_mode.enabled:
            return cls.compute(inputs, options)
        arrays, needs_input_grad = [], []
        edges: list[Any] = []
        for value in inputs:
            if not isinstance(value, Tensor):
                arrays.append(value)
                needs_input_grad.append(False)
                edges.append(NO_EDGE)
                continue
            arrays.append(value.array)
            needs_input_grad.append(value._requires_grad)
            if not value._requires_grad:
                edges.append((None, 0, value._version_counter))
            elif value.grad_fn is not None:
                edges.append((value.grad_fn, value.output_nr, value._version_counter))
            else:  # a leaf: its AccumulateGrad node, made here unless a living graph holds it
                leaf_node = value._accumulate_grad()
                if leaf_node is None:
                    leaf_node = AccumulateGrad()
                    leaf_node.variable = value
                    leaf_node.outputs = ONE_OUTPUT[value.array.shape, value.array.dtype]
                    value._accumulate_grad = weakref.ref(leaf_node)
                edges.append((leaf_node, 0, value._version_counter))
        if True not in needs_input_grad:
            return cls.compute(inputs, options)
        node = cls()
        node.needs_input_grad = needs_input_grad
        node.edges = tuple(edges)
        try:
            output = node.forward(*arrays, **options) if options else node.forward(*arrays)
        except MemoryError as error:
            raise out_of_memory(error) from error
        if type(output) is tuple:
            results = [node.result(asarray(each), output_nr) for output_nr, each in enumerate(output)]
            node.take_place(inputs, results)
            return tuple(results)
        result = node.result(asarray(output), 0)
        node.take_place(inputs, (result,))
        return result

    def result(self, array: ndarray, output_nr: int) -> Tensor:
        """``array`` as a tensor that this node made. Integers and bools have no gradient, so they have no history."""
        if array.dtype.kind != "f":
            if array.dtype.kind != "V":
                return self.constant(array)
            array = array.view(BFloat16Array)
        tensor: Tensor = object.__new__(TensorBase._result_type)
        tensor.array = array
        tensor.grad_fn = self
        tensor.output_nr = output_nr
        tensor._requires_grad = True
        tensor._version_counter = VersionCounter()
        return tensor

    def constant(self, array: ndarray) -> Tensor:
        """A result that has no history, because its type has none; it tells ``explain_grad`` so."""
        result = wrap(array)
        makers = [node for node, _, _ in getattr(self, "edges", ()) if node is not None]
        if makers:
            of_leaf = isinstance(makers[0], AccumulateGrad)
            result._cut = cut_here("type", None if of_leaf else makers[0], from_numpy_dtype(array.dtype))
            if of_leaf:
                makers[0].variable._unrecorded = result._cut
        return result

    @classmethod
    def compute(cls, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
        """What :meth:`apply` does where there is nothing to record: an array of arrays, a tensor of tensors.

        A tensor of another library becomes one of minigrad's.

        Raises:
            TypeError: there is no tensor, and this is no rule.
        """
        arrays, any_tensor = [], False
        for value in inputs:
            if isinstance(value, Tensor):
                any_tensor = True
                arrays.append(value.array)
            else:
                arrays.append(value)
        if not any_tensor and grad_mode.walk is None:
            if any(map(is_foreign, inputs)):
                return cls.apply(*map(taken_in, inputs), **options)
            raise TypeError(f"{cls.__name__}: argument 'input' (position 1) must be Tensor, not {type_name(inputs[0])}")
        node = cls()
        node.needs_input_grad = [False] * len(inputs)
        try:
            output = node.forward(*arrays, **options)
        except MemoryError as error:
            raise out_of_memory(error) from error
        if not any_tensor:
            return output
        outputs = output if type(output) is tuple else (output,)
        results = tuple([wrap(asarray(each)) for each in outputs])
        if TensorBase._some_strided and cls.result_strides and True in map(getattr, inputs, *STRIDED):
            node.lay(inputs, results)
        note_cut(switched_off(), inputs, results, cls)
        return results if type(output) is tuple else results[0]

    def connect(self, inputs: Sequence[Any], results: Sequence[Tensor]) -> None:
        """Make this instance, which ``apply`` did not make, a node of the graph: point at the inputs' nodes."""
        edges: list[Any] = []
        for value, needed in zip(inputs, self.needs_input_grad):
            node, output_nr = gradient_edge(value) if needed else (None, 0)
            edges.append((node, output_nr, value._version_counter))
        self.edges = tuple(edges)
        self.take_place(inputs, results)

    def take_place(self, inputs: Sequence[Any], results: Sequence[Tensor]) -> None:
        """Number this node, and note what it made and whose the values are that forward saved."""
        self.sequence_number = next_sequence_number()
        if TensorBase._some_strided and self.result_strides and True in map(getattr, inputs, *STRIDED):
            self.lay(inputs, results)
        self.outputs = ONE_OUTPUT[results[0].array.shape, results[0].array.dtype]
        if self.saved_inputs is None and not ARRAYS.isdisjoint(map(type, self._saved)):  # arrays are saved
            self._origins = self.find_origins(inputs, results)
        special = len(results) > 1 or anomaly.enabled or (Packing.used and packing.hooks)
        if special or (InferenceCounter.made and InferenceCounter in map(type, map(counter_of, self.edges))):
            self.take_special_place(results)

    def lay(self, inputs: Sequence[Any], results: Sequence[Tensor]) -> None:
        """Lay the results as PyTorch would lay them, for the user laid one of the inputs: see ``strides.py``."""
        arrays = [each.array for each in results]
        lay_as_pytorch(type(self).result_strides, inputs, results)
        for old, result in zip(arrays, results):
            self._saved = tuple([result.array if each is old else each for each in self._saved])

    def take_special_place(self, results: Sequence[Tensor]) -> None:
        """What else there is to note of several results, for anomaly detection, for the user's hooks around saving.

        Raises:
            RuntimeError: a value is saved that was made in inference mode.
        """
        for array, origin in zip(self._saved, self.origins()):
            if type(array) in ARRAYS and origin is not None and type(origin[1]) is InferenceCounter:
                raise inference_saved(self)
        if len(results) > 1:
            self.outputs = tuple([(each.array.shape, each.array.dtype) for each in results])
            self.plain = False
        if anomaly.enabled:
            anomaly.note_origin(self)
        if packing.hooks and self._saved:
            self._saved = pack([self.restore(*pair) for pair in zip(self._saved, self.origins())])
            self.packed = True

    def find_origins(self, inputs: Sequence[Any], results: Sequence[Tensor]) -> list[Origin | None]:
        """The origin of each saved value that is an input or a result; None for the others.

        Several inputs may show one array, as x and x.detach() do: the one at the saved value's own place is meant.
        """
        places: list[tuple[Any, Edge]] = []
        for value, (node, output_nr, _) in zip(inputs, self.edges):
            places.append((value, (node, output_nr)))
        for result in results:
            places.append((result, (THIS_NODE, result.output_nr)))
        origins: list[Origin | None] = []
        for position, array in enumerate(self._saved):
            origins.append(None)
            for value, edge in (*places[position : position + 1], *places):
                if isinstance(value, Tensor) and value.array is array:
                    origins[-1] = edge, value._version_counter, self.sequence_number
                    break
        return origins

    def origins(self) -> Sequence[Origin | None]:
        """The origin of each saved value; None where it has none."""
        if self.saved_inputs is None or self._origins:
            return self._origins or [None] * len(self._saved)
        origins: list[Origin | None] = []
        for value, (node, output_nr, counter) in zip(self._saved, self.edges[self.saved_inputs]):
            has_origin = value is not None and type(value) is not bool and counter is not None
            origins.append(((node, output_nr), counter, self.sequence_number) if has_origin else None)
        return origins + [None] * (len(self._saved) - len(origins))

    def save_for_backward(self, *values: Any) -> None:
        """Keep arrays (or None, or numbers) for ``backward``. Inputs and outputs are kept with their history.

        Tensors among the options, such as an index, are kept as they are, or what was read from them as a ``Given``.
        """
        self._saved = values

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What forward saved: the arrays, or, where operations are being recorded, tensors with their history.

        Raises:
            RuntimeError: the values were freed by an earlier backward, or one was changed in place since.
        """
        if self._saved is None:
            raise freed(self)
        if VersionCounter.latest > self.sequence_number:
            self.check_versions()
        if grad_mode.enabled or self.packed or self.receives_tensors:
            return self.restored()
        return self._saved

    def __dir__(self) -> list[str]:
        """The attributes, without what was saved where a look would run the user's hook, or record an operation."""
        names = {name for name in object.__dir__(self) if not name.startswith("_saved_")}
        if self.packed or self.inside is not None:
            return sorted(names - {"saved_tensors"})
        return sorted(names | {f"_saved_{name}" for name in names_of_saved(self)})

    def check_saved(self) -> None:
        """Raise the error of :attr:`saved_tensors` where it would: as in PyTorch, also where the rule does not run."""
        _ = self.saved_tensors

    def check_versions(self) -> None:
        """Something was changed or detached in place since this node saved: raise an error if it was that."""
        if self.packed:
            return
        for value, origin in zip(self._saved, self.origins()):
            if origin is not None:
                (maker, output_nr), counter, saved_at = origin
                if counter.changed > saved_at:
                    raise changed_since(self, value, origin)
                if counter.detached and (getattr(maker, "sequence_number", None), output_nr) in counter.detached:
                    raise detached_since(self, value)
                continue
            for source in value.sources if type(value) is Given else (value,):
                if isinstance(source, Tensor) and source._version_counter.changed > self.sequence_number:
                    origin = NO_EDGE[:2], source._version_counter, self.sequence_number
                    raise changed_since(self, source.array, origin)

    def restored(self) -> tuple[Any, ...]:
        """What was saved, out of the user's hooks, as tensors where the rule takes tensors."""
        saved = self._saved
        if self.packed:
            if grad_mode.walk is not None:
                grad_mode.walk.finish()  # the user's hook is going to run
            saved = unpack(saved)
        if grad_mode.enabled or self.receives_tensors:
            return tuple([self.restore(*pair) for pair in zip(saved, self.origins())])
        return saved

    def restore(self, array: Any, origin: Origin | None) -> Any:
        """The tensor that ``array`` was saved from: the same values with the same place in the graph."""
        if not isinstance(array, ndarray):
            return array
        if origin is None:
            return wrap(array)
        (maker, output_nr), counter, _ = origin
        if maker is None:
            tensor = wrap(array)
        elif isinstance(maker, AccumulateGrad):
            if maker.variable.array is array:
                return maker.variable
            tensor = wrap(array)
            tensor._requires_grad = True
            tensor._accumulate_grad = weakref.ref(maker)
        else:
            tensor = self.own_result(array, output_nr) if maker is THIS_NODE else maker.result(array, output_nr)
        tensor._version_counter = counter
        return tensor

    def own_result(self, array: ndarray, output_nr: int) -> Tensor:
        """The tensor that this node made and saved."""
        if self.inside is None:
            return self.result(array, output_nr)
        copy_slices: Any = self.inside()
        return copy_slices.view_of_result(array)

    def call_rule(self, gradients: Sequence[Any]) -> tuple[Any, ...]:
        """From one gradient an output to one an input: what the engine's loop does with a plain node."""
        return self.from_rule(self.rule_of_node()(*self.for_rule(gradients)))

    def rule_of_node(self) -> Any:
        """The rule, to be called with what :meth:`for_rule` gives."""
        return self.backward

    def for_rule(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """The gradients as the rule takes them."""
        return with_zeros(self, gradients) if len(self.outputs) > 1 and self.materialize_grads else gradients

    def from_rule(self, found: Any) -> tuple[Any, ...]:
        """What the rule gave, as it travels on."""
        return found if type(found) is tuple else (found,)

    def free(self) -> None:
        """Let go of what was saved. A later look raises the error of :attr:`saved_tensors`."""
        if self._saved and self.needs_input_grad != self.saves_nothing_for:
            self._saved = None

    def copy_saved_input(self, tensor: Tensor) -> None:
        """Before ``tensor``, an input, is overwritten: what was saved of it is from now on a copy of its old values."""
        origins = self.origins()
        for position, array in enumerate(self._saved):
            origin = origins[position] if array is tensor.array else None
            if origin is not None:
                self.replace_saved(position, array.copy(order="K"), origin[0], VersionCounter())

    def redirect_saved_result(self, result: Tensor, target: Tensor, output_nr: int = 0) -> None:
        """After an in-place operation: what was saved of ``result`` is ``target``, which received its values."""
        for position, array in enumerate(self._saved):
            if array is result.array:
                self.replace_saved(position, target.array, (THIS_NODE, output_nr), target._version_counter)

    def replace_saved(self, position: int, array: ndarray, edge: Edge, counter: VersionCounter) -> None:
        """Keep ``array``, which has this place in the graph, instead of what was saved at ``position``."""
        self._saved = (*self._saved[:position], array, *self._saved[position + 1 :])
        self._origins = origins = [*self.origins()]
        origins[position] = edge, counter, next_sequence_number()


class SavedValue:
    """``node._saved_self`` and others: what forward saved, under PyTorch's names (``saved_names.py``).

    Raises:
        AttributeError: this node saved nothing of that name.
        RuntimeError: as :attr:`Function.saved_tensors` raises it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, node: Any, owner: Any) -> Any:
        if node is None:
            return self
        node.check_saved()
        saved = unpack(node._saved) if node.packed else node._saved
        for name, value, origin in zip(names_of_saved(node), saved, node.origins()):
            if name == self.name:
                return None if type(value) is bool else node.restore(value, origin)  # a bool: it was not needed
        raise AttributeError(f"{type(node).__name__!r} object has no attribute '_saved_{self.name}'")


def name_saved_value(name: str) -> None:
    """Let every operation be asked for what it saved as ``name``. A ``__getattr__`` would slow each other look down."""
    if not hasattr(Function, f"_saved_{name}"):
        setattr(Function, f"_saved_{name}", SavedValue(name))


numbered = [f"{kind}{number}" for kind in ("input", "result", "value") for number in range(8)]
for name in ("self", "other", "result", "indices", *numbered):
    name_saved_value(name)


def with_zeros(node: Node, gradients: Sequence[Any]) -> list[Any]:
    """``gradients`` with zeros where nothing arrived: an output that nobody used has the gradient zero."""
    complete = []
    for gradient, output in zip(gradients, node.outputs):
        if gradient is None and output is not NO_GRADIENT:
            gradient = np.zeros(*output)
            if grad_mode.enabled:
                gradient = wrap(gradient)
        complete.append(gradient)
    return complete


def gradient_edge(tensor: Tensor) -> Edge:
    """The place in the graph that receives ``tensor``'s gradient: ``(node, output_nr)``.

    Raises:
        RuntimeError: the tensor does not require grad, so there is no such place.
    """
    if tensor.grad_fn is not None:
        return tensor.grad_fn, tensor.output_nr
    if not tensor._requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    if tensor._accumulate_grad() is None and tensor._former_node() is not None:
        return tensor._former_node(), 0
    return call_inside(inference_mode(False), Probe.apply, tensor).grad_fn.next_functions[0]


class Probe(Function):
    """z = x, the same array: recorded only to see which edge any operation on x would record."""

    def forward(ctx, x):
        return x
