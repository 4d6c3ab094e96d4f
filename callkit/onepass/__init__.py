"""One pass over the calls of a large company, where SQL would take several: the same sums, sooner.

Packed columns of a store, the calls of a deal together, lie in one file that all processes map into memory. A compiled
loop goes over them on every core; each segment remembers the last deal it counted, so that deals are exact, too. It
answers in processes that ask on and on, which their environment tells to; where it does not, where there is no file
yet, no numba, or a question that the columns do not know, SQL answers as ever, and nothing is loaded for it.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from callkit.company import Company
    from callkit.scope import Resolved

WANTED = "CALLKIT_ONE_PASS"
"""Names the processes that may ask the file: those whose environment has it."""
LEAST_CALLS = 2_000_000
"""Below so many calls SQL answers in a tenth of a second at most, and 100 MB of numba are dear."""


def installed() -> bool:
    """Whether numba is there."""
    return importlib.util.find_spec("numba") is not None


def summed(company: Company, resolved: Resolved) -> Mapping[str, Sequence[tuple[Any, ...]]]:
    """The sums by segment and whole of a scope, by fact: `calls` and `deals`.

    The rows are those that the SQL of `callkit.measuring` gives: 0 and the codes of a segment, or 1 and Nones for the
    whole, then the measures of the fact. What is not there SQL is to answer; of viewers who see not everything, all.

    >>> from callkit import Period, Scope, open_company
    >>> from callkit.scope import resolve
    >>> with open_company("demo") as company:  # a small one, of which nothing is packed
    ...     summed(company, resolve(company, Scope(Period.of_month("2026-10"))))
    {}
    """
    if not os.environ.get(WANTED) or company.stored is None or not resolved.seen.all:
        return {}
    from callkit.onepass.columns import of_store

    columns = of_store(company.stored)
    if columns is None:
        return {}
    from callkit.onepass.asking import sums

    return sums(columns, company, resolved) or {}
