"""Where the time goes, against what the machine could do at best: memory bandwidth, disk, and the bytes that must move.

`python limits.py build SOURCE STORE` builds with a clock at every step; `python limits.py filter STORE` asks one
question over the whole year; `python limits.py all SOURCE WORK` puts both beside the speed of a plain copy in memory
and of the disk, measured in the same run.
"""

from __future__ import annotations

import json
import os
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from peers import START, STOP
from running import HERE, run

_GB = 1 << 30
_BLOCK, _FILE = 256 << 20, 1 << 30
_STEPS = {
    "read and check the tables": ("callkit.building", "admit"),
    "place deals": ("callkit.placing", "place_deals"),
    "place stays on stages": ("callkit.placing", "place_stays"),
    "place calls on contacts' deals": ("callkit.placing", "_place_on_contacts"),
    "place calls, and write them": ("callkit.placing", "place_calls"),
    "credit": ("callkit.building", "credit"),
    "keep what growing needs": ("callkit.building", "remember"),
}
_WIDTHS = {"BIGINT": 8, "DOUBLE": 8, "INTEGER": 4, "SMALLINT": 2, "UTINYINT": 1, "USMALLINT": 2, "BOOLEAN": 1}
_WIDTHS |= {"UINTEGER": 4, "TINYINT": 1, "UBIGINT": 8, "FLOAT": 4}


def measured(source: Path, work: Path) -> dict[str, Any]:
    """Steps of a build and of a filter with their seconds and bytes, and the machine's own speeds."""
    made, told = work / "limits.duckdb", work / "limits-step.json"
    building = run([sys.executable, str(HERE / "limits.py"), "build", str(source), str(made)], told)
    steps = json.loads(told.read_text(encoding="utf-8"))
    run([sys.executable, str(HERE / "limits.py"), "filter", str(made)], told)
    return {
        "memory": {f"{threads}": round(_copying(threads), 2) for threads in (1, os.cpu_count() or 1)},
        "disk": _disk(work / "limits.bin"),
        "build": steps
        | {
            "wall": round(building.wall, 2),
            "cpu": round(building.cpu, 2),
            "from_disk": round(building.read, 1),
            "to_disk": round(building.written, 1),
            "tables": round(sum(p.stat().st_size for p in source.glob("*.csv")) / (1 << 20), 1),
            "store": round(made.stat().st_size / (1 << 20), 1),
        },
        "filter": json.loads(told.read_text(encoding="utf-8")),
    }


def told(size: int, found: Mapping[str, Any]) -> list[str]:
    """The same for people: where the seconds go, and how far from the limit that is."""
    build, asked, disk = found["build"], found["filter"], found["disk"]
    one, fast = min(found["memory"].values()), max(found["memory"].values())
    best = build["tables"] / 1024 / disk["read"] + build["store"] / 1024 / disk["written"]
    floor = 1000 * asked["bytes"] / _GB / fast
    return [
        f"### Where the time goes, {size:,} calls",
        "",
        "| step of a build | wall s | CPU s |",
        "|---|---:|---:|",
        *(f"| {name} | {wall:.2f} | {cpu:.2f} |" for name, (wall, cpu) in build["steps"].items()),
        "",
        f"A copy in memory moves {one:.1f} to {fast:.1f} GB/s (read and written together, on one core and on all); the "
        f"disk reads {disk['read']:.2f} and writes {disk['written']:.2f} GB/s, in the same run. The build takes "
        f"{build['wall']:.1f} s and {build['cpu']:.1f} s of CPU. Its tables are {build['tables']:,.0f} MB of text, its "
        f"store {build['store']:,.0f} MB; {build['from_disk']:,.0f} MB came from the disk, the rest from the system's "
        f"memory, and {build['to_disk']:,.0f} MB went there. At the disk's speed both take {best:.1f} s, "
        f"{best / build['wall']:.0%} of what the build takes; the bytes alone, copied in memory, "
        f"{(build['tables'] + build['store']) / 1024 / fast:.2f} s. The rest is CPU: text is parsed, checked and "
        "joined, columns are packed.",
        "",
        f"A filter over all {asked['calls']:,} calls by source takes {asked['whole_ms']:.1f} ms; its pass over them "
        f"{asked['sql_ms']:.1f} ms, {asked['sql_cpu_ms']:.1f} ms of CPU on all cores. That pass touches "
        f"{asked['bytes'] / 1e6:,.0f} MB of columns ({', '.join(asked['columns'])}), which memory could deliver in "
        f"{floor:.1f} ms, {floor / asked['sql_ms']:.0%} of it; the rest is unpacking and grouping.",
        "",
    ]


