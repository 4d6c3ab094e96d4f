"""Working hours: the days and hours in which a company answers, as its settings say."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callkit.errors import UsageError, did_you_mean
from callkit.zones import Period

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = 24 * 60
_LEAP_YEAR = 2000
Holiday = dt.date | tuple[int, int]
"""A day of one year, or a month and a day of every year."""


@dataclass(frozen=True)
class Working:
    """The hours `[start, stop)` of each of `days`: minutes since midnight of the account's clock, 1 = Monday.

    On `holidays` nobody works: days of one year, and (month, day) of every year. Which days are public holidays is not
    known otherwise.
    """

    days: tuple[int, ...] = (1, 2, 3, 4, 5)
    start: int = 9 * 60
    stop: int = 18 * 60
    declared: bool = False
    holidays: tuple[Holiday, ...] = ()

    @property
    def minutes(self) -> int:
        """Working minutes of a working day."""
        return self.stop - self.start

    def days_in(self, period: Period) -> int:
        """How many working days a period has.

        >>> Working().days_in(Period.of_month("2026-10"))
        22
        """
        length = (period.stop - period.start).days
        weeks, rest = divmod(length, 7)
        left = [(period.start + dt.timedelta(days=i)).isoweekday() for i in range(rest)]
        return weeks * len(self.days) + sum(day in self.days for day in left) - len(self.off(period))

    def off(self, period: Period) -> list[dt.date]:
        """The holidays of a period that would be working days else, in their order.

        >>> may = Working(holidays=((5, 1), (5, 9), dt.date(2026, 5, 11)))
        >>> [f"{day:%d.%m}" for day in may.off(Period.of_month("2026-05"))]  # the 9th is a Saturday
        ['01.05', '11.05']
        """
        found: set[dt.date] = set()
        for holiday in self.holidays:
            if isinstance(holiday, dt.date):
                found.add(holiday)
                continue
            for year in range(period.start.year, period.stop.year + 1):
                with contextlib.suppress(ValueError):  # 29 February
                    found.add(dt.date(year, *holiday))
        return sorted(day for day in found if period.start <= day < period.stop and day.isoweekday() in self.days)


def working_of(given: Mapping[str, Any], where: str = "") -> Working:
    """Working hours from `[working]`: `days`, `from`, `to`, `holidays`; what is left out is Monday to Friday, 09:00 to
    18:00, no holidays.

    Raises UsageError naming the key for a day that is none or stands twice, an hour that is none, an end that does not
    come after the beginning, and a holiday that is no date.

    >>> working_of({"days": ["mon", "sat"], "from": "08:30", "to": "24:00"})
    Working(days=(1, 6), start=510, stop=1440, declared=True, holidays=())
    """
    usual = Working()
    days = usual.days
    if "days" in given:
        for name in given["days"]:
            if name not in DAYS:
                near = did_you_mean(str(name), DAYS)
                raise UsageError(f"{where}: [working] days: {name!r} is no day; allowed: {', '.join(DAYS)}.{near}")
        days = tuple(sorted(DAYS.index(name) + 1 for name in given["days"]))
        if len(set(days)) < len(days) or not days:
            raise UsageError(f"{where}: [working] days: each day once, and one at least, not {given['days']!r}")
    start, stop = (
        _minute(given[key], key, where) if key in given else by_default
        for key, by_default in (("from", usual.start), ("to", usual.stop))
    )
    if start >= stop:
        raise UsageError(
            f"{where}: [working] to = {_clock(stop)!r} must come after from = {_clock(start)!r}; "
            "hours that run past midnight are written up to 24:00"
        )
    holidays = tuple(dict.fromkeys(_holiday(day, where) for day in given.get("holidays", ())))
    return Working(days, start, stop, bool(given), holidays)


def _holiday(told: object, where: str) -> Holiday:
    with contextlib.suppress(ValueError):
        if isinstance(told, str) and re.fullmatch(r"\d\d-\d\d", told):
            day = dt.date.fromisoformat(f"{_LEAP_YEAR}-{told}")
            return day.month, day.day
        if isinstance(told, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", told):
            return dt.date.fromisoformat(told)
    raise UsageError(
        f"{where}: [working] holidays: {told!r} is no day; wanted: a date as '2026-01-02', or '01-02' for every year"
    )


def _minute(text: str, key: str, where: str) -> int:
    found = re.fullmatch(r"(\d{1,2}):(\d\d)", text)
    minute = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else _MIDNIGHT + 1
    if minute > _MIDNIGHT:
        raise UsageError(f"{where}: [working] {key} = {text!r} is no time of day; wanted: as '09:00', at most '24:00'")
    return minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def clocks(working: Working) -> tuple[str, str]:
    """The beginning and the end of a working day, as people write them.

    >>> clocks(Working())
    ('09:00', '18:00')
    """
    return _clock(working.start), _clock(working.stop)
