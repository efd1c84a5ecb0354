"""The names of the package ``comparisons``, imported when one is asked for."""

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
