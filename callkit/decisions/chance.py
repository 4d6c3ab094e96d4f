"""Chance: tests for figures with heavy tails, and the correction for how many things were looked at.

Amounts and talk are so uneven that normal tests would see findings everywhere. A permutation test asks only that deals
could as well have fallen into other segments; its distribution is not drawn but computed, by the saddlepoint, so that
small p-values are exact enough and cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from callkit.decisions.evidence import Flags, Floats, Ints, summed

_ROWS = 1500  # more rows than this are put into bins, their extremes kept
_PLAIN = 1.0  # nearer to the middle than so many standard deviations, the normal distribution will do
_STEPS = 60


def shuffled(values: Floats, place: Ints, segments: Sequence[int], strata: Ints | None = None) -> Floats:
    """How likely shuffling would move each segment's sum of `values` as far from what is expected: two-sided p-values.

    `place` tells each row's segment; rows are shuffled among segments within `strata` (all rows are one stratum without
    them). `values` of 0 and 1 get the correction for continuity. The distribution of a segment's sum under random
    permutations, by the double saddlepoint.

    Source: J. Robinson, JRSS B 44 (1982) 91-101; I. M. Skovgaard, J. Appl. Prob. 24 (1987) 875-887; J. G. Booth and
    R. W. Butler, Biometrika 77 (1990) 787-796.

    >>> p = shuffled(np.arange(10.0), np.array([1, 1, 1, 1, 1, 0, 1, 1, 0, 0]), [0])
    >>> 2 * 2 / 120 <= p[0] <= 2 * 4 / 120  # of the 120 ways to choose three, two give more than 22, two 22
    np.True_
    """
    return Shuffling(values, strata).p_values(place, segments)


class Shuffling:
    """What `shuffled` does, prepared for several ways to cut the same rows."""

    def __init__(self, values: Floats, strata: Ints | None = None) -> None:
        self._strata = np.zeros(len(values), dtype=np.int64) if strata is None else strata
        self._sizes = np.bincount(self._strata).astype(np.float64)
        means = np.bincount(self._strata, values) / np.maximum(self._sizes, 1)
        apart = values - means[self._strata]
        self._scale = float(np.sqrt(np.mean(apart**2))) if len(apart) else 0.0
        if not self._scale:
            return
        self._values = apart / self._scale
        squares = np.bincount(self._strata, self._values * self._values)
        self._spread = squares / np.maximum(self._sizes - 1, 1)
        self._half = 0.5 / self._scale if np.all((values == 0) | (values == 1)) else 0.0
        self._binned = _binned(self._values, self._strata, len(self._sizes))

    def p_values(self, place: Ints, segments: Sequence[int]) -> Floats:
        """The two-sided p-value of each of `segments`; `place` tells the rows'."""
        if not self._scale:
            return np.ones(len(segments))
        width = len(self._sizes)
        cell, cells = place * width + self._strata, (int(place.max()) + 1) * width
        counts = np.bincount(cell, minlength=cells).reshape(-1, width).astype(np.float64)
        sums = summed(self._values, cell, cells).reshape(-1, width)
        found = []
        for segment in segments:
            chosen = counts[segment]
            free = (chosen > 0) & (chosen < self._sizes)
            total = float(sums[segment][free].sum())
            total = float(np.sign(total)) * max(abs(total) - self._half, 0)
            drawn = chosen * (self._sizes - chosen) / np.maximum(self._sizes, 1)
            variance = float(np.sum((drawn * self._spread)[free]))
            found.append(_two_sided(total, variance, *self._binned, chosen, self._sizes, free))
        return np.array(found, dtype=np.float64)


def _two_sided(
    total: float,
    variance: float,
    values: Floats,
    weights: Floats,
    of: Ints,
    chosen: Floats,
    sizes: Floats,
    free: Flags,
) -> float:
    from scipy.special import ndtr

    if variance <= 0:
        return 1.0
    z = abs(total) / np.sqrt(variance)
    if z < _PLAIN:
        return float(2 * ndtr(-z))
    kept = free[of]
    renamed = np.cumsum(free)[of[kept]].astype(np.int64) - 1
    n, size = chosen[free], sizes[free]
    tail = _tail(np.sign(total) * values[kept], weights[kept], renamed, n, size, abs(total))
    return float(min(1.0, 2 * tail))


