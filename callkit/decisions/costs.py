"""Costs: what talk costs by who spoke, what is spent on sources, and what that comes to a sale.

An hour of talk costs what an hour of the manager costs who spoke; time between calls is not counted. A cost that
the settings do not state is unknown, never 0, and so is whatever would be divided by it or added to it.

Source: costs by the time they take, R. S. Kaplan and S. R. Anderson, Harvard Business Review 82/11 (2004) 131-138.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callkit.company import Company
from callkit.dimensions import UNNAMED
from callkit.errors import with_nearest
from callkit.figures import TOTAL, Figures
from callkit.measuring import emptied
from callkit.scope import Scope, resolve, values
from callkit.spending import Spending, spending_of

SOURCE = "source"
_MINUTES = 60


@dataclass(frozen=True)
class Cost:
    """What a segment cost and brought. Money is in the account's currency; None is unknown or without meaning.

    `cost` is that of talk and spend, of as many of the two as the settings state; `won_deals` and `revenue` are None
    where they must not be set against the minutes.
    """

    segment: tuple[str, ...]
    talk_minutes: float
    talk_cost: float | None
    spend: float | None
    cost: float | None
    won_deals: float | None
    revenue: float | None

    @property
    def cost_per_sale(self) -> float | None:
        return _ratio(self.cost, self.won_deals)

    @property
    def return_on_talk(self) -> float | None:
        return _ratio(self.revenue, self.talk_cost)

    @property
    def return_on_spend(self) -> float | None:
        return _ratio(self.revenue, self.spend)


def costs(company: Company, scope: Scope, cut: Callable[..., Figures], by: Sequence[str]) -> list[Cost]:
    """What each segment of `by` cost, the most talk first, and last the whole; `cut` gives figures by columns.

    Spend is told by source alone, and not under filters of anything else. A source that money was spent on and that
    neither rang nor sold has its row. Whoever sees some people's work only is told nothing.

    >>> from callkit import Period, measure, open_company
    >>> demo, month = open_company("demo"), Scope(Period.of_month("2026-10"))
    >>> whole = costs(demo, month, lambda *by: measure(demo, month, by), ["source"])[-1]
    >>> round(whole.talk_cost), round(whole.talk_minutes)
    (79488, 3822)
    """
    if company.people is not None:
        return []
    stated = spending_of(company.settings.costs)
    talk = _talk(company, stated, cut, by)
    spend = _spend(stated, scope, by)
    in_segments, everywhere = emptied(resolve(company, scope, by))
    apart = in_segments | everywhere
    told = []
    figures = cut(*by)
    for row in figures.records() if by else []:
        key = tuple(row[column] for column in by)
        told.append(_cost(key, row, talk.get(key), spend, stated, against="minutes_per_sale" not in apart))
    seen = {cost.segment for cost in told}
    nothing = {"talk_minutes": 0.0, "won_deals": 0.0, "revenue": 0.0}
    rate = 0.0 if stated.hour is not None else None
    for key in spend or {}:
        if key not in seen and spend and spend[key]:
            told.append(_cost(key, nothing, rate, spend, stated, against=True))
    return [*told, _whole(figures.total, told, talk, spend, stated, against="minutes_per_sale" not in everywhere)]


def unknown(company: Company) -> list[str]:
    """What of the costs is about people or sources that the company does not have, a sentence each."""
    stated = spending_of(company.settings.costs)
    told = []
    names = {name for own in _people(company).values() for name in own.names}
    for section, column, stated_names, known in (
        ("costs.managers", "manager", stated.managers, names),
        ("costs.teams", "team", stated.teams, set(values(company, "team"))),
    ):
        told += [
            with_nearest(f'[{section}] "{n}" matches no {column}', n, known) for n in stated_names if n not in known
        ]
    if stated.spend and SOURCE not in company.dimensions:
        told.append("[costs.spend]: the deals have no column source")
    elif stated.spend:
        sources = values(company, SOURCE)
        told += [
            with_nearest(f'[costs.spend] "{n}" matches no source', n, sources) for n in stated.spend if n not in sources
        ]
    return told


@dataclass(frozen=True)
class _Person:
    names: tuple[str, ...]
    team: str


def _people(company: Company) -> dict[str, _Person]:
    """The managers by label, with the names they go by and their team."""
    known = company.engine.query("SELECT code, label, id FROM labels WHERE dimension = 'manager' ORDER BY id")
    team_of: dict[int, int] = dict(company.engine.query("SELECT manager, team FROM managers ORDER BY manager"))
    teams = company.labels("team")
    return {
        label: _Person((label, own) if own else (label,), teams.get(team_of.get(code, 0), ""))
        for code, label, own in known
    }


def _talk(
    company: Company, stated: Spending, cut: Callable[..., Figures], by: Sequence[str]
) -> dict[tuple[str, ...], float | None]:
    """What the talk of each segment cost, and under `(total)` that of all; None where no hour has a cost."""
    people = _people(company) if stated.hour is not None else {}

    def summed(columns: Sequence[str], keys: Sequence[str]) -> dict[tuple[str, ...], float | None]:
        parts: dict[tuple[str, ...], list[float]] = {}
        for row in cut(*columns).records():
            person = people.get(row["manager"], _Person((), ""))
            rate = stated.rate(*person.names, team=person.team)
            own = parts.setdefault(tuple(row[key] for key in keys), [])
            own.append((row["talk_minutes"] or 0.0) / _MINUTES * rate if rate is not None else 0.0)
        return {key: math.fsum(own) if stated.hour is not None else None for key, own in parts.items()}

    found = summed([*by, *(["manager"] if "manager" not in by else [])], by)
    whole = summed(["manager"], ())
    return found | {(TOTAL,): whole.get((), 0.0 if stated.hour is not None else None)}


def _spend(stated: Spending, scope: Scope, by: Sequence[str]) -> dict[tuple[str, ...], float | None] | None:
    """What is spent on each source stated; None where spend cannot be told."""
    if not stated.spend or list(by) != [SOURCE] or set(scope.where) - {SOURCE}:
        return None
    kept = scope.where.get(SOURCE)
    period = scope.period
    return {
        (source,): stated.spent(source, period.start, period.stop)
        for source in stated.spend
        if kept is None or source in kept
    }


def _cost(
    key: tuple[str, ...],
    row: Mapping[str, Any],
    talk_cost: float | None,
    spend: Mapping[tuple[str, ...], float | None] | None,
    stated: Spending,
    *,
    against: bool,
) -> Cost:
    spent = spend.get(key) if spend is not None else None
    return Cost(
        key, float(row["talk_minutes"] or 0), talk_cost, spent, _added(talk_cost, spent, stated, spend is not None),
        row["won_deals"] if against else None, row["revenue"] if against else None,
    )  # fmt: skip


def _whole(
    total: Mapping[str, Any],
    told: Sequence[Cost],
    talk: Mapping[tuple[str, ...], float | None],
    spend: Mapping[tuple[str, ...], float | None] | None,
    stated: Spending,
    *,
    against: bool,
) -> Cost:
    """The whole: its talk from all calls, its spend from all sources; unknown where that of one source is."""
    talk_cost = talk[TOTAL,]
    named = [cost for cost in told if not UNNAMED & set(cost.segment)]
    known = spend is not None and all(cost.spend is not None for cost in named)
    spent = math.fsum(cost.spend for cost in named if cost.spend is not None) if known else None
    return Cost(
        (TOTAL,), float(total["talk_minutes"] or 0), talk_cost, spent,
        _added(talk_cost, spent, stated, spend is not None),
        total["won_deals"] if against else None, total["revenue"] if against else None,
    )  # fmt: skip


def _added(talk_cost: float | None, spend: float | None, stated: Spending, with_spend: bool) -> float | None:
    """The cost of what the settings state: unknown where a part of it is; where spend cannot be told, of none."""
    if stated.spend and not with_spend:
        return None
    parts = [*([talk_cost] if stated.hour is not None else []), *([spend] if stated.spend else [])]
    return None if not parts or any(part is None for part in parts) else math.fsum(p for p in parts if p is not None)


def _ratio(over: float | None, under: float | None) -> float | None:
    return None if over is None or not under else over / under
