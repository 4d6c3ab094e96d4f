"""A company as it was before its last calls, to bring a store of it up to date: `python updating.py COMPANY FOLDER`."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import duckdb

_LEFT_OUT = 0.01


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


if __name__ == "__main__":
    print(day_before(Path(sys.argv[1]), Path(sys.argv[2])))
