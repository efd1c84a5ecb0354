"""Looking at graphs: ``draw`` makes a picture of the graph behind a tensor, ``diff`` of two, ``text`` tells it,
``trace_graph`` gives it as data, ``record`` with what happens in it when backward runs, ``explain`` a page to step
through that.

All serve tensors of minigrad and of PyTorch alike. Read ``trace.py`` for what is in it, ``tracing.py`` for how
a graph is walked, then ``drawing.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.viz.explaining import explain
from minigrad.viz.folding import fold
from minigrad.viz.recording import record
from minigrad.viz.screen import check_size
from minigrad.viz.trace import Trace, first_difference
from minigrad.viz.tracing import Params, trace_graph
from minigrad.viz.watching import watch

if TYPE_CHECKING:
    from minigrad.viz.drawing import Drawing

__all__ = ["Trace", "diff", "draw", "explain", "first_difference", "record", "text", "trace_graph", "watch"]


def text(outputs: Any, *, params: Params | None = None, names: Any = None, width: int = 80) -> str:
    """The graph behind one tensor or several, of either engine, for a terminal: ``print(viz.text(y))``.

    One line an operation, in the order of forward; the arguments and errors are those of :func:`trace_graph`, and a
    :class:`Trace` is taken too, such as :func:`record` gives.

    PyTorch has no counterpart.

    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> print(minigrad.viz.text(x * x))
    %0 = leaf  float32: 3.0  grad not computed yet
    %1 = MulBackward0(%0, %0)  scalar float32
    output %2 = %1  float32: 9.0
    saved for backward: 4 bytes, most by MulBackward0 %1: 4
    """
    return traced(outputs, params, names).text(width)


def draw(
    outputs: Any,
    *,
    params: Params | None = None,
    names: Any = None,
    values: bool = True,
    grads: bool = True,
    depth: int | None = None,
    collapse: str | bool = "auto",
    theme: str = "auto",
    max_nodes: int = 1000,
) -> Drawing:
    """A picture of the graph behind one tensor or several, of either engine.

    Values flow down, from the leaves at the top to the outputs at the bottom; gradients go up the same arrows.
    A leaf is a blue box, an operation a grey rounded one, an output an orange one with a double frame; an input that
    needs no gradient has a dashed frame and arrow. The text tells the name, the shape, the values and the gradient,
    "not computed yet" before backward. A node that is used twice is drawn once, with two arrows, a leaf that is used
    often at each use; an arrow from an operation with several outputs says which one it carries. Modules are frames;
    one that is folded is a box with a thick line, equal ones in a row are one box, "×12".

    The result is a ``graphviz.Digraph``: a notebook shows it, ``.source`` is its DOT text, and
    ``draw(y).save("graph.svg")`` writes a file: see :meth:`minigrad.viz.drawing.Drawing.save`. Counterpart:
    ``torchviz.make_dot``.

    Args:
        outputs: a tensor, a list or tuple of tensors, or a :class:`Trace`, such as :func:`record` gives: then gradients
            of operations are shown too.
        params, names: labels for tensors, as in :func:`trace_graph`.
        values, grads: show them. Those of operations are known where :func:`watch` looked on.
        depth, collapse: how far modules are open, as in :func:`minigrad.viz.folding.fold`: by default as far as fits
            on a screen of 1920×1080 with letters of 14 pixels.
        theme: ``"light"``, ``"dark"``, or ``"auto"``: a picture for a browser or a notebook is as that is, others are
            light.
        max_nodes: refuse to draw more boxes, constants not counted, which take Graphviz long and nobody can read them.

    Raises:
        TypeError: something given as a tensor is none.
        ValueError: ``outputs`` is an empty list, there are more than ``max_nodes`` boxes, or another argument is wrong.
        ImportError: the Python package ``graphviz`` is not installed.

    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> minigrad.viz.draw(x * x).save("graph.svg")
    'graph.svg'
    """
    trace = traced(outputs, params, names)
    folded = fold(trace, depth=depth, collapse=collapse, values=values, grads=grads)
    check_size(folded, max_nodes)
    require_graphviz()
    from minigrad.viz.drawing import draw_folded

    return draw_folded(folded, trace, theme=theme)


def diff(
    first: Any,
    second: Any,
    *,
    depth: int | None = None,
    collapse: str | bool = "auto",
    theme: str = "auto",
    max_nodes: int = 1000,
) -> Drawing:
    """Two graphs in one picture, of either engine, with what only one has and what differs marked.

    What both have is drawn once. A dashed box, and a "−", is in the first graph only, a dotted one, and a "+", in the
    second; a double one, and a "≠", differs in its shape, type or name; a folded box tells how many nodes in it do.
    Values are not compared. :func:`first_difference` tells the first difference in a sentence.

    Args:
        first, second: a tensor, several, or a :class:`Trace` each; :func:`trace_graph` makes one with names.
        depth, collapse, theme, max_nodes: as in :func:`draw`.

    Raises:
        TypeError, ValueError, ImportError: as :func:`draw` raises them.

    PyTorch has no counterpart.
    """
    require_graphviz()
    from minigrad.viz.diffing import diff_of

    traces = traced(first, None, None), traced(second, None, None)
    return diff_of(*traces, depth=depth, collapse=collapse, theme=theme, max_nodes=max_nodes)


def require_graphviz() -> None:
    """
    Raises:
        ImportError: the Python package ``graphviz`` is not installed.
    """
    try:
        import minigrad.viz.drawing  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError("drawing needs the Python package graphviz: pip install 'minigrad[draw]'") from error


def traced(outputs: Any, params: Params | None, names: Any) -> Trace:
    """A trace as it is, or that of tensors."""
    return outputs if isinstance(outputs, Trace) else trace_graph(outputs, params=params, names=names)
