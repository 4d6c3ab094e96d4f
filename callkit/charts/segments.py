"""The rows a chart draws: a segment's name for people, its colour, and every measure as the text of its tooltip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from callkit.charts.lettering import clean
from callkit.charts.theme import GREY, colours
from callkit.figures import Figures
from callkit.locale import Locale
from callkit.measures import MEASURES
from callkit.said import change

_IN_ONE_LINE = ("conversion_low", "conversion_high")  # told with the conversion they belong to


def rows(
    figures: Figures,
    locale: Locale,
    *,
    palette: Mapping[str, str] | None = None,
    previous: Figures | None = None,
) -> list[dict[str, Any]]:
    """A row a segment, in the order of the figures.

    `segment` is the label as the data has it, `name` as people read it; `colour`; every measure as a number, None where
    undefined; `told_<measure>` as text with its unit, its interval and, against `previous`, its change.
    """
    drawn = named(figures, locale)
    palette = colours([row["segment"] for row in drawn]) if palette is None else palette
    before = {record["label"]: record for record in previous.records()} if previous else {}
    for row in drawn:
        earlier = before.get(row["segment"], {})
        row["colour"] = palette.get(row["segment"], GREY)
        row |= {f"told_{m}": told_value(m, row, earlier, locale) for m in MEASURES if m not in _IN_ONE_LINE}
        if previous:
            row["told_change"] = locale.text("charts.change")
    return drawn


def named(figures: Figures, locale: Locale) -> list[dict[str, Any]]:
    """A row a segment: its `segment`, its `name` and every measure, without what only a drawing needs."""
    return [
        {
            "segment": record["label"],
            "name": title([record[k] for k in figures.keys], figures.keys, locale),
            **{m: record[m] for m in MEASURES},
        }
        for record in figures.records()
    ]


def title(keys: Sequence[str], columns: Sequence[str], locale: Locale) -> str:
    """A segment's name for people: translated where it is not data, joined where it is cut by several columns.

    >>> title(["Site", "in"], ["source", "direction"], Locale("en"))
    'Site · inbound'
    """
    return " · ".join(clean(locale.segment(key, column)) for key, column in zip(keys, columns, strict=True))


def heading(figures: Figures, locale: Locale) -> str:
    """What the figures are cut by, in words."""
    return " × ".join(clean(locale.title(key)) for key in figures.keys)


def told_value(
    measure: str, values: Mapping[str, float | None], before: Mapping[str, float | None], locale: Locale
) -> str:
    """A figure for people: `12,3 % (+1,1 п. п.)`, a conversion with its interval and the number of deals."""
    told = locale.value(measure, values[measure])
    moved = change(measure, values[measure], before.get(measure), locale)[0]
    if moved is not None:
        told += f" ({_moved(measure, moved, locale)})"
    if measure == "conversion" and values[measure] is not None:
        deals = locale.value("deals", values["deals"])
        if values["conversion_low"] is None:
            told += f"; n = {deals}"
        else:
            low, high = (locale.percent(values[f"conversion_{end}"]) for end in ("low", "high"))
            told += "; " + locale.text("charts.interval", low=low, high=high, n=deals)
    return told


def tooltip(locale: Locale, *, compared: bool) -> list[alt.Tooltip]:
    """The tooltip of a segment: its name, then every measure with its label.

    `title` is a key with a meaning: the tooltip shows it as a heading.
    """
    lines = [alt.Tooltip("name:N", title="title")]
    lines += [alt.Tooltip(f"told_{m}:N", title=locale.title(m)) for m in MEASURES if m not in _IN_ONE_LINE]
    if compared:
        lines.append(alt.Tooltip("told_change:N", title=locale.text("charts.in_brackets")))
    return lines


def _moved(measure: str, moved: float, locale: Locale) -> str:
    if moved == 0:
        return "±0"
    sign = "+" if moved > 0 else "\N{MINUS SIGN}"
    if MEASURES[measure].kind == "share":
        return sign + locale.text("charts.points", n=locale.number(abs(moved) * 100, 1))
    return sign + locale.percent(abs(moved), 0 if abs(moved) >= 0.1 else 1)
