"""Kernels that are forked from the nursery, as `jupyter_client` wants its processes: the server's side of it.

Where the system cannot fork, or the nursery does not come up, a kernel is started as Jupyter starts any.
"""

# mypy: disable-error-code="no-untyped-call, misc"
# Jupyter's own classes are typed in part only.

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

log = logging.getLogger("callkit")
NAME = "callkit-forked"
# What a kernel has let go of goes back to the system at once, and small sums need no threads, which cannot be forked.
MEMORY = {
    "MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "1000000", "MALLOC_MMAP_THRESHOLD_": "200000",
    "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip
_MAIN = "from callkit.serving.nursery import main; main()"
_START_SECONDS = 60.0


class Child:
    """A process that the nursery forked, with what `jupyter_client` asks of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Nursery:
    """The process that kernels are forked from, started when it is first wanted and again when it has ended."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-c", _MAIN)) -> None:
        self._command = command
        self._up: asyncio.Task[asyncio.StreamWriter] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asked = itertools.count()
        self._awaited: dict[int, asyncio.Future[Child]] = {}
        self._children: dict[int, Child] = {}

    async def up(self) -> asyncio.StreamWriter:
        """Waits until the nursery is ready. Raises OSError where it does not come up."""
        if self._up is None or (self._up.done() and (self._up.exception() or self._gone())):
            self._up = asyncio.create_task(self._started())
        return await asyncio.shield(self._up)

    async def born(self, argv: list[str], env: Mapping[str, str], cwd: str) -> Child:
        """A new kernel. Raises OSError where there is none to be had."""
        writer = await self.up()
        asked = next(self._asked)
        self._awaited[asked] = asyncio.get_running_loop().create_future()
        try:
            wanted = {"asked": asked, "argv": argv, "env": dict(env), "cwd": cwd}
            writer.write(json.dumps(wanted).encode() + b"\n")
            await writer.drain()
            return await asyncio.wait_for(self._awaited[asked], _START_SECONDS)
        finally:
            self._awaited.pop(asked, None)

    async def close(self) -> None:
        """Ends the nursery; kernels that are still there end with it."""
        if self._up:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                (await self._up).close()
        if self._reading:
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, 5)
            self._process.kill()
            self._process.wait()

    def _gone(self) -> bool:
        return self._process is None or self._process.poll() is not None

    async def _started(self) -> asyncio.StreamWriter:
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                self._command, stdin=there.fileno(), start_new_session=True, env={**os.environ, **MEMORY},
            )  # fmt: skip
        reader, writer = await asyncio.open_connection(sock=here)
        try:
            told = await asyncio.wait_for(reader.readline(), _START_SECONDS)
        except TimeoutError:
            told = b""
        if not told:
            writer.close()
            self._process.kill()
            self._process.wait()
            raise OSError("the nursery does not come up")
        self._reading = asyncio.create_task(self._read(reader))
        return writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            told = json.loads(line)
            if "pid" in told:
                child = self._children[told["pid"]] = Child(told["pid"])
                if (waiting := self._awaited.get(told["asked"])) and not waiting.done():
                    waiting.set_result(child)
            elif told["ended"] in self._children:
                self._children.pop(told["ended"]).returncode = told["code"]
        # Kernels do not outlive it.
        for child in self._children.values():
            child.returncode = -signal.SIGKILL
        self._children.clear()
        for waiting in self._awaited.values():
            if not waiting.done():
                waiting.set_exception(OSError("the nursery has ended"))


nursery = Nursery()


class Forked(LocalProvisioner):
    """A kernel out of the nursery; started as any other where that has none."""

    async def launch_kernel(self, cmd: list[str], **wanted: Any) -> Any:
        try:
            child = await nursery.born(cmd[cmd.index("-f") :], wanted["env"], str(wanted.get("cwd") or ""))
        except (OSError, TimeoutError) as error:
            log.warning("%s; a kernel is started without it", error)
            return await super().launch_kernel(cmd, **wanted)
        self.process = child  # type: ignore[assignment]
        self.pid = self.pgid = child.pid
        self.cwd = wanted.get("cwd")
        return self.connection_info


async def ready() -> None:
    """Waits for the nursery, where the system can fork. Raises OSError where it does not come up."""
    if metadata():
        await nursery.up()


def metadata() -> dict[str, Any]:
    """What a kernel specification says to have its kernels forked; nothing where the system cannot."""
    if not sys.platform.startswith("linux"):
        return {}
    factory = KernelProvisionerFactory.instance()
    factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:{Forked.__name__}", factory.GROUP_NAME)
    return {"kernel_provisioner": {"provisioner_name": NAME}}
