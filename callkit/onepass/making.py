"""Making the packed columns of a store: for a server, in a process of its own, beside whatever answers meanwhile."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from callkit.access import Viewer
from callkit.company import Company, open_company
from callkit.dimensions import NO_DEAL
from callkit.engine import quoted
from callkit.errors import CallkitError
from callkit.onepass import LEAST_CALLS, installed
from callkit.onepass.asking import sums
from callkit.onepass.columns import (
    BLOCK,
    CODES,
    DAYS,
    LIMITS,
    MONTH,
    NOT_READ,
    SHIFT,
    WEEKDAY,
    Array,
    Columns,
    calendar,
    others,
    places,
    read,
    types,
    written,
)
from callkit.scope import Scope, resolve
from callkit.stored import FILE, Stored
from callkit.zones import Period, moment

_ROWS = 1 << 20
"""How many rows are read at a time."""
_APART = 4096
"""How many calls without a deal share a place."""
_UNITS = (1, 1000)
_NEVER = -(1 << 62)
_OF_CALLS = (
    "started_us", "month", "weekday", "hour", "while_open", "direction", "manager", "stage", "talk_seconds",
)  # fmt: skip
_MEMORY = "1GB"
"""What DuckDB may keep of a store that is read once, from its beginning to its end."""
_NICE = 10
_PER_CALL = ("kind", "day", "manager", "stage", "talk")
_MOST_CODES = CODES
"""Columns of deals with more values are left to SQL."""


class _UnfitError(Exception):
    """What a store holds that these columns cannot."""


def wanted(path: Path, least: int = LEAST_CALLS) -> bool:
    """Whether a store is DuckDB's and large enough for columns of its own, and numba is there to go over them."""
    if path.suffix != FILE or not installed():
        return False
    with contextlib.suppress(CallkitError), open_company(path) as company:
        return bool(company.facts["rows"]["calls"] >= least)
    return False


def prepare(path: Path, least: int = LEAST_CALLS) -> Path | None:
    """Makes the columns of a store, unless they are there, and compiles what goes over them; takes older ones away.

    Gives where they are. None where the store is small, has what cannot be packed, or there is no place to write to:
    then SQL answers.
    """
    with contextlib.suppress(CallkitError, OSError, RuntimeError, _UnfitError):
        if not wanted(path, least):
            return None
        with replace(open_company(path), viewer=Viewer()) as company:
            assert company.stored
            company.engine.query(f"SET memory_limit = '{_MEMORY}'")
            made = _found(company) or _made(company)
            for old in itertools.chain.from_iterable(map(others, places(company.stored))):
                with contextlib.suppress(OSError):
                    old.unlink()
            return made
    return None


