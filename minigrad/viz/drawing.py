"""How a graph looks on paper, and how it becomes a file or a picture in a notebook.

What is drawn of a graph is told in ``folding.py``. Importing this module needs the Python package ``graphviz``, which
writes DOT text; how that is laid out is told in ``layout.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import graphviz

from minigrad.saving.files import replace_file
from minigrad.viz.boxes import Arrow, Box, Folded
from minigrad.viz.layout import laid_out
from minigrad.viz.looks import FONT, FORMS, LOOKS, MARKS, THEMES
from minigrad.viz.screen import TEXT
from minigrad.viz.svg import finished, inline
from minigrad.viz.telling import shown
from minigrad.viz.trace import Trace

__all__ = ["Drawing", "box_id", "draw_folded"]

SOURCE = (".dot", ".gv")  # the names of files that hold DOT text as it is, not laid out
NAMED = 6  # leaves, and outputs, in the text for who cannot see the picture
MANY = 300  # boxes, from which on arrows are straight: curves take Graphviz long


def box_id(box: str) -> str:
    """The id of a box's element in an SVG. Whatever a trace from elsewhere calls its nodes, it is one."""
    return f"box-{safe(box)}"


def safe(name: str) -> str:
    """``name`` with a number for each sign that means something in SVG, CSS or DOT."""
    return "".join([sign if sign.isascii() and (sign.isalnum() or sign in "_-") else f"_{ord(sign)}_" for sign in name])


def draw_folded(folded: Folded, trace: Trace | None = None, *, theme: str = "auto") -> Drawing:
    """The picture of ``folded``. The same graph always gives the same one, whichever engine it came from; what only one
    knows is told by the tooltips.

    In an SVG each box's element has the id ``box_id(box.id)`` and its kind for a class, each arrow's the id
    ``arrow-0``, ``arrow-1``, …, in their order.

    Args:
        trace: what it was made of, for files that tell more than a picture does.
        theme: ``"light"``, ``"dark"``, or ``"auto"``: an SVG is as its surroundings are, other pictures are light.

    Raises:
        ValueError: ``theme`` is another.
    """
    if theme not in THEMES:
        raise ValueError(f'theme must be "light", "dark" or "auto", got {theme!r}')
    looks = LOOKS["light" if theme == "auto" else theme]
    drawing = Drawing("graph", **attributes(looks, len(folded.boxes)))
    drawing.trace, drawing.folded, drawing.theme = trace, folded, theme
    boxes = {box.id: box for box in folded.boxes}
    framed = {box for frame in folded.frames for box in frame.boxes}
    for box in folded.boxes:
        if box.id not in framed:
            add_box(drawing, box, looks)
    frames: dict[str | None, Any] = {None: drawing}
    for number, frame in enumerate(folded.frames):
        title = frame.path if frame.path.startswith(f"{frame.kind}(") else f"{frame.path}: {frame.kind}".strip(": ")
        told = literal(title or "model")
        inner = graphviz.Digraph(f"cluster_{number}")
        fill, line = looks["frame"]
        inner.attr(label=told, style="rounded,filled", fillcolor=fill, color=line, **{"class": "frame"})
        inner.attr(fontcolor=looks["ink"][0], margin="8", labeljust="l")
        frames[frame.path] = inner
        for each in frame.boxes:
            add_box(inner, boxes[each], looks)
    for frame in reversed(folded.frames):  # each after those in it
        frames[frame.parent].subgraph(frames[frame.path])
    for number, arrow in enumerate(folded.arrows):
        add_arrow(drawing, number, arrow, looks)
    return drawing


def attributes(looks: dict[str, tuple[str, str]], boxes: int) -> dict[str, dict[str, str]]:
    """What holds for the whole graph. The limits keep Graphviz from looking for the best places without end."""
    letters = {"fontname": FONT, "fontsize": str(TEXT), "fontcolor": looks["ink"][0]}
    patience = f"{min(1.0, MANY / max(boxes, 1)):.2g}"
    graph = {"rankdir": "TB", "bgcolor": looks["paper"][0], **letters, "nodesep": "0.25", "ranksep": "0.3"}
    graph |= {"nslimit": patience, "nslimit1": patience, "mclimit": patience}
    if boxes > MANY:
        graph["splines"] = "line"
    node = {"shape": "box", **letters, "margin": "0.12,0.05"}
    edge = {**letters, "color": looks["paper"][1], "arrowsize": "0.7"}
    return {"graph_attr": graph, "node_attr": node, "edge_attr": edge}


def add_box(drawing: Any, box: Box, looks: dict[str, tuple[str, str]]) -> None:
    fill, line = looks[box.kind]
    label = "\\n".join([literal(each) for each in box.lines])  # DOT's sign for a new line
    look = {**FORMS[box.kind], "fillcolor": fill, "color": line, "id": box_id(box.id), "class": box.kind}
    if box.mark:
        fill, line = looks["marked"]
        look |= {**MARKS[box.mark], "fillcolor": fill, "color": line, "class": f"{box.kind} marked {box.mark}"}
    drawing.node(safe(box.id), label=label, tooltip=tip(box.tooltip), **look)


def add_arrow(drawing: Any, number: int, arrow: Arrow, looks: dict[str, tuple[str, str]]) -> None:
    look = {"id": f"arrow-{number}", "tooltip": tip(arrow.tooltip)}
    if arrow.label:
        look["label"] = literal(arrow.label)
    if not arrow.needs_grad:
        look |= {"style": "dashed", "class": "constant"}
    if arrow.mark:
        line = MARKS[arrow.mark]["style"].removeprefix("filled").strip(",") or "bold"
        look |= {"style": line, "color": looks["marked"][1], "class": f"marked {arrow.mark}"}
    drawing.edge(safe(arrow.source), safe(arrow.target), **look)


