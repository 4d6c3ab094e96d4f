"""`make bench`: callkit beside its peers, in one run, interleaved; writes results.md and its chart beside this file.

    python tests/benchmarks/bench.py [--calls N …] [--large] [--only build app …] [--rounds 5] [--work FOLDER]

Ratios count, seconds do not: every figure is the median of several rounds in which each contender ran once, as a
process of its own. CPU is user and system time of all its threads and children, memory the peak of its largest process.
What was measured is kept in results.json by part and size; `--only` measures some parts anew and leaves the rest there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import reporting
from app import CHANGES, app
from asked import filters
from running import CALLKIT, HERE, Run, company, interleaved, run
from steps import STEPS, steps
from updating import update

SIZES, LARGE = (100_000, 1_000_000, 10_000_000), 100_000_000
PARTS = ("starts", *STEPS, "update", "filters", "report", "app", "limits")
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
        if "update" in parts and size < LARGE:  # joined files are not in the order of time
            keep("update", size, update(size, of_size, work))
        if "filters" in parts:
            keep("filters", size, filters(size, 1 if size > 3_000_000 else min(rounds, 3), work))
        if "report" in parts:
            keep("report", size, reporting.large(size, min(rounds, 3), work))
    if "report" in parts:
        keep("report", 0, reporting.demo(min(rounds, 3), work))
    if "limits" in parts:
        size = max((s for s in sizes if s < LARGE), default=LARGE)
        run([sys.executable, str(HERE / "limits.py"), "all", str(company(size, work)), str(work)], work / "limits.json")
        keep("limits", size, json.loads((work / "limits.json").read_text(encoding="utf-8")))
    for size in sizes:  # at last: what drives the browser makes this process, and so the peaks of its children, larger
        if "app" in parts and (size in _APP_SIZES or len(sizes) == 1):
            keep("app", size, {"lines": app(size, rounds, CHANGES, work)})


def main() -> None:
    """Runs what was asked for, keeps it, and writes down all that is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=list(SIZES), help="sizes of the generated companies")
    parser.add_argument("--large", action="store_true", help="and 100 million calls: an hour, and 40 GB of disk")
    parser.add_argument("--rounds", type=int, default=5, help="3 at most for the slow ones")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), help="some parts alone")
    parser.add_argument("--more", action="store_true", help="add rounds to those that are kept of a part and size")
    parser.add_argument("--work", type=Path, help="keep companies, stores and environments of peers here")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder of results.json, results.md, results.svg")
    arguments = parser.parse_args()
    sizes = sorted({*arguments.calls, *([LARGE] if arguments.large else [])})
    kept = arguments.out / "results.json"
    known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}

    def keep(part: str, size: int, found: dict[str, Any]) -> None:
        before = known.setdefault(part, {}).get(str(size), {}).get("runs", {})
        if arguments.more and before.keys() == found.get("runs", {}).keys():
            found["runs"] = {name: [*before[name], *runs] for name, runs in found["runs"].items()}
        others = psutil.cpu_percent(1.0)  # nothing of ours runs now
        known[part][str(size)] = found | {
            "at": f"{dt.datetime.now():%Y-%m-%d %H:%M}", "on": _machine(), "others": others,
        }  # fmt: skip
        print(f"{part}, {size:,} calls: measured", file=sys.stderr, flush=True)
        write(known, arguments.out)

    with tempfile.TemporaryDirectory() as folder:
        work = (arguments.work or Path(folder)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        measure([part for part in PARTS if part in arguments.only], sizes, arguments.rounds, work, keep)
    write(known, arguments.out)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"this program's own peak: {own:.0f} MB", file=sys.stderr)
    print(arguments.out / "results.md")


def write(known: dict[str, Any], out: Path) -> None:
    """Writes what is kept, and all that is made of it: by another process, since a child's peak counts its parent's."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    subprocess.run([sys.executable, str(HERE / "results.py"), str(out)], check=True)


def _machine() -> str:
    try:
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB, "
    except (ValueError, OSError, AttributeError):
        memory = ""
    system = f"{platform.system()} {platform.machine()}"
    return f"{system}, {os.cpu_count()} cores, {memory}Python {platform.python_version()}"


if __name__ == "__main__":
    main()
