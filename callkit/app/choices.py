"""What the reader can choose from, in his words: periods, lenses, credits, cuts, pages, values of a filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from callkit.app import pages
from callkit.app.redrawing import Live
from callkit.app.view import CHARTS, PRESETS, SHARES, SIZES, Note, View, period_of
from callkit.company import Company
from callkit.dimensions import Dimension
from callkit.locale import Locale, catalogue
from callkit.scope import CREDITS, LENSES, Scope
from callkit.zones import Period

_MOST_VALUES = 300
_CHIP = 3
_FIRST_COLUMNS = ("pipeline_id", "stage", "direction", "manager", "team", "source", "project", "grade")


def words(locale: Locale) -> dict[str, str]:
    """Every text of the app in a language, by its name."""
    return {key.removeprefix("app."): told[locale.lang] for key, told in catalogue().items() if key.startswith("app.")}


def controls(view: View, company: Company, locale: Locale, cut: Sequence[str]) -> dict[str, Any]:
    """The controls of the page with what is chosen on each."""
    text = locale.text
    period = period_of(view.period, company)
    first, last = company.span
    months = [str(m) for m in Period(first.replace(day=1), Period.of_month(f"{last:%Y-%m}").stop).months()]
    known = {preset: period_of(preset, company) for preset in PRESETS}
    presets = [p for p in PRESETS if p != "this" or known["this"] != known["last"]]
    return {
        "period": {
            "value": view.period,
            "shown": locale.period(period.start, period.stop),
            "start": str(period.start),
            "stop": str(period.stop),
            "presets": [
                {"value": p, "title": text(f"app.preset_{p}"), "on": known[p] == period,
                 "help": locale.period(known[p].start, known[p].stop)}
                for p in presets
            ],
            "months": [{"value": m, "title": locale.month(m)} for m in reversed(months)],
            "month": str(period) if str(period) in months else "",
            "first": str(first),
            "last": str(last),
        },
        "compare": view.compare,
        "lens": _choices("lens", LENSES, view.lens, locale, explained=True),
        "credit": _choices("credit", CREDITS, view.credit, locale, explained=True),
        "credit_off": view.lens == "called",
        "chart": _choices("chart", CHARTS, view.chart, locale),
        "x": _choices("x", SHARES, view.x, locale),
        "size": _choices("size", SIZES, view.size, locale),
        "new_deals": "" if view.new_deals is None else str(view.new_deals),
        "by": list(cut),
        "cut_freely": view.page in pages.CUT_FREELY,
        "columns": [
            {"name": d.name, "title": locale.title(d.name), "chosen": list(view.where.get(d.name, ())),
             "filter": d.name != "month"}
            for d in _in_order(company)
        ],
    }  # fmt: skip


def chips(view: View, locale: Locale) -> list[dict[str, str]]:
    """The filters that are on, each with the column to clear."""
    found = []
    for column, kept in view.where.items():
        named = [locale.segment(value, column) for value in kept]
        more = locale.text("app.more_values", n=len(named) - _CHIP) if len(named) > _CHIP else ""
        told = ", ".join(named[:_CHIP]) + (f" {more}" if more else "")
        found.append({"column": column, "title": locale.title(column), "values": told})
    return found


def notes(found: Sequence[Note], locale: Locale) -> list[str]:
    """What of an address was left out, in words."""
    said = []
    for key, values in found:
        told = dict(values)
        if near := told.pop("near", ""):
            told["near"] = locale.text("app.note_near", near=near)
        elif key == "app.note_column":
            told["near"] = ""
        if "column" in told:
            told["column"] = locale.title(told["column"])
        said.append(locale.text(key, **told))
    return list(dict.fromkeys(said))


def values(section: Live, view: View, column: str, search: str) -> dict[str, Any]:
    """The values of a filter with their calls under the other filters, the most first; the chosen ones always.

    Up to 300 that contain `search`; `all` is how many there are.
    """
    locale, scope = section.locale, section.scope
    others = {c: kept for c, kept in scope.where.items() if c != column}
    figures = section.measured(Scope(scope.period, scope.lens, scope.credit, others), [column])
    at = figures.columns.index("calls")
    counted = {row[0]: row[at] for row in figures.rows[:-1]}
    for chosen in view.where.get(column, ()):
        counted.setdefault(chosen, 0)
    rows = [(raw, locale.segment(raw, column), calls) for raw, calls in counted.items()]
    if column in ("hour", "weekday"):
        rows.sort(key=lambda row: row[0])
    elif column == "stage":
        rank = {label: i for i, label in enumerate(section.stage_order())}
        rows.sort(key=lambda row: rank.get(row[0], len(rank)))
    else:
        rows.sort(key=lambda row: (-row[2], row[1]))
    sought = search.casefold()
    found = [row for row in rows if sought in row[1].casefold()]
    shown = found[:_MOST_VALUES]
    return {
        "column": column,
        "values": [{"value": raw, "shown": told, "calls": locale.number(calls)} for raw, told, calls in shown],
        "all": len(found),
        "more": locale.text("app.values_more", n=len(shown), all=len(found)) if len(found) > len(shown) else "",
    }


def _choices(
    name: str, allowed: Sequence[str], value: str, locale: Locale, *, explained: bool = False
) -> list[dict[str, Any]]:
    return [
        {"value": v, "title": locale.text(f"app.{name}_{v}"), "on": v == value,
         "help": locale.text(f"section.{name}_{v}") if explained else ""}
        for v in allowed
    ]  # fmt: skip


def _in_order(company: Company) -> list[Dimension]:
    """The columns to filter and cut by: the usual ones first, then the others as the company has them."""
    rank = {name: i for i, name in enumerate(_FIRST_COLUMNS)}
    return sorted(company.dimensions.values(), key=lambda d: rank.get(d.name, len(rank)))
