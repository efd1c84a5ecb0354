"""``python -m comparisons program train.py``: one's own program, run by PyTorch and, its imports changed, by minigrad.

``imports.py`` changes the imports, ``recording.py`` notes what a program computes, ``worker.py`` is the process that
runs it, ``running.py`` begins two of them and compares what they tell, and ``command.py`` shows it.
"""
