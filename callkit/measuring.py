"""Measuring: figures by segment under a scope.

Calls and deals are each summed apart, in the engine, and joined only as finished sums; metrics divide last, here.
The SQL is composed from the registries of measures and dimensions; values are bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from callkit import onepass
from callkit.company import Company
from callkit.engine import Row
from callkit.figures import TOTAL, Figures
from callkit.measures import (
    DEAL_COLUMNS,
    DIVIDED_BY_WHOLE_OR_MINUTES,
    MEASURES,
    SET_AGAINST_MINUTES,
    SUMMED_FIRST,
    wilson,
)
from callkit.rows import BITS, Sql, call_rows, deal_rows, touched_rows
from callkit.scope import Resolved, Scope, resolve

_NARROWS_CALLS_ONLY = ("stage", "direction", "hour", "weekday")
_PEOPLE = ("manager", "team")
_SUMS = {fact: [(m.name, m.sums) for m in MEASURES.values() if m.fact == fact] for fact in ("calls", "deals")}
_SUMS_OF = {fact: ", ".join(f"{sql} AS {name}" for name, sql in sums) for fact, sums in _SUMS.items()}
_NAMES = {fact: [name for name, _ in sums] for fact, sums in _SUMS.items()}
_ADDED = {name for names in _NAMES.values() for name in names}
_PART = 16
"""How many bits of a set of segments are looked at together at most."""


def measure(company: Company, scope: Scope, by: Sequence[str] = ()) -> Figures:
    """Every measure by segment: the figures of `callkit metrics`.

    `by` are columns to cut by, none for the whole alone. Undefined figures are None. See `figures.Figures`.

    Raises UsageError for a column that is not there.
    """
    return measure_resolved(company, resolve(company, scope, by))


def measure_resolved(company: Company, resolved: Resolved) -> Figures:
    """`measure` for a scope that is resolved already."""
    sums: dict[tuple[int, ...] | None, dict[str, Any]] = {}
    passed = onepass.summed(company, resolved)
    for fact, names in _NAMES.items():
        for row in passed[fact] if fact in passed else _queried(fact, company, resolved):
            key = None if row[0] else tuple(row[1 : 1 + len(resolved.by)])
            sums.setdefault(key, {}).update(zip(names, row[1 + len(resolved.by) :], strict=True))
    whole = _finished(sums.pop(None, {}), {}, resolved.scope.credit)
    whole |= {name: _ratio(name, whole, whole) for name in ("call_share", "talk_share", "win_share", "revenue_share")}
    whole["efficiency"] = _ratio("efficiency", whole, whole)
    rows = []
    for key, added in sums.items():
        assert key is not None  # the whole was taken out above
        figures = _finished(added, whole, resolved.scope.credit)
        labels = tuple(company.label(d, code) for d, code in zip(resolved.by, key, strict=True))
        rows.append((labels, figures))
    # Sums of seconds may differ in their last bits from run to run; the order of rows must not.
    rows.sort(key=lambda row: (-round(row[1]["talk_minutes"], 9), row[0]))
    keys = (TOTAL,) * max(1, len(resolved.by))
    in_segments, everywhere = emptied(resolved)
    finished = [(*labels, *_columns(figures, in_segments | everywhere)) for labels, figures in rows if resolved.by]
    return Figures(
        tuple(d.name for d in resolved.by), [*finished, (*keys, *_columns(whole, everywhere))], resolved.scope
    )


def _queried(fact: str, company: Company, resolved: Resolved) -> Sequence[Row]:
    sql = _calls(resolved) if fact == "calls" else _deals(company, resolved)
    return company.engine.query(sql.text, sql.values) if sql else ()


def _columns(figures: Mapping[str, Any], emptied: set[str]) -> list[Any]:
    return [None if name in emptied else figures[name] for name in MEASURES]


def _finished(added: Mapping[str, Any], whole: Mapping[str, Any], credit: str) -> dict[str, Any]:
    """Sums of one segment with its metrics; a sum that is missing is 0, a ratio to nothing is None."""
    figures: dict[str, Any] = {name: _number(added.get(name)) for name in _ADDED}
    figures["talk_seconds"] = figures["talk_minutes"] * 60
    for name, m in MEASURES.items():
        if m.numerator:
            figures[name] = _ratio(name, figures, whole)
    figures["conversion_low"] = figures["conversion_high"] = None
    if figures["deals"] and credit not in ("talk", "equal"):
        figures["conversion_low"], figures["conversion_high"] = wilson(figures["won_deals"], figures["deals"])
    return figures


def _ratio(name: str, figures: Mapping[str, Any], whole: Mapping[str, Any]) -> float | None:
    m = MEASURES[name]
    over, under = figures.get(m.numerator), (whole if m.of_scope else figures).get(m.denominator)
    return None if over is None or not under else over / under


def _number(value: Any) -> int | float:
    if value is None:
        return 0
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)


def emptied(resolved: Resolved) -> tuple[set[str], set[str]]:
    """The columns without meaning in segments, and those without meaning anywhere."""
    names, lens = [d.name for d in resolved.by], resolved.scope.lens
    by_call = any(d.of == "call" for d in resolved.by)
    in_segments: set[str] = set()
    if by_call and lens != "called":
        in_segments |= set(DEAL_COLUMNS)
    if lens == "called" and (by_call or any(n in (*_PEOPLE, "month") for n in names)):
        in_segments |= set(DIVIDED_BY_WHOLE_OR_MINUTES)
    narrowing = {*_NARROWS_CALLS_ONLY, *(_PEOPLE if lens == "called" else ())}
    everywhere = set(SET_AGAINST_MINUTES) if any(d.name in narrowing for d, _ in resolved.keeps) else set()
    return in_segments, everywhere


def _calls(resolved: Resolved) -> Sql:
    """Sums over the calls of the scope, by segment and whole."""
    keys = [d.calls for d in resolved.by]
    columns = "c.direction AS direction, c.answered AS answered, c.talk_seconds AS talk_seconds"
    rows = call_rows(resolved, columns, keys)
    return _grouped("calls", keys, rows)


def _deals(company: Company, resolved: Resolved) -> Sql | None:
    """Sums over the deals of the scope, by segment and whole; None stands for `by segment: nothing to say`."""
    if resolved.scope.lens == "called":
        return _deals_touched(company, resolved)
    keys = [] if any(d.of == "call" for d in resolved.by) else [d.deals for d in resolved.by]
    rows = deal_rows(company, resolved, keys)
    return _grouped("deals", keys, rows, width=len(resolved.by))


def _deals_touched(company: Company, resolved: Resolved) -> Sql:
    """Under `called`, sums over the deals that the scope's calls touch: by segment and whole."""
    if all(d.of == "deal" for d in resolved.by):  # every deal lies in one segment
        keys = [d.deals for d in resolved.by]
        return _grouped("deals", keys, touched_rows(resolved, (), of_deal=keys))
    if company.engine.bits:
        return _touched_by_bits(company, resolved)
    keys = [d.calls for d in resolved.by]
    named = ", ".join(f"k{i}" for i in range(len(keys)))
    parts, whole = touched_rows(resolved, keys), touched_rows(resolved, ())
    text = f"""
        SELECT 0, {named}, {_SUMS_OF["deals"]} FROM ({_summed_first("deals", keys, parts)}) AS base GROUP BY {named}
        UNION ALL SELECT 1{", NULL" * len(keys)}, {_SUMS_OF["deals"]}
        FROM ({_summed_first("deals", (), whole)}) AS base
    """
    return Sql(text, parts.values + whole.values)


