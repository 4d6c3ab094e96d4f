"""A scope put to the packed columns: filters and cuts become tables by code, a segment's number the sum of lookups."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from callkit.company import Company
from callkit.dimensions import Dimension
from callkit.measures import MEASURES
from callkit.onepass.columns import BLOCK, DAYS, KINDS, MONTH, ORDINAL, SHIFT, WEEKDAY, Array, Columns, calendar
from callkit.scope import Resolved

Row = tuple[Any, ...]
MOST_SEGMENTS = 1 << 17
_MOST_OF_DEALS = 16
_OUT = -(1 << 26)
"""Out of the scope: less than all that can be added to it."""
_CODES = 1 << 16
_PARTS = 8
"""How many parts each core's work is in: some are done sooner than others."""
_OF_CALLS = ("calls", "answered_calls", "inbound_calls", "outbound_calls", "talk_minutes")
_OF_DEALS = ("deals", "won_deals", "open_deals", "revenue")


@dataclass(frozen=True)
class Cut:
    """Where a column's codes lie and by how much a segment's number grows from one code to the next."""

    span: range
    stride: int


@dataclass(frozen=True, eq=False)
class Tables:
    """What is added to a segment's number by a code of each column; `deals` by the row of `of_deal`."""

    kind: Array
    day: Array
    manager: Array
    stage: Array
    deals: Mapping[str, Array]
    days: tuple[int, int]
    cuts: Sequence[Cut]
    segments: int


def sums(columns: Columns, company: Company, resolved: Resolved) -> dict[str, list[Row]] | None:
    """The sums of `callkit.onepass.summed`; None where the columns do not hold what is asked for."""
    added = tuple(tuple(m.name for m in MEASURES.values() if m.fact == fact) for fact in ("calls", "deals"))
    tables = _tables(columns, company, resolved) if added == (_OF_CALLS, _OF_DEALS) else None
    if tables is None:
        return None
    touching = resolved.scope.lens == "called"
    first, last = tables.days
    blocks = np.flatnonzero((columns["high"] >= first) & (columns["low"] <= last))
    found = _swept(columns, tables, blocks, touching)
    calls, talked = (sum(part[i] for part in found) for i in (0, 1))
    given = {"calls": _rows(tables, calls, functools.partial(_of_calls, columns.told["talk_unit"]), talked)}
    if touching:
        deals, worth, whole, whole_worth = (sum(part[i] for part in found) for i in (2, 3, 4, 5))
        given["deals"] = _rows(tables, deals, _of_deals, worth, (whole, whole_worth[0]))
    return given


def _of_calls(unit: int, ways: Sequence[int], talked: int) -> Row:
    """The measures of calls: `ways` are their numbers by direction and whether answered."""
    seconds = talked / unit if unit > 1 else float(talked)
    return sum(ways), sum(ways[1::2]), ways[0] + ways[1], ways[2] + ways[3], seconds / 60.0


def _of_deals(outcomes: Sequence[int], worth: float) -> Row:
    return sum(outcomes), outcomes[0], outcomes[2], worth


