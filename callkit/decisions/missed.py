"""Missed calls: inbound calls with no second of talk, and what came of them.

A missed call on a deal is followed: what came first on that deal afterwards, an outbound call (*called back*, answered
or not) or an answered one that came in (the client *got through*), and how soon in working time. A missed call without
a deal cannot be followed, as nothing tells whom a later call was made to. Each missed call counts, also the third of
one client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from callkit.company import Company
from callkit.decisions.clock import CAME, STILL, WITHIN, Wait, rows_by, wait, waited
from callkit.decisions.cohorts import last_instant
from callkit.decisions.evidence import Ints
from callkit.figures import TOTAL
from callkit.placing import FOREVER
from callkit.rows import call_rows
from callkit.scope import Scope, resolve


@dataclass(frozen=True)
class Missed:
    """The missed calls of a segment: of `inbound` calls `missed` were, `after_hours` of them outside working hours.

    `called_back`, `got_through` and `nothing` (so far) are what came of the missed calls on deals; `wait` is how long
    until either came, in minutes of working time.
    """

    segment: tuple[str, ...]
    inbound: int
    missed: int
    after_hours: int
    called_back: int
    got_through: int
    nothing: int
    wait: Wait

    @property
    def share(self) -> float | None:
        """The share of the inbound calls that were missed; None where there were none."""
        return self.missed / self.inbound if self.inbound else None

    @property
    def followed(self) -> int:
        """The missed calls on a deal."""
        return self.called_back + self.got_through + self.nothing


@dataclass(frozen=True)
class MissedCalls:
    """The missed calls by segment, the most missed first, and all of them."""

    by: tuple[str, ...]
    segments: Sequence[Missed]
    whole: Missed


def missed(company: Company, scope: Scope, by: Sequence[str] = (), within: Sequence[int] = WITHIN) -> MissedCalls:
    """The missed calls of the scope's calls by segment; they are followed to the end of the data. Two queries.

    A viewer who sees not everything is told what came of a call only by the calls and on the deals that he sees.

    Raises UsageError for a column that is not there.

    >>> from callkit import Period, open_company
    >>> whole = missed(open_company("demo"), Scope(Period.of_month("2026-10"))).whole
    >>> whole.followed <= whole.missed <= whole.inbound
    True
    """
    resolved = resolve(company, scope, by)
    keys, count = [d.calls for d in resolved.by], len(resolved.by)
    listed = "".join(f", k{i}" for i in range(count))
    counted = call_rows(resolved, "c.direction AS direction", keys)
    sums = company.engine.query(
        f"""
        SELECT count(*){listed} FROM ({counted.text}) AS base WHERE direction = 1
        {f"GROUP BY {listed[2:]}" if listed else ""}
        """,
        counted.values,
    )
    rows = call_rows(
        resolved,
        "c.call_id AS call_id, c.started_us AS started_us, "
        f"CASE WHEN c.deal_key IS NOT NULL AND {resolved.seen.deals} THEN c.deal_key END AS deal_key, "
        "c.direction AS direction, c.talk_seconds AS talk_seconds",
        keys,
    )
    # Read backwards in time, the least instant so far is the next one to come. Calls of one instant come together.
    columns = company.engine.arrays(
        4 + count,
        f"""
        WITH lost AS (SELECT * FROM ({rows.text}) AS inside WHERE direction = 1 AND talk_seconds = 0),
        later AS (
            SELECT c.call_id AS call_id,
                min(CASE WHEN c.direction = 2 THEN c.started_us ELSE {FOREVER} END)
                    OVER (PARTITION BY c.deal_key ORDER BY c.started_us DESC) AS back_us,
                min(CASE WHEN c.direction <> 2 AND c.talk_seconds > 0 THEN c.started_us ELSE {FOREVER} END)
                    OVER (PARTITION BY c.deal_key ORDER BY c.started_us DESC) AS through_us
            FROM calls AS c
            WHERE c.deal_key IN (SELECT deal_key FROM lost WHERE deal_key IS NOT NULL) AND {resolved.seen.calls}
        )
        SELECT CAST(l.started_us AS BIGINT), CAST(CASE WHEN l.deal_key IS NULL THEN 0 ELSE 1 END AS BIGINT),
            CAST(coalesce(n.back_us, {FOREVER}) AS BIGINT),
            CAST(coalesce(n.through_us, {FOREVER}) AS BIGINT){"".join(f", l.k{i} AS k{i}" for i in range(count))}
        FROM lost AS l LEFT JOIN later AS n ON n.call_id = l.call_id
        """,
        rows.values,
    )
    started, on_deal, back, through, *codes = (c.astype(np.int64) for c in columns)
    came = np.minimum(back, through)
    working, zone = company.settings.hours, company.timezone
    until = np.where(came < FOREVER, came, last_instant(company))
    minutes = waited(started, until, working, zone)
    # Within working hours the clock of working time runs: a microsecond on, it tells more.
    closed = waited(started, started + 1, working, zone) == 0

    def told(name: tuple[str, ...], inbound: int, rows: Ints) -> Missed:
        on = rows[on_deal[rows] == 1]
        called_back = int(np.sum((back[on] < FOREVER) & (back[on] <= through[on])))
        got_through, nothing = int(np.sum(through[on] < back[on])), int(np.sum(came[on] == FOREVER))
        waits = wait(minutes[on], np.where(came[on] < FOREVER, CAME, STILL), within)
        return Missed(
            name, inbound, len(rows), int(closed[rows].sum()), called_back, got_through, nothing, waits
        )  # fmt: skip

    found, none = rows_by(codes), np.zeros(0, dtype=np.int64)
    segments = [
        told(
            tuple(company.label(d, int(code)) for d, code in zip(resolved.by, key, strict=True)),
            int(number),
            found.get(tuple(map(int, key)), none),
        )
        for number, *key in (sums if resolved.by else ())
    ]
    segments.sort(key=lambda one: (-one.missed, -one.inbound, one.segment))
    whole = told((TOTAL,), sum(int(number) for number, *_ in sums), np.arange(len(started)))
    return MissedCalls(tuple(d.name for d in resolved.by), segments, whole)
