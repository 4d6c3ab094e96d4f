"""Any database: `[source] kind = "sql"` and a query a table under `[queries]`, its columns as the contract's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from callkit.contract import CONTRACT
from callkit.crm.asked import Asked
from callkit.crm.database import Database, connect
from callkit.crm.progress import Bar
from callkit.crm.raw import Raw
from callkit.engine import literal
from callkit.errors import UsageError, did_you_mean
from callkit.settings import Settings

PREFIX = "query."


def pull(raw: Raw, settings: Settings, asked: Asked) -> dict[str, Any]:
    """Runs the queries and keeps what they gave, as text, for the gate to judge.

    Raises UsageError where a query is missing or wrong, CallkitError where the database does not answer.
    """
    wanted = {key.removeprefix(PREFIX): sql for key, sql in settings.crm.items() if key.startswith(PREFIX)}
    if lacking := [table for table, its in CONTRACT.items() if not its.optional and table not in wanted]:
        near = did_you_mean(lacking[0], wanted)
        raise UsageError(f"[queries] {', '.join(lacking)}: a query for each is wanted.{near}")
    with connect(settings.crm) as database, Bar(asked.quiet) as bar:
        # Each query is started before anything is kept: one that is wrong changes nothing.
        first = {table: next(database.query(sql), []) for table, sql in wanted.items()}
        raw.prepare()
        for table, sql in wanted.items():
            bar.name(table)
            columns = dict.fromkeys(first[table][0], "VARCHAR") if first[table] else {}
            if columns:
                raw.load(f"told_{table}", columns, _texts(database, sql), bar.add)
            else:
                raw.engine.query(f"DROP TABLE IF EXISTS told_{table}")
    return {"tables": sorted(table for table, rows in first.items() if rows), "read": bar.total}


def write(raw: Raw, folder: Path, _: Settings) -> dict[str, Any]:
    """Writes what the queries gave into `folder` as Parquet."""
    for table in raw.state("told")["tables"]:
        target = literal(str(folder / f"{table}.parquet"))
        raw.engine.query(f"COPY (FROM told_{table}) TO {target} (FORMAT parquet)")
    return {}


def _texts(database: Database, sql: str) -> Iterator[list[dict[str, Any]]]:
    for rows in database.query(sql):
        yield [{name: _text(value) for name, value in row.items()} for row in rows]


def _text(value: object) -> str | None:
    """A value as a file would have it.

    >>> _text(dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)), _text(7), _text(None)
    ('2026-03-01T09:00:00+00:00', '7', None)
    """
    if value is None:
        return None
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
