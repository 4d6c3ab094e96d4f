"""Cohorts: what share of the deals created in a month is won within so many days, open deals treated rightly.

Of a young month many deals are open yet. To count them as not won understates its conversion; to leave them out
overstates it, as quick deals are over first. They are censored: known not to have ended so far, and no more.

A lost deal can no more be won. The Kaplan-Meier estimate that takes lost deals for censored would answer what share
would be won if nothing could be lost, and is too high. Right is the cumulative incidence of winning with losing as a
competing outcome (Aalen and Johansen); where nothing is censored it is simply won ÷ created. Kaplan-Meier is right for
the share of deals still open, whatever they end in, and is given as such.

Sources: E. L. Kaplan and P. Meier, JASA 53 (1958) 457-481; O. O. Aalen and S. Johansen, Scand. J. Stat. 5 (1978)
141-150; the variance: E. Marubini and M. G. Valsecchi, Analysing Survival Data (1995), 10.3; the band: Wilson's, of as
many deals as that variance is worth, after F. J. Dorey and E. L. Korn, Stat. in Medicine 6 (1987) 679-687.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from callkit.company import Company
from callkit.decisions.evidence import Floats, Ints
from callkit.dimensions import code_label
from callkit.errors import UsageError
from callkit.figures import TOTAL
from callkit.measures import wilson
from callkit.rows import deal_rows
from callkit.scope import Scope, resolve
from callkit.zones import DAY

WITHIN = (7, 30, 90)
_FOLLOWED = 5  # so many deals must have been followed to a day, or all of them, to speak of it
_LONGEST = 365


@dataclass(frozen=True)
class Point:
    """The share of a cohort won within `days`, with its 95 % band, and the share still open then.

    None where too few deals have been followed so long. `young` marks days that not every deal of the cohort has had.
    """

    days: int
    won: float | None
    low: float | None
    high: float | None
    still_open: float | None
    young: bool


@dataclass(frozen=True)
class Cohort:
    """The deals created in a month (or in all: `(total)`), as they stand at the end of the data.

    `naive` is won ÷ created, `of_closed` won ÷ closed: both mislead while deals are open. `within` are the days asked
    for, `curve` every day as far as it is known; `young` says that the cohort has not had the longest of `within`.
    """

    month: str
    deals: int
    won_deals: int
    lost_deals: int
    open_deals: int
    naive: float
    of_closed: float | None
    within: Sequence[Point]
    curve: Sequence[Point]

    @property
    def young(self) -> bool:
        return any(point.young for point in self.within)


def cohorts(company: Company, scope: Scope, within: Sequence[int] = WITHIN) -> list[Cohort]:
    """The cohorts of the months in which the scope's deals were created, in order, and last all of them together.

    Filters hold; the period is that of creation whatever the lens. The data ends with its last call, creation or
    closing. No deals: no cohorts.

    Raises UsageError for days that are not whole numbers above 0.

    >>> from callkit import Period, open_company
    >>> october = cohorts(open_company("demo"), Scope(Period.of_month("2026-10")), [30])[0]
    >>> point = october.within[0]
    >>> october.naive < point.won < october.of_closed and point.low < point.won < point.high
    True
    """
    if any(not isinstance(days, int) or days < 1 for days in within):
        raise UsageError(f"days to win within must be whole numbers above 0, not {', '.join(map(str, within))}")
    resolved = resolve(company, replace(scope, lens="created"))
    own = deal_rows(company, resolved, [])
    rows = company.engine.query(
        f"""
        SELECT d.created_month, d.created_us, d.closed_us, d.outcome FROM deals AS d
        WHERE d.deal_key IN (SELECT deal_key FROM ({own.text}) AS own)
        ORDER BY d.created_us, d.deal_key
        """,
        own.values,
    )
    last = last_instant(company)
    if not rows:
        return []
    month = np.array([row[0] for row in rows], dtype=np.int64)
    created = np.array([row[1] for row in rows], dtype=np.float64)
    closed = np.array([last if row[2] is None else row[2] for row in rows], dtype=np.float64)
    ended = np.array([{1: 1, 2: 2}.get(row[3], 0) for row in rows], dtype=np.int64)
    days, followed = (closed - created) / DAY, (last - created) / DAY
    told = [
        cohort(
            code_label("month", int(code)), days[month == code], ended[month == code], followed[month == code], within
        )
        for code in np.unique(month)
    ]
    return [*told, cohort(TOTAL, days, ended, followed, within)]


def last_instant(company: Company) -> int:
    """The last instant that the data knows of, in microseconds: a call's, a creation's or a closing's."""
    ((last,),) = company.engine.query("""
        SELECT max(us) FROM (
            SELECT max(started_us) AS us FROM calls UNION ALL SELECT max(created_us) FROM deals
            UNION ALL SELECT max(closed_us) FROM deals
        ) AS ends
    """)
    return int(last or 0)


