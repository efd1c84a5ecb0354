"""Programs: a function or a network as a graph of operations that runs without its Python code.

``script`` makes one from the source, with its branches and loops (``scripting.py``); ``trace`` from one run, without
(``tracing.py``). A program prints its ``graph`` and its ``code``, is saved and loaded as data (``saving.py``), and
records gradients as the plain code does. Begin with ``graph.py``, then ``running.py``, then ``passes.py``.

Counterpart: ``torch.jit``, which PyTorch keeps for what exists and recommends ``torch.export`` for what is new.
"""

import sys
from typing import TYPE_CHECKING, Any

from minigrad.jit import passes
from minigrad.jit.frontend.items import NotSupportedError
from minigrad.jit.frontend.scripting import script
from minigrad.jit.graph import Block, Graph, Node, Value
from minigrad.jit.operations import OPERATIONS
from minigrad.jit.program import ScriptFunction, ScriptModule
from minigrad.jit.saving import load, save
from minigrad.jit.sizes import TracerWarning
from minigrad.jit.tracing import trace

__all__ = ["Block", "Graph", "Node", "NotSupportedError", "ScriptFunction", "ScriptModule", "TracerWarning", "Value"]
__all__ += ["OPERATIONS", "load", "passes", "save", "script", "trace"]


if not TYPE_CHECKING:  # a type checker would take it to mean that every name is there

    def __getattr__(name: str) -> Any:
        raise AttributeError(
            f"minigrad.jit has no {name!r}: it scripts, traces, saves and loads. For other runtimes, frozen programs "
            f"and parallel branches use torch.jit on the network of torch_impl: python -m torch_impl export",
            name=name,
            obj=sys.modules[__name__],
        )
