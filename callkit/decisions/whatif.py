"""What if: minutes of talk moved between segments, under diminishing returns that are assumed, never measured.

A segment's revenue is taken to grow with its talk as revenue × (minutes after ÷ minutes before) ^ elasticity. The
elasticity is an assumption and stands beside every forecast: 0.34, the average over many studies of personal selling
(S. Albers, M. K. Mantrala and S. Sridhar, Journal of Marketing Research 47 (2010) 840-853), with a band of 0.2 to 0.5
around it. An elasticity of 1, by which every minute brings as much as the ones before it, is given as the ceiling.

Where the data cannot carry a forecast there is a `Refusal` that says why. The band is that of the assumption alone: how
sure the revenues are, `callkit.decisions.sure` tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from callkit.dimensions import UNNAMED
from callkit.errors import UsageError, did_you_mean
from callkit.figures import Figures
from callkit.locale import Locale

ELASTICITY, BAND = 0.34, (0.2, 0.5)
LEAST_SALES = 5
"""A segment of fewer won deals has no revenue to speak of."""
FURTHEST = (0.5, 2.0)
"""How far minutes may move, times what they are: nothing is known of what lies beyond."""
_STEPS = 30


@dataclass(frozen=True)
class Moved:
    """A segment's minutes and revenue, as they are and as they would be expected."""

    segment: tuple[str, ...]
    minutes_before: float
    minutes_after: float
    revenue_before: float
    revenue_after: float


@dataclass(frozen=True)
class Forecast:
    """Expected revenue, `low` and `high` over the band of elasticities, and the straight-line `ceiling`, as money."""

    by: tuple[str, ...]
    moved: Sequence[Moved]
    before: float
    expected: float
    low: float
    high: float
    ceiling: float
    elasticity: float
    band: tuple[float, float]

    @property
    def change(self) -> float:
        return self.expected - self.before

    def said(self, locale: Locale) -> str:
        """The forecast in words, its assumption always among them."""
        return locale.text(
            "decisions.forecast",
            minutes=locale.number(sum(max(0.0, m.minutes_after - m.minutes_before) for m in self.moved)),
            before=locale.money(self.before),
            expected=locale.money(self.expected),
            low=locale.money(self.low),
            high=locale.money(self.high),
            ceiling=locale.money(self.ceiling),
            elasticity=locale.number(self.elasticity, 2),
            least=locale.number(self.band[0], 2),
            most=locale.number(self.band[1], 2),
        )


@dataclass(frozen=True)
class Refusal:
    """Why there is no forecast: `reason` is the end of a text's key, `values` are what the text names."""

    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def said(self, locale: Locale) -> str:
        return locale.text(f"decisions.refused_{self.reason}", **self.values)


def what_if(
    figures: Figures,
    minutes: Mapping[str | tuple[str, ...], float],
    *,
    elasticity: float = ELASTICITY,
    band: tuple[float, float] = BAND,
    min_deals: int = 30,
) -> Forecast | Refusal:
    """The revenue to expect if segments took other `minutes` of talk; those not named keep theirs.

    Raises UsageError for a segment that is not there, minutes below 0, an elasticity outside 0 to 1.

    >>> from callkit import Period, Scope, measure, open_company
    >>> month = measure(open_company("demo"), Scope(Period.of_month("2026-10")), ["source"])
    >>> forecast = what_if(month, move(month, "Яндекс Директ", "Рекомендации", 100))
    >>> forecast.before < forecast.low < forecast.expected < forecast.high < forecast.ceiling
    True
    """
    _checked(elasticity, band)
    rows = _rows(figures)
    wanted = {(key,) if isinstance(key, str) else tuple(key): float(value) for key, value in minutes.items()}
    for key, value in wanted.items():
        if key not in rows:
            named = [" · ".join(k) for k in rows]
            raise UsageError(f"there is no segment {' · '.join(key)!r}.{did_you_mean(' · '.join(key), named)}")
        if not value >= 0:
            raise UsageError(f"{' · '.join(key)} cannot take {value} minutes of talk")
    if (refusal := _refused(figures)) is not None:
        return refusal
    moved = {key: value for key, value in wanted.items() if value != rows[key]["talk_minutes"]}
    for key, value in moved.items():
        if (refusal := _too_little(key, rows[key], min_deals)) is not None:
            return refusal
        times = value / rows[key]["talk_minutes"]
        if not FURTHEST[0] <= times <= FURTHEST[1]:
            return Refusal("too_far", {"segment": " · ".join(key), "least": FURTHEST[0], "most": FURTHEST[1]})
    return _forecast(figures, rows, moved, elasticity, band)


def move(figures: Figures, giver: str, taker: str, minutes: float) -> dict[str | tuple[str, ...], float]:
    """The minutes of two segments after `minutes` have been moved from one to the other, as `what_if` takes them.

    Raises UsageError for a segment that is not there, and for more minutes than the giver has.
    """
    rows = _rows(figures)
    for name in (giver, taker):
        if (name,) not in rows:
            raise UsageError(f"there is no segment {name!r}.{did_you_mean(name, [k[0] for k in rows])}")
    has = rows[giver,]["talk_minutes"]
    if not 0 <= minutes <= has:
        raise UsageError(f"{giver} has {has:.0f} minutes of talk: {minutes} cannot be moved from it")
    return {giver: has - minutes, taker: rows[taker,]["talk_minutes"] + minutes}


