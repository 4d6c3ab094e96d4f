"""Comparing: managers with peers on like deals, and a period with the one before.

As in `callkit.decisions.looking`, a finding for each thing looked at, seen or not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from callkit.decisions.chance import grown, shuffled
from callkit.decisions.evidence import Evidence, Flags, Floats, Ints, dense, summed
from callkit.decisions.finding import Finding
from callkit.decisions.looking import TIMES, Segments, ends, segments
from callkit.decisions.sure import ratio_intervals
from callkit.measures import wilson

_MOVED = 0.1  # a relative change below this is no news
_STRATUM = 12  # rows that a group of comparable deals has on the average, at the least


def managers(
    rows: Evidence, columns: Sequence[str], min_deals: int, *, whole_deals: bool, with_minutes: bool
) -> list[Finding]:
    """Managers far from peers on comparable deals: value of a minute and conversion, shuffled within like deals.

    `columns` are those of the deals that make them comparable. With `whole_deals`, deals are not split among people,
    and conversion is tested too.
    """
    found = segments(rows, "manager", min_deals)
    if len(found.names) < 2 or not found.judged:
        return []
    own = found.rows
    like = _strata(own, columns)
    sizes = np.bincount(like)
    looked: list[Finding] = []

    def look(measure: str, above: Floats, below: Floats, u: Floats, kept: Flags, unit: float) -> None:
        strata, place = like[kept], found.place[kept]
        p = shuffled(u[kept], place, found.judged, strata)
        mean = summed(u[kept], strata, len(sizes)) / np.maximum(np.bincount(strata, minlength=len(sizes)), 1)
        far = summed(u[kept] - mean[strata], place, len(found.names))
        over, under = found.sums(above), found.sums(below)
        low, high = ratio_intervals(above, below, found.place, len(found.names))
        for i, chance in zip(found.judged, p, strict=True):
            if not under[i]:
                continue
            value, versus = float(over[i] / under[i]), float((over[i] - far[i]) / under[i])
            interval = wilson(over[i], under[i]) if measure == "conversion" else ends(low[i], high[i])
            looked.append(
                Finding(
                    "manager", measure, "manager", found.names[i], stake=abs(float(far[i])) * unit,
                    value=value, versus=versus, interval=interval, deals=float(found.sums(own.deals)[i]),
                    won_deals=float(found.sums(own.won_deals)[i]), talk_minutes=float(found.sums(own.talk_minutes)[i]),
                    p=float(chance), material=bool(value >= TIMES * versus or value <= versus / TIMES),
                )
            )  # fmt: skip

    talk, revenue = own.talk_minutes, own.revenue
    if with_minutes and revenue.sum() and talk.sum():
        u = revenue - revenue.sum() / talk.sum() * talk
        look("revenue_per_minute", revenue, talk, u, np.ones(len(talk), dtype=np.bool_), 1.0)
    if whole_deals and own.won_deals.sum():
        unit = float(revenue.sum() / own.won_deals.sum())
        look("conversion", own.won_deals, own.deals, own.won_deals, own.deals > 0, unit)
    return looked


def changes(
    now: Evidence, before: Evidence, column: str, min_deals: int, *, whole_deals: bool, with_minutes: bool
) -> list[Finding]:
    """Changes of conversion and of the value of a minute against the period before; deals are shuffled between periods.

    By `column`, or of the whole where it is empty.
    """
    cuts = []
    for rows in (now, before):
        cut = segments(rows, column, min_deals) if column else None
        whole = rows.whole.on_deals
        cuts.append(cut or Segments("", whole, [""], np.zeros(len(whole.deal), dtype=np.int64), [0]))
    looked: list[Finding] = []
    for i in cuts[0].judged:
        name = cuts[0].names[i]
        j = cuts[1].names.index(name) if name in cuts[1].names else -1
        if j in cuts[1].judged:
            after, former = (cut.rows.where(cut.place == k) for cut, k in zip(cuts, (i, j), strict=True))
            looked += _changed(after, former, column, name, whole_deals=whole_deals, with_minutes=with_minutes)
    return looked


def _changed(
    after: Evidence, former: Evidence, column: str, name: str, *, whole_deals: bool, with_minutes: bool
) -> list[Finding]:
    period = np.repeat([1, 0], [len(after.deal), len(former.deal)])
    both = {
        n: np.concatenate([getattr(e, n) for e in (after, former)])
        for n in ("deals", "won_deals", "revenue", "talk_minutes")
    }
    sums = [{n: float(values[period == k].sum()) for n, values in both.items()} for k in (1, 0)]
    won = both["won_deals"].sum()
    looked = []
    tests = [("revenue_per_minute", "revenue", "talk_minutes")] if with_minutes else []
    if whole_deals:
        tests.append(("conversion", "won_deals", "deals"))
    for measure, over, under in tests:
        if not (sums[0][under] and sums[1][under] and both[over].sum()):
            continue
        value, versus = (s[over] / s[under] for s in sums)
        if measure == "conversion":
            kept = both["deals"] > 0
            chance = shuffled(both["won_deals"][kept], period[kept], [1])[0]
            low, high = wilson(sums[0]["won_deals"], sums[0]["deals"])
            unit = float(both["revenue"].sum() / won) * sums[0]["deals"]
        else:
            worth = both[over].sum() / both[under].sum()
            chance = shuffled(both[over] - worth * both[under], period, [1])[0]
            one = np.zeros(len(after.deal), dtype=np.int64)
            (low,), (high,) = ratio_intervals(after.revenue, after.talk_minutes, one, 1)
            unit = sums[0]["talk_minutes"]
        looked.append(
            Finding(
                "change", measure, column, name, stake=abs(value - versus) * unit, value=value, versus=versus,
                interval=ends(low, high), deals=sums[0]["deals"], won_deals=sums[0]["won_deals"],
                talk_minutes=sums[0]["talk_minutes"], p=float(chance),
                material=bool(abs(value - versus) >= _MOVED * max(versus, 1e-12)),
            )
        )  # fmt: skip
    return looked


def totals(now: Evidence, before: Evidence, exposures: Sequence[float], worth: float) -> list[Finding]:
    """Changes of revenue and of talk beyond a tenth, and beyond what the length of the periods explains.

    `exposures` are the ratios of the periods' lengths, in days and in working days: the less favourable one counts.
    """
    looked = []
    for measure, unit in (("revenue", 1.0), ("talk_minutes", worth)):
        after, former = (getattr(rows.whole, measure) for rows in (now, before))
        value, versus = float(after.sum()), float(former.sum())
        if not value or not versus:
            continue
        up = grown(former, after, max(exposures) * (1 + _MOVED))
        down = grown(after, former, (1 + _MOVED) / min(exposures))
        looked.append(
            Finding(
                "change", measure, stake=abs(value - versus) * unit, value=value, versus=versus,
                deals=float(now.whole.deals.sum()), won_deals=float(now.whole.won_deals.sum()),
                talk_minutes=float(now.whole.talk_minutes.sum()), p=min(1.0, 2 * min(up, down)),
            )
        )  # fmt: skip
    return looked


def _strata(rows: Evidence, columns: Sequence[str]) -> Ints:
    """Groups of like deals: by as many columns, in their order, as leave the groups large enough."""
    like = np.zeros(len(rows.deal), dtype=np.int64)
    for column in columns:
        code, count = dense(rows.codes[column])
        finer, groups = dense(like * max(1, count) + code)
        if len(rows.deal) >= _STRATUM * groups:
            like = finer
    return like
