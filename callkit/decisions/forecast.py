"""How much talk the next month will need: so much for each new deal, so much for the deals of the months before.

Talk is laid out by the month that a deal was created in and the month that was talked in, a run-off triangle. A deal of
a month takes `rates[0]` minutes in that month, `rates[1]` in the next, and so on: the talk of all such months ÷ their
deals (the additive method of loss reserving, where deals are the volume: K. D. Schmidt and M. Zocher, Insurance:
Mathematics and Economics 43 (2008); M. Merz and M. V. Wüthrich, Bulletin of the Swiss Association of Actuaries (2008)).
What a month needs is the sum over the deals there are and the new ones to be expected: as many a working day as
lately, and from two years of data on with the season of new deals (`seasons`).

The 95 % band: the variance of a cell is its expectation times a dispersion (over-dispersed Poisson: P. D. England and
R. J. Verrall, British Actuarial Journal 8 (2002) 443-518), taken from the months' totals or from the cells, whichever
is larger; to it come the uncertainty of the rates and of the number of new deals. Student's quantile has the degrees
of freedom that these leave (F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110-114).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from callkit.company import Company
from callkit.dimensions import code_label
from callkit.errors import UsageError
from callkit.rows import call_rows, deal_rows
from callkit.scope import Scope, resolve
from callkit.working import Working
from callkit.zones import EVER, Period

LEAST_MONTHS = 4
"""So many whole months of talk a forecast needs."""
SEASON_MONTHS = 24
"""So many it needs to tell the seasons."""
_CELLS = 2  # so many cells a rate of its own needs; later months of a deal's life share one
_LATEST = 6  # months that the number of new deals is taken from
_CHECKED = 3
_WHOLE = 28  # a month whose calls reach its 28th day, or begin by its third, counts as whole
_BEGUN = 3

Triangle = Mapping[tuple[int, int], float]


@dataclass(frozen=True)
class Need:
    """What a month needs: `minutes` of talk with its 95 % band, of which `carried` on deals of the months before.

    `deals` are the new ones expected, with their own band (all three alike where they were given); `rates` the minutes
    that a deal takes in its first month, its second, and so on, the last for each month after them. `season` is how
    many times an average month's new deals those of the month are, None where the months are too few to tell.
    """

    month: str
    deals: float
    deals_low: float
    deals_high: float
    minutes: float
    low: float
    high: float
    carried: float
    rates: Sequence[float]
    season: float | None = None


@dataclass(frozen=True)
class Check:
    """A month of the past as it would have been forecast from the months before it, and what it took."""

    need: Need
    minutes: float

    @property
    def held(self) -> bool:
        """Whether the band held what came."""
        return self.need.low <= self.minutes <= self.need.high


@dataclass(frozen=True)
class Forecast:
    """The need of the month after the scope's period, made from `months` whole months, and how that would have done.

    None where there are fewer than `LEAST_MONTHS` months of talk, or the last of them has no new deals.
    """

    need: Need | None
    months: int
    checks: Sequence[Check] = ()


def forecast(company: Company, scope: Scope, deals: float | None = None) -> Forecast:
    """What the month after the scope's period needs, as far as the data until then can tell. Two queries.

    Filters hold; lens and credit do not matter: talk goes by the deals it was on, people are the deals' owners. Talk
    without a deal is left out. `deals` is how many new deals are to come, else as many a working day as lately.

    Raises UsageError for a number of deals below 0.

    >>> from callkit import open_company
    >>> need = forecast(open_company("demo"), Scope(Period.of_month("2026-10"))).need
    >>> need.month, need.low < need.minutes < need.high, need.carried < need.minutes
    ('2026-11', True, True)
    """
    if deals is not None and not 0 <= deals < float("inf"):
        raise UsageError(f"the number of new deals must be 0 or more, not {deals}")
    resolved = resolve(company, replace(scope, period=EVER, lens="created", credit="owner"))
    rows = call_rows(
        resolved, "c.created_month AS made, c.month AS spoken, CAST(c.talk_seconds AS {}) AS seconds".format(
            company.engine.types["DOUBLE"]
        ), [],
    )  # fmt: skip
    own = deal_rows(company, resolved, [])
    talk = {
        (int(made), int(spoken)): float(seconds) / 60
        for made, spoken, seconds in company.engine.query(
            f"SELECT made, spoken, sum(seconds) FROM ({rows.text}) AS base GROUP BY made, spoken", rows.values
        )
    }
    created = {
        int(month): int(count)
        for month, count in company.engine.query(
            f"""
            SELECT d.created_month, count(*) FROM deals AS d
            WHERE d.deal_key IN (SELECT deal_key FROM ({own.text}) AS own) GROUP BY d.created_month
            """,
            own.values,
        )
    }
    months = _history(company, scope.period)
    working = company.settings.hours
    if len(months) < LEAST_MONTHS or not any(created.get(m) for m in months):
        return Forecast(None, len(months))
    checks = []
    for then in range(max(months.start + LEAST_MONTHS, months.stop - _CHECKED), months.stop):
        if need := needed(talk, created, range(months.start, then), working):
            checks.append(Check(need, sum(v for (made, m), v in talk.items() if m == then and made <= then)))
    return Forecast(needed(talk, created, months, working, deals), len(months), checks)


def needed(
    talk: Triangle, created: Mapping[int, int], months: range, working: Working, deals: float | None = None
) -> Need | None:
    """The need of the month after `months`: `talk` in minutes by month of creation and of talk, `created` deals.

    Nothing after `months` is looked at. None where they are too few, have no talk, or
    the last of them no new deals.
    """
    from scipy.special import stdtrit

    target = months.stop
    apart = max(1, min(12, len(months) - _CELLS + 1))  # months of a deal's life with a rate of their own
    volume, minutes = [0.0] * (apart + 1), [0.0] * (apart + 1)
    cells: list[tuple[int, int, float, float]] = []
    for month in months:
        for lag in range(apart + 1):
            made = [month - lag] if lag < apart else [m for m in created if m <= month - apart]
            n, spoken = sum(created.get(m, 0) for m in made), sum(talk.get((m, month), 0.0) for m in made)
            if n:
                cells.append((lag, month, float(n), spoken))
                volume[lag] += n
                minutes[lag] += spoken
    rates = [took / n if n else 0.0 for took, n in zip(minutes, volume, strict=True)]
    if not sum(minutes) or not volume[0] or len(months) < LEAST_MONTHS:
        return None
    if deals is None and not created.get(target - 1):
        return None  # where no deals are created any more, those of the months before tell nothing of the next
    dispersion, freedom = _dispersion(cells, rates, months)
    season, unsure = seasons(created, months, working)
    coming, varies, known = deals or 0.0, 0.0, 1.0
    if deals is None:
        coming, varies, known = _coming(created, months, working, season, unsure)
    older = [float(created.get(target - lag, 0)) for lag in range(1, apart)]
    older.append(float(sum(n for made, n in created.items() if made <= target - apart)))
    there = [coming, *older]
    expected = sum(n * rate for n, rate in zip(there, rates, strict=True))
    rate_error = sum(n**2 * rate / v for n, rate, v in zip(there, rates, volume, strict=True) if v)
    parts = [(dispersion * (expected + rate_error), freedom), (rates[0] ** 2 * varies, known)]
    variance = sum(part for part, _ in parts)
    degrees = variance**2 / sum(part**2 / free for part, free in parts) if variance else 1.0
    reach = float(stdtrit(degrees, 0.975)) * variance**0.5
    spread = float(stdtrit(known, 0.975)) * varies**0.5
    return Need(
        code_label("month", target), coming, max(0.0, coming - spread), coming + spread,
        expected, max(0.0, expected - reach), expected + reach, expected - coming * rates[0], rates,
        season[target % 12] if season else None,
    )  # fmt: skip


def _dispersion(
    cells: Sequence[tuple[int, int, float, float]], rates: Sequence[float], months: range
) -> tuple[float, float]:
    """Variance ÷ expectation of talk, from the cells or from the months' totals, and its degrees of freedom."""
    told = [(month, n * rates[lag], spoken) for lag, month, n, spoken in cells if rates[lag] > 0]
    used = len({lag for lag, *_ in cells if rates[lag] > 0})
    of_cells = max(1.0, len(told) - used)
    by_cells = sum((spoken - wanted) ** 2 / wanted for _, wanted, spoken in told) / of_cells
    totals = []
    for month in months:
        wanted, spoken = (sum(row[i] for row in told if row[0] == month) for i in (1, 2))
        totals += [(spoken - wanted) ** 2 / wanted] if wanted else []
    of_months = max(1.0, len(totals) - 1.0)
    by_months = sum(totals) / of_months
    return (by_months, of_months) if by_months > by_cells else (by_cells, of_cells)


