"""The scope: a period, a lens, a credit mode and filters, checked against a company before anything is computed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from callkit.company import Company
from callkit.dimensions import CODED_BY_RULE, SPECIAL, Dimension, month_of
from callkit.errors import UsageError, did_you_mean, nearest
from callkit.zones import Period

LENSES = ("closed", "lifetime", "created", "called")
CREDITS = ("owner", "talk", "equal", "first", "last")
Where = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Scope:
    """What figures are computed on.

    `where` maps a column to the values that are kept (values unite, columns intersect).
    """

    period: Period
    lens: str = "closed"
    credit: str = "owner"
    where: Where = field(default_factory=dict)

    def __post_init__(self) -> None:
        for value, allowed, option in ((self.lens, LENSES, "lens"), (self.credit, CREDITS, "credit")):
            if value not in allowed:
                near = did_you_mean(value, allowed)
                raise UsageError(f"{option} {value!r} is not known; allowed: {', '.join(allowed)}.{near}")
        if self.lens == "called" and self.credit != "owner":
            raise UsageError(f"the lens 'called' knows no credit: {self.credit!r} cannot be used with it")


@dataclass(frozen=True)
class Resolved:
    """A scope in a company's codes: the period's instants, what is cut by, the codes each filter keeps, notes."""

    scope: Scope
    instants: tuple[int, int]
    by: tuple[Dimension, ...]
    keeps: tuple[tuple[Dimension, tuple[int, ...]], ...]
    notes: tuple[str, ...]


def conditions(texts: Iterable[str]) -> dict[str, list[str]]:
    """Filters from texts `COL=V[,V]`; the values are one CSV row, a column may repeat.

    >>> conditions(['source="Ads, retargeting",Site', 'grade=AA'])
    {'source': ['Ads, retargeting', 'Site'], 'grade': ['AA']}
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        column, mark, values = text.partition("=")
        row = next(csv.reader([values]), []) if mark else []
        if not column or not row:
            raise UsageError(f"filter {text!r} is not understood; write COLUMN=VALUE or COLUMN=VALUE,VALUE")
        found.setdefault(column, []).extend(row)
    return found


def resolve(company: Company, scope: Scope, by: Sequence[str] = ()) -> Resolved:
    """Checks columns and turns filter values into codes.

    Raises UsageError for a column that is not there or is named twice. A value that matches nothing keeps nothing and
    leaves a note with the nearest values.
    """
    for column in by:
        if column not in company.dimensions:
            raise UsageError(_unknown(column, company))
    if twice := {c for c in by if list(by).count(c) > 1}:
        raise UsageError(f"{', '.join(sorted(twice))} is named twice in --by")
    keeps, notes = [], []
    for column, values in scope.where.items():
        if column not in company.dimensions:
            raise UsageError(_unknown(column, company))
        if column == "month":
            raise UsageError("month cannot be filtered: that is the period")
        dimension = company.dimensions[column]
        codes: set[int] = set()
        for value in values:
            found = _codes(company, dimension, value)
            if not found:
                near = nearest(value, _values(company, dimension))
                notes.append(
                    f"{column}={value!r} matches nothing" + (f"; the nearest: {', '.join(near)}" if near else "")
                )
            codes |= found
        keeps.append((dimension, tuple(sorted(codes))))
    dimensions = tuple(month_of(scope.lens) if c == "month" else company.dimensions[c] for c in by)
    return Resolved(scope, scope.period.instants(company.timezone), dimensions, tuple(keeps), tuple(notes))


def values(company: Company, column: str) -> list[str]:
    """Every value a column can be filtered by, in the order of its codes."""
    return _values(company, company.dimensions[column])


def _unknown(column: str, company: Company) -> str:
    known = list(company.dimensions)
    return f"there is no column {column!r}; the columns are {', '.join(known)}.{did_you_mean(column, known)}"


def _codes(company: Company, dimension: Dimension, value: str) -> set[int]:
    by_rule = CODED_BY_RULE.get(dimension.labels)
    if by_rule is not None:
        return {by_rule[value]} if value in by_rule else set()
    codes = {
        code
        for (code,) in company.engine.query(
            "SELECT code FROM labels WHERE dimension IN (?, 'special') AND label = ?", [dimension.labels, value]
        )
    }
    if dimension.labels in ("manager", "stage"):
        by_id = "SELECT code FROM labels WHERE dimension = ? AND id = ?"
        codes |= {code for (code,) in company.engine.query(by_id, [dimension.labels, value])}
    return codes


def _values(company: Company, dimension: Dimension) -> list[str]:
    if dimension.labels in CODED_BY_RULE:
        return list(dict.fromkeys(CODED_BY_RULE[dimension.labels]))
    return [label for code, label in company.labels(dimension.labels).items() if code not in SPECIAL]
