"""The chi-squared distribution: sums of squares of standard normal numbers."""

from minigrad.distributions import constraints
from minigrad.distributions.gamma import Gamma


class Chi2(Gamma):
    """The sum of ``df`` squares of standard normal numbers: :class:`Gamma` of df / 2 and 1/2."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    df = property(lambda self: self.concentration * 2, doc="How many squares.")
