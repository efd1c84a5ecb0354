"""How a graph looks on paper, and how it becomes a file or a picture in a notebook.

What is in a graph is told in ``trace.py``. Importing this module needs the Python package ``graphviz``, which writes
DOT text; how that is laid out is told in ``layout.py``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import graphviz

from minigrad.saving.files import replacing
from minigrad.viz.layout import laid_out
from minigrad.viz.parts import TraceNode, shape_text
from minigrad.viz.trace import Trace

__all__ = ["Drawing", "draw_graph"]

FONT = "Helvetica,Arial,sans-serif"
INK = "#202020"

# Black text on pale fills; the frames are Okabe and Ito's blue and vermilion, which colour-blind people can tell
# apart, and every kind also has a shape of its own.
NODE_LOOKS = {
    "leaf": {"style": "filled", "fillcolor": "#d9ecf9", "color": "#0072b2"},
    "operation": {"style": "rounded,filled", "fillcolor": "#f2f2f2", "color": "#595959"},
    "output": {"style": "filled", "fillcolor": "#fde6d2", "color": "#d55e00", "peripheries": "2"},
}
OUTPUTS_SHOWN = 4  # of an operation with more outputs, the label shows the shapes of the first ones

SOURCE = (".dot", ".gv")  # the names of files that hold DOT text as it is, not laid out


def draw_graph(graph: Trace) -> Drawing:
    """The picture of ``graph``. The same graph always gives the same DOT text, whichever engine it came from."""
    drawing = Drawing(
        "graph",
        graph_attr={"rankdir": "TB", "bgcolor": "white", "fontname": FONT, "nodesep": "0.3", "ranksep": "0.35"},
        node_attr={"shape": "box", "fontname": FONT, "fontsize": "12", "fontcolor": INK, "margin": "0.12,0.06"},
        edge_attr={"fontname": FONT, "fontsize": "10", "fontcolor": INK, "color": "#404040", "arrowsize": "0.7"},
    )
    by_id = {}
    for node in graph.nodes:
        if node.kind == "constant":
            continue
        by_id[node.id] = node
        drawing.node(node.id, label=_node_label(node), tooltip=_literal(str(node)), **NODE_LOOKS[node.kind])
    for edge in graph.edges:
        if not edge.needs_grad:
            continue
        attributes = {"tooltip": _literal(f"input {edge.position} of {by_id[edge.target].name}")}
        if len(by_id[edge.source].shapes) > 1 or edge.output_index > 0:
            attributes["label"] = f"output {edge.output_index}"
        drawing.edge(edge.source, edge.target, **attributes)
    return drawing


def _node_label(node: TraceNode) -> str:
    """The lines in a box: the user's name for it, its own name, and what comes out of it."""
    lines = [node.label] if node.label else []
    if node.kind != "output" or not node.label:
        lines.append(node.name)
    if node.kind != "operation":
        lines.append(f"{shape_text(node.shapes[0])} {node.dtypes[0]}")
    elif len(node.shapes) == 1:
        lines.append(shape_text(node.shapes[0]))
    else:
        shown = node.shapes[:OUTPUTS_SHOWN]
        lines.extend([f"output {index}: {shape_text(shape)}" for index, shape in enumerate(shown)])
        if len(node.shapes) > OUTPUTS_SHOWN:
            lines.append(f"and {len(node.shapes) - OUTPUTS_SHOWN} more outputs")
    return "\\n".join([_literal(line) for line in lines])  # DOT's sign for a new line


def _literal(text: str) -> str:
    """``text`` so that Graphviz shows it as it is: no escape, HTML or entity in it counts as one."""
    return str(graphviz.escape(text.replace("&", "&amp;")))


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no type information
    """A ``graphviz.Digraph`` that also renders without Graphviz's programs, and writes files whole or not at all."""

    def pipe(
        self, format: str | None = None, *, quiet: bool = False, encoding: str | None = None, **options: Any
    ) -> bytes | str:
        """The picture as bytes, or as text in ``encoding``. Notebooks call this, by way of graphviz.

        Args:
            format: ``"svg"``, ``"png"`` or another format of Graphviz; by default that of this drawing.
            quiet: hide what Graphviz writes to its error output.
            encoding: such as ``"utf-8"``, to get text.
            options: the other options of ``graphviz.Digraph.pipe``. They need the program ``dot``.

        Raises:
            ImportError: neither a program ``dot`` that works nor the package ``pygraphviz`` is installed.
            ValueError: Graphviz has no such format.
            TimeoutError: Graphviz takes too long.
        """
        wanted = self.format if format is None else format
        if options:
            return super().pipe(format, quiet=quiet, encoding=encoding, **options)  # type: ignore[no-any-return]
        if wanted not in graphviz.FORMATS:
            raise ValueError(f"Graphviz has no format {wanted!r}")
        picture = laid_out(self.source, wanted, self.engine, quiet=quiet)
        return picture if encoding is None else picture.decode(encoding)

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *,
        quiet_view: bool = False,
        outfile: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> str:
        """Write the picture to a file and return its path.

        ``render(outfile="graph.svg")`` writes that one file, in the format of its suffix, such as ``.svg``, ``.png`` or
        ``.pdf``; ``.dot`` and ``.gv`` are DOT text. Without ``outfile`` it does what ``graphviz.Digraph.render`` does:
        the DOT text goes to ``filename``, the picture to ``filename`` with the format appended, and ``cleanup`` removes
        the text.

        Args:
            view: open the file in the program that the system shows such files with.
            options: passed on to ``pipe``.

        Raises:
            ValueError: the suffix of ``outfile`` is no format of Graphviz's; nothing is written.
        """
        if outfile is None:
            source_path = self.save(filename, directory)
            chosen = self.format if format is None else format
            path = f"{source_path}.{chosen}"
            _write_whole(path, self._picture(chosen, options))
            if cleanup:
                os.unlink(source_path)
        else:
            path = os.fspath(outfile)
            suffix = Path(path).suffix.lower()
            chosen = format or ("dot source" if suffix in SOURCE else suffix[1:])
            if chosen not in ("dot source", *graphviz.FORMATS):
                raise ValueError(
                    f"the name of outfile must end in .svg, .png, .pdf, .dot, .gv or another format of Graphviz's, "
                    f"got {path!r}"
                )
            _write_whole(path, self._picture(chosen, options))
        if view:
            graphviz.view(path, quiet=quiet_view)
        return path

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        *,
        skip_existing: bool = False,
    ) -> str:
        """Write the DOT text to a file and return its path. Arguments as in ``graphviz.Digraph.save``."""
        if filename is not None:
            self.filename = os.fspath(filename)
        if directory is not None:
            self.directory = os.fspath(directory)
        path: str = self.filepath
        if not (skip_existing and os.path.exists(path)):
            _write_whole(path, self.source.encode(self.encoding))
        return path

    def _picture(self, format: str, options: dict[str, Any]) -> bytes:
        if format == "dot source":
            return self.source.encode(self.encoding)  # type: ignore[no-any-return]
        picture = self.pipe(format, **options)
        assert isinstance(picture, bytes)  # no encoding was asked for
        return picture


def _write_whole(path: str, content: bytes) -> None:
    """Write a file whole or not at all. Makes missing folders."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with replacing(path) as file:
        file.write(content)
