"""Tables of a company that lie in an engine already, typed as such tables are; laid there by the engine's own means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callkit.engine import DuckDB, literal

if TYPE_CHECKING:
    import pandas as pd


def lay(kind: str, told: Mapping[str, Any], name: str, frames: Mapping[str, pd.DataFrame], folder: Path) -> str:
    """Lays tables into an engine; what `[engine] tables` says of them."""
    place = Path(told["store"]).parent / name if kind == "spark" else folder / name
    place.mkdir(parents=True)
    gate = DuckDB()
    types: dict[str, dict[str, str]] = {}
    for table, frame in frames.items():
        gate.register("frame", frame)
        gate.query(f"COPY (SELECT * FROM frame) TO {literal(str(place / f'{table}.parquet'))} (FORMAT parquet)")
        gate.query(f"COPY (SELECT * FROM frame) TO {literal(str(place / f'{table}.csv'))} (FORMAT csv, HEADER false)")
        types[table] = {row[0]: row[1] for row in gate.query("DESCRIBE SELECT * FROM frame")}
    gate.close()
    if kind == "postgres":
        _into_postgres(told["url"], name, place, types)
    if kind == "clickhouse":
        _into_clickhouse(told["url"], name, place, types)
    return str(place) if kind == "spark" else name


def _into_postgres(url: str, schema: str, place: Path, types: Mapping[str, Mapping[str, str]]) -> None:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        for table, columns in types.items():
            names = {"VARCHAR": "text", "DOUBLE": "numeric"}
            listed = ", ".join(f'"{c}" {names.get(t, t)}' for c, t in columns.items())
            connection.execute(f"CREATE TABLE {schema}.{table} ({listed})".encode())
            with connection.cursor().copy(f"COPY {schema}.{table} FROM STDIN (FORMAT csv)".encode()) as copy:
                copy.write((place / f"{table}.csv").read_bytes())


def _into_clickhouse(url: str, database: str, place: Path, types: Mapping[str, Mapping[str, str]]) -> None:
    from urllib.parse import urlsplit

    import clickhouse_connect

    names = {
        "VARCHAR": "LowCardinality(Nullable(String))", "DOUBLE": "Nullable(Decimal(18, 3))",
        "TIMESTAMP WITH TIME ZONE": "Nullable(DateTime64(6, 'Europe/Berlin'))",
    }  # fmt: skip
    client = clickhouse_connect.get_client(host="127.0.0.1", port=urlsplit(url).port or 8123)
    client.command(f"CREATE DATABASE {database}")
    for table, columns in types.items():
        listed = ", ".join(f'"{c}" {names[t]}' for c, t in columns.items())
        client.command(f"CREATE TABLE {database}.{table} ({listed}) ENGINE = MergeTree ORDER BY tuple()")
        with (place / f"{table}.parquet").open("rb") as file:
            client.raw_insert(f"{database}.{table}", insert_block=file, fmt="Parquet")
    client.close()
