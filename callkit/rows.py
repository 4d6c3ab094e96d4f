"""The rows of a scope: the SQL that gives its calls, its deals, and the deals that its calls touch.

SQL is composed from the registry of dimensions; values are bound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from callkit.company import Company
from callkit.credit import credit
from callkit.scope import Resolved

_WEIGHTS = {"talk": "k.by_talk", "equal": "k.by_head", "first": "k.by_first", "last": "k.by_last"}
BITS = 62
"""How many bits of a whole number can be told apart everywhere."""


@dataclass(frozen=True)
class Sql:
    """A piece of SQL with the values bound in it."""

    text: str
    values: tuple[object, ...] = ()


def deal_rows(company: Company, resolved: Resolved, keys: Sequence[str]) -> Sql:
    """The deals of the scope under any lens but `called`, a row a deal and person it is credited to.

    The columns: deal_key, weight, outcome, amount, and each of `keys` (SQL on `d`, `w`, `wm`) as k0, k1 …
    """
    tables, weight = "deals AS d", "1"
    if any(d.of == "person" for d in (*resolved.by, *(d for d, _ in resolved.keeps))):
        if resolved.scope.credit == "owner":
            tables += " JOIN managers AS w ON w.manager = d.owner"
        else:
            credit(company.engine)
            weight = "w.weight"
            weights = f"SELECT k.deal_key, k.manager, {_WEIGHTS[resolved.scope.credit]} AS weight FROM credits AS k"
            tables += f" JOIN ({weights}) AS w ON w.deal_key = d.deal_key AND w.weight > 0"
        tables += " JOIN managers AS wm ON wm.manager = w.manager"
    where = deals_in_scope(resolved)
    chosen = f"d.deal_key AS deal_key, {weight} AS weight, d.outcome, d.amount{_keys(keys)}"
    return Sql(f"SELECT {chosen} FROM {tables} WHERE {where.text}", where.values)


def touched_rows(
    resolved: Resolved, keys: Sequence[str], aggregated: Sequence[str] = (), of_deal: Sequence[str] = ()
) -> Sql:
    """Under `called`: the deals of the calls in scope made while the deal was open, once in each segment they touch.

    The columns are those of `deal_rows`; `keys` are SQL on `c`, `d`, and so is what is `aggregated` over the calls of
    a row, which follows the keys; last comes what is `of_deal`, SQL on `d`.
    """
    where = calls_in_scope(resolved)
    kept = f"{where.text} AND c.while_open"
    if not resolved.seen.all:
        kept += f" AND {resolved.seen.deals}"
    columns = [*keys, *aggregated]
    grouped = ", ".join(str(i + 1) for i in range(len(keys) + 1))
    named = _keys([*(f"t.k{i}" for i in range(len(columns))), *of_deal])
    return Sql(
        f"""
        SELECT d.deal_key AS deal_key, 1 AS weight, d.outcome AS outcome, d.amount AS amount{named}
        FROM (
            SELECT c.deal_key AS deal_key{_keys(columns)} FROM {calls_with(kept, *columns)} WHERE {kept}
            GROUP BY {grouped}
        ) AS t JOIN deals AS d ON d.deal_key = t.deal_key
        """,
        where.values,
    )


def call_rows(resolved: Resolved, columns: str, keys: Sequence[str]) -> Sql:
    """The calls of the scope: `columns` and each of `keys` (SQL on `c`, `d`) as k0, k1 …"""
    where = calls_in_scope(resolved)
    tables = calls_with(columns, where.text, *keys)
    return Sql(f"SELECT {columns}{_keys(keys)} FROM {tables} WHERE {where.text}", where.values)


def calls_with(*sql: str) -> str:
    """The calls `c`, and their deals `d` beside them where the SQL speaks of those.

    Calls carry what they are cut and filtered by: a join costs several times what summing does.
    """
    joined = any(re.search(r"\bd\.", text) for text in sql)
    return f"calls AS c{' LEFT JOIN deals AS d ON d.deal_key = c.deal_key' if joined else ''}"


def _keys(keys: Sequence[str]) -> str:
    return "".join(f", {sql} AS k{i}" for i, sql in enumerate(keys))


def calls_in_scope(resolved: Resolved) -> Sql:
    """The condition on `c`, `d` that keeps the calls of the scope."""
    by_call = resolved.scope.lens in ("closed", "called")
    values: list[object] = []
    pieces = [_within("c", ("started_us", "month") if by_call else _dated(resolved.scope.lens), resolved, values)]
    for dimension, codes in resolved.keeps:
        pieces.append(_among(dimension.calls, codes, values, resolved.spans.get(dimension.name)))
    if not by_call and not resolved.seen.all:
        pieces.append(resolved.seen.deals)  # calls dated by a deal tell of it
    return Sql(" AND ".join(pieces), tuple(values))


def deals_in_scope(resolved: Resolved) -> Sql:
    """The condition on `d`, `w`, `wm` that keeps the deals of the scope and the parts of them that are credited."""
    values: list[object] = []
    pieces = [_within("d", _dated(resolved.scope.lens), resolved, values)]
    for dimension, codes in resolved.keeps:
        if dimension.of != "call":
            pieces.append(_among(dimension.deals, codes, values, resolved.spans.get(dimension.name)))
    if not resolved.seen.all:
        pieces.append(resolved.seen.deals)
    return Sql(" AND ".join(pieces), tuple(values))


def _dated(lens: str) -> tuple[str, str]:
    """What dates the deals of a lens: the columns of the instant and of its month."""
    return ("created_us", "created_month") if lens == "created" else ("closed_us", "closed_month")


def _within(table: str, dated: tuple[str, str], resolved: Resolved, values: list[object]) -> str:
    """The condition that a row lies in the period; whole months are told by the month, at two thirds of the cost."""
    start, stop = resolved.scope.period.start, resolved.scope.period.stop
    whole = start.day == stop.day == 1
    values += (start.year * 12 + start.month - 1, stop.year * 12 + stop.month - 1) if whole else resolved.instants
    return "{0} >= ? AND {0} < ?".format(f"{table}.{dated[whole]}")


def _among(sql: str, codes: Sequence[int], values: list[object], span: range | None) -> str:
    """The condition that a code is one of `codes`; a list costs more than a bit of a number does."""
    if span and len(span) <= BITS:
        values += (sum(1 << code - span.start for code in codes), span.start)
        return f"(CAST(? AS BIGINT) >> CAST({sql} - ? AS INTEGER)) & 1 = 1"
    values += codes
    return f"{sql} IN ({', '.join('?' * len(codes))})" if codes else "1 = 0"
