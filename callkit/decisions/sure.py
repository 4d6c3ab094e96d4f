"""How sure: intervals on the value of a minute and on minutes per sale, and conversions drawn toward the whole.

Deals are the sampling units: all that a deal took and brought stands or falls together. Conversion's own interval is
Wilson's, in the figures already (`callkit.measures.wilson`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from callkit.decisions.evidence import Evidence, Floats, Ints, summed
from callkit.figures import Figures

LEAST = 2
"""The fewest deals that must have brought something for an interval of a ratio."""
# set by simulation, see `ratio_intervals`
_DEGREES, _FEWEST_DEGREES, _MANY_DEGREES = 1.5, 2.0, 1e9
_HEAVY, _FEW = 2.2, 3.1
_ALONG, _AGAINST = (-1.9, 15.9, 7.2, -26.7), (-2.2, 0.4, -2.7)
_NEAREST, _FARTHEST = 1.0, 4.5
_STRONGEST = 1e6  # deals of prior weight that count as "all segments are alike"


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; all None where it is undefined, the ends alone where too little is known."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Sure:
    """How sure the figures of a segment are; `conversion_shrunk` is its conversion drawn toward the whole's."""

    segment: tuple[str, ...]
    conversion: Interval
    conversion_shrunk: float | None
    revenue_per_minute: Interval
    minutes_per_sale: Interval


def sure(figures: Figures, evidence: Evidence) -> list[Sure]:
    """How sure each row of `figures` is, in its order, the whole last; `evidence` is of the same scope and columns.

    What figures leave empty has no interval.

    >>> from callkit import Period, Scope, measure, open_company
    >>> from callkit.decisions.evidence import evidence
    >>> company, month = open_company("demo"), Scope(Period.of_month("2026-10"))
    >>> whole = sure(measure(company, month), evidence(company, month))[-1].revenue_per_minute
    >>> whole.low < whole.value < whole.high
    True
    """
    segments, place = evidence.segments
    bounds = _bounds(evidence, place, len(segments)) if figures.by else {}
    found = {segment: i for i, segment in enumerate(segments)}
    whole = _bounds(evidence.whole, np.zeros(len(evidence.whole.deal), dtype=np.int64), 1)
    rows = [dict(zip(figures.columns, row, strict=True)) for row in figures.rows]
    names = [tuple(row[key] for key in figures.keys) for row in rows]
    counted = [(row["won_deals"], row["deals"]) for row in rows[:-1]]
    if any(deals is None for _, deals in counted):
        counted = []
    drawn, _ = shrunk([won for won, _ in counted], [deals for _, deals in counted])
    told = []
    for i, (name, row) in enumerate(zip(names, rows, strict=True)):
        last = i == len(rows) - 1
        ends = whole if last else bounds
        at = 0 if last else found.get(name)
        intervals = {
            measure: Interval(row[measure], *((None, None) if at is None or row[measure] is None else _at(end, at)))
            for measure, end in ends.items()
        }
        told.append(
            Sure(
                name,
                Interval(row["conversion"], row["conversion_low"], row["conversion_high"]),
                row["conversion"] if last else drawn[i] if counted else None,
                intervals["revenue_per_minute"],
                intervals["minutes_per_sale"],
            )
        )
    return told


def _bounds(evidence: Evidence, place: Ints, count: int) -> dict[str, tuple[Floats, Floats]]:
    ratios = {
        "revenue_per_minute": (evidence.revenue, evidence.talk_minutes),
        "minutes_per_sale": (evidence.talk_minutes, evidence.won_deals),
    }
    return {name: ratio_intervals(above, below, place, count) for name, (above, below) in ratios.items()}


def _at(ends: tuple[Floats, Floats], at: int) -> tuple[float | None, float | None]:
    low, high = (float(end[at]) for end in ends)
    return (None, None) if np.isnan(low) else (low, high)


def ratio_intervals(above: Floats, below: Floats, place: Ints, count: int) -> tuple[Floats, Floats]:
    """The 95 % intervals of sum(above) / sum(below) in each of `count` groups; `place` tells each deal's group.

    NaN where fewer than `LEAST` deals have anything above or below. The closed form: with u = above - ratio × below,
    the logarithm of the ratio has the standard error sqrt(sum u²) / sum(above) (the delta method; W. G. Cochran,
    Sampling Techniques, 3rd ed. 1977, 6.5). Amounts and talk have heavy tails, therefore the quantile is Student's with
    the degrees of freedom that the kurtosis of u leaves the variance (F. E. Satterthwaite, Biometrics Bulletin 2 (1946)
    110-114), corrected at either end for the skewness of u (N. J. Johnson, JASA 73 (1978) 536-544). A sample of few
    deals hides most of a heavy tail: how heavy it is, is taken from H. Theil's index of amounts and of talk (Economics
    and Information Theory, 1967), half the variance of the logarithm where they are lognormal, which settles with few
    deals. The coefficients were set by simulation, so that 93-97 % of the intervals that there are hold the truth:
    lognormal amounts and talk of sigma 0.5 to 1.5, 30 to 3000 deals, of which 5 to 100 % are won; gamma, exponential,
    Pareto (2.5) and equal amounts.
    """
    ratio, error, _, down, up = ratio_errors(above, below, place, count)
    return ratio * np.exp(-down * error), ratio * np.exp(up * error)


