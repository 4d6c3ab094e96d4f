"""The thin seam to the database that computes: SQL text and bound values in, rows or a DataFrame out.

Every statement callkit composes is plain SQL; what an engine must be told in its own words (opening, attaching) stays
in its adapter.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from callkit.errors import CallkitError

if TYPE_CHECKING:
    import pandas as pd

Row = tuple[Any, ...]


class Engine(Protocol):
    """What measuring needs of an engine."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]: ...

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame: ...

    def close(self) -> None: ...


class DuckDB:
    """DuckDB in this process, in memory or over a file.

    It never reaches for the network: extensions are neither fetched nor loaded by themselves.
    """

    def __init__(self, path: Path | None = None, *, read_only: bool = False, memory: str = "") -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
        if memory:
            config["memory_limit"] = memory
        # A process holds one database under a file's name, even when another file has got that name since. Attached to
        # a database of its own, a store that is only read is always the file that is there now.
        attached = path if read_only else None
        self._connection = duckdb.connect(str((not attached and path) or ":memory:"), config=config)
        self._connection.execute("SET TimeZone = 'UTC'")
        if attached:
            try:
                self._connection.execute(f"ATTACH {literal(str(attached))} AS store (READ_ONLY)")
                self._connection.execute("USE store")
            except duckdb.Error:
                self._connection.close()
                raise

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with _told():
            return self._connection.execute(sql, list(parameters) or None).fetchall()

    def insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Adds rows of plain values to a table, in statements of up to 500 rows."""
        for at in range(0, len(rows), 500):
            part = rows[at : at + 500]
            marks = ", ".join("(" + ", ".join("?" * len(row)) + ")" for row in part)
            self.query(f"INSERT INTO {table} VALUES {marks}", [v for row in part for v in row])

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        with _told():
            return self._connection.execute(sql, list(parameters) or None).df()

    def register(self, name: str, frame: pd.DataFrame) -> None:
        """Makes a pandas frame readable under a name, without copying it."""
        self._connection.register(name, frame)

    def close(self) -> None:
        self._connection.close()


def quoted(identifier: str) -> str:
    """An identifier for SQL text, whatever characters are in it.

    >>> print(quoted('5" pipe'))
    "5"" pipe"
    """
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal for the few places where SQL takes no bound value (file names, formats).

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def reason(error: Exception) -> str:
    """The first lines of a database error, without its class prefix and hints."""
    told = re.sub(r"^[\w ]+ Error: ", "", str(error).strip())
    return " ".join(line.strip() for line in told.splitlines()[:3] if line.strip())[:400]


@contextlib.contextmanager
def _told() -> Iterator[None]:
    # What the machine refuses is no bug of callkit's and gets a sentence; any other database error is one and stays.
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise CallkitError(f"the database cannot go on: {reason(error)}") from error
