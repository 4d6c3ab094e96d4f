"""A scope as tables: what a code of each packed column adds to a segment's number, or that it is out of the scope."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from callkit.company import Company
from callkit.dimensions import Dimension
from callkit.onepass.columns import CODES, DAYS, KINDS, MONTH, ORDINAL, SHIFT, WEEKDAY, Array, Columns, calendar
from callkit.scope import Resolved

MOST_SEGMENTS = 1 << 17
_MOST_OF_DEALS = 16
_OUT = -(1 << 26)
"""Out of the scope: less than all that can be added to it."""
_OF_CALLS = ("kind", "day", "manager", "stage")
_DATED = {"created": DAYS[0], "lifetime": DAYS[1], "closed": DAYS[1]}


@dataclass(frozen=True)
class Cut:
    """Where a column's codes lie and by how much a segment's number grows from one code to the next."""

    span: range
    stride: int


@dataclass(frozen=True, eq=False)
class Tables:
    """What a code of each column adds to a segment's number: `calls` by packed column, `deals` by row of `of_deal`.

    `dated` is the column of the period, `days` the first and the last of its days.
    """

    calls: Mapping[str, Array]
    deals: Mapping[str, Array]
    cuts: Sequence[Cut]
    segments: int
    dated: str
    days: tuple[int, int]


def of_calls(columns: Columns, company: Company, resolved: Resolved) -> Tables | None:
    """The tables of a scope's calls, None where a column of it is not packed, or there are too many segments."""
    lens = resolved.scope.lens
    dated = "day" if lens in ("closed", "called") else _DATED[lens]
    return _made(_axes(columns), company, resolved, resolved.by, resolved.keeps, dated)


def of_deals(columns: Columns, company: Company, resolved: Resolved) -> Tables | None:
    """The tables of a scope's deals under any lens but `called`; None as in `of_calls`, and where deals are split."""
    dimensions = (*resolved.by, *(d for d, _ in resolved.keeps))
    if resolved.scope.credit != "owner" and any(d.of == "person" for d in dimensions):
        return None
    axes = _axes(columns)
    by = () if any(d.of == "call" for d in resolved.by) else resolved.by
    keeps = [(d, codes) for d, codes in resolved.keeps if d.of != "call"]
    return _made(axes.credited, company, resolved, by, keeps, _DATED[resolved.scope.lens])


class _Axes:
    """The columns that segments and filters speak of: by code of a packed column, the code of a dimension."""

    def __init__(self, columns: Columns) -> None:
        kinds, codes = np.arange(KINDS), columns.told["codes"]
        days, teams = calendar(columns.told["first_day"], columns.told["days"]), columns["teams"].astype(np.int64)
        month, weekday = days[:, MONTH], days[:, WEEKDAY]
        self.ordinals = days[1:, ORDINAL]
        self.months = range(int(month[1]), int(month[-1]) + 1)
        self.month = month
        self.extents = {"kind": KINDS, "day": len(month), "manager": len(teams), "stage": columns.told["stages"]}
        self.widths = {name: int(np.iinfo(columns[name].dtype).max) + 1 for name in self.extents}
        self.extents |= dict.fromkeys(DAYS, len(month)) | codes
        self.of = {
            "direction": ("kind", kinds // 24 % 3 + 1), "hour": ("kind", kinds % 24), "weekday": ("day", weekday),
            "manager": ("manager", np.arange(len(teams))), "team": ("manager", teams),
            "stage": ("stage", np.arange(columns.told["stages"]) - SHIFT),
        } | {row.removeprefix("dim_"): (row, np.arange(n) - SHIFT) for row, n in codes.items()}  # fmt: skip

    @functools.cached_property
    def credited(self) -> _Axes:
        """The same where people are those to whom deals are credited: their owners."""
        other = object.__new__(_Axes)
        other.__dict__ |= {**self.__dict__, "of": dict(self.of)}
        for name in ("manager", "team"):
            if "owner" in self.of:
                row, codes = self.of["owner"]
                known = self.of[name][1]
                inside = (codes >= 0) & (codes < len(known))
                other.of[name] = (row, np.where(inside, known[np.where(inside, codes, 0)], -SHIFT))
            else:
                del other.of[name]
        return other


@functools.lru_cache(2)
def _axes(columns: Columns) -> _Axes:
    return _Axes(columns)


def _made(
    axes: _Axes, company: Company, resolved: Resolved, by: Sequence[Dimension],
    keeps: Iterable[tuple[Dimension, Sequence[int]]], dated: str,
) -> Tables | None:  # fmt: skip
    asked = [(d.name, d) for d in (*by, *(d for d, _ in keeps))]
    if any(name not in axes.of and name != "month" for name, _ in asked):
        return None
    cuts, segments = [], 1
    for dimension in by:
        span = axes.months if dimension.name == "month" else company.codes(dimension)
        cuts.append(Cut(span, segments))
        segments *= len(span)
    if segments > MOST_SEGMENTS:
        return None
    made = {axis: np.zeros(axes.extents[axis], np.int64) for axis in (*_OF_CALLS, dated)}

    def told(dimension: Dimension) -> tuple[Array, Array]:
        """The table that a dimension is told by, and the dimension's codes there."""
        axis, codes = (dated, axes.month) if dimension.name == "month" else axes.of[dimension.name]
        return made.setdefault(axis, np.zeros(len(codes), np.int64)), codes

    period = resolved.scope.period
    before, until = np.searchsorted(axes.ordinals, [period.start.toordinal(), period.stop.toordinal()])
    first, last = int(before) + 1, int(until)
    made[dated][:first] = made[dated][last + 1 :] = _OUT
    for dimension, cut in zip(by, cuts, strict=True):
        table, codes = told(dimension)
        inside = (codes >= cut.span.start) & (codes < cut.span.stop)
        table += np.where(inside, (codes - cut.span.start) * cut.stride, _OUT)
    for dimension, kept in keeps:
        table, codes = told(dimension)
        table[~np.isin(codes, kept)] = _OUT
    wide = {axis: _wide(table, axes.widths.get(axis, CODES)) for axis, table in made.items()}
    calls = {axis: wide.pop(axis) for axis in _OF_CALLS}
    if len(wide) > _MOST_OF_DEALS:
        return None
    return Tables(calls, wide, cuts, segments, dated, (first, last))


def _wide(table: Array, width: int) -> Array:
    """A table that has an answer for every number that a column may hold."""
    wide = np.full(width, _OUT, np.int32)
    wide[: len(table)] = np.maximum(table, _OUT)
    return wide
