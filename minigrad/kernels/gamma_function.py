"""The logarithm of the gamma function and its derivatives on arrays, in float64: NumPy has none.

Γ(x) is (x - 1)! for whole numbers, and goes on between them.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.kernels.error_function import polynomial

__all__ = ["digamma", "lgamma", "polygamma"]


lgamma_of_number = np.frompyfunc(math.lgamma, 1, 1)

# B₂ₖ / 2k for k = 1 …, with Bernoulli's numbers B: digamma of a large x is log x - 1/2x - Σ B₂ₖ / 2k x²ᵏ.
DIGAMMA_SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
# B₂ₖ / (2k)!, which follow a sum that is broken off (Euler & Maclaurin).
ZETA_SERIES = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600)
LARGE = 12  # from here on the series are exact to float64


def lgamma(x: np.ndarray) -> np.ndarray:
    """log |Γ(x)|, in float64; infinite at 0, -1, -2 …"""
    wide = np.asarray(x, np.float64)
    pole = (wide <= 0) & (wide == np.floor(wide))
    found = lgamma_of_number(np.where(pole, 1.0, wide))
    return np.where(pole, np.inf, np.asarray(found, np.float64))


def digamma(x: np.ndarray) -> np.ndarray:
    """The derivative of log Γ, in float64: ∓∞ at ±0, NaN at -1, -2 … and at -∞.

    From below it is moved up by ψ(x) = ψ(x + 1) - 1/x; below 0 it is mirrored, ψ(x) = ψ(1 - x) - π / tan πx.
    """
    wide = np.asarray(x, np.float64)
    below = wide < 0
    inside = np.where(below, 1 - wide, wide)
    moved = np.zeros_like(inside)
    for _ in range(LARGE):
        moved -= np.where(inside < LARGE, 1 / inside, 0.0)
        inside = inside + (inside < LARGE)
    square = 1 / (inside * inside)
    series = square * polynomial(DIGAMMA_SERIES, square)
    found = moved + np.log(inside) - 0.5 / inside - series
    fraction = np.fmod(wide, 1)
    mirrored = found - np.pi / np.where(fraction == 0, np.nan, np.tan(np.pi * fraction))
    return np.where(below, mirrored, np.where(wide == 0, np.copysign(np.inf, -wide), found))


def trigamma(x: np.ndarray) -> np.ndarray:
    """The derivative of :func:`digamma` as PyTorch has it: six terms of Σ (x + k)⁻², and 9 digits of what is left."""
    wide = np.asarray(x, np.float64)
    below = wide < 0.5
    inside = np.where(below, 1 - wide, wide)
    total = np.zeros_like(inside)
    for _ in range(6):
        total += 1 / (inside * inside)
        inside = inside + 1
    square = 1 / (inside * inside)
    total += (1 + 1 / (2 * inside) + square * (1 / 6 - square * (1 / 30 - square / 42))) / inside
    return np.where(below, (np.pi / np.sin(np.pi * wide)) ** 2 - total, total)


def zeta(s: int, x: np.ndarray) -> np.ndarray:
    """Hurwitz's zeta function Σ (x + k)⁻ˢ, k = 0, 1, 2 …, of x >= 0: the first terms, then what the others sum to."""
    total = np.zeros_like(x)
    for _ in range(LARGE):
        total += np.where(x < LARGE, x ** -float(s), 0.0)
        x = x + (x < LARGE)
    total += x ** (1 - float(s)) / (s - 1) + x ** -float(s) / 2
    factor = s * x ** -float(s + 1)
    for position, coefficient in enumerate(ZETA_SERIES):
        total += coefficient * factor
        factor = factor * (s + 2 * position + 1) * (s + 2 * position + 2) / (x * x)
    return total


def polygamma(n: int, x: np.ndarray) -> np.ndarray:
    """The derivative number ``n`` of :func:`digamma`, in float64: (-1)ⁿ⁺¹ n! Σ (x + k)⁻ⁿ⁻¹; infinite at 0, -1, -2 …

    Of an x below 0 the terms below 0 are those of its mirror image, and there are finitely many.
    """
    if n < 2:
        return trigamma(x) if n else digamma(x)
    wide = np.asarray(x, np.float64)
    terms = np.where(wide < 0, np.ceil(-wide), 0.0)  # that many lie below 0
    total = zeta(n + 1, wide + terms)
    nearest, beyond = np.where(wide < 0, [-wide - (terms - 1), 1 - wide], 1.0)
    sign = 1 if n % 2 else -1
    return sign * np.exp(math.lgamma(n + 1)) * (total + sign * (zeta(n + 1, nearest) - zeta(n + 1, beyond)))