def literal(text: str) -> str:
    """``text`` so that Graphviz shows it as it is: no escape, HTML or entity in it counts as one."""
    return str(graphviz.escape(shown(text).replace("&", "&amp;")))


def tip(text: str) -> str:
    """A tooltip of several lines."""
    return "\\n".join([literal(line) for line in text.splitlines()])


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no type information
    """A ``graphviz.Digraph`` that also renders without Graphviz's programs, and writes files whole or not at all.

    Attributes:
        trace: what was drawn; None for a drawing of two graphs.
        folded: the boxes and arrows.
        theme: ``light``, ``dark`` or ``auto``.
        told: the text for who cannot see the picture.
    """

    trace: Trace | None = None
    folded: Folded | None = None
    theme: str = "light"
    told: str | None = None

    def pipe(
        self, format: str | None = None, *, quiet: bool = False, encoding: str | None = None, **options: Any
    ) -> bytes | str:
        """The picture as bytes, or as text in ``encoding``.

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
        if wanted == "svg":
            picture = finished(picture.decode(), shown(self.alternative()), follows_theme=self.theme == "auto").encode()
        return picture if encoding is None else picture.decode(encoding)

    def alternative(self) -> str:
        """What is seen, in a sentence."""
        if self.told is not None or self.folded is None:
            return self.told or "graph"
        names = {kind: [box.lines[0] for box in self.folded.boxes if box.kind == kind] for kind in ("leaf", "output")}
        count = len(self.folded.boxes)
        told = f"Graph with {count} {'box' if count == 1 else 'boxes'}"
        inputs = f", from {', '.join(names['leaf'][:NAMED])}" if names["leaf"] else ""
        return told + inputs + (f", to {', '.join(names['output'][:NAMED])}" if names["output"] else "")

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **options: Any
    ) -> dict[str, bytes | str]:
        """For a notebook: HTML, whose text can be selected, and SVG for what shows no HTML."""
        wanted = {"text/html", "image/svg+xml", "text/plain"} if include is None else set(include)
        wanted -= set(exclude or ())
        bundle: dict[str, bytes | str] = {}
        if wanted & {"text/html", "image/svg+xml"}:
            picture = str(self.pipe("svg", quiet=True, encoding="utf-8"))
            bundle |= {"text/html": inline(picture), "image/svg+xml": picture}
        bundle |= super()._repr_mimebundle_(wanted - {"image/svg+xml"}, **options)
        bundle["text/plain"] = self.alternative()
        return {kind: content for kind, content in bundle.items() if kind in wanted}

    def _repr_html_(self) -> str:
        return inline(str(self.pipe("svg", quiet=True, encoding="utf-8")))

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
            source_path = self._save_source(filename, directory)
            chosen = self.format if format is None else format
            path = f"{source_path}.{chosen}"
        else:
            path = os.fspath(outfile)
            suffix = Path(path).suffix.lower()
            chosen = format or ("dot source" if suffix in SOURCE else suffix[1:])
            if chosen not in ("dot source", *graphviz.FORMATS):
                known = ".svg, .png, .pdf, .dot, .gv or another format of Graphviz's"
                raise ValueError(f"the name of outfile must end in {known}, got {path!r}")
        _write_whole(path, self._picture(chosen, options))
        if cleanup and outfile is None:
            os.unlink(source_path)
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
        """Write a file, of the kind that its suffix says, and return its path.

        ``.svg``, ``.png``, ``.pdf`` and what else Graphviz can are pictures; ``.dot`` and ``.gv`` DOT text; ``.html``
        the page of :meth:`Trace.html`; ``.mmd`` Mermaid; ``.json`` and ``.txt`` the whole trace, as
        :meth:`Trace.to_json` and :meth:`Trace.text` tell it.
        Without a suffix, or a name, it is DOT text, as ``graphviz.Digraph.save`` writes it.

        Raises:
            ValueError: the suffix is another, or the drawing shows two graphs and the file would tell one.
            OSError: the file cannot be written.
        """
        suffix = "" if filename is None else Path(filename).suffix.lower()
        if filename is None or suffix in ("", *SOURCE):
            return self._save_source(filename, directory, skip_existing)
        path = os.path.join(os.fspath(directory or ""), os.fspath(filename))
        if suffix not in TOLD and suffix[1:] not in graphviz.FORMATS:
            known = ", ".join([".svg", ".png", ".pdf", *SOURCE, *TOLD])
            raise ValueError(f"a drawing is saved as {known} or another format of Graphviz's, got {path!r}")
        if suffix in TOLD and self.trace is None:
            raise ValueError(f"{suffix} tells one graph: this drawing shows none, or two; save it as .svg or .png")
        if not (skip_existing and os.path.exists(path)):
            told = TOLD[suffix](self.trace).encode(errors="replace") if suffix in TOLD else None
            _write_whole(path, told or self._picture(suffix[1:], {}))
        return path

    def _save_source(
        self,
        filename: str | os.PathLike[str] | None,
        directory: str | os.PathLike[str] | None,
        skip_existing: bool = False,
    ) -> str:
        """Write the DOT text to a file, and return its path."""
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


# The files that are no pictures, and how each is made of a trace.
TOLD: dict[str, Any] = {
    ".mmd": Trace.mermaid,
    ".html": Trace.html,
    ".json": Trace.to_json,
    ".txt": lambda trace: trace.text() + "\n",
}


def _write_whole(path: str, content: bytes) -> None:
    """Write a file whole or not at all. Makes missing folders."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    replace_file(path, content)
