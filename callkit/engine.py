"""The thin seam to the database that computes: SQL text and bound values in, rows or a DataFrame out.

Every statement callkit composes is plain SQL, the same text for every engine; what an engine must be told in its own
words (opening, making a table, the few functions that have no common name) stays in its adapter. DuckDB's is here, the
others' are in `callkit.engines`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from callkit.errors import CallkitError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Row = tuple[Any, ...]
_BESIDE, _OVER, _LEAST = 170, 0.08, 500
"""MiB that a process takes beside DuckDB's own limit, the part by which that is passed, as measured; the least MiB."""
# DuckDB takes the processes of notebooks for a person at a keyboard and would draw bars in between.
_EACH_CONNECTION = ("SET TimeZone = 'UTC'", "SET enable_progress_bar = false")
PREFIX = "checked_"
"""How the names of checked tables begin: they pass away once the calls are placed."""


class Engine(Protocol):
    """What placing and measuring need of an engine.

    A marker `?` in SQL text stands for a bound value. Types of columns are VARCHAR, INTEGER, BIGINT, DOUBLE, BOOLEAN;
    `types` says what the engine itself calls VARCHAR and DOUBLE in a cast. A column that comes out of a join is named
    with AS: not every engine takes the table's name off it.
    """

    types: Mapping[str, str]
    bits: bool
    """Whether whole numbers are sets of bits here: `bit_or(x)`, `x << n`, `x >> n`, `x & y`."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]: ...

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame: ...

    def arrays(self, width: int, sql: str, parameters: Sequence[object] = ()) -> list[npt.NDArray[np.generic]]:
        """The `width` columns of a query's rows, none of which is null."""

    def create(self, table: str, sql: str, parameters: Sequence[object] = (), *, passing: bool = False) -> None:
        """Makes a table of a query's rows; a `passing` one is gone at the latest when the engine is closed."""

    def define(
        self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, passing: bool = False
    ) -> None:
        """Makes a small table of plain values; `columns` maps names to types."""

    def drop(self, *tables: str) -> None:
        """Lets go of tables that `create` and `define` made."""

    def has(self, table: str) -> bool:
        """Whether there is such a table."""

    def without(self, table: str, column: str) -> None:
        """Takes a column out of a table."""

    def distinct(self, table: str, columns: Sequence[str]) -> int:
        """How many different rows the columns have."""

    def month(self, local_us: str) -> str:
        """SQL for the months since the year 0 of a clock reading in microseconds since 1970."""

    def lowered(self, text: str) -> str:
        """SQL for a text in small letters, of whatever alphabet."""

    def close(self) -> None: ...


