"""What can go wrong, in words for the person at the keyboard: each error knows its exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CallkitError(Exception):
    """A failure that is told in one clear message and never as a traceback; exit code 1."""

    exit_code = 1


class UsageError(CallkitError):
    """The command, a parameter or the settings are wrong; exit code 2."""

    exit_code = 2


class ContractError(CallkitError):
    """The input tables break the contract; exit code 3. `violations` lists every one of them."""

    exit_code = 3

    def __init__(self, message: str, violations: Iterable[object] = ()) -> None:
        super().__init__(message)
        self.violations = list(violations)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'source'?` for a near miss, else an empty text.

    >>> did_you_mean("sorce", ["source", "stage"])
    " Did you mean 'source'?"
    >>> did_you_mean("zzz", ["source", "stage"])
    ''
    """
    near = nearest(word, known)
    return f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""


def with_nearest(told: str, word: str, known: Iterable[str]) -> str:
    """What is told of a word that matches nothing, with the nearest known ones behind it where there are any.

    >>> with_nearest("source='ads' matches nothing", "ads", ["Ads", "Site"])
    "source='ads' matches nothing; the nearest: Ads"
    """
    near = nearest(word, known)
    return f"{told}; the nearest: {', '.join(near)}" if near else told


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known words that look most like `word`, best first, whatever the case of the letters.

    >>> nearest("ads", ["Ads", "Ads, retargeting", "Site"])
    ['Ads']
    """
    by_folded: dict[str, str] = {}
    for k in known:
        by_folded.setdefault(k.casefold(), k)
    found = difflib.get_close_matches(word.casefold(), list(by_folded), n=most, cutoff=0.6)
    return [by_folded[f] for f in found]
