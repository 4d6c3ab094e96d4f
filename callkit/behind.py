"""The calls and deals behind a figure: listed by page, sorted, searched.

They are those that `measure` sums under the same scope: as many calls as `calls` says, deals whose credited parts sum
to `deals`. Labels are those of `callkit metrics`; SQL is composed from fixed pieces, every value is bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from callkit.company import Company
from callkit.credit import credit
from callkit.dimensions import Dimension
from callkit.errors import UsageError, did_you_mean
from callkit.quality import when
from callkit.rows import Sql, calls_in_scope, calls_with, deals_in_scope
from callkit.scope import Resolved, Scope, resolve, shown

PAGE = 50
MOST = 100_000
"""The most rows of a download."""
_CALLS = "calls AS c LEFT JOIN deals AS d ON d.deal_key = c.deal_key"
_WEIGHTS = {"owner": "", "talk": "by_talk", "equal": "by_head", "first": "by_first", "last": "by_last"}
_OUTCOMES = {1: "won", 2: "lost", 3: "open"}


@dataclass(frozen=True)
class Listed:
    """A page of calls or of deals: names of columns, rows of plain values, how many rows there are in all.

    Moments are texts in the account's zone, durations seconds, labels those of the machine formats, None where empty.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    found: int


@dataclass(frozen=True)
class _Column:
    """A column: the SQL of what it shows, and of what is searched; `labelled` ones sort and match by label."""

    name: str
    sql: str
    text: str = ""
    dimension: Dimension | None = None
    labelled: bool = False
    kind: str = ""


def columns(company: Company, listed: str) -> tuple[str, ...]:
    """The columns of the list of `calls` or of `deals`, in their order; the company's own dimensions among them."""
    own = tuple(d.name for d in _of_deals(company))
    if listed == "calls":
        return ("started_at", "manager", "direction", "talk_seconds", "stage", "deal_id", *own, "call_id")
    return (
        "deal_id", "outcome", "amount", "closed_at", "created_at", "owner", *own, "calls", "talk_seconds", "part",
    )  # fmt: skip


def calls(
    company: Company,
    scope: Scope,
    *,
    sort: str = "-started_at",
    search: str = "",
    page: int = 0,
    size: int = PAGE,
) -> Listed:
    """The calls of a scope, `size` rows from page `page` on (0 is the first), the latest first unless `sort` differs.

    `sort` is a column, falling with a minus before it; `search` a text that the ids or labels of a row contain,
    whatever the case. A page behind the last one is empty. Raises UsageError for a column that is not there.
    """
    resolved = resolve(company, scope)
    # Of a call on a deal that the viewer does not see, the call is listed and of the deal nothing.
    deal_id = f"CASE WHEN {resolved.seen.deals} THEN d.deal_id END"
    own = [
        _Column("started_at", "c.started_us", kind="moment"),
        _coded(company.dimensions["manager"]),
        _coded(company.dimensions["direction"]),
        _Column("talk_seconds", "c.talk_seconds"),
        _coded(company.dimensions["stage"]),
        _Column("deal_id", deal_id, text=deal_id),
        *(_coded(d) for d in _of_deals(company)),
        _Column("call_id", "c.call_id", text="c.call_id"),
    ]
    return _listed(company, own, Sql(_CALLS), calls_in_scope(resolved), "c.call_id", sort, search, page, size)


def deals(
    company: Company,
    scope: Scope,
    *,
    of_calls: bool = False,
    sort: str = "-amount",
    search: str = "",
    page: int = 0,
    size: int = PAGE,
) -> Listed:
    """The deals of a scope, the dearest first unless `sort` differs; the rest is as in `calls`.

    `calls` and `talk_seconds` are the scope's own; `part` is how much of the deal is credited to the people the scope
    keeps, 1 where nobody is singled out. `of_calls` lists the deals that the scope's calls lie on instead of the
    lens's base: what there is to list of a stage or an hour, which no deal belongs to.
    """
    resolved = resolve(company, scope)
    within = calls_in_scope(resolved)
    base = _base(company, resolved, of_calls)
    tables = f"""
        ({base.text}) AS b
        JOIN deals AS d ON d.deal_key = b.deal_key
        LEFT JOIN (
            SELECT c.deal_key AS deal_key, count(*) AS calls, sum(c.talk_seconds) AS talk
            FROM {calls_with(within.text)} WHERE {within.text} AND c.deal_key IS NOT NULL GROUP BY c.deal_key
        ) AS t ON t.deal_key = b.deal_key
    """
    own = [
        _Column("deal_id", "d.deal_id", text="d.deal_id"),
        _Column("outcome", "d.outcome", kind="outcome"),
        _Column("amount", "d.amount"),
        _Column("closed_at", "d.closed_us", kind="moment"),
        _Column("created_at", "d.created_us", kind="moment"),
        *(
            _Column(d.name, d.deals, dimension=d, labelled=True)
            for d in (shown(company, company.dimensions["owner"]), *_of_deals(company))
        ),
        _Column("calls", "coalesce(t.calls, 0)"),
        _Column("talk_seconds", "coalesce(t.talk, 0)"),
        _Column("part", "b.part"),
    ]
    listed = Sql(tables, (*base.values, *within.values))
    return _listed(company, own, listed, Sql("1 = 1"), "d.deal_id", sort, search, page, size)


