"""Links that lead to files of the repository and to public names: the site has a page for each.

Where a page names ``minigrad/graph/engine.py``, or links to it as for a forge, that leads to the file, coloured, with a
place for each line; a name such as ``minigrad.nn.Linear`` leads to the reference.
"""

from __future__ import annotations

import builtins
import html
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes

__all__ = ["setup", "source_of"]

ROOT = Path(__file__).parents[3]
FOLDER = "source"  # of the files' pages
LED_TO: set[str] = set()  # by the reference
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{file}</title>
<link rel="icon" href="{top}_static/icon.svg">
<link rel="stylesheet" href="{top}_static/pygments.css">
<link rel="stylesheet" href="{top}_static/styles/furo.css">
<link rel="stylesheet" href="{top}_static/book.css">
<script src="{top}_static/book.js"></script>
</head>
<body class="file">
<header><a href="{top}index.html">minigrad</a></header>
<main>
<h1>{file}</h1>
{code}
</main>
</body>
</html>
"""
NAME = re.compile(r"(?:minigrad|torch_impl|comparisons)(?:\.\w+)+")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+")


def setup(app: Any) -> None:
    """Change every page that was read, and add those of files."""
    app.connect("env-before-read-docs", lambda app, env, names: setattr(env, "minigrad_files", set()))
    app.connect("doctree-read", link_files)
    app.connect("doctree-read", unlink_types)
    app.connect("doctree-resolved", link_names)
    app.connect("build-finished", write_files)


# ------------------------------------------------------------------------------------------- files


def link_files(app: Any, doctree: nodes.document) -> None:
    """Let what names a file, and what links to one, lead to the file's page."""
    for node in list(doctree.findall(addnodes.download_reference)):
        path, _, place = node["reftarget"].partition("#")
        document = Path(app.env.doc2path(app.env.docname)).parent
        file = (document / path).resolve().relative_to(Path(app.srcdir).resolve()).as_posix()
        refer(app, node, file, place, [*node.children])
    for node in list(doctree.findall(nodes.literal)):
        if FILE.fullmatch(node.astext()) and (ROOT / node.astext()).is_file() and not within_link(node):
            refer(app, node, node.astext(), "", [node.deepcopy()])


def refer(app: Any, node: Any, file: str, place: str, children: list[Any]) -> None:
    """Put a link to a file in the place of a node."""
    app.env.minigrad_files.add(file)
    address = app.builder.get_relative_uri(app.env.docname, f"{FOLDER}/{file}") + (f"#{place}" if place else "")
    node.replace_self(nodes.reference("", "", *children, refuri=address, internal=True))


def within_link(node: Any) -> bool:
    while node is not None and not isinstance(node, (nodes.reference, addnodes.pending_xref, nodes.title)):
        node = node.parent
    return node is not None


def write_files(app: Any, error: Exception | None) -> None:
    """Write the page of each file that something leads to. It needs none of what other pages have around their text."""
    if error is not None:
        return
    formatter = HtmlFormatter(lineanchors="L", linenos="inline", cssclass="highlight source")
    for file in sorted(app.env.minigrad_files | LED_TO):
        try:
            lexer = get_lexer_for_filename(file)
        except ClassNotFound:
            lexer = TextLexer()
        code = highlight((ROOT / file).read_text(encoding="utf-8"), lexer, formatter)
        code = code.replace('id="L-', 'id="L').replace('name="L-', 'name="L').replace('href="#L-', 'href="#L')
        page = Path(app.outdir, FOLDER, f"{file}.html")
        page.parent.mkdir(parents=True, exist_ok=True)
        top = "../" * len(Path(FOLDER, file).parent.parts)
        page.write_text(PAGE.format(file=html.escape(file), top=top, code=code), encoding="utf-8")


def source_of(domain: str, info: dict[str, str]) -> str | None:
    """Where the source of a name of the reference stands, from a page of the reference."""
    try:
        value: Any = importlib.import_module(info["module"])
        for part in info["fullname"].split("."):
            value = getattr(value, part)
        value = inspect.unwrap(getattr(value, "fget", value))
        file = Path(inspect.getsourcefile(value) or "").relative_to(ROOT).as_posix()
        line = inspect.getsourcelines(value)[1]
    except (AttributeError, TypeError, ValueError, OSError):
        return None  # a number, or a name of Python's or PyTorch's own
    LED_TO.add(file)
    return f"../{FOLDER}/{file}.html#L{line}"


# ------------------------------------------------------------------------------------------- names


def unlink_types(app: Any, doctree: nodes.document) -> None:
    """``float`` in a signature is Python's, and does not lead to the data type ``minigrad.float``."""
    for node in list(doctree.findall(addnodes.pending_xref)):
        if node.get("refdomain") == "py" and hasattr(builtins, node["reftarget"]):
            node.replace_self(addnodes.desc_sig_name("", node["reftarget"]))


def link_names(app: Any, doctree: nodes.document, docname: str) -> None:
    """Let what names a public name lead to its entry in the reference."""
    objects = app.env.domains.python_domain.objects
    for node in list(doctree.findall(nodes.literal)):
        name = node.astext().partition("(")[0]
        if NAME.fullmatch(name) and name in objects and not within_link(node):
            entry = objects[name]
            address = app.builder.get_relative_uri(docname, entry.docname) + "#" + entry.node_id
            node.replace_self(nodes.reference("", "", node.deepcopy(), refuri=address, internal=True))
