"""Speed and memory of `callkit pull` from the stand-in amoCRM, without its rate limit.

    python tests/benchmarks/crm.py [CALLS]

Prints the rows, requests, rows a second and peak memory of a first pull, and the requests and seconds of a second one
that finds nothing new. The server runs in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from standin.amocrm import TOKEN, Server, account_of
from standin.carried import carried
from worlds import world_of

from callkit import demo

MONTHS = 12


def serve(folder: Path, pipe: Connection) -> None:
    """Serves the demo company in `folder`; answers how much it was asked whenever it hears something."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.csv")}
    server = Server(account_of(carried(world_of(texts, "Europe/Moscow"))))
    account = server.account
    rows = len(account.leads) + len(account.events) + sum(map(len, account.notes.values()))
    with server.running() as url:
        pipe.send((server.account.settings(url), rows))
        while pipe.recv():
            pipe.send(len(server.asked))


def pull(folder: Path) -> tuple[float, int]:
    """Seconds and peak memory in MB of one pull."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "callkit", "pull", str(folder)],
        env={**os.environ, "CALLKIT_AMOCRM_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit("the pull failed")
    return time.perf_counter() - start, used.ru_maxrss // 1024


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as place:
        tables, company = Path(place) / "tables", Path(place) / "company"
        demo.write(tables, calls, MONTHS, 7, "ru")
        company.mkdir()
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.Process(target=serve, args=(tables, theirs), daemon=True)
        server.start()
        settings, rows = ours.recv()
        (company / "callkit.toml").write_text(settings, encoding="utf-8")
        asked = 0
        for name in ("first", "nothing new"):
            seconds, memory = pull(company)
            ours.send(True)
            before, asked = asked, ours.recv()
            brought = rows if name == "first" else 0
            print(
                f"{name}: {brought} rows, {asked - before} requests, {seconds:.1f} s, "
                f"{brought / seconds:.0f} rows/s, {memory} MB at most"
            )
        ours.send(False)
        size = sum(path.stat().st_size for path in company.glob("*.duckdb")) / 1e6
        print(f"on the disk: {size:.0f} MB")


if __name__ == "__main__":
    main()
