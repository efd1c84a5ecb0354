"""Automatic differentiation as users call it: gradients, operations of one's own, checks, and what explains a gradient.

The mechanism, how the graph is recorded and walked backward, is in ``minigrad/graph``.
"""

import sys
from typing import TYPE_CHECKING, Any

from minigrad.autograd import anomaly_mode, functional, grad_mode, graph
from minigrad.autograd.breakpoints import breakpoint_on
from minigrad.autograd.differentiation import backward, grad
from minigrad.autograd.explain import explain_grad
from minigrad.autograd.function import Function
from minigrad.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from minigrad.autograd.tape import log_operations
from minigrad.autograd.variable import Variable
from minigrad.graph import anomaly
from minigrad.graph.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from minigrad.graph.grad_mode import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled
from minigrad.graph.grad_mode import no_grad, set_grad_enabled
from minigrad.left_out import no_attribute

__all__ = ["Function", "GradcheckError", "Variable", "anomaly", "anomaly_mode", "backward", "breakpoint_on"]
__all__ += ["detect_anomaly", "enable_grad", "explain_grad", "functional", "grad", "grad_mode", "gradcheck"]
__all__ += ["gradgradcheck", "graph", "inference_mode", "is_anomaly_enabled", "is_grad_enabled"]
__all__ += ["is_inference_mode_enabled", "log_operations", "no_grad", "set_detect_anomaly", "set_grad_enabled"]


if not TYPE_CHECKING:  # a type checker would take it to mean that every name is there

    def __getattr__(name: str) -> Any:
        raise no_attribute(sys.modules[__name__], f"module {__name__!r}", name)
