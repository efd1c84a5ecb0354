"""What users pass, checked and brought into one form before anything is computed, with PyTorch's errors.

``gate.py``: each argument is what the signature says; ``operands.py``: two that meet; ``promotion.py``: their common
type; ``dims.py``: dimensions and shapes; ``checks.py``: what must be a tensor, and NumPy's names of arguments;
``older.py``: PyTorch's older forms of calls. ``promotion.py`` and ``dims.py`` stand below the graph, the others above
it.
"""
