"""Evidence: what each deal took and brought in a scope, as arrays, for whatever must know how deals vary."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from callkit.company import Company
from callkit.dimensions import NO_DEAL, Dimension
from callkit.rows import Sql, call_rows, deal_rows, touched_rows
from callkit.scope import Scope, resolve, seen, shown

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """A row for each deal and segment that the scope's calls or deals fall in; a call without a deal has its own row.

    `deal` tells the rows of one deal (-1: no deal); `codes` are the segment's codes by column, `labels` their labels.
    The sums of a segment's rows are its figures: `talk_minutes` (in minutes; `after_sale_minutes` of them on stages of
    kind won), `deals` and `won_deals` as credited, `revenue`. By a call column, the sums of deals are 0 where
    `callkit.measure` leaves them empty. `touched` is the whole, where segments do not add up to it.
    """

    by: tuple[str, ...]
    deal: Ints
    codes: Mapping[str, Ints]
    labels: Mapping[str, Mapping[int, str]]
    talk_minutes: Floats
    after_sale_minutes: Floats
    deals: Floats
    won_deals: Floats
    revenue: Floats
    touched: Evidence | None = None

    @functools.cached_property
    def segments(self) -> tuple[list[tuple[str, ...]], Ints]:
        """The labels of the segments, and the place of each row's segment among them."""
        if not self.by:
            return [()], np.zeros(len(self.deal), dtype=np.int64)
        place = np.zeros(len(self.deal), dtype=np.int64)
        for column in self.by:
            code, count = dense(self.codes[column])
            place, _ = dense(place * max(1, count) + code)
        first = np.zeros(int(place.max(initial=-1)) + 1, dtype=np.int64)
        first[place[::-1]] = np.arange(len(place))[::-1]
        rows = [tuple(self.labels[c][int(self.codes[c][row])] for c in self.by) for row in first]
        return rows, place

    @functools.cached_property
    def whole(self) -> Evidence:
        """The same by nothing: a row a deal."""
        if not self.by or self.touched:
            return self.touched or self
        apart = self.deal < 0
        place, count = dense(self.deal[~apart])
        known = np.zeros(count, dtype=np.int64)
        known[place] = self.deal[~apart]
        sums = [np.concatenate([summed(values[~apart], place, count), values[apart]]) for values in self._sums()]
        return _evidence((), np.concatenate([known, self.deal[apart]]), {}, {}, sums)

    def cut(self, *by: str) -> Evidence:
        """The same by fewer columns of the deals."""
        return _evidence(by, self.deal, self.codes, self.labels, self._sums())

    def beside(self, of_deals: Evidence) -> Evidence:
        """The same rows with the codes of each row's deal beside: the columns of `of_deals`, which has a row a deal.

        Rows without a deal, or of one that `of_deals` lacks, are left out.
        """
        order = np.argsort(of_deals.deal, kind="stable")
        found = np.minimum(np.searchsorted(of_deals.deal, self.deal, sorter=order), len(order) - 1)
        row = order[found] if len(order) else found
        kept = (of_deals.deal[row] == self.deal) & (self.deal >= 0) if len(order) else np.zeros(len(found), dtype=bool)
        rows = self.where(kept)
        codes = {column: code[row[kept]] for column, code in of_deals.codes.items()}
        return _evidence(
            (*self.by, *of_deals.by),
            rows.deal,
            {**rows.codes, **codes},
            {**self.labels, **of_deals.labels},
            rows._sums(),
        )

    def where(self, kept: Flags) -> Evidence:
        """The rows where `kept` holds."""
        codes = {column: code[kept] for column, code in self.codes.items()}
        return _evidence(self.by, self.deal[kept], codes, self.labels, [values[kept] for values in self._sums()])

    @functools.cached_property
    def on_deals(self) -> Evidence:
        """The rows of deals alone, without the calls that have none."""
        return self.where(self.deal >= 0)

    def _sums(self) -> list[Floats]:
        return [self.talk_minutes, self.after_sale_minutes, self.deals, self.won_deals, self.revenue]


def dense(code: Ints) -> tuple[Ints, int]:
    """Codes numbered anew from 0, in their order, and how many there are."""
    if not len(code):
        return code, 0
    least, most = int(code.min()), int(code.max())
    if most - least > 4 * len(code) + 1000:
        known, dense = np.unique(code, return_inverse=True)
        return dense, len(known)
    there = np.bincount(code - least) > 0
    return (np.cumsum(there) - 1)[code - least], int(there.sum())


def summed(values: Floats, place: Ints, count: int) -> Floats:
    """The sum of `values` in each of `count` places."""
    if count == 1:
        return np.array([values.sum()], dtype=np.float64)  # ten times faster
    return np.asarray(np.bincount(place, values, count), dtype=np.float64)


