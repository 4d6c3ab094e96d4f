"""The course over months: minutes of talk above, a second measure below, each on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from callkit.charts.layout import Chart, Layout, heading, laid_out, layered, nothing
from callkit.charts.lettering import text_width
from callkit.charts.scales import round_ticks
from callkit.charts.short import short, written
from callkit.charts.theme import Theme
from callkit.errors import UsageError, did_you_mean
from callkit.figures import Figures
from callkit.locale import Locale
from callkit.measures import MEASURES

_HEIGHT, _HEIGHT_NARROW = 150, 120


def trend(
    figures: Figures, locale: Locale, *, measure: str = "revenue", theme: Theme = "light", width: int = 640
) -> Chart:
    """Talk minutes by month, and under it, on its own scale, another measure: two small charts, never two axes in one.

    `figures` are by month. Measures that add up are bars, the others a line with dots. A month that is not among the
    figures, or whose value is undefined, stays empty; no months at all give a chart that says so. `width` is the
    plot's on a wide page.

    Raises UsageError for figures by something else or an unknown measure.
    """
    if figures.by != ("month",):
        raise UsageError(f"the trend needs figures by month, not by {figures.by}")
    if measure not in MEASURES or measure == "talk_minutes":
        near = did_you_mean(measure, MEASURES)
        raise UsageError(f"measure {measure!r} cannot be set under talk; allowed: any other measure.{near}")
    records = {row["month"]: row for row in figures.records()}
    title = locale.text("charts.trend_title")
    if not records:
        return nothing(locale.text("charts.no_data"), title, theme, locale, width=width)
    months = between(min(records), max(records))

    def build(layout: Layout) -> alt.VConcatChart:
        parts = [
            _part(name, months, records, locale, layout, last=name == measure) for name in ("talk_minutes", measure)
        ]
        datasets = {name: rows for _, data in parts for name, rows in data.items()}
        chart = alt.vconcat(
            *(part for part, _ in parts), spacing=26, datasets=datasets, title=heading(title, [], layout)
        )
        named: alt.VConcatChart = chart.resolve_scale(x="shared").add_params(
            alt.param(name="months", value=_heads(months, locale))
        )
        return named

    return laid_out(
        build, Layout(width, _HEIGHT, width + 40), Layout(290, _HEIGHT_NARROW, 340, narrow=True), theme, locale
    )


def between(first: str, last: str) -> list[str]:
    """All months from the first to the last.

    >>> between("2025-11", "2026-02")
    ['2025-11', '2025-12', '2026-01', '2026-02']
    """
    start, stop = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(start, stop + 1)]


def _heads(months: Sequence[str], locale: Locale) -> list[list[str]]:
    """The labels of the months, short; the first one and every January carry their year in a second line."""
    short = locale.text("charts.months_short").split()
    return [[short[int(m[5:]) - 1], *([m[:4]] if i == 0 or m.endswith("-01") else [])] for i, m in enumerate(months)]


def _part(
    measure: str, months: Sequence[str], records: dict[str, Any], locale: Locale, layout: Layout, *, last: bool
) -> tuple[alt.LayerChart, dict[str, list[dict[str, Any]]]]:
    values = {m: records[m][measure] for m in months if m in records and records[m][measure] is not None}
    rows = [
        {
            "month": months.index(m),
            "value": value,
            "name": locale.month(m),
            "told": locale.value(measure, value),
            "short": short(measure, value, locale),
        }
        for m, value in values.items()
    ]
    adds_up = bool(MEASURES[measure].sums)
    chosen = _labelled(rows, layout.width / len(months))
    # A line runs up on both sides of a low value: its number goes under it.
    labels = [
        {**row, "under": not adds_up and _is_low(rows, i)} for i, row in enumerate(rows) if row["month"] in chosen
    ]
    shown = "monthly" if last else "above"
    axis = alt.Axis(
        title=None, labelExpr="months[datum.value]", labelAngle=0, labelOverlap=True, labelLineHeight=13, grid=False
    )
    x = alt.X(
        "month:O",
        axis=axis if last else None,
        scale=alt.Scale(domain=list(range(len(months))), paddingInner=0.3, paddingOuter=0.15),
    )
    top = max(values.values(), default=1) or 1
    ticks = round_ticks(0, top * 1.05, 5)
    scale = alt.Scale(domain=[0, top * 1.18], nice=False)
    y_axis = alt.Axis(
        title=locale.title(measure), titleAngle=0, titleAlign="left", titleBaseline="bottom", titleX=0, titleY=-8,
        values=list(ticks), tickCount=len(ticks), labelExpr=written(ticks, measure, locale), titleLimit=layout.width,
    )  # fmt: skip
    base = alt.Chart(alt.NamedData(shown)).encode(x, alt.Y("value:Q", scale=scale, axis=y_axis))
    hint = [alt.Tooltip("name:N", title="title"), alt.Tooltip("told:N", title=locale.title(measure))]
    if adds_up:
        drawn = [base.mark_bar(style="accent").encode(tooltip=hint)]
    else:
        line = base.mark_line(style="accent", strokeWidth=2, tooltip=None)
        drawn = [line, base.mark_point(style="accent", filled=True, size=60, opacity=1).encode(tooltip=hint)]
    for style in ("halo", "name"):
        texts = alt.Chart(alt.NamedData(f"{shown}_texts")).mark_text(
            dy=alt.expr("datum.under ? 14 : -9"), fontSize=11, style=style, tooltip=None
        )
        drawn.append(texts.encode(x, alt.Y("value:Q"), text=alt.Text("short:N")))
    datasets = {shown: rows, f"{shown}_texts": labels}
    return layered(*drawn, width=layout.width, height=layout.height), datasets


def _is_low(rows: Sequence[dict[str, Any]], at: int) -> bool:
    """Whether a value lies lower than the middle of its neighbours, and not so low that there is no room under it."""
    around = [rows[i]["value"] for i in (at - 1, at + 1) if 0 <= i < len(rows)]
    low = bool(around) and rows[at]["value"] < sum(around) / len(around)
    return low and bool(rows[at]["value"] > 0.2 * max(row["value"] for row in rows))


def _labelled(rows: Sequence[dict[str, Any]], step: float) -> set[int]:
    """The months whose value is written: all where there is room, else the last, the highest and the lowest."""
    if not rows:
        return set()
    if max(text_width(row["short"], 11) for row in rows) <= step - 2:
        return {row["month"] for row in rows}
    chosen: list[dict[str, Any]] = []
    for row in (rows[-1], max(rows, key=lambda r: r["value"]), min(rows, key=lambda r: r["value"])):
        room = max(text_width(r["short"], 11) for r in (row, *chosen)) + 4
        if all(abs(row["month"] - other["month"]) * step >= room for other in chosen):
            chosen.append(row)
    return {row["month"] for row in chosen}
