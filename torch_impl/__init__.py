"""The PyTorch side: the tutorial's models and their training, complete. It never imports minigrad.

Read ``training.py`` first, the loop; then ``models/`` and ``networks.py``, ``data/``, ``options.py``, and a whole run:
``run.py``. ``cli.py`` is ``python -m torch_impl``. The same concepts in NumPy are in the package ``minigrad``.
"""

from typing import TYPE_CHECKING

from torch_impl.missing import face_of

if TYPE_CHECKING:
    from torch_impl.face import *


def __getattr__(name: str) -> object:
    """A name of ``face.py``. PyTorch takes seconds to import: ``python -m torch_impl`` listens to Ctrl-C before."""
    face = face_of("torch_impl")
    return globals()[name] if name in globals() else getattr(face, name)
