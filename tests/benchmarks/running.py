"""Processes that are measured, the generated companies they work on, and environments of their own for peers."""

from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import psutil

HERE = Path(__file__).parent
CALLKIT = [sys.executable, "-m", "callkit"]
MOST_DRAWN = 30_000_000
"""So many calls `callkit demo` draws at once; to import it would make this process, and so its children, larger."""
_MB = 1 << 20


@dataclass(frozen=True)
class Run:
    """A process and all below it: seconds by the wall and of CPU, the peak of its largest process, disk; in megabytes.

    What is read and written is what reached the disk: a file that the system has in memory is read from there.
    """

    wall: float
    cpu: float
    megabytes: float
    read: float = 0.0
    written: float = 0.0


def run(command: Sequence[str], out: Path | None = None) -> Run:
    """Runs a command to its end and measures it with all its children, also those that it left behind.

    What it prints goes to `out`, or nowhere. Ends the benchmark if it fails.
    """
    before = _adopted()
    with tempfile.TemporaryFile() as told, (out or Path(os.devnull)).open("wb") as printed:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, stderr=told)
        _, status, usage = os.wait4(process.pid, 0)
        wall, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
        used = [usage, *(os.wait4(pid, 0)[2] for pid in _adopted() - before)]
        if process.returncode:
            told.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{told.read().decode()[-2000:]}")
    return Run(
        wall,
        sum(u.ru_utime + u.ru_stime for u in used),
        max(u.ru_maxrss for u in used) / 1024,
        sum(u.ru_inblock for u in used) * 512 / _MB,
        sum(u.ru_oublock for u in used) * 512 / _MB,
    )


def _adopted() -> set[int]:
    """The children of this process, orphans below it too: the report ends its notebooks' processes unwaited for."""
    if not sys.platform.startswith("linux"):
        return set()
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    return {child.pid for child in psutil.Process().children()}


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure by itself."""
    return Run(*(statistics.median(getattr(r, f.name) for r in runs) for f in fields(Run)))


def interleaved(contenders: Mapping[str, Callable[[], Run]], rounds: int) -> dict[str, list[list[float]]]:
    """Every contender once, then all of them again, `rounds` times: what else the machine does meets each alike."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, once in contenders.items():
            runs[name].append(once())
    return {name: [[round(figure, 4) for figure in astuple(r)] for r in found] for name, found in runs.items()}


def company(size: int, work: Path) -> Path:
    """A generated company of about `size` calls in twelve months, made once."""
    source = work / f"company-{size}"
    if not source.exists():
        drawn = [*CALLKIT, "demo", str(source), "--calls", str(size), "--months", "12"]
        run([sys.executable, str(HERE / "joined.py"), str(source), str(size)] if size > MOST_DRAWN else drawn)
    return source


def store(size: int, work: Path) -> Path:
    """The store of that company, made once."""
    source, made = company(size, work), work / f"company-{size}.duckdb"
    if not made.exists():
        run([*CALLKIT, "build", str(source), "--out", str(made)])
    return made


def environment(home: Path, wanted: Sequence[str]) -> tuple[str, str]:
    """A Python of its own with some packages, for peers that callkit does not need; made once.

    Gives its path, and the packages with their versions; or an empty path, and why there is none, in a sentence.
    """
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        return "", f"{wanted[0]} could not be installed, so nothing of it is beside callkit: {why}"
    named = [name.partition("==")[0] for name in wanted]
    script = f"from importlib.metadata import version as v; print(', '.join(n + ' ' + v(n) for n in {named}))"
    told = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    return str(python), told
