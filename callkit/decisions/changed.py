"""What changed: a figure between two periods, split exactly into volume, mix and rate by segment.

A total is volume × share × rate, summed over segments: revenue = deals × share of the deals × revenue per deal. A
ratio has no volume: conversion = share of the deals × conversion. The change is shared among the factors so that no
order of them is preferred: the Shapley value of the product, which is Marshall and Edgeworth's mid-point where there
are two factors.

Source: J. Sun, Energy Economics 20 (1998) 85-100; the mix of a segment is counted against the whole's own rate, as in
O. D. Duncan's and E. M. Kitagawa's components of a difference between two rates, JASA 50 (1955) 1168-1194.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callkit.errors import UsageError, did_you_mean
from callkit.figures import Figures
from callkit.locale import Locale
from callkit.measures import MEASURES

TOTALS: Mapping[str, str] = {"revenue": "deals", "won_deals": "deals", "talk_minutes": "calls"}
"""What adds up, with the base that counts as its volume."""
RATIOS = ("conversion", "revenue_per_minute", "minutes_per_sale")
"""What is a ratio already: its denominator is the base, and there is no volume."""
_ADDS_UP = 1e-9
_MOVES = 1e-12  # a relative move below this is the last digits' noise


@dataclass(frozen=True)
class Part:
    """A segment's part in a change: `volume`, `mix` and `rate` are in the unit of the figure and add up over segments.

    `before` and `after` are the segment's rate (None without a base), `share_before` and `share_after` its share of
    the base.
    """

    segment: tuple[str, ...]
    share_before: float
    share_after: float
    before: float | None
    after: float | None
    volume: float
    mix: float
    rate: float

    @property
    def change(self) -> float:
        return math.fsum((self.volume, self.mix, self.rate))

    @property
    def new(self) -> bool:
        """Whether the segment has a base in the later period only."""
        return not self.share_before and self.share_after > 0

    @property
    def vanished(self) -> bool:
        """Whether the segment has a base in the earlier period only."""
        return not self.share_after and self.share_before > 0


@dataclass(frozen=True)
class Change:
    """A figure's change and its parts, the largest first; `rate_before` and `rate_after` are the whole's own rates.

    A ratio without a denominator in one of the periods is None there, and has no parts.
    """

    figure: str
    by: tuple[str, ...]
    before: float | None
    after: float | None
    rate_before: float | None
    rate_after: float | None
    parts: Sequence[Part]

    @property
    def change(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def volume(self) -> float:
        return math.fsum(p.volume for p in self.parts)

    @property
    def mix(self) -> float:
        return math.fsum(p.mix for p in self.parts)

    @property
    def rate(self) -> float:
        return math.fsum(p.rate for p in self.parts)

    @property
    def simpson(self) -> bool:
        """Simpson's paradox: the whole's rate moved one way and those of the segments, two or more, the other way.

        Only segments of both periods have a move; one whose rate stayed takes no side.
        """
        whole = _move(self.rate_before, self.rate_after)
        moves = [move for p in self.parts if (move := _move(p.before, p.after))]
        return bool(whole) and len(moves) >= 2 and all(move == -whole for move in moves)

    def steps(self) -> list[tuple[str, float]]:
        """The change as a waterfall: the effects by name, in the order they are drawn; a ratio has no volume."""
        effects = [("volume", self.volume), ("mix", self.mix), ("rate", self.rate)]
        return effects[1:] if self.figure in RATIOS else effects

    def told(self, part: float, locale: Locale) -> str:
        """A part of the change as people read it, with its sign."""
        return _signed(self.figure, part, locale)

    def said(self, locale: Locale) -> str:
        """The change in a sentence or two; nothing where there is no figure in one of the periods."""
        if self.before is None or self.after is None or self.change is None:
            return ""

        way = "same" if not _move(self.before, self.after) else "rose" if self.change > 0 else "fell"
        parted = ", ".join(
            f"{locale.text(f'decisions.effect_{name}')} {self.told(value, locale)}" for name, value in self.steps()
        )
        sentence = locale.text(
            f"decisions.changed_{way}",
            figure=locale.title(self.figure),
            before=locale.value(self.figure, self.before),
            after=locale.value(self.figure, self.after),
            change=self.told(self.change, locale),
            parts=parted,
        )
        if self.by and way != "same" and self.parts:
            named = locale.segments(self.parts[0].segment, self.by)
            sentence += " " + locale.text(
                "decisions.changed_most", segment=named, change=self.told(self.parts[0].change, locale)
            )
        if self.simpson:
            assert self.rate_before is not None  # a paradox has two rates
            assert self.rate_after is not None
            key = "rose" if self.rate_after > self.rate_before else "fell"
            rate = locale.text(f"decisions.rate_{self.figure}")
            sentence += " " + locale.text(f"decisions.simpson_{key}", rate=rate)
        return sentence.replace("..", ".")  # an abbreviation ends a sentence by itself


def changed(figure: str, after: Figures, before: Figures) -> Change:
    """The change of `figure` (one of `TOTALS` or `RATIOS`) from the figures of one period to those of another.

    Both are measured by the same columns; without any, the whole is the only segment. Parts add up to the change to
    1e-9 of the figure. A segment of one period only has no rate in the other: it keeps the one it has, so that its
    coming or going is volume and mix. What a segment brings without a base (revenue without talk) is counted as rate.

    Raises UsageError for another figure, figures of different cuts, and a cut that cannot be added up: one where the
    figure is undefined in segments, or where a deal stands in several of them.

    >>> from callkit import Period, Scope, measure, open_company
    >>> company = open_company("demo")
    >>> september, october = (measure(company, Scope(Period.of_month(m)), ["source"]) for m in ("2026-09", "2026-10"))
    >>> change = changed("conversion", october, september)
    >>> abs(change.mix + change.rate - change.change) < 1e-12
    True
    """
    if figure not in TOTALS and figure not in RATIOS:
        known = [*TOTALS, *RATIOS]
        raise UsageError(f"{figure!r} cannot be split; allowed: {', '.join(known)}.{did_you_mean(figure, known)}")
    if after.by != before.by:
        raise UsageError(f"figures by {', '.join(before.by)} and by {', '.join(after.by)} cannot be compared")
    ratio = figure in RATIOS
    numerator = MEASURES[figure].numerator if ratio else figure
    base = MEASURES[figure].denominator if ratio else TOTALS[figure]
    old, new = _sums(before, numerator, base), _sums(after, numerator, base)
    bases = [math.fsum(b for _, b in sums.values()) for sums in (old, new)]
    whole = [(f.total[numerator] or 0.0, f.total[base] or 0.0) for f in (before, after)]
    ends = [(n / b if b else None) if ratio else n for n, b in whole]
    rates = [n / b if b else None for n, b in whole]
    parts: list[Part] = []
    if not (ratio and None in ends):
        found = (_part(s, old.get(s, (0.0, 0.0)), new.get(s, (0.0, 0.0)), bases, rates, ratio) for s in {**new, **old})
        parts = sorted(found, key=lambda p: (-abs(p.change), p.segment))
    return Change(figure, after.by, ends[0], ends[1], rates[0], rates[1], parts)


def _sums(figures: Figures, numerator: str, base: str) -> dict[tuple[str, ...], tuple[float, float]]:
    """Numerator and base by segment.

    Raises UsageError where they are undefined or do not add up to the whole.
    """
    width = len(figures.keys)
    at = [width + list(MEASURES).index(name) for name in (numerator, base)]
    rows = figures.rows[:-1] if figures.by else figures.rows[-1:]
    sums: dict[tuple[str, ...], tuple[float, float]] = {}
    for row in rows:
        if row[at[0]] is None or row[at[1]] is None:
            raise UsageError(f"{numerator} has no meaning by {', '.join(figures.by)}: it cannot be split so")
        sums[tuple(row[:width])] = (float(row[at[0]]), float(row[at[1]]))
    for i, name in enumerate((numerator, base)):
        whole, added = figures.total[name] or 0.0, math.fsum(pair[i] for pair in sums.values())
        if abs(added - whole) > _ADDS_UP * max(abs(whole), abs(added)):
            raise UsageError(f"{name} by {', '.join(figures.by)} exceeds the whole: a deal stands in several segments")
    return sums


def _part(
    segment: tuple[str, ...],
    old: tuple[float, float],
    new: tuple[float, float],
    bases: Sequence[float],
    rates: Sequence[float | None],
    ratio: bool,
) -> Part:
    own = [n / b if b else None for n, b in (old, new)]
    # what has no rate, or no share, in one period keeps the other's: the missing factor has not changed
    r0, r1 = _kept(own[0], own[1])
    whole0, whole1 = _kept(rates[0], rates[1])
    s0, s1 = _kept(*(pair[1] / b if b else None for pair, b in zip((old, new), bases, strict=True)))
    v0, v1 = (1.0, 1.0) if ratio else (bases[0], bases[1])
    # revenue without talk: no share of the base carries it
    unbased = [(n / total if ratio else n) if not b else 0.0 for (n, b), total in zip((old, new), bases, strict=True)]
    return Part(
        segment,
        share_before=s0 if bases[0] else 0.0,
        share_after=s1 if bases[1] else 0.0,
        before=own[0],
        after=own[1],
        volume=(v1 - v0) * _mean(s0, s1, r0, r1),
        mix=(s1 - s0) * (_mean(v0, v1, r0, r1) - _mean(v0, v1, whole0, whole1)),
        rate=(r1 - r0) * _mean(v0, v1, s0, s1) + unbased[1] - unbased[0],
    )


def _kept(before: float | None, after: float | None) -> tuple[float, float]:
    first = before if before is not None else after
    last = after if after is not None else before
    return first or 0.0, last or 0.0


def _mean(a0: float, a1: float, b0: float, b1: float) -> float:
    """What a factor's change is worth: the product of the other two, averaged over the orders of changing them."""
    return (a0 * b0 + a1 * b1) / 3 + (a0 * b1 + a1 * b0) / 6


def _move(before: float | None, after: float | None) -> int:
    """1 up, -1 down, 0 for none that is more than noise."""
    if before is None or after is None or abs(after - before) <= _MOVES * max(abs(before), abs(after)):
        return 0
    return 1 if after > before else -1


def _signed(figure: str, value: float, locale: Locale) -> str:
    """A change with its sign; shares change in percentage points."""
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    if MEASURES[figure].kind == "share":
        return locale.text("decisions.points", change=f"{sign}{locale.number(abs(value) * 100, 1)}")
    return sign + locale.value(figure, abs(value))
