"""From a value to its pixel and back: the very scales the drawing uses, known before it is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LOG_FROM = 50.0
"""An axis is logarithmic only when its largest value is more than this many times its smallest."""


_LEAST_SPAN = 1e-9
"""Values closer than that are one value: a scale between them would have no round ticks."""


@dataclass(frozen=True)
class Scale:
    """The domain `low` to `high` on `length` pixels; `upwards` for the y axis, whose pixels grow downwards.

    On a logarithmic scale zero has no place; `zero`, if set, is the value at whose place zeros are drawn.

    >>> scale = Scale(0, 0.5, 400)
    >>> scale.pixel(0.125), scale.value(100)
    (100.0, 0.125)
    """

    low: float
    high: float
    length: float
    log: bool = False
    upwards: bool = False
    ticks: tuple[float, ...] = ()
    zero: float | None = None

    def pixel(self, value: float) -> float:
        share = (self._along(value) - self._along(self.low)) / (self._along(self.high) - self._along(self.low))
        return self.length * (1 - share if self.upwards else share)

    def value(self, pixel: float) -> float:
        share = 1 - pixel / self.length if self.upwards else pixel / self.length
        along = self._along(self.low) + share * (self._along(self.high) - self._along(self.low))
        return 10**along if self.log else along

    def drawn(self, value: float) -> float:
        """Where a value is drawn: itself, but zeros at the edge of a logarithmic scale."""
        return self.zero if self.zero is not None and value <= 0 else value

    def _along(self, value: float) -> float:
        return math.log10(value) if self.log else value


def fitting(
    values: Sequence[float],
    radii: Sequence[float],
    length: float,
    *,
    before: float = 0,
    after: float = 0,
    upwards: bool = False,
    log: bool = False,
    most_ticks: int = 6,
    least_high: float = 0,
) -> Scale:
    """A scale on which every bubble lies whole inside the plot, with `before` and `after` pixels kept free at the ends.

    A linear one holds zero. A logarithmic one needs one value above zero; zeros get a place of their own at its edge.
    """
    positive = [v for v in values if v > 0]
    if log and positive:
        return _logarithmic(positive, max(radii, default=0), length, before, after, upwards, min(values) <= 0)
    low, high = min(0.0, *values) if values else 0.0, max([*values, least_high], default=0.0)
    high = high if high - low > _LEAST_SPAN else low + 1
    least, most = low, high
    for _ in range(60):  # a contraction as long as a bubble is smaller than half of the plot
        unit = (high - low) / length
        new_low = min([least - before * unit] + [v - (r + before) * unit for v, r in zip(values, radii, strict=True)])
        new_high = max([most + after * unit] + [v + (r + after) * unit for v, r in zip(values, radii, strict=True)])
        low, high = new_low, new_high
    return Scale(low, high, length, upwards=upwards, ticks=round_ticks(max(0.0, low), high, most_ticks))


def _logarithmic(
    positive: Sequence[float], radius: float, length: float, before: float, after: float, upwards: bool, zeros: bool
) -> Scale:
    low, high = math.log10(min(positive)), math.log10(max(positive))
    zero = low - (high - low) * 0.12 if zeros else None
    span = high - (low if zero is None else zero)
    pad = span * (radius + 4) / max(length - 2 * radius - before - after, length / 4)
    bottom, top = (low if zero is None else zero) - pad, high + pad
    bottom, top = bottom - span * before / length, top + span * after / length
    steps = [m * 10.0**k for k in range(math.floor(low) - 1, math.ceil(high) + 1) for m in (1, 2, 5)]
    shown = [t for t in steps if 10 ** (low - pad / 2) <= t <= 10**top]
    shown = shown if len(shown) <= 7 else [t for t in shown if f"{t:e}"[0] == "1"]
    edge = None if zero is None else 10**zero
    ticks = tuple(float(f"{t:.6g}") for t in shown)
    return Scale(10**bottom, 10**top, length, True, upwards, ticks if edge is None else (edge, *ticks), edge)


def spread(values: Sequence[float]) -> float:
    """How many times the smallest positive value the largest is; 1 for none.

    >>> spread([0, 0.01, 0.4])
    40.0
    """
    positive = [v for v in values if v > 0]
    return max(positive) / min(positive) if positive else 1.0


def round_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """At most `most` round values from `low` to `high`, evenly stepped.

    >>> round_ticks(0, 0.47)
    (0.0, 0.1, 0.2, 0.3, 0.4)
    """
    step = _round_up((high - low) / (most - 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(float(f"{k * step:.9g}") for k in range(first, last + 1))


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= value * (1 - 1e-9))


def round_sizes(largest: float, *, whole: bool) -> list[float]:
    """Three round values for the legend of sizes, the largest not above `largest`; fewer where so few exist.

    >>> round_sizes(214, whole=True), round_sizes(3, whole=True), round_sizes(0, whole=True)
    ([10.0, 50.0, 200.0], [1.0, 2.0, 3.0], [])
    """
    if largest <= 0:
        return []
    if whole and largest < 5:
        return [float(n) for n in range(1, math.floor(largest) + 1)][-3:] or [largest]
    found = [_round_down(largest)]
    for part in (4, 20):
        value = _round_down(found[0] / part)
        value = max(1.0, value) if whole else value
        if value < found[-1]:
            found.append(value)
    return sorted(found)


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value) + 1e-12)
    return next(float(f"{m * power:.9g}") for m in (5, 2, 1) if m * power <= value * (1 + 1e-9))
