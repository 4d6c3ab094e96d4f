"""The order of a deal's moves within one second, which amoCRM does not tell: each begins where the one before ended."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

MOST_CHAINED = 12
MOST_STEPS = 20_000


class Move(NamedTuple):
    """A move of a deal from one stage to another."""

    key: str
    before: Hashable
    after: Hashable


def chained(moves: Sequence[Move], standing: Hashable) -> list[Move]:
    """The moves of one second in the order that links them, from the stage the deal was `standing` on.

    Several such orders: the one whose keys come first. None: the order of the keys, as for very many moves.

    >>> a, b = Move("1", "offer", "won"), Move("2", "new", "offer")
    >>> [m.key for m in chained([a, b], "new")]
    ['2', '1']
    """
    by_key = sorted(moves, key=lambda m: m.key)
    if len(by_key) > MOST_CHAINED:
        return by_key
    steps = 0

    def further(found: list[Move], left: list[Move], at: Hashable) -> list[Move] | None:
        nonlocal steps
        steps += 1
        if not left:
            return found
        for i, move in enumerate(left):
            if move.before == at and steps < MOST_STEPS:
                whole = further([*found, move], left[:i] + left[i + 1 :], move.after)
                if whole:
                    return whole
        return None

    starts = dict.fromkeys([standing, *(m.before for m in by_key)])
    return next((whole for start in starts if (whole := further([], by_key, start))), by_key)
