"""Beyond what was measured: bytes, memory, cores, hours and cost of more calls, from the exponents and sizes measured.

Everything here is arithmetic on paper. Prices are assumptions, stated in the results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

CORE_HOUR, GB_MONTH = 0.05, 0.10
"""Assumed prices in US dollars: of a core with 4 GiB of memory for an hour, and of a gigabyte of fast disk for a month."""
SIZES = (100_000_000, 1_000_000_000, 10_000_000_000)
NIGHT, PARALLEL = 8.0, 0.7
"""Hours in which a build is to be done, and what is left of a core's speed where many share one machine."""
MOST_CORES, MOST_DISK, WAIT = 64, 8_000.0, 2.0
"""A large machine that can be had: cores, gigabytes of disk. And the seconds that a filter may take at the 95th percentile."""


@dataclass(frozen=True)
class Line:
    """A power law `a · n^b`, fitted to logarithms by least squares."""

    a: float
    b: float

    def at(self, calls: float) -> float:
        return self.a * calls**self.b


def fitted(points: Mapping[int, float]) -> Line:
    """The power law through sizes and what they took.

    >>> round(fitted({10: 100.0, 100: 10_000.0}).b, 3)
    2.0
    """
    xs, ys = [math.log(n) for n in points], [math.log(v) for v in points.values()]
    if len(xs) < 2:
        return Line(math.exp(ys[0]) / math.exp(xs[0]), 1.0)
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    b = sum((u - x) * (v - y) for u, v in zip(xs, ys, strict=True)) / sum((u - x) ** 2 for u in xs)
    return Line(math.exp(y - b * x), b)


@dataclass(frozen=True)
class Need:
    """What one size needs: gigabytes of tables and store, core-hours of a build, cores for a filter and for a night."""

    calls: int
    tables: float
    store: float
    core_hours: float
    night_cores: int
    filter_p95: float
    filter_cores: int
    build_cost: float
    month_cost: float

    @property
    def one_machine(self) -> bool:
        """Whether one large machine does: for a build by night, with its disk, and a filter that people wait for."""
        return max(self.night_cores, self.filter_cores) <= MOST_CORES and self.tables + 2 * self.store <= MOST_DISK


def need(calls: int, build: Line, p95: Line, tables: Line, store: Line, cores: int) -> Need:
    """What `calls` need, from a build's CPU seconds, a filter's seconds on `cores` cores, and bytes, by calls.

    A filter's work is spread over cores as a build's is. A store is kept twice while a new one is built beside it.
    """
    hours, latency = build.at(calls) / 3600, p95.at(calls)
    kept = tables.at(calls) / 1e9, store.at(calls) / 1e9
    night = max(1, math.ceil(hours / (NIGHT * PARALLEL)))
    filtering = max(cores, math.ceil(cores * latency / (WAIT * PARALLEL))) if latency > WAIT else cores
    return Need(
        calls, *kept, hours, night, latency, filtering, hours * CORE_HOUR,
        (kept[0] + 2 * kept[1]) * GB_MONTH + 30 * hours * CORE_HOUR + filtering * 200 * CORE_HOUR,
    )  # fmt: skip


def one_machine_ends(build: Line, p95: Line, tables: Line, store: Line, cores: int) -> int:
    """The largest number of calls, in steps of a tenth of a decade, that one large machine bears."""
    found = 0
    for step in range(70, 121):
        calls = round(10 ** (step / 10))
        if need(calls, build, p95, tables, store, cores).one_machine:
            found = calls
    return found
