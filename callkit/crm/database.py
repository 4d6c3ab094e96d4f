"""Databases as sources, through SQLAlchemy: read only, in chunks, by a server-side cursor, in one snapshot.

Nothing here is of one engine: what an engine lacks (snapshots, cursors of its own) is left out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from callkit.errors import CallkitError, UsageError

URL, PASSWORD = "CALLKIT_DATABASE_URL", "CALLKIT_DATABASE_PASSWORD"
CHUNK = 5000
SNAPSHOT = "REPEATABLE READ"


class Database:
    """A database open for reading; a context manager."""

    def __init__(self, connection: sa.Connection, name: str, secret: str) -> None:
        self._connection, self.name, self._secret = connection, name, secret

    def columns(self, schema: str) -> dict[str, set[str]]:
        """The tables and views of a schema (empty: the usual one), with their columns."""
        with self.told():
            inspector = sa.inspect(self._connection)
            names = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
            return {n: {str(c["name"]) for c in inspector.get_columns(n, schema or None)} for n in names}

    def select(
        self,
        table: str,
        columns: list[str],
        schema: str,
        wanted: Mapping[str, object] | None = None,
        *,
        distinct: bool = False,
    ) -> Iterator[list[dict[str, Any]]]:
        """Rows of a table as the engine gives them; `wanted` are values that columns must have."""
        wanted = wanted or {}
        found = sa.table(table, *(sa.column(c) for c in {*columns, *wanted}), schema=schema or None)
        query = sa.select(*(found.c[c] for c in columns))
        query = query.distinct() if distinct else query
        for column, value in wanted.items():
            query = query.where(found.c[column] == value)
        return self._chunks(query)

    def query(self, sql: str) -> Iterator[list[dict[str, Any]]]:
        """Rows of a query given as text."""
        return self._chunks(sa.text(sql))

    def _chunks(self, query: sa.Executable) -> Iterator[list[dict[str, Any]]]:
        with self.told():
            result = self._connection.execution_options(stream_results=True, yield_per=CHUNK).execute(query)
            if not result.returns_rows:
                raise UsageError(f"{self.name}: a query gives no rows at all; each must be a SELECT")
            for part in result.mappings().partitions():
                yield [dict(row) for row in part]

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        try:
            yield
        except (exc.OperationalError, exc.InterfaceError) as error:
            raise CallkitError(f"{self.name} cannot be read: {self.said(error)}") from None
        except exc.SQLAlchemyError as error:
            raise UsageError(f"{self.name} does not understand: {self.said(error)}") from None

    def said(self, error: Exception) -> str:
        return _first_line(error, self._secret)


@contextlib.contextmanager
def connect(crm: Mapping[str, Any]) -> Iterator[Database]:
    """The database of `[source] url`; its password comes from the environment, never from the settings.

    Raises UsageError for an address or driver that will not do, CallkitError where the database does not answer.
    """
    url, secret = _url(crm)
    name = f"the database {url.database or url.host or url.drivername}"
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
    except ModuleNotFoundError as error:
        raise UsageError(
            f'{url.drivername} needs {error.name}, which is not installed: pip install "callkit[sql]"'
        ) from None
    except exc.SQLAlchemyError as error:
        raise UsageError(f"[source] url is no address of a database: {_first_line(error, secret)}") from None
    try:
        connection = engine.connect()
    except exc.SQLAlchemyError as error:
        raise CallkitError(f"{name} cannot be reached: {_first_line(error, secret)}") from None
    with connection:
        with contextlib.suppress(NotImplementedError, exc.SQLAlchemyError):
            driver = connection.connection.dbapi_connection
            if driver is not None and SNAPSHOT in engine.dialect.get_isolation_level_values(driver):
                connection = connection.execution_options(isolation_level=SNAPSHOT, postgresql_readonly=True)
        yield Database(connection, name, secret)
    engine.dispose()


def _url(crm: Mapping[str, Any]) -> tuple[sa.URL, str]:
    told = os.environ.get(URL) or crm.get("url")
    if not told:
        raise UsageError(f"[source] url is wanted, as postgresql://user@host/base; or set {URL}")
    try:
        url = sa.make_url(str(told))
    except exc.SQLAlchemyError:
        raise UsageError("[source] url is no address of a database; write postgresql://user@host/base") from None
    if not url.password and (password := os.environ.get(PASSWORD)):
        url = url.set(password=password)
    return url, str(url.password or "")


def _first_line(error: Exception, secret: str) -> str:
    cause = getattr(error, "orig", None) or error
    line = next((part.strip() for part in str(cause).splitlines() if part.strip()), type(cause).__name__)
    return (line.replace(secret, "…") if secret else line)[:300]
