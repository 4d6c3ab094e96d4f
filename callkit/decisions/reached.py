"""Goals against figures: how far each of them is, for the whole scope and for single managers and sources."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from callkit.access import TEAMS, THEMSELVES
from callkit.company import Company
from callkit.errors import with_nearest
from callkit.figures import Figures
from callkit.goals import BETTER, Goal, goals_of
from callkit.locale import NBSP, Locale
from callkit.measures import MEASURES
from callkit.scope import Scope, values
from callkit.zones import Period

_POINTS = 100


@dataclass(frozen=True)
class Standing:
    """A goal and where it stands: `target` is for the period, `value` None where it is undefined.

    `over` says that the period is over. Until then a sum that is still below its target has not missed it, and of a
    ratio on too few deals (`few`) nothing is told.
    """

    goal: Goal
    target: float
    value: float | None
    over: bool = True
    few: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where that cannot be told, or not yet."""
        if self.value is None:
            return None
        enough = (self.value - self.target) * BETTER[self.goal.measure] >= 0
        early = not enough if MEASURES[self.goal.measure].fact else self.few
        return None if early and not self.over else enough

    @property
    def gap(self) -> float | None:
        """How far the value is from the target: of a share the difference, of others a fraction of the target."""
        if self.value is None:
            return None
        apart = self.value - self.target
        return apart if MEASURES[self.goal.measure].kind == "share" else apart / self.target

    def wanted(self, locale: Locale) -> str:
        """The target as people read it, at least or at most so much."""
        sign = "≥" if BETTER[self.goal.measure] > 0 else "≤"
        return f"{sign}{NBSP}{locale.value(self.goal.measure, self.target)}"

    def how_far(self, locale: Locale) -> str:
        """The gap as people read it, with its sign; nothing where there is none."""
        if self.gap is None:
            return ""
        sign = "+" if self.gap >= 0 else "\N{MINUS SIGN}"
        if MEASURES[self.goal.measure].kind == "share":
            number = locale.number(abs(self.gap) * _POINTS, 1)
            return locale.text("decisions.points", change=f"{sign}{number}").replace(" ", NBSP)
        return f"{sign}{locale.percent(abs(self.gap), 0 if abs(self.gap) >= 0.1 else 1)}"

    def said(self, locale: Locale) -> str:
        """Where the goal stands, for a card."""
        key = {True: "reached", False: "missed", None: "open" if self.value is not None else "unknown"}[self.reached]
        return locale.text(f"goals.{key}", target=self.wanted(locale), gap=self.how_far(locale))

    def whose(self, locale: Locale) -> str:
        """Whose goal it is: the whole's, or a segment's."""
        if not self.goal.column:
            return locale.text("goals.whole")
        column = locale.title(self.goal.column)
        segment = locale.segment(self.goal.segment, self.goal.column)
        return locale.text("goals.whose_segment", column=f"{column[:1].upper()}{column[1:]}", segment=segment)


def months(period: Period) -> float:
    """How many months a period is; a part of a month is as many of its days.

    >>> months(Period.of_month("2026-08..2026-10")), round(months(Period.of_days("2026-10-01", "2026-10-11")), 4)
    (3.0, 0.3226)
    """
    found, day = 0.0, period.start
    while day < period.stop:
        days = calendar.monthrange(day.year, day.month)[1]
        after = min(period.stop, day.replace(day=1) + dt.timedelta(days=days))
        found += (after - day).days / days
        day = after
    return found


def standings(company: Company, scope: Scope, cut: Callable[..., Figures], *, on_cards: bool = False) -> list[Standing]:
    """Where each goal stands that the scope can be held against, the whole's first; `cut` gives figures by columns.

    A company's goals are for all its calls and deals: under filters there are none, but for a filter of the very
    segment that has goals of its own. A viewer who sees some people's work sees those people's goals. `on_cards` leaves
    out the segments' goals where the scope is the whole company's: they take figures that cards have no use for.
    """
    stated = goals_of(company.settings.goals)
    if on_cards and not scope.where and company.people is None:
        stated = [goal for goal in stated if not goal.column]
    if not stated:
        return []
    over, share = company.over(scope.period), months(scope.period)
    found = []
    for goal in stated:
        target = goal.target * (share if MEASURES[goal.measure].fact else 1)
        for figures in _figures(company, scope, goal, cut):
            value = figures[goal.measure]
            named = replace(goal, segment=_label(company, goal))
            few = (figures["deals"] or 0) < company.settings.min_deals
            found.append(Standing(named, target, None if value is None else float(value), over, few))
    return sorted(found, key=lambda s: bool(s.goal.column))


def of_scope(company: Company, scope: Scope, found: list[Standing]) -> dict[str, Standing]:
    """The goals that the scope as a whole is held against, by measure: what stands on its cards."""
    if scope.where:  # of the goals, those of the filter's own segment are found alone
        return {s.goal.measure: s for s in found}
    viewer, column = company.viewer, ""
    if company.people is not None:
        one = len(viewer.names) == 1 and viewer.sees in (TEAMS, THEMSELVES)
        column = {TEAMS: "team", THEMSELVES: "manager"}[viewer.sees] if one else "(several)"
    return {s.goal.measure: s for s in found if s.goal.column == column}


def unknown(company: Company) -> list[str]:
    """What of the goals is about a column or a segment that the company does not have, a sentence each."""
    told = []
    for goal in goals_of(company.settings.goals):
        if goal.column and goal.column not in company.dimensions:
            told.append(
                with_nearest(f"[goals.{goal.column}]: there is no such column", goal.column, company.dimensions)
            )
        elif goal.column and not _label(company, goal):
            known = values(company, goal.column)
            told.append(with_nearest(f'[goals.{goal.column}."{goal.segment}"] matches nothing', goal.segment, known))
    return list(dict.fromkeys(told))


def _figures(company: Company, scope: Scope, goal: Goal, cut: Callable[..., Figures]) -> Sequence[Mapping[str, Any]]:
    """The figures that a goal is held against: one row or, where the scope cannot be held against it, none."""
    if not goal.column:
        return [cut().total] if not scope.where and company.people is None else []
    ((column, kept), *more) = scope.where.items() or [("", ())]
    if column and (more or column != goal.column or len(kept) > 1):
        return []
    label = _label(company, goal)
    if not label:
        return []
    if column:
        return [cut().total] if kept[0] in (label, goal.segment) and company.people is None else []
    if company.people is not None and goal.column != "manager" and not _own_team(company, goal):
        return []
    figures = cut(goal.column)
    rows = [dict(zip(figures.columns, row, strict=True)) for row in figures.rows[:-1] if row[0] == label]
    return rows or [{name: 0 if m.fact else None for name, m in MEASURES.items()}]


def _own_team(company: Company, goal: Goal) -> bool:
    return goal.column == "team" and company.viewer.sees == TEAMS


def _label(company: Company, goal: Goal) -> str:
    """The label of a goal's segment, which may be named by a manager's id; empty where the viewer knows of none."""
    if not goal.column or goal.column not in company.dimensions:
        return ""
    known = values(company, goal.column)
    if goal.segment in known:
        return goal.segment
    if goal.column != "manager":
        return ""
    sql = "SELECT label FROM labels WHERE dimension = 'manager' AND id = ?"
    return next((label for (label,) in company.engine.query(sql, [goal.segment]) if label in known), "")
