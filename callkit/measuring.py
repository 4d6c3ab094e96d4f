"""Measuring: figures by segment under a scope.

Calls and deals are each summed apart, in the engine, and joined only as finished sums; metrics divide last, here.
The SQL is composed from the registries of measures and dimensions; values are bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callkit.company import Company
from callkit.credit import credit
from callkit.figures import TOTAL, Figures
from callkit.measures import DEAL_COLUMNS, DIVIDED_BY_WHOLE_OR_MINUTES, MEASURES, SET_AGAINST_MINUTES, wilson
from callkit.scope import Resolved, Scope, resolve

_NARROWS_CALLS_ONLY = ("stage", "direction", "hour", "weekday")
_PEOPLE = ("manager", "team")
_WEIGHTS = {"talk": "k.by_talk", "equal": "k.by_head", "first": "k.by_first", "last": "k.by_last"}
CALLS = "calls AS c LEFT JOIN deals AS d ON d.deal_key = c.deal_key LEFT JOIN managers AS m ON m.manager = c.manager"
_SUMS = {fact: [(m.name, m.sums) for m in MEASURES.values() if m.fact == fact] for fact in ("calls", "deals")}
_ADDED = {name for sums in _SUMS.values() for name, _ in sums}


@dataclass(frozen=True)
class Sql:
    """A piece of SQL with the values bound in it."""

    text: str
    values: tuple[object, ...] = ()


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
        return _deals_touched(resolved)
    keys = [] if any(d.of == "call" for d in resolved.by) else [d.deals for d in resolved.by]
    rows = deal_rows(company, resolved, keys)
    return _grouped(rows.text, "deals", keys, rows, width=len(resolved.by))


def _deals_touched(resolved: Resolved) -> Sql:
    """Under `called`, sums over the deals that the scope's calls touch: by segment and whole."""
    keys = [d.calls for d in resolved.by]
    sums = ", ".join(f"{sql} AS {name}" for name, sql in _SUMS["deals"])

    def part(whole: bool, keys: list[str], width: int) -> str:
        named = [f"k{i}" for i in range(len(keys))]
        listed = "".join(f", {n}" for n in named) + ", NULL" * (width - len(named))
        return f"""
            SELECT {int(whole)}{listed}, {sums} FROM ({touched_rows(resolved, keys).text}) AS base
            {"GROUP BY " + ", ".join(named) if named else ""}
        """

    values = touched_rows(resolved, []).values
    if not keys:
        return Sql(part(True, [], 0), values)
    both = f"{part(False, keys, len(keys))} UNION ALL {part(True, [], len(keys))}"
    return Sql(both, values * 2)


def deal_rows(company: Company, resolved: Resolved, keys: Sequence[str]) -> Sql:
    """The deals of the scope under any lens but `called`, a row a deal and person it is credited to.

    The columns: deal_key, weight, outcome, amount, and each of `keys` (SQL on `d`, `w`, `wm`) as k0, k1 …
    """
    tables, weight = "deals AS d", "1"
    if any(d.of == "person" for d in (*resolved.by, *(d for d, _ in resolved.keeps))):
        if resolved.scope.credit == "owner":
            tables += " JOIN (SELECT deal_key, owner AS manager FROM deals) AS w ON w.deal_key = d.deal_key"
        else:
            credit(company.engine)
            weight = "w.weight"
            weights = f"SELECT k.deal_key, k.manager, {_WEIGHTS[resolved.scope.credit]} AS weight FROM credits AS k"
            tables += f" JOIN ({weights}) AS w ON w.deal_key = d.deal_key AND w.weight > 0"
        tables += " JOIN managers AS wm ON wm.manager = w.manager"
    where = deals_in_scope(resolved)
    chosen = f"d.deal_key AS deal_key, {weight} AS weight, d.outcome, d.amount{_keys(keys)}"
    return Sql(f"SELECT {chosen} FROM {tables} WHERE {where.text}", where.values)


