"""The visitors of the app: a kernel for each, warmed up beforehand, told who looks, and gone when the page is closed.

A page rendered in advance would hold figures before anybody knows whose they may be, so kernels are only warmed: they
have imported what is slow, and know no viewer. When a page is asked for, the server tells a warm kernel the viewer and
the address, and runs the notebook in it.
"""

# mypy: disable-error-code="no-untyped-call, override, arg-type, misc"
# Jupyter's own classes are typed in part only, and give coroutines where their signatures say values.

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Float, Integer
from traitlets import List as ListTrait

from callkit.access import NOBODY, VIEWER, Viewer
from callkit.serving import forked

log = logging.getLogger("callkit")
KERNEL = "python3"
arriving: contextvars.ContextVar[Viewer] = contextvars.ContextVar("arriving", default=NOBODY)
"""For whom the page that is being made is made."""

_START_SECONDS = 60.0
_ARRIVAL_SECONDS = 15.0  # the page is still being made when its kernel is given to it


class OwnPython(KernelSpecManager):
    """Knows one kernel: this very Python, whatever kernels the user has installed elsewhere."""

    kernel_dirs: Any = ListTrait([])

    def get_kernel_spec(self, kernel_name: str) -> Any:
        found = super().get_kernel_spec(kernel_name)
        found.metadata = {**found.metadata, **forked.metadata()}
        return found


