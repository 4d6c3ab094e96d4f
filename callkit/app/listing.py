"""The calls and deals behind a figure, as the page lists them and as files have them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from callkit import behind
from callkit.app.view import View
from callkit.company import Company
from callkit.dimensions import SPECIAL
from callkit.locale import MISSING, Locale
from callkit.pieces import Column

_SHOWN = {
    "calls": ("started_at", "manager", "direction", "talk_seconds", "stage", "deal_id"),
    "deals": ("deal_id", "outcome", "amount", "closed_at", "owner", "calls", "talk_seconds"),
}
_DIMENSIONS_SHOWN = 2
_KINDS = {
    "started_at": "moment", "closed_at": "moment", "created_at": "moment", "talk_seconds": "seconds",
    "amount": "money", "calls": "count", "part": "share",
}  # fmt: skip
_FALLING = ("started_at", "talk_seconds", "amount", "closed_at", "created_at", "calls", "part")


def answer(company: Company, view: View, locale: Locale, sort: str, search: str, page: int) -> dict[str, Any]:
    """A page of the list that the view has open: its title, columns, rows as people read them, how many there are."""
    tab = view.tab or "calls"
    listed = _listed(company, view, sort, search, page, behind.PAGE)
    other = _listed(company, view, "", "", 0, 1, "deals" if tab == "calls" else "calls")
    own = listed if not search else _listed(company, view, "", "", 0, 1)
    counts = {tab: own.found, ("deals" if tab == "calls" else "calls"): other.found}
    columns = [c for c in listed.columns if c in _SHOWN[tab]]
    free = [c for c in listed.columns if c in company.facts["dimensions"] and c not in view.selected]
    free.sort(key=lambda c: c == "pipeline_id")
    columns += free[:_DIMENSIONS_SHOWN]
    if view.credit != "owner" and "part" in listed.columns:
        columns.append("part")
    at = [listed.columns.index(c) for c in columns]
    first = page * behind.PAGE + 1
    text = locale.text
    return {
        "title": title(view, locale),
        "tab": tab,
        "calls": locale.number(counts["calls"]),
        "deals": locale.number(counts["deals"]),
        "columns": [
            {"name": c, "title": _title(c, locale), "number": _KINDS.get(c, "moment") != "moment",
             "falls": c in _FALLING}
            for c in columns
        ],
        "rows": [[_said(c, row[i], locale) for c, i in zip(columns, at, strict=True)] for row in listed.rows],
        "links": [_link(company, row[listed.columns.index("deal_id")]) for row in listed.rows],
        "sort": sort or _usual(tab),
        "page": page,
        "last": page * behind.PAGE + len(listed.rows) >= listed.found,
        "pages": text(
            "app.behind_pages", start=locale.number(first), stop=locale.number(first + len(listed.rows) - 1),
            n=locale.number(listed.found),
        ) if listed.rows else "",
        "note": text("app.behind_of_calls") if tab == "deals" and _of_calls(company, view) else "",
    }  # fmt: skip


def saved(company: Company, view: View, locale: Locale, sort: str, search: str, kind: str) -> dict[str, str]:
    """The whole list as a file, `csv` or `xlsx`, every column of it, up to 100 000 rows."""
    from callkit.app import downloads

    tab = view.tab or "calls"
    listed = _listed(company, view, sort, search, 0, behind.MOST)
    columns = [Column(c, _title(c, locale), _KINDS.get(c, "text")) for c in listed.columns]
    rows = [[_plain(c, v, locale) for c, v in zip(listed.columns, row, strict=True)] for row in listed.rows]
    name = f"{locale.text(f'app.behind_{tab}')} {title(view, locale)}"
    if kind == "csv":
        told = downloads.as_csv(columns, rows, f"{company.name} {name} {view.narrowed(company).period}", locale)
    else:
        piece = downloads.table(columns, rows, locale.text(f"app.behind_{tab}"), locale)
        told = downloads.workbook(company, view.narrowed(company), [piece], locale, name)
    if listed.found > len(rows):
        told["note"] = locale.text(
            "app.behind_cut", n=locale.number(len(rows)), all=locale.number(listed.found)
        )  # fmt: skip
    return told


def title(view: View, locale: Locale) -> str:
    """What is selected, in words."""
    named = [f"{locale.title(c)}: {locale.segment(v, c)}" for c, v in view.selected.items()]
    return " · ".join(named) or locale.text("app.behind_all")


def _listed(company: Company, view: View, sort: str, search: str, page: int, size: int, tab: str = "") -> behind.Listed:
    scope, tab = view.narrowed(company), tab or view.tab or "calls"
    sort = sort if sort.removeprefix("-") in behind.columns(company, tab) else _usual(tab)
    if tab == "calls":
        return behind.calls(company, scope, sort=sort, search=search, page=page, size=size)
    of_calls = _of_calls(company, view)
    return behind.deals(company, scope, of_calls=of_calls, sort=sort, search=search, page=page, size=size)


def _usual(tab: str) -> str:
    return "-started_at" if tab == "calls" else "-amount"


def _of_calls(company: Company, view: View) -> bool:
    """Whether what is selected has calls but no deals of its own: a stage, an hour."""
    return view.lens != "called" and any(company.dimensions[c].of == "call" for c in view.selected)


def _title(column: str, locale: Locale) -> str:
    if column in ("manager", "direction", "stage", "owner") or column not in (
        *_KINDS, "deal_id", "call_id", "outcome",
    ):  # fmt: skip
        return locale.title(column)
    return locale.text(f"app.column_{column}")


def _said(column: str, value: Any, locale: Locale) -> str:
    """A value as people read it."""
    if value is None:
        return MISSING
    if column == "outcome":
        return locale.text(f"app.outcome_{value}")
    kind = _KINDS.get(column, "")
    if kind == "moment":
        return f"{value[8:10]}.{value[5:7]}.{value[:4]} {value[11:16]}" if locale.lang == "ru" else str(value)[:16]
    if kind:
        return locale.written(kind, value)
    return str(value) if column in ("deal_id", "call_id") else locale.segment(value, column)


def _plain(column: str, value: Any, locale: Locale) -> Any:
    """A value for a spreadsheet: numbers stay numbers."""
    if value is None or column in _KINDS or column in ("deal_id", "call_id"):
        return value
    return locale.text(f"app.outcome_{value}") if column == "outcome" else locale.segment(value, column)


def _link(company: Company, deal_id: Any) -> str:
    """The deal's address in the CRM; nothing without a deal or without `deal_url`."""
    if not company.settings.deal_url or deal_id is None or deal_id in SPECIAL.values():
        return ""
    return company.settings.deal_url.replace("{deal_id}", quote(str(deal_id), safe=""))
