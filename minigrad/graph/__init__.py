"""The graph: what it is made of (``node.py``), how it is recorded (``function.py``), the walk (``engine.py``)."""
