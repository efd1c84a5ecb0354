"""The graph: what a node is, and ``Function.apply``, the only place where an edge is recorded.

An operation is a subclass of :class:`Function`. Calling ``Mul.apply(a, b)`` makes an instance of ``Mul``, lets
``Mul.forward`` compute on the NumPy arrays inside ``a`` and ``b``, and keeps the instance as the result's ``grad_fn``:
the instance *is* the graph node. It holds what forward saved and points at the nodes that made its inputs.

The operations themselves are in ``minigrad/ops``. What a user subclasses to write an operation on tensors is in
``custom.py``. Read next: ``engine.py``, which walks the graph backward.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import asarray, ndarray

from minigrad.autograd import anomaly
from minigrad.autograd.grad_mode import enable_grad, grad_mode, no_grad
from minigrad.autograd.hooks import NodeHooks, RemovableHandle
from minigrad.autograd.saving import pack, saving, unpack
from minigrad.dtypes import dtype, from_numpy_dtype
from minigrad.storage import InferenceCounter, VersionCounter
from minigrad.tensor import Tensor, share_storage, wrap

__all__ = [
    "CUSTOM_VIEW",
    "NO_GRADIENT",
    "NO_GRAD_VIEW",
    "THIS_NODE",
    "AccumulateGrad",
    "Function",
    "InputMetadata",
    "Node",
    "gradient_edge",
    "once_differentiable",
]

next_sequence_number = itertools.count().__next__

THIS_NODE: Any = "this node"  # says of a saved output who made it, without a cycle from the node to itself
NO_GRADIENT: Any = None  # among a node's outputs: a custom forward returned something else than a tensor there


# Why some views may not be changed in place while operations are recorded: the end of PyTorch's message.
NO_GRAD_VIEW = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case "
    "is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace "
    "either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want "
    "the inplace to be tracked)."
)
MULTIPLE_VIEWS = (
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one."
)
CUSTOM_VIEW = (
    "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to "
    "handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect "
    "gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
)


Edge = tuple[Any, int]  # a node, or None, and which of its outputs
Origin = tuple[Edge, VersionCounter, int]  # of a saved array: its place in the graph, its version when it was saved


class InputMetadata(NamedTuple):
    """Shape and type of one gradient that enters a node: those of the forward output it belongs to."""

    shape: tuple[int, ...]
    dtype: dtype


class Node:
    """One recorded operation. Counterpart: ``torch.autograd.graph.Node``.

    Attributes:
        next_functions: one ``(node, output_nr)`` pair an input, in order, a repeated input repeated: the node that
            made the input and which of its outputs it was; ``(None, 0)`` for an input that needs no gradient.
        needs_input_grad: one bool an input: is its gradient wanted?
        sequence_number: grows with every node made. Of the nodes that are ready, the engine runs the highest.
        outputs: one ``(shape, NumPy dtype)`` pair an output of forward.
        hooks: what the user registered around this node, or None.
    """

    __slots__ = ("__dict__", "__weakref__", "hooks", "needs_input_grad", "next_functions", "outputs", "sequence_number")

    next_functions: tuple[Edge, ...]
    needs_input_grad: Any
    sequence_number: int
    outputs: tuple[tuple[tuple[int, ...], np.dtype], ...]
    hooks: NodeHooks | None

    def name(self) -> str:
        """The name that PyTorch gives this node, such as ``MulBackward0``."""
        raise NotImplementedError

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary for whatever the user wants to note at this node."""
        return self.__dict__.setdefault("_metadata", {})

    @property
    def _input_metadata(self) -> tuple[InputMetadata, ...]:
        described = [each for each in self.outputs if each is not NO_GRADIENT]
        return tuple([InputMetadata(shape, from_numpy_dtype(kind)) for shape, kind in described])

    def _sequence_nr(self) -> int:
        return self.sequence_number

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` after the node ran; a tuple it returns replaces ``grad_inputs``."""
        return RemovableHandle(self._own_hooks().hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before the node runs; a tuple it returns replaces ``grad_outputs``."""
        return RemovableHandle(self._own_hooks().prehooks, hook)

    def _own_hooks(self) -> NodeHooks:
        """The hooks around this node, made where there were none."""
        if self.hooks is None:
            self.hooks = NodeHooks()
        return self.hooks

    def __repr__(self) -> str:
        outputs = getattr(self, "outputs", None)
        if outputs is None:
            return f"<{self.name()}, not recorded>"
        shapes = ", ".join(["none" if each is NO_GRADIENT else str(list(each[0])) for each in outputs])
        return f"<{self.name()} of shape {shapes}>"


class AccumulateGrad(Node):
    """The end of a path backward: the node that adds what arrives to ``variable.grad`` of one leaf tensor.

    The node keeps the leaf alive; the leaf knows its node by a weak reference. So there is no cycle, and a leaf has
    one node for as long as any graph uses it. The tensor's hooks are the leaf's, so that they outlive the node; those
    registered around the node itself die with it, as in PyTorch.
    """

    __slots__ = ("around", "variable")

    variable: Tensor
    around: NodeHooks | None
    next_functions = ()
    needs_input_grad = ()
    sequence_number = 2**64 - 1  # PyTorch's choice: a leaf runs as soon as it is ready

    @property
    def outputs(self) -> tuple[tuple[tuple[int, ...], np.dtype], ...]:  # type: ignore[override]
        return ((self.variable.array.shape, self.variable.array.dtype),)

    @property
    def hooks(self) -> NodeHooks | None:  # type: ignore[override]
        return self.variable._hooks

    @hooks.setter
    def hooks(self, hooks: NodeHooks | None) -> None:
        self.variable._hooks = hooks

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"  # PyTorch's answer, its C++ namespace included

    def _own_hooks(self) -> NodeHooks:
        if self.around is None:
            self.around = NodeHooks()
        return self.around


class Function(Node):
    """An operation on arrays: subclass it with ``forward`` and ``backward``, call it with ``apply``.

    ``forward(ctx, *inputs, **options)`` receives NumPy arrays (and Python numbers as they are) and returns an array or
    a tuple of arrays. ``inputs`` are what can have a gradient; everything else is an option. ``backward(ctx, *grads)``
    receives one gradient an output and returns one gradient an input, None where there is none.

    One rule serves every order: the engine feeds ``backward`` arrays, or, to record the gradient's own graph
    (``create_graph=True``), tensors. So a rule uses only operators, other Functions, and methods that arrays and
    tensors share. Called on arrays alone, ``apply`` just computes: no node is kept, nothing is wrapped.
    """

    __slots__ = ("_origins", "_saved")

    forward: Any
    backward: Any
    _saved: Any
    _origins: list[Origin | None]

    receives_tensors = False  # True: forward and backward work on tensors (see custom.py)
    materialize_grads = True  # an output that nobody used sends zeros, not None
    overload = 0  # PyTorch numbers the variants of one operation: SumBackward0 sums all, SumBackward1 along dims
    is_view = False  # True: the result shares memory with the first input
    writes_into = False  # True: forward takes ``out``, x's own memory; the rule never needs x's old values (inplace.py)
    node_name = ""  # set where PyTorch's name is not the class's
    packed = False  # True: the user's hooks hold what was saved (see saving.py)
    inside: weakref.ref[Any] | None = None  # the CopySlices around an operation that changed a view (see views.py)

    def __init_subclass__(cls) -> None:
        if isinstance(vars(cls).get("forward"), staticmethod) and not cls.receives_tensors:
            raise TypeError(
                f"{cls.__name__} has a static forward, as a user's function has: let it inherit from "
                f"minigrad.autograd.Function. This class is what minigrad's own operations inherit from."
            )

    def name(self) -> str:
        return self.node_name or f"{type(self).__name__}Backward{self.overload}"

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Any:
        """Compute ``forward`` on the arrays inside ``inputs`` and, where a gradient may be wanted, record the node."""
        arrays = []
        needs_input_grad = []
        any_tensor = False
        recording = grad_mode.enabled
        if cls.is_view and isinstance(inputs[0], Tensor):
            inputs[0]._lay_in_order()
        for value in inputs:
            if isinstance(value, Tensor):
                any_tensor = True
                arrays.append(value.array)
                needs_input_grad.append(value._requires_grad and recording)
            else:
                arrays.append(value)
                needs_input_grad.append(False)

        if not any_tensor and not grad_mode.in_rule:
            raise TypeError(
                f"{cls.__name__}: argument 'input' (position 1) must be Tensor, not {type(inputs[0]).__name__}"
            )

        node = cls()
        node.needs_input_grad = needs_input_grad
        node._saved = ()
        output = cls.forward(node, *arrays, **options)

        if not any_tensor:
            return output
        grad_fn = node if True in needs_input_grad else None
        if type(output) is tuple:
            result = []
            for output_nr, each in enumerate(output):
                result.append(wrap(asarray(each), grad_fn, output_nr))
        else:
            result = [wrap(asarray(output), grad_fn, 0)]
        if grad_fn is not None:
            node.connect(inputs, result)
        if cls.is_view:
            restriction = NO_GRAD_VIEW if not recording else (MULTIPLE_VIEWS if len(result) > 1 else "")
            for each in result:
                share_storage(each, inputs[0], restriction)
        if not recording:
            node.note_unrecorded(inputs, result)
        return tuple(result) if type(output) is tuple else result[0]

    def note_unrecorded(self, inputs: tuple[Any, ...], results: list[Tensor]) -> None:
        """Note for ``explain_grad`` that the results would have a history had no_grad not been on."""
        switch = "inference_mode" if grad_mode.inference else "no_grad"
        for value in inputs:
            if isinstance(value, Tensor) and value._requires_grad:
                for result in results:
                    result._history_note = f"{self.name()} made it while recording was off ({switch})"
                return

    def connect(self, inputs: tuple[Any, ...], results: list[Tensor]) -> None:
        """Make this instance a node of the graph: point at the inputs' nodes, note which versions were saved."""
        self.sequence_number = next_sequence_number()
        self.hooks = None
        if anomaly.enabled:
            anomaly.note_origin(self)
        outputs = []
        for result in results:
            outputs.append((result.array.shape, result.array.dtype))
        self.outputs = tuple(outputs)

        edges: list[Edge] = []
        for value, needed in zip(inputs, self.needs_input_grad):
            if not needed:
                edges.append((None, 0))
            elif value.grad_fn is not None:
                edges.append((value.grad_fn, value.output_nr))
            else:  # a leaf: its AccumulateGrad node, made here unless a living graph holds it
                leaf_node = None if value._accumulate_grad is None else value._accumulate_grad()
                if leaf_node is None:
                    leaf_node = AccumulateGrad()
                    leaf_node.variable, leaf_node.around = value, None
                    value._accumulate_grad = weakref.ref(leaf_node)
                edges.append((leaf_node, 0))
        self.next_functions = tuple(edges)

        origins: list[Origin | None] = []
        for array in self._saved:
            origin = None
            if array is not None:
                for value, edge in zip(inputs, edges):
                    if isinstance(value, Tensor) and value.array is array:
                        counter = value._version_counter
                        origin = (edge, counter, counter.value)
                        if type(counter) is InferenceCounter:
                            raise inference_saved(self)
                        break
                else:
                    origin = self._origin_in_results(array, results)
            origins.append(origin)
        self._origins = origins
        if saving.hooks and self._saved:
            self._saved = pack([self._restore(*pair) for pair in zip(self._saved, origins)])
            self.packed = True

    def _origin_in_results(self, array: Any, results: list[Tensor]) -> Origin | None:
        """The origin of a saved array that is one of the node's own results; None where it is neither."""
        for result in results:
            if result.array is array:
                return (THIS_NODE, result.output_nr), result._version_counter, result._version_counter.value
        return None

    def save_for_backward(self, *values: Any) -> None:
        """Keep arrays (or None, or numbers) for ``backward``. Inputs and outputs are kept with their history."""
        self._saved = values

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What forward saved: the arrays, or, where operations are being recorded, tensors with their history.

        Raises:
            RuntimeError: the values were freed by an earlier backward, or one was changed in place since.
        """
        if self._saved is None:
            raise RuntimeError(
                f"Trying to backward through the graph a second time (or directly access saved tensors after they "
                f"have already been freed): {self!r} has none left. Saved intermediate values of the graph are freed "
                f"when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
                f"through the graph a second time or if you need to access saved tensors after calling backward."
            )
        for array, origin in zip(self._saved, self._origins):
            if origin is not None and origin[1].value != origin[2] and not self.packed:
                raise changed_in_place(self, array, origin)
        saved = self._saved
        if self.packed:
            saved = unpack(saved)
        if grad_mode.enabled or self.receives_tensors:
            return tuple([self._restore(*pair) for pair in zip(saved, self._origins)])
        return saved

    def _restore(self, array: Any, origin: Origin | None) -> Any:
        """The tensor that ``array`` was saved from: the same values with the same place in the graph."""
        if not isinstance(array, ndarray):
            return array
        if origin is None:
            return wrap(array, None, 0)
        (maker, output_nr), version, _ = origin
        if isinstance(maker, AccumulateGrad):
            if maker.variable.array is array:
                return maker.variable
            tensor = wrap(array, None, 0)
            tensor._requires_grad = True
            tensor._accumulate_grad = weakref.ref(maker)
        else:
            tensor = self._own_result(array, output_nr) if maker is THIS_NODE else wrap(array, maker, output_nr)
        tensor._version_counter = version
        return tensor

    def _own_result(self, array: ndarray, output_nr: int) -> Tensor:
        """The tensor that this node made and saved."""
        if self.inside is None:
            return wrap(array, self, output_nr)
        copy_slices: Any = self.inside()
        view: Tensor = copy_slices.view_of_result(array)
        return view

    def saved_arrays(self) -> tuple[Any, ...]:
        """The saved arrays as they are, unchecked; nothing where they were freed."""
        return self._saved or ()

    def free(self) -> None:
        """Let go of what was saved. A later look raises the error of :attr:`saved_tensors`."""
        if self._saved:
            self._saved = None

    def copy_saved_input(self, tensor: Tensor) -> None:
        """Before ``tensor``, an input, is overwritten: what was saved of it is from now on a copy of its old values."""
        for position, array in enumerate(self._saved):
            origin = self._origins[position] if array is tensor.array else None
            if origin is not None:
                self._saved = (*self._saved[:position], array.copy(order="K"), *self._saved[position + 1 :])
                self._origins[position] = (origin[0], VersionCounter(), 0)

    def redirect_saved_result(self, result: Tensor, target: Tensor) -> None:
        """After an in-place operation: what was saved of ``result`` is ``target``, which received its values."""
        for position, array in enumerate(self._saved):
            if array is result.array:
                self._saved = (*self._saved[:position], target.array, *self._saved[position + 1 :])
                self._origins[position] = ((THIS_NODE, 0), target._version_counter, target._version_counter.value)


def changed_in_place(node: Function, array: np.ndarray, origin: Origin) -> RuntimeError:
    """PyTorch's error for a saved value that was changed since, and which operation changed it, and where."""
    (maker, output_nr), version, saved_version = origin
    if isinstance(maker, AccumulateGrad):
        made_by = "a leaf tensor"
    else:
        made_by = f"output {output_nr} of {(node if maker is THIS_NODE else maker).name()}" if maker else "a constant"
    return RuntimeError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{from_numpy_dtype(array.dtype)} {list(array.shape)}], which is {made_by}, is at version {version.value}; "
        f"expected version {saved_version} instead. {node.name()} saved it; {version.last_change} changed it since. "
        f"Hint: change a copy (tensor.clone()), or use the operation that returns a new tensor."
    )


def inference_saved(node: Function) -> RuntimeError:
    """PyTorch's error for a value made in inference mode that a recorded operation would have to save."""
    return RuntimeError(
        f"Inference tensors cannot be saved for backward, and {node.name()} would have to. Please do not use Tensors "
        f"created in inference mode in computation tracked by autograd. To work around this, you can make a clone to "
        f"get a normal tensor and use it in autograd, or use `minigrad.no_grad()` instead of "
        f"`minigrad.inference_mode()`."
    )


def gradient_edge(tensor: Tensor) -> Edge:
    """The place in the graph that receives ``tensor``'s gradient: ``(node, output_nr)``.

    Raises:
        RuntimeError: the tensor does not require grad, so there is no such place.
    """
    if not tensor._requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    if tensor.grad_fn is not None:
        return tensor.grad_fn, tensor.output_nr
    with enable_grad():
        return Identity.apply(tensor).grad_fn.next_functions[0]


class Identity(Function):
    """z = x, the same array: recorded only to see which edge any operation on x would record."""

    def forward(ctx, x):
        return x


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Say of a custom ``backward`` that it cannot be differentiated: doing so raises an error instead of giving zeros.

    Counterpart: ``torch.autograd.function.once_differentiable``.
    """

    @functools.wraps(backward)
    def unrecorded(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            outputs = backward(ctx, *grads)
        if not grad_mode.enabled:
            return outputs
        several = isinstance(outputs, tuple)
        refused = []
        for each in outputs if several else (outputs,):
            refused.append(DifferentiatedTwice.apply(each, *grads) if isinstance(each, Tensor) else each)
        return tuple(refused) if several else refused[0]

    return unrecorded


class DifferentiatedTwice(Function):
    """A value that depends on ``grads`` in a way that nobody told: its own gradient is refused."""

    node_name = "torch::autograd::Error"

    def forward(ctx, value, *grads):
        return value.view()

    def backward(ctx, grad_value):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
