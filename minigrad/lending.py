"""What PyTorch gives where it meets a tensor, a dtype or a device of minigrad's: its protocol, ``__torch_function__``.

PyTorch asks the class of what it does not know; nothing of it is imported here. A method of its tensors is minigrad's,
in that tensor's memory: ``theirs.to(device)`` and ``theirs * ours`` are minigrad's tensors, ``theirs[index] = ours``
writes theirs. Any other function of it computes with tensors of its own in the memory of minigrad's, and gives its own:
so libraries that are written for it, such as torchmetrics, take minigrad's.
"""

from __future__ import annotations

import sys
from typing import Any

from minigrad.arguments.gate import all_taken_in
from minigrad.attributes import device
from minigrad.dtypes import dtype
from minigrad.graph.node import Tensor

__all__ = ["lent", "met_by_torch"]


def met_by_torch(function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """What ``function``, of PyTorch, gives for arguments of which one is minigrad's.

    Raises:
        BufferError: a tensor of minigrad's requires grad, and PyTorch would compute with it.
        RuntimeError: a tensor of PyTorch's requires grad, and minigrad would.
    """
    if function.__qualname__.startswith(("Tensor.", "TensorBase.")):
        method = getattr(all_taken_in(arguments[0]), function.__name__)
        return method(*arguments[1:], **named)
    return function(*lent(arguments), **lent(named))


def lent(value: Any) -> Any:
    """``value`` as PyTorch's: a tensor in the same memory, the type or the device of the same name."""
    torch: Any = sys.modules["torch"]
    if isinstance(value, Tensor):
        return torch.from_dlpack(value)
    if isinstance(value, (dtype, device)):
        return getattr(torch, value.name) if isinstance(value, dtype) else torch.device(str(value))
    if type(value) in (tuple, list):
        return type(value)(map(lent, value))
    return {name: lent(each) for name, each in value.items()} if type(value) is dict else value