def _rows(
    tables: Tables, counts: Any, measured: Callable[..., Row], added: Any, whole: tuple[Any, Any] | None = None
) -> list[Row]:
    """The rows of a fact: its segments that are not empty, and the whole, summed from them unless given."""
    there = np.flatnonzero(counts.any(axis=1))
    keys = [(there // c.stride % len(c.span) + c.span.start).tolist() for c in tables.cuts]
    parts = zip(counts[there].tolist(), added[there].tolist(), strict=True)
    rows = [(0, *key, *measured(*part)) for *key, part in zip(*keys, parts, strict=True)] if keys else []
    in_all, added_in_all = whole or (counts.sum(axis=0), added.sum())
    return [*rows, (1, *[None] * len(keys), *measured(in_all.tolist(), added_in_all.item()))]


def _swept(columns: Columns, tables: Tables, blocks: Array, touching: bool) -> list[list[Any]]:
    """The sums of every thread over its parts of the blocks."""
    from callkit.onepass.compiled import sweep

    threads = _cores()
    parts = iter(np.array_split(blocks, min(len(blocks), threads * _PARTS) or 1))
    rows = np.array([columns.rows[name] for name in tables.deals], np.int64)
    of_deals = np.vstack([*tables.deals.values(), np.empty((0, _CODES), np.int32)])
    size = tables.segments

    def work() -> list[Any]:
        segments = size if touching else 1
        calls, talked, last = np.zeros((size, 8), np.int64), np.zeros(size, np.int64), np.full(segments, -1, np.int32)
        deals, worth = np.zeros((segments, 4), np.int64), np.zeros(segments)
        whole, whole_worth = np.zeros(4, np.int64), np.zeros(1)
        for part in parts:
            sweep(
                part, BLOCK, columns["of_deal"], rows, of_deals, columns["at"], columns["outcome"], columns["amount"],
                *(columns[name] for name in ("kind", "day", "manager", "stage", "talk")),
                tables.kind, tables.day, tables.manager, tables.stage, _way_of_kind(),
                touching, calls, talked, last, deals, worth, whole, whole_worth,
            )  # fmt: skip
        return [calls, talked, deals, worth, whole, whole_worth]

    waiting = [_pool().submit(work) for _ in range(threads - 1)]
    return [work(), *(other.result() for other in waiting)]


@functools.cache
def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _pool() -> ThreadPoolExecutor:
    # Made when it is first wanted: a process that is to be forked has no threads.
    return ThreadPoolExecutor(max(1, _cores() - 1), thread_name_prefix="callkit-pass")


@functools.cache
def _way_of_kind() -> Array:
    ways = np.zeros(256, np.int64)
    ways[:KINDS] = np.arange(KINDS) // 24 % 3 * 2
    return ways


class _Axes:
    """The columns that segments and filters speak of: by code of a packed column, the code of a dimension."""

    def __init__(self, columns: Columns) -> None:
        kinds = np.arange(KINDS)
        days, teams = calendar(columns.told["first_day"], columns.told["days"]), columns["teams"].astype(np.int64)
        month, weekday = days[:, MONTH], days[:, WEEKDAY]
        self.ordinals = days[1:, ORDINAL]
        self.months = range(int(month[1]), int(month[-1]) + 1)
        self.extents = {
            "kind": len(kinds), "day": len(month), "manager": len(teams), "stage": columns.told["stages"],
            **dict.fromkeys(DAYS, len(month)), **columns.told["codes"],
        }  # fmt: skip
        self.of: dict[str, tuple[str, Array]] = {
            "direction": ("kind", kinds // 24 % 3 + 1), "hour": ("kind", kinds % 24),
            "weekday": ("day", weekday), "month": ("day", month),
            "manager": ("manager", np.arange(len(teams))), "team": ("manager", teams),
            "stage": ("stage", np.arange(columns.told["stages"]) - SHIFT),
        }  # fmt: skip
        for row, extent in columns.told["codes"].items():
            self.of[row.removeprefix("dim_")] = (row, np.arange(extent) - SHIFT)
        small = {name: int(np.iinfo(columns[name].dtype).max) + 1 for name in ("kind", "day", "manager", "stage")}
        self.widths = small | dict.fromkeys((*DAYS, *columns.told["codes"]), _CODES)


@functools.lru_cache(2)
def _axes(columns: Columns) -> _Axes:
    return _Axes(columns)


def _tables(columns: Columns, company: Company, resolved: Resolved) -> Tables | None:
    """The tables of a scope, None where a column of it is not packed, or there are too many segments."""
    axes, cuts, segments = _axes(columns), [], 1
    dated = {"created": "created_day", "lifetime": "closed_day"}.get(resolved.scope.lens, "day")
    if any(d.name not in axes.of for d in (*resolved.by, *(d for d, _ in resolved.keeps))):
        return None
    for dimension in resolved.by:
        span = axes.months if dimension.name == "month" else company.codes(dimension)
        cuts.append(Cut(span, segments))
        segments *= len(span)
    if segments > MOST_SEGMENTS:
        return None
    made = {axis: np.zeros(axes.extents[axis], np.int64) for axis in ("kind", "day", "manager", "stage", dated)}

    def codes_of(dimension: Dimension) -> tuple[Array, Array]:
        """The table that a dimension is told by, and the dimension's codes there."""
        axis, codes = axes.of[dimension.name]
        axis = dated if dimension.name == "month" else axis
        return made.setdefault(axis, np.zeros(len(codes), np.int64)), codes

    first, last = _days(axes, resolved)
    made[dated][:first] = made[dated][last + 1 :] = _OUT
    for dimension, cut in zip(resolved.by, cuts, strict=True):
        table, codes = codes_of(dimension)
        inside = (codes >= cut.span.start) & (codes < cut.span.stop)
        table += np.where(inside, (codes - cut.span.start) * cut.stride, _OUT)
    for dimension, kept in resolved.keeps:
        table, codes = codes_of(dimension)
        table[~np.isin(codes, kept)] = _OUT
    wide = {axis: _wide(table, axes.widths[axis]) for axis, table in made.items()}
    deals = {axis: wide.pop(axis) for axis in list(wide) if axis in columns.rows}
    if len(deals) > _MOST_OF_DEALS:
        return None
    return Tables(**wide, deals=deals, days=(first, last) if dated == "day" else (0, _CODES), cuts=cuts, segments=segments)


def _days(axes: _Axes, resolved: Resolved) -> tuple[int, int]:
    """The first and the last number of the days in the period."""
    period = resolved.scope.period
    first, stop = np.searchsorted(axes.ordinals, [period.start.toordinal(), period.stop.toordinal()])
    return int(first) + 1, int(stop)


def _wide(table: Array, width: int) -> Array:
    """A table that has an answer for every number that a column may hold."""
    wide = np.full(width, _OUT, np.int32)
    wide[: len(table)] = np.maximum(table, _OUT)
    return wide
