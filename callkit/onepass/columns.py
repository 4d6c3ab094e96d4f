"""The file of packed columns: what is in it, where it lies, and how it is written and mapped.

It is a cache of a store, named by the store's inode and time of change: of another store there is another file. Places
are deals in the order in which they were created; calls without a deal stand behind them in places of their own. All
numbers are small: what they mean is said in `Columns`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import hashlib
import importlib.metadata
import json
import mmap
import os
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from callkit import __version__
from callkit.caching import cache_folder
from callkit.dimensions import OTHERS
from callkit.stored import Stored

VERSION = 1
BLOCK = 1024
"""How many places the days of their calls are known of together."""
SHIFT = -OTHERS
"""What is added to codes that may be below zero."""
CODES = 1 << 16
"""How many codes a number of two bytes can tell."""
KINDS = 2 * 3 * 24
DAYS = ("created_day", "closed_day")
LIMITS = {"day": ("low", "high"), DAYS[0]: ("created_low", "created_high"), DAYS[1]: ("closed_low", "closed_high")}
"""By what dates calls: the first and the last of its days in every block of places."""
ORDINAL, MONTH, WEEKDAY = 0, 1, 2
ENDING = ".columns"
_MARK = b"callkit columns\n"
_PAGE = 4096
_HEAD = 16 * _PAGE
_CHUNK = 1 << 24
_KEPT = 4
NOT_READ = (OSError, ValueError, LookupError, TypeError, ImportError)
"""What comes of a file that is damaged or of another making, or where numba is gone."""
_ABANDONED_SECONDS = 3600
Array = npt.NDArray[Any]
Laid = Mapping[str, tuple[str, tuple[int, ...], int]]
"""By array: its type, its shape, and where in the file it begins."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns, mapped read-only, and in `told` what is known about them as a whole.

    By call: `kind` is one number of whether it was made while its deal was open, its direction - 1 and its hour; `day`
    a number of `calendar`, `manager` a code, `stage` a code + `SHIFT`, `talk` whole units of 1/`talk_unit` second. By
    place: `at` where its calls begin, and the one before ends; `outcome` - 1, `amount`, and in `of_deal` a row for each
    of `rows`: codes + `SHIFT` of dimensions, and `DAYS`, 0 for none. By block of places: what is in `LIMITS`. By
    manager: `teams`.
    """

    told: Mapping[str, Any]
    arrays: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]


def types(small: bool) -> dict[str, str]:
    """The types of the arrays by name: `small` says that codes fit into a byte, and talk into two."""
    code, talk = ("u1", "u2") if small else ("u2", "u4")
    calls = {"kind": "u1", "day": "u2", "manager": code, "stage": code, "talk": talk}
    limits = dict.fromkeys((name for names in LIMITS.values() for name in names), "u2")
    return calls | {"at": "u4", "outcome": "u1", "amount": "f8", "of_deal": "u2", "teams": "i4"} | limits


def calendar(first: int, days: int) -> Array:
    """By number of a day, from 1 on: its ordinal, its month (years times twelve) and its weekday (1 = Monday).

    >>> calendar(dt.date(2026, 3, 1).toordinal(), 1).tolist()
    [[0, -1, -1], [739676, 24314, 7]]
    """
    dates = [dt.date.fromordinal(first + i) for i in range(days)]
    told = [(d.toordinal(), d.year * 12 + d.month - 1, d.isoweekday()) for d in dates]
    return np.array([(0, -1, -1), *told], np.int64)


def stamp() -> list[Any]:
    """What compiled loops depend on, as well as the file: those of another making are not used."""
    source = Path(__file__).with_name("compiled.py").stat()
    numba = importlib.metadata.version("numba")
    return [VERSION, __version__, numba, sys.implementation.cache_tag, source.st_mtime_ns, source.st_size]


def places(stored: Stored) -> list[Path]:
    """Where the file of a store may lie: beside it, or in the user's cache where that folder cannot be written."""
    whose = hashlib.sha256(str(stored.path.resolve()).encode()).hexdigest()[:16]
    own = f"{stored.inode}-{stored.changed_ns}{ENDING}"
    return [stored.path.with_name(f".{stored.path.name}.{own}"), cache_folder() / "columns" / f"{whose}.{own}"]


