"""Random numbers drawn by rejection: a candidate is drawn, and drawn anew until it is accepted.

How many draws a number takes is not known beforehand, so each is made by itself. ``uniform`` and ``normal`` draw one
number of float64 each; every step is rounded as PyTorch rounds it, so the numbers are its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["binomial", "gamma", "poisson"]


Draw = Callable[[], float]

THIRD = np.float32(1) / np.float32(3)
SQUEEZE = float(np.float32(0.0331))
# What Stirling's formula lacks of log k!, k = 0 … 9.
STIRLING_TAIL = (
    *(0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211),
    *(0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287),
)


def gamma(alpha: Any, uniform: Draw, normal: Draw) -> float:
    """A number of the gamma distribution of shape ``alpha``, a NumPy number, and rate 1 (Marsaglia & Tsang 2000).

    Below 1 it is made of a number of shape alpha + 1, which is accepted more often.
    """
    kind = type(alpha)
    scale = 1.0
    if not alpha > 0:
        return 0.0 if alpha == 0 else math.nan
    if alpha < 1:
        scale = math.pow(1 - uniform(), float(kind(1) / alpha))
        alpha = alpha + kind(1)
    d = float(alpha - kind(THIRD))
    c = 1 / math.sqrt(9 * d)
    while True:
        x = normal()
        y = 1 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1 - uniform()
        square = x * x
        if u < 1 - SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1 - v + math.log(v)):
            return scale * d * v


def poisson(rate: float, uniform: Draw) -> int:
    """A number of the Poisson distribution: from 10 on by transformed rejection (Hörmann 1993), below by a product."""
    if rate < 10:
        bound, product, count = math.exp(-rate), 1.0, 0
        while rate:
            product *= uniform()
            if not product > bound:
                break
            count += 1
        return count
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    accepted_at_once = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform() - 0.5
        v = uniform()
        edge = 0.5 - abs(u)
        if edge == 0:
            continue
        k = math.floor((2 * a / edge + b) * u + rate + 0.43)
        if edge >= 0.07 and v <= accepted_at_once:
            return k
        if k < 0 or (edge < 0.013 and v > edge) or v == 0:
            continue
        left = math.log(v) + math.log(inverse_alpha) - math.log(a / (edge * edge) + b)
        if left <= -rate + k * log_rate - math.lgamma(k + 1):
            return k


def binomial(count: Any, probability: Any, uniform: Draw) -> float:
    """How many of ``count`` trials succeed, NumPy numbers of one type: of the rarer outcome, few by waiting times,
    many by transformed rejection (Hörmann 1993)."""
    kind = type(count)
    if count <= 0 or probability <= 0:
        return 0.0
    if probability >= 1:
        return float(count)
    if probability > 0.5:
        return float(count - kind(binomial(count, kind(1.0 - float(probability)), uniform)))
    if not probability <= 0.5 or not np.isfinite(count):
        return math.nan
    if count * probability >= 10:
        variance = count * probability * (kind(1) - probability)
        return by_transformed_rejection(float(count), probability, variance, uniform)
    log_failure = float(kind(math.log1p(-float(probability))))
    waited, successes = 0.0, 0
    while True:
        u = uniform()
        waited += math.ceil(math.log(u) / log_failure) if u else math.inf
        if waited > count:
            return float(successes)
        successes += 1


def by_transformed_rejection(n: float, probability: Any, variance: Any, uniform: Draw) -> float:
    """:func:`binomial` of a probability up to 1/2 and at least 10 successes to expect."""
    kind = type(probability)
    count, p = kind(n), float(probability)
    deviation = float(np.sqrt(variance))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = float(count * probability) + 0.5
    accepted_at_once = 0.92 - 4.2 / b
    odds = float(probability / (kind(1) - probability))
    alpha = (2.83 + 5.1 / b) * deviation
    m = math.floor((count + kind(1)) * probability)
    while True:
        u = uniform() - 0.5
        v = uniform()
        edge = 0.5 - abs(u)
        k = math.floor((2 * a / edge + b) * u + c) if edge else -1
        if k < 0 or k > n:
            continue
        if edge >= 0.07 and v <= accepted_at_once:
            return float(k)
        v = v * alpha / (a / (edge * edge) + b)
        bound = (m + 0.5) * math.log((m + 1) / (odds * (n - m + 1)))
        bound += (n + 1) * math.log((n - m + 1) / (n - k + 1))
        bound += (k + 0.5) * math.log(odds * (n - k + 1) / (k + 1))
        bound += stirling_tail(m) + stirling_tail(n - m) - stirling_tail(k) - stirling_tail(n - k)
        if v == 0 or math.log(v) <= bound:
            return float(k)


def stirling_tail(k: float) -> float:
    if k <= 9:
        return STIRLING_TAIL[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
