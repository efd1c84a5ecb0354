"""Looking at graphs: ``draw`` makes a picture of the graph behind a tensor, ``text`` tells it, ``trace_graph`` gives it
as data, ``record`` with what happens in it when backward runs.

All serve tensors of minigrad and of PyTorch alike. Read ``trace.py`` for what is in it, ``tracing.py`` for how
a graph is walked, then ``drawing.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.viz.recording import record
from minigrad.viz.trace import Trace, first_difference
from minigrad.viz.tracing import Params, trace_graph
from minigrad.viz.watching import watch

if TYPE_CHECKING:
    from minigrad.viz.drawing import Drawing

__all__ = ["Trace", "draw", "first_difference", "record", "text", "trace_graph", "watch"]


def text(outputs: Any, *, params: Params | None = None, names: Any = None, width: int = 80) -> str:
    """The graph behind one tensor or several, of either engine, for a terminal: ``print(viz.text(y))``.

    One line an operation, in the order of forward; the arguments and errors are those of :func:`trace_graph`, and a
    :class:`Trace` is taken too, such as :func:`record` gives.
    """
    trace = outputs if isinstance(outputs, Trace) else trace_graph(outputs, params=params, names=names)
    return trace.text(width)


def draw(outputs: Any, *, params: Params | None = None, max_nodes: int = 1000) -> Drawing:
    """A picture of the graph behind one tensor or several, of either engine.

    Values flow down, from the leaves at the top to the outputs at the bottom; gradients go up the same arrows.
    A leaf is a blue box, an operation a grey rounded one, an output an orange one with a double frame; the text tells
    the name and the shape. A node that is used twice is drawn once, with two arrows; an arrow from an operation with
    several outputs says which one it carries. Inputs that need no gradient (constants, data) are not drawn: in an SVG
    each arrow's tooltip says which input of its operation it is.

    The result is a ``graphviz.Digraph``: a notebook shows it, ``.source`` is its DOT text, and
    ``draw(y).render(outfile="graph.svg")`` writes a file. Counterpart: ``torchviz.make_dot``.

    Args:
        outputs: a tensor, or a list or tuple of tensors.
        params: labels for tensors, a dict or pairs, such as ``model.named_parameters()`` or
            ``dict(model.named_parameters()) | {"loss": loss}``.
        max_nodes: refuse larger graphs, which take Graphviz minutes and nobody can read.

    Raises:
        TypeError: something given as a tensor is none.
        ValueError: ``outputs`` is an empty list, or the graph has more than ``max_nodes`` nodes.
        ImportError: the Python package ``graphviz`` is not installed.
    """
    graph = trace_graph(outputs, params=params, max_nodes=max_nodes, values=False)
    try:
        from minigrad.viz.drawing import draw_graph
    except ModuleNotFoundError as error:
        raise ImportError("drawing needs the Python package graphviz: pip install graphviz pygraphviz") from error
    return draw_graph(graph)
