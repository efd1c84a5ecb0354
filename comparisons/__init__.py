"""Every concept run on minigrad and on PyTorch, outputs and gradients asserted equal.

``python -m comparisons`` runs the chapters (``chapters/``, one file each). ``harness.py`` says what "equal" means;
``tolerances.py`` how closely, and why. ``first_divergence`` finds where two models part. ``coursework/`` judges engines
of students.
"""

from typing import TYPE_CHECKING

from torch_impl.missing import face_of

if TYPE_CHECKING:
    from comparisons.face import *


def __getattr__(name: str) -> object:
    """A name of ``face.py``. PyTorch takes seconds to import: ``python -m comparisons`` listens to Ctrl-C before."""
    face = face_of("comparisons")
    return globals()[name] if name in globals() else getattr(face, name)
