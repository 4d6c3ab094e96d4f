"""The compiled loops: sums over calls and over the deals they touch, for some blocks of places; needs numba.

They are compiled once for small and once for large numbers, and kept beside this file or in the user's cache.
"""

# Written for the compiler: plain loops; mypy knows nothing of numba's types.

from __future__ import annotations

from typing import Any

import numba
import numpy as np

WON = 0
OPEN_FROM = 72
"""The first `kind` of a call that was made while its deal was open."""


def _key_places(start: Any, stop: Any, of_deal: Any, rows: Any, keys_of_deal: Any, keys: Any) -> None:
    """Puts into `keys` what the tables give for the codes of each deal from `start` to `stop`, summed."""
    keys[:] = 0
    for r in range(rows.size):
        row = rows[r]
        for p in range(start, stop):
            keys[p - start] += keys_of_deal[r, of_deal[row, p]]


def _sweep(
    blocks: Any, block: int, of_deal: Any, rows: Any, keys_of_deal: Any, at: Any, outcome: Any, amount: Any,
    kind: Any, day: Any, manager: Any, stage: Any, talk: Any,
    key_of_kind: Any, key_of_day: Any, key_of_manager: Any, key_of_stage: Any, way_of_kind: Any,
    touching: bool, calls: Any, talked: Any, last: Any, deals: Any, worth: Any, whole: Any, whole_worth: Any,
) -> None:  # fmt: skip
    """Adds up the calls of the places of `blocks`, and where `touching`, the deals they touch, by segment.

    The number of a segment is the sum of what the tables give for a call's and its deal's codes; below zero it is out
    of the scope. `calls` are counted by way and whether answered, `deals` by outcome; `last` remembers by segment the
    deal counted last.
    """
    keys = np.empty(block, np.int32)
    places = at.size - 1
    for b in blocks:
        start = b * block
        stop = min(start + block, places)
        key_places(start, stop, of_deal, rows, keys_of_deal, keys)
        for p in range(start, stop):
            key = keys[p - start]
            if key < 0:
                continue
            touched = False
            for i in range(np.int64(at[p]), np.int64(at[p + 1])):
                k = kind[i]
                segment = key + key_of_kind[k] + key_of_day[day[i]] + key_of_manager[manager[i]]
                segment += key_of_stage[stage[i]]
                if segment < 0:
                    continue
                seconds = np.int64(talk[i])
                calls[segment, way_of_kind[k] + (seconds > 0)] += 1
                talked[segment] += seconds
                if touching and k >= OPEN_FROM and last[segment] != p:
                    last[segment] = p
                    touched = True
                    deals[segment, outcome[p] & 3] += 1
                    if outcome[p] == WON:
                        worth[segment] += amount[p]
            if touched:
                whole[outcome[p] & 3] += 1
                if outcome[p] == WON:
                    whole_worth[0] += amount[p]


def _tally(
    blocks: Any, block: int, of_deal: Any, rows: Any, keys_of_deal: Any, outcome: Any, amount: Any,
    deals: Any, worth: Any,
) -> None:  # fmt: skip
    """Adds up the deals of the places of `blocks`, by segment as `_sweep` numbers them."""
    keys = np.empty(block, np.int32)
    places = outcome.size
    for b in blocks:
        start = b * block
        stop = min(start + block, places)
        key_places(start, stop, of_deal, rows, keys_of_deal, keys)
        for p in range(start, stop):
            key = keys[p - start]
            if key >= 0:
                deals[key, outcome[p] & 3] += 1
                if outcome[p] == WON:
                    worth[key] += amount[p]


def _slots(whose: Any, free: Any) -> Any:
    """Where each row goes, by whom it belongs to: to the next of his places that is `free`, which is taken then."""
    at = np.empty(whose.size, np.int64)
    for i in range(whose.size):
        at[i] = free[whose[i]]
        free[whose[i]] += 1
    return at


def _count(whose: Any, counts: Any) -> None:
    """Adds to `counts` how many rows belong to each."""
    for i in range(whose.size):
        counts[whose[i]] += 1


key_places = numba.njit(nogil=True, cache=True)(_key_places)
count = numba.njit(cache=True)(_count)
slots = numba.njit(cache=True)(_slots)
tally = numba.njit(nogil=True, cache=True)(_tally)
sweep = numba.njit(nogil=True, cache=True)(_sweep)