def _coming(
    created: Mapping[int, int], months: range, working: Working, season: Sequence[float], unsure: float
) -> tuple[float, float, float]:
    """How many new deals the month after `months` brings, its variance, and the degrees of freedom of that."""
    late, usual = list(months)[-_LATEST:], season or (1.0,) * 12
    days = [working.days_in(Period.of_month(code_label("month", month))) for month in (*late, months.stop)]
    weights = [max(1, n) * usual[month % 12] for n, month in zip(days, (*late, months.stop), strict=True)]
    daily = [created.get(month, 0) / n for month, n in zip(late, weights[:-1], strict=True)]
    mean = sum(daily) / len(daily)
    spread = sum((rate - mean) ** 2 for rate in daily) / (len(daily) - 1)
    coming = mean * weights[-1]
    least = coming * (1 + 1 / len(late))  # as many as fall by chance alone
    varies = max(spread * weights[-1] ** 2 * (1 + 1 / len(late)), least)
    return coming, varies + unsure * coming**2, float(len(late) - 1)


def seasons(created: Mapping[int, int], months: range, working: Working) -> tuple[Sequence[float], float]:
    """How many times the new deals of an average month each month of the year has, January first, and how unsure that
    is: the variance of a factor's logarithm. Empty and 0 where there are fewer than `SEASON_MONTHS` months.

    The logarithms of new deals a working day are a straight line and an effect of the month of the year, by least
    squares; the effects are drawn toward 0 as far as chance explains them (empirical Bayes: B. Efron and C. Morris,
    JASA 70 (1975) 311-319; for seasons D. M. Miller and D. Williams, Int. J. Forecasting 19 (2003) 669-684).

    >>> deals = {month: 60 if month % 12 == 11 else 30 for month in range(24240, 24276)}
    >>> factors, unsure = seasons(deals, range(24240, 24276), Working((1, 2, 3, 4, 5, 6, 7)))
    >>> round(factors[11] / factors[0], 1), unsure < 0.01
    (2.0, True)
    """
    if len(months) < SEASON_MONTHS:
        return (), 0.0
    import numpy as np

    days = [max(1, working.days_in(Period.of_month(code_label("month", month)))) for month in months]
    daily = np.log([(created.get(m, 0) + 0.5) / n for m, n in zip(months, days, strict=True)])
    line = np.arange(len(months)) - (len(months) - 1) / 2
    of_year = np.equal.outer(np.array(months) % 12, np.arange(12)).astype(np.float64)
    fitted, *_ = np.linalg.lstsq(np.column_stack([line, of_year]), daily, rcond=None)
    left = daily - np.column_stack([line, of_year]) @ fitted
    effect = fitted[1:] - fitted[1:].mean()
    chance = float(left @ left) / (len(months) - 13) * 12 / len(months)
    true = max(0.0, float(effect @ effect) / 11 - chance)
    kept = true / (true + chance) if true else 0.0
    factors = np.exp(kept * effect)
    return [float(factor) for factor in factors / factors.mean()], kept * chance


def _history(company: Company, period: Period) -> range:
    """The whole months of talk up to the period's end, as months since the year 0."""
    first, last = company.span
    start = first.year * 12 + first.month - 1 + (first.day > _BEGUN)
    stop = last.year * 12 + last.month - 1 + (last.day >= _WHOLE)
    ends = period.stop - dt.timedelta(days=1)
    asked = ends.year * 12 + ends.month - 1 + (period.stop.day == 1)
    return range(start, max(start, min(stop, asked)))
