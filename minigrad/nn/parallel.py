"""A module on several devices, or in several processes: here on one CPU, in one. Counterpart: ``torch.nn.parallel``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from minigrad.nn.module import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """``module``, which every GPU would compute a part of the batch with: where there is none, it computes alone, as in
    PyTorch. Shapes: the module's. Its parameters are called ``module.…``."""

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """``module``, whose gradients are averaged over all processes: over one they stay. Shapes: the module's.

    The other arguments are about the exchange, and there is none. Its parameters are called ``module.…``.

    Raises:
        ValueError: there is no process group yet, or ``device_ids`` names a GPU.
        RuntimeError: no parameter requires grad.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        from minigrad import distributed  # here: most programs do without

        super().__init__()
        self.process_group = distributed.checked_group(process_group)
        if not any(each.requires_grad for each in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameters that require a "
                "gradient."
            )
        if device_ids or output_device is not None:
            raise ValueError(
                f"DistributedDataParallel device_ids and output_device arguments only work with GPU modules, but got "
                f"device_ids {device_ids}, output_device {output_device}: leave them out on the CPU"
            )
        self.module = module
        self.device_ids = self.output_device = None

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside ``with``, gradients would not be averaged."""
        yield