def main() -> None:
    """Prepares the store that the command line names, giving way to whatever else the machine does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is half made is taken away
    if hasattr(os, "nice"):
        os.nice(_NICE)
    prepare(Path(sys.argv[1]))


def _found(company: Company) -> Path | None:
    assert company.stored
    for path in places(company.stored):
        with contextlib.suppress(*NOT_READ):
            _compile(read(path, thoroughly=True), company)
            return path
    return None


def _made(company: Company) -> Path | None:
    """The columns at the first of their places that can be written."""
    assert company.stored
    placed = _Placed(company)
    for path in places(company.stored):
        with contextlib.suppress(OSError), written(path, placed.shapes()) as writing:
            writing.told.update(placed.told())
            placed.fill(writing.arrays)
            # Whoever finds the file finds it compiled for, too.
            _compile(writing.finished(), company)
            if Stored.at(company.stored.path) != company.stored:
                raise _UnfitError("the store is another by now")
            return path
    return None


def _compile(columns: Columns, company: Company) -> None:
    """Asks once, so that the loops are compiled for these types and kept."""
    day = company.span[0]
    for lens in ("called", "closed"):
        sums(columns, company, resolve(company, Scope(Period(day, day + dt.timedelta(days=1)), lens)))


class _Placed:
    """What the columns of a company will be: deals and their places, days, the types that hold all there is.

    Raises _UnfitError for what cannot be packed.
    """

    def __init__(self, company: Company) -> None:
        self._engine, self._zone = company.engine, company.timezone
        self._calls, self._deals = (self._one(f"SELECT count(*) FROM {table}") for table in ("calls", "deals"))
        self._days = self._days_of_all()
        created = np.empty(self._deals, np.int64)
        for key, us in self._read("deals", "deal_key", "created_us"):
            created[key - 1] = us
        self._place = np.empty(self._deals, np.uint32)
        self._place[np.argsort(created, kind="stable")] = np.arange(self._deals, dtype=np.uint32)
        self._codes = {}
        for name in ("owner", *(f"dim_{name}" for name in company.facts["dimensions"])):
            extent = int(self._one(f"SELECT max({quoted(name)}) FROM deals")) + SHIFT + 1
            if extent <= _MOST_CODES:
                self._codes[name] = extent
        self._teams = self._engine.arrays(1, "SELECT team FROM managers ORDER BY manager")[0]
        self._stages = max(int(self._one("SELECT max(stage) FROM calls")), 0) + SHIFT + 1
        self._unit, longest = self._talk()
        self._small = len(self._teams) <= 256 and self._stages <= 256 and longest < 1 << 16
        if max(len(self._teams), self._stages) > CODES or longest >= 1 << 32 or self._calls >= 1 << 32:
            raise _UnfitError("there is too much of something")
        self._at = self._begins()

    def shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The types and shapes of all arrays."""
        kinds, places = types(self._small), len(self._at) - 1
        sizes = dict.fromkeys(_PER_CALL, self._calls) | {"at": places + 1, "outcome": places, "amount": places}
        sizes |= {"teams": len(self._teams)} | {
            name: -(-places // BLOCK) for names in LIMITS.values() for name in names
        }
        rows = len(self._codes) + len(DAYS)
        return {name: (kind, (sizes[name],) if name in sizes else (rows, places)) for name, kind in kinds.items()}

    def told(self) -> dict[str, Any]:
        """What is told about the columns as a whole."""
        return {
            "rows": [*self._codes, *DAYS], "codes": self._codes, "stages": self._stages, "talk_unit": self._unit,
            "first_day": self._first.toordinal(), "days": len(self._days),
        }  # fmt: skip

    def fill(self, to: Mapping[str, Array]) -> None:
        """Writes all there is into arrays of `shapes`."""
        to["at"][:], to["teams"][:] = self._at, self._teams
        self._fill_deals(to)
        self._fill_calls(to)
        places = np.arange(0, len(self._at) - 1, BLOCK)
        _limits(to, "day", to["day"], self._at[places].astype(np.int64))
        for row, dated in enumerate(DAYS, len(self._codes)):
            _limits(to, dated, to["of_deal"][row], places)

    def _fill_deals(self, to: Mapping[str, Array]) -> None:
        columns = [quoted(name) for name in self._codes]
        dated = [f"coalesce({c}, {_NEVER})" for c in ("created_us", "closed_us", "created_month", "closed_month")]
        to["of_deal"][: len(columns), self._deals :] = NO_DEAL + SHIFT
        to["outcome"][self._deals :] = 2
        for part in self._read("deals", "deal_key", "outcome", "amount", *dated, *columns):
            key, outcome, amount, created, closed, created_month, closed_month, *codes = part
            at = self._place[key - 1]
            to["outcome"][at], to["amount"][at] = outcome - 1, amount
            for row, code in enumerate(codes):
                to["of_deal"][row, at] = code + SHIFT
            days = ((created, created_month), (closed, closed_month))
            for row, (us, month) in enumerate(days, len(codes)):
                there = us != _NEVER
                day = np.where(there, self._day(us), 0)
                self._sure(day[there], month[there], MONTH)
                to["of_deal"][row, at] = day

    def _fill_calls(self, to: Mapping[str, Array]) -> None:
        from callkit.onepass.compiled import slots

        # Calls without a deal go by their days, which come after all deals.
        free = np.append(self._at[: self._deals], self._free_by_day[:-1]).astype(np.int64)
        columns = ("coalesce(deal_key, 0)", *_OF_CALLS)
        for part in self._read("calls", *columns):
            key, us, month, weekday, hour, while_open, direction, manager, stage, talk = part
            day = self._day(us)
            self._sure(day, month, MONTH)
            self._sure(day, weekday, WEEKDAY)
            whose = np.where(key > 0, self._place[key - 1], self._deals + day)
            at = slots(whose.astype(np.int64), free)
            to["kind"][at] = (while_open.astype(np.int64) * 3 + direction - 1) * 24 + hour
            to["day"][at], to["manager"][at], to["stage"][at] = day, manager, stage + SHIFT
            to["talk"][at] = np.rint(talk * self._unit)

    def _begins(self) -> Array:
        """Where the calls of every place begin, and the last ones end."""
        from callkit.onepass.compiled import count

        counts = np.zeros(self._deals + len(self._days) + 1, np.int64)
        for key, us in self._read("calls", "coalesce(deal_key, 0)", "started_us"):
            whose = np.where(key > 0, self._place[key - 1], self._deals + self._day(us))
            count(whose.astype(np.int64), counts)
        ends = np.cumsum(counts)
        on_deals = int(ends[self._deals - 1])
        self._free_by_day = np.concatenate(([on_deals], ends[self._deals :]))
        apart = np.arange(on_deals, self._calls, _APART)
        return np.concatenate((ends[: self._deals] - counts[: self._deals], apart, [self._calls])).astype(np.uint32)

    def _talk(self) -> tuple[int, int]:
        """What part of a second talk is told in, and the longest in such parts."""
        whole = [f"bool_and(floor(talk_seconds * {unit} + 0.5) / {unit} = talk_seconds)" for unit in _UNITS]
        longest, *fits = self._engine.query(f"SELECT max(talk_seconds), {', '.join(whole)} FROM calls")[0]
        if True not in fits:
            raise _UnfitError("talk is told in parts of milliseconds")
        unit = _UNITS[fits.index(True)]
        return unit, round(longest * unit)

    def _days_of_all(self) -> Array:
        """The instants at which days begin, from that of the first call or deal to the last one's."""
        told = "SELECT min(us), max(us) FROM ({}) AS all_of_them".format(
            " UNION ALL ".join(
                f"SELECT {column} AS us FROM {table}"
                for table, column in (("calls", "started_us"), ("deals", "created_us"), ("deals", "closed_us"))
            )
        )
        first, last = (moment(us, self._zone).date() for us in self._engine.query(told)[0])
        self._first, length = first, (last - first).days + 2
        if length > CODES - 2:
            raise _UnfitError("that are too many days")
        days = [first + dt.timedelta(days=i) for i in range(length)]
        starts = np.array([Period(d, d + dt.timedelta(days=1)).instants(self._zone)[0] for d in days], np.int64)
        if np.any(starts[1:] < starts[:-1]):
            raise _UnfitError("days run backwards")
        self._calendar = calendar(first.toordinal(), length)
        return starts

    def _day(self, us: Array) -> Array:
        return np.searchsorted(self._days, us, side="right")

    def _sure(self, day: Array, code: Array, of: int) -> None:
        """Raises _UnfitError where a clock was set back over midnight: then a day's code is not told by the day."""
        if not np.array_equal(self._calendar[day, of], code):
            raise _UnfitError("a day has two months or weekdays")

    def _one(self, sql: str) -> Any:
        return self._engine.query(sql)[0][0]

    def _read(self, table: str, *columns: str) -> Iterator[list[Array]]:
        # A store that has grown has gaps where rows were replaced.
        for start in range(0, self._one(f"SELECT max(rowid) + 1 FROM {table}"), _ROWS):
            within = f"rowid >= {start} AND rowid < {start + _ROWS}"
            yield self._engine.arrays(len(columns), f"SELECT {', '.join(columns)} FROM {table} WHERE {within}")


def _limits(to: Mapping[str, Array], dated: str, days: Array, starts: Array) -> None:
    """The first and the last of the days of each block, which begins where `starts` says; it may have none."""
    low, high = (to[name] for name in LIMITS[dated])
    low[:], high[:] = CODES - 1, 0
    some = np.flatnonzero(np.append(starts[1:], len(days)) > starts)
    if len(some):
        low[some] = np.minimum.reduceat(np.where(days == 0, CODES - 1, days), starts[some])
        high[some] = np.maximum.reduceat(days, starts[some])
