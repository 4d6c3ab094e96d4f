"""A store's file, known again by more than its name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stored:
    """A store's file as it was when it was opened: another file under the same name is new data."""

    path: Path
    inode: int
    changed_ns: int

    @classmethod
    def at(cls, path: Path) -> Stored:
        found = path.stat()
        return cls(path, found.st_ino, found.st_mtime_ns)

    @property
    def at_moment(self) -> dt.datetime:
        """When the store was made: of when the data is."""
        return dt.datetime.fromtimestamp(self.changed_ns / 1e9, dt.UTC)
