"""`make bench`: callkit beside its peers, in one run, interleaved; writes results.md and its chart beside this file.

    python tests/benchmarks/bench.py [--calls N …] [--large] [--only build app …] [--rounds 5] [--work FOLDER]

Ratios count, seconds do not: every figure is the median of several rounds in which each contender ran once, as a process
of its own. CPU is user and system time of all its threads and children, memory the peak of its largest process. What a
run has measured is kept in results.json by part and size; `--only` measures some parts anew and leaves the rest there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import limits
import reports
import results
from app import CHANGES, app
from asked import filters
from running import CALLKIT, HERE, Run, interleaved, run
from steps import STEPS, steps

SIZES, LARGE = (100_000, 1_000_000, 10_000_000), 100_000_000
PARTS = ("starts", *STEPS, "filters", "report", "app", "limits")
_ONE_SIZE = {"starts": 0, "limits": 10_000_000}
"""Parts that are measured once: at no size, or at the largest one up to this."""
_APP_SIZES = (1_000_000, 10_000_000)


def starts(rounds: int) -> dict[str, Any]:
    """`callkit metrics` from start to end on the demo company, beside an interpreter that only imports the engine."""
    contenders: dict[str, Callable[[], Run]] = {
        name: partial(run, command)
        for name, command in {
            "callkit metrics demo --by source": [*CALLKIT, "metrics", "demo", "--by", "source", "--month", "2026-10"],
            "python -c 'import duckdb'": [sys.executable, "-c", "import duckdb; duckdb.connect()"],
            "python -c 'import pandas'": [sys.executable, "-c", "import pandas"],
        }.items()
    }
    return {"runs": interleaved(contenders, rounds)}


def measure(parts: list[str], sizes: list[int], rounds: int, work: Path, keep: Callable[..., None]) -> None:
    """Measures what was asked for, part by part, and hands every finished one to `keep`."""
    if "starts" in parts:
        keep("starts", 0, starts(rounds))
    for size in sizes:
        of_size = min(rounds, 3) if size > 3_000_000 else rounds
        if wanted := [step for step in STEPS if step in parts]:
            for step, found in steps(size, of_size if size < LARGE else 1, wanted, work).items():
                keep(step, size, found)
        if "filters" in parts:
            keep("filters", size, filters(size, 1 if size > 3_000_000 else min(rounds, 3), work))
        if "report" in parts:
            keep("report", size, reports.large(size, min(rounds, 3), work))
        if "app" in parts and (size in _APP_SIZES or len(sizes) == 1):
            keep("app", size, {"lines": app(size, rounds, CHANGES, work)})
    if "report" in parts:
        keep("report", 0, reports.demo(min(rounds, 3), work))
    if "limits" in parts:
        keep("limits", (size := max(s for s in sizes if s < LARGE or len(sizes) == 1)), limits.measured(size, work))


def main() -> None:
    """Runs what was asked for, keeps it, and writes down all that is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=list(SIZES), help="sizes of the generated companies")
    parser.add_argument("--large", action="store_true", help="and 100 million calls: hours, and 40 GB of disk")
    parser.add_argument("--rounds", type=int, default=5, help="3 at most for the slow ones")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts; none: only write")
    parser.add_argument("--work", type=Path, help="keep companies, stores and environments of peers here")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder of results.json, results.md, results.svg")
    arguments = parser.parse_args()
    sizes = sorted({*arguments.calls, *([LARGE] if arguments.large else [])})
    kept = arguments.out / "results.json"
    known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}

    def keep(part: str, size: int, found: dict[str, Any]) -> None:
        found["at"] = f"{dt.datetime.now():%Y-%m-%d %H:%M}"
        found["on"] = (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {_memory()}, Python {platform.python_version()}"
        )
        known.setdefault(part, {})[str(size)] = found
        print(f"{part}, {size:,} calls: measured", file=sys.stderr, flush=True)
        results.write(known, arguments.out)

    with tempfile.TemporaryDirectory() as folder:
        work = (arguments.work or Path(folder)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        measure([part for part in PARTS if part in arguments.only], sizes, arguments.rounds, work, keep)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"this program's own peak: {own:.0f} MB", file=sys.stderr)
    print(arguments.out / "results.md")


def _memory() -> str:
    """The machine's memory, where the system tells it."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB"
    except (ValueError, OSError, AttributeError):
        return "memory unknown"


if __name__ == "__main__":
    main()
