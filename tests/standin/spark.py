"""A Spark cluster of the tests' own on this machine: one master and two workers, each a process, gone with the test."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WORKERS = 2
OPTIONS = {
    "spark.executor.memory": "700m",
    "spark.driver.memory": "1g",
    "spark.cores.max": "2",  # a core of each worker: a report's notebooks are applications beside the tests' own
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    # What makes statements over a few rows quick, and changes nothing else.
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.sql.files.minPartitionNum": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


@dataclass
class Cluster:
    """A running cluster: its address, a folder that all of it sees, its workers."""

    master: str
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        """What `[engine]` says of it."""
        return {"kind": "spark", "master": self.master, "store": str(self.folder / "store"), "options": OPTIONS}

    def kill_a_worker(self) -> None:
        """Ends a worker at once, with the executor that computes for it."""
        worker = self.workers.pop()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def lacking() -> str:
    """What this machine lacks for a cluster; nothing where it has it all."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed: callkit[spark]"
    return "" if shutil.which("java") else "there is no Java here"


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    """A fresh cluster."""
    spec = importlib.util.find_spec("pyspark")
    assert spec
    assert spec.origin
    program = str(Path(spec.origin).parent / "bin" / "spark-class")
    folder = Path(tempfile.mkdtemp(prefix="callkit-spark-"))
    (folder / "store").mkdir()
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "512m"}
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [program, *arguments], stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True
            )
        processes.append(process)
        return process

    try:
        port, page = _free(), _free()
        start(
            "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port),
            "--webui-port", str(page),
        )  # fmt: skip
        cluster = Cluster(f"spark://127.0.0.1:{port}", folder)
        for _ in range(WORKERS):
            cluster.workers.append(start(
                "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0",
                "--cores", "2", "--memory", "1500m", "--work-dir", str(folder / "work"), cluster.master,
            ))  # fmt: skip
        _wait_for(page, folder)
        yield cluster
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(page: int, folder: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as told:
            if told.read().decode().replace(" ", "").count('"state":"ALIVE"') == WORKERS:
                return
        time.sleep(0.2)
    raise AssertionError((folder / "log").read_text()[-2000:])
