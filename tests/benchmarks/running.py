"""Processes that are measured, and the generated companies that they work on."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
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


def company(size: int, work: Path) -> Path:
    """A generated company of about `size` calls in twelve months, made once."""
    source = work / f"company-{size}"
    if not source.exists():
        run([*CALLKIT, "demo", str(source), "--calls", str(size), "--months", "12"])
    return source
