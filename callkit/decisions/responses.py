"""How soon a new deal is answered, and how many attempts it takes until somebody talks.

A deal is *brought by a talk* where an answered call began within the lead-in before it was created: nobody waits for
an answer there. Every other new deal *waits*, in working time, for the first call that is made or taken on it: an
outbound one, answered or not, or an answered one that came in. A deal that closes before any such call was never
called; one that has none when the data ends waits still.

An *attempt* is an outbound call of the deal, from the lead-in on until it closes, up to the first talk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from callkit.company import Company
from callkit.decisions.clock import CAME, OVER, STILL, WITHIN, Wait, rows_by, wait, waited
from callkit.decisions.cohorts import last_instant
from callkit.decisions.evidence import Flags, Ints
from callkit.figures import TOTAL
from callkit.measures import wilson
from callkit.placing import FOREVER
from callkit.rows import deal_rows
from callkit.scope import Scope, resolve
from callkit.zones import SECOND

MOST_ATTEMPTS = 6
_NEVER = -1


@dataclass(frozen=True)
class Response:
    """How soon the new deals of a segment were answered; of `deals`, `brought` were brought by a talk, the rest waited.

    `wait` is in minutes of working time.
    """

    segment: tuple[str, ...]
    deals: int
    brought: int
    wait: Wait


@dataclass(frozen=True)
class Attempt:
    """The `number`-th attempt: deals that it was made on, those of them where somebody talked, the share with its
    95 % interval, and the share of all deals with an attempt where one of the first `number` led to a talk."""

    number: int
    tried: int
    talked: int
    share: float
    low: float
    high: float
    reached: float


@dataclass(frozen=True)
class Attempts:
    """Attempts until the first talk of the new deals: `ours` talked first when called, `theirs` when they called (or
    when a call of unknown direction was answered), `silent` were called and never talked, `untried` neither.

    `mean` is how many attempts `ours` took.
    """

    ours: int
    theirs: int
    silent: int
    untried: int
    mean: float | None
    numbers: Sequence[Attempt]


@dataclass(frozen=True)
class Responses:
    """The responses by segment, those with most deals first, and of the whole; attempts."""

    by: tuple[str, ...]
    segments: Sequence[Response]
    whole: Response
    attempts: Attempts


def responses(company: Company, scope: Scope, by: Sequence[str] = (), within: Sequence[int] = WITHIN) -> Responses:
    """The responses to the deals created in the scope's period, whatever the lens; people are the deals' owners.

    Filters hold for the deals. Columns of calls do not cut deals: by them there are no segments. One query.

    Raises UsageError for a column that is not there.

    >>> from callkit import Period, open_company
    >>> told = responses(open_company("demo"), Scope(Period.of_month("2026-10")), ["source"])
    >>> told.whole.deals == sum(one.deals for one in told.segments)
    True
    """
    resolved = resolve(company, replace(scope, lens="created", credit="owner"), by)
    dimensions = () if any(d.of == "call" for d in resolved.by) else resolved.by
    own = deal_rows(company, resolved, [d.deals for d in dimensions])
    lead_in = round(company.settings.lead_in_minutes * 60 * SECOND)
    kept = f"c.started_us >= c.created_us - {lead_in} AND (c.closed_us IS NULL OR c.started_us <= c.closed_us)"
    kept += f" AND c.deal_key IN (SELECT deal_key FROM own) AND {resolved.seen.calls}"
    keys = "".join(f", o.k{i}" for i in range(len(dimensions)))
    columns = company.engine.arrays(
        7 + len(dimensions),
        f"""
        WITH own AS ({own.text}), firsts AS (
            SELECT c.deal_key AS deal_key,
                min(CASE WHEN c.started_us >= c.created_us AND (c.direction = 2 OR c.talk_seconds > 0)
                    THEN c.started_us ELSE {FOREVER} END) AS first_us,
                min(CASE WHEN c.talk_seconds > 0 THEN c.started_us ELSE {FOREVER} END) AS talk_us,
                max(CASE WHEN c.started_us < c.created_us AND c.talk_seconds > 0 THEN 1 ELSE 0 END) AS brought
            FROM calls AS c
            WHERE {kept}
            GROUP BY c.deal_key
        ), tried AS (
            SELECT c.deal_key AS deal_key, sum(CASE WHEN c.direction = 2 THEN 1 ELSE 0 END) AS attempts,
                max(CASE WHEN c.direction = 2 AND c.talk_seconds > 0 THEN 1 ELSE 0 END) AS ours
            FROM calls AS c
            JOIN firsts AS f ON f.deal_key = c.deal_key
            WHERE c.started_us <= f.talk_us AND {kept}
            GROUP BY c.deal_key
        )
        SELECT CAST(d.created_us AS BIGINT), CAST(coalesce(d.closed_us, {_NEVER}) AS BIGINT),
            CAST(coalesce(f.first_us, {FOREVER}) AS BIGINT), CAST(coalesce(f.talk_us, {FOREVER}) AS BIGINT),
            CAST(coalesce(f.brought, 0) AS BIGINT), CAST(coalesce(t.attempts, 0) AS BIGINT),
            CAST(coalesce(t.ours, 0) AS BIGINT){keys}
        FROM own AS o JOIN deals AS d ON d.deal_key = o.deal_key
        LEFT JOIN firsts AS f ON f.deal_key = o.deal_key LEFT JOIN tried AS t ON t.deal_key = o.deal_key
        ORDER BY d.deal_key
        """,
        own.values,
    )
    created, closed, first, talk, brought, attempts, ours, *codes = (c.astype(np.int64) for c in columns)
    called = first < FOREVER
    last = last_instant(company)
    ended = np.where(called, CAME, np.where(closed != _NEVER, OVER, STILL))
    until = np.where(called, first, np.where(closed != _NEVER, closed, last))
    minutes = waited(created, until, company.settings.hours, company.timezone)

    def response(name: tuple[str, ...], rows: Ints) -> Response:
        waiting = rows[brought[rows] == 0]
        told = wait(minutes[waiting], ended[waiting], within)
        return Response(name, len(rows), len(rows) - len(waiting), told)

    segments = [
        response(tuple(company.label(d, code) for d, code in zip(dimensions, key, strict=True)), rows)
        for key, rows in rows_by(codes).items()
    ]
    segments.sort(key=lambda one: (-one.deals, one.segment))
    whole = response((TOTAL,), np.arange(len(created)))
    names = tuple(d.name for d in dimensions)
    return Responses(names, segments, whole, _attempts(talk < FOREVER, attempts, ours == 1))


def _attempts(talked: Flags, attempts: Ints, ours: Flags) -> Attempts:
    tried = int(np.sum(attempts > 0))
    numbers, reached = [], 0
    for number in range(1, MOST_ATTEMPTS + 1):
        made = int(np.sum(attempts >= number))
        if not made:
            break
        led = int(np.sum(ours & (attempts == number)))
        reached += led
        numbers.append(Attempt(number, made, led, led / made, *wilson(led, made), reached / tried))
    return Attempts(
        int(ours.sum()),
        int(np.sum(talked & ~ours)),
        int(np.sum(~talked & (attempts > 0))),
        int(np.sum(~talked & (attempts == 0))),
        float(attempts[ours].mean()) if ours.any() else None,
        numbers,
    )
