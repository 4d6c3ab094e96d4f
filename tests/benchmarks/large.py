"""A large company as Parquet files, made by DuckDB alone: `python large.py FOLDER CALLS [calls a deal]`.

In numbers it is like a CRM's: calls, stage changes and deals as 100 to 69 to 10, some deals with a hundred calls, some
managers with five times the calls of others, ids that rise with time, one call in twenty logged on a contact and one in
thirty on nobody. The same arguments give the same company; what a row holds follows from its number alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

STAGES, MANAGERS, START, DAYS = 9, 40, "2025-11-01 00:00:00+03", 365
DIMENSIONS = {"source": 12, "project": 8, "grade": 4, "region": 20, "campaign": 400}
_SETTINGS = """[company]
name = "Large"
currency = "RUB"

[account]
timezone = "Europe/Moscow"
"""


def chance(of: str, salt: int) -> str:
    """SQL for a number of [0, 1) that follows from a whole number."""
    return f"(hash({of} * 64 + {salt}) / 18446744073709551616.0)"


def write(folder: Path, calls: int, calls_a_deal: int = 10) -> Path:
    """Writes the company into `folder` and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    deals = max(1, calls // calls_a_deal)
    with duckdb.connect(str(folder / "making.duckdb")) as base:
        base.execute(f"SET temp_directory = '{folder}/spill'; SET preserve_insertion_order = false")
        base.execute("SET memory_limit = '10GB'; SET TimeZone = 'UTC'")
        base.execute(f"""
            CREATE TABLE drawn AS
            SELECT i, TIMESTAMPTZ '{START}' + to_seconds(begun) AS created_at, begun,
                CAST(86400 * (0.05 + 30 * {chance("i", 1)} * {chance("i", 2)}) AS BIGINT) AS lasts,
                {chance("i", 3)} < 0.22 AS wins,
                CAST(floor({MANAGERS} * {chance("i", 4)} * {chance("i", 5)}) AS INTEGER) AS owner,
                1 + CAST(floor(6.9 * 1.7 * {chance("i", 6)}) AS INTEGER) AS steps,
                1 + CAST(floor({calls_a_deal} * (0.35 + 0.9 * {chance("i", 7)}
                    + 0.02 / (0.0005 + {chance("i", 8)}))) AS INTEGER) AS rings
            FROM (SELECT i, CAST({DAYS} * 86400.0 * sqrt((i + 0.5) / {deals}) AS BIGINT) AS begun
                FROM range({deals}) AS numbers(i)) AS numbered
        """)
        end = f"TIMESTAMPTZ '{START}' + INTERVAL {DAYS} DAY"

        def save(name: str, sql: str) -> None:
            base.execute(f"COPY ({sql}) TO '{folder}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")

        closed = f"created_at + to_seconds(lasts) < {end}"
        dims = ", ".join(
            f"'{name} ' || CAST(floor({n} * {chance('i', 20 + s)} * {chance('i', 30 + s)}) AS INTEGER) AS {name}"
            for s, (name, n) in enumerate(DIMENSIONS.items())
        )
        save("deals", f"""
            SELECT CAST(40000000 + i AS VARCHAR) AS deal_id, created_at,
                CASE WHEN {closed} THEN created_at + to_seconds(lasts) END AS closed_at,
                CASE WHEN NOT ({closed}) THEN 'open' WHEN wins THEN 'won' ELSE 'lost' END AS outcome,
                CAST(floor(500 + 1000 / (0.01 + {chance("i", 9)})) AS DOUBLE) AS amount,
                CAST(500 + owner AS VARCHAR) AS manager_id, 'p' AS pipeline_id, {dims}
            FROM drawn ORDER BY i
        """)  # fmt: skip
        save("stage_changes", f"""
            SELECT CAST(40000000 + i AS VARCHAR) AS deal_id,
                created_at + to_seconds(CAST(lasts * nth / steps AS BIGINT)) AS changed_at,
                CASE WHEN nth < steps THEN 's' || (nth % {STAGES - 2} + 1)
                    WHEN wins THEN 'won' ELSE 'lost' END AS stage_id, 'p' AS pipeline_id
            FROM (SELECT *, unnest(range(steps + 1)) AS nth FROM drawn) AS walked
            WHERE created_at + to_seconds(CAST(lasts * nth / steps AS BIGINT)) < {end}
        """)  # fmt: skip
        linked = "CAST(40000000 + i AS VARCHAR) AS deal_id, CAST(i AS VARCHAR) AS contact_id"
        save("deal_contacts", f"SELECT {linked} FROM drawn")
        ring = "(i * 8192 + nth)"
        base.execute(f"""
            CREATE TABLE rung AS SELECT i, nth, owner, created_at + to_seconds(CAST(
                    least({DAYS} * 86400 - 1 - begun, lasts * 1.3 * {chance(ring, 16)}) AS BIGINT
                )) AS started_at
            FROM (SELECT *, unnest(range(rings)) AS nth FROM drawn) AS counted
            ORDER BY started_at, i, nth
        """)
        save(
            "calls",
            f"""
            SELECT CAST(7000000000 + rowid AS VARCHAR) AS call_id, started_at,
                CASE WHEN {chance(ring, 10)} < 0.3 THEN 0
                    ELSE CAST(floor(5 + 60 / (0.05 + {chance(ring, 11)})) AS INTEGER) END AS talk_seconds,
                CASE WHEN {chance(ring, 12)} < 0.35 THEN 'in' WHEN {chance(ring, 12)} < 0.99 THEN 'out'
                    ELSE 'unknown' END AS direction,
                CAST(500 + CASE WHEN {chance(ring, 13)} < 0.85 THEN owner
                    ELSE CAST(floor({MANAGERS} * {chance(ring, 14)}) AS INTEGER) END AS VARCHAR) AS manager_id,
                CASE WHEN {chance(ring, 15)} < 0.92 THEN CAST(40000000 + i AS VARCHAR) END AS deal_id,
                CASE WHEN {chance(ring, 15)} >= 0.92 AND {chance(ring, 15)} < 0.97 THEN CAST(i AS VARCHAR) END
                    AS contact_id
            FROM rung WHERE rowid < {calls} ORDER BY rowid
        """,
        )
        save(
            "managers",
            f"""
            SELECT CAST(500 + m AS VARCHAR) AS manager_id, 'Manager ' || m AS name, 'Team ' || (m % 5) AS team
            FROM range({MANAGERS}) AS numbers(m)
        """,
        )
        save(
            "stages",
            f"""
            SELECT 'p' AS pipeline_id, CASE n WHEN 8 THEN 'won' WHEN 9 THEN 'lost' ELSE 's' || n END AS stage_id,
                'Stage ' || n AS name, n AS position,
                CASE n WHEN 8 THEN 'won' WHEN 9 THEN 'lost' ELSE 'open' END AS kind
            FROM range(1, {STAGES + 1}) AS numbers(n)
        """,
        )
    (folder / "making.duckdb").unlink()
    (folder / "callkit.toml").write_text(_SETTINGS, encoding="utf-8")
    return folder


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), *map(int, sys.argv[2:])))
