"""Time zones and periods: what a day, a month and a naive clock reading mean in an account's zone.

Instants are kept as whole microseconds since 1970 in UTC: integers compare alike on every engine. The clock's shifts
enter SQL as a balanced tree of CASEs over the zone's transitions, so no engine needs to know the zone.
"""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from dataclasses import dataclass

from callkit.errors import UsageError, did_you_mean

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of an IANA name.

    Raises UsageError for a name that is no zone, with the nearest ones.

    >>> zone("Europe/Moscow").key
    'Europe/Moscow'
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = did_you_mean(name, zoneinfo.available_timezones())
        raise UsageError(
            f"time zone {name!r} does not exist; an IANA name is wanted, as Europe/Moscow.{near}"
        ) from None


def instant(moment: dt.datetime) -> int:
    """Microseconds since 1970 of a zone-aware moment."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def moment(us: int, name: str) -> dt.datetime:
    """The zone-aware moment of microseconds since 1970."""
    return (_EPOCH + dt.timedelta(microseconds=us)).astimezone(zone(name))


@functools.cache
def shifts(name: str) -> tuple[int, tuple[tuple[int, int], ...]]:
    """A zone's clock in microseconds: the first offset, then (instant, offset from it on) for 1970 to 2100.

    >>> shifts("Asia/Kolkata")
    (19800000000, ())
    """
    place = zone(name)
    start, stop = (int(dt.datetime(y, 1, 1, tzinfo=dt.UTC).timestamp()) for y in (_FIRST_YEAR, _LAST_YEAR))

    def offset(second: int) -> int:
        shift = (_EPOCH + dt.timedelta(seconds=second)).astimezone(place).utcoffset()
        assert shift is not None
        return shift // dt.timedelta(microseconds=1)

    first = before = offset(start)
    found = []
    for right in range(start + 604_800, stop, 604_800):
        after = offset(right)
        if after != before:
            low, high = right - 604_800, right
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            found.append((high * SECOND, after))
            before = after
    return first, tuple(found)


def local_sql(us: str, name: str, span: tuple[int, int] | None = None) -> str:
    """SQL for the local clock, in microseconds, of the instant `us`; no instant lies outside `span`, where given."""
    first, later = shifts(name)
    if span:
        first = next((offset for at, offset in reversed(later) if at <= span[0]), first)
        later = tuple((at, offset) for at, offset in later if span[0] < at <= span[1])
    return f"({us} + {_tree(us, first, later)})"


def utc_sql(local_us: str, name: str) -> str:
    """SQL for the instant of a local clock reading in microseconds.

    A repeated hour is the first one, a skipped one moves forward: until the later of both readings of a
    transition has passed, the old offset holds.
    """
    first, later = shifts(name)
    readings, before = [], first
    for at, offset in later:
        readings.append((at + max(before, offset), offset))
        before = offset
    return f"({local_us} - {_tree(local_us, first, tuple(readings))})"


def _tree(x: str, first: int, later: tuple[tuple[int, int], ...]) -> str:
    if not later:
        return str(first)
    middle = len(later) // 2
    at, offset = later[middle]
    below, above = _tree(x, first, later[:middle]), _tree(x, offset, later[middle + 1 :])
    return f"CASE WHEN {x} < {at} THEN {below} ELSE {above} END"


@dataclass(frozen=True)
class Period:
    """Whole days `[start, stop)` of an account's zone.

    >>> Period.of_month("2026-12")
    Period(start=datetime.date(2026, 12, 1), stop=datetime.date(2027, 1, 1))
    >>> str(Period.of_month("2026-12"))
    '2026-12'
    """

    start: dt.date
    stop: dt.date

    def __post_init__(self) -> None:
        if self.stop <= self.start:
            raise UsageError(
                f"the period from {self.start} to {self.stop} is empty: --to is exclusive, give a later day"
            )

    @classmethod
    def of_month(cls, text: str) -> Period:
        """A month `2026-10` or a range of months `2026-08..2026-10`, both ends included."""
        first, _, last = text.partition("..")
        start, end = _month(first, text), _month(last or first, text)
        if end < start:
            raise UsageError(f"months {text!r} run backwards: write {last}..{first}")
        return cls(start, _next_month(end))

    @classmethod
    def of_days(cls, start: str, stop: str) -> Period:
        return cls(_day(start, "--from"), _day(stop, "--to"))

    def months(self) -> list[Period]:
        """The months of a period of whole months, in order."""
        found, start = [], self.start
        while start < self.stop:
            found.append(Period(start, _next_month(start)))
            start = _next_month(start)
        return found

    def previous(self) -> Period:
        """The period just before, of as many months if these are whole months, else of as many days."""
        if self.start.day == self.stop.day == 1:
            start = self.start
            for _ in self.months():
                start = (start - dt.timedelta(days=1)).replace(day=1)
            return Period(start, self.start)
        return Period(self.start - (self.stop - self.start), self.start)

    def instants(self, name: str) -> tuple[int, int]:
        """The first instant of the period and the first one after it."""
        place = zone(name)
        start, stop = (
            instant(dt.datetime.combine(d, dt.time(), place).astimezone(dt.UTC)) for d in (self.start, self.stop)
        )
        return start, stop

    def __str__(self) -> str:
        if self.start.day == 1 and self.stop.day == 1:
            last = self.stop - dt.timedelta(days=1)
            first_month, last_month = f"{self.start:%Y-%m}", f"{last:%Y-%m}"
            return first_month if first_month == last_month else f"{first_month}..{last_month}"
        return f"{self.start}_{self.stop}"


def _month(text: str, whole: str) -> dt.date:
    # strptime and not pandas: pd.to_datetime("", format="%Y-%m") is NaT, not an error.
    try:
        if len(text) != 7:
            raise ValueError(text)
        return dt.datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        raise UsageError(f"month {whole!r} is not understood; write 2026-03 or a range 2026-01..2026-03") from None


def _day(text: str, option: str) -> dt.date:
    try:
        if len(text) != 10:
            raise ValueError(text)
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a day; write 2026-03-01") from None


EVER = Period(dt.date(1990, 1, 1), dt.date(2100, 1, 1))
"""All the time that calls and deals can be of."""


def _next_month(day: dt.date) -> dt.date:
    return day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1, day=1)
