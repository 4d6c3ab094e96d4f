"""The week on a clock: a cell for every weekday and hour, with the calls made or the share of them answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt

from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.lettering import text_width
from callkit.charts.names import Columns, Rows
from callkit.charts.theme import Theme
from callkit.locale import Locale

if TYPE_CHECKING:
    from callkit.decisions.day import Times, Week

Kind = Literal["calls", "answered", "missed"]
FEW = 10
"""Below so many calls a cell's share is written, and not coloured."""


def week_map(
    week: Week, locale: Locale, *, kind: Kind = "calls", theme: Theme = "light", width: int = 640
) -> alt.LayerChart:
    """Calls by weekday and hour: all of them, the share of the outbound ones answered, or of the inbound ones missed.

    Weekdays are rows and hours columns, on a phone the other way round. A share of fewer than ten calls is pale and
    has no colour. Hours from the first to the last with a call; none give a chart that says so.
    """
    text = locale.text
    title = text(f"charts.week_{kind}_title")
    told = [(cell, _value(cell, kind)) for cell in week.cells]
    cells = [(cell, value) for cell, value in told if value is not None]
    if not cells:
        return nothing(text("charts.no_data"), title, theme, locale, width=width)
    hours = [cell.hour or 0 for cell, _ in cells]
    first, last = min(hours), max(hours)
    days = sorted({cell.weekday or 0 for cell, _ in cells})
    notes = [text(f"charts.week_{kind}_note", n=FEW)]
    numbers = locale.text("charts.weekdays_short").split()
    drawn = [_cell(cell, value, kind, days, first, locale) for cell, value in cells]
    of_hours = [str(hour) for hour in range(first, last + 1)]
    of_days = [locale.segment(str(day), "weekday") for day in days]

    def build(layout: Layout) -> alt.LayerChart:
        if layout.narrow:
            short = [numbers[day % 7] for day in days]
            turned = [{**cell, "row": cell["column"], "column": cell["row"]} for cell in drawn]
            chart = _draw(turned, [f"{hour}:00" for hour in of_hours], short, kind, locale, layout)
        else:
            chart = _draw(drawn, of_days, of_hours, kind, locale, layout)
        return chart.properties(title=heading(title, notes, layout))

    return laid_out(build, Layout(width, 0, width, 110), Layout(330, 0, 330, 60, narrow=True), theme, locale)


def _value(cell: Times, kind: Kind) -> float | None:
    if kind == "calls":
        return cell.calls or None
    return cell.answer_rate if kind == "answered" else cell.missed_share


def _cell(cell: Times, value: float, kind: Kind, days: list[int], first_hour: int, locale: Locale) -> dict[str, Any]:
    counted = {
        "calls": (cell.calls, cell.calls),
        "answered": (cell.answered, cell.outbound),
        "missed": (cell.missed, cell.inbound),
    }
    part, whole = counted[kind]
    if kind == "calls":
        written = locale.number(value)
        told = locale.text("charts.week_told_calls", out=locale.number(cell.outbound), into=locale.number(cell.inbound))
    else:
        low, high = (cell.answer_interval if kind == "answered" else cell.missed_interval) or (value, value)
        written = locale.number(value * 100)
        told = locale.text(
            "charts.week_told", share=locale.percent(value, 0), part=locale.number(part), n=locale.number(whole),
            low=locale.percent(low, 0), high=locale.percent(high, 0),
        )  # fmt: skip
    hour = cell.hour or 0
    return {
        "row": days.index(cell.weekday or 0),
        "column": hour - first_hour,
        "value": value,
        "few": kind != "calls" and whole < FEW,
        "text": written,
        "name": f"{locale.segment(str(cell.weekday), 'weekday')}, {hour}:00–{hour + 1}:00",
        "told": told,
    }


def _draw(
    cells: list[dict[str, Any]], names: list[str], heads: list[str], kind: Kind, locale: Locale, layout: Layout
) -> alt.LayerChart:
    rows = Rows(names, layout, least=26 if layout.narrow else 34)
    widest = max(text_width(cell["text"], 11) for cell in cells) + 6
    columns = Columns(heads, layout.width - rows.width, max(24, widest), narrow=layout.narrow)
    sure = [cell["value"] for cell in cells if not cell["few"]]
    lowest = 0 if kind != "answered" else min(sure, default=0)
    highest = max(sure, default=1) or 1
    scale = alt.Scale(domain=[lowest, highest if highest > lowest else lowest + 1], range="heatmap", interpolate="lab")
    hint = [alt.Tooltip("name:N", title="title"), alt.Tooltip("told:N", title=locale.text(f"charts.week_{kind}"))]

    def marks(name: str) -> alt.Chart:
        found: alt.Chart = alt.Chart(alt.NamedData(name)).encode(columns.channel(), rows.channel(), tooltip=hint)
        return found

    rect = marks("sure").mark_rect(style="cell").encode(color=alt.Color("value:Q", scale=scale, legend=None))
    numbers = marks("sure").mark_text(fontSize=11, style="name").encode(text=alt.Text("text:N"))
    pale = marks("few").mark_text(fontSize=11, style="note", opacity=0.75).encode(text=alt.Text("text:N"))
    datasets = {
        "sure": [cell for cell in cells if not cell["few"]],
        "few": [cell for cell in cells if cell["few"]],
        **rows.datasets(),
        **columns.datasets(),
    }
    layers = (rect, numbers, pale, rows.layer(), columns.layer())
    return layered(*layers, width=columns.width, height=rows.height, datasets=datasets)
