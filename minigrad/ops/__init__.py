"""The operations, one family a file, one class an operation. Begin with ``elementwise.py``."""