def best(
    figures: Figures,
    *,
    least: float = 0.7,
    most: float = 1.5,
    elasticity: float = ELASTICITY,
    band: tuple[float, float] = BAND,
    min_deals: int = 30,
) -> Forecast | Refusal:
    """The same minutes where the most revenue is to be expected, each segment within `least` to `most` times its own.

    Segments that are unnamed or too small to judge keep their minutes. At the best, one more minute is worth the same
    in every segment that is not at a limit: the multiplier of that condition is found by Brent's method.

    Raises UsageError for limits outside `FURTHEST` or an elasticity outside 0 to 1.
    """
    from scipy.optimize import brentq

    _checked(elasticity, band)
    if not FURTHEST[0] <= least <= 1 <= most <= FURTHEST[1]:
        raise UsageError(
            f"limits from {least} to {most} times the minutes: allowed {FURTHEST[0]} to {FURTHEST[1]}, 1 within"
        )
    if (refusal := _refused(figures)) is not None:
        return refusal
    rows = _rows(figures)
    free = {key: rows[key] for key in judgeable(figures, min_deals)}
    if len(free) < 2:
        return Refusal("too_few_segments", {"n": min_deals, "sales": LEAST_SALES})
    whole = math.fsum(row["talk_minutes"] for row in free.values())
    power = 1 / (1 - elasticity)

    def at(log_price: float) -> dict[tuple[str, ...], float]:
        return {
            key: row["talk_minutes"]
            * min(max((row["revenue"] / row["talk_minutes"] * math.exp(-log_price)) ** power, least), most)
            for key, row in free.items()
        }

    prices = [math.log(row["revenue"] / row["talk_minutes"]) for row in free.values()]
    low, high = min(prices) - 2 / power, max(prices) + 2 / power
    price = brentq(lambda p: math.fsum(at(p).values()) - whole, low, high, xtol=1e-13)
    return _forecast(figures, rows, at(price), elasticity, band)


def judgeable(figures: Figures, min_deals: int = 30) -> list[tuple[str, ...]]:
    """The segments that a forecast can be made of, by value of a minute rising."""
    rows = _rows(figures)
    known = [key for key, row in rows.items() if _too_little(key, row, min_deals) is None]
    return sorted(known, key=lambda key: (rows[key]["revenue_per_minute"] or 0.0, key))


def _checked(elasticity: float, band: tuple[float, float]) -> None:
    if not 0 < band[0] <= elasticity <= band[1] < 1:
        raise UsageError(
            f"an elasticity of {elasticity} in {band[0]} to {band[1]}: allowed are 0 to 1, itself in its band"
        )


def _rows(figures: Figures) -> dict[tuple[str, ...], dict[str, Any]]:
    if not figures.by:
        raise UsageError("minutes can be moved between the segments of a cut: give a column to cut by")
    width = len(figures.by)
    return {tuple(row[:width]): dict(zip(figures.columns, row, strict=True)) for row in figures.rows[:-1]}


def _refused(figures: Figures) -> Refusal | None:
    """Why nothing at all can be said on these figures."""
    rows = _rows(figures).values()
    total = figures.total
    if total["revenue_per_minute"] is None or any(
        row["talk_minutes"] and row["revenue_per_minute"] is None for row in rows
    ):
        return Refusal("undefined")
    return None if total["revenue"] else Refusal("no_revenue")


def _too_little(key: tuple[str, ...], row: Mapping[str, Any], min_deals: int) -> Refusal | None:
    """Why nothing can be said of a segment."""
    named = {"segment": " · ".join(key)}
    if any(label in UNNAMED for label in key):
        return Refusal("unnamed", named)
    if (row["deals"] or 0) < max(min_deals, 1) or not row["talk_minutes"]:
        return Refusal("few_deals", named | {"n": min_deals})
    if row["won_deals"] < LEAST_SALES or not row["revenue"]:
        return Refusal("few_sales", named | {"n": LEAST_SALES})
    return None


def _forecast(
    figures: Figures,
    rows: Mapping[tuple[str, ...], Mapping[str, Any]],
    moved: Mapping[tuple[str, ...], float],
    elasticity: float,
    band: tuple[float, float],
) -> Forecast:
    before = float(figures.total["revenue"] or 0)

    def gain(key: tuple[str, ...], power: float) -> float:
        revenue, minutes = float(rows[key]["revenue"]), float(rows[key]["talk_minutes"])
        return float(revenue * ((moved[key] / minutes) ** power - 1))

    def revenue(power: float) -> float:
        return before + math.fsum(gain(key, power) for key in moved)

    # The sum of powers is convex: highest at an end of the band, but lowest perhaps within.
    over = [revenue(band[0] + (band[1] - band[0]) * step / _STEPS) for step in range(_STEPS + 1)]
    told = [
        Moved(key, float(rows[key]["talk_minutes"]), after, float(rows[key]["revenue"]),
              float(rows[key]["revenue"]) + gain(key, elasticity))
        for key, after in moved.items()
    ]  # fmt: skip
    expected = revenue(elasticity)
    told.sort(key=lambda m: (m.minutes_before - m.minutes_after, m.segment))
    return Forecast(
        figures.by, told, before, expected, min(*over, expected), max(*over, expected), revenue(1.0), elasticity, band
    )
