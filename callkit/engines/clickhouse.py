"""ClickHouse: placed tables in a database of their own; the raw tables in another database, or files.

Its settings are told to keep to the standard: what an outer join does not find is null, as are casts of nulls, and
`UNION` is of different rows.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from callkit.contract import CONTRACT
from callkit.engine import DuckDB, Row, quoted
from callkit.engines import PASSWORD, URL
from callkit.engines.remote import Remote, carried, columns_of, marked
from callkit.errors import CallkitError, UsageError
from callkit.reading import FLOAT, TEXT, WHOLE, ZONED, FromEngine
from callkit.sources import RawTable

if TYPE_CHECKING:
    import pandas as pd

_SETTINGS = {
    "join_use_nulls": 1, "data_type_default_nullable": 1, "cast_keep_nullable": 1, "union_default_mode": "DISTINCT",
    "group_by_use_nulls": 1, "alter_sync": 1, "mutations_sync": 1, "session_timezone": "UTC",
}  # fmt: skip
_TYPES = {
    "VARCHAR": "Nullable(String)", "INTEGER": "Nullable(Int32)", "BIGINT": "Nullable(Int64)",
    "DOUBLE": "Nullable(Float64)", "BOOLEAN": "Nullable(Bool)",
}  # fmt: skip
# What the server refuses: rights, passwords, memory, time, names of databases.
_REFUSED = re.compile(r"ACCESS_DENIED|AUTHENTICATION_FAILED|MEMORY_LIMIT|TIMEOUT|UNKNOWN_DATABASE|NOT_ENOUGH_SPACE")


class ClickHouse(Remote):
    """A connection to a ClickHouse server over HTTP, from version 25.8 on.

    Tables that pass away lie in a database of their own until the engine is closed.
    """

    def __init__(
        self,
        url: str,
        place: str = "",
        *,
        new: bool = False,
        password: str = "",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        address = urlsplit(url)
        secure = address.scheme in ("https", "clickhouses")
        self._said = f"ClickHouse at {address.hostname or 'localhost'}"
        self._passing = "" if place else f"callkit_passing_{secrets.token_hex(6)}"
        self.place = place
        with self._told("cannot be reached"):
            self._client = clickhouse_connect.get_client(
                host=address.hostname or "localhost",
                port=address.port or (8443 if secure else 8123),
                username=unquote(address.username or "default"),
                password=password or unquote(address.password or ""),
                secure=secure,
                settings={**_SETTINGS, **dict(options or {})},
                autogenerate_session_id=False,
            )
            self._database = place or self._passing
            if new or self._passing:
                self._client.command(f"CREATE DATABASE {quoted(self._database)}")
            # A database that is gone must be told as such, not as a server that does not answer.
            elif not self.query("SELECT 1 FROM system.databases WHERE name = ?", [place]):
                return
        self._client.database = self._database

    @classmethod
    def of(cls, told: Mapping[str, Any], place: str, new: bool) -> ClickHouse:
        """The engine that `[engine]` tells of; the password is the environment's alone."""
        url = os.environ.get(URL) or told.get("url", "")
        if not url.startswith(("clickhouse://", "clickhouses://", "http://", "https://")):
            raise UsageError(f"[engine] url is wanted, as clickhouse://user@host:8123; or set {URL}")
        return cls(url, place, new=new, password=os.environ.get(PASSWORD, ""), options=told.get("options"))

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return [tuple(row) for row in self._asked(sql, parameters).result_rows]

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        import pandas as pd

        answer = self._asked(sql, parameters)
        return pd.DataFrame(answer.result_rows, columns=list(answer.column_names))

    def create(self, table: str, sql: str, parameters: Sequence[object] = (), *, passing: bool = False) -> None:
        self._command(f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY tuple() AS {sql}", parameters)

    def bring(self, table: str, gate: DuckDB, name: str, *, passing: bool = False) -> None:
        listed = ", ".join(f"{quoted(c)} {_TYPES[t]}" for c, t in columns_of(gate, name).items())
        self._command(f"CREATE TABLE {table} ({listed}) ENGINE = MergeTree ORDER BY tuple()")
        with (
            carried(gate, name, "FORMAT parquet") as folder,
            (Path(folder) / "table").open("rb") as file,
            self._told("cannot go on"),
        ):
            self._client.raw_insert(table, insert_block=file, fmt="Parquet")

    def raw(self, where: str) -> dict[str, RawTable]:
        rows = self.query("SELECT table, name, type FROM system.columns WHERE database = ? ORDER BY position", [where])
        if not rows:
            raise UsageError(f"[engine] tables: {self._said} shows no tables in a database {where!r}")
        found = {}
        for name in (t for t in CONTRACT if any(row[0] == t for row in rows)):
            types = {column: _kind(kind) for table, column, kind in rows if table == name}
            relation = f"{quoted(where)}.{quoted(name)}"
            found[name] = RawTable(name, f"table {where}.{name}", relation, {c: quoted(c) for c in types}, types)
        return found

    @property
    def reading(self) -> FromEngine:
        return FromEngine(
            lambda source: f"CAST({source} AS VARCHAR)",
            lambda source: f"toUnixTimestamp64Micro(CAST({source} AS DateTime64(6)))",
            self.types["DOUBLE"],
        )

    def drop(self, *tables: str) -> None:
        for table in tables:
            self._command(f"DROP TABLE {table} SYNC")

    def has(self, table: str) -> bool:
        known = "SELECT 1 FROM system.tables WHERE database = ? AND name = ?"
        return bool(self.query(known, [self._database, table]))

    def without(self, table: str, column: str) -> None:
        self._command(f"ALTER TABLE {table} DROP COLUMN {column}")

    def month(self, local_us: str) -> str:
        clock = f"fromUnixTimestamp64Micro(CAST({local_us} AS BIGINT), 'UTC')"
        return f"CAST(toYear({clock}) * 12 + toMonth({clock}) - 1 AS INTEGER)"

    def lowered(self, text: str) -> str:
        return f"lowerUTF8({text})"

    def discard(self, place: str) -> None:
        with self._told("cannot go on"):
            self._client.database = None
            self._client.command(f"DROP DATABASE IF EXISTS {quoted(place)} SYNC")

    def close(self) -> None:
        if self._passing:
            with contextlib.suppress(CallkitError, ClickHouseError):
                self.discard(self._passing)
        self._client.close()

    def _command(self, sql: str, parameters: Sequence[object] = ()) -> None:
        text, values = _bound(sql, parameters)
        with self._told("cannot go on"):
            self._client.command(text, parameters=values)

    def _asked(self, sql: str, parameters: Sequence[object]) -> Any:
        text, values = _bound(sql, parameters)
        with self._told("cannot go on"):
            return self._client.query(text, parameters=values)

    @contextlib.contextmanager
    def _told(self, how: str) -> Iterator[None]:
        try:
            yield
        except (OperationalError, DatabaseError) as error:
            if isinstance(error, DatabaseError) and not _REFUSED.search(str(error)):
                raise
            raise CallkitError(f"{self._said} {how}: {str(error).strip().splitlines()[0][:300]}") from error


def _bound(sql: str, parameters: Sequence[object]) -> tuple[str, dict[str, object]]:
    """The text with ClickHouse's own markers, which name the type, and the values by their names."""
    kinds = {int: "Int64", float: "Float64", str: "String"}
    text = marked(sql, lambda n: f"{{p{n}:{kinds[type(parameters[n])]}}}")
    return text, {f"p{n}": value for n, value in enumerate(parameters)}


def _kind(told: str) -> str:
    """What a raw column of a ClickHouse type is read as.

    >>> _kind("LowCardinality(Nullable(String))"), _kind("DateTime64(3, 'UTC')"), _kind("Decimal(12, 2)")
    ('VARCHAR', 'TIMESTAMP WITH TIME ZONE', 'DOUBLE')
    """
    while wrapped := re.fullmatch(r"(?:Nullable|LowCardinality)\((.*)\)", told):
        told = wrapped[1]
    if told == "String":
        return TEXT
    if told.startswith("DateTime"):  # an instant, whatever zone it is shown in
        return ZONED
    if re.fullmatch(r"U?Int\d+", told):
        return WHOLE
    return FLOAT if told.startswith(("Float", "Decimal")) else told
