"""What makes the app of a large company quick is made beside it: packed columns of its store, once and for new data.

See `callkit.onepass`; until they are there, and for whatever they do not hold, SQL answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

from callkit.onepass import WANTED, installed
from callkit.stored import Stored

log = logging.getLogger("callkit")
_MAIN = "from callkit.onepass.making import main; main()"


class Preparing:
    """Has the columns of a store made whenever it is another one, in a process of their own, one at a time."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._of: Stored | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def wanted(self) -> bool:
        """Whether there is to be such a file; kernels that start from now on ask it then."""
        if not installed():
            return False
        from callkit.onepass.making import wanted

        if await asyncio.to_thread(wanted, self._store):
            os.environ[WANTED] = "1"
            return True
        return False

    async def look(self) -> None:
        """Begins to make the columns where the store is another than that they were made of."""
        if self._process and self._process.returncode is None:
            return
        with contextlib.suppress(OSError):
            now = Stored.at(self._store)
            if now == self._of:
                return
            self._of = now
            if await self.wanted():
                self._process = await asyncio.create_subprocess_exec(sys.executable, "-c", _MAIN, str(self._store))
                log.info("columns of %s are being packed", self._store.name)

    async def done(self) -> None:
        """Waits for what is under way."""
        if self._process:
            await self._process.wait()

    async def close(self) -> None:
        """Ends what is under way; a file that is not whole is left nowhere."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self.done()
