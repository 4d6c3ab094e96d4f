"""Working time between instants, and how soon something came: for whatever asks how long somebody waited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from callkit.decisions.cohorts import band, incidence
from callkit.decisions.evidence import Floats, Ints
from callkit.working import Working
from callkit.zones import DAY, SECOND, Period, shifts

WITHIN = (5, 15, 60)
"""So many minutes of working time a wait is held against."""
LEAST_WAITS = 5
"""Of fewer waits nothing is told but how many there were."""
CAME, OVER, STILL = 1, 2, 0
"""How a wait ended: what was waited for came; it can no more come; the data ends first."""
_THURSDAY = 3  # 1 January 1970
_MINUTE = 60 * SECOND


def working_minutes(us: Ints, working: Working, timezone: str) -> Floats:
    """Minutes of working time up to each instant, counted from one Monday long ago: their difference is a wait.

    >>> friday, monday = 1793379600 * SECOND, 1793617200 * SECOND  # at 17:00, and at 11:00 after the weekend
    >>> before, after = working_minutes(np.array([friday, monday]), Working(), "UTC")
    >>> float(after - before)
    180.0
    """
    first, later = shifts(timezone)
    at = np.array([instant for instant, _ in later], dtype=np.int64)
    offset = np.array([first, *(shift for _, shift in later)], dtype=np.int64)
    clock = us + offset[np.searchsorted(at, us, side="right")]
    day, since_midnight = np.divmod(clock, DAY)
    week, weekday = np.divmod(day + _THURSDAY, 7)
    works = np.array([number + 1 in working.days for number in range(7)])
    before = np.cumsum(works) - works
    off = _off(day, working)
    past = np.searchsorted(off, day)
    holiday = np.searchsorted(off, day, side="right") > past
    today = np.clip(since_midnight / _MINUTE - working.start, 0, working.minutes) * (works[weekday] & ~holiday)
    days = week * len(working.days) + before[weekday] - past
    return np.asarray(days * working.minutes + today, dtype=np.float64)


def _off(day: Ints, working: Working) -> Ints:
    """The holidays on working days from 1970 to the last of `day`, as days since then."""
    if not len(day) or not working.holidays:
        return np.zeros(0, dtype=np.int64)
    first = dt.date(1970, 1, 1)
    last = first + dt.timedelta(days=int(day.max()) + 1)
    found = [(one - first).days for one in working.off(Period(first, last))] if last > first else []
    return np.array(found, dtype=np.int64)


def waited(since: Ints, until: Ints, working: Working, timezone: str) -> Floats:
    """Minutes of working time between instants; never below 0, also where the clock was put back in between."""
    passed = working_minutes(until, working, timezone) - working_minutes(since, working, timezone)
    return np.asarray(np.maximum(passed, 0.0), dtype=np.float64)


def rows_by(codes: Sequence[Ints]) -> dict[tuple[int, ...], Ints]:
    """The numbers of the rows that have the same codes, by these; without columns there are none.

    >>> {key: rows.tolist() for key, rows in rows_by([np.array([2, 1, 2]), np.array([0, 5, 0])]).items()}
    {(1, 5): [1], (2, 0): [0, 2]}
    """
    if not codes or not len(codes[0]):
        return {}
    order = np.lexsort(list(codes)[::-1])
    ordered = np.stack(codes)[:, order]
    begins = np.flatnonzero(np.any(np.diff(ordered, axis=1) != 0, axis=0)) + 1
    return {tuple(int(code[rows[0]]) for code in codes): rows for rows in np.split(order, begins)}


@dataclass(frozen=True)
class Within:
    """The share of waits that ended within `minutes` of working time, with its 95 % interval; None where unknown."""

    minutes: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Wait:
    """How long `waits` waited: `came` of them until it came, for `over` it can no more come, `still` wait.

    `median` and `ninth` (the ninth tenth) are minutes of working time; None where so many never came, or not yet.
    """

    waits: int
    came: int
    over: int
    still: int
    median: float | None
    ninth: float | None
    within: Sequence[Within]


def wait(minutes: Floats, ended: Ints, within: Sequence[int] = WITHIN) -> Wait:
    """The waits in numbers; `ended` is `CAME`, `OVER` or `STILL`, after so many `minutes` each.

    Whoever still waits when the data ends has waited so long at least: the shares are cumulative incidences, as those
    of `callkit.decisions.cohorts`, where no wait is open they are simply counted.
    """
    count = len(minutes)
    if not count:
        return Wait(0, 0, 0, 0, None, None, [Within(limit, None, None, None) for limit in within])
    came, over, still = (int(np.sum(ended == kind)) for kind in (CAME, OVER, STILL))
    times = np.unique(minutes[ended == CAME])
    share, variance, _ = incidence(minutes, ended, np.concatenate([np.array(within, dtype=np.float64), times]))
    # Beyond the longest wait that was watched nothing is known.
    reach = np.inf if not still else float(minutes.max())
    told = []
    for i, limit in enumerate(within):
        if limit > reach:
            told.append(Within(limit, None, None, None))
            continue
        known = int(np.sum((minutes > limit) | (ended != STILL)))
        told.append(Within(limit, float(share[i]), *band(float(share[i]), float(variance[i]), known)))
    reached = share[len(within) :] + 1e-12
    median, ninth = (
        float(times[np.argmax(reached >= part)]) if len(times) and reached[-1] >= part else None for part in (0.5, 0.9)
    )
    return Wait(count, came, over, still, median, ninth, told)
