"""Every concept run on minigrad and on PyTorch, outputs and gradients asserted equal.

``python -m comparisons`` runs the chapters (``chapters/``, one file each). ``harness.py`` says what "equal" means;
``tolerances.py`` how closely, and why. ``first_divergence`` finds where two models part.
"""

from comparisons.chapters import CHAPTERS
from comparisons.divergence import Divergence, Divergences, first_divergence
from comparisons.graphs import compare_graphs
from comparisons.harness import Comparison, Mismatch, Report, compare_values
from comparisons.operations import check_operation
from comparisons.outcomes import check_outcome
from comparisons.tolerances import TOLERANCES, Tolerance

__all__ = [
    "CHAPTERS",
    "TOLERANCES",
    "Comparison",
    "Divergence",
    "Divergences",
    "Mismatch",
    "Report",
    "Tolerance",
    "check_operation",
    "check_outcome",
    "compare_graphs",
    "compare_values",
    "first_divergence",
]
