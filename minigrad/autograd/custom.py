"""``minigrad.autograd.Function``: what a user subclasses to write an operation on tensors, as in PyTorch.

It is the same idea as an operation of minigrad's own, fed with tensors instead of arrays: the instance that ``apply``
makes is the graph node and the ``ctx`` of both methods. A custom function written for PyTorch runs unchanged.
"""

from __future__ import annotations

from typing import Any

from minigrad.autograd import function
from minigrad.autograd.grad_mode import grad_mode, no_grad
from minigrad.tensor import Tensor, share_storage, wrap

__all__ = ["Function"]


class Function(function.Function):
    """An operation on tensors: subclass with static ``forward(ctx, *args)`` and ``backward(ctx, *grad_outputs)``.

    ``forward`` runs unrecorded. ``backward`` receives one gradient an output and returns one an argument of forward,
    None for what has none. Call it with ``apply``. Source: PyTorch's "Extending torch.autograd".
    """

    receives_tensors = True

    setup_context: Any
    _saved_as_given: tuple[Any, ...]
    _tensor_places: list[int]
    _dirty: tuple[Tensor, ...] = ()
    _non_differentiable: tuple[Tensor, ...] = ()

    def name(self) -> str:
        return f"{type(self).__name__}Backward"

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and, where an argument requires grad, record this instance as the node of its results."""
        ctx = cls()
        ctx._saved = ()
        ctx.materialize_grads = True
        recording = grad_mode.enabled
        ctx.needs_input_grad = tuple([isinstance(each, Tensor) and each._requires_grad and recording for each in args])
        with no_grad():
            if "setup_context" in cls.__dict__:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        outputs = output if isinstance(output, tuple) else (output,)
        grad_fn = ctx if True in ctx.needs_input_grad else None
        results: list[Any] = []
        for output_nr, one in enumerate(outputs):
            results.append(ctx._place(one, output_nr, grad_fn, args))
        ctx._saved_as_given = ctx._saved
        ctx._saved = tuple([each.array if isinstance(each, Tensor) else each for each in ctx._saved])
        if grad_fn is not None:
            ctx._tensor_places = [place for place, each in enumerate(args) if isinstance(each, Tensor)]
            ctx._connect_tensors(args, [one for one in results if isinstance(one, Tensor)])
            ctx._note_intermediates()
        del ctx._saved_as_given
        for output_nr, result in enumerate(results):
            if grad_fn is not None and any(result is each for each in ctx._dirty):
                result.grad_fn, result.output_nr, result._requires_grad = grad_fn, output_nr, True
        return tuple(results) if isinstance(output, tuple) else results[0]

    def _connect_tensors(self, args: tuple[Any, ...], results: list[Tensor]) -> None:
        """Make edges: as in PyTorch only for tensors, while ``needs_input_grad`` speaks of every argument."""
        of_arguments = self.needs_input_grad
        self.needs_input_grad = [of_arguments[place] for place in self._tensor_places]
        self.connect(tuple([args[place] for place in self._tensor_places]), results)
        self.needs_input_grad = of_arguments

    def gradients_of_tensors(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """Of one gradient an argument, which ``backward`` gave, those of the arguments that are tensors.

        Raises:
            RuntimeError: there are fewer than arguments, or more that are not None.
        """
        count = len(self.needs_input_grad)
        if len(gradients) < count or any(each is not None for each in gradients[count:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, "
                f"got {len(gradients)})"
            )
        return tuple([gradients[place] for place in self._tensor_places])

    def _place(self, output: Any, output_nr: int, grad_fn: Function | None, args: tuple[Any, ...]) -> Any:
        """One result of forward as the caller receives it: with its place in the graph."""
        if not isinstance(output, Tensor):
            return output
        if any(output is each for each in self._non_differentiable):
            grad_fn = None
        if any(output is each for each in self._dirty):
            return output  # it takes its place in the graph when its old one is noted as the input's
        output._lay_in_order()
        result = wrap(output.array, grad_fn, output_nr)
        result._borrowed = True
        if any(output is each for each in args):  # an input returned as it is: a view of it, as in PyTorch
            share_storage(result, output, function.CUSTOM_VIEW)
        return result

    def _note_intermediates(self) -> None:
        """Saved tensors that are neither inputs nor outputs keep the place in the graph that they have."""
        for position, tensor in enumerate(self._saved_as_given):
            if isinstance(tensor, Tensor) and self._origins[position] is None:
                self._origins[position] = ((tensor.grad_fn, tensor.output_nr), tensor._version_counter, tensor._version)

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
        super().save_for_backward(*tensors)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say of outputs that they have no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say of inputs that forward changed them in place; they must be among the outputs."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a gradient that nobody computed arrives in backward as zeros (the default) or as None."""
        self.materialize_grads = value
