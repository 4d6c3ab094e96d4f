"""How the months of a report are kept: a folder a company, in it a folder a month, each there whole or not at all.

A month is made in a hidden scratch folder named after the process, and renamed into place when it is complete. The
scratch folders of processes that are gone are cleared away by the next run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from callkit.errors import CallkitError

_LONGEST = 80
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_OLD, _TRIES = ".old", 10
_SCRATCH = re.compile(r"\.run\.(?P<pid>\d+)\.[0-9a-f]+\.part")
_mine: set[str] = set()


def safe_name(text: str, otherwise: str = "company") -> str:
    """A file name for a text, letters of any alphabet kept: no separators, no spaces, no leading dots.

    It has 80 characters at most. A text of which nothing remains becomes `otherwise`.

    >>> safe_name("ООО «Северный ветер»: Москва/Казань")
    'ООО-«Северный-ветер»-Москва-Казань'
    >>> safe_name("../..")
    'company'
    """
    plain = unicodedata.normalize("NFC", text)
    kept = "".join("-" if c.isspace() or c in '/\\:*?"<>|' or not c.isprintable() else c for c in plain)
    name = re.sub(r"-+", "-", kept).lstrip(".-")[:_LONGEST].rstrip(".-")
    if not name:
        return otherwise
    return f"{name}-" if name.split(".")[0].casefold() in _RESERVED else name


@contextlib.contextmanager
def scratch(place: Path) -> Iterator[Path]:
    """A hidden folder in `place` to make months in; gone at the end of the block, with all that was not shelved.

    Raises CallkitError where folders cannot be made.
    """
    own = place / f".run.{os.getpid()}.{time.monotonic_ns():x}.part"
    made = [folder for folder in (place, *place.parents) if not folder.exists()]
    _mine.add(own.name)
    try:
        with told(place):
            own.mkdir(parents=True)
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        _mine.discard(own.name)
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()


def shelve(made: Path, final: Path) -> None:
    """Renames a complete folder, made in a scratch folder, to its final name; what stood there goes."""
    old = made.with_name(f"{final.name}{_OLD}")
    with told(final):
        for attempt in range(_TRIES):
            with contextlib.suppress(FileNotFoundError):
                final.rename(old)
            try:
                made.rename(final)
                break
            except OSError:
                # Another run shelved its month in between: that one goes the same way.
                if attempt == _TRIES - 1:
                    raise
            finally:
                shutil.rmtree(old, ignore_errors=True)


def clear(place: Path) -> None:
    """Clears away the scratch folders of runs that are gone.

    A run killed between moving an old month away and the new one in gets the old one back.
    """
    for path in sorted(place.glob(".run.*.part")):
        left = _SCRATCH.fullmatch(path.name)
        if left is None or path.name in _mine or _alive(int(left["pid"])):
            continue
        for old in path.glob(f"*{_OLD}"):
            with contextlib.suppress(OSError):
                old.rename(place / old.name.removesuffix(_OLD))
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Says in a sentence what the file system refuses: no space, no right, no such place."""
    try:
        yield
    except OSError as error:
        raise CallkitError(f"{path} cannot be written: {error.strerror or error}") from error


def _alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # there a signal 0 would end the process it asks about
    if pid == os.getpid():
        return False  # not among this process's own, so of a namesake before it: in a container everyone is number 1
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
