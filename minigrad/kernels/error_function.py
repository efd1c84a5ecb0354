"""The error function of arrays, its complement and its inverse, to the last digit or two of float64: NumPy has none.

Four ranges of |x|, each with a ratio of two polynomials. The method and the coefficients are those of FDLIBM's
``s_erf.c`` (Sun Microsystems, 1993).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["erf", "erfc", "erfinv", "polynomial"]


ERF_OF_1 = 8.45062911510467529297e-01  # to the digits that the second range builds on

# Below 0.84375, in powers of x²: erf(x) = x + x · SMALL_TOP / SMALL_BOTTOM.
SMALL_TOP = (
    *(1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02),
    *(-5.77027029648944159157e-03, -2.37630166566501626084e-05),
)
SMALL_BOTTOM = (
    *(1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03),
    *(1.32494738004321644526e-04, -3.96022827877536812320e-06),
)
# Below 1.25, in powers of |x| - 1: erf(|x|) = ERF_OF_1 + NEAR_1_TOP / NEAR_1_BOTTOM.
NEAR_1_TOP = (
    *(-2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01),
    *(3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02),
    -2.16637559486879084300e-03,
)
NEAR_1_BOTTOM = (
    *(1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02),
    *(1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02),
)
# Below 1/0.35 and below 6, in powers of 1/x²: erf(|x|) = 1 - exp(-x² - 0.5625 + TOP / BOTTOM) / |x|.
MIDDLE_TOP = (
    *(-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01),
    *(-6.23753324503260060396e01, -1.62396669462573470355e02, -1.84605092906711035994e02),
    *(-8.12874355063065934246e01, -9.81432934416914548592e00),
)
MIDDLE_BOTTOM = (
    *(1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02),
    *(6.45387271733267880336e02, 4.29008140027567833386e02, 1.08635005541779435134e02),
    *(6.57024977031928170135e00, -6.04244152148580987438e-02),
)
LARGE_TOP = (
    *(-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01),
    *(-1.60636384855821916062e02, -6.37566443368389627722e02, -1.02509513161107724954e03),
    -4.83519191608651397019e02,
)
LARGE_BOTTOM = (
    *(1.0, 3.03380607434824582924e01, 3.25792512996573918826e02, 1.53672958608443695994e03),
    *(3.19985821950859553908e03, 2.55305040643316442583e03, 4.74528541206955367215e02),
    -2.24409524465858183362e01,
)


def polynomial(coefficients: Sequence[Any], x: np.ndarray) -> np.ndarray:
    """c₀ + c₁x + c₂x² + …, by Horner's rule."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def tail(size: np.ndarray, top: tuple[float, ...], bottom: tuple[float, ...]) -> np.ndarray:
    """erf of ``size`` by the ratio of the third or the fourth range."""
    inverse_square = 1 / (size * size)
    ratio = polynomial(top, inverse_square) / polynomial(bottom, inverse_square)
    coarse = size.astype(np.float32).astype(np.float64)  # its square is exact: size² = coarse² + what is left
    exponential = np.exp(-coarse * coarse - 0.5625) * np.exp((coarse - size) * (coarse + size) + ratio)
    return 1 - exponential / size


def erf(x: np.ndarray) -> np.ndarray:
    """2/√π ∫₀ˣ exp(-t²) dt elementwise, computed in float64 and given in the type of ``x``."""
    wide = np.asarray(x, np.float64)
    size = np.abs(wide)
    result = np.asarray(np.where(np.isnan(wide), np.nan, 1.0))  # from 6 on

    small = size < 0.84375
    square = wide[small] ** 2
    inner = np.abs(wide[small])
    result[small] = inner + inner * polynomial(SMALL_TOP, square) / polynomial(SMALL_BOTTOM, square)

    near_1 = (size >= 0.84375) & (size < 1.25)
    beyond = size[near_1] - 1
    result[near_1] = ERF_OF_1 + polynomial(NEAR_1_TOP, beyond) / polynomial(NEAR_1_BOTTOM, beyond)

    middle = (size >= 1.25) & (size < 1 / 0.35)
    result[middle] = tail(size[middle], MIDDLE_TOP, MIDDLE_BOTTOM)
    large = (size >= 1 / 0.35) & (size < 6)
    result[large] = tail(size[large], LARGE_TOP, LARGE_BOTTOM)
    return np.copysign(result, wide).astype(np.asarray(x).dtype)


erfc_of_number = np.frompyfunc(math.erfc, 1, 1)

# First guesses of the inverse: of |y| up to 0.7 in powers of y², above in powers of √-log((1 - |y|) / 2).
INNER_TOP = (0.886226899, -1.645349621, 0.914624893, -0.140543331)
INNER_BOTTOM = (1.0, -2.118377725, 1.442710462, -0.329097515, 0.012229801)
OUTER_TOP, OUTER_BOTTOM = (-1.970840454, -1.624906493, 3.429567803, 1.641345311), (1.0, 3.543889200, 1.637067800)


def erfc(x: np.ndarray) -> np.ndarray:
    """1 - erf x, which is not lost where erf x is near 1, in the type of ``x``."""
    return np.asarray(erfc_of_number(np.asarray(x, np.float64))).astype(x.dtype)


def erfinv(y: np.ndarray) -> np.ndarray:
    """The x whose erf is ``y``, in the type of ``y``: ±∞ for ±1, NaN beyond.

    A guess for |y| is made good by three steps of Newton's, near 1 by what is left to 1.
    """
    size = np.abs(np.asarray(y, np.float64))
    square, far = size * size, np.sqrt(-np.log((1 - size) / 2))
    inner = size * polynomial(INNER_TOP, square) / polynomial(INNER_BOTTOM, square)
    x = np.where(size <= 0.7, inner, polynomial(OUTER_TOP, far) / polynomial(OUTER_BOTTOM, far))
    for _ in range(3):
        error = np.where(size <= 0.7, erf(x) - size, (1 - size) - erfc(x))
        x = x - error / (2 / math.sqrt(math.pi) * np.exp(-x * x))
    return np.asarray(np.copysign(np.where(size == 1, np.inf, x), y)).astype(y.dtype)
