"""From amoCRM's raw tables to those of the contract: who spoke, which notes are one call, which moves are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from callkit.crm.chaining import Move, chained
from callkit.crm.raw import Raw
from callkit.crm.resources import KEPT_TYPES
from callkit.engine import DuckDB, literal, quoted
from callkit.errors import CallkitError, UsageError
from callkit.locale import Locale
from callkit.settings import WHO_SPOKE, Settings
from callkit.zones import local_sql

WON, LOST = 142, 143
_SPOKE = {"created_by": "created_by", "call_responsible": "responsible", "responsible_user": "owner"}
_DATES = ("date", "birthday")
COUNTED = ("notes_merged", "trashed_deals", "closings_set_right")
"""What `write` counts: each has a text of its name."""


def write(raw: Raw, folder: Path, settings: Settings) -> dict[str, Any]:
    """Writes the neutral tables into `folder` as Parquet; returns what was merged or set right on the way, counted.

    Raises CallkitError where the account has no deals or no calls yet.
    """
    engine = raw.engine
    for table, what in (("leads", "deals"), ("notes", "calls")):
        if not raw.count(table):
            raise CallkitError(f"the account has no {what} yet, so there is nothing to measure")
    _pipelines(engine, str(settings.crm.get("pipelines", "name")))
    _moves_of_one_second(engine)
    tables = {
        "managers": "SELECT CAST(user_id AS VARCHAR) AS manager_id, name, team FROM users",
        "stages": _STAGES,
        "deals": _deals(settings, raw),
        "deal_contacts": _DEAL_CONTACTS,
        "stage_changes": _CHANGES,
        "calls": _calls(settings),
    }
    for name, sql in tables.items():
        engine.query(f"COPY ({sql}) TO {literal(str(folder / f'{name}.parquet'))} (FORMAT parquet)")
    # myBI's base has the note of a call on a deal and on a contact in one row, which is two here.
    noted = "count(DISTINCT note_id)" if settings.kind == "mybi" else "count(*)"
    ((notes, calls),) = engine.query(f"SELECT (SELECT {noted} FROM notes), (SELECT count(*) FROM ({tables['calls']}))")
    ((trashed,),) = engine.query("SELECT count(*) FROM leads WHERE NOT kept(lead_id, deleted)")
    ((repaired,),) = engine.query(
        f"SELECT count(*) FROM leads WHERE kept(lead_id, deleted) AND status_id IN ({WON}, {LOST}) "
        "AND (coalesce(closed_at, 0) = 0 OR closed_at < created_at)"
    )
    return {"notes_merged": notes - calls, "trashed_deals": trashed, "closings_set_right": repaired}


def _pipelines(engine: DuckDB, called: str) -> None:
    """What a pipeline is called: its name, with the number where names repeat."""
    engine.query("CREATE OR REPLACE TEMP MACRO kept(lead, deleted) AS NOT deleted AND lead NOT IN (FROM trash)")
    named = "name" if called == "name" else "NULL"
    engine.query(f"""
        CREATE OR REPLACE TEMP TABLE called AS
        SELECT pipeline_id,
            CASE
                WHEN coalesce(named, '') = '' THEN CAST(pipeline_id AS VARCHAR)
                WHEN count(*) OVER (PARTITION BY named) > 1 THEN named || ' (' || pipeline_id || ')'
                ELSE named
            END AS pipeline
        FROM (SELECT pipeline_id, {named} AS named FROM pipelines) AS given
    """)


def _pipeline(column: str) -> str:
    """SQL for what the pipeline in a column is called; a deleted one goes by its number."""
    found = f"(SELECT c.pipeline FROM called AS c WHERE c.pipeline_id = {column})"
    return f"coalesce({found}, CAST({column} AS VARCHAR))"


_STAGES = f"""
    SELECT {_pipeline("s.pipeline_id")} AS pipeline_id, CAST(s.status_id AS VARCHAR) AS stage_id, s.name,
        s.sort AS position,
        CASE s.status_id WHEN {WON} THEN 'won' WHEN {LOST} THEN 'lost' ELSE 'open' END AS kind
    FROM statuses AS s
"""

_DEAL_CONTACTS = """
    SELECT DISTINCT CAST(lead_id AS VARCHAR) AS deal_id, contact_id
    FROM (
        SELECT lead_id, deleted, CAST(unnest(contacts) AS VARCHAR) AS contact_id FROM leads
        UNION ALL
        SELECT lead_id, deleted, 'company ' || unnest(companies) FROM leads
    ) AS links
    WHERE kept(lead_id, deleted)
