"""New data under an opened company: a store that was renamed over the one it was opened from."""

from __future__ import annotations

from dataclasses import replace

from callkit.company import Company, open_company
from callkit.stored import Stored


def fresh(company: Company) -> Company:
    """The company as its data is now: itself while its store is the file it was opened from, else opened anew.

    Opened anew, the old one is closed. A company that was not opened from a store stays as it is.

    >>> with open_company("demo") as company:
    ...     fresh(company) is company
    True
    """
    if company.stored is None:
        return company
    try:
        now = Stored.at(company.stored.path)
    except FileNotFoundError:
        # A store is replaced by renaming; between two names there is none, and the old one is still open.
        return company
    if now == company.stored:
        return company
    # Opened before the old one is closed: should the new store be no good, there is still something to show.
    anew = replace(open_company(company.source), viewer=company.viewer)
    company.close()
    return anew