def ratio_errors(
    above: Floats, below: Floats, place: Ints, count: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """What `ratio_intervals` rests on: the ratios, and of their logarithms the error, its degrees of freedom, and how
    many errors down and up the 95 % interval reaches.

    NaN where too few deals have anything.
    """
    from scipy.special import stdtrit

    if not len(place):
        nothing = np.full(count, np.nan)
        return nothing, nothing, nothing, nothing, nothing
    rows = summed(np.ones(len(place)), place, count)
    (over, *a), (under, *b) = (_spread(values, place, count) for values in (above, below))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.minimum(a[0], b[0]) >= LEAST, over / under, np.nan)
        u = above - ratio[place] * below
        u2 = u * u  # powers by multiplying: many times faster than u**4
        square, cube, fourth = (summed(power, place, count) for power in (u2, u2 * u, u2 * u2))
        varied = square > 0  # else every deal is in the very proportion of the whole
        error = np.where(varied, np.sqrt(square * rows / (rows - 1)) / over, 0.0)
        crowded = np.where(varied, np.maximum(fourth / square**2 - 1 / rows, 0), 0.0)
        skewness = np.where(varied, cube / square**1.5, 0.0)
        degrees = np.clip(_DEGREES / crowded, _FEWEST_DEGREES, _MANY_DEGREES)
        part = a[2] / (a[2] + b[2])  # of the variance, what comes from above
        heavy, few = part * a[1] + (1 - part) * b[1], part / a[0] + (1 - part) / b[0]
        usual = stdtrit(degrees, 0.975) + _HEAVY * heavy * np.sqrt(crowded) + _FEW * few
        up = _reach(usual, skewness, part * a[1], heavy, few)
        down = _reach(usual, -skewness, (1 - part) * b[1], heavy, few)
    return ratio, error, degrees, down, up


def _spread(values: Floats, place: Ints, count: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Of what deals have in each group: the sum, how many have any, Theil's index, and the sum of squared shares."""
    has = values > 0
    logs = np.log(values, out=np.zeros(len(values)), where=has)
    total, some, crossed, squares = (
        summed(of, place, count) for of in (values, has.astype(np.float64), values * logs, values * values)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        theil = np.maximum(crossed / total - np.log(total / some), 0)
        return total, some, theil, squares / total**2


def _reach(usual: Floats, skewness: Floats, own: Floats, heavy: Floats, few: Floats) -> Floats:
    """How many errors an end lies off: the upper one for the skewness of u, the lower one for that of -u."""
    along, against = np.maximum(skewness, 0), np.maximum(-skewness, 0)
    first, square, by_own, by_few = _ALONG
    corrected = along * (first + square * along + by_own * own + by_few * few)
    first, square, by_heavy = _AGAINST
    corrected += against * (first + square * against + by_heavy * heavy)
    return np.clip(usual + corrected, _NEAREST, _FARTHEST)


def above_limit(above: Floats, below: Floats, limit: float) -> tuple[tuple[float, float] | None, float]:
    """The 95 % interval of sum(above) / sum(below), and how likely so high a ratio is if the truth is `limit`.

    The latter is a one-sided p-value, Student's, on the scale on which the interval's lower end has 0.025; None and 1
    where too little is known.
    """
    from scipy.special import stdtr, stdtrit

    ratio, error, degrees, down, up = (
        float(v[0]) for v in ratio_errors(above, below, np.zeros(len(above), dtype=np.int64), 1)
    )
    if np.isnan(ratio):
        return None, 1.0
    interval = float(ratio * np.exp(-down * error)), float(ratio * np.exp(up * error))
    if not ratio > limit > 0 or not error:
        return interval, 1.0
    return interval, float(stdtr(degrees, -np.log(ratio / limit) / error * stdtrit(degrees, 0.975) / down))


def shrunk(won: Sequence[float], deals: Sequence[float]) -> tuple[list[float | None], float | None]:
    """Conversions drawn toward the whole's, and the strength of the draw, in deals; None where there are no deals.

    The conversions of segments are taken for draws from a beta distribution around that of the whole; how narrow it is
    (its `strength`) is what makes the counts likeliest. A segment of n deals keeps n / (n + strength) of its distance
    from the whole. Where segments differ no more than chance has it, the strength is infinite and all are the whole's.

    Source: empirical Bayes with the beta-binomial; J. C. Kleinman, JASA 68 (1973) 46-54; B. Efron and C. Morris, JASA
    70 (1975) 311-319.

    >>> drawn, strength = shrunk([1, 30, 80], [2, 200, 200])
    >>> [round(value, 2) for value in drawn]
    [0.3, 0.16, 0.39]
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import betaln

    n, k = np.asarray(deals, dtype=np.float64), np.asarray(won, dtype=np.float64)
    if not n.sum():
        return [None] * len(n), None
    whole = k.sum() / n.sum()
    if whole in (0, 1) or (n > 0).sum() < 2:
        return [float(whole) if size else None for size in n], np.inf

    def unlikely(log_strength: float) -> float:
        a, b = whole * np.exp(log_strength), (1 - whole) * np.exp(log_strength)
        return float(-np.sum(betaln(k + a, n - k + b) - betaln(a, b)))

    best = minimize_scalar(unlikely, bounds=(np.log(0.1), np.log(_STRONGEST)), method="bounded")
    strength = float(np.exp(best.x))
    alike = -float(np.sum(k * np.log(whole) + (n - k) * np.log(1 - whole)))
    if alike <= best.fun + 1e-6 or strength > 0.5 * _STRONGEST:
        strength, drawn = np.inf, np.full(len(n), whole)
    else:
        drawn = (k + strength * whole) / (n + strength)
    return [float(value) if size else None for value, size in zip(drawn, n, strict=True)], strength
