"""The servers that the app's benchmark visits, callkit's and the peer page's, and the memory they hold."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil
from running import CALLKIT, HERE, environment, run

PATIENCE = 120
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_MB = 1 << 20


@dataclass
class Server:
    """A running server and its address."""

    process: subprocess.Popen[bytes]
    address: str

    @property
    def tree(self) -> list[psutil.Process]:
        """The server's process and all below it."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    @property
    def busy(self) -> tuple[frozenset[int], float]:
        """Which processes there are, and how many seconds of CPU they have used."""
        used = 0.0
        for process in self.tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                used += sum(process.cpu_times()[:2])
        return frozenset(p.pid for p in self.tree), used

    def kernel(self, kernel_id: str) -> tuple[float, float]:
        """Megabytes of one kernel: its resident set, and its proportional share of what processes share."""
        found = next(p for p in self.tree[1:] if any(kernel_id in c.laddr for c in p.net_connections("unix")))
        return _megabytes(found)

    @property
    def megabytes(self) -> float:
        """Megabytes of all processes together, shared pages once."""
        return sum(_megabytes(process)[1] for process in self.tree)


def _megabytes(process: psutil.Process) -> tuple[float, float]:
    used = process.memory_full_info()
    return used.rss / _MB, used.pss / _MB


def rest(*servers: Server) -> float:
    """Waits until the servers have nothing left to do, kernels to warm included.

    What then keeps the machine busy is not ours: its share of all cores, in per cent, is given.
    """
    time.sleep(1.5)  # callkit waits a second before it warms the next kernel
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        before = [server.busy for server in servers]
        others = psutil.cpu_percent(0.8)
        after = [server.busy for server in servers]
        if all(b[0] == a[0] and a[1] - b[1] < 0.05 for b, a in zip(before, after, strict=True)):
            return others
    raise SystemExit(f"the servers do not come to rest in {PATIENCE} s")


def served(address: str, visitors: int) -> list[float]:
    """Seconds until each of several visitors who ask at one moment has a page with its first chart; no browsers."""

    def visit(_: int) -> float:
        began = time.monotonic()
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            page = answer.read().decode()
        took = time.monotonic() - began
        if '"name": "bubble"' not in page and '"name":"bubble"' not in page:
            raise SystemExit(f"{address} came without its first chart")
        return took

    with ThreadPoolExecutor(visitors) as pool:
        return list(pool.map(visit, range(visitors)))


@contextlib.contextmanager
def started(command: Sequence[str], log: Path) -> Iterator[Server]:
    """A server from the moment it tells its address to its end; what it writes goes to `log`."""
    with log.open("wb") as out:
        process = subprocess.Popen([*command], stdout=out, stderr=subprocess.STDOUT)
    try:
        ends = time.monotonic() + PATIENCE
        while not (told := _ADDRESS.search(log.read_text(encoding="utf-8", errors="replace"))):
            if process.poll() is not None or time.monotonic() > ends:
                raise SystemExit(f"{' '.join(command)} does not serve:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        yield Server(process, told[0])
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ours(store: Path, work: Path, *more: str) -> contextlib.AbstractContextManager[Server]:
    """callkit's server, as the command starts it."""
    command = [*CALLKIT, "app", str(store), "--lang", "en", "--port", "0", *more]
    return started(command, work / f"callkit{''.join(more)}.log")


@dataclass
class Peer:
    """The page in Streamlit: a Python of its own, the store that it reads, what it is made with."""

    python: Path
    store: Path
    managers: Path
    versions: str

    def started(self, work: Path) -> contextlib.AbstractContextManager[Server]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [
            str(self.python), "-m", "streamlit", "run", str(HERE / "peer_streamlit.py"), "--server.headless=true",
            "--server.address=127.0.0.1", f"--server.port={port}", "--browser.gatherUsageStats=false",
            "--server.fileWatcherType=none", "--", str(self.store), str(self.managers),
        ]  # fmt: skip
        return started(command, work / "streamlit.log")


def peer(source: Path, work: Path) -> Peer | str:
    """The page in Streamlit made ready, in an environment of its own; or why there is none, in a sentence."""
    wanted = ["streamlit", "pandas", "altair", f"duckdb=={version('duckdb')}"]
    python, told = environment(work / "streamlit", wanted)
    if not python:
        return told
    store = source.with_name(f"{source.name}-bare") / "bare.duckdb"
    if not store.exists():
        store.parent.mkdir(exist_ok=True)
        run([sys.executable, str(HERE / "peers.py"), "sql", "build", str(source), str(store.parent)])
    return Peer(Path(python), store, source / "managers.csv", told)


def names(source: Path) -> list[str]:
    """The names of a company's managers, without namesakes: a page calls these as it likes."""
    with (source / "managers.csv").open(encoding="utf-8", newline="") as file:
        counted = Counter(row["name"] for row in csv.DictReader(file))
    return [name for name, times in counted.items() if times == 1]


def totals(store: Path, month: str, managers: Sequence[str] = ()) -> list[float]:
    """What `callkit metrics` says of a month: calls, deals, won deals."""
    where = ["--where", f"manager={','.join(managers)}"] if managers else []
    command = [*CALLKIT, "metrics", str(store), "--month", month, "--format", "json", *where]
    rows = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [rows[-1][name] for name in ("calls", "deals", "won_deals")]
