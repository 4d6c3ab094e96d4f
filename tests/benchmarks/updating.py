"""Bringing a store up to date: a hundredth of calls more, with the changes and deals of these days, or built whole."""

from __future__ import annotations

import mmap
import shutil
from pathlib import Path
from typing import Any

import duckdb
from running import CALLKIT, Run, company, interleaved, run

OURS, WHOLE = "callkit", "callkit, built whole"
_LEFT_OUT = 0.01


def update(size: int, rounds: int, work: Path) -> dict[str, Any]:
    """What it took to grow the store of a company as it was some days ago, and to build it whole."""
    source, before = company(size, work), work / f"before-{size}.duckdb"
    if not before.is_file():
        building = [*CALLKIT, "build", str(day_before(source, work / f"before-{size}")), "--out", str(before)]
        for command in (building, [*building, "--force"]):  # what it takes to grow is kept from the second time on
            run(command)
    stores = {name: work / f"updated-{i}-{size}.duckdb" for i, name in enumerate((OURS, WHOLE))}

    def once(name: str) -> Run:
        shutil.copyfile(before, stores[name])
        return run(
            [*CALLKIT, "build", str(source), "--out", str(stores[name]), *(["--force"] if name == WHOLE else [])]
        )

    runs = interleaved({name: lambda name=name: once(name) for name in stores}, rounds)
    with duckdb.connect(str(stores[OURS]), read_only=True) as base:
        how = base.execute("SELECT value FROM facts WHERE key = 'built'").fetchall()[0][0]
    return {"runs": runs, "notes": [f"The store told {how} of itself."]}


def day_before(source: Path, folder: Path) -> Path:
    """Writes a generated company without its last hundredth of calls, with changes and deals as they were then."""
    if (folder / "deal_contacts.csv").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with (source / "calls.csv").open("rb") as calls:
        calls.seek(int((source / "calls.csv").stat().st_size * (1 - _LEFT_OUT)))
        calls.readline()
        moment = calls.readline().split(b",")[1]
    for name in ("calls", "stage_changes"):
        _until(moment, source / f"{name}.csv", folder / f"{name}.csv")
    for name in ("managers.csv", "stages.csv", "callkit.toml"):
        (folder / name).write_bytes((source / name).read_bytes())
    base = duckdb.connect()
    for name in ("deals", "deal_contacts"):
        base.execute(f"CREATE VIEW {name} AS FROM read_csv('{source / name}.csv', all_varchar=true)")
    then = f"closed_at < '{moment.decode()}'"
    base.execute(f"""
        COPY (
            SELECT * REPLACE (
                CASE WHEN {then} THEN closed_at END AS closed_at,
                CASE WHEN {then} THEN outcome ELSE 'open' END AS outcome
            )
            FROM deals WHERE created_at < '{moment.decode()}' ORDER BY deal_id
        ) TO '{folder / "deals.csv"}' (HEADER)
    """)
    base.execute(f"""
        COPY (FROM deal_contacts SEMI JOIN (FROM deals WHERE created_at < '{moment.decode()}') AS d USING (deal_id))
        TO '{folder / "deal_contacts.csv"}' (HEADER)
    """)
    return folder


def _until(moment: bytes, source: Path, to: Path) -> None:
    """Copies the lines before a moment, which stands in the second column, by which they are in order."""
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
        low, high = lines.find(b"\n") + 1, len(lines)
        while low < high:
            middle = lines.rfind(b"\n", 0, (low + high) // 2) + 1
            end = lines.find(b"\n", (low + high) // 2) + 1 or len(lines)
            if lines[middle:end].split(b",")[1] < moment:
                low = end
            else:
                high = middle
        with to.open("wb") as target:
            for at in range(0, low, 1 << 24):
                target.write(lines[at : min(low, at + (1 << 24))])
