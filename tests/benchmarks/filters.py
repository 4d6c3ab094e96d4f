"""From a filter to its figures: `python filters.py STORE …`, milliseconds of `measure` over random scopes and ten cuts.

A scope is a lens, from a month to a year of whole months (one scope in five: of days), and up to three filters, each
of a few values of a column; what is drawn depends on nothing but the seed. `--slow` shows what took longest.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import random
import resource
import time
from pathlib import Path

from callkit.company import Company, open_company
from callkit.measuring import measure
from callkit.scope import LENSES, Scope, values
from callkit.serving.nursery import ready_to_pass
from callkit.serving.preparing import Preparing
from callkit.zones import Period

CUTS = (
    (), ("manager",), ("source",), ("project",), ("stage",), ("month",), ("owner",), ("hour",),
    ("source", "grade"), ("manager", "stage"),
)  # fmt: skip
COLUMNS = ("manager", "team", "source", "project", "grade", "region", "owner", "stage", "direction", "hour", "weekday")


def scopes(company: Company, count: int, seed: int = 5) -> list[Scope]:
    """Random scopes: every one is different, none is what anybody prepared for."""
    drawn, chance = [], random.Random(seed)
    first = company.span[0].replace(day=1)
    months = [first := first if not n else (first + dt.timedelta(days=31)).replace(day=1) for n in range(13)]
    known = [c for c in COLUMNS if c in company.dimensions]
    for _ in range(count):
        start, stop = sorted(chance.sample(months, 2))
        if chance.random() < 0.2:
            start, stop = (
                start + dt.timedelta(days=chance.randrange(28)),
                stop + dt.timedelta(days=chance.randrange(28)),
            )
        where = {}
        for column in chance.sample(known, chance.choice((0, 1, 1, 2, 2, 3))):
            there = values(company, column)
            where[column] = chance.sample(there, chance.randint(1, max(1, len(there) // 2)))
        drawn.append(Scope(Period(start, stop), chance.choice(LENSES), "owner", where))
    return drawn


async def as_the_app(store: Path) -> None:
    """What the app's server does for its kernels before they ask: packs columns of a large store, has loops loaded."""
    preparing = Preparing(store)
    if await preparing.wanted():
        await preparing.look()
        await preparing.done()
        ready_to_pass()


def main() -> None:
    """Measures one store after another and prints a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="+", type=Path)
    parser.add_argument("--scopes", type=int, default=50)
    parser.add_argument("--sql", action="store_true", help="ask DuckDB alone, not as the app does")
    parser.add_argument("--slow", type=int, default=0, metavar="N", help="show the N slowest, and medians by lens")
    arguments = parser.parse_args()
    for store in arguments.stores:
        taken = []
        if not arguments.sql:
            asyncio.run(as_the_app(store))
        with open_company(store) as company:
            for scope in scopes(company, arguments.scopes):
                for by in CUTS:
                    start = time.perf_counter()
                    measure(company, scope, by)
                    taken.append((1000 * (time.perf_counter() - start), scope, by))
        times = sorted(t for t, _, _ in taken)
        at = {name: times[min(len(times) - 1, int(part * len(times)))] for name, part in (("p50", 0.5), ("p95", 0.95))}
        print(f"{store.name}: p50 {at['p50']:.0f} ms, p95 {at['p95']:.0f} ms, max {times[-1]:.0f} ms;", end=" ")
        print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", flush=True)
        if arguments.slow:
            for lens in LENSES:
                own = sorted(t for t, scope, _ in taken if scope.lens == lens)
                print(f"  {lens}: p50 {own[len(own) // 2]:.0f}, p95 {own[int(0.95 * len(own))]:.0f} of {len(own)}")
            for took, scope, by in sorted(taken, key=lambda t: -t[0])[: arguments.slow]:
                kept = {c: len(v) for c, v in scope.where.items()}
                print(f"  {took:.0f} ms: {scope.lens} {scope.period} by {', '.join(by) or 'nothing'} where {kept}")


if __name__ == "__main__":
    main()