def cohort(name: str, days: Floats, ended: Ints, followed: Floats, within: Sequence[int]) -> Cohort:
    """One cohort: the `days` each deal took so far, how it `ended` (1 won, 2 lost, 0 not yet), days `followed`."""
    counts = np.bincount(ended, minlength=3)
    still, won, lost = (int(count) for count in counts[:3])
    # so long at least have enough deals been followed, and so long every one of them
    reach = float(np.sort(followed)[-min(_FOLLOWED, len(followed))])
    least = float(followed.min())
    asked = np.array([*within, *range(min(int(reach), _LONGEST) + 1)])
    share, variance, alive = incidence(days, ended, asked.astype(np.float64))
    points = []
    for i, day in enumerate(asked.tolist()):
        low, high = band(float(share[i]), float(variance[i]), int(np.sum((days > day) | (ended > 0))))
        young = day > least and still > 0
        if day <= reach or not still:
            points.append(Point(day, float(share[i]), low, high, float(alive[i]), young))
        else:
            points.append(Point(day, None, None, None, None, young))
    return Cohort(
        name, len(days), won, lost, still, won / len(days), won / (won + lost) if won + lost else None,
        points[: len(within)], points[len(within) :],
    )  # fmt: skip


def incidence(days: Floats, ended: Ints, asked: Floats) -> tuple[Floats, Floats, Floats]:
    """The cumulative incidence of winning by each of the days `asked`, its variance, and the share still open then.

    `ended` is 1 for won, 2 for lost, 0 for censored; what ends on the day of a censoring ends before it.
    """
    times, at = np.unique(days, return_inverse=True)
    won, over, gone = (np.bincount(at, kind, len(times)).astype(np.float64) for kind in (ended == 1, ended > 0, None))
    risk = len(days) - np.cumsum(gone) + gone
    alive = np.cumprod(1 - over / risk)
    before = np.concatenate([[1.0], alive[:-1]])
    share = np.cumsum(before * won / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(risk > over, over / (risk * (risk - over)), 0.0)
    sums = np.cumsum(
        [hazard, share * hazard, share**2 * hazard, before**2 * won * (risk - won) / risk**3, before * won / risk**2,
         share * before * won / risk**2], axis=1,
    )  # fmt: skip
    # Everything up to a day: the sums are those of the last time that is not after it.
    last = np.searchsorted(times, asked, side="right") - 1
    none = last < 0
    one, two, three, four, five, six = np.where(none, 0.0, sums[:, last])
    now = np.where(none, 0.0, share[last])
    variance = now**2 * one - 2 * now * two + three + four - 2 * (now * five - six)
    return now, np.maximum(variance, 0.0), np.where(none, 1.0, alive[last])


def band(share: float, variance: float, followed: int) -> tuple[float, float]:
    """Wilson's interval of as many deals as the variance is worth; where it is 0, of those whose end is known."""
    worth = share * (1 - share) / variance if variance > 1e-15 and 0 < share < 1 else float(max(followed, 1))
    low, high = wilson(share * worth, worth)
    return min(low, share), max(high, share)
