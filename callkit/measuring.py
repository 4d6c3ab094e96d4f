"""Measuring: figures by segment under a scope.

Calls and deals are each summed apart, in the engine, and joined only as finished sums; metrics divide last, here.
The SQL is composed from the registries of measures and dimensions; values are bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from callkit.company import Company
from callkit.figures import TOTAL, Figures
from callkit.measures import DEAL_COLUMNS, DIVIDED_BY_WHOLE_OR_MINUTES, MEASURES, SET_AGAINST_MINUTES, wilson
from callkit.rows import BITS, Sql, call_rows, deal_rows, touched_rows
from callkit.scope import Resolved, Scope, resolve

_NARROWS_CALLS_ONLY = ("stage", "direction", "hour", "weekday")
_PEOPLE = ("manager", "team")
_SUMS = {fact: [(m.name, m.sums) for m in MEASURES.values() if m.fact == fact] for fact in ("calls", "deals")}
_ADDED = {name for sums in _SUMS.values() for name, _ in sums}


def measure(company: Company, scope: Scope, by: Sequence[str] = ()) -> Figures:
    """Every measure by segment: the figures of `callkit metrics`.

    `by` are columns to cut by, none for the whole alone. Undefined figures are None. See `figures.Figures`.

    Raises UsageError for a column that is not there.
    """
    return measure_resolved(company, resolve(company, scope, by))


def measure_resolved(company: Company, resolved: Resolved) -> Figures:
    """`measure` for a scope that is resolved already."""
    sums: dict[tuple[int, ...] | None, dict[str, Any]] = {}
    for fact, piece in (("calls", _calls(resolved)), ("deals", _deals(company, resolved))):
        if piece is None:
            continue
        names = [name for name, _ in _SUMS[fact]]
        for row in company.engine.query(piece.text, piece.values):
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
    rows = call_rows(resolved, "c.direction, c.talk_seconds", keys)
    return _grouped(rows.text, "calls", keys, rows)


def _deals(company: Company, resolved: Resolved) -> Sql | None:
    """Sums over the deals of the scope, by segment and whole; None stands for `by segment: nothing to say`."""
    if resolved.scope.lens == "called":
        return _deals_touched(company, resolved)
    keys = [] if any(d.of == "call" for d in resolved.by) else [d.deals for d in resolved.by]
    rows = deal_rows(company, resolved, keys)
    return _grouped(rows.text, "deals", keys, rows, width=len(resolved.by))


def _deals_touched(company: Company, resolved: Resolved) -> Sql:
    """Under `called`, sums over the deals that the scope's calls touch: by segment and whole."""
    if all(d.of == "deal" for d in resolved.by):  # every deal lies in one segment
        rows = touched_rows(resolved, (), [f"min({d.calls})" for d in resolved.by])
        return _grouped(rows.text, "deals", [d.calls for d in resolved.by], rows)
    if company.engine.bits:
        return _touched_by_bits(company, resolved)
    keys = [d.calls for d in resolved.by]
    sums, named = _sums("deals"), ", ".join(f"k{i}" for i in range(len(keys)))
    parts, whole = touched_rows(resolved, keys), touched_rows(resolved, ())
    text = f"""
        SELECT 0, {named}, {sums} FROM ({parts.text}) AS base GROUP BY {named}
        UNION ALL SELECT 1{", NULL" * len(keys)}, {sums} FROM ({whole.text}) AS base
    """
    return Sql(text, parts.values + whole.values)


def _touched_by_bits(company: Company, resolved: Resolved) -> Sql:
    """The same from rows of a deal that hold the segments it touches as bits of a number.

    Such sets of segments are few: deals with equal ones are summed first, and only the sets are taken apart. A column
    whose codes do not fit has rows of its own, and then the whole is asked for beside.
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
    aggregated = [f"min({resolved.by[i].calls})" for i in of_deal]
    rows = touched_rows(
        resolved,
        [resolved.by[i].calls for i in own],
        [*aggregated, f"bit_or(CAST(1 AS BIGINT) << CAST({bit} AS INTEGER))"],
    )
    named = {i: f"k{at}" for at, i in enumerate(own + of_deal)} | {i: f"s{i}" for i in in_bits}
    keys = ", ".join(named[i] for i in range(len(spans)))
    sets = ", ".join(f"k{i}" for i in range(len(own + of_deal) + 1))
    again = ", ".join(f"sum({name}) AS {name}" for name, _ in _SUMS["deals"])
    whole = Sql(f"SELECT {again} FROM sets")
    if own:
        base = touched_rows(resolved, ())
        whole = Sql(f"SELECT {_sums('deals')} FROM ({base.text}) AS base", base.values)
    text = f"""
        WITH sets AS (SELECT {sets}, {_sums("deals")} FROM ({rows.text}) AS base GROUP BY {sets}),
            segments AS (SELECT n{"".join(f", {s}" for s in in_bits.values())} FROM range({over}) AS numbers(n))
        SELECT 0, {keys}, {again} FROM sets JOIN segments ON (k{len(own + of_deal)} >> n) & 1 = 1 GROUP BY {keys}
        UNION ALL SELECT 1{", NULL" * len(spans)}, * FROM ({whole.text}) AS whole
    """
    return Sql(text, rows.values + whole.values)


def _sums(fact: str) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in _SUMS[fact])


def _grouped(rows: str, fact: str, keys: Sequence[str], where: Sql, width: int | None = None) -> Sql:
    """Sums of `fact` over `rows`: one row a segment and one, marked 1 in its first column, for the whole."""
    sums, named = _sums(fact), ", ".join(f"k{i}" for i in range(len(keys)))
    if not keys:
        return Sql(f"SELECT 1{', NULL' * (width or 0)}, {sums} FROM ({rows}) AS base", where.values)
    return Sql(
        f"SELECT GROUPING(k0), {named}, {sums} FROM ({rows}) AS base GROUP BY GROUPING SETS (({named}), ())",
        where.values,
    )