def _tail(values: Floats, weights: Floats, of: Ints, n: Floats, size: Floats, total: float) -> float:
    """P(the sum of a random choice of `n` of each stratum's rows >= `total`), `total` being above its mean."""
    from scipy.special import ndtr

    share = n / size
    logit = np.log(share / (1 - share))
    strata = len(n)

    def state(alpha: Floats, beta: float) -> tuple[float, Floats]:
        at = (logit + alpha)[of] + beta * values
        lift = float(np.sum(weights * (np.logaddexp(0, at) + np.log(1 - share)[of])))
        return lift - float(alpha @ n) - beta * total, 1 / (1 + np.exp(-at))

    alpha, beta = np.zeros(strata), 0.0
    low, chance = state(alpha, beta)
    k0 = n * (1 - share)
    for _ in range(_STEPS):
        slope = weights * chance * (1 - chance)
        k_aa = np.maximum(np.bincount(of, slope, strata), 1e-300)
        k_ab = np.bincount(of, slope * values, strata)
        rest = max(float(np.sum(slope * values**2) - np.sum(k_ab**2 / k_aa)), 1e-300)
        g_a = np.bincount(of, weights * chance, strata) - n
        g_b = float(np.sum(weights * chance * values)) - total
        step = -(g_b - float(np.sum(k_ab * g_a / k_aa))) / rest
        move = -(g_a + k_ab * step) / k_aa
        size_of_step = 1.0
        while True:
            tried = state(alpha + size_of_step * move, beta + size_of_step * step)
            if tried[0] <= low + 1e-12 or size_of_step < 1e-6:
                break
            size_of_step /= 2
        alpha, beta = alpha + size_of_step * move, beta + size_of_step * step
        gained, (low, chance) = low - tried[0], tried
        if gained < 1e-10:
            break
    w = np.sqrt(max(-2 * low, 1e-12))
    slope = weights * chance * (1 - chance)
    k_aa = np.maximum(np.bincount(of, slope, strata), 1e-300)
    k_ab = np.bincount(of, slope * values, strata)
    rest = max(float(np.sum(slope * values**2) - np.sum(k_ab**2 / k_aa)), 1e-300)
    v = beta * np.exp(0.5 * (np.sum(np.log(k_aa) - np.log(k0)) + np.log(rest)))
    density = np.exp(-w * w / 2) / np.sqrt(2 * np.pi)
    tail = float(ndtr(-w) + density * (1 / v - 1 / w)) if v > 0 else 0.0
    # where nearly every choice is used up, the formula gives way to the bound it rests on
    return min(1.0, tail) if tail > 0 else float(np.exp(low))


def _binned(values: Floats, strata: Ints, count: int) -> tuple[Floats, Floats, Ints]:
    """The values with their weights and strata; of many, the middle ones of each stratum are put into bins."""
    if len(values) <= _ROWS:
        return values, np.ones(len(values)), strata
    order = np.argsort(values)
    order = order[np.argsort(strata[order].astype(np.int16 if count < 2**15 else np.int64), kind="stable")]
    sizes = np.bincount(strata, minlength=count)
    rank = np.arange(len(values)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    size = sizes[strata[order]]
    each = max(8, _ROWS // max(count, 1) // 3)
    middle = np.maximum(size - 2 * each, 1)
    # the extremes stand alone; between them as many bins as there are extremes at one end
    cell = np.where(
        rank < each,
        rank,
        np.where(rank >= size - each, 2 * each + size - 1 - rank, each + (rank - each) * each // middle),
    )
    key = strata[order] * (3 * each + 1) + cell
    first = np.flatnonzero(np.diff(key, prepend=-1))
    weights = np.diff(np.append(first, len(values))).astype(np.float64)
    return np.add.reduceat(values[order], first) / weights, weights, strata[order][first]


def grown(before: Floats, after: Floats, exposure: float) -> float:
    """How likely chance alone gives `after` so large a sum, if each row could come after with odds of `exposure` to 1.

    One-sided, by the saddlepoint (R. Lugannani and S. Rice, Adv. Appl. Prob. 12 (1980) 475-490): the rows of both
    periods are taken as they are, and only when each of them came is left to chance, as with a Poisson stream.

    >>> round(grown(np.ones(100), np.ones(110), 1.0), 2), round(grown(np.ones(100), np.ones(110), 1.05), 2)
    (0.25, 0.37)
    """
    from scipy.special import expit, ndtr

    rows = np.concatenate([before, after])
    rows = rows[rows > 0]
    total, share = float(after.sum()), exposure / (1 + exposure)
    if not len(rows) or total <= share * rows.sum():
        return 1.0
    if total >= rows.sum() * (1 - 1e-12):
        return float(share ** len(rows))
    scale = float(rows.max())
    rows, weights, _ = _binned(rows / scale, np.zeros(len(rows), dtype=np.int64), 1)
    total /= scale
    logit = float(np.log(exposure))

    def beyond(beta: float) -> float:
        return float(np.sum(weights * rows * expit(logit + beta * rows))) - total

    high = 1.0
    while beyond(high) < 0 and high < 1e6:
        high *= 2
    if beyond(high) < 0:
        return 0.0
    low = 0.0
    for _ in range(60):  # halved to the last bit; scipy.optimize would cost every kernel of the app 30 MB
        beta = (low + high) / 2
        low, high = (beta, high) if beyond(beta) < 0 else (low, beta)
    lift = float(np.sum(weights * (np.logaddexp(0, logit + beta * rows) + np.log(1 - share))))
    chance = expit(logit + beta * rows)
    w = np.sqrt(max(2 * (beta * total - lift), 1e-12))
    v = beta * np.sqrt(float(np.sum(weights * rows**2 * chance * (1 - chance))))
    if w < 1e-3:
        return 0.5
    return float(min(1.0, max(0.0, ndtr(-w) + np.exp(-w * w / 2) / np.sqrt(2 * np.pi) * (1 / v - 1 / w))))


def corrected(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for how many there are: the least rate of false findings at which each is one.

    Source: Y. Benjamini and Y. Hochberg, JRSS B 57 (1995) 289-300.

    >>> [round(q, 3) for q in corrected([0.01, 0.02, 0.03, 0.5])]
    [0.04, 0.04, 0.04, 0.5]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(-p, kind="stable")
    ranks = len(p) - np.arange(len(p))
    found = np.empty(len(p))
    found[order] = np.minimum.accumulate(np.minimum(1.0, p[order] * len(p) / np.maximum(ranks, 1)))
    return [float(q) for q in found]
