"""``minigrad.autograd.Function``: what a user subclasses to write an operation on tensors, as in PyTorch.

It is the same idea as an operation of minigrad's own, fed with tensors instead of arrays: the instance that ``apply``
makes is the graph node and the ``ctx`` of both methods. A custom function written for PyTorch runs unchanged. What
minigrad's own operations inherit from is in ``graph/function.py``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

from minigrad.caller import warn_user
from minigrad.graph import function
from minigrad.graph.function import with_zeros, wrap
from minigrad.graph.grad_mode import call_inside, grad_mode, no_grad
from minigrad.graph.history import note_cut, switched_off
from minigrad.graph.node import NO_GRADIENT, Tensor
from minigrad.graph.saved_tensors import THIS_NODE, Origin
from minigrad.graph.storage import next_sequence_number
from minigrad.graph.strides import lay_in_order
from minigrad.graph.view import CUSTOM_VIEW, MULTIPLE_VIEWS, share_storage
from minigrad.graph.watching import checked_count, to_arrays, to_tensors
from minigrad.inplace.changing import check_changeable
from minigrad.inplace.views import rebase, take_place

__all__ = ["Function", "once_differentiable"]

Values = tuple[Any, ...]


class Function(function.Function):
    """An operation on tensors: subclass with static ``forward(ctx, *args)`` and ``backward(ctx, *grad_outputs)``.

    ``forward`` runs unrecorded. ``backward`` receives one gradient an output and returns one an argument of forward,
    None for what has none. Call it with ``apply``. Forward may leave ``ctx`` out and a static
    ``setup_context(ctx, inputs, output)`` fill it; backward may be called ``vjp``.

    Source: PyTorch's "Extending torch.autograd".

    Raises:
        RuntimeError: from calling an instance, as code from before ``apply`` did.

    >>> class Square(minigrad.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad_z):
    ...         (x,) = ctx.saved_tensors
    ...         return grad_z * 2 * x
    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)
    """

    receives_tensors = True
    plain = False

    _tensor_places: list[int]
    _to_save: tuple[Tensor | None, ...] = ()
    _dirty: tuple[Tensor, ...] = ()
    _non_differentiable: tuple[Tensor, ...] = ()

    def name(self) -> str:
        return f"{type(self).__name__}Backward"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            f"function with static forward method: {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; to be overridden.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Fill ``ctx`` after a forward that did not receive it; to be overridden where forward takes no ``ctx``.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """One gradient an argument of forward, from one an output; to be overridden.

        Raises:
            NotImplementedError: the subclass defines neither it nor ``vjp``.
        """
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward  # another name for it

    @classmethod
    def rule(cls) -> Any:
        """The user's backward, whichever of its two names it has.

        Raises:
            RuntimeError: it has both.
        """
        if cls.vjp is Function.vjp:
            return cls.backward
        if cls.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                "implement one of them."
            )
        return cls.vjp

    @classmethod
    def bind(cls, args: Values, kwargs: dict[str, Any]) -> tuple[Values, dict[str, Any]]:
        """The arguments in forward's order, those given by name too; and the defaults, which ``setup_context`` sees.

        Raises:
            TypeError: forward does not take them.
        """
        before = (None,) if cls.setup_context is Function.setup_context else ()  # ctx, where forward takes it
        if before and not kwargs:
            return args, kwargs
        bound = inspect.signature(cls.forward).bind(*before, *args, **kwargs)
        if not before:
            bound.apply_defaults()
        return bound.args[len(before) :], bound.kwargs

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and, where an argument requires grad, record this instance as the node of its results."""
        return cls._apply(*args, **kwargs)  # looked up at each call: the user keeps ``apply`` under another name

    @classmethod
    def _apply(cls, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = cls.bind(args, kwargs)
        ctx = cls()
        ctx.sequence_number = next_sequence_number()
        ctx.materialize_grads = True
        ctx.needs_input_grad = tuple([isinstance(each, Tensor) and each._requires_grad for each in args])
        output = call_inside(no_grad(), cls._run_forward, ctx, args, kwargs)
        outputs = output if isinstance(output, tuple) else (output,)
        grad_fn = ctx if grad_mode.enabled and True in ctx.needs_input_grad else None
        ctx._check_dirty(args, outputs, recorded=grad_fn is not None)
        results: list[Any] = []
        for output_nr, one in enumerate(outputs):
            results.append(ctx._place(one, output_nr, grad_fn, args, outputs, results))
        ctx._saved = tuple(to_arrays(ctx._to_save))
        if grad_fn is not None and any(map(is_tensor, results)):
            ctx._tensor_places = [place for place, each in enumerate(args) if isinstance(each, Tensor)]
            ctx._connect_tensors(args, results)
        ctx._place_dirty(results, grad_fn)
        ctx._to_save = ctx._dirty = ctx._non_differentiable = ()  # these tensors point at ctx: no cycle
        return tuple(results) if isinstance(output, tuple) else results[0]

    @classmethod
    def _run_forward(cls, ctx: Function, args: Values, kwargs: dict[str, Any]) -> Any:
        """What the user's ``forward`` gives, in either of its two forms."""
        if cls.setup_context is Function.setup_context:
            return cls.forward(ctx, *args, **kwargs)
        output = cls.forward(*args, **kwargs)
        cls.setup_context(ctx, args, output)
        return output

    def rule_of_node(self) -> Any:
        """The user's rule, with this node for its ``ctx``."""
        return MethodType(self.rule(), self)

    def for_rule(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """The gradients as tensors; the leaves that wait for theirs get them, for the user's code is going to run."""
        grad_mode.walk.finish()
        if self.materialize_grads:
            gradients = with_zeros(self, gradients)
        return gradients if grad_mode.enabled else to_tensors(gradients)

    def from_rule(self, found: Any) -> Values:
        """What the user's rule gave, as the engine wants it."""
        found = self.gradients_of_tensors(found if isinstance(found, tuple) else (found,))
        return found if grad_mode.enabled else to_arrays(found)

    def _check_dirty(self, args: Values, outputs: Values, recorded: bool) -> None:
        """Count the changes of what forward changed in place.

        Raises:
            RuntimeError: such a tensor is no output, or may not be changed in place; or it is a view, one of several
                outputs.
        """
        for tensor in self._dirty:
            if not any(tensor is each for each in outputs):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as output. The inputs "
                    "that are modified inplace must all be outputs of the Function."
                )
            if any(tensor is each for each in args):
                check_changeable(tensor, self.name(), *args)
            elif recorded:
                warn_user(
                    "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been "
                    "mutated should be passed to ctx.mark_dirty()."
                )
            if recorded and tensor._base is not None and len(outputs) > 1:
                raise RuntimeError(
                    "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot "
                    "return more than one Tensor. Make sure the input is not a view (using .clone() for example), or "
                    "let another Function return the other Tensors."
                )
            tensor._version_counter.bump(self.name())

    def _place(
        self, output: Any, output_nr: int, grad_fn: Function | None, args: Values, outputs: Values, results: list[Any]
    ) -> Any:
        """One result of forward as the caller receives it: with its place in the graph."""
        if not isinstance(output, Tensor):
            return output
        if any(output is each for each in self._dirty):
            return output  # it takes its place in the graph when its old one is noted as the input's
        for earlier in range(output_nr):
            if outputs[earlier] is output:  # the same tensor again: one result, which counts as the last of them
                results[earlier].output_nr = output_nr
                return results[earlier]
        constant = any(output is each for each in self._non_differentiable)
        lay_in_order(output)
        if grad_fn is None or constant:
            result = wrap(output.array)
        else:
            result = grad_fn.result(output.array, output_nr)
        result._strided = output._strided
        if constant:
            note_cut("mark", args, [result], type(self))
        elif grad_fn is None:
            note_cut(switched_off(), args, [result], type(self))
        elif not result._requires_grad:
            note_cut("type", args, [result], result.dtype)
        is_input = any(output is each for each in args)
        if output._base is not None or (is_input and grad_mode.enabled):  # an input is given back as a view of itself
            several = grad_mode.enabled and self._differentiable(outputs) > 1
            share_storage(result, output, MULTIPLE_VIEWS if several else CUSTOM_VIEW)
        else:  # they are one tensor: who changes the result changes what forward saved
            result._version_counter = output._version_counter
        return result

    def _differentiable(self, outputs: Values) -> int:
        """How many of the outputs have a gradient."""
        constants = [id(each) for each in self._non_differentiable]
        return sum([is_tensor(each) and each.is_floating_point() and id(each) not in constants for each in outputs])

    def _connect_tensors(self, args: Values, results: list[Any]) -> None:
        """Make edges: as in PyTorch only for tensors, while ``needs_input_grad`` speaks of every argument."""
        of_arguments = self.needs_input_grad
        self.needs_input_grad = [of_arguments[place] for place in self._tensor_places]
        self.connect(tuple([args[place] for place in self._tensor_places]), [one for one in results if is_tensor(one)])
        self.needs_input_grad = of_arguments
        outputs = iter(self.outputs)
        self.outputs = tuple([next(outputs) if is_tensor(one) else NO_GRADIENT for one in results])

    def _place_dirty(self, results: list[Any], grad_fn: Function | None) -> None:
        """Give what forward changed in place its new place in the graph: that of the result."""
        for output_nr, result in enumerate(results):
            if not any(result is each for each in self._dirty) or grad_fn is None:
                continue
            result._grad = None  # it was another value's
            self.redirect_saved_result(result, result, output_nr)
            if result._base is not None:
                rebase(result, grad_fn)
            else:
                take_place(result, grad_fn, output_nr)

    def gradients_of_tensors(self, gradients: Values) -> Values:
        """Of one gradient an argument, which ``backward`` gave, those of the arguments that are tensors.

        Raises:
            RuntimeError: there are fewer than arguments, or more that are not None; or one is neither a tensor nor
                None, or belongs to an argument that is no tensor.
        """
        for place, gradient in enumerate(checked_count(self, gradients, self.needs_input_grad)):
            if gradient is not None and not isinstance(gradient, Tensor):
                raise RuntimeError(
                    f"expected Variable or None (got {type(gradient).__name__}): what {self.name()} returned at "
                    f"position {place + 1} is not a tensor"
                )
            if gradient is not None and place not in self._tensor_places:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position {place + 1}, but the "
                    f"corresponding forward input was not a Variable"
                )
        return tuple([gradients[place] for place in self._tensor_places])

    def find_origins(self, inputs: Sequence[Any], results: Sequence[Tensor]) -> list[Origin | None]:
        """The place in the graph of each tensor that was saved: an argument's, a result's, or, in between, its own."""
        origins: list[Origin | None] = []
        for tensor in self._to_save:
            if tensor is None:
                origins.append(None)
                continue
            edge = tensor.grad_fn, tensor.output_nr
            for result in results:
                if result.array is tensor.array:
                    edge = THIS_NODE, result.output_nr
            for value, (node, output_nr, _) in zip(inputs, self.edges):
                if value is tensor:
                    edge = node, output_nr
            origins.append((edge, tensor._version_counter, self.sequence_number))
        return origins

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``backward``, where ``ctx.saved_tensors`` gives them back.

        Raises:
            TypeError: something else than a tensor or None was given: put it on ``ctx`` as an attribute.
        """
        for each in tensors:
            if each is not None and not isinstance(each, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but got {type(each).__name__}: "
                    f"keep it as an attribute of ctx"
                )
        self._to_save = tensors

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """The older name of ``saved_tensors``."""
        warn_user("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning)
        return self.saved_tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """What PyTorch keeps for ``jvp``, the derivative in forward mode: there is none here, so nothing is kept."""

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say of outputs that they have no gradient.

        Raises:
            RuntimeError: one is not a tensor.
        """
        for each in tensors:
            if not isinstance(each, Tensor):
                raise RuntimeError(
                    f"mark_non_differentiable only accepts variable arguments, but got {type(each).__name__}"
                )
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say of inputs that forward changed them in place; they must be among the outputs.

        Raises:
            RuntimeError: one is not a tensor.
        """
        for position, each in enumerate(tensors):
            if not isinstance(each, Tensor):
                raise RuntimeError(
                    f"mark_dirty can only accept variables, but argument {position} is of type {type(each).__name__}"
                )
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a gradient that nobody computed arrives in backward as zeros (the default) or as None."""
        self.materialize_grads = value


def is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Say of a custom ``backward`` that it cannot be differentiated: doing so raises an error instead of giving zeros.

    Counterpart: ``torch.autograd.function.once_differentiable``.
    """

    @functools.wraps(backward)
    def unrecorded(ctx: Any, *grads: Any) -> Any:
        outputs = call_inside(no_grad(), backward, ctx, *grads)
        if not grad_mode.enabled:
            return outputs
        several = isinstance(outputs, tuple)
        refused = []
        for each in outputs if several else (outputs,):
            refused.append(DifferentiatedTwice.apply(each, *grads) if isinstance(each, Tensor) else each)
        return tuple(refused) if several else refused[0]

    return unrecorded


class DifferentiatedTwice(function.Function):
    """A value that depends on ``grads`` in a way that nobody told: its own gradient is refused."""

    node_name = "torch::autograd::Error"

    def forward(ctx, value, *grads):
        return value.view()

    def backward(ctx, grad_value):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


FunctionCtx = Function  # what ``ctx`` is
