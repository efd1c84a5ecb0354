"""The machinery of the book: ``python -m comparisons book``. Its text is ``comparisons/tutorial/``.

``sections.py`` finds the sections and reads them; ``executing.py`` runs one from a clean kernel, which reaches no
network; ``outputs.py`` says whether a reader would see anything else than before.
"""
