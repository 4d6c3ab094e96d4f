"""The view that a reader wants: what the address bar says, read against a company.

An address is `?page=sources&period=2026-10&where.source=Site&sel.stage=Talk`: every part is optional, may come from
anywhere, and is checked here. What is unknown is left out and named; nothing of it is ever executed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

from callkit.company import Company
from callkit.errors import UsageError, nearest
from callkit.locale import LANGUAGES
from callkit.scope import CREDITS, LENSES, Scope, values
from callkit.zones import Period

PAGES = (
    "overview",
    "changes",
    "managers",
    "sources",
    "projects",
    "grades",
    "segments",
    "stages",
    "day",
    "cohorts",
    "whatif",
    "costs",
    "quality",
)
PRESETS = ("last", "this", "quarter", "year")
CHARTS = ("bubble", "fair_share", "funnel")
SIZES = ("won_deals", "revenue")
SHARES = ("talk_share", "call_share")
THEMES = ("", "light", "dark")
TABS = ("", "calls", "deals")
_LONGEST = 20_000
_MOST_VALUES = 400
_NAMED = 60
# A note: the key of its text, and what stands in it.
Note = tuple[str, Mapping[str, str]]


@dataclass(frozen=True)
class View:
    """A checked view. `selected` is the segment clicked on, `tab` what of it is listed: calls, deals or nothing.

    `new_deals` is how many new deals the forecast is asked for, None where it is to tell that itself.
    """

    page: str = "overview"
    period: str = "last"
    compare: bool = True
    lens: str = "closed"
    credit: str = "owner"
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    selected: Mapping[str, str] = field(default_factory=dict)
    tab: str = ""
    chart: str = "bubble"
    x: str = "talk_share"
    size: str = "won_deals"
    lang: str = ""
    theme: str = ""
    new_deals: int | None = None

    def query(self, start: View) -> str:
        """The address of the view, without what is as in `start`.

        >>> View(page="sources", where={"source": ("Ads, retargeting",)}).query(View())
        'page=sources&where.source=Ads%2C+retargeting'
        """
        pairs = [(name, value) for name in _CHOICES if (value := getattr(self, name)) != getattr(start, name)]
        if self.period != start.period:
            pairs.append(("period", self.period))
        if self.compare != start.compare:
            pairs.append(("compare", str(int(self.compare))))
        if self.new_deals != start.new_deals:
            pairs.append(("new_deals", "" if self.new_deals is None else str(self.new_deals)))
        if self.by != start.by:
            pairs += [("by", column) for column in self.by]
        for column, kept in self.where.items():
            pairs += [(f"where.{column}", value) for value in kept]
        if start.where and not self.where:
            pairs.append(("where", ""))
        pairs += [(f"sel.{column}", value) for column, value in self.selected.items()]
        return urlencode(pairs)

    def scope(self, company: Company) -> Scope:
        """What the view's figures are computed on."""
        return Scope(period_of(self.period, company), self.lens, self.credit, self.where)

    def narrowed(self, company: Company) -> Scope:
        """The scope narrowed to the selected segment. `month` narrows the period, everything else is a filter."""
        scope = self.scope(company)
        period, where = scope.period, dict(scope.where)
        for column, value in self.selected.items():
            if column == "month":
                month = Period.of_month(value)
                if month.start < period.stop and period.start < month.stop:
                    period = Period(max(month.start, period.start), min(month.stop, period.stop))
                else:
                    period = month
            else:
                where[column] = tuple(v for v in where.get(column, (value,)) if v == value)
        return Scope(period, scope.lens, scope.credit, where)


_CHOICES: dict[str, Sequence[str]] = {
    "page": PAGES,
    "lens": LENSES,
    "credit": CREDITS,
    "chart": CHARTS,
    "x": SHARES,
    "size": SIZES,
    "lang": ("", *LANGUAGES),
    "theme": THEMES,
    "tab": TABS,
}
# What belongs to the address but is nobody's business here: the list of calls and deals has its own.
_IGNORED = ("list", "sort", "q", "token")


