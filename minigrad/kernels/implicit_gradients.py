"""How a drawn number would move with the parameter of its distribution: x'(α) = - (∂cdf/∂α) / density.

A draw by rejection has no formula to differentiate; this has (Figurnov, Mohamed & Mnih 2018). The approximations, one
for each range, and their coefficients are PyTorch's (ATen: Distributions.h), good to 4 digits or more.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.kernels.error_function import polynomial
from minigrad.kernels.gamma_function import digamma

__all__ = ["dirichlet_gradient", "gamma_gradient"]


def numbers(text, shape):
    return np.array(text.split(), np.float64).reshape(shape).tolist()


# By powers of u = log(x/α), then of v = log α: numerator, then denominator.
GAMMA_TABLES = numbers(
    "0.16009398 -0.094634809 0.025146376 -0.0030648343 0.53487893 0.1298071 0.065735949 -0.0015649758"
    " 0.040121004 -0.0065914022 -0.0026286047 -0.0013441777"
    " 1 0.32668115 0.10406089 0.0014179084 0.16639465 0.020070113 -0.0035938915 -0.00058392623"
    " 0.017050642 -0.0021309326 0.00085092367 -1.5247877e-07",
    (2, 3, 4),
)
# By powers of u = log x, of a = log α - u, then of b = log(total) - a.
DIRICHLET_TABLES = numbers(
    "1.003668233 -0.01061107488 -0.0657888334 0.01201642863 0.6336835991 -0.3557432599 0.05486251648 -0.001465281033"
    " -0.03276231906 0.004474107445 0.002429354597 -0.0001557569013 0.221950385 -0.3187676331 0.01799915743"
    " 0.01074823814 -0.2951249643 0.06219954479 0.01535556598 0.001550077057 0.02155310298 0.004170831599"
    " 0.001292462449 6.976601077e-05 -0.05980841433 0.008441916499 0.01085618172 0.002319392565 0.02911413504"
    " 0.01400243777 -0.002721828457 0.000751041181 0.005900514878 -0.001936558688 -9.495446725e-06 5.385558597e-05"
    " 1 -0.02924021934 -0.04438342661 0.007285809825 0.6357567472 -0.3473456711 0.05454656494 -0.002407477521"
    " -0.03301322327 0.004845219414 0.00231480583 -0.0002307248149 0.5925320577 -0.1757678135 0.01505928619"
    " 0.000564515273 0.1014815858 -0.06589186703 0.01272886114 -0.0007316646956 -0.007258481865 0.001096195486"
    " 0.0003934994223 -4.12701925e-05 0.06469649321 -0.0236701437 0.002902096474 -5.896963079e-05 0.001925008108"
    " -0.002869809258 0.0008000589141 -6.063713228e-05 -0.0003477407336 6.959756487e-05 1.097287507e-05"
    " -1.650964693e-06",
    (2, 3, 3, 4),
)


def gamma_gradient(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/dα of a number ``x`` of the gamma distribution of shape ``alpha``, rate 1; in the type of ``x``."""
    kind, alpha, x = x.dtype, alpha.astype(np.float64), x.astype(np.float64)
    near_mean = (alpha * 0.9 <= x) & (x <= alpha * 1.1)
    ranges = [x < 0.8, (alpha > 8) & near_mean, alpha > 8]
    found = [gamma_by_series(alpha, x), gamma_near_mean(alpha, x), gamma_by_saddle_point(alpha, x)]
    u, v = np.log(x / alpha), np.log(alpha)
    top, bottom = [polynomial([polynomial(row, v) for row in rows], u) for rows in GAMMA_TABLES]
    return np.asarray(np.select(ranges, found, np.exp(top / bottom))).astype(kind)


