"""The working day: how many calls are made and answered in each hour of each weekday, and how many come in unanswered.

An outbound call is answered when somebody talked on it; an inbound call without a second of talk is missed. A call
whose direction is unknown is in `calls` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.measures import wilson

LEAST = 30
"""Below so many calls a rate is called too small to judge."""
_BY_CHANCE = 0.01


@dataclass(frozen=True)
class Times:
    """The calls of a weekday (1 = Monday), of an hour (0 to 23), of both; None is every one of them."""

    weekday: int | None
    hour: int | None
    calls: int = 0
    outbound: int = 0
    answered: int = 0
    inbound: int = 0
    missed: int = 0

    @property
    def answer_rate(self) -> float | None:
        """The share of the outbound calls that were answered; None where there were none."""
        return self.answered / self.outbound if self.outbound else None

    @property
    def answer_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of `answer_rate`."""
        return wilson(self.answered, self.outbound) if self.outbound else None

    @property
    def missed_share(self) -> float | None:
        """The share of the inbound calls that were missed; None where there were none."""
        return self.missed / self.inbound if self.inbound else None

    @property
    def missed_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of `missed_share`."""
        return wilson(self.missed, self.inbound) if self.inbound else None


@dataclass(frozen=True)
class Week:
    """The calls of a scope by weekday and hour, by hour, by weekday, and all of them."""

    cells: tuple[Times, ...]
    hours: tuple[Times, ...]
    weekdays: tuple[Times, ...]
    whole: Times


def week(figures: Figures) -> Week:
    """The calls of `figures`, which are by weekday, hour and direction, in the order of the clock.

    Hours and weekdays without a call are not there. Raises UsageError for figures by something else.

    >>> from callkit import Period, Scope, measure, open_company
    >>> october = Scope(Period.of_month("2026-10"))
    >>> whole = week(measure(open_company("demo"), october, ["weekday", "hour", "direction"])).whole
    >>> whole.calls >= whole.outbound + whole.inbound and 0 < whole.answer_rate < 1
    True
    """
    if figures.by != ("weekday", "hour", "direction"):
        raise UsageError(f"a week needs figures by weekday, hour and direction, not by {figures.by}")
    cells = []
    for row in figures.records():
        calls, answered, way = int(row["calls"] or 0), int(row["answered_calls"] or 0), row["direction"]
        out, into = (calls, answered) if way == "out" else (0, 0), calls if way == "in" else 0
        missed = calls - answered if way == "in" else 0
        cells.append(Times(int(row["weekday"]), int(row["hour"]), calls, *out, into, missed))
    return Week(
        tuple(_together(cells, day=True, hour=True)),
        tuple(_together(cells, hour=True)),
        tuple(_together(cells, day=True)),
        next(iter(_together(cells)), Times(None, None)),
    )


def uneven(times: Sequence[Times]) -> bool:
    """Whether the answer rates of `times` differ more than chance would have it once in a hundred times.

    Pearson's chi-square of homogeneity (Philosophical Magazine 50 (1900) 157-175); times with fewer than `LEAST`
    outbound calls are left out, fewer than two give False.
    """
    from scipy.special import chdtrc

    counted = [t for t in times if t.outbound >= LEAST]
    calls, answered = sum(t.outbound for t in counted), sum(t.answered for t in counted)
    if len(counted) < 2 or not 0 < answered < calls:
        return False
    rate = answered / calls
    chi = sum((t.answered - t.outbound * rate) ** 2 / (t.outbound * rate * (1 - rate)) for t in counted)
    return bool(chdtrc(len(counted) - 1, chi) < _BY_CHANCE)


def _together(cells: Iterable[Times], *, day: bool = False, hour: bool = False) -> list[Times]:
    """The cells with one weekday, one hour or both, summed."""
    sums: dict[tuple[int | None, int | None], list[int]] = {}
    for cell in cells:
        key = cell.weekday if day else None, cell.hour if hour else None
        own = sums.setdefault(key, [0] * 5)
        for i, number in enumerate((cell.calls, cell.outbound, cell.answered, cell.inbound, cell.missed)):
            own[i] += number
    return [Times(*key, *sums[key]) for key in sorted(sums, key=lambda k: (k[0] or 0, k[1] or 0))]
