"""Colours and forms: of each kind of box, in light and in dark, as attributes of Graphviz's and as CSS.

Frames are Okabe and Ito's blue and vermilion, and others of equal distance, which colour-blind people can tell apart;
every kind also has a form of its own.
"""

from __future__ import annotations

__all__ = ["CSS", "FONT", "FORMS", "LOOKS", "MARKS", "THEMES"]

THEMES = ("light", "dark", "auto")
FONT = "Helvetica,Arial,sans-serif"

# Of each kind: what fills a box, and its line. "paper" is what lies under all, and the lines on it; text is "ink".
LOOKS = {
    "light": {
        "paper": ("#ffffff", "#404040"),
        "ink": ("#202020", "#202020"),
        "leaf": ("#d9ecf9", "#0072b2"),
        "operation": ("#f2f2f2", "#595959"),
        "output": ("#fde6d2", "#d55e00"),
        "constant": ("#ffffff", "#6b6b6b"),
        "module": ("#ebe3f5", "#6a3d9a"),
        "frame": ("#fafafa", "#8c8c8c"),
        "marked": ("#fff3b8", "#7a5c00"),
    },
    "dark": {
        "paper": ("#181a1d", "#b8b8b8"),
        "ink": ("#f2f2f2", "#f2f2f2"),
        "leaf": ("#10324a", "#56b4e9"),
        "operation": ("#33363a", "#a6a6a6"),
        "output": ("#4d2a10", "#f0904a"),
        "constant": ("#181a1d", "#9a9a9a"),
        "module": ("#372a4d", "#b794e0"),
        "frame": ("#202327", "#7d7d7d"),
        "marked": ("#4a3e08", "#e6c84a"),
    },
}

FORMS = {
    "leaf": {"style": "filled"},
    "operation": {"style": "rounded,filled"},
    "output": {"style": "filled", "peripheries": "2"},
    "constant": {"style": "filled,dashed"},
    "module": {"style": "rounded,filled", "penwidth": "2.5"},
}

# Where two graphs are drawn: of what only the first has, only the second, and what differs.
MARKS = {
    "first": {"style": "filled,dashed", "penwidth": "2.5"},
    "second": {"style": "filled,dotted", "penwidth": "2.5"},
    "differs": {"style": "filled", "penwidth": "2.5", "peripheries": "2"},
}


def variables(theme: str) -> str:
    """The colours as CSS has them."""
    pairs = LOOKS[theme].items()
    return "".join([f"--{kind}: {fill}; --{kind}-line: {line}; " for kind, (fill, line) in pairs]).strip()


# Of a picture that follows its reader's theme: the system's, or that of Jupyter or VS Code around it. Who knows no CSS
# sees the light one, by the attributes.
CSS = f"""
.minigrad-graph {{ {variables("light")} }}
@media (prefers-color-scheme: dark) {{ .minigrad-graph {{ {variables("dark")} }} }}
:is(.vscode-light, [data-jp-theme-light="true"]) .minigrad-graph {{ {variables("light")} }}
:is(.vscode-dark, .vscode-high-contrast, [data-jp-theme-light="false"]) .minigrad-graph {{ {variables("dark")} }}
.minigrad-graph .graph > polygon {{ fill: var(--paper); }}
.minigrad-graph text {{ fill: var(--ink); }}
.minigrad-graph .edge path {{ stroke: var(--paper-line); }}
.minigrad-graph .edge polygon {{ fill: var(--paper-line); stroke: var(--paper-line); }}
"""
for kind in ("leaf", "operation", "output", "constant", "module", "frame", "marked"):
    chosen = f".minigrad-graph {'.frame' if kind == 'frame' else f'.node.{kind}'}"
    CSS += f"{chosen} > :is(path, polygon) {{ fill: var(--{kind}); stroke: var(--{kind}-line); }}\n"
    CSS += f"{chosen} > polyline {{ stroke: var(--{kind}-line); }}\n"
CSS += """.minigrad-graph .graph .node > polygon + polygon { fill: none; }
.minigrad-graph .edge.marked path { stroke: var(--marked-line); }
.minigrad-graph .edge.marked polygon { fill: var(--marked-line); stroke: var(--marked-line); }
"""
