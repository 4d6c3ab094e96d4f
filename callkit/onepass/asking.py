"""A scope put to the packed columns: the compiled loops on every core, and rows of sums made of what they counted."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from callkit.company import Company
from callkit.measures import MEASURES
from callkit.onepass import tables
from callkit.onepass.columns import BLOCK, CODES, DAYS, KINDS, LIMITS, Array, Columns, types
from callkit.onepass.tables import Tables
from callkit.scope import Resolved

Row = tuple[Any, ...]
_PARTS = 8
"""How many parts each core's work is in: some are done sooner than others."""
_KNOWN = {
    "calls": ("calls", "answered_calls", "inbound_calls", "outbound_calls", "talk_minutes"),
    "deals": ("deals", "won_deals", "open_deals", "revenue"),
}


def sums(columns: Columns, company: Company, resolved: Resolved) -> dict[str, list[Row]]:
    """The sums of `callkit.onepass.summed`: those that the columns can tell."""
    measures = {fact: tuple(m.name for m in MEASURES.values() if m.fact == fact) for fact in _KNOWN}
    given: dict[str, list[Row]] = {}
    if measures != _KNOWN:  # a measure that is not known here is SQL's
        return given
    called = resolved.scope.lens == "called"
    if of_calls := tables.of_calls(columns, company, resolved):
        given |= _of_calls(columns, of_calls, called)
    if not called and (of_deals := tables.of_deals(columns, company, resolved)):
        given["deals"] = _of_deals(columns, of_deals, len(resolved.by))
    return given


def warm() -> None:
    """Loads the loops, compiled where they never were, by a company of one deal without calls; starts no thread."""
    arrays = {name: np.frombuffer(bytes(16), kind, 1) for name, kind in types(small=True).items()}
    arrays |= {"at": np.frombuffer(bytes(8), "u4"), "of_deal": arrays["of_deal"].reshape(1, 1)}
    nothing = {name: np.zeros(CODES, np.int32) for name in ("kind", "day", "manager", "stage")}
    scope = Tables(nothing, {DAYS[1]: nothing["day"]}, (), 1, DAYS[1], (0, 0))
    columns = Columns({"rows": [DAYS[1]], "talk_unit": 1}, arrays)
    _of_calls(columns, scope, called=True)
    _of_deals(columns, scope, 0)


def _of_calls(columns: Columns, scope: Tables, called: bool) -> dict[str, list[Row]]:
    from callkit.onepass.compiled import sweep

    rows, of_deals = _of_places(columns, scope)
    size, touched = scope.segments, scope.segments if called else 1

    def counted(parts: Iterator[Array]) -> list[Any]:
        calls, talked, last = np.zeros((size, 8), np.int64), np.zeros(size, np.int64), np.full(touched, -1, np.int32)
        deals, worth = np.zeros((touched, 4), np.int64), np.zeros(touched)
        whole, whole_worth = np.zeros(4, np.int64), np.zeros(1)
        for part in parts:
            sweep(
                part, BLOCK, columns["of_deal"], rows, of_deals, columns["at"], columns["outcome"], columns["amount"],
                *(columns[name] for name in ("kind", "day", "manager", "stage", "talk")),
                *(scope.calls[name] for name in ("kind", "day", "manager", "stage")), _way_of_kind(),
                called, calls, talked, last, deals, worth, whole, whole_worth,
            )  # fmt: skip
        return [calls, talked, deals, worth, whole, whole_worth]

    calls, talked, deals, worth, whole, whole_worth = _on_all_cores(counted, _blocks(columns, scope))
    width = len(scope.cuts)
    told = functools.partial(_measures_of_calls, columns.told["talk_unit"])
    given = {"calls": _rows(scope, width, told, calls, talked, calls.sum(axis=0), talked.sum())}
    if called:
        given["deals"] = _rows(scope, width, _measures_of_deals, deals, worth, whole, whole_worth[0])
    return given


def _of_deals(columns: Columns, scope: Tables, width: int) -> list[Row]:
    from callkit.onepass.compiled import tally

    rows, of_deals = _of_places(columns, scope)

    def counted(parts: Iterator[Array]) -> list[Any]:
        deals, worth = np.zeros((scope.segments, 4), np.int64), np.zeros(scope.segments)
        for part in parts:
            tally(part, BLOCK, columns["of_deal"], rows, of_deals, columns["outcome"], columns["amount"], deals, worth)
        return [deals, worth]

    deals, worth = _on_all_cores(counted, _blocks(columns, scope))
    return _rows(scope, width, _measures_of_deals, deals, worth, deals.sum(axis=0), worth.sum())


def _blocks(columns: Columns, scope: Tables) -> Array:
    """The numbers of the blocks in which something lies in the period."""
    low, high = (columns[name] for name in LIMITS[scope.dated])
    return np.flatnonzero((high >= scope.days[0]) & (low <= scope.days[1]))


def _of_places(columns: Columns, scope: Tables) -> tuple[Array, Array]:
    """The rows of `of_deal` that tell of a scope, and what is added by their codes."""
    rows = [columns.told["rows"].index(name) for name in scope.deals]
    return np.array(rows, np.int64), np.vstack([*scope.deals.values(), np.empty((0, CODES), np.int32)])


def _measures_of_calls(unit: int, ways: Sequence[int], talked: int) -> Row:
    """The measures of calls: `ways` are their numbers by direction, and among these unanswered, answered."""
    seconds = talked / unit if unit > 1 else float(talked)
    return sum(ways), sum(ways[1::2]), ways[0] + ways[1], ways[2] + ways[3], seconds / 60.0


def _measures_of_deals(outcomes: Sequence[int], worth: float) -> Row:
    """The measures of deals: `outcomes` are their numbers by outcome, `worth` is what the won ones brought."""
    return sum(outcomes), outcomes[0], outcomes[2], worth


def _rows(
    scope: Tables, width: int, measured: Callable[..., Row], counts: Any, added: Any, whole: Any, added_in_all: Any
) -> list[Row]:
    """The rows of a fact: its segments that are not empty, and the whole."""
    rows: list[Row] = []
    if scope.cuts:
        there = np.flatnonzero(counts.any(axis=1))
        keys = [(there // c.stride % len(c.span) + c.span.start).tolist() for c in scope.cuts]
        sums = map(measured, counts[there].tolist(), added[there].tolist())
        rows = [(0, *key, *told) for *key, told in zip(*keys, sums, strict=True)]
    return [*rows, (1, *[None] * width, *measured(whole.tolist(), added_in_all.item()))]


def _on_all_cores(counted: Callable[[Iterator[Array]], list[Any]], blocks: Array) -> list[Any]:
    """The sums over blocks: every core takes part after part until none is left, and theirs are added up."""
    split = np.array_split(blocks, max(1, min(len(blocks), _cores() * _PARTS)))
    parts = iter(split)
    waiting = [_pool().submit(counted, parts) for _ in range(min(_cores(), len(split)) - 1)]
    found = [counted(parts), *(other.result() for other in waiting)]
    return [sum(part) for part in zip(*found, strict=True)]


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
