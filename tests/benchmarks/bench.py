"""`make bench`: callkit beside its peers, in one run, interleaved; prints a table and writes results.md beside it.

Ratios count, seconds do not: every figure is the median of several rounds in which each contender ran once, as a
process of its own. CPU is user and system time of all its threads, memory the peak of its resident set.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CALLKIT = [sys.executable, "-m", "callkit"]


@dataclass
class Run:
    """One process: seconds by the wall, seconds of CPU, peak megabytes."""

    wall: float
    cpu: float
    megabytes: float


def run(command: Sequence[str]) -> Run:
    """Runs a command to its end and measures it, and nothing else."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed:\n{told.decode()}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(runs: Sequence[Run]) -> Run:
    return Run(*(statistics.median(getattr(r, f) for r in runs) for f in ("wall", "cpu", "megabytes")))


def build(size: int, rounds: int, work: Path) -> list[str]:
    """From CSV to placed calls on disk: callkit, which also checks, against pandas and bare SQL, which do not."""
    source, out = work / f"company-{size}", work / "out"
    if not source.exists():
        run([*CALLKIT, "demo", str(source), "--calls", str(size), "--months", "12"])
    contenders = {
        "callkit build": [*CALLKIT, "build", str(source), "--out", str(out / "company.duckdb")],
        "pandas merge_asof": [sys.executable, str(HERE / "peers.py"), "pandas", str(source), str(out)],
        "bare DuckDB SQL": [sys.executable, str(HERE / "peers.py"), "sql", str(source), str(out)],
    }
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, command in contenders.items():
            subprocess.run(["rm", "-rf", str(out)], check=True)
            out.mkdir()
            runs[name].append(run(command))
    medians = {name: median(r) for name, r in runs.items()}
    ours = medians["callkit build"]
    lines = [
        f"### Build, {size:,} calls",
        "",
        "| | wall s | CPU s | peak MB | callkit is faster by (wall) | callkit's CPU to its |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, m in medians.items():
        ratios = f"{m.wall / ours.wall:.2f}× | {ours.cpu / m.cpu:.2f}"
        lines.append(f"| {name} | {m.wall:.2f} | {m.cpu:.2f} | {m.megabytes:.0f} | {ratios} |")
    return [*lines, ""]


def starts(rounds: int) -> list[str]:
    """`callkit metrics` from start to end on the demo company, beside an interpreter that only imports the engine."""
    contenders = {
        "callkit metrics demo --by source": [*CALLKIT, "metrics", "demo", "--by", "source", "--month", "2026-10"],
        "python -c 'import duckdb'": [sys.executable, "-c", "import duckdb; duckdb.connect()"],
        "python -c 'import pandas'": [sys.executable, "-c", "import pandas"],
    }
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, command in contenders.items():
            runs[name].append(run(command))
    lines = ["### A command, start to end", "", "| | wall s | CPU s | peak MB |", "|---|---:|---:|---:|"]
    for name, r in runs.items():
        m = median(r)
        lines.append(f"| {name} | {m.wall:.2f} | {m.cpu:.2f} | {m.megabytes:.0f} |")
    return [*lines, ""]


def reports(rounds: int, work: Path) -> list[str]:
    """The monthly report of the demo company: one month, and half a year, eight sections each."""
    lines = ["### The report of the demo company", "", "| | wall s | CPU s |", "|---|---:|---:|"]
    for name, month in (("one month, 8 sections", "2026-10"), ("six months, 48 sections", "2026-05..2026-10")):
        command = [*CALLKIT, "report", "demo", "--month", month, "--force", "--out", str(work / "reports")]
        m = median([run(command) for _ in range(rounds)])
        lines.append(f"| {name} | {m.wall:.1f} | {m.cpu:.1f} |")
    return [*lines, ""]


def main() -> None:
    """Runs what was asked for and writes it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="*", default=[1_000_000], help="sizes of the build")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    lines = [
        "<!-- made by `make bench` -->",
        "## Results",
        "",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"medians of {arguments.rounds} interleaved rounds.",
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        lines += starts(arguments.rounds)
        for size in arguments.calls:
            lines += build(size, arguments.rounds, Path(folder))
        lines += reports(min(arguments.rounds, 3), Path(folder))
    lines.append(f"This program's own peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.")
    text = "\n".join(lines) + "\n"
    (HERE / "results.md").write_text(text, encoding="utf-8")
    print(text, end="")
    print(HERE / "results.md")


if __name__ == "__main__":
    main()
