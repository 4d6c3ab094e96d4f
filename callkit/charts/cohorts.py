"""Cohorts: what share of the deals created in a month is won within so many days, a curve a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.scales import round_ticks
from callkit.charts.theme import OKABE_ITO, Theme
from callkit.figures import TOTAL
from callkit.locale import Locale

if TYPE_CHECKING:
    from callkit.decisions.cohorts import Cohort, Point

MOST_MONTHS = 6
LONGEST = 90
_STEPS = 60


def cohort_curves(
    cohorts: Sequence[Cohort], locale: Locale, *, theme: Theme = "light", width: int = 680
) -> alt.LayerChart:
    """The share won by days since creation: a curve for each of the last six months, and all deals with their band.

    A curve is dashed from where not every deal of its month has been followed so long, and ends where too few have.
    Days up to 90. No deals give a chart that says so.
    """
    text = locale.text
    title = text("charts.cohorts_title")
    months = [c for c in cohorts if c.month != TOTAL][-MOST_MONTHS:]
    whole = next((c for c in cohorts if c.month == TOTAL), None)
    if whole is None or not any(c.curve for c in cohorts):
        return nothing(text("charts.no_data"), title, theme, locale, width=width)
    names = {c.month: locale.month(c.month) for c in months}
    everybody = text("charts.cohorts_all")
    rows = [row for c in months for row in _rows(c, names[c.month], locale)]
    middle = _rows(whole, everybody, locale)
    notes = [text("charts.cohorts_note")]

    def build(layout: Layout) -> alt.LayerChart:
        chart = _draw(rows, middle, [*names.values()], everybody, locale, layout)
        return chart.properties(title=heading(title, notes, layout))

    return laid_out(build, Layout(width - 70, 300, width - 70), Layout(280, 260, 330, narrow=True), theme, locale)


def _rows(cohort: Cohort, name: str, locale: Locale) -> list[dict[str, Any]]:
    known = [p for p in cohort.curve if p.won is not None and p.days <= LONGEST]
    thin = max(1, len(known) // _STEPS)
    kept = [p for i, p in enumerate(known) if i % thin == 0 or i == len(known) - 1]
    first_young = next((i for i, p in enumerate(kept) if p.young), len(kept))
    sure, young = kept[:first_young], kept[max(0, first_young - 1) :] if first_young < len(kept) else []
    return [_row(p, name, part, locale) for part, points in (("sure", sure), ("young", young)) for p in points]


def _row(point: Point, name: str, part: str, locale: Locale) -> dict[str, Any]:
    return {
        "day": point.days,
        "won": point.won,
        "low": point.low,
        "high": point.high,
        "name": name,
        "part": part,
        "told": f"{locale.percent(point.won)} ({locale.percent(point.low)} – {locale.percent(point.high)})",
        "days": locale.plural("charts.days_counted", point.days),
    }


def _draw(
    rows: Sequence[dict[str, Any]], middle: Sequence[dict[str, Any]], names: Sequence[str], everybody: str,
    locale: Locale, layout: Layout,
) -> alt.LayerChart:  # fmt: skip
    high = max([row["won"] for row in (*rows, *middle)] + [row["high"] for row in middle], default=0.1) * 1.08
    ticks = round_ticks(0, high, 6)
    last = max((row["day"] for row in (*rows, *middle)), default=1) or 1
    days = round_ticks(0, last, 5 if layout.narrow else 10)
    x = alt.X(
        "day:Q", scale=alt.Scale(domain=[0, last], nice=False),
        axis=alt.Axis(title=locale.text("charts.cohorts_days"), values=list(days), grid=False),
    )  # fmt: skip
    y = alt.Y(
        "won:Q", scale=alt.Scale(domain=[0, high], nice=False),
        axis=alt.Axis(title=None, values=list(ticks), format="~%"),
    )  # fmt: skip
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=[*names], range=list(OKABE_ITO[: len(names)])),
        legend=alt.Legend(title=None, orient="bottom", columns=2 if layout.narrow else 6, symbolType="stroke"),
    )  # fmt: skip
    hint = [
        alt.Tooltip("name:N", title="title"),
        alt.Tooltip("days:N", title=locale.text("charts.cohorts_since")),
        alt.Tooltip("told:N", title=locale.text("charts.cohorts_won")),
    ]
    band = (
        alt.Chart(alt.NamedData("whole"))
        .mark_area(style="push", interpolate="step-after", tooltip=None)
        .encode(x, alt.Y("low:Q"), y2="high")
    )
    line = alt.Chart(alt.NamedData("months")).mark_line(strokeWidth=2, interpolate="step-after", tooltip=None)
    dashes = alt.Scale(domain=["sure", "young"], range=[[1, 0], [3, 3]])
    line = line.encode(
        x, y, colour, detail=alt.Detail("part:N"), order=alt.Order("day:Q"),
        strokeDash=alt.StrokeDash("part:N", scale=dashes, legend=None),
    )  # fmt: skip
    thick = (
        alt.Chart(alt.NamedData("whole"))
        .mark_line(style="name_line", strokeWidth=3, interpolate="step-after", tooltip=None)
        .encode(x, y, detail=alt.Detail("part:N"), order=alt.Order("day:Q"))
    )
    dots = alt.Chart(alt.NamedData("months")).mark_point(opacity=0, size=120).encode(x, y, tooltip=hint)
    whole_dots = alt.Chart(alt.NamedData("whole")).mark_point(opacity=0, size=120).encode(x, y, tooltip=hint)
    said = [{"day": middle[-1]["day"], "won": middle[-1]["won"], "text": everybody}] if middle else []
    caption = alt.Chart(alt.InlineData(values=said)).mark_text(align="right", dy=-10, style="name", tooltip=None)
    caption = caption.encode(x, y, text=alt.Text("text:N"))
    return layered(
        band, line, thick, dots, whole_dots, caption, width=layout.width, height=layout.height,
        datasets={"months": list(rows), "whole": list(middle)},
    )  # fmt: skip
