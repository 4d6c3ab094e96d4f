"""The app in a browser, beside a page of the same content in Streamlit: links, filters, memory, ten visitors at once.

    python tests/benchmarks/app.py [--calls N ...] [--rounds 5] [--changes 40] [--work FOLDER]

Both serve one generated company from a store of their own, both stand ready during the whole run, and take turns: at
every link and at every click. Every visit is a browser context with nothing in its cache. `make bench` runs this too.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from running import company
from running import store as made_store
from served import Peer, Server, names, ours, peer, rest, served, totals
from visiting import AppTab, Tab, browser

MONTH = "2026-10"  # the last of a generated company, which both pages begin with
VISITORS, CHANGES = 10, 40
Samples = dict[str, list[float]]


def app(size: int, rounds: int, changes: int, work: Path) -> list[str]:
    """The lines of the results for one size."""
    lines = [f"### The app, {size:,} calls", ""]
    with browser() as opened:
        if opened is None:
            return [*lines, "Not measured: no Chromium was found; name one in CALLKIT_CHROMIUM.", ""]
        source, store = company(size, work), made_store(size, work)
        beside = peer(source, work)
        if isinstance(beside, str):
            lines += [beside, ""]
        theirs = beside if isinstance(beside, Peer) else None
        samples: Samples = defaultdict(list)
        # What one visitor's page was made of is kept for the next: every round begins with servers that know nothing.
        for _ in range(rounds):
            with ours(store, work) as ready, ours(store, work, "--preheat=0") as cold:
                links(opened, ready, cold, theirs, work, samples)
        with theirs.started(work) if theirs else contextlib.nullcontext() as other:
            with ours(store, work) as ready:
                filters(opened, ready, other, toggles(names(source), changes), store, samples)
            for _ in range(min(rounds, 3)):
                with ours(store, work) as ready:
                    samples["others"].append(rest(ready))
                    samples["ours served"] += served(f"{ready.address}/?lang=en", VISITORS)
                with ours(store, work) as ready:
                    crowd(opened, ready, other, samples)
    return [*lines, *table(size, samples, theirs)]


def links(opened: Any, ready: Server, cold: Server, theirs: Peer | None, work: Path, samples: Samples) -> None:
    """One round of links: each contender once, with nothing else at work."""

    def visit(name: str, tab: Tab, *running: Server) -> None:
        samples["others"].append(rest(*running))
        samples[name].append(tab.open() / 1000)
        tab.close()

    with theirs.started(work) if theirs else contextlib.nullcontext() as other:
        running = [server for server in (ready, cold, other) if server]
        visit("ours ready", AppTab(opened, f"{ready.address}/?lang=en"), *running)
        if other:
            visit("theirs cold", Tab(opened, other.address), *running)
        visit("ours cold", AppTab(opened, f"{cold.address}/?lang=en"), *running)
        if other:
            visit("theirs ready", Tab(opened, other.address), *running)


def toggles(managers: Sequence[str], changes: int) -> Iterator[tuple[str, list[str]]]:
    """Managers to click in or out one by one, and who is then chosen: no choice comes twice."""
    chosen: list[str] = []
    for step in range(1, min(changes + 1, 2 ** len(managers))):
        manager = managers[(step & -step).bit_length() - 1]
        chosen = [m for m in chosen if m != manager] if manager in chosen else [*chosen, manager]
        yield manager, chosen


def filters(
    opened: Any, ready: Server, other: Server | None, steps: Iterator[tuple[str, list[str]]], store: Path,
    samples: Samples,
) -> None:  # fmt: skip
    """Clicks managers in and out on both pages in turn; before and after both show what `callkit metrics` says."""
    tabs: dict[str, Tab] = {"ours": AppTab(opened, f"{ready.address}/?lang=en")}
    if other:
        tabs["theirs"] = Tab(opened, other.address)
    for tab in tabs.values():
        rest(ready)
        tab.open()
    agree(tabs, totals(store, MONTH))
    samples["others"].append(rest(ready))
    for tab in tabs.values():
        tab.unfold()
    last: list[str] = []
    for manager, chosen in steps:
        last = chosen
        for name, tab in tabs.items():
            change = tab.change(manager)
            samples[f"{name} drawn"].append(change.drawn)
            samples[f"{name} whole"].append(change.whole)
    agree(tabs, totals(store, MONTH, last))
    for name, megabytes in zip(("rss", "pss"), ready.kernel(tabs["ours"].kernel), strict=True):
        samples[f"kernel {name}"].append(megabytes)
    for tab in tabs.values():
        tab.close()


def agree(tabs: dict[str, Tab], expected: list[float]) -> None:
    """Ends the benchmark if a page shows other calls, deals and won deals: what differs cannot be compared."""
    for name, tab in tabs.items():
        if (shown := tab.figures()) != expected:
            raise SystemExit(f"{name}: calls, deals and won deals are {shown}; wanted: {expected}")


def crowd(opened: Any, ready: Server, other: Server | None, samples: Samples) -> None:
    """Ten visitors who set out at one moment, each alone in a browser context; then the memory of the whole server."""
    contenders: list[tuple[str, Server, type[Tab]]] = [("ours", ready, AppTab)]
    if other:
        contenders.append(("theirs", other, Tab))
    for name, server, kind in contenders:
        address = f"{server.address}/?lang=en" if kind is AppTab else server.address
        tabs = [kind(opened, address) for _ in range(VISITORS)]
        samples["others"].append(rest(*(s for _, s, _ in contenders)))  # ten empty tabs cost nine seconds of a core
        for tab in tabs:
            tab.go()
        samples[f"{name} crowd"] += [tab.arrive() / 1000 for tab in tabs]
        for tab in tabs:
            tab.complete()
        samples[f"{name} crowd memory"].append(server.megabytes)
        for tab in tabs:
            tab.close()


def table(size: int, samples: Samples, theirs: Peer | None) -> list[str]:
    """What was measured, callkit beside the peer."""
    rounds, clicks, filtered = len(samples["ours ready"]), len(samples["ours drawn"]), 100 if size <= 1_000_000 else 250
    rows = [
        ("link to first chart, server ready, s", "ready", 2, "1.5"),
        ("link to first chart, server cold, s", "cold", 2, "3"),
        ("click on a filter to repainted chart, ms", "drawn", 0, f"{filtered}, p95 500"),
        ("click on a filter to whole page, ms", "whole", 0, ""),
        (f"{VISITORS} visitors at once, link to first chart, s", "crowd", 2, "10, the slowest"),
        (f"{VISITORS} visitors at once, page with its first chart served, s", "served", 2, ""),
        (f"memory of the server with {VISITORS} visitors, MB", "crowd memory", 0, ""),
    ]
    who = theirs.versions if theirs else "no peer"
    lines = [
        f"| median / p95 / slowest | callkit | {who} | callkit is to stay below |",
        "|---|---:|---:|---:|",
    ]
    for title, key, digits, wanted in rows:
        shown = [told(samples[f"{name} {key}"], digits) for name in ("ours", "theirs")]
        lines.append(f"| {title} | {' | '.join(shown)} | {wanted} |")
    rss, pss = (samples[f"kernel {kind}"][0] for kind in ("rss", "pss"))
    shown = [f"{rss:.0f} ({pss:.0f} without what processes share)", ""]
    most = "220" if size <= 1_000_000 else ""
    lines.append(f"| memory of a visitor's kernel after the clicks, MB | {' | '.join(shown)} | {most} |")
    others = statistics.median(samples["others"])
    note = (
        f"{rounds} links each, {clicks} clicks each, {len(samples['ours crowd'])} visitors in crowds. Ready: kernels "
        "are preheated as by default, Streamlit has shown the page before; cold: `--preheat 0`, Streamlit's first "
        "visitor. callkit's page is the whole overview, with more charts than Streamlit's. While the servers rested, "
        f"other programs kept {others:.0f} % of the machine busy{': the times are too long' if others > 10 else ''}."
    )
    return [*lines, "", note, ""]


def told(values: Sequence[float], digits: int) -> str:
    """Median, 95th percentile and the largest of a sample."""
    if not values:
        return "–"
    late = statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    return " / ".join(f"{v:.{digits}f}" for v in (statistics.median(values), late, max(values)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="*", default=[1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changes", type=int, default=CHANGES)
    parser.add_argument("--work", type=Path, help="keep companies, stores and Streamlit's environment here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = arguments.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        for size in arguments.calls:
            print("\n".join(app(size, arguments.rounds, arguments.changes, work)))


if __name__ == "__main__":
    main()
