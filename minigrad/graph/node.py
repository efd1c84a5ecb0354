"""What a graph is made of: nodes, the nodes of leaves, and the place in the graph that a tensor has.

A result points at the node that made it, a node at the nodes that made its inputs. So a graph hangs on its last result
and dies with it, by reference counting alone. Nodes are made, and edges recorded, in ``function.py``: read that next.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy import ndarray

from minigrad.dtypes import dtype, from_numpy_dtype
from minigrad.graph.describing import described
from minigrad.graph.hooks import NodeHooks, RemovableHandle
from minigrad.graph.storage import InferenceCounter, VersionCounter
from minigrad.kernels.bfloat16 import BFloat16Array

__all__ = ["NO_EDGE", "NO_GRADIENT", "ONE_OUTPUT", "AccumulateGrad", "Edge", "InputMetadata"]
__all__ += ["Node", "Number", "Tensor", "unwrap"]

Number = float  # what an argument may be that is no tensor
Edge = tuple[Any, int]  # a node, or None, and which of its outputs
NO_EDGE: Any = (None, 0, None)  # of an input that is no tensor
NO_GRADIENT: Any = None  # among a node's outputs: a custom forward returned something else than a tensor there


class _OneOutput(dict[tuple[Any, Any], Any]):
    """The ``outputs`` of nodes that have one, each made once: all nodes of a program share a few."""

    def __missing__(self, output: tuple[Any, Any]) -> Any:
        if len(self) > 10_000:  # of a program whose shapes never come again
            self.clear()
        self[output] = (output,)
        return self[output]


ONE_OUTPUT = _OneOutput()


class _Nothing:
    """What is gone as soon as it is made."""


NO_NODE: Any = weakref.ref(_Nothing())  # as a weak reference to a node that is gone: called, it gives None


class TensorBase:
    """What the graph knows of a tensor: an array, and its place in the graph.

    All tensors are ``minigrad.Tensor``, which adds operators and methods; nothing below ``tensor.py`` needs those, and
    nothing below imports it.
    """

    _result_type: Any = None  # what operations and gradients are made as: ``tensor.py`` says Tensor
    _outdated_type: Any = None  # what a view is after its base was changed: see ``inplace/views.py``

    __slots__ = ("__dict__", "__weakref__", "_version_counter", "array")

    array: ndarray
    _version_counter: VersionCounter

    grad_fn: Any = None  # the node that made it; None for a leaf and for what needs no gradient
    output_nr = 0  # which output of grad_fn it is
    _requires_grad = False

    _accumulate_grad: Callable[[], Any] = NO_NODE  # a leaf's node, weakly: it lives as long as a graph uses it
    _former_node: Callable[[], Any] = NO_NODE  # the one of before it got another shape
    _grad: Tensor | None = None
    _base: Tensor | None = None
    _hooks: NodeHooks | None = None

    _strided = False  # True: users see the array's own strides, else row-major ones: see strides.py
    _some_strided = False  # the class's: True once a tensor was
    _sharing: Any = ()  # a list of weak references to those that show its memory and are no views: see strides.py
    _name = ""  # the name by which a module holds it last
    _restriction = ""  # why this view may not be changed in place while operations are recorded
    _cut: Any = None  # where its history was cut, if it was computed from what requires grad: see history.py
    _unrecorded: Any = None  # of a leaf: the last cut right behind it
    _accumulations = 0  # how many backward passes have added to .grad since it was last set
    _grad_given = False  # .grad was last set to a tensor, by hand
    _grad_cleared = False  # .grad was there, and was set to None

    def _replace_array(self, array: ndarray) -> None:
        """Let this tensor show other memory. A graph that used a leaf before goes on in the shape and type of that
        time, through the leaf's node; if they are others now, the next graph makes a new node.
        """
        before, self.array = self.array, array if array.dtype.kind != "V" else array.view(BFloat16Array)
        node = self._accumulate_grad()
        if node is not None and (before.shape != self.array.shape or before.dtype != self.array.dtype):
            node._own_hooks()  # so that ``run_watched_leaf`` fits the gradient to the leaf
            self._former_node = self._accumulate_grad if before.dtype == self.array.dtype else NO_NODE
            self._accumulate_grad = NO_NODE

    def _convert(self, kind: np.dtype) -> None:
        """Let this tensor's elements be of another type, without a record."""
        self._replace_array(self.array.astype(kind, copy=False))

    def _outdate(self) -> None:
        """After the memory of this view was changed: where there is a history, it takes a new place in it when used."""
        base: Any = self._base
        if self.__dict__.get("grad_fn") is not None or base._requires_grad:
            self.__class__ = self._outdated_type
            self._requires_grad = True

    def is_inference(self) -> bool:
        """True for a tensor made in inference mode."""
        return isinstance(self._version_counter, InferenceCounter)

    def _node_hooks(self) -> NodeHooks:
        """The hooks of the node that receives this tensor's gradient; a leaf keeps its node's itself."""
        if self.grad_fn is not None:
            return self.grad_fn._own_hooks()
        if self._hooks is None:
            self._hooks = NodeHooks()
        return self._hooks


