"""Reading one listing that grows: page by page, resumable at any moment, and safe from pages that shift under writes.

amoCRM counts its pages anew at each request: a deal that changes while page 2 is being read moves, and a deal of page
3 slips to page 2, unread. So where the listing comes in the order of its times, no page but the first is ever asked
for: each request begins at the last time that was read. A server that does not keep the order is followed by its
links, and read once more if rows were seen to move.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from callkit.crm.client import Api, Page
from callkit.crm.raw import Raw
from callkit.crm.resources import Resource

OVERLAP = 3600
ROWS_A_TURN, SECONDS_A_TURN = 2500, 2.0


@dataclass
class Progress:
    """How far a reading has come.

    It began at the time `since`; the next request is the page behind `link`, or, where that is empty, the first page
    from the time `at` on. `more` says whether there is such a page, `top` is the latest time seen.
    """

    since: int
    at: int
    link: str = ""
    more: bool = True
    ordered: bool | None = None
    top: int = 0
    began: int = 0
    again: bool = False


class Walk:
    """One reading of a listing, from where the last one ended or was cut short; its first page is asked for at once.

    `floor` is the time from which on the listing is wanted at all, `anew` reads it all again.
    """

    def __init__(self, api: Api, raw: Raw, resource: Resource, *, floor: int | None = None, anew: bool = False) -> None:
        self.api, self.raw, self.resource = api, raw, resource
        kept: dict[str, Any] = {} if anew else raw.state(resource.name) or {}
        covered = kept.get("floor")
        self.floor = min(f for f in (floor, covered) if f is not None) if (floor, covered) != (None, None) else 0
        self.done = int(kept.get("done", 0))
        if covered is not None and self.floor < covered:
            kept, self.done = {}, 0
        if "going" in kept:
            self.progress = Progress(**kept["going"])
        else:
            start = max(self.done - OVERLAP, self.floor)
            self.progress = Progress(start, start, began=int(time.time()))
        self._seen: set[Any] = set()
        self._moved = False
        self._first = self._ask()

    def run(self, tell: Callable[[int], object]) -> None:
        """Reads to the end and keeps what was told; `tell` hears how many rows each page brought."""
        waiting: list[dict[str, Any]] = []
        turn = time.monotonic()
        for page in self._pages():
            waiting += [row for told in page.rows if (row := self.resource.row(told))]
            tell(len(page.rows))
            if len(waiting) >= ROWS_A_TURN or time.monotonic() - turn >= SECONDS_A_TURN:
                self._keep(waiting, {"going": asdict(self.progress)})
                waiting, turn = [], time.monotonic()
        # What was written since the reading began comes again with the next one.
        self.done = max(self.done, self.floor, min(self.progress.top, self.progress.began))
        self._keep(waiting, {})

    def _keep(self, rows: list[dict[str, Any]], further: dict[str, Any]) -> None:
        state = {"done": self.done, "floor": self.floor, **further}
        self.raw.add(self.resource.table, rows, self.resource.name, state)

    def _pages(self) -> Iterator[Page]:
        page = self._first
        while page is not None:
            stamps = [int(told.get(self.resource.stamp) or 0) for told in page.rows]
            self._watch(page, stamps)
            self._advance(page, stamps)
            # The progress already leads behind this page: its rows and it are kept together.
            yield page
            page = self._ask() if self.progress.more else None

    def _advance(self, page: Page, stamps: list[int]) -> None:
        progress = self.progress
        progress.top = max(progress.top, *stamps, 0)
        progress.link, progress.more = page.link, bool(page.link)
        if page.link and progress.ordered is None:
            progress.ordered = self.resource.ordered and self._keeps_order(stamps)
        if page.link and progress.ordered and stamps:
            if stamps != sorted(stamps) or stamps[0] < progress.at:
                progress.ordered = False
                self._restart()
            elif stamps[-1] - 1 > progress.at:
                # A second earlier, in case the bound itself is left out. Where more than a page of rows share a
                # second, the link leads through them.
                progress.at, progress.link = stamps[-1] - 1, ""
        if not page.link and self._moved and not progress.again:
            progress.again = True
            self._restart()

    def _restart(self) -> None:
        self.progress.at, self.progress.link, self.progress.more = self.progress.since, "", True
        self._moved = False
        self._seen.clear()

    def _ask(self) -> Page | None:
        if link := self.progress.link:
            return next(self.api.pages(link, {}, self.resource.selector), None)
        return next(self.api.pages(self.resource.path, self._params("asc"), self.resource.selector), None)

    def _params(self, way: str) -> dict[str, object]:
        asked = dict(self.resource.params)
        if self.progress.at:
            asked[f"filter[{self.resource.stamp}][from]"] = self.progress.at
        if self.resource.ordered:
            asked[f"order[{self.resource.stamp}]"] = way
        return asked

    def _keeps_order(self, rising: list[int]) -> bool:
        """Whether the server minds the order it is asked for: the other way round, other rows must come first."""
        page = next(self.api.pages(self.resource.path, self._params("desc"), self.resource.selector), None)
        falling = [int(told.get(self.resource.stamp) or 0) for told in page.rows] if page else []
        if not rising or not falling:
            return False
        return rising == sorted(rising) and falling == sorted(falling, reverse=True) and falling[0] > rising[0]

    def _watch(self, page: Page, stamps: list[int]) -> None:
        """Marks a listing whose rows move while its links are followed: one comes twice, or is newer than the reading.

        Events never change, so that theirs can only move down, where they are met again.
        """
        if self.progress.ordered or not self.resource.ordered:
            return
        ids = [told.get("id") for told in page.rows]
        self._moved |= bool(self._seen.intersection(ids)) or any(s >= self.progress.began for s in stamps)
        self._seen.update(ids)
