"""Changes in place (``changing.py``), and the views that have to follow them (``views.py``)."""
