"""Spark: placed tables as Parquet in a folder that every worker sees; the raw tables in another one, or files here.

A table is written before it is used: so no query carries the plans of those before it, and a worker that is lost takes
nothing along that cannot be read or computed again.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from callkit.contract import CONTRACT
from callkit.engine import DuckDB, Row, quoted
from callkit.engines.remote import Remote, carried
from callkit.errors import CallkitError, UsageError
from callkit.reading import FLOAT, NAIVE, TEXT, WHOLE, ZONED, FromEngine
from callkit.sources import RawTable

if TYPE_CHECKING:
    import pandas as pd

# It is tried with the pandas of today; whoever runs a report need not read otherwise.
warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
PLACED = ("facts", "labels", "managers", "stages", "deals", "stays", "calls", "credits")
_SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.session.timeZone": "UTC",
}
_RAW = {
    "string": TEXT, "timestamp": ZONED, "timestamp_ntz": NAIVE, "tinyint": WHOLE, "smallint": WHOLE, "int": WHOLE,
    "bigint": WHOLE, "float": FLOAT, "double": FLOAT,
}  # fmt: skip


class Spark(Remote):
    """A Spark session, from version 4 on: one that is given, or one that `[engine] master` names.

    `store` is a folder that the driver and every worker see: a path, or an address as `s3a://bucket/callkit`. Only
    where everything runs on this machine may it be left out.
    """

    types = {"VARCHAR": "STRING", "DOUBLE": "DOUBLE"}

    def __init__(self, session: SparkSession, store: str = "", place: str = "", *, new: bool = False) -> None:
        self._own: SparkSession | None = None
        self._session = session.newSession()
        for name, value in _SETTINGS.items():
            self._session.conf.set(name, value)
        if not store and not str(session.sparkContext.master).startswith("local"):
            raise UsageError("[engine] store is wanted: a folder that every worker of the cluster sees")
        store = store or tempfile.gettempdir()
        self.place = place
        self._folder = f"{store.rstrip('/')}/{place or 'callkit_passing_' + secrets.token_hex(6)}"
        self._tables: dict[str, str] = {}
        if place and not new:
            for table in PLACED:
                if self._there(f"{self._folder}/{table}"):
                    self._view(table, self._session.read.parquet(f"{self._folder}/{table}"))

    @classmethod
    def of(cls, told: Mapping[str, Any], place: str, new: bool) -> Spark:
        """The engine over a session at `[engine] master`, which ends with it; one that is there already stays."""
        if not told.get("master"):
            raise UsageError("[engine] master is wanted, as spark://host:7077")
        builder = SparkSession.builder.master(told["master"]).appName("callkit")
        builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
        builder = builder.config("spark.log.level", "ERROR")
        for name, value in told.get("options", {}).items():
            builder = builder.config(name, str(value))
        there = SparkContext._active_spark_context is not None
        with _told("cannot be reached"):
            session = builder.getOrCreate()
            opened = cls(session, told.get("store", ""), place, new=new)
        opened._own = None if there else session
        return opened

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with _told("cannot go on"):
            return [_plain(row) for row in self._sql(sql, parameters).collect()]

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        import pandas as pd

        with _told("cannot go on"):
            found = self._sql(sql, parameters)
            return pd.DataFrame([_plain(row) for row in found.collect()], columns=found.columns)

    def create(self, table: str, sql: str, parameters: Sequence[object] = (), *, passing: bool = False) -> None:
        with _told("cannot go on"):
            self._write(table, self._sql(sql, parameters))

    def bring(self, table: str, gate: DuckDB, name: str, *, passing: bool = False) -> None:
        import pyarrow.parquet

        with carried(gate, name, "FORMAT parquet") as folder:
            rows = pyarrow.parquet.read_table(Path(folder) / "table")
        with _told("cannot go on"):
            frame = self._session.createDataFrame(rows)
            self._view(table, frame) if passing else self._write(table, frame)

    def raw(self, where: str) -> dict[str, RawTable]:
        found = {}
        for name in CONTRACT:
            paths = [f"{where.rstrip('/')}/{name}{suffix}" for suffix in (".parquet", "")]
            path = next((p for p in paths if self._there(p)), None)
            if path is None:
                continue
            with _told(f"cannot read {path}"):
                frame = self._session.read.parquet(path)
            self._view(f"raw_{name}", frame)
            types = {c: _RAW.get(t, FLOAT if t.startswith("decimal") else t) for c, t in frame.dtypes}
            found[name] = RawTable(name, path, f"raw_{name}", {c: quoted(c) for c in types}, types)
        if not found:
            raise UsageError(f"[engine] tables: {where} holds no tables; calls.parquet, deals.parquet … are wanted")
        return found

    @property
    def reading(self) -> FromEngine:
        return FromEngine(
            lambda source: f"CAST({source} AS STRING)",
            lambda source: f"unix_micros(CAST({source} AS TIMESTAMP))",
            self.types["DOUBLE"],
        )

    def drop(self, *tables: str) -> None:
        for table in tables:
            self._session.catalog.dropTempView(table)
            if path := self._tables.pop(table, ""):
                self._delete(path)

    def has(self, table: str) -> bool:
        return table in self._tables

    def without(self, table: str, column: str) -> None:
        path = self._tables[table]
        frame = self._session.table(table).drop(column)
        self._view(table, frame, path)

    def month(self, local_us: str) -> str:
        clock = f"timestamp_micros(CAST({local_us} AS BIGINT))"
        return f"CAST(year({clock}) * 12 + month({clock}) - 1 AS INTEGER)"

    def lowered(self, text: str) -> str:
        return f"lower({text})"

    def discard(self, place: str) -> None:
        self._delete(f"{self._folder.rpartition('/')[0]}/{place}")

    def close(self) -> None:
        with contextlib.suppress(Py4JError, PySparkException):
            for table in self._tables:
                self._session.catalog.dropTempView(table)
            if not self.place:
                self._delete(self._folder)
        if self._own:
            self._own.stop()

    def _sql(self, sql: str, parameters: Sequence[object]) -> DataFrame:
        return self._session.sql(sql, args=list(parameters) or None)

    def _write(self, table: str, frame: DataFrame) -> None:
        path = f"{self._folder}/{table}"
        frame.write.parquet(path)
        self._view(table, self._session.read.schema(frame.schema).parquet(path), path)

    def _view(self, table: str, frame: DataFrame, path: str = "") -> None:
        frame.createOrReplaceTempView(table)
        self._tables[table] = path

    def _files(self, path: str) -> tuple[Any, Any]:
        java: Any = self._session.sparkContext._jvm
        place = java.org.apache.hadoop.fs.Path(path)
        return place.getFileSystem(self._session.sparkContext._jsc.hadoopConfiguration()), place

    def _there(self, path: str) -> bool:
        files, place = self._files(path)
        return bool(files.exists(place))

    def _delete(self, path: str) -> None:
        files, place = self._files(path)
        files.delete(place, True)


def _plain(row: Sequence[Any]) -> Row:
    return tuple(float(value) if isinstance(value, Decimal) else value for value in row)


@contextlib.contextmanager
def _told(how: str) -> Iterator[None]:
    # An analysis error is a mistake in callkit's SQL and stays; what the cluster or its files refuse gets a sentence.
    from pyspark.errors import AnalysisException, ParseException

    try:
        yield
    except (AnalysisException, ParseException):
        raise
    except (PySparkException, Py4JError, OSError) as error:
        line = next((part for part in str(error).splitlines() if part.strip()), type(error).__name__)
        raise CallkitError(f"Spark {how}: {line.strip()[:300]}") from error
