"""Reading, placing and measuring, step by step: callkit beside pandas, Polars and bare DuckDB SQL, which check nothing.

Every contender does the same work on the same files and must give the same answers: the calls on every stage, and the
figures by manager, source, stage and month. Otherwise the benchmark ends: what differs cannot be compared.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from running import CALLKIT, HERE, Run, company, environment, interleaved, run

STEPS = ("ingest", "build", "metrics")
OURS, STORE = "callkit", "company.duckdb"
PEERS = {"bare DuckDB SQL": "sql", "pandas": "pandas", "Polars": "polars"}
HUGE = 30_000_000
"""With more calls, peers that hold everything in memory need more of it than there is."""
MEMORY = ("--memory", "14GB")
"""What callkit is told when it builds so large a company."""


def steps(size: int, rounds: int, wanted: list[str], work: Path) -> dict[str, Any]:
    """What each contender took for each step of one size, by step."""
    source, out = company(size, work), work / f"built-{size}"
    pythons, notes = _pythons(size, work)
    folders = {name: out / name.replace(" ", "_") for name in (OURS, *pythons)}
    measured: dict[str, Any] = {}
    for step in wanted:
        if step == "metrics":
            ensure_built(size, work)
        runs = interleaved({n: _once(step, n, pythons, source, folder, size) for n, folder in folders.items()}, rounds)
        if step == "metrics":
            agree({name: folder / "metrics.json" for name, folder in folders.items()})
        measured[step] = {"runs": runs, "notes": notes}
        if step == "build":
            measured[step]["sizes"] = _sizes(source, folders[OURS] / STORE)
    return measured


def _pythons(size: int, work: Path) -> tuple[dict[str, str], list[str]]:
    """The interpreter of every peer that there is, and why others are missing."""
    if size > HUGE:
        return {"bare DuckDB SQL": sys.executable}, [
            "pandas and Polars, which hold all tables in memory, are left out at this size."
        ]
    polars, told = environment(work / "polars", ["polars"])
    found = {name: sys.executable for name in PEERS if name != "Polars"} | ({"Polars": polars} if polars else {})
    return found, [f"The third peer is {told}." if polars else told]


def _once(step: str, name: str, pythons: dict[str, str], source: Path, folder: Path, size: int) -> Callable[[], Run]:
    store, answers = folder / STORE, folder / "metrics.json"
    if name == OURS:
        command = {
            "ingest": [sys.executable, str(HERE / "figures.py"), "ingest", str(source)],
            "build": [*CALLKIT, "build", str(source), "--out", str(store), *(MEMORY if size > HUGE else ())],
            "metrics": [sys.executable, str(HERE / "figures.py"), "metrics", str(store)],
        }[step]
    else:
        command = [pythons[name], str(HERE / "peers.py"), PEERS[name], step, str(source), str(folder)]

    def once() -> Run:
        if step == "build":
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        return run(command, answers if step == "metrics" else None)

    return once


def ensure_built(size: int, work: Path) -> tuple[dict[str, Path], dict[str, str], list[str]]:
    """Where callkit and its peers have left what they build, made now where no build has; their interpreters; notes."""
    source, out = company(size, work), work / f"built-{size}"
    pythons, notes = _pythons(size, work)
    folders = {name: out / name.replace(" ", "_") for name in (OURS, *pythons)}
    for name, folder in folders.items():
        if not folder.is_dir() or not any(folder.iterdir()):
            _once("build", name, pythons, source, folder, size)()
    return folders, pythons, notes


def agree(answers: dict[str, Path]) -> None:
    """Ends the benchmark unless every contender has given callkit's answers."""
    told = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in answers.items()}
    for name, answer in told.items():
        for part in ("placed", "cuts"):
            if answer[part] != told[OURS][part]:
                raise SystemExit(f"{name} gives other answers ({part}): {answer[part]}; callkit: {told[OURS][part]}")


def _sizes(source: Path, store: Path) -> dict[str, float]:
    """Megabytes of the tables as they came, and of the store."""
    tables = sum(p.stat().st_size for p in source.glob("*.csv"))
    return {"tables": round(tables / (1 << 20), 1), "store": round(store.stat().st_size / (1 << 20), 1)}
