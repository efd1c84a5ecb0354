"""What a view is: a tensor that shows another one's memory, and the kind of operation that makes it.

What becomes of the graph when memory that several tensors show is changed in place: ``inplace/views.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import Tensor, TensorBase
from minigrad.graph.strides import keep_strides, lay_in_order

__all__ = ["CUSTOM_VIEW", "INFERENCE_VIEW", "MULTIPLE_VIEWS", "NO_GRAD_VIEW", "ViewFunction", "share_storage"]

# Why some views may not be changed in place while operations are recorded: the end of PyTorch's message.
NO_GRAD_VIEW = (
    " with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify "
    "your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the "
    "inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)
INFERENCE_VIEW = (
    " in normal mode. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your "
    "code by moving both the view and the inplace either both inside the inference_mode block (if you don't want the "
    "inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)
MULTIPLE_VIEWS = (
    ". This view is the output of a function that returns multiple views. Such functions do not allow the output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one."
)
CUSTOM_VIEW = (
    ". This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic "
    "to handle view+inplace would override the custom backward associated with the custom Function, leading to "
    "incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
)


def share_storage(view: Tensor, source: Tensor, restriction: str = "") -> None:
    """Note that ``view`` shows ``source``'s memory: they share one version counter, as in PyTorch.

    ``restriction`` says why ``view`` may not be changed in place while operations are recorded; views of it inherit it.
    """
    owner = source.array if source.array.base is None else source.array.base
    if not view.array.flags.c_contiguous:
        view._strided = TensorBase._some_strided = True
    elif 1 in view.array.shape or 0 in view.array.shape:
        keep_strides(view)
    is_shown = view.array.base is owner or view.array is owner or not view.array.size
    if is_shown or np.may_share_memory(view.array, source.array):
        view._version_counter = source._version_counter
        view._base = source if source._base is None else source._base
        view._version_counter.add_view(view)
        if restriction or source._restriction:
            view._restriction = restriction or source._restriction


class ViewFunction(Function):
    """An operation whose result shows the memory of its first input."""

    is_view = True  # False in a subclass that has the same rule, and whose result is no view for the user

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Any:
        """As :meth:`Function.apply`; and note whose memory the results show."""
        base = inputs[0]
        if not isinstance(base, Tensor):  # an array, in a rule
            return cls.compute(inputs, options)
        if not cls.is_view:
            return super().apply(*inputs, **options)
        if not base.array.flags.c_contiguous or 1 in base.array.shape or 0 in base.array.shape:
            lay_in_order(base)
        result = super().apply(*inputs, **options)
        restriction = "" if grad_mode.enabled else INFERENCE_VIEW if grad_mode.inference else NO_GRAD_VIEW
        if type(result) is not tuple:
            share_storage(result, base, restriction)
            return result
        for each in result:
            share_storage(each, base, restriction or MULTIPLE_VIEWS)
        return result
