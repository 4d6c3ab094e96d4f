"""Chance and time of the demo company: draws from a seed, the calendar they fall on, shares made to hold.

Everything is integers and plain arithmetic, so that one seed gives the same bytes on every machine.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from callkit.demo import cast

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
DAY = 86_400


class Draws:
    """Named streams of chance from one seed: what one stream is asked for never moves another.

    Only the raw bits of PCG64 are used, which numpy promises to keep; its distributions it does not.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _raw(self, name: str, count: int) -> npt.NDArray[np.uint64]:
        raw = np.random.PCG64(np.random.SeedSequence([self._seed, zlib.crc32(name.encode())])).random_raw(count)
        return np.asarray(raw, dtype=np.uint64)

    def uniform(self, name: str, count: int) -> Floats:
        """Numbers from [0, 1)."""
        return np.asarray((self._raw(name, count) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)

    def normal(self, name: str, count: int) -> Floats:
        """Nearly normal numbers of mean 0 and variance 1: four 16-bit draws summed, so none beyond 3.5."""
        raw = self._raw(name, count)
        drawn = sum((raw >> np.uint64(16 * part)) & np.uint64(0xFFFF) for part in range(4))
        return (np.asarray(drawn, dtype=np.float64) / 65_536 - 2 + 2**-15) * 1.7320508075688772

    def lognormal(self, name: str, count: int, sigma: float) -> Floats:
        """Factors around a median of 1."""
        # exp() itself differs in the last digit between machines; eight squarings do not.
        power = 1 + self.normal(name, count) * sigma / 256
        for _ in range(8):
            power = power * power
        return power

    def choice(self, name: str, weights: Sequence[float], count: int) -> Ints:
        """Places in `weights`, each as often as it weighs."""
        edges = np.cumsum(weights) / sum(weights)
        return np.searchsorted(edges[:-1], self.uniform(name, count), side="right").astype(np.int64)

    def pick(self, name: str, among: Flags, count: int) -> Ints:
        """`count` different places where `among` holds, rising; all of them if there are fewer."""
        places = np.flatnonzero(among)
        if count < len(places):
            places = np.sort(places[np.argpartition(self.uniform(name, len(places)), count)[:count]])
        return places


class Clock:
    """The company's calendar from the first day to before `stop`, as an axis of work units.

    Seconds are counted on the wall clock from the first midnight.
    """

    def __init__(self, first: dt.date, stop: dt.date) -> None:
        self.days = [first + dt.timedelta(days=day) for day in range((stop - first).days)]
        months = [(day.year - first.year) * 12 + day.month - first.month for day in self.days]
        by_day = [
            cast.SEASONS[day.month - 1] * (1 + cast.GROWTH_A_MONTH * month) * cast.WEEKDAYS[day.weekday()]
            for day, month in zip(self.days, months, strict=True)
        ]
        by_hour = [cast.HOURS.get(hour, 0.0) for hour in range(24)]
        self._units = np.rint(np.outer(by_day, by_hour).ravel() * 36_000).astype(np.int64)
        self._edges = np.concatenate([[0], np.cumsum(self._units)])
        self._month_of_day = np.array(months, dtype=np.int64)
        self.total = int(self._edges[-1])
        self.day = self.total // len(self.days)

    def seconds(self, position: Ints) -> Ints:
        """The wall clock at a position of the axis; a later position is never earlier on the clock."""
        hour = np.searchsorted(self._edges, position, side="right") - 1
        return np.asarray(hour * 3_600 + (position - self._edges[hour]) * 3_600 // self._units[hour], dtype=np.int64)

    def month(self, seconds: Ints) -> Ints:
        """The place of the month, 0 being the first one."""
        return np.asarray(self._month_of_day[np.clip(seconds // DAY, 0, len(self.days) - 1)], dtype=np.int64)


def settled(
    value: Floats, movable: Flags, month: Ints, classes: Mapping[str, Ints], shares: Mapping[str, Sequence[float]]
) -> Floats:
    """`value` scaled so that, month by month, every class of every margin has its share of the whole.

    Iterative proportional fitting on the sums by month and class; only `movable` values are scaled, by a factor
    between 1/3 and 3 that all values of a cell have in common, the others count as they are.
    """
    sizes = [len(shares[name]) for name in classes]
    cell = month.copy()
    for name, size in zip(classes, sizes, strict=True):
        cell = cell * size + classes[name]
    months = int(month.max(initial=0)) + 1
    shape = (months, *sizes)
    cells = int(np.prod(shape))
    fixed = np.bincount(cell, np.where(movable, 0, value), cells).reshape(shape)
    start = np.bincount(cell, np.where(movable, value, 0), cells).reshape(shape)
    moved = start.copy()
    whole = (fixed + start).reshape(months, -1).sum(axis=1)
    for _ in range(30):
        for axis, name in enumerate(classes, start=1):
            others = tuple(a for a in range(1, len(shape)) if a != axis)
            have, still = moved.sum(axis=others), fixed.sum(axis=others)
            wanted = np.maximum(whole[:, None] * np.array(shares[name]) - still, 0)
            factor = np.where(have > 0, wanted / np.where(have > 0, have, 1), 1)
            moved *= factor.reshape([months, *(size if a == axis else 1 for a, size in enumerate(sizes, start=1))])
    # Sums may differ in their last digit between machines: rounded off here, before any value is touched.
    factors = np.round(np.clip(moved / np.where(start > 0, start, 1), 1 / 3, 3), 4).ravel()
    return np.where(movable, value * factors[cell], value)
