"""The amoCRM database of myBI Connect, read into the same raw tables that the API fills.

What its documentation leaves open is a setting or a probe: the zone of its times, where a deal's source lies, the
spellings of directions, whether notes tell the seconds of a call (`callkit.crm.probes` says how sure each is).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from callkit.crm import mybi_tables
from callkit.crm.asked import Asked
from callkit.crm.database import Database, connect
from callkit.crm.mybi_tables import FIELDS, TABLES
from callkit.crm.neutral import write
from callkit.crm.probes import probe
from callkit.crm.progress import Bar
from callkit.crm.raw import Raw
from callkit.crm.resources import hashed, hashed_phone
from callkit.errors import UsageError, did_you_mean
from callkit.settings import Settings
from callkit.zones import zone

__all__ = ["fields", "pull", "write"]

ZONE = "Europe/Moscow"
STATUS_CHANGED = "lead_status_changed"


def pull(raw: Raw, settings: Settings, asked: Asked) -> dict[str, Any]:
    """Reads the database whole and fills the raw tables anew; returns what was found out about it.

    Raises UsageError where the tables are no amoCRM database of myBI Connect, where several accounts are in it and
    none is named, and for a dimension whose attribute is not there.
    """
    crm = settings.crm
    schema, place = str(crm.get("schema", "")), str(crm.get("timezone", ZONE))
    zone(place)
    with connect(crm) as database, Bar(asked.quiet) as bar:
        there = _recognised(database, schema)
        wanted = _account(database, schema, crm)
        _attributes(database, schema, wanted, settings, there)
        raw.prepare()
        for table, columns in TABLES.items():
            if table not in there:
                raw.engine.query(
                    f"CREATE OR REPLACE TABLE {table} ({', '.join(f'{c} {t}' for c, t in columns.items())})"
                )
                continue
            bar.name(table)
            only = dict(wanted) if "account_id" in there[table] else {}
            if table == "amocrm_leads_events":
                only["type"] = STATUS_CHANGED
            read = [c for c in columns if c in there[table]]
            chunks = database.select(table, read, schema, only)
            raw.load(table, columns, _kept(table, chunks, set(settings.fields.values())), bar.add)
    mybi_tables.fill(raw.engine, settings, place)
    raw.keep("chosen", sorted(settings.fields.values()))
    told = probe(raw.engine, settings, set(there))
    for table in TABLES:
        raw.engine.query(f"DROP TABLE {table}")
    return {"timezone": place, "currency": "", "probes": told, "read": bar.total}


def fields(_: Path, settings: Settings) -> list[tuple[int, str, str, int, int]]:
    """The attributes of deals: number, name, kind, in how many deals they are filled, and of how many."""
    schema = str(settings.crm.get("schema", ""))
    names: dict[int, str] = {}
    filled: dict[int, set[int]] = {}
    with connect(settings.crm) as database:
        there = _recognised(database, schema)
        wanted = _account(database, schema, settings.crm)
        deals = sum(len(rows) for rows in database.select("amocrm_leads", ["id"], schema, wanted))
        if FIELDS in there:
            for rows in database.select(FIELDS, ["leads_id", "attribute_id", "name", "value"], schema, wanted):
                for row in rows:
                    names[row["attribute_id"]] = str(row["name"])
                    if row["value"]:
                        filled.setdefault(row["attribute_id"], set()).add(row["leads_id"])
    found = [(number, name, "attribute", len(filled.get(number, ())), deals) for number, name in names.items()]
    return sorted(found, key=lambda row: (-row[3], row[1]))


def stage_of(value: object) -> tuple[int, int] | None:
    """The pipeline and status in an event's value: a JSON list or object, also with single quotes; None for others.

    >>> stage_of('[{"lead_status": {"id": 142, "pipeline_id": 7}}]'), stage_of("{'id': 5, 'pipeline_id': '7'}")
    ((7, 142), (7, 5))
    >>> stage_of("[]") is None
    True
    """
    found = {key: re.search(rf"""["']{key}["']\s*:\s*["']?(\d+)""", str(value or "")) for key in ("pipeline_id", "id")}
    pipeline, status = found["pipeline_id"], found["id"]
    return (int(pipeline[1]), int(status[1])) if pipeline and status else None


def _kept(table: str, chunks: Iterator[list[dict[str, Any]]], chosen: set[int]) -> Iterator[list[dict[str, Any]]]:
    """Rows as they are kept: events read, keys of calls hashed, attributes of no dimension left out."""
    for rows in chunks:
        if table == "amocrm_leads_events":
            yield [_event(row) for row in rows]
        elif table == "amocrm_calls":
            yield [
                {
                    **row, "call_id": hashed(row.get("call_id")), "link": hashed(row.get("link")),
                    "phone": hashed_phone(row.get("phone")),
                }
                for row in rows
            ]  # fmt: skip
        elif table == FIELDS:
            yield [row for row in rows if row["attribute_id"] in chosen]
        else:
            yield [{k: _plain(v) for k, v in row.items()} for row in rows]


def _plain(value: object) -> object:
    return value.isoformat(" ") if isinstance(value, dt.datetime) else value


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    before, after = (stage_of(row.get(side)) or (None, None) for side in ("value_before", "value_after"))
    return {
        "leads_id": row["leads_id"], "event_id": str(row["event_id"]), "created_at": _plain(row["created_at"]),
        "before_pipeline": before[0], "before_status": before[1],
        "after_pipeline": after[0], "after_status": after[1],
    }  # fmt: skip


def _recognised(database: Database, schema: str) -> dict[str, set[str]]:
    """The tables that are there, with their columns."""
    there = database.columns(schema)
    lacking = [table for table in mybi_tables.NEEDED if table not in there]
    if lacking:
        near = did_you_mean(lacking[0], there)
        where = f"schema {schema} of {database.name}" if schema else database.name
        raise UsageError(f"{where} is no amoCRM base of myBI Connect: it has no table {', '.join(lacking)}.{near}")
    missing = [f"{t}.{c}" for t in mybi_tables.NEEDED for c in mybi_tables.MUST[t] if c not in there[t]]
    if missing:
        raise UsageError(f"{database.name} lacks columns that callkit needs: {', '.join(missing)}")
    return there


def _account(database: Database, schema: str, crm: Mapping[str, Any]) -> dict[str, object]:
    chunks = database.select("amocrm_leads", ["account_id"], schema, distinct=True)
    found = sorted(row["account_id"] for rows in chunks for row in rows)
    if (named := crm.get("account")) is not None:
        if named not in found:
            raise UsageError(f"[mybi] account = {named} is not in {database.name}; it holds {found}")
        return {"account_id": named}
    if len(found) > 1:
        raise UsageError(f"{database.name} holds several accounts, {found}: name one in [mybi] account")
    return {}


def _attributes(
    database: Database, schema: str, wanted: Mapping[str, object], settings: Settings, there: Mapping[str, Any]
) -> None:
    if not settings.fields:
        return
    chunks = database.select(FIELDS, ["attribute_id"], schema, wanted, distinct=True) if FIELDS in there else iter(())
    known = {row["attribute_id"] for rows in chunks for row in rows}
    for dimension, number in settings.fields.items():
        if number not in known:
            raise UsageError(
                f"[dimensions] {dimension}: {database.name} has no attribute {number} of deals (any more); "
                "callkit pull --fields lists those it has"
            )
