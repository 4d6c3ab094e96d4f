"""Beyond what was measured: bytes, memory, cores, hours and cost of more calls, from the exponents and sizes measured.

Everything here is arithmetic on paper. Prices are assumptions, stated in the results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

CORE_HOUR, GB_MONTH = 0.05, 0.10
"""Assumed prices in US dollars: of a core with 4 GiB of memory for an hour, of a gigabyte of fast disk for a month."""
OPEN_HOURS = 200
SIZES = (100_000_000, 1_000_000_000, 10_000_000_000)
NIGHT, PARALLEL = 8.0, 0.7
"""Hours in which a build is to be done, and what is left of a core's speed where many share one machine."""
MOST_CORES, MOST_DISK, WAIT = 64, 8_000.0, 2.0
"""A large machine that can be had: its cores, its gigabytes of disk. And the seconds in which a slow filter answers."""
MOST_PACKED = 1 << 32
"""With so many calls a store's columns are not packed (`callkit.onepass.making`)."""


@dataclass(frozen=True)
class Line:
    """A power law `a · n^b`, fitted to logarithms by least squares; through a single size in proportion.

    `sizes` is how many it was fitted to.
    """

    a: float
    b: float
    sizes: int

    def at(self, calls: float) -> float:
        return self.a * calls**self.b


def fitted(points: Mapping[int, float]) -> Line:
    """The power law through sizes and what they took.

    >>> round(fitted({10: 100.0, 100: 10_000.0}).b, 3)
    2.0
    """
    xs, ys = [math.log(n) for n in points], [math.log(v) for v in points.values()]
    if len(xs) < 2:
        return Line(math.exp(ys[0]) / math.exp(xs[0]), 1.0, 1)
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    b = sum((u - x) * (v - y) for u, v in zip(xs, ys, strict=True)) / sum((u - x) ** 2 for u in xs)
    return Line(math.exp(y - b * x), b, len(xs))


@dataclass(frozen=True)
class Measured:
    """What the plan goes by: CPU seconds of a build and seconds of a slow filter by calls, on so many cores.

    `tables`, `store` and `columns` are kilobytes a call, as CSV, as it is placed, and as the app packs it.
    """

    build: Line
    filter: Line
    tables: float
    store: float
    cores: int
    columns: float = 0.0


@dataclass(frozen=True)
class Need:
    """What a number of calls needs: gigabytes, core-hours of a build, cores for a night and for a filter, dollars."""

    calls: int
    tables: float
    store: float
    columns: float
    core_hours: float
    night_cores: int
    filter_seconds: float
    filter_cores: int

    @property
    def disk(self) -> float:
        """Gigabytes: a store and its columns are kept twice while new ones are made beside them."""
        return self.tables + 2 * (self.store + self.columns)

    @property
    def build_cost(self) -> float:
        return self.core_hours * CORE_HOUR

    @property
    def month_cost(self) -> float:
        return self.disk * GB_MONTH + 30 * self.build_cost + self.filter_cores * OPEN_HOURS * CORE_HOUR

    @property
    def one_machine(self) -> bool:
        """Whether one large machine does: for a build by night, with its disk, and for filters."""
        return max(self.night_cores, self.filter_cores) <= MOST_CORES and self.disk <= MOST_DISK


def need(calls: int, by: Measured) -> Need:
    """What `calls` need by what was measured; a filter's work is spread over cores as a build's is."""
    hours, seconds = by.build.at(calls) / 3600, by.filter.at(calls)
    filtering = math.ceil(by.cores * seconds / (WAIT * PARALLEL)) if seconds > WAIT else by.cores
    return Need(
        calls,
        calls * by.tables / (1 << 20),
        calls * by.store / (1 << 20),
        calls * by.columns / (1 << 20),
        hours,
        max(1, math.ceil(hours / (NIGHT * PARALLEL))),
        seconds,
        filtering,
    )


def end(by: Measured) -> int:
    """The largest number of calls that one large machine bears, in tenths of a decade from ten million; 0 for none."""
    sizes = (round(10 ** (step / 10)) for step in range(70, 131))
    return max((calls for calls in sizes if need(calls, by).one_machine), default=0)


def told(by: Measured) -> list[str]:
    """The plan for people."""
    needs = [need(calls, by) for calls in SIZES]
    packed = "packed columns, GB; as much memory keeps them at hand"
    rows = {
        "tables as CSV, GB": [f"{n.tables:,.0f}" for n in needs],
        "store, GB; as much memory keeps all of it at hand": [f"{n.store:,.0f}" for n in needs],
        **({packed: [f"{n.columns:,.0f}" for n in needs]} if by.columns else {}),
        "disk, GB: tables, a store with its columns and the next one": [f"{n.disk:,.0f}" for n in needs],
        "a full build, core-hours": [f"{n.core_hours:,.1f}" for n in needs],
        f"cores that build it in a night of {NIGHT:.0f} hours": [f"{n.night_cores:,}" for n in needs],
        f"a slow filter (p95) on {by.cores} cores, s": [f"{n.filter_seconds:,.1f}" for n in needs],
        f"cores that answer it in {WAIT:.0f} s": [f"{n.filter_cores:,}" for n in needs],
        "a build, $": [f"{n.build_cost:,.2f}" for n in needs],
        f"a month: disk, a build a night, {OPEN_HOURS} hours open to people, $": [
            f"{n.month_cost:,.0f}" for n in needs
        ],
        "on": ["one machine" if n.one_machine else "a cluster" for n in needs],
    }
    how = (
        f"the 95th percentile of filters with {by.filter.b:.2f}"
        if by.filter.sizes > 1
        else "the 95th percentile of filters was measured at one size and is taken to grow in proportion"
    )
    return [
        "### On paper: beyond what was measured",
        "",
        f"| | {' | '.join(f'{n.calls:,} calls' for n in needs)} |",
        f"|---|{'---:|' * len(needs)}",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
        "",
        f"By the last two sizes measured the CPU of a build grows with exponent {by.build.b:.2f}, {how}; bytes in "
        f"proportion. A build's memory is a matter of choice: with "
        f"`--memory` it spills to disk. Assumed and not measured: ${CORE_HOUR:.2f} a core and hour, ${GB_MONTH:.2f} a "
        f"gigabyte and month, {PARALLEL:.0%} of a core's speed left where many share a machine, a largest machine of "
        f"{MOST_CORES} cores and {MOST_DISK:,.0f} GB of disk.",
        "",
        f"By this one machine ends near {end(by):,} calls. Beyond it the same SQL goes to a cluster (`[engine] kind`), "
        "for which the core-hours above are too few by a factor: moving rows between machines is not in them. "
        f"Packed columns end at {MOST_PACKED:,} calls a store; what holds more is asked by SQL, or in parts.",
        "",
    ]
