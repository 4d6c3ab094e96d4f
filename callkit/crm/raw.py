"""The raw tables of a company: what the CRM told, row by row, in one DuckDB file, with how far the reading has come.

Rows and progress change together, in one transaction: whenever a pull is killed, the next one goes on from there.
The file is locked while a pull has it open, so that two pulls of one company never meet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from callkit.engine import DuckDB, Row, quoted, reason
from callkit.errors import CallkitError

FILE = "raw.duckdb"
VERSION = 1
MEMORY = "256MB"

# table -> its columns by name, and the key of a row; the copy read last holds
TABLES: Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "users": ({"user_id": "BIGINT", "name": "VARCHAR", "team": "VARCHAR", "active": "BOOLEAN"}, ("user_id",)),
    "pipelines": ({"pipeline_id": "BIGINT", "name": "VARCHAR", "sort": "DOUBLE"}, ("pipeline_id",)),
    "statuses": (
        {"pipeline_id": "BIGINT", "status_id": "BIGINT", "name": "VARCHAR", "sort": "DOUBLE", "type": "INTEGER"},
        ("pipeline_id", "status_id"),
    ),
    "fields": ({"field_id": "BIGINT", "name": "VARCHAR", "type": "VARCHAR"}, ("field_id",)),
    "leads": (
        {
            "lead_id": "BIGINT", "price": "DOUBLE", "owner": "BIGINT", "status_id": "BIGINT", "pipeline_id": "BIGINT",
            "created_at": "BIGINT", "updated_at": "BIGINT", "closed_at": "BIGINT", "loss_reason": "VARCHAR",
            "source": "VARCHAR", "deleted": "BOOLEAN", "tags": "VARCHAR[]",
            "contacts": "BIGINT[]", "companies": "BIGINT[]", "fields": "STRUCT(field_id BIGINT, value VARCHAR)[]",
        },
        ("lead_id",),
    ),
    "trash": ({"lead_id": "BIGINT"}, ("lead_id",)),
    "events": (
        {
            "event_id": "VARCHAR", "lead_id": "BIGINT", "created_at": "BIGINT",
            "before_pipeline": "BIGINT", "before_status": "BIGINT",
            "after_pipeline": "BIGINT", "after_status": "BIGINT",
        },
        ("event_id",),
    ),
    "notes": (
        {
            "entity": "VARCHAR", "note_id": "BIGINT", "entity_id": "BIGINT", "note_type": "VARCHAR",
            "created_by": "BIGINT", "owner": "BIGINT", "responsible": "BIGINT", "created_at": "BIGINT",
            "updated_at": "BIGINT", "duration": "DOUBLE", "uniq": "VARCHAR", "link": "VARCHAR", "phone": "VARCHAR",
        },
        ("entity", "note_id"),
    ),
}  # fmt: skip


class Raw:
    """The raw tables, open for one pull; a context manager.

    A new file that nothing was put into is taken away again. Raises CallkitError where another pull has it open.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._new = not self.path.exists()
        try:
            self.engine = DuckDB(self.path, limit=MEMORY)
        except duckdb.Error as error:
            if "lock" in str(error).lower() or "being used" in str(error).lower():
                raise CallkitError(f"another pull of {folder} is running; wait until it is done") from None
            raise CallkitError(f"{self.path} cannot be opened: {reason(error)}") from None
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        if not self.known("state"):
            return
        version = self.state("version")
        if version != VERSION:
            raise CallkitError(f"{self.path} was made by another version of callkit; delete it and pull again")

    def known(self, table: str) -> bool:
        """Whether a table is there."""
        told = self.engine.query("SELECT 1 FROM information_schema.tables WHERE table_name = ?", [table])
        return bool(told)

    def prepare(self) -> None:
        """Makes the tables where they are not there yet; from now on until `told` is kept, they are not whole."""
        self.engine.query("BEGIN")
        for name, (columns, _) in TABLES.items():
            listed = ", ".join(f"{quoted(c)} {kind}" for c, kind in columns.items())
            self.engine.query(f"CREATE TABLE IF NOT EXISTS {name} ({listed})")
        self.engine.query("CREATE TABLE IF NOT EXISTS state (key VARCHAR, value VARCHAR)")
        self.keep("version", VERSION)
        self.engine.query("DELETE FROM state WHERE key = 'told'")
        self.engine.query("COMMIT")
        self._new = False

    def state(self, key: str) -> Any:
        """What was kept under a key; None where nothing was."""
        if not self.known("state"):
            return None
        rows = self.engine.query("SELECT value FROM state WHERE key = ?", [key])
        return json.loads(rows[0][0]) if rows else None

    def keep(self, key: str, value: object) -> None:
        """Keeps a value that JSON can write under a key."""
        self.engine.query("DELETE FROM state WHERE key = ?", [key])
        self.engine.query("INSERT INTO state VALUES (?, ?)", [key, json.dumps(value, ensure_ascii=False)])

    def add(self, table: str, rows: Sequence[Mapping[str, object]], key: str, progress: object) -> None:
        """Adds rows and, in the same transaction, keeps how far the reading has come under `key`."""
        self.engine.query("BEGIN")
        self._insert(table, rows)
        self.keep(key, progress)
        self.engine.query("COMMIT")

    def merge(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Takes rows over what is there; those that `rows` no longer name stay as they were last told."""
        self.engine.query("BEGIN")
        self._insert(table, rows)
        self.settle(table)
        self.engine.query("COMMIT")

    def replace(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Makes `rows` all that a table holds."""
        self.engine.query("BEGIN")
        self.engine.query(f"DELETE FROM {table}")
        self._insert(table, rows)
        self.engine.query("COMMIT")

    def load(
        self,
        table: str,
        columns: Mapping[str, str],
        chunks: Iterable[Sequence[Mapping[str, object]]],
        tell: Callable[[int], object],
    ) -> None:
        """Fills a table anew, chunk by chunk; the old one stays until all is there. `tell` hears each chunk's rows."""
        listed = ", ".join(f"{quoted(c)} {kind}" for c, kind in columns.items())
        self.engine.query(f"CREATE OR REPLACE TABLE next_{table} ({listed})")
        for rows in chunks:
            self.insert(f"next_{table}", columns, rows)
            tell(len(rows))
        self.engine.query("BEGIN")
        self.engine.query(f"DROP TABLE IF EXISTS {table}")
        self.engine.query(f"ALTER TABLE next_{table} RENAME TO {table}")
        self.engine.query("COMMIT")

    def forget(self, readings: Mapping[str, str]) -> None:
        """Empties tables and drops how far their readings had come, to read them anew: table by reading."""
        self.engine.query("BEGIN")
        for key, table in readings.items():
            self.engine.query(f"DELETE FROM {table}")
            self.engine.query("DELETE FROM state WHERE key = ?", [key])
        self.engine.query("COMMIT")

    def _insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        self.insert(table, TABLES[table][0], rows)

    def insert(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> None:
        """Adds rows to a table of these columns; what is no JSON enters as its text."""
        # A page enters as one text, typed by the engine: hundreds of bound values would take it ten times longer.
        shape = json.dumps([{name: _shape(kind) for name, kind in columns.items()}])
        for at in range(0, len(rows), 5000):
            text = json.dumps(rows[at : at + 5000], ensure_ascii=False, default=str)
            listed = ", ".join(f"r.{quoted(c)}" for c in columns)
            self.engine.query(
                f"INSERT INTO {table} SELECT {listed} FROM (SELECT unnest(from_json(?, ?)) AS r) AS given",
                [text, shape],
            )

    def settle(self, table: str) -> int:
        """Leaves one row a key, the copy that was read last; returns how many older ones went."""
        key = ", ".join(TABLES[table][1])
        older = f"""
            SELECT row FROM (
                SELECT rowid AS row, row_number() OVER (PARTITION BY {key} ORDER BY rowid DESC) AS nth FROM {table}
            ) AS copies WHERE nth > 1
        """
        gone: list[Row] = self.engine.query(f"DELETE FROM {table} WHERE rowid IN ({older})")
        return int(gone[0][0]) if gone else 0

    def count(self, table: str) -> int:
        return int(self.engine.query(f"SELECT count(*) FROM {table}")[0][0])

    def close(self) -> None:
        self.engine.close()
        if self._new:
            for left in (self.path, self.path.with_name(self.path.name + ".wal")):
                left.unlink(missing_ok=True)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shape(kind: str) -> object:
    """A column's type as the JSON reader wants it.

    >>> _shape("BIGINT[]"), _shape("STRUCT(field_id BIGINT, value VARCHAR)[]")
    (['BIGINT'], [{'field_id': 'BIGINT', 'value': 'VARCHAR'}])
    """
    if kind.endswith("[]"):
        return [_shape(kind[:-2])]
    if kind.startswith("STRUCT("):
        return dict(part.split() for part in kind[7:-1].split(", "))
    return kind
