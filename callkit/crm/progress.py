"""The bar of a pull: what is being read, how many rows, how fast; only on a terminal."""

from __future__ import annotations

import sys

from tqdm import tqdm  # type: ignore[import-untyped]


class Bar:
    """Counts rows, on stderr; a context manager. `total` is their sum."""

    def __init__(self, quiet: bool = False) -> None:
        self.total = 0
        # None: tqdm itself stays silent where stderr is no terminal.
        self._bar = tqdm(unit=" rows", unit_scale=True, disable=True if quiet else None, file=sys.stderr)

    def name(self, what: str) -> None:
        self._bar.set_description(what)

    def add(self, rows: int) -> None:
        self.total += rows
        self._bar.update(rows)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
