"""The load of each stage: minutes of talk on it, for each deal that came to it, for each working day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from callkit.company import Company
from callkit.errors import UsageError
from callkit.figures import TOTAL, Figures
from callkit.rows import deal_rows
from callkit.scope import Scope, resolve
from callkit.zones import EVER, Period

_PART_OF_THE_TALK = ("direction", "hour", "weekday")


@dataclass(frozen=True)
class Load:
    """The talk on a stage: `minutes`, `share` of all talk, `entered` deals that came to it, and what each took.

    `after_sale` marks a stage of kind won. None where undefined: no deal came, or the talk is of no period of its own.
    """

    stage: str
    after_sale: bool
    minutes: float
    share: float | None
    entered: int | None
    minutes_per_deal: float | None
    minutes_per_day: float | None


@dataclass(frozen=True)
class Capacity:
    """The load of the stages in the order of `figures`, and of all talk; `days` are the working days it is spread over,
    None under lenses whose calls have no period; `after_sale` is the share of talk on stages of kind won."""

    stages: Sequence[Load]
    whole: Load
    days: int | None
    after_sale: float | None


def capacity(company: Company, scope: Scope, figures: Figures) -> Capacity:
    """The load of the stages of `figures`, which are of the scope and by stage.

    Under `closed` and `called` the deals are those that came to the stage within the period, whenever they closed;
    under `lifetime` and `created` those of the base that ever came to it. Filters hold; people are the deals' owners.
    A filter that keeps part of the talk on a stage (direction, hour, weekday) leaves the minutes per deal empty. Days
    are the working days of the period that the data reaches.

    Raises UsageError for figures by something else.

    >>> from callkit import measure, open_company
    >>> company, month = open_company("demo"), Scope(Period.of_month("2026-10"))
    >>> load = capacity(company, month, measure(company, month, ["stage"]))
    >>> load.days, round(sum(one.minutes for one in load.stages)) == round(load.whole.minutes)
    (22, True)
    """
    if figures.by != ("stage",):
        raise UsageError(f"the load of stages needs figures by stage, not by {figures.by}")
    entered = _entered(company, scope)
    won = {code for (code,) in company.engine.query("SELECT stage FROM stages WHERE kind = 'won'")}
    codes = {label: code for code, label in company.labels("stage").items()}
    of_a_period = scope.lens in ("closed", "called")
    days = company.settings.hours.days_in(_reached(company, scope.period)) if of_a_period else None
    partly = any(column in _PART_OF_THE_TALK for column in scope.where)

    def load(stage: str, minutes: float, share: float | None, came: int | None, *, after: bool) -> Load:
        per_deal = minutes / came if came and not partly else None
        return Load(stage, after, minutes, share, came, per_deal, minutes / days if days else None)

    stages = []
    for row in figures.records():
        code = codes[row["stage"]]
        came = entered.get(code, 0) if code > 0 else None
        stages.append(load(row["stage"], row["talk_minutes"] or 0, row["talk_share"], came, after=code in won))
    minutes = float(figures.total["talk_minutes"] or 0)
    after = sum(one.minutes for one in stages if one.after_sale)
    whole = load(TOTAL, minutes, figures.total["talk_share"], None, after=False)
    return Capacity(stages, whole, days, after / minutes if minutes else None)


def _entered(company: Company, scope: Scope) -> dict[int, int]:
    """How many deals came to each stage, by its code."""
    of_a_period = scope.lens in ("closed", "called")
    wide = replace(scope, period=EVER, lens="created") if of_a_period else scope
    resolved = resolve(company, replace(wide, credit="owner"))
    own = deal_rows(company, resolved, [])
    within, values = "", own.values
    if of_a_period:
        within = "AND t.entered_us >= ? AND t.entered_us < ?"
        values = (*values, *scope.period.instants(company.timezone))
    rows = company.engine.query(
        f"""
        SELECT t.stage, count(DISTINCT t.deal_key) FROM stays AS t
        WHERE t.deal_key IN (SELECT deal_key FROM ({own.text}) AS own) {within}
        GROUP BY t.stage
        """,
        values,
    )
    return {int(stage): int(count) for stage, count in rows}


def _reached(company: Company, period: Period) -> Period:
    """The days of the period on which the data has calls, or could have."""
    first, last = company.span
    start, stop = max(period.start, first), min(period.stop, last + dt.timedelta(days=1))
    return Period(start, stop) if start < stop else period