if TYPE_CHECKING:  # the one arrow up: for type checkers, all tensors are minigrad.Tensor
    from minigrad.tensor import Tensor
else:
    Tensor = TensorBase


def unwrap(value: Any) -> Any:
    """The array inside a tensor, anything else as it is."""
    return value.array if isinstance(value, Tensor) else value


class InputMetadata(NamedTuple):
    """Shape and type of one gradient that enters a node: those of the forward output it belongs to."""

    shape: tuple[int, ...]
    dtype: dtype


class Node:
    """One recorded operation. Counterpart: ``torch.autograd.graph.Node``.

    Attributes:
        edges: one ``(node, output_nr, counter)`` triple an input, in order, a repeated input repeated: the node that
            made the input and which of its outputs it was, ``None, 0`` for an input that needs no gradient; and what
            counts the changes of the input's memory, None for an input that is no tensor.
        needs_input_grad: one bool an input: is its gradient wanted?
        sequence_number: grows with every node made, and with every change in place. The engine runs the highest first,
            a leaf's node right after the last that uses it.
        outputs: one ``(shape, NumPy dtype)`` pair an output of forward: its gradient has the same.
        hooks: what the user registered around this node, or None.
        plain: False for a node with hooks, with several outputs, or with a user's rule: see ``Walk.run_watched``.
        made: where and from what forward made it, noted while somebody watches (``viz/watching.py``); else None.
        stepping: how far the steps have come in which the node ran last (``autograd/stepping.py``), or None.
    """

    __slots__ = ("__dict__", "__weakref__", "edges", "needs_input_grad", "outputs", "sequence_number")

    edges: tuple[Any, ...]
    needs_input_grad: Any
    sequence_number: int
    outputs: tuple[tuple[tuple[int, ...], np.dtype], ...]
    hooks: NodeHooks | None = None
    plain = True
    made: Any = None
    stepping: Any = None
    _run: Any = None  # what runs a node by itself: ``tensor.py`` says call_node

    def __call__(self, *grads: Tensor | None) -> Any:
        """The gradients of the inputs, from those of the outputs: see :func:`minigrad.graph.calling.call_node`."""
        return self._run(self, grads)

    @property
    def next_functions(self) -> tuple[Edge, ...]:
        """The edges as PyTorch tells them: one ``(node, output_nr)`` pair an input."""
        return tuple([(node, output_nr) for node, output_nr, _ in self.edges])

    def free(self) -> None:
        """Let go of what was saved, where something was."""

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
            self.plain = False
        return self.hooks

    def __repr__(self) -> str:
        return described(self)


class AccumulateGrad(Node):
    """The end of a path backward: at this node the engine adds what arrives to ``variable.grad`` of one leaf tensor.

    The node keeps the leaf alive; the leaf knows its node by a weak reference. So there is no cycle, and a leaf has
    one node for as long as any graph uses it. The tensor's hooks are the leaf's, so that they outlive the node; those
    registered around the node itself die with it, as in PyTorch.
    """

    __slots__ = ("variable",)

    variable: Tensor
    around: NodeHooks | None = None
    edges = ()
    needs_input_grad = ()
    sequence_number = 2**64 - 1  # PyTorch's number

    @property
    def hooks(self) -> NodeHooks | None:  # type: ignore[override]
        return self.variable._hooks

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"  # PyTorch's answer, its C++ namespace included

    def _own_hooks(self) -> NodeHooks:
        if self.around is None:
            self.around = NodeHooks()
        return self.around
