"""Costs as a company's settings state them: what an hour of a manager costs, and what is spent on each source."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callkit.errors import UsageError, did_you_mean

_KEYS = ("hour", "managers", "teams", "spend")
_EXAMPLE = 'as { "Ads" = 150000 } a month, or { "Ads" = { 2026-09 = 90000, 2026-10 = 110000 } }'


@dataclass(frozen=True)
class Spending:
    """What `[costs]` states, in the account's currency.

    `hour` is an hour of a manager, None where nothing is said of it; `managers` (by label or id) and `teams` have those
    of whom it differs. `spend` has a source's spend a month: one figure for every month, or figures by `2026-10`.
    """

    hour: float | None = None
    managers: Mapping[str, float] = field(default_factory=dict)
    teams: Mapping[str, float] = field(default_factory=dict)
    spend: Mapping[str, float | Mapping[str, float]] = field(default_factory=dict)

    def rate(self, *names: str, team: str = "") -> float | None:
        """An hour of the manager who goes by these names, of this team."""
        own = next((self.managers[name] for name in names if name in self.managers), None)
        return own if own is not None else self.teams.get(team, self.hour)

    def spent(self, source: str, start: dt.date, stop: dt.date) -> float | None:
        """What is spent on a source from one day until another; a part of a month is as much as its share of the days.

        None where nothing is stated, be it of one of the months alone.

        >>> stated = spending_of({"spend": {"Ads": 3100, "Site": {"2026-10": 310}}})
        >>> stated.spent("Ads", dt.date(2026, 10, 1), dt.date(2026, 10, 11))
        1000.0
        >>> stated.spent("Site", dt.date(2026, 9, 1), dt.date(2026, 11, 1)) is None
        True
        """
        own = self.spend.get(source)
        if own is None:
            return None
        parts, day = [], start
        while day < stop:
            days = calendar.monthrange(day.year, day.month)[1]
            after = min(stop, day.replace(day=1) + dt.timedelta(days=days))
            month = own.get(f"{day:%Y-%m}") if isinstance(own, Mapping) else own
            if month is None:
                return None
            parts.append(month * (after - day).days / days)
            day = after
        return math.fsum(parts)


def spending_of(stated: Mapping[str, Any], where: str = "callkit.toml") -> Spending:
    """What `[costs]` states; `where` names the file in errors.

    Raises UsageError for a key that is not known and for a cost that is no number of 0 or more.
    """
    for key in stated:
        if key not in _KEYS:
            near = did_you_mean(key, _KEYS)
            raise UsageError(f"{where}: [costs] {key} is not known; allowed: {', '.join(_KEYS)}.{near}")
    hour = _number(stated["hour"], f"{where}: [costs] hour") if "hour" in stated else None
    people = {name: _table(stated.get(name, {}), f"{where}: [costs] {name}") for name in ("managers", "teams")}
    if hour is None and any(people.values()):
        raise UsageError(f"{where}: [costs] hour is wanted too: managers and teams only tell of whom it differs")
    spend: dict[str, float | Mapping[str, float]] = {}
    stated_spend = stated.get("spend", {})
    if not isinstance(stated_spend, Mapping):
        raise UsageError(f"{where}: [costs] spend = {stated_spend!r} is not allowed; wanted: a table, {_EXAMPLE}")
    for source, value in stated_spend.items():
        place = f'{where}: [costs.spend] "{source}"'
        spend[source] = _by_month(value, place) if isinstance(value, Mapping) else _number(value, place)
    return Spending(hour, people["managers"], people["teams"], spend)


def _by_month(value: Mapping[str, Any], place: str) -> dict[str, float]:
    for month in value:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            raise UsageError(f"{place}: {month!r} is no month; wanted: figures by month, as {{ 2026-10 = 110000 }}")
    return _table(value, place)


def _table(value: object, place: str) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise UsageError(f'{place} = {value!r} is not allowed; wanted: a table, as {{ "Anna" = 1500 }}')
    return {name: _number(own, f'{place} "{name}"') for name, own in value.items()}


def _number(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise UsageError(f"{place} = {value!r} is not allowed; wanted: a number, 0 or more")
    return float(value)
