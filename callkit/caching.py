"""Files that can be made anew: kept in the user's cache folder, seen by other processes whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Where programs of this user keep what they can make anew: `$XDG_CACHE_HOME/callkit`."""
    named = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(named) if named else Path("~/.cache").expanduser()) / "callkit"


def write_whole(path: Path, text: str) -> None:
    """Writes a file aside and renames it into place; raises OSError where that cannot be done, and leaves nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