def _touched_by_bits(company: Company, resolved: Resolved) -> Sql:
    """The same from rows of a deal that hold the segments it touches as bits of a number.

    A number is read in parts of a few bits. Equal parts are summed first, of which there are few, and only then taken
    apart. A column whose codes do not fit has rows of its own, and then the whole is asked for beside.
    """
    start, stop = resolved.scope.period.start, resolved.scope.period.stop
    months = range(start.year * 12 + start.month - 1, stop.year * 12 + stop.month)
    spans = [months if d.of == "month" else company.codes(d) if d.of != "deal" else range(0) for d in resolved.by]
    bit, over, in_bits = "0", 1, dict[int, str]()
    for i in sorted(range(len(spans)), key=lambda i: len(spans[i])):
        if spans[i] and over * len(spans[i]) <= BITS:
            bit = f"{bit} + {over} * ({resolved.by[i].calls} - ({spans[i].start}))"
            in_bits[i] = f"CAST(floor(n / {over}) AS INTEGER) % {len(spans[i])} + ({spans[i].start}) AS s{i}"
            over *= len(spans[i])
    own = [i for i in range(len(spans)) if i not in in_bits and spans[i]]
    of_deal = [i for i in range(len(spans)) if not spans[i]]
    rows = touched_rows(
        resolved,
        [resolved.by[i].calls for i in own],
        [f"bit_or(CAST(1 AS BIGINT) << CAST({bit} AS INTEGER))"],
        [resolved.by[i].deals for i in of_deal],
    )
    at = [*own, None, *of_deal]  # None is where the bits are
    named = {i: f"k{at.index(i)}" for i in own + of_deal} | {i: f"s{i}" for i in in_bits}
    keys = ", ".join(named[i] for i in range(len(spans)))
    alike, added = SUMMED_FIRST["deals"]
    alike += "".join(f", {named[i]}" for i in own + of_deal)
    width = math.ceil(over / math.ceil(over / _PART))
    starts = range(0, over, width)
    parts = [f"p{start}" for start in starts]
    read = ", ".join(f"CAST((k{len(own)} >> {at}) & {(1 << width) - 1} AS INTEGER) AS p{at}" for at in starts)
    held = " ".join(f"WHEN n < {at + width} THEN (p{at} >> (CAST(n AS INTEGER) - {at})) & 1" for at in starts)
    base = Sql("SELECT * FROM sets WHERE p0 IS NOT NULL")
    if own:
        whole = touched_rows(resolved, ())
        base = Sql(_summed_first("deals", (), whole), whole.values)
    text = f"""
        WITH sets AS (
            SELECT {alike}, {", ".join(parts)}, {added} FROM (SELECT *, {read} FROM ({rows.text}) AS touched) AS base
            GROUP BY GROUPING SETS ({", ".join(f"({alike}, {part})" for part in parts)})
        ),
        segments AS (SELECT n{"".join(f", {s}" for s in in_bits.values())} FROM range({over}) AS numbers(n))
        SELECT 0, {keys}, {_SUMS_OF["deals"]} FROM sets JOIN segments ON CASE {held} END = 1 GROUP BY {keys}
        UNION ALL SELECT 1{", NULL" * len(spans)}, {_SUMS_OF["deals"]} FROM ({base.text}) AS base
    """
    return Sql(text, rows.values + base.values)


def _grouped(fact: str, keys: Sequence[str], rows: Sql, width: int | None = None) -> Sql:
    """Sums of `fact` over `rows`: one row a segment and one, marked 1 in its first column, for the whole."""
    sums, summed, named = _SUMS_OF[fact], _summed_first(fact, keys, rows), ", ".join(f"k{i}" for i in range(len(keys)))
    if not keys:
        return Sql(f"SELECT 1{', NULL' * (width or 0)}, {sums} FROM ({summed}) AS base", rows.values)
    return Sql(
        f"SELECT GROUPING(k0), {named}, {sums} FROM ({summed}) AS base GROUP BY GROUPING SETS (({named}), ())",
        rows.values,
    )


def _summed_first(fact: str, keys: Sequence[str], rows: Sql) -> str:
    alike, added = SUMMED_FIRST[fact]
    alike += "".join(f", k{i}" for i in range(len(keys)))
    return f"SELECT {alike}, {added} FROM ({rows.text}) AS rows_in GROUP BY {alike}"
