"""The operations, one family a file: a rule, forward directly above backward, and below it the functions users call.

Begin with ``arithmetic.py``. A function checks what it is given and applies rules; one that PyTorch composes of others
is composed here in the same way. ``Tensor`` has the same functions as methods: ``minigrad/methods.py``.
"""
