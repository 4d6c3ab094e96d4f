"""`make bench`: callkit beside its peers, in one run, interleaved; prints a table and writes results.md beside it.

`--only build app` runs some parts and writes results-build-app.md.

Ratios count, seconds do not: every figure is the median of several rounds in which each contender ran once, as a
process of its own. CPU is user and system time of all its threads, memory the peak of its resident set.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from app import CHANGES, app
from running import CALLKIT, HERE, Run, company, median, run

PARTS = ["starts", "build", "app", "reports"]


def build(size: int, rounds: int, work: Path) -> list[str]:
    """From CSV to placed calls on disk: callkit, which also checks, against pandas and bare SQL, which do not."""
    source, out = company(size, work), work / "out"
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
    parser.add_argument("--calls", type=int, nargs="*", default=[1_000_000], help="sizes of the build and of the app")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts, into a file of their own")
    arguments = parser.parse_args()
    lines = [
        "<!-- made by `make bench` -->",
        "## Results",
        "",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"medians of {arguments.rounds} interleaved rounds.",
        "",
    ]
    asked, rounds = [part for part in PARTS if part in arguments.only], arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if "starts" in asked:
            lines += starts(rounds)
        for size in arguments.calls:
            if "build" in asked:
                lines += build(size, rounds, work)
            if "app" in asked:
                lines += app(size, rounds, CHANGES, work)
        if "reports" in asked:
            lines += reports(min(rounds, 3), work)
    lines.append(f"This program's own peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.")
    text = "\n".join(lines) + "\n"
    results = HERE / ("results.md" if asked == PARTS else f"results-{'-'.join(asked)}.md")
    results.write_text(text, encoding="utf-8")
    print(text, end="")
    print(results)


if __name__ == "__main__":
    main()