def touched_rows(resolved: Resolved, keys: Sequence[str]) -> Sql:
    """Under `called`: the deals of the calls in scope made while the deal was open, once in each segment they touch.

    The columns are those of `deal_rows`; `keys` are SQL on `c`, `d`, `m`.
    """
    where = calls_in_scope(resolved)
    touching = f"FROM {CALLS} WHERE {where.text} AND (d.closed_us IS NULL OR c.started_us < d.closed_us)"
    if not resolved.seen.all:
        touching += f" AND {resolved.seen.deals}"
    named = "".join(f", t.k{i}" for i in range(len(keys)))
    return Sql(
        f"""
        SELECT d.deal_key AS deal_key, 1 AS weight, d.outcome, d.amount{named}
        FROM (SELECT DISTINCT c.deal_key AS deal_key{_keys(keys)} {touching} AND c.deal_key IS NOT NULL) AS t
        JOIN deals AS d ON d.deal_key = t.deal_key
        """,
        where.values,
    )


def call_rows(resolved: Resolved, columns: str, keys: Sequence[str]) -> Sql:
    """The calls of the scope: `columns` and each of `keys` (SQL on `c`, `d`, `m`) as k0, k1 …"""
    where = calls_in_scope(resolved)
    return Sql(f"SELECT {columns}{_keys(keys)} FROM {CALLS} WHERE {where.text}", where.values)


def _keys(keys: Sequence[str]) -> str:
    return "".join(f", {sql} AS k{i}" for i, sql in enumerate(keys))


def _grouped(rows: str, fact: str, keys: Sequence[str], where: Sql, width: int | None = None) -> Sql:
    """Sums of `fact` over `rows`: one row a segment and one, marked 1 in its first column, for the whole."""
    sums = ", ".join(f"{sql} AS {name}" for name, sql in _SUMS[fact])
    named = ", ".join(f"k{i}" for i in range(len(keys)))
    if not keys:
        return Sql(f"SELECT 1{', NULL' * (width or 0)}, {sums} FROM ({rows}) AS base", where.values)
    return Sql(
        f"SELECT GROUPING(k0), {named}, {sums} FROM ({rows}) AS base GROUP BY GROUPING SETS (({named}), ())",
        where.values,
    )


def calls_in_scope(resolved: Resolved) -> Sql:
    """The condition on `c`, `d`, `m` that keeps the calls of the scope."""
    scope = resolved.scope
    dated = "c.started_us" if scope.lens in ("closed", "called") else _dated(scope.lens)
    pieces, values = [f"{dated} >= ? AND {dated} < ?"], list[object](resolved.instants)
    for dimension, codes in resolved.keeps:
        pieces.append(_among(dimension.calls, codes, values))
    if dated != "c.started_us" and not resolved.seen.all:
        pieces.append(resolved.seen.deals)  # calls dated by a deal tell of it
    return Sql(" AND ".join(pieces), tuple(values))


def deals_in_scope(resolved: Resolved) -> Sql:
    """The condition on `d`, `w`, `wm` that keeps the deals of the scope and the parts of them that are credited."""
    dated = _dated(resolved.scope.lens)
    pieces, values = [f"{dated} >= ? AND {dated} < ?"], list[object](resolved.instants)
    for dimension, codes in resolved.keeps:
        if dimension.of != "call":
            pieces.append(_among(dimension.deals, codes, values))
    if not resolved.seen.all:
        pieces.append(resolved.seen.deals)
    return Sql(" AND ".join(pieces), tuple(values))


def _dated(lens: str) -> str:
    """What dates the deals of a lens."""
    return "d.created_us" if lens == "created" else "d.closed_us"


def _among(sql: str, codes: Sequence[int], values: list[object]) -> str:
    values += codes
    return f"{sql} IN ({', '.join('?' * len(codes))})" if codes else "1 = 0"
