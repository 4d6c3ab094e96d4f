"""The scope: a period, a lens, a credit mode and filters, checked against a company before anything is computed.

This is also the one place where a viewer's limits become part of what is computed. Who sees only some people's work
sees the calls these people spoke, and the deals one of them owns or is credited for under any mode; of their calls on
other deals he sees the call, but of the deal nothing: it stands under `(others' deals)`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from callkit.company import Company
from callkit.credit import credit
from callkit.dimensions import CODED_BY_RULE, NO_DEAL, OTHERS, OTHERS_LABEL, SPECIAL, Dimension, month_of
from callkit.errors import UsageError, did_you_mean, with_nearest
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
class Seen:
    """What a viewer sees, as conditions on `c` (calls) and on `d` (deals)."""

    calls: str = "1 = 1"
    deals: str = "1 = 1"

    @property
    def all(self) -> bool:
        """Whether that is everything."""
        return self == Seen()


@dataclass(frozen=True)
class Resolved:
    """A scope in a company's codes: the period's instants, what is cut by, the codes each filter keeps, notes.

    `spans` are where the codes of some of the filtered dimensions lie: those of long filters, where `Engine.bits`.
    Whoever writes SQL of his own for a resolved scope keeps to `seen`, and shows of a deal only where `seen.deals`.
    """

    scope: Scope
    instants: tuple[int, int]
    by: tuple[Dimension, ...]
    keeps: tuple[tuple[Dimension, tuple[int, ...]], ...]
    notes: tuple[str, ...]
    seen: Seen = Seen()
    spans: Mapping[str, range] = field(default_factory=dict)


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
    own = seen(company)
    keeps, notes = [], []
    if company.people is not None:
        keeps.append((company.dimensions["manager"], company.people))
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
                notes.append(with_nearest(f"{column}={value!r} matches nothing", value, _values(company, dimension)))
            codes |= found
        keeps.append((shown(company, dimension), tuple(sorted(codes))))
    dimensions = tuple(month_of(scope.lens) if c == "month" else shown(company, company.dimensions[c]) for c in by)
    spans = {d.name: company.codes(d) for d, codes in keeps if len(codes) > 2} if company.engine.bits else {}
    instants = scope.period.instants(company.timezone)
    return Resolved(scope, instants, dimensions, tuple(keeps), tuple(notes), own, spans)


def values(company: Company, column: str) -> list[str]:
    """Every value that the company's viewer can filter a column by, in the order of its codes."""
    return _values(company, company.dimensions[column])


def seen(company: Company) -> Seen:
    """What the company's viewer sees, for whatever reads calls or deals without a scope."""
    if company.people is None:
        return Seen()
    if not company.people:
        return Seen("1 = 0", "1 = 0")
    credit(company.engine)
    codes = ", ".join(map(str, company.people))
    credited = f"SELECT k.deal_key FROM credits AS k WHERE k.manager IN ({codes})"
    return Seen(f"c.manager IN ({codes})", f"(d.owner IN ({codes}) OR d.deal_key IN ({credited}))")


def shown(company: Company, dimension: Dimension) -> Dimension:
    """A dimension as the company's viewer may see it: of deals that are not his, and of their owners, nothing."""
    own = seen(company)
    if own.all or dimension.of != "deal":
        return dimension
    if dimension.labels != "manager":
        his = f"CASE WHEN d.deal_key IS NULL OR {own.deals} THEN {dimension.calls} ELSE {OTHERS} END"
        return replace(dimension, calls=his)
    colleague = f"WHEN d.owner NOT IN ({', '.join(map(str, company.people or (0,)))}) THEN {OTHERS}"
    calls = f"CASE WHEN d.deal_key IS NULL THEN {NO_DEAL} {colleague} ELSE d.owner END"
    return replace(dimension, calls=calls, deals=f"CASE {colleague} ELSE d.owner END")


def _unknown(column: str, company: Company) -> str:
    known = list(company.dimensions)
    return f"there is no column {column!r}; the columns are {', '.join(known)}.{did_you_mean(column, known)}"


def _codes(company: Company, dimension: Dimension, value: str) -> frozenset[int]:
    by_rule = CODED_BY_RULE.get(dimension.labels)
    if by_rule is not None:
        return frozenset((by_rule[value],) if value in by_rule else ())
    key = dimension.labels, value
    if key not in company.codes_of:
        named = "label = ? OR id = ?" if dimension.labels in ("manager", "stage") else "label = ?"
        sql = f"SELECT code FROM labels WHERE dimension IN (?, 'special') AND ({named})"
        rows = company.engine.query(sql, [dimension.labels, *[value] * named.count("?")])
        company.codes_of[key] = frozenset(code for (code,) in rows)
    codes = company.codes_of[key]
    visible = _visible(company, dimension)
    if visible is None:
        return codes
    # A value that only others have must answer exactly as one that nobody has.
    own = frozenset(code for code in codes if code in visible or code in SPECIAL)
    return own | {OTHERS} if value == OTHERS_LABEL and dimension.of == "deal" else own


def _values(company: Company, dimension: Dimension) -> list[str]:
    if dimension.labels in CODED_BY_RULE:
        return list(dict.fromkeys(CODED_BY_RULE[dimension.labels]))
    visible = _visible(company, dimension)
    labels = company.labels(dimension.labels).items()
    return [label for code, label in labels if code not in SPECIAL and (visible is None or code in visible)]


def _visible(company: Company, dimension: Dimension) -> frozenset[int] | None:
    """The codes of a dimension that the company's viewer may know of; None for all of them."""
    if company.people is None or dimension.of == "call":
        return None
    if dimension.labels == "manager":
        return frozenset(company.people)
    if dimension.name not in company.visible_codes:
        own = seen(company)
        sql = (
            f"SELECT DISTINCT c.team FROM managers AS c WHERE {own.calls}"
            if dimension.of == "person"
            else f"SELECT DISTINCT {dimension.deals} FROM deals AS d WHERE {own.deals}"
        )
        company.visible_codes[dimension.name] = frozenset(code for (code,) in company.engine.query(sql))
    return company.visible_codes[dimension.name]
