"""Places a demo company on a Spark cluster of two workers, on this machine, and compares every row with DuckDB's.

    .venv/bin/python tests/benchmarks/cluster.py --calls 1000000

Prints seconds, and for each placed table how many rows differ; exit code 1 where any does.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from standin import spark

from callkit import demo
from callkit.company import build
from callkit.engine import DuckDB, literal
from callkit.settings import Settings

OPTIONS = {"spark.executor.memory": "1g", "spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "8"}
TABLES = ("calls", "deals", "stays", "managers", "stages", "labels")


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--calls", type=int, default=1_000_000)
    calls = asked.parse_args().calls
    with spark.running() as cluster, tempfile.TemporaryDirectory() as place:
        tables = demo.write(Path(place) / "shop", calls, 12, 7, "en")
        local = {k: v for k, v in spark.OPTIONS.items() if k.startswith("spark.driver.") and "Java" not in k}
        told = {**cluster.told(), "options": {**local, **OPTIONS}}
        stores = {}
        for name, engine in (("company.duckdb", {}), ("company.callkit", told)):
            start = time.perf_counter()
            stores[name] = build(tables, Path(place) / name, settings=Settings(engine=engine, timezone="Europe/Moscow"))
            print(f"{name}: {calls} calls placed in {time.perf_counter() - start:.1f} s", flush=True)
        there = cluster.folder / "store" / json.loads(stores["company.callkit"].read_text(encoding="utf-8"))["place"]
        return _differing(stores["company.duckdb"], there)


def _differing(store: Path, there: Path) -> int:
    engine, failed = DuckDB(store, read_only=True), 0
    for table in TABLES:
        columns = ", ".join(f'"{row[0]}"' for row in engine.query(f"DESCRIBE {table}"))
        mine, its = (
            f"SELECT {columns} FROM {relation}"
            for relation in (table, f"read_parquet({literal(str(there / table / '*.parquet'))})")
        )
        rows = engine.query(f"SELECT count(*) FROM {table}")[0][0]
        missing, extra = (
            engine.query(f"SELECT count(*) FROM ({a} EXCEPT ALL {b}) AS lone")[0][0]
            for a, b in ((mine, its), (its, mine))
        )
        print(f"{table}: {rows} rows, {missing} only in DuckDB, {extra} only in Spark", flush=True)
        failed |= bool(missing or extra)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
