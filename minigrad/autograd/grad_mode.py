"""``minigrad.autograd.grad_mode``, PyTorch's path to the switches of recording: see ``graph/grad_mode.py``."""

from minigrad.graph.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]
