"""PostgreSQL: placed tables in a schema of their own, or temporary ones; the raw tables in another schema, or files.

Texts are compared code point by code point: every text column has the collation "C", whatever the database's is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql as compose
from psycopg.types.numeric import FloatLoader

from callkit.contract import CONTRACT
from callkit.engine import DuckDB, Row, quoted
from callkit.engines import PASSWORD, URL
from callkit.engines.remote import Remote, carried, columns_of, marked
from callkit.errors import CallkitError, UsageError
from callkit.reading import FLOAT, NAIVE, TEXT, WHOLE, ZONED, FromEngine
from callkit.sources import RawTable

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {"VARCHAR": 'VARCHAR COLLATE "C"', "DOUBLE": "DOUBLE PRECISION"}
_RAW = {
    "text": TEXT, "character varying": TEXT, "timestamp with time zone": ZONED,
    "timestamp without time zone": NAIVE, "smallint": WHOLE, "integer": WHOLE, "bigint": WHOLE,
    "numeric": FLOAT, "real": FLOAT, "double precision": FLOAT,
}  # fmt: skip
# What the server refuses, or cannot go on with, is no bug of callkit's.
_REFUSED = (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidCatalogName)


class Postgres(Remote):
    """A connection to a PostgreSQL server, from version 14 on."""

    types = {"VARCHAR": "VARCHAR", "DOUBLE": "DOUBLE PRECISION"}

    def __init__(
        self,
        url: str,
        place: str = "",
        *,
        new: bool = False,
        password: str = "",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.place = place
        address = urlsplit(url.replace("+psycopg", "", 1))
        self._said = f"PostgreSQL at {address.hostname or 'this machine'}"
        secret: dict[str, Any] = {"password": password} if password else {}
        with self._told("cannot be reached"):
            self._connection = psycopg.connect(
                address.geturl(), autocommit=True, cursor_factory=psycopg.RawCursor, prepare_threshold=None, **secret
            )
        self._connection.adapters.register_loader("numeric", FloatLoader)
        try:
            given = {"search_path": quoted(place) if place else "pg_temp", "timezone": "UTC", "jit": "off"}
            for name, value in (given | dict(options or {})).items():
                self.query("SELECT set_config(?, ?, FALSE)", [name, str(value)])
            if new:
                self.query(f"CREATE SCHEMA {quoted(place)}")
            elif place:
                self.query("SET default_transaction_read_only = on")
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(cls, told: Mapping[str, Any], place: str, new: bool) -> Postgres:
        """The engine that `[engine]` tells of; the password is the environment's alone."""
        url = os.environ.get(URL) or told.get("url", "")
        if not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
            raise UsageError(f"[engine] url is wanted, as postgresql://user@host/base; or set {URL}")
        return cls(url, place, new=new, password=os.environ.get(PASSWORD, ""), options=told.get("options"))

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with self._told("cannot go on"):
            cursor = self._connection.execute(marked(sql, lambda n: f"${n + 1}").encode(), list(parameters) or None)
            return cursor.fetchall() if cursor.description else []

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        import pandas as pd

        with self._told("cannot go on"):
            cursor = self._connection.execute(marked(sql, lambda n: f"${n + 1}").encode(), list(parameters) or None)
            return pd.DataFrame(cursor.fetchall(), columns=[c.name for c in cursor.description or ()])

    def create(self, table: str, sql: str, parameters: Sequence[object] = (), *, passing: bool = False) -> None:
        # A statement that makes a table takes no bound values: the driver writes them in.
        written = marked(sql, lambda n: compose.Literal(parameters[n]).as_string(self._connection))
        self.query(f"CREATE {self._temporary(passing)}TABLE {table} AS {written}")
        self.query(f"ANALYZE {table}")

    def bring(self, table: str, gate: DuckDB, name: str, *, passing: bool = False) -> None:
        listed = ", ".join(f"{quoted(c)} {_TYPES.get(t, t)}" for c, t in columns_of(gate, name).items())
        self.query(f"CREATE {self._temporary(passing)}TABLE {table} ({listed})")
        with (
            carried(gate, name, "FORMAT csv, HEADER false") as folder,
            (Path(folder) / "table").open("rb") as file,
            self._told("cannot go on"),
            self._connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)".encode()) as copy,
        ):
            while part := file.read(1 << 20):
                copy.write(part)
        self.query(f"ANALYZE {table}")

    def raw(self, where: str) -> dict[str, RawTable]:
        rows = self.query(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = ? "
            "ORDER BY table_name, ordinal_position",
            [where],
        )
        if not rows:
            raise UsageError(f"[engine] tables: {self._said} shows no tables in a schema {where!r}")
        found = {}
        for name in (t for t in CONTRACT if any(row[0] == t for row in rows)):
            types = {str(column): _RAW.get(str(kind), str(kind)) for table, column, kind in rows if table == name}
            relation = f"{quoted(where)}.{quoted(name)}"
            found[name] = RawTable(name, f"table {where}.{name}", relation, {c: quoted(c) for c in types}, types)
        return found

    @property
    def reading(self) -> FromEngine:
        return FromEngine(
            lambda source: f'CAST({source} AS VARCHAR) COLLATE "C"',
            lambda source: (
                f"CASE WHEN isfinite({source}) THEN CAST(extract(epoch FROM {source}) * 1000000 AS BIGINT) END"
            ),
            self.types["DOUBLE"],
        )

    def drop(self, *tables: str) -> None:
        for table in tables:
            self.query(f"DROP TABLE {table}")

    def has(self, table: str) -> bool:
        return bool(self.query("SELECT 1 WHERE to_regclass(?) IS NOT NULL", [table]))

    def without(self, table: str, column: str) -> None:
        self.query(f"ALTER TABLE {table} DROP COLUMN {column}")

    def month(self, local_us: str) -> str:
        clock = f"(TIMESTAMP '1970-01-01' + ({local_us}) * INTERVAL '1 microsecond')"
        return f"CAST(extract(year FROM {clock}) * 12 + extract(month FROM {clock}) - 1 AS INTEGER)"

    def lowered(self, text: str) -> str:
        # The collation "C" knows small letters of the Latin alphabet only; a server without ICU has its own.
        known = self.query("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'")
        return f"lower({text} COLLATE {quoted('und-x-icu' if known else 'default')})"

    def discard(self, place: str) -> None:
        self.query("SET default_transaction_read_only = off")
        self.query(f"DROP SCHEMA IF EXISTS {quoted(place)} CASCADE")

    def close(self) -> None:
        self._connection.close()

    def _temporary(self, passing: bool) -> str:
        return "TEMP " if passing or not self.place else ""

    @contextlib.contextmanager
    def _told(self, how: str) -> Iterator[None]:
        try:
            yield
        except _REFUSED as error:
            raise CallkitError(f"{self._said} {how}: {str(error).strip().splitlines()[0][:300]}") from error
