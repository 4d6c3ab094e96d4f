"""Whether two companies give the same figures, in many scopes, and what a folder holds."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from pathlib import Path
from typing import Any

from callkit.company import Company, open_company
from callkit.crm.raw import TABLES
from callkit.engine import DuckDB
from callkit.measuring import measure
from callkit.scope import CREDITS, LENSES, Scope
from callkit.zones import Period

SPLIT = ("talk", "equal")


def assert_same_figures(one: Company, other: Company, columns: tuple[str, ...], period: Period | None = None) -> None:
    """Every figure of both, by each column, in each lens, and in each credit by manager: to the last digit.

    Shares of deals under a split credit are sums of fractions, which the engine adds up in any order: twelve digits.
    """
    first, last = one.span
    whole = period or Period(first - dt.timedelta(days=400), last + dt.timedelta(days=400))
    for lens in LENSES:
        for credit in CREDITS if lens == "closed" else ("owner",):
            for by in columns if credit == "owner" else ("manager",):
                scope = Scope(whole, lens, credit)
                here, there = (measure(c, scope, by.split(",") if by else []).rows for c in (one, other))
                same = here == there if credit not in SPLIT else _alike(list(here), list(there))
                assert same, f"{lens}, {credit}, by {by}:\n{_difference(list(here), list(there))}"


def _alike(here: list[Any], there: list[Any]) -> bool:
    # Where talk is equal the order of rows is that of their labels, in both.
    return len(here) == len(there) and all(
        a == b or (isinstance(a, float | int) and isinstance(b, float | int) and math.isclose(a, b, rel_tol=1e-12))
        for row, its in zip(here, there, strict=True)
        for a, b in zip(row, its, strict=True)
    )


def _difference(here: list[Any], there: list[Any]) -> str:
    told = [f"  one   {a}\n  other {b}" for a, b in zip(here, there, strict=False) if a != b]
    return "\n".join([f"{len(here)} and {len(there)} rows", *told[:3]])


def raw_rows(folder: Path) -> dict[str, list[Any]]:
    """Every row of the raw tables, sorted, and how far their readings have come; `began` and the like apart."""
    engine = DuckDB(folder / "raw.duckdb", read_only=True)
    try:
        rows = {table: sorted(map(repr, engine.query(f"SELECT * FROM {table}"))) for table in TABLES}
        kept = engine.query("SELECT key, value FROM state WHERE key <> 'told' ORDER BY key")
        return {**rows, "state": [row for row in kept if "going" not in row[1]]}
    finally:
        engine.close()


def figures(folder: Path) -> list[Any]:
    """The figures of a company's folder by stage and manager, as a witness of its store."""
    with open_company(folder) as company:
        first, last = company.span
        return list(measure(company, Scope(Period(first, last + dt.timedelta(days=1))), ["stage", "manager"]).rows)


def contents(folder: Path) -> dict[str, str]:
    """The bytes of every file below a folder, hashed."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
