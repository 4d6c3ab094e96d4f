"""What a pull was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """A pull into `folder`: calls from the second `since` on, everything anew where `full`.

    `code` is a fresh OAuth2 integration's, to be exchanged for tokens; `quiet` shows no bar.
    """

    folder: Path
    since: int | None = None
    full: bool = False
    code: str = ""
    quiet: bool = False