class DuckDB:
    """DuckDB in this process, in memory or over a file.

    It never reaches for the network: extensions are neither fetched nor loaded by themselves. With `memory`, as
    `"4GB"`, the process keeps to that much, and what does not fit goes to disk: into the folder `spill`, where given.
    With `limit` DuckDB's own pages do, whatever the rest of the process takes.
    """

    types: Mapping[str, str] = {"VARCHAR": "VARCHAR", "DOUBLE": "DOUBLE"}
    bits = True

    def __init__(
        self,
        path: Path | None = None,
        *,
        read_only: bool = False,
        memory: str = "",
        limit: str = "",
        spill: Path | None = None,
    ) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
            "perfect_ht_threshold": "20",  # bits of all keys together: so few groups are summed in an array
        }
        if memory:
            config |= _within(memory)
        if limit:
            config["memory_limit"] = limit
        if spill:
            config["temp_directory"] = str(spill)
        # A process holds one database under a file's name, even when another file has got that name since. Attached to
        # a database of its own, a store that is only read is always the file that is there now.
        attached = path if read_only else None
        self._connection = duckdb.connect(str((not attached and path) or ":memory:"), config=config)
        for said in _EACH_CONNECTION:
            self._connection.execute(said)
        self._beside: list[DuckDB] = []
        if attached:
            try:
                self._connection.execute(f"ATTACH {literal(str(attached))} AS store (READ_ONLY)")
                self._connection.execute("USE store")
            except duckdb.Error:
                self._connection.close()
                raise

    def beside(self) -> DuckDB:
        """Another way to the tables of a store that is only read, for another thread; closed with this one."""
        other = object.__new__(DuckDB)
        other._connection, other._beside = self._connection.cursor(), []
        for said in (*_EACH_CONNECTION, "USE store"):
            other._connection.execute(said)
        self._beside.append(other)
        return other

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with _told():
            return self._connection.execute(sql, list(parameters) or None).fetchall()

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        with _told():
            return self._connection.execute(sql, list(parameters) or None).df()

    def arrays(self, width: int, sql: str, parameters: Sequence[object] = ()) -> list[npt.NDArray[np.generic]]:
        import numpy as np

        with _told():  # pandas, which a frame would load, is a third of a second and 35 MB
            columns = self._connection.execute(sql, list(parameters) or None).fetchnumpy()
        assert len(columns) == width
        return [np.asarray(column) for column in columns.values()]

    def create(self, table: str, sql: str, parameters: Sequence[object] = (), *, passing: bool = False) -> None:
        self.query(f"CREATE {'TEMP ' if passing else ''}TABLE {table} AS {sql}", parameters)

    def define(
        self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, passing: bool = False
    ) -> None:
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.query(f"CREATE {'TEMP ' if passing else ''}TABLE {table} ({listed})")
        self.insert(table, rows)

    def insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Adds rows of plain values to a table, in statements of up to 500 rows."""
        for at in range(0, len(rows), 500):
            part = rows[at : at + 500]
            marks = ", ".join("(" + ", ".join("?" * len(row)) + ")" for row in part)
            self.query(f"INSERT INTO {table} VALUES {marks}", [v for row in part for v in row])

    def drop(self, *tables: str) -> None:
        for table in tables:
            self.query(f"DROP TABLE {table}")

    def has(self, table: str) -> bool:
        known = "SELECT 1 FROM information_schema.tables WHERE table_name = ? AND table_catalog = current_database()"
        return bool(self.query(known, [table]))

    def without(self, table: str, column: str) -> None:
        self.query(f"ALTER TABLE {table} DROP COLUMN {column}")

    def distinct(self, table: str, columns: Sequence[str]) -> int:
        if len(columns) == 1 and (rows := self._all_different(table, quoted(columns[0]))):
            return rows
        # Equal rows have equal hashes, which are counted at half the cost of the texts.
        listed = ", ".join(map(quoted, columns))
        return int(self.query(f"SELECT count(DISTINCT hash({listed})) FROM {table}")[0][0])

    def _all_different(self, table: str, column: str) -> int:
        """How many rows a table has, if a column's texts are different whole numbers near each other; else 0.

        Such numbers are told apart by a bit each, which takes half as long as hashes do.
        """
        numbers = f"SELECT try_cast({column} AS BIGINT) AS n FROM {table}"
        least, most, whole, rows = self.query(f"SELECT min(n), max(n), count(n), count(*) FROM ({numbers})")[0]
        if not rows or whole < rows or most - least >= min(16 * rows, 1 << 30):
            return 0
        bits = f"bitstring_agg(n, CAST({least} AS BIGINT), CAST({most} AS BIGINT))"
        return int(rows) if self.query(f"SELECT bit_count({bits}) FROM ({numbers})")[0][0] == rows else 0

    def month(self, local_us: str) -> str:
        clock = f"make_timestamp(CAST({local_us} AS BIGINT))"
        return f"CAST(year({clock}) * 12 + month({clock}) - 1 AS INTEGER)"

    def lowered(self, text: str) -> str:
        return f"lower({text})"

    def register(self, name: str, frame: pd.DataFrame) -> None:
        """Makes a pandas frame readable under a name, without copying it."""
        self._connection.register(name, frame)

    def close(self) -> None:
        for other in self._beside:
            other.close()
        self._connection.close()


def _within(memory: str) -> dict[str, str | bool | int | float | list[str]]:
    """The settings that keep the whole process within `memory`.

    >>> _within("1GB")["memory_limit"]
    '707MiB'
    """
    given = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])(i?)B\s*", memory, re.IGNORECASE)
    if not given:
        raise UsageError(f"memory {memory!r} is not understood; write a size as 4GB or 800MB")
    power = "KMGT".index(given[2].upper()) + 1
    whole = float(given[1]) * (1024 if given[3] else 1000) ** power / 2**20
    if whole < _LEAST:
        raise UsageError(f"memory {memory!r} is too little; at least {_LEAST}MiB are wanted")
    # Every thread fills pages of its own before it looks at the limit.
    limit = whole * (1 - _OVER) - _BESIDE
    return {"memory_limit": f"{limit:.0f}MiB", "threads": min(os.cpu_count() or 1, max(1, int(whole / 250)))}


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
