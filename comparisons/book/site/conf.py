"""What Sphinx is told about the site. The variables' names are Sphinx's and its extensions'."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from comparisons.book.site import docstrings, links, pairs

HERE = Path(__file__).parent
MATHJAX = Path(str(find_spec("sphinx-mathjax-offline").origin)).parent / "static" / "mathjax"  # type: ignore[union-attr]

project = "minigrad"
author = "the authors of minigrad"
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.linkcode",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
include_patterns = [
    "index.md",
    "README.md",
    "docs/*.md",
    "reference/*.rst",
    "comparisons/tutorial/*.ipynb",
    "comparisons/tutorial/ref*.md",
]
show_warning_types = True
suppress_warnings = ["ref.python"]  # a type in a signature may be one of several public names

# The text: notebooks are shown as they were run.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
mathjax_path = "mathjax/tex-chtml.js"

# The reference: signatures as they are written, docstrings with Google's sections.
autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"
linkcode_resolve = links.source_of

# The look.
html_theme = "furo"
html_title = "minigrad"
html_static_path = [str(HERE / "web")]
html_favicon = str(HERE / "web" / "icon.svg")
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}
html_show_search_summary = False  # a page that was opened from the disk may not ask for another
copybutton_selector = "article div.highlight pre:not(.cell_output pre)"


def setup(app):  # type: ignore[no-untyped-def]
    """What is changed in how pages are made, and what is put beside them."""
    for part in (links, pairs, docstrings):
        part.setup(app)
    app.connect("build-finished", copy_mathjax)


def copy_mathjax(app, error):  # type: ignore[no-untyped-def]
    """What the pages load of MathJax: the program, its fonts, and the parts that it loads on demand."""
    target = Path(app.outdir, "_static", "mathjax")
    for part in ("output/chtml/fonts", "input/tex/extensions"):
        shutil.copytree(MATHJAX / part, target / part, dirs_exist_ok=True)
    shutil.copy(MATHJAX / "tex-chtml.js", target)