def others(path: Path) -> list[Path]:
    """The files beside one of `places` that are of older stores under the same name, or were never finished."""
    begins = path.name.removesuffix(ENDING).rpartition(".")[0]
    found = []
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            name, whole, rest = other.name.partition(ENDING)
            if whole and other != path and name.rpartition(".")[0] == begins:
                old = time.time() - other.stat().st_mtime > _ABANDONED_SECONDS
                found += [other] if not rest or old else []
    return found


def of_store(stored: Stored) -> Columns | None:
    """The columns of a store, None where there are none that can be read; looked for again at every question."""
    for path in places(stored):
        with contextlib.suppress(OSError):
            found = path.stat()
            if columns := _known(path, found.st_ino, found.st_mtime_ns):
                return columns
    return None


@functools.lru_cache(_KEPT)
def _known(path: Path, inode: int, changed_ns: int) -> Columns | None:  # noqa: ARG001 - another file, another answer
    try:
        return read(path)
    except NOT_READ:
        return None


def read(path: Path, *, thoroughly: bool = False) -> Columns:
    """Maps a file. Raises ValueError or OSError for one that is damaged or of another making.

    Every number may be anything without harm but for `at`, which is looked through; `thoroughly` looks at all bytes.
    """
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = len(_MARK)
    size = int.from_bytes(mapped[start : start + 8], "little")
    if mapped[:start] != _MARK or size > len(mapped):
        raise ValueError(f"{path} holds no columns")
    told = json.loads(mapped[start + 8 : start + 8 + size])
    if told["stamp"] != stamp() or told["bytes"] != len(mapped):
        raise ValueError(f"{path} is of another making, or cut off")
    arrays = _arrays(mapped, told["arrays"])
    at = arrays["at"]
    if at[0] != 0 or at[-1] != len(arrays["talk"]) or np.any(at[1:] < at[:-1]):
        raise ValueError(f"{path} is damaged")
    if thoroughly and _sum(arrays) != told["sum"]:
        raise ValueError(f"{path} is damaged")
    return Columns(told, arrays)


@contextlib.contextmanager
def written(path: Path, shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> Iterator[Writing]:
    """A new file with arrays of these types and shapes to fill; whole at `path` at the block's end, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with aside.open("w+b") as file:
            aside.chmod(0o600)
            writing = _laid_out(aside, file.fileno(), shapes)
            yield writing
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class Writing:
    """A file that is being written: `arrays` are to be filled, `told` too, and then it is to be `finished`."""

    path: Path
    mapped: mmap.mmap
    arrays: Mapping[str, Array]
    laid: Laid
    told: dict[str, Any]

    def finished(self) -> Columns:
        """Writes down what is told about the columns, and a sum over them; the columns as they are now."""
        own = {"stamp": stamp(), "bytes": len(self.mapped), "arrays": self.laid, "sum": _sum(self.arrays)}
        text = json.dumps(own | self.told).encode()
        head = _MARK + len(text).to_bytes(8, "little") + text
        if len(head) > _HEAD:
            raise OSError("there is too much to tell about the columns")
        self.mapped[: len(head)] = head
        self.mapped.flush()
        return read(self.path)


def _laid_out(path: Path, file: int, shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> Writing:
    laid, end = {}, _HEAD
    for name, (kind, shape) in shapes.items():
        laid[name] = (kind, shape, end)
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        end += -(-size // _PAGE) * _PAGE
    # A full disk is told here; later it would end the process.
    getattr(os, "posix_fallocate", lambda _file, _start, length: os.ftruncate(_file, length))(file, 0, end)
    mapped = mmap.mmap(file, end)
    return Writing(path, mapped, _arrays(mapped, laid), laid, {})


def _arrays(mapped: mmap.mmap, laid: Laid) -> dict[str, Array]:
    return {
        name: np.frombuffer(mapped, kind, int(np.prod(shape)), offset).reshape(shape)
        for name, (kind, shape, offset) in laid.items()
    }


def _sum(arrays: Mapping[str, Array]) -> int:
    found = 0
    for array in arrays.values():
        flat = array.reshape(-1).view(np.uint8)
        for start in range(0, len(flat), _CHUNK):
            found = zlib.crc32(flat[start : start + _CHUNK].data, found)
    return found
