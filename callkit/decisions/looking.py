"""Looking: each kind of finding, with its own test, on the evidence of deals. What is looked at is listed, seen or not.

Every function gives a finding for each thing it looked at, with its p-value, so that all of them can be counted;
`material` tells whether the difference is large enough to be worth a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from callkit.decisions.chance import Shuffling
from callkit.decisions.evidence import Evidence, Floats, Ints, dense, summed
from callkit.decisions.finding import Finding
from callkit.decisions.sure import above_limit, ratio_intervals
from callkit.dimensions import UNNAMED

_GAP, TIMES = 0.03, 1.25  # of the whole, and times the usual: what is smaller is not worth a sentence
_LOAD = 0.25  # talk after the sale, as a share of all: what is less is nothing to speak of
_BIG_STAGE, _TIMES_STAGE, _SURELY = 0.25, 1.5, 1.2


@dataclass(frozen=True)
class Segments:
    """The named segments of one column that have deals enough to be judged: their places and sums."""

    column: str
    rows: Evidence
    names: list[str]
    place: Ints
    judged: list[int]

    def sums(self, values: Floats) -> Floats:
        return summed(values, self.place, len(self.names))


def segments(rows: Evidence, column: str, min_deals: int) -> Segments:
    """The segments of `column`. Calls without a deal are left aside: they could not have fallen into another one."""
    cut = rows.on_deals.cut(column)
    labels, place = cut.segments
    names = [label for (label,) in labels]
    deals = summed(cut.deals, place, len(names))
    judged = [i for i, name in enumerate(names) if name not in UNNAMED and deals[i] >= max(min_deals, 1)]
    return Segments(column, cut, names, place, judged)


def time_and_money(rows: Evidence, columns: Sequence[str], min_deals: int) -> list[Finding]:
    """Segments that take much time and bring little, and the reverse: revenue against what their talk would be worth.

    With u = revenue - value of a minute × talk of each deal, a segment's sum of u is what it brings above or below the
    average of its minutes. The test shuffles deals among segments (`chance.Shuffling`).
    """
    own = rows.on_deals
    talk, revenue = own.talk_minutes, own.revenue
    if not revenue.sum() or not talk.sum():
        return []
    worth = float(revenue.sum() / talk.sum())
    u = revenue - worth * talk
    shuffling = Shuffling(u)
    looked: list[Finding] = []
    for found in (segments(rows, column, min_deals) for column in columns):
        if len(found.names) < 2:
            continue
        gaps, minutes, money = found.sums(u), found.sums(talk), found.sums(revenue)
        low, high = ratio_intervals(revenue, talk, found.place, len(found.names))
        deals, won = found.sums(own.deals), found.sums(own.won_deals)
        for i, chance in zip(found.judged, shuffling.p_values(found.place, found.judged), strict=True):
            value = float(money[i] / minutes[i]) if minutes[i] else None
            alike = value is not None and 1 / TIMES < value / worth < TIMES
            looked.append(
                Finding(
                    "heavy" if gaps[i] < 0 else "light", "revenue_per_minute", found.column, found.names[i],
                    stake=abs(float(gaps[i])), value=value, versus=worth, interval=ends(low[i], high[i]),
                    deals=float(deals[i]), won_deals=float(won[i]), talk_minutes=float(minutes[i]),
                    talk_share=float(minutes[i] / rows.talk_minutes.sum()),
                    revenue_share=float(money[i] / revenue.sum()), p=float(chance),
                    material=bool(abs(gaps[i]) >= _GAP * revenue.sum() and not alike),
                )
            )  # fmt: skip
    return looked


def after_sale(rows: Evidence, columns: Sequence[str], min_deals: int, worth: float) -> list[Finding]:
    """Segments whose talk comes after the sale more than elsewhere; the test shuffles deals among segments."""
    own = rows.on_deals
    talk, after = own.talk_minutes, own.after_sale_minutes
    if not after.sum():
        return []
    share = float(after.sum() / talk.sum())
    u = after - share * talk
    shuffling = Shuffling(u)
    looked: list[Finding] = []
    for found in (segments(rows, column, min_deals) for column in columns):
        if len(found.names) < 2:
            continue
        more, minutes, late = found.sums(u), found.sums(talk), found.sums(after)
        low, high = ratio_intervals(after, talk, found.place, len(found.names))
        deals, won = found.sums(own.deals), found.sums(own.won_deals)
        looked += [
            Finding(
                "after_sale", "after_sale_share", found.column, found.names[i], stake=abs(float(more[i])) * worth,
                value=float(late[i] / minutes[i]) if minutes[i] else None, versus=share, interval=ends(low[i], high[i]),
                deals=float(deals[i]), won_deals=float(won[i]), talk_minutes=float(minutes[i]), p=float(chance),
                material=bool(more[i] >= _GAP / 3 * talk.sum() and late[i] >= TIMES * share * minutes[i]),
            )
            for i, chance in zip(found.judged, shuffling.p_values(found.place, found.judged), strict=True)
        ]  # fmt: skip
    return looked


def after_sale_whole(rows: Evidence, worth: float) -> list[Finding]:
    """The talk after the sale of all deals together, tested against a quarter of the talk."""
    own = rows.whole.on_deals
    talk, after = own.talk_minutes, own.after_sale_minutes
    if not after.sum():
        return []
    interval, p = above_limit(after, talk, _LOAD)
    return [
        Finding(
            "after_sale", "after_sale_share", stake=float(after.sum() - _LOAD * talk.sum()) * worth,
            value=float(after.sum() / talk.sum()), versus=_LOAD, interval=interval,
            deals=float(own.deals.sum()), won_deals=float(own.won_deals.sum()), talk_minutes=float(talk.sum()),
            p=p, material=bool(after.sum() > _LOAD * talk.sum()),
        )
    ]  # fmt: skip


@dataclass(frozen=True)
class Stages:
    """The talk of deals on open stages: a row a deal and stage, `talk` in minutes; the stages by their `place`.

    `stays` is how often a deal stood on a stage, `fair` the larger of its shares of stays and of time. `earlier` are
    the places of the stages that deals pass before it, of the same pipeline.
    """

    talk: Floats
    deal: Ints
    place: Ints
    names: Sequence[str]
    stays: Floats
    fair: Floats
    earlier: Sequence[Sequence[int]]


def stages(told: Stages, worth: float, min_deals: int) -> list[Finding]:
    """Stages that eat the talk: more than their deals and their time explain, and more a deal than any stage before.

    Nearly everywhere talk falls as deals move on; therefore the heaviest earlier stage, stay for stay, is the measure
    too, and the first stage, where every deal begins, is not judged. A stage that takes one and a half times as much is
    worth a sentence; the test asks whether it surely takes a fifth more, against each: the p-value is the largest
    (R. L. Berger, Technometrics 24 (1982) 295-300).
    """
    at, count = dense(told.deal)
    by_stage = [summed(told.talk * (told.place == i), at, count) for i in range(len(told.names))]
    whole = summed(told.talk, at, count)
    looked = []
    for i, name in enumerate(told.names):
        own = by_stage[i]
        before = [j for j in told.earlier[i] if told.stays[j] >= max(min_deals, 1) and by_stage[j].sum()]
        if not before or not own.sum():
            continue
        total, times = float(whole.sum()), {j: float(told.stays[i] / told.stays[j]) for j in before}
        share, fair = float(own.sum()) / total, float(told.fair[i])
        usual = max(fair, *(float(by_stage[j].sum()) * times[j] / total for j in before))
        material = bool(share >= max(_BIG_STAGE, _TIMES_STAGE * usual))
        interval, p = None, 1.0
        if material:  # else nothing would be told
            interval, p = above_limit(own, whole, _SURELY * fair)
            p = max(p, *(above_limit(own, by_stage[j], _SURELY * times[j])[1] for j in before))
        looked.append(
            Finding(
                "stage", "stage_share", "stage", name, stake=max(0.0, share - usual) * total * worth,
                value=share, versus=usual, interval=interval, deals=float((own > 0).sum()),
                talk_minutes=float(own.sum()), p=p, material=material,
            )
        )  # fmt: skip
    return looked


def ends(low: float, high: float) -> tuple[float, float] | None:
    """An interval, None where its ends are unknown."""
    return None if np.isnan(low) else (float(low), float(high))