def _base(company: Company, resolved: Resolved, of_calls: bool) -> Sql:
    """The deals that are listed, once each, with the part of each that is credited."""
    if of_calls or resolved.scope.lens == "called":
        where = calls_in_scope(resolved)
        while_open = "" if of_calls else " AND c.while_open"
        kept = f"{where.text} AND {resolved.seen.deals} AND c.deal_key IS NOT NULL{while_open}"
        tables = calls_with(kept)
        return Sql(
            f"SELECT c.deal_key AS deal_key, 1 AS part FROM {tables} WHERE {kept} GROUP BY c.deal_key", where.values
        )
    where = deals_in_scope(resolved)
    if not any(dimension.of == "person" for dimension, _ in resolved.keeps):
        return Sql(f"SELECT d.deal_key, 1 AS part FROM deals AS d WHERE {where.text}", where.values)
    if weight := _WEIGHTS[resolved.scope.credit]:
        credit(company.engine)
        people = f"SELECT deal_key, manager, {weight} AS weight FROM credits WHERE {weight} > 0"
    else:
        people = "SELECT deal_key, owner AS manager, 1 AS weight FROM deals"
    text = f"""
        SELECT d.deal_key AS deal_key, sum(w.weight) AS part
        FROM deals AS d
        JOIN ({people}) AS w ON w.deal_key = d.deal_key
        JOIN managers AS wm ON wm.manager = w.manager
        WHERE {where.text} GROUP BY d.deal_key
    """
    return Sql(text, where.values)


def _listed(
    company: Company,
    columns: Sequence[_Column],
    tables: Sql,
    where: Sql,
    tie: str,
    sort: str,
    search: str,
    page: int,
    size: int,
) -> Listed:
    by = {c.name: c for c in columns}
    name = sort.removeprefix("-")
    if name not in by:
        raise UsageError(f"there is no column {name!r} to sort by; there are {', '.join(by)}.{did_you_mean(name, by)}")
    joins, joined, texts, key = "", list[object](), list[str](), by[name].sql
    for i, column in enumerate(columns):
        text = column.text
        if column.dimension and column.labelled and (search or column.name == name):
            text = f"l{i}.label"
            joins += f" LEFT JOIN labels AS l{i} ON l{i}.dimension = ? AND l{i}.code = {column.sql}"
            joined.append(column.dimension.labels)
            key = text if column.name == name else key
        if search and text:
            texts.append(f"POSITION(? IN {company.engine.lowered(text)}) > 0")
    kept = " AND ".join([where.text, *([f"({' OR '.join(texts)})"] if texts else [])])
    values = [*tables.values, *joined, *where.values, *[search.lower()] * len(texts)]
    matching = f"FROM {tables.text}{joins} WHERE {kept}"
    found = company.engine.query(f"SELECT count(*) {matching}", values)[0][0]
    way = "DESC" if sort.startswith("-") else "ASC"
    rows = company.engine.query(
        f"SELECT {', '.join(c.sql for c in columns)} {matching} "
        f"ORDER BY {key} {way} NULLS LAST, {tie} LIMIT ? OFFSET ?",
        [*values, size, page * size],
    )
    return Listed(tuple(by), [_row(company, columns, row) for row in rows], int(found))


def _row(company: Company, columns: Sequence[_Column], row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_value(company, column, value) for column, value in zip(columns, row, strict=True))


def _value(company: Company, column: _Column, value: Any) -> Any:
    if value is None:
        return None
    if column.dimension:
        return company.label(column.dimension, value)
    if column.kind == "moment":
        return when(value, company)
    if column.kind == "outcome":
        return _OUTCOMES[value]
    return float(value) if column.name in ("amount", "part") else value


def _coded(dimension: Dimension) -> _Column:
    labelled = dimension.of != "call" or dimension.name == "stage"
    return _Column(dimension.name, dimension.calls, dimension=dimension, labelled=labelled)


def _of_deals(company: Company) -> list[Dimension]:
    return [shown(company, d) for d in company.dimensions.values() if d.of == "deal" and d.name != "owner"]