"""

# The first stage is the one that the first move left; a deal that never moved stands where it was made.
_CHANGES = f"""
    WITH moves AS (
        SELECT e.*, row_number() OVER (PARTITION BY e.lead_id ORDER BY e.created_at, o.nth, e.event_id) AS seq
        FROM events AS e LEFT JOIN in_order AS o ON o.event_id = e.event_id
    ),
    entered AS (
        SELECT lead_id, created_at, after_pipeline AS pipeline_id, after_status AS status_id, seq FROM moves
        UNION ALL
        SELECT l.lead_id, least(l.created_at, coalesce(m.created_at, l.created_at)),
            CASE WHEN m.lead_id IS NULL THEN l.pipeline_id ELSE m.before_pipeline END,
            CASE WHEN m.lead_id IS NULL THEN l.status_id ELSE m.before_status END,
            0
        FROM leads AS l LEFT JOIN moves AS m ON m.lead_id = l.lead_id AND m.seq = 1
    )
    SELECT CAST(x.lead_id AS VARCHAR) AS deal_id, to_timestamp(x.created_at) AS changed_at,
        CAST(x.status_id AS VARCHAR) AS stage_id, {_pipeline("x.pipeline_id")} AS pipeline_id, x.seq
    FROM entered AS x
    JOIN leads AS l ON l.lead_id = x.lead_id
    WHERE kept(l.lead_id, l.deleted) AND x.status_id IS NOT NULL AND x.pipeline_id IS NOT NULL
