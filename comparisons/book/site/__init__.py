"""The book as a web site: ``python -m comparisons book --out FOLDER``.

``staging.py`` lays out what the site is made of, ``reference.py`` writes the pages of public names, and ``building.py``
lets Sphinx make pages of it all. What Sphinx is told is in ``conf.py``; ``pairs.py``, ``links.py``, ``docstrings.py``
change how it reads; ``web/`` is the look. A finished site asks no other machine for anything.
"""
