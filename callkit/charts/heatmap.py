"""Where the talk of each segment goes: minutes by segment and stage, or by segment and hour, written in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from callkit.charts import segments
from callkit.charts.bars import MOST_ROWS, in_order
from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.lettering import text_width
from callkit.charts.names import Columns, Rows
from callkit.charts.theme import Theme
from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.locale import Locale

_LEAST_CELL, _LEAST_CELL_NARROW, _LEAST_HOUR = 46, 38, 20


def heatmap(
    figures: Figures, locale: Locale, *, order: Sequence[str] = (), theme: Theme = "light", width: int = 700
) -> alt.LayerChart:
    """Minutes of talk of every segment (rows, by talk) on every stage (columns, in the pipeline's order) or hour.

    `figures` are by the segment's columns and, last, `stage` or `hour`; `order` are the stages' labels in the
    pipeline's order, others follow; hours run from the first to the last with a talk. A segment that never spoke on a
    stage has no cell there. At most 30 segments are drawn, and the
    chart says so when there are more; none give a chart that says so. `width` is the whole drawing's.

    Raises UsageError for figures whose last column is neither.
    """
    if len(figures.by) < 2 or figures.by[-1] not in ("stage", "hour"):
        raise UsageError(f"the heat map needs figures by a segment and stage or hour, not by {figures.by}")
    by, across = figures.by[:-1], figures.by[-1]
    text = locale.text
    title = text(
        "charts.heat_title" if across == "stage" else "charts.heat_hours_title",
        by=" × ".join(locale.title(c) for c in by),
    )
    cells = [row for row in figures.records() if (row["talk_minutes"] or 0) > 0]
    if not cells:
        return nothing(text("charts.no_data"), title, theme, locale, width=width)
    talk: dict[tuple[str, ...], float] = {}
    for cell in cells:
        cell["segment"] = tuple(cell[c] for c in by)
        talk[cell["segment"]] = talk.get(cell["segment"], 0) + cell["talk_minutes"]
    rows = sorted(talk, key=lambda s: (-talk[s], s))
    stages = in_order([cell[across] for cell in cells], order)
    if across == "hour":
        stages = [f"{hour:02}" for hour in range(int(min(stages)), int(max(stages)) + 1)]
    notes = [text("charts.heat_note")]
    if len(rows) > MOST_ROWS:
        notes.append(text("charts.not_drawn", shown=MOST_ROWS, all=len(rows)))
    drawn = [
        {
            "row": rows.index(cell["segment"]),
            "column": stages.index(cell[across]),
            "minutes": cell["talk_minutes"],
            "text": locale.number(cell["talk_minutes"]),
            "name": segments.title(cell["segment"], by, locale),
            across: segments.title([cell[across]], [across], locale),
            "told": locale.value("talk_minutes", cell["talk_minutes"]),
            "calls": locale.value("calls", cell["calls"]),
            "part": locale.percent(cell["talk_minutes"] / talk[cell["segment"]]),
        }
        for cell in cells
        if cell["segment"] in rows[:MOST_ROWS]
    ]
    names = [segments.title(row, by, locale) for row in rows[:MOST_ROWS]]
    heads = [segments.title([s], [across], locale) if across == "stage" else str(int(s)) for s in stages]

    def build(layout: Layout) -> alt.LayerChart:
        return _draw(drawn, names, heads, across, locale, layout).properties(
            title=heading(title, [" ".join(notes)], layout)
        )

    return laid_out(build, Layout(width, 0, width, 190), Layout(350, 0, 350, 100, narrow=True), theme, locale)


def _draw(
    cells: Sequence[dict[str, Any]], names: Sequence[str], heads: Sequence[str], across: str, locale: Locale,
    layout: Layout,
) -> alt.LayerChart:  # fmt: skip
    rows = Rows(names, layout, least=30)
    least = _LEAST_HOUR if across == "hour" else _LEAST_CELL_NARROW if layout.narrow else _LEAST_CELL
    widest = max(least, max(text_width(cell["text"], 11) for cell in cells) + 6)
    columns = Columns(heads, layout.width - rows.width, widest, narrow=layout.narrow)
    most = max(cell["minutes"] for cell in cells)
    scale = alt.Scale(domain=[0, most], range="heatmap", interpolate="lab")
    told = (("told", "talk_minutes"), ("calls", "calls"))
    hint = [alt.Tooltip("name:N", title="title"), alt.Tooltip(f"{across}:N", title=locale.title(across))]
    hint += [alt.Tooltip(f"{field}:N", title=locale.title(measure)) for field, measure in told]
    hint += [alt.Tooltip("part:N", title=locale.text("charts.part_of_segment"))]
    shared = alt.Chart(alt.NamedData("cells")).encode(columns.channel(), rows.channel(), tooltip=hint)
    rect = shared.mark_rect(style="cell").encode(color=alt.Color("minutes:Q", scale=scale, legend=None))
    numbers = shared.mark_text(fontSize=11, style="name").encode(text=alt.Text("text:N"))
    datasets = {"cells": list(cells), **rows.datasets(), **columns.datasets()}
    layers = (rect, numbers, rows.layer(), columns.layer())
    return layered(*layers, width=columns.width, height=rows.height, datasets=datasets)