"""


def _moves_of_one_second(engine: DuckDB) -> None:
    engine.query("CREATE OR REPLACE TEMP TABLE in_order (event_id VARCHAR, nth INTEGER)")
    rows = engine.query("""
        SELECT lead_id, created_at, event_id,
            before_pipeline || ' ' || before_status, after_pipeline || ' ' || after_status
        FROM events
        WHERE (lead_id, created_at) IN (SELECT (lead_id, created_at) FROM events GROUP BY ALL HAVING count(*) > 1)
        ORDER BY 1, 2
    """)
    seconds: dict[tuple[int, int], list[Move]] = {}
    for lead, at, *move in rows:
        seconds.setdefault((lead, at), []).append(Move(*move))
    standing = _standing(engine)
    ordered: list[Sequence[object]] = []
    for (lead, at), moves in seconds.items():
        whole = chained(moves, standing.get((lead, at)))
        ordered += [(move.key, nth) for nth, move in enumerate(whole)]
    if ordered:
        told = json.dumps([{"e": key, "n": nth} for key, nth in ordered])
        engine.query(
            "INSERT INTO in_order SELECT r.e, r.n FROM "
            """(SELECT unnest(from_json(?, '[{"e":"VARCHAR","n":"INTEGER"}]')) AS r) AS given""",
            [told],
        )


def _standing(engine: DuckDB) -> dict[tuple[int, int], str]:
    """Where a deal stood before a second of several moves, if the second before it had a single one."""
    rows = engine.query("""
        WITH seconds AS (
            SELECT lead_id, created_at, count(*) AS moves, any_value(after_pipeline || ' ' || after_status) AS after
            FROM events GROUP BY 1, 2
        )
        SELECT lead_id, created_at, before FROM (
            SELECT lead_id, created_at, moves,
                lag(CASE WHEN moves = 1 THEN after END) OVER (PARTITION BY lead_id ORDER BY created_at) AS before
            FROM seconds
        ) AS s
        WHERE moves > 1 AND before IS NOT NULL
    """)
    return {(lead, at): before for lead, at, before in rows}


def _deals(settings: Settings, raw: Raw) -> str:
    zone = settings.timezone or "UTC"
    types: dict[int, str] = dict(raw.engine.query("SELECT field_id, type FROM fields"))
    words = Locale(settings.language)
    given: dict[str, str] = {
        "pipeline_id": _pipeline("l.pipeline_id"),
        "source": "l.source",
        "loss_reason": f"CASE WHEN l.status_id = {LOST} THEN l.loss_reason END",
        "tags": "nullif(array_to_string(list_sort(l.tags), ', '), '')",
    }
    given = {name: sql for name, sql in given.items() if name == "pipeline_id" or _filled(sql, raw.engine)}
    kept = set(raw.state("chosen") or [])
    for name, number in settings.fields.items():
        if number not in kept and types.get(number, "") not in KEPT_TYPES:
            raise UsageError(
                f"[dimensions] {name}: the values of field {number} have not been pulled; run callkit pull"
            )
        value = f"list_filter(l.fields, lambda f: f.field_id = {number})[1].value"
        if types.get(number) == "checkbox":
            yes, no = literal(words.text("crm.yes")), literal(words.text("crm.no"))
            value = f"CASE {value} WHEN 'true' THEN {yes} WHEN 'false' THEN {no} ELSE {value} END"
        elif types.get(number, "") in _DATES:
            local = local_sql(f"try_cast({value} AS BIGINT) * 1000000", zone)
            value = f"strftime(make_timestamp(CAST({local} AS BIGINT)), '%Y-%m-%d')"
        given[name] = value
    dimensions = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in given.items())
    # A reopened deal may keep the time it was closed at, an imported one may have none, or one before it was made.
    return f"""
        SELECT CAST(l.lead_id AS VARCHAR) AS deal_id, to_timestamp(l.created_at) AS created_at,
            CASE WHEN l.status_id IN ({WON}, {LOST}) THEN
                to_timestamp(greatest(l.created_at, coalesce(nullif(l.closed_at, 0), e.moved, l.updated_at)))
            END AS closed_at,
            CASE l.status_id WHEN {WON} THEN 'won' WHEN {LOST} THEN 'lost' ELSE 'open' END AS outcome,
            l.price AS amount, CAST(nullif(l.owner, 0) AS VARCHAR) AS manager_id, {dimensions}
        FROM leads AS l
        LEFT JOIN (
            SELECT lead_id, max(created_at) AS moved FROM events WHERE after_status IN ({WON}, {LOST}) GROUP BY 1
        ) AS e ON e.lead_id = l.lead_id
        WHERE kept(l.lead_id, l.deleted)
    """


def _filled(sql: str, engine: DuckDB) -> bool:
    return bool(engine.query(f"SELECT 1 FROM leads AS l WHERE ({sql}) IS NOT NULL LIMIT 1"))


def _calls(settings: Settings) -> str:
    """One call of all its notes: the copy on the deal holds, the one on a contact tells the contact."""
    order: Sequence[str] = settings.crm.get("who_spoke", WHO_SPOKE)
    spoke = ", ".join(f"nullif({_SPOKE[who]}, 0)" for who in order)
    start = "created_at" if settings.crm.get("call_time", "start") == "start" else "created_at - floor(talk)"
    rank = "CASE entity WHEN 'leads' THEN 1 WHEN 'contacts' THEN 2 ELSE 3 END"
    one = "PARTITION BY same ORDER BY " + rank + ", created_at, note_id"
    return f"""
        SELECT
            CASE WHEN count(*) OVER (PARTITION BY note_id) = 1 THEN CAST(note_id AS VARCHAR)
                ELSE note_id || ' ' || entity END AS call_id,
            to_timestamp({start}) AS started_at, talk AS talk_seconds, direction,
            CAST(spoke AS VARCHAR) AS manager_id, CAST(deal AS VARCHAR) AS deal_id, contact_id
        FROM (
            SELECT *, row_number() OVER ({one}) AS nth,
                first_value(CASE entity WHEN 'leads' THEN entity_id END) OVER ({one}) AS deal,
                first_value(
                    CASE entity WHEN 'contacts' THEN CAST(entity_id AS VARCHAR)
                        WHEN 'companies' THEN 'company ' || entity_id END IGNORE NULLS
                ) OVER ({one} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS contact_id
            FROM (
                SELECT *,
                    CASE
                        WHEN uniq IS NOT NULL THEN 'u' || uniq
                        WHEN link IS NOT NULL THEN 'l' || link
                        WHEN phone IS NOT NULL THEN
                            concat_ws(' ', 'p', spoke, phone, direction, created_at // 60, talk)
                        ELSE concat_ws(' ', 'n', entity, note_id)
                    END AS same
                FROM (
                    SELECT *, coalesce({spoke}) AS spoke, greatest(coalesce(duration, 0), 0) AS talk,
                        CASE note_type WHEN 'call_in' THEN 'in' WHEN 'call_out' THEN 'out' ELSE 'unknown' END
                            AS direction
                    FROM notes
                ) AS told
            ) AS keyed
        ) AS ranked
        WHERE nth = 1
    """


def described(counts: Mapping[str, int], locale: Locale) -> list[str]:
    """What was merged or set right, in sentences; nothing where nothing was."""
    return [locale.text(f"crm.{name}", rows=locale.number(rows)) for name, rows in counts.items() if rows]