def gamma_by_series(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of a small x: Taylor's series of the cumulated density."""
    factor: Any = 1.0
    series, derivative = 1 / alpha, 1 / alpha**2
    for i in range(1, 6):
        factor = factor * -x / i
        series = series + factor / (alpha + i)
        derivative = derivative + factor / (alpha + i) ** 2
    gradient = -((np.log(x) - digamma(alpha)) * series - derivative) * x * np.exp(x)
    return np.where(np.isnan(gradient), 0.0, gradient)


def gamma_near_mean(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of a large α and an x near it, where the saddle point's formula has a gap."""
    first = 1 + 24 * alpha * (1 + 12 * alpha)
    second = 1440 * alpha**2 + 6 * x * (53 - 120 * x) - 65 * x**2 / alpha + alpha * (107 + 3600 * x)
    return first * second / (1244160 * alpha**4)


def gamma_by_saddle_point(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of a large α: Rice's expansion."""
    scale = np.sqrt(8 * alpha)
    far = (x - alpha - alpha * np.log(x / alpha)) ** -1.5
    between = scale / (alpha - x) + np.where(x < alpha, -far, far)
    inner = np.log(x / alpha) * between - np.sqrt(2 / alpha) * (alpha + x) / (alpha - x) ** 2
    return -(1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha))) * x * inner / scale


def dirichlet_gradient(x: np.ndarray, alpha: np.ndarray, total: np.ndarray) -> np.ndarray:
    """dx/dα / (1 - x) of a number ``x`` of the beta distribution of ``alpha`` and ``total - alpha``."""
    kind = x.dtype
    x, alpha, total = (each.astype(np.float64) for each in (x, alpha, total))
    beta = total - alpha
    edge = total * x * (1 - x)
    ranges = [(x <= 0.5) & (edge < 2.5), (x >= 0.5) & (edge < 0.75), (alpha > 6) & (beta > 6)]
    found = [beta_by_series(x, alpha, beta), -beta_by_other_series(1 - x, beta, alpha), beta_large(x, alpha, beta)]
    u = np.log(x)
    a = np.log(alpha) - u
    b = np.log(total) - a
    top, bottom = [
        polynomial([polynomial([polynomial(row, b) for row in rows], a) for rows in table], u)
        for table in DIRICHLET_TABLES
    ]
    otherwise = top / bottom * x * (digamma(total) - digamma(alpha)) / beta
    return np.asarray(np.select(ranges, found, otherwise)).astype(kind)


def beta_by_series(x: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """With respect to α, of an x near 0."""
    shift = digamma(alpha) - digamma(alpha + beta) - np.log(x)
    factor: Any = 1.0
    series = (shift + 1 / alpha) / alpha
    for i in range(1, 11):
        factor = factor * (i - beta) * x / i
        series = series + factor / (alpha + i) * (shift + 1 / (alpha + i))
    gradient = x * (1 - x) ** -beta * series
    return np.where(np.isnan(gradient), 0.0, gradient)


def beta_by_other_series(x: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """With respect to β, of an x near 0."""
    shift = digamma(alpha + beta) - digamma(beta)
    factor: Any = 1.0
    product: Any = 1.0
    derivative, series = np.zeros_like(x), shift / alpha
    for i in range(1, 9):
        factor = factor * -x / i
        derivative = derivative * (beta - i) + product
        product = product * (beta - i)
        series = series + factor / (alpha + i) * (derivative + shift * product)
    gradient = -((1 - x) ** (1 - beta)) * series
    return np.where(np.isnan(gradient), 0.0, gradient)


def beta_large(x: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """With respect to α, where α and β are large: Rice's expansion, and what fills its gap at the mean."""
    total = alpha + beta
    mean = alpha / total
    deviation = np.sqrt(alpha * beta / (total + 1)) / total
    powers = (
        47 * x * beta**4,
        (43 + 20 * (16 + 27 * beta) * x) * beta**3,
        3 * (59 + 180 * beta - 90 * x) * beta**2,
        (453 + 1620 * beta * (1 - x) - 455 * x) * beta,
        8 * (1 - x) * (135 * beta - 11),
    )
    filling = (1 + 12 * alpha) * (1 + 12 * beta) / (total * total) / (1 - x)
    filling *= sum(alpha**power * factor for power, factor in enumerate(powers))
    filling /= 12960 * alpha**3 * beta**2 * (1 + 12 * total)
    stirling = math.prod(
        (1 + 1 / (12 * n) + 1 / (288 * n * n)) ** sign for n, sign in ((alpha, 1), (beta, 1), (total, -1))
    )
    distance = alpha * (x - 1) + beta * x
    first = 2 * alpha**2 * (x - 1) + alpha * beta * (x - 1) - x * beta**2
    first = first / (np.sqrt(2 * alpha / beta) * total**1.5 * distance * distance)
    logarithm = np.log(alpha / (total * x))
    fourth = (beta * np.log(beta / (total * (1 - x))) + alpha * logarithm) ** -1.5
    last = np.sqrt(8 * alpha * beta / total) / distance + np.where(x < mean, fourth, -fourth)
    expanded = stirling * -x / np.sqrt(2 * alpha * beta / total) * (first + 0.5 * logarithm * last)
    return np.where(np.abs(x - mean) <= 0.1 * deviation, filling, expanded)
