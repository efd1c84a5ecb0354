"""The results of a run as one page, ``--html FOLDER``: one file that loads nothing, for a browser or for paper.

``report.py`` is the whole page, ``chapter.py`` one chapter of it; ``code.py``, ``curves.py`` and ``graphs.py`` are its
parts. All of it is made of ``elements.py``, which escapes every text. It has no script.
"""

from comparisons.page.report import Page

__all__ = ["Page"]
