"""Automatic differentiation: the graph (``function.py``), the walk backward (``engine.py``), and what checks it.

Read ``function.py`` first, then ``engine.py``.
"""

from minigrad.autograd.custom import Function
from minigrad.autograd.differentiation import backward, grad
from minigrad.autograd.grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from minigrad.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "Function",
    "GradcheckError",
    "backward",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
