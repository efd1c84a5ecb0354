"""A figure in a notebook, with the text that stands for it where it cannot be seen."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["show"]

SHARPNESS = 2  # pixels of the picture to one of the page
COLOURS = 256  # a third of the bytes, and no eye sees it


def show(figure: Figure, alt: str) -> None:
    """Show a figure of Matplotlib's in a notebook, and close it.

    A notebook has no place of its own for an alternative text. A page has: so the picture is an ``<img alt="…">``, in
    JupyterLab as on a forge. Where nothing but text is shown, the text is shown.

    Args:
        figure: what ``pyplot.figure`` or ``pyplot.subplots`` gave.
        alt: what is to be seen in it, in a sentence, for who cannot see it.

    Raises:
        ValueError: ``alt`` is empty.
    """
    from IPython.display import display
    from matplotlib import pyplot
    from PIL import Image

    if not alt.strip():
        raise ValueError("show() needs alt=: a sentence that says what is to be seen in the figure")
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=figure.dpi * SHARPNESS)
    width = round(figure.get_figwidth() * figure.dpi)
    pyplot.close(figure)  # or it would be shown once more, without its text, at the end of the cell
    Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    data = base64.b64encode(small.getvalue()).decode()
    image = f'<img alt="{html.escape(alt)}" width="{width}" src="data:image/png;base64,{data}">'
    display({"text/html": image, "text/plain": alt}, raw=True)
