"""A company of more calls than `callkit demo` draws at once: `python joined.py FOLDER CALLS`, in tens of millions.

Several companies of ten million calls, each drawn apart, stand in the same files; ids go on from one to the next.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

EACH, DEALS_EACH = 10_000_000, 2_500_000
STEPS = {"call_id": EACH, "deal_id": DEALS_EACH, "contact_id": DEALS_EACH}
JOINED = ("calls", "stage_changes", "deals", "deal_contacts")


def write(folder: Path, calls: int) -> Path:
    """Writes the company into `folder`, which is not there yet, and returns it."""
    aside, one = folder.with_name(f"{folder.name}.part"), folder.with_name(f"{folder.name}.one")
    for left in (aside, one):
        shutil.rmtree(left, ignore_errors=True)
    for nth in range(calls // EACH):
        drawing = ["demo", str(one), "--calls", str(EACH), "--months", "12", "--seed", str(nth + 1)]
        subprocess.run([sys.executable, "-m", "callkit", *drawing], check=True, stdout=subprocess.DEVNULL)
        if not nth:
            shutil.copytree(one, aside)
        for name in JOINED if nth else ():
            _append(one / f"{name}.csv", aside / f"{name}.csv", nth)
        shutil.rmtree(one)
    return aside.rename(folder)


def _append(more: Path, to: Path, nth: int) -> None:
    moved = ", ".join(f"CAST({column} AS BIGINT) + {step * nth} AS {column}" for column, step in STEPS.items()
                      if column in to.open(encoding="utf-8").readline().strip().split(","))  # fmt: skip
    written = more.with_suffix(".moved")
    with duckdb.connect() as base:
        rows = f"SELECT * REPLACE ({moved}) FROM read_csv('{more}', all_varchar = true, header = true)"
        base.execute(f"COPY ({rows}) TO '{written}' (FORMAT csv, HEADER false)")
    with written.open("rb") as source, to.open("ab") as target:
        shutil.copyfileobj(source, target, 1 << 24)


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), int(sys.argv[2])))