class Kernels(AsyncMappingKernelManager):
    """Kernels for visitors: `preheat` of them stand ready; one without a page for `grace` seconds ends."""

    preheat = Integer(2, config=True)
    grace = Float(60.0, config=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.viewers: dict[str, Viewer] = {}
        self.failure = ""
        self._warm: list[asyncio.Task[str]] = []
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        # Who runs a kernel is known to the server alone; a visitor's messages are about widgets, and nothing else.
        self.allowed_message_types = [t for t in self.allowed_message_types if t != "shutdown_request"]

    def warm_up(self) -> None:
        """Starts kernels until as many stand ready, or are about to, as are wanted."""
        while not self._closed and len(self._warm) < self.preheat:
            self._warm.append(asyncio.create_task(self._heated()))

    async def ready(self) -> None:
        """Waits for the kernels that are being warmed, and for what others are forked from."""
        await asyncio.gather(*self._warm, forked.ready(), return_exceptions=True)

    async def start_kernel(self, *, path: str | None = None, env: Mapping[str, str] | None = None, **_: Any) -> str:
        """A kernel for the page that is being made, for its viewer and no other; a warm one where one stands ready."""
        viewer = arriving.get()
        told = {**(env or {}), VIEWER: viewer.told()}
        kernel_id = await self._taken(path, told) or await self._started(path, told)
        self.viewers[kernel_id] = viewer
        # A page that never opens its websocket (a robot, a closed tab) must not keep a kernel.
        self._leave_after(kernel_id, max(2 * self.grace, _ARRIVAL_SECONDS))
        return kernel_id

    async def shutdown_kernel(self, kernel_id: str, *args: Any, **kwargs: Any) -> None:
        self.viewers.pop(kernel_id, None)
        if timer := self._leaving.pop(kernel_id, None):
            timer.cancel()
        # One that has died and is just being started again can be ended only then.
        ends = time.monotonic() + _START_SECONDS
        while kernel_id in self and not self.get_kernel(kernel_id).ready.done() and time.monotonic() < ends:
            await asyncio.sleep(0.1)
        if kernel_id in self:
            # Nothing in a kernel is worth a polite end: it only reads.
            await super().shutdown_kernel(kernel_id, *args, **{**kwargs, "now": True})

    def notify_connect(self, kernel_id: str) -> None:
        super().notify_connect(kernel_id)
        if timer := self._leaving.pop(kernel_id, None):
            timer.cancel()

    def notify_disconnect(self, kernel_id: str) -> None:
        super().notify_disconnect(kernel_id)
        if kernel_id in self and not self._kernel_connections.get(kernel_id):
            self._leave_after(kernel_id, self.grace)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        if kernel_id in self.viewers:
            await super().cull_kernel_if_idle(kernel_id)

    async def close(self) -> None:
        """Ends every kernel, those that are just starting too."""
        self._closed = True
        for timer in self._leaving.values():
            timer.cancel()
        # A start that is cancelled half way would leave its process behind.
        await asyncio.gather(*self._warm, *self._tasks, return_exceptions=True)
        await asyncio.gather(*(self.shutdown_kernel(k) for k in self.list_kernel_ids()), return_exceptions=True)
        await forked.nursery.close()

    def soon(self, work: Any) -> None:
        """Runs a coroutine beside everything else."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _leave_after(self, kernel_id: str, seconds: float) -> None:
        if self._closed:
            return
        if timer := self._leaving.pop(kernel_id, None):
            timer.cancel()
        self._leaving[kernel_id] = asyncio.get_running_loop().call_later(seconds, self._left, kernel_id)

    def _left(self, kernel_id: str) -> None:
        self._leaving.pop(kernel_id, None)
        if kernel_id in self and not self._kernel_connections.get(kernel_id):
            log.info("page closed, kernel %s ends", kernel_id[:8])
            self.soon(self.shutdown_kernel(kernel_id))

    async def _taken(self, path: str | None, env: Mapping[str, str]) -> str:
        while self._warm:
            task = next((t for t in self._warm if t.done()), self._warm[0])
            self._warm.remove(task)
            with contextlib.suppress(Exception):
                kernel_id = await task
                changed = {name: value for name, value in env.items() if os.environ.get(name) != value}
                told = f"import os; os.environ.update({json.dumps(changed)})\nos.chdir({self._cwd(path)!r})"
                try:
                    await self._run(kernel_id, told)
                except Exception:  # it has died while it stood ready
                    self.soon(self.shutdown_kernel(kernel_id))
                    raise
                self.soon(self._refilled())
                return kernel_id
        self.warm_up()
        return ""

    async def _refilled(self) -> None:
        # The page that was just asked for computes now; the next kernel can wait a little.
        await asyncio.sleep(1)
        self.warm_up()

    async def _heated(self) -> str:
        kernel_id = await self._started(None, {**os.environ, VIEWER: NOBODY.told()})
        try:
            # One that was forked has it behind itself, and answers at once.
            await self._run(kernel_id, "from callkit.serving.nursery import warm; warm(); del warm")
        except RuntimeError as error:
            log.warning("kernel %s is not as warm as it could be: %s", kernel_id[:8], error)
        except BaseException:
            await self.shutdown_kernel(kernel_id)
            raise
        return kernel_id

    async def _started(self, path: str | None, env: Mapping[str, str]) -> str:
        began = time.monotonic()
        try:
            kernel_id: str = await super().start_kernel(
                kernel_name=KERNEL, path=path or "", env={**forked.MEMORY, **env}
            )
        except Exception as error:
            self.failure = f"no kernel starts: {error}"
            log.error("no kernel starts", exc_info=True)
            raise
        self.failure = ""
        log.info("kernel %s started in %.1f s", kernel_id[:8], time.monotonic() - began)
        return kernel_id

    async def _run(self, kernel_id: str, code: str) -> None:
        """Runs code of the server's own in a kernel."""
        client = self.get_kernel(kernel_id).client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=_START_SECONDS)
            reply = await client.execute_interactive(
                code, silent=True, store_history=False, allow_stdin=False, timeout=_START_SECONDS, output_hook=_quietly
            )
            if reply["content"]["status"] != "ok":
                raise RuntimeError(f"{reply['content'].get('ename')}: {reply['content'].get('evalue')}")
        finally:
            client.stop_channels()

    def _cwd(self, path: str | None) -> str:
        return str(self.cwd_for_path(path or ""))


def _quietly(message: Mapping[str, Any]) -> None:
    if message["msg_type"] in ("stream", "error"):
        content = message["content"]
        log.warning("kernel: %s", content.get("text") or "\n".join(content.get("traceback", ())))