def evidence(company: Company, scope: Scope, by: Sequence[str] = ()) -> Evidence:
    """What each deal took and brought in `scope`, by segment: one query.

    Under `called`, a deal counts once in each segment that it touches, as `callkit.measure` counts it.

    Raises UsageError for a column that is not there.

    >>> from callkit import Period, open_company
    >>> rows = evidence(open_company("demo"), Scope(Period.of_month("2026-10")), ["source"])
    >>> int(rows.deals.sum()), int(rows.won_deals.sum())
    (301, 91)
    """
    resolved = resolve(company, scope, by)
    won = [code for (code,) in company.engine.query("SELECT stage FROM stages WHERE kind = 'won' ORDER BY stage")]
    after = f"CASE WHEN c.stage IN ({', '.join(map(str, won))}) THEN c.talk_seconds ELSE 0 END" if won else "0"
    calls = call_rows(
        resolved, f"c.deal_key AS deal_key, c.talk_seconds, {after} AS after_sale", [d.calls for d in resolved.by]
    )
    deals: Sql | None = None
    if scope.lens == "called":
        deals = touched_rows(resolved, [d.calls for d in resolved.by])
    elif not any(d.of == "call" for d in resolved.by):
        deals = deal_rows(company, resolved, [d.deals for d in resolved.by])
    keys = "".join(f", k{i}" for i in range(len(resolved.by)))
    bases = [f"SELECT deal_key{keys}, talk_seconds, after_sale, 0 AS deals, 0 AS won, 0 AS revenue FROM calls_in"]
    if deals:
        bases.append(f"""
            SELECT deal_key{keys}, 0, 0, weight, CASE WHEN outcome = 1 THEN weight ELSE 0 END,
                CASE WHEN outcome = 1 THEN weight * amount ELSE 0 END
            FROM deals_in
        """)
    summed = ("talk_seconds", "after_sale", "deals", "won", "revenue")
    double = company.engine.types["DOUBLE"]
    own, added = (", ".join(f"CAST({sql.format(name)} AS {double})" for name in summed) for sql in ("{}", "sum({})"))
    columns = company.engine.arrays(
        1 + len(resolved.by) + len(summed),
        f"""
        WITH calls_in AS ({calls.text}){f", deals_in AS ({deals.text})" if deals else ""},
            base AS ({" UNION ALL ".join(bases)})
        SELECT CAST(deal_key AS BIGINT){keys}, {added} FROM base WHERE deal_key IS NOT NULL GROUP BY deal_key{keys}
        UNION ALL
        SELECT CAST(-1 AS BIGINT){keys}, {own} FROM base WHERE deal_key IS NULL
        """,
        [*calls.values, *(deals.values if deals else ())],
    )
    # The engine gives rows in any order; sums must not differ in their last bits from run to run.
    cell = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns[1 : 1 + len(resolved.by)]:
        code, count = dense(column.astype(np.int64))
        cell, _ = dense(cell * max(1, count) + code)
    order = np.lexsort((columns[1 + len(resolved.by)], cell, columns[0]))
    columns = [column[order] for column in columns]
    codes = {d.name: columns[1 + i].astype(np.int64) for i, d in enumerate(resolved.by)}
    labels = {d.name: _labels(company, d, codes[d.name]) for d in resolved.by}
    talk, after_sale, *sums = (np.asarray(column, dtype=np.float64) for column in columns[1 + len(resolved.by) :])
    adds_up = deals is not None and (scope.lens != "called" or all(d.of == "deal" for d in resolved.by))
    sums = [talk / 60, after_sale / 60, *sums]
    return _evidence(
        tuple(codes), columns[0].astype(np.int64), codes, labels, sums, None if adds_up else evidence(company, scope)
    )


def with_columns(company: Company, rows: Evidence, columns: Sequence[str]) -> Evidence:
    """The whole of `rows`, a row a deal, by the deals' own `columns`: what `evidence` gives, without summing again."""
    whole = rows.whole
    resolved = [shown(company, company.dimensions[column]) for column in columns]
    chosen = "".join(f", {d.calls} AS k{i}" for i, d in enumerate(resolved))
    # A deal has the columns that its calls carry: under their name it answers for them.
    beside = "" if seen(company).all else "JOIN deals AS d ON d.deal_key = c.deal_key"
    deal, *kept = company.engine.arrays(
        1 + len(resolved), f"SELECT CAST(c.deal_key AS BIGINT){chosen} FROM deals AS c {beside} ORDER BY c.deal_key"
    )
    at = np.minimum(np.searchsorted(deal, whole.deal), len(deal) - 1)
    codes = {d.name: np.where(whole.deal < 0, NO_DEAL, kept[i][at]).astype(np.int64) for i, d in enumerate(resolved)}
    labels = {d.name: _labels(company, d, codes[d.name]) for d in resolved}
    return _evidence(tuple(columns), whole.deal, codes, labels, whole._sums())


def _labels(company: Company, dimension: Dimension, codes: Ints) -> dict[int, str]:
    dense_codes, count = dense(codes)
    known = np.zeros(count, dtype=np.int64)
    known[dense_codes] = codes
    return {int(code): company.label(dimension, int(code)) for code in known}


def _evidence(
    by: tuple[str, ...],
    deal: Ints,
    codes: Mapping[str, Ints],
    labels: Mapping[str, Mapping[int, str]],
    sums: Sequence[Floats],
    touched: Evidence | None = None,
) -> Evidence:
    talk, after_sale, deals, won, revenue = sums
    return Evidence(by, deal, codes, labels, talk, after_sale, deals, won, revenue, touched)
