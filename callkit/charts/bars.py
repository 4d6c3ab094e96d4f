"""Bars and dots by segment: the load of the stages, and share of talk beside share of sales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from callkit.charts import segments
from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.lettering import text_width
from callkit.charts.names import Rows
from callkit.charts.theme import Theme
from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.locale import Locale

MOST_ROWS = 30
DIRECTIONS = ("in", "out", "unknown")
SHARES = ("talk_share", "win_share", "revenue_share")
_SHAPES = ("square", "circle", "diamond")
_SHARE_COLOURS = ("#7a8290", "#3f88c5", "#c8731a")
"""Told apart on light and on dark, by their shapes also in grey, and none of them a segment's colour."""

Row = dict[str, Any]


def stage_load(
    figures: Figures, locale: Locale, *, order: Sequence[str] = (), theme: Theme = "light", width: int = 680
) -> alt.LayerChart:
    """Minutes of talk on every stage, as horizontal bars in the pipeline's order.

    `figures` are by stage, or by stage and direction: then the bars are split into inbound and outbound. `order` are
    the stages' labels in the pipeline's order; others follow by talk. Stages without talk are drawn with an empty bar,
    no stages at all give a chart that says so. `width` is the whole drawing's on a wide page.

    Raises UsageError for figures by something else.
    """
    if figures.by not in (("stage",), ("stage", "direction")):
        raise UsageError(f"the load of stages needs figures by stage, or by stage and direction, not by {figures.by}")
    words = locale.text("charts.load_title"), locale.text("charts.load_note")
    return _bars(figures, locale, words, order, theme, width)


def directions(figures: Figures, locale: Locale, *, theme: Theme = "light", width: int = 680) -> alt.LayerChart:
    """Minutes of talk of every segment, as horizontal bars by talk, split into inbound and outbound.

    `figures` are by one column and direction. At most 30 segments are drawn, and the chart says so when there are more;
    none give a chart that says so.

    Raises UsageError for figures by something else.
    """
    if len(figures.by) != 2 or figures.by[1] != "direction":
        raise UsageError(f"inbound beside outbound needs figures by a column and direction, not by {figures.by}")
    words = (
        locale.text("charts.directions_title", by=locale.title(figures.by[0])),
        locale.text("charts.directions_note"),
    )
    return _bars(figures, locale, words, (), theme, width)


def _bars(
    figures: Figures, locale: Locale, words: tuple[str, str], order: Sequence[str], theme: Theme, width: int
) -> alt.LayerChart:
    """Bars of talk by the first column of the figures, split where the second is the direction."""
    title, note = words
    column = figures.by[0]
    parts = [row for row in figures.records() if row["talk_minutes"] is not None]
    if not parts:
        return nothing(locale.text("charts.no_data"), title, theme, locale, width=width)
    talk: dict[str, float] = {}
    for row in parts:
        talk[row[column]] = talk.get(row[column], 0) + row["talk_minutes"]
    there = in_order(sorted(talk, key=lambda label: -talk[label]), order)
    notes = [note]
    if column != "stage" and len(there) > MOST_ROWS:
        notes.append(locale.text("charts.not_drawn", shown=MOST_ROWS, all=len(there)))
        there = there[:MOST_ROWS]
    drawn = [row for row in parts if row[column] in there]

    def build(layout: Layout) -> alt.LayerChart:
        chart = _load(drawn, column, there, "direction" in figures.by, locale, layout)
        return chart.properties(title=heading(title, notes, layout))

    return laid_out(build, Layout(width, 0, width, 190), Layout(350, 0, 350, 110, narrow=True), theme, locale)


def in_order(labels: Sequence[str], order: Sequence[str]) -> list[str]:
    """The labels there are, once each: those of `order` first, in that order, then the others as they come.

    >>> in_order(["Won", "Old", "New"], ["New", "Talk", "Won"])
    ['New', 'Won', 'Old']
    """
    there = list(dict.fromkeys(labels))
    return [o for o in dict.fromkeys(order) if o in there] + [t for t in there if t not in order]


def _load(
    parts: Sequence[Row], column: str, labels: Sequence[str], split: bool, locale: Locale, layout: Layout
) -> alt.LayerChart:
    names = Rows([segments.title([s], [column], locale) for s in labels], layout)
    minutes = {s: sum(p["talk_minutes"] for p in parts if p[column] == s) for s in labels}
    shares = {s: sum(p["talk_share"] or 0 for p in parts if p[column] == s) for s in labels}
    ends = [
        {
            "row": i,
            "minutes": minutes[s],
            "text": locale.text(
                "charts.load_end", minutes=locale.value("talk_minutes", minutes[s]), share=locale.percent(shares[s], 0)
            ),
        }
        for i, s in enumerate(labels)
    ]
    longest = max(minutes.values())
    plot = layout.width - names.width
    reach = (longest or 1) * plot / (plot - max(text_width(e["text"], 12) for e in ends) - 8)
    directions = [locale.segment(d, "direction") for d in DIRECTIONS]
    bars = [
        {
            "row": labels.index(p[column]),
            "minutes": p["talk_minutes"],
            "direction": locale.segment(p["direction"], "direction") if split else "",
            "place": DIRECTIONS.index(p["direction"]) if split else 0,
            "name": segments.title([p[column]], [column], locale),
            "told": locale.value("talk_minutes", p["talk_minutes"]),
            "calls": locale.value("calls", p["calls"]),
            "mean": locale.value("mean_call_seconds", p["mean_call_seconds"]),
        }
        for p in parts
    ]
    there = [d for d in directions if any(b["direction"] == d for b in bars)]
    x = alt.X("minutes:Q", scale=alt.Scale(domain=[0, reach], nice=False), axis=None, stack="zero")
    hint = [alt.Tooltip("name:N", title="title")]
    hint += [alt.Tooltip("direction:N", title=locale.title("direction"))] if split else []
    told = (("told", "talk_minutes"), ("calls", "calls"), ("mean", "mean_call_seconds"))
    hint += [alt.Tooltip(f"{field}:N", title=locale.title(measure)) for field, measure in told]
    drawn = alt.Chart(alt.NamedData("bars")).mark_bar(style="accent", height=alt.RelativeBandSize(0.66))
    drawn = drawn.encode(x, names.channel(), order=alt.Order("place:Q"), tooltip=hint)
    if split:
        # The named range is the theme's: it stands in the config, so that light and dark may differ.
        scale = alt.Scale(domain=directions, range="category")
        legend = alt.Legend(
            title=None, orient="top", values=there, symbolType="square", symbolSize=110, symbolStrokeWidth=0, offset=4
        )
        drawn = drawn.encode(color=alt.Color("direction:N", scale=scale, legend=legend))
    texts = alt.Chart(alt.NamedData("ends")).mark_text(
        align="left", baseline="middle", dx=6, style="name", tooltip=None
    )
    texts = texts.encode(x, names.channel(), text=alt.Text("text:N"))
    datasets = {"bars": bars, "ends": ends, **names.datasets()}
    return layered(drawn, texts, names.layer(), width=plot, height=names.height, datasets=datasets)