def read(text: str, company: Company, start: View, pages: Sequence[str] = PAGES) -> tuple[View, list[Note]]:
    """The view of an address, beginning from `start`, and notes on what of it is unknown.

    `pages` are those that there are. Nothing is raised: what is not understood is as in `start`.
    """
    notes: list[Note] = []
    pairs = parse_qsl(text.lstrip("?")[:_LONGEST], keep_blank_values=True)
    view = start
    where: dict[str, list[str]] = {}
    selected: dict[str, str] = {}
    by: list[str] = []
    for key, value in pairs:
        kind, _, column = key.partition(".")
        if key in _CHOICES:
            view = _chosen(view, key, value, pages, notes)
        elif key == "period":
            view = _with_period(view, value, company, notes)
        elif key == "new_deals":
            view = _with_new_deals(view, value, notes)
        elif key == "compare" and value in ("0", "1"):
            view = replace(view, compare=value == "1")
        elif key == "by":
            _add_column(by, value, company, notes)
        elif kind in ("where", "sel") and column:
            if column not in company.dimensions or (column == "month" and kind == "where"):
                notes.append(("app.note_column", _near(column, company.dimensions)))
            elif kind == "sel":
                selected[column] = value
            elif len(where.setdefault(column, [])) < _MOST_VALUES and value not in where[column]:
                where[column].append(value)
        elif key not in (*_IGNORED, "where"):
            notes.append(("app.note_unknown", {"what": _short(key)}))
    if by:
        view = replace(view, by=tuple(by[:2]))
    if where or any(key == "where" for key, _ in pairs):
        view = replace(view, where=_known(where, company, notes))
    view = replace(view, selected=_known_one(selected, company, notes))
    if view.lens == "called" and view.credit != "owner":
        if start.credit == "owner" or any(key == "credit" for key, _ in pairs):
            notes.append(("app.note_credit", {}))
        view = replace(view, credit="owner")
    return view, notes


def period_of(text: str, company: Company) -> Period:
    """The period of a preset or of a text as notebooks take it, never empty.

    The presets count from the last call, not from today: a company whose data ends in May has May as this month.
    Raises UsageError for any other text.
    """
    last = company.span[1]
    this = Period.of_month(f"{last:%Y-%m}")
    whole = this if last == this.stop - dt.timedelta(days=1) or last.day >= 28 else this.previous()
    if company.span[0] >= this.start:
        whole = this
    if text == "this":
        return this
    if text == "last":
        return whole
    if text in ("quarter", "year"):
        months = whole.start.year * 12 + whole.start.month - (3 if text == "quarter" else 12)
        start = max(dt.date(months // 12, months % 12 + 1, 1), company.span[0].replace(day=1))
        return Period(min(start, whole.start), whole.stop)
    if "_" in text:
        return Period.of_days(*text.split("_", 1))
    return Period.of_month(text)


def _chosen(view: View, key: str, value: str, pages: Sequence[str], notes: list[Note]) -> View:
    allowed = pages if key == "page" else _CHOICES[key]
    if value in allowed:
        return _with(view, key, value)
    notes.append((f"app.note_{'page' if key == 'page' else 'choice'}", {"what": _short(value), "option": key}))
    return view


def _with(view: View, key: str, value: str) -> View:
    changed: Callable[..., View] = replace
    return changed(view, **{key: value})


def _with_period(view: View, value: str, company: Company, notes: list[Note]) -> View:
    try:
        period = period_of(value, company)
    except (UsageError, ValueError, OverflowError):
        notes.append(("app.note_period", {"what": _short(value)}))
        return view
    if not 1990 <= period.start.year <= period.stop.year <= 2100:
        notes.append(("app.note_period", {"what": _short(value)}))
        return view
    return replace(view, period=value)


def _with_new_deals(view: View, value: str, notes: list[Note]) -> View:
    if re.fullmatch(r"[0-9]{0,6}", value):
        return replace(view, new_deals=int(value) if value else None)
    notes.append(("app.note_new_deals", {"what": _short(value)}))
    return view


def _add_column(by: list[str], value: str, company: Company, notes: list[Note]) -> None:
    if value not in company.dimensions:
        notes.append(("app.note_column", _near(value, company.dimensions)))
    elif value not in by:
        by.append(value)


def _known(where: Mapping[str, Sequence[str]], company: Company, notes: list[Note]) -> dict[str, tuple[str, ...]]:
    """The filters whose values there are; a filter of which none is left keeps nothing out."""
    found = {}
    for column, given in where.items():
        kept = [v for v in given if _is_value(company, column, v)]
        for value in given:
            if value not in kept:
                notes.append(("app.note_value", {"what": _short(value), "column": column}))
        if kept:
            found[column] = tuple(kept)
    return found


def _known_one(selected: Mapping[str, str], company: Company, notes: list[Note]) -> dict[str, str]:
    found = {}
    for column, value in selected.items():
        if _is_value(company, column, value):
            found[column] = value
        else:
            notes.append(("app.note_value", {"what": _short(value), "column": column}))
    return found


def _is_value(company: Company, column: str, value: str) -> bool:
    if column == "month":
        try:
            return bool(Period.of_month(value)) and len(value) == 7
        except UsageError:
            return False
    dimension = company.dimensions[column]
    return value in values(company, column) or value in company.labels(dimension.labels).values()


def _near(word: str, known: Iterable[str]) -> dict[str, str]:
    near = nearest(word[:_NAMED], known)
    return {"what": _short(word), "near": ", ".join(near)}


def _short(text: str) -> str:
    return text if len(text) <= _NAMED else f"{text[:_NAMED]}…"
