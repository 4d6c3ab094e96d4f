"""The manifest of a month: what it was made from, with what, what came out; and so whether it must be made again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from callkit import __version__
from callkit.sources import fingerprint

FILE = "manifest.json"
FINISHED, FAILED = "finished", "failed"
_LIBRARIES = ("duckdb", "pandas", "altair", "papermill")


def described(path: Path) -> dict[str, Any]:
    """A file's size in bytes and the SHA-256 of its content."""
    return {"bytes": path.stat().st_size, "sha256": fingerprint(path)}


def versions() -> dict[str, str]:
    """The versions of callkit, Python and what computes and draws."""
    found = {"callkit": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "unknown"
    return found


def digest(facts: Mapping[str, Any]) -> str:
    """The SHA-256 of facts, whatever the order they were gathered in.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes the manifest of a complete month, every file of the folder listed in it."""
    files = {p.name: described(p) for p in sorted(folder.iterdir()) if p.name != FILE}
    text = json.dumps({**content, "files": files}, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """The manifest in a folder; empty where there is none that can be read."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def finished(folder: Path, expected: str) -> bool:
    """Whether the month in a folder went through, was made from what `expected` digests, and is still whole."""
    kept = read(folder)
    if kept.get("status") != FINISHED or kept.get("digest") != expected:
        return False
    files = kept.get("files")
    try:
        return isinstance(files, dict) and all(described(folder / name) == told for name, told in files.items())
    except OSError:
        return False