def shares(figures: Figures, locale: Locale, *, theme: Theme = "light", width: int = 680) -> alt.LayerChart:
    """Share of talk, of sales and of revenue of every segment as three dots on one line, with the return on time.

    Dots on one line show the distance between the shares, which bars side by side leave to the eye to measure. Segments
    by talk falling, at most 30, and the chart says so when there are more. An undefined share has no dot; segments
    with no share at all are left out. No segments give a chart that says so.
    """
    rows = segments.rows(figures, locale)
    shown = [row for row in rows if any(row[share] is not None for share in SHARES)]
    title = locale.text("charts.shares_title", by=segments.heading(figures, locale))
    if not shown:
        return nothing(locale.text("charts.no_data"), title, theme, locale, width=width)
    notes = [locale.text("charts.shares_note")]
    if len(shown) > MOST_ROWS:
        notes.append(locale.text("charts.not_drawn", shown=MOST_ROWS, all=len(shown)))

    def build(layout: Layout) -> alt.LayerChart:
        chart = _shares(shown[:MOST_ROWS], locale, layout)
        return chart.properties(title=heading(title, [" ".join(notes)], layout))

    return laid_out(build, Layout(width, 0, width, 190), Layout(350, 0, 350, 104, narrow=True), theme, locale)


def _shares(rows: Sequence[Row], locale: Locale, layout: Layout) -> alt.LayerChart:
    names = Rows([row["name"] for row in rows], layout)
    series = [locale.title(share) for share in SHARES]
    dots = [
        {
            "row": i, "share": row[share], "series": name, "name": row["name"],
            "told": locale.percent(row[share]), "told_efficiency": locale.value("efficiency", row["efficiency"]),
        }
        for i, row in enumerate(rows)
        for share, name in zip(SHARES, series, strict=True)
        if row[share] is not None
    ]  # fmt: skip
    links = [
        {"row": i, "low": min(there), "high": max(there)}
        for i, there in enumerate([[row[s] for s in SHARES if row[s] is not None] for row in rows])
    ]
    ends: list[Row] = [{"row": i, "text": locale.value("efficiency", r["efficiency"])} for i, r in enumerate(rows)]
    column = max(text_width(end["text"], 12) for end in ends) + 16
    plot = layout.width - names.width - column
    reach = max(d["share"] for d in dots) or 1
    scale = alt.Scale(domain=[-reach * 8 / plot, reach * (1 + 12 / plot)], nice=False, zero=False)
    axis = alt.Axis(title=None, format="~%", tickCount=4 if layout.narrow else 7)
    legend = alt.Legend(title=None, orient="top", symbolSize=90, columns=1 if layout.narrow else 3, offset=16)
    y = names.channel()
    rule = alt.Chart(alt.NamedData("links")).mark_rule(style="link", tooltip=None)
    rule = rule.encode(alt.X("low:Q", scale=scale, axis=axis), alt.X2("high:Q"), y)
    points = alt.Chart(alt.NamedData("dots")).mark_point(filled=True, opacity=1, size=90)
    hint = [alt.Tooltip("name:N", title="title"), alt.Tooltip("series:N", title=locale.text("charts.measure"))]
    hint += [alt.Tooltip("told:N", title=locale.text("charts.value"))]
    hint += [alt.Tooltip("told_efficiency:N", title=locale.title("efficiency"))]
    points = points.encode(
        alt.X("share:Q", scale=scale),
        y,
        color=alt.Color("series:N", scale=alt.Scale(domain=series, range=list(_SHARE_COLOURS)), legend=legend),
        shape=alt.Shape("series:N", scale=alt.Scale(domain=series, range=list(_SHAPES)), legend=legend),
        tooltip=hint,
    )
    texts = alt.Chart(alt.NamedData("ends")).mark_text(align="right", style="name", tooltip=None)
    texts = texts.encode(y, x=alt.value(plot + column - 6), text=alt.Text("text:N"))
    header = alt.Chart(alt.InlineData(values=[{}])).mark_text(
        align="right", baseline="bottom", fontSize=11, style="note", text=locale.title("efficiency"), tooltip=None
    )
    header = header.encode(x=alt.value(plot + column - 6), y=alt.value(-4))
    datasets = {"dots": dots, "links": links, "ends": ends, **names.datasets()}
    layers = (rule, points, texts, header, names.layer())
    return layered(*layers, width=plot, height=names.height, datasets=datasets)
