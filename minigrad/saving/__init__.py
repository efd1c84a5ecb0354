"""``save`` and ``load`` in PyTorch's format: the file (``serialization.py``), and pickles, written and read safely."""
