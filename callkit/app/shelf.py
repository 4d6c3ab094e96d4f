"""What the kernels of one server have made, kept for each other: a page that ten visitors open is computed once.

Figures, findings and drawn charts are told by the store, by what the viewer may see and by the view. The server names a
folder that nobody else can read; a kernel that is asked for something looks there first, and where another is just
making it, waits for that one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from callkit.company import Company

try:
    import fcntl
except ImportError:  # a system without such locks: what two kernels want at one moment, both make
    fcntl = None  # type: ignore[assignment]

FOLDER = "CALLKIT_SHELF"
MOST_BYTES = 256 << 20
_LOOK_EVERY = 50  # how many things are put there between two looks at how much there is
_LOCK = ".lock"


class Shelf:
    """Things made of a company as its viewer sees it; without a folder, or for a company of no store, nothing is kept.

    `folder` is the one that the environment names (`CALLKIT_SHELF`), unless given.
    """

    def __init__(self, company: Company, folder: Path | None = None, *, most_bytes: int = MOST_BYTES) -> None:
        named = os.environ.get(FOLDER)
        self._folder = (folder or (Path(named) if named else None)) if company.stored else None
        self._of = (company.stored, company.viewer.sees, company.viewer.names, company.timezone, company.settings)
        self._most_bytes = most_bytes
        self._lock: int | None = None
        self._put = 0

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """What `make` gives, or gave in another kernel under the same key; `key` is told by its `repr`.

        What cannot be read or written is made anew: the shelf never fails, `make` may.
        """
        if self._folder is None:
            return make()
        name = hashlib.sha256(repr((self._of, key)).encode()).hexdigest()
        path = self._folder / name
        with contextlib.suppress(OSError, pickle.PickleError, EOFError):
            return _read(path)
        with self._alone(int(name[:15], 16)):
            with contextlib.suppress(OSError, pickle.PickleError, EOFError):
                return _read(path)
            made = make()
            with contextlib.suppress(OSError):
                self._keep(path, made)
        return made

    @contextlib.contextmanager
    def _alone(self, place: int) -> Iterator[None]:
        """Holds a place of the lock file, which ends with the process at the latest."""
        if fcntl is None or not self._locked(place):
            yield
            return
        try:
            yield
        finally:
            fcntl.lockf(self._lock or 0, fcntl.LOCK_UN, 1, place)

    def _locked(self, place: int) -> bool:
        try:
            if self._lock is None:
                assert self._folder
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
                weakref.finalize(self, os.close, self._lock)
            fcntl.lockf(self._lock, fcntl.LOCK_EX, 1, place)
        except OSError:  # no such locks on this file system, or two kernels would wait for each other
            return False
        return True

    def _keep(self, path: Path, made: object) -> None:
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                pickle.dump(made, file, pickle.HIGHEST_PROTOCOL)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
        if self._put % _LOOK_EVERY == 0:
            self._clear()
        self._put += 1

    def _clear(self) -> None:
        """Takes the oldest away where there is too much, down to half of what may be."""
        assert self._folder
        with os.scandir(self._folder) as entries:
            found = [(e.stat().st_mtime_ns, e.stat().st_size, e.path) for e in entries if not e.name.startswith(".")]
        left = sum(size for _, size, _ in found)
        if left <= self._most_bytes:
            return
        for _, size, name in sorted(found):
            Path(name).unlink(missing_ok=True)
            left -= size
            if left <= self._most_bytes / 2:
                return


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)