def _copying(threads: int) -> float:
    """Gigabytes a second that a plain copy moves, read and written both counted."""
    import numpy as np

    pairs = [(np.ones(_BLOCK, np.uint8), np.zeros(_BLOCK, np.uint8)) for _ in range(threads)]

    def once(pair: Any) -> None:
        np.copyto(pair[1], pair[0])

    taken = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(7):
            start = time.perf_counter()
            list(pool.map(once, pairs))
            taken.append(time.perf_counter() - start)
    return 2 * threads * _BLOCK / _GB / statistics.median(taken)


def _disk(path: Path) -> dict[str, float]:
    """Gigabytes a second of one file written and then read in order, past the system's own memory."""
    taken: dict[str, list[float]] = {"written": [], "read": []}
    block = os.urandom(16 << 20)
    try:
        for _ in range(3):
            start = time.perf_counter()
            with path.open("wb", buffering=0) as file:
                for _ in range(_FILE // len(block)):
                    file.write(block)
                os.fsync(file.fileno())
            taken["written"].append(time.perf_counter() - start)
            with path.open("rb", buffering=0) as file:
                if hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                start = time.perf_counter()
                while file.read(len(block)):
                    pass
            taken["read"].append(time.perf_counter() - start)
    finally:
        path.unlink(missing_ok=True)
    return {name: round(_FILE / _GB / statistics.median(found), 2) for name, found in taken.items()}


def _building(source: Path, out: Path) -> dict[str, Any]:
    import importlib

    from callkit.company import build

    steps: dict[str, list[float]] = {}

    def clocked(name: str, old: Callable[..., Any]) -> Callable[..., Any]:
        def new(*given: Any, **more: Any) -> Any:
            start, used = time.perf_counter(), _cpu()
            try:
                return old(*given, **more)
            finally:
                steps[name] = [time.perf_counter() - start, _cpu() - used]

        return new

    for name, (module, function) in _STEPS.items():
        home = importlib.import_module(module)
        if old := getattr(home, function, None):
            setattr(home, function, clocked(name, old))
    out.unlink(missing_ok=True)
    start, used = time.perf_counter(), _cpu()
    build(source, out)
    whole = [time.perf_counter() - start, _cpu() - used]
    inner, outer = "place calls on contacts' deals", "place calls, and write them"
    if inner in steps and outer in steps:
        steps[outer] = [a - b for a, b in zip(steps[outer], steps[inner], strict=True)]
    known = [sum(step[i] for step in steps.values()) for i in (0, 1)]
    steps["the rest: labels, the end of the file"] = [w - k for w, k in zip(whole, known, strict=True)]
    return {"steps": {name: [round(x, 2) for x in step] for name, step in steps.items()}}


def _asking(store: Path) -> dict[str, Any]:
    """One question over every call of the year: the time in SQL and beside it, the bytes of the columns it names."""
    from callkit.company import open_company
    from callkit.engine import DuckDB
    from callkit.measuring import measure
    from callkit.scope import Scope
    from callkit.zones import Period

    asked: list[tuple[str, float, float]] = []
    old = DuckDB.query

    def query(self: DuckDB, sql: str, *given: Any) -> Any:
        start, used = time.perf_counter(), _cpu()
        found = old(self, sql, *given)
        asked.append((sql, time.perf_counter() - start, _cpu() - used))
        return found

    with open_company(store) as company:
        scope, whole = Scope(Period.of_days(START, STOP)), []
        types = {row[0]: row[1] for row in company.engine.query("DESCRIBE calls")}
        (calls,) = company.engine.query("SELECT count(*) FROM calls")[0]
        measure(company, scope, ["source"])
        DuckDB.query = query  # type: ignore[method-assign]
        for _ in range(15):
            start = time.perf_counter()
            measure(company, scope, ["source"])
            whole.append(time.perf_counter() - start)
    spoken = [one for one in asked if "calls AS c" in one[0]]
    named = set(re.findall(r'\bc\."?(\w+)"?', spoken[0][0])) & set(types)
    return {
        "calls": calls,
        "whole_ms": round(1000 * statistics.median(whole), 2),
        "sql_ms": round(1000 * statistics.median(one[1] for one in spoken), 2),
        "sql_cpu_ms": round(1000 * statistics.median(one[2] for one in spoken), 2),
        "columns": sorted(named),
        "bytes": calls * sum(_WIDTHS.get(types[name].partition("(")[0], 8) for name in named),
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[2:]]
    print(json.dumps({"all": measured, "build": _building, "filter": _asking}[sys.argv[1]](*given)))
