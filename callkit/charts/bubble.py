"""The bubble chart of efficiency: share of time against conversion, area = sales, and how sure the figures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt

from callkit.charts import segments
from callkit.charts.labels import Box, Point
from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.lettering import text_width
from callkit.charts.marks import Bubbles, notes
from callkit.charts.plane import (
    MOST_NAMES,
    NOTE_SIZE,
    STRIP,
    Plane,
    Row,
    by_revenue,
    few_deals,
    named,
    narrow_plane,
    wide_plane,
)
from callkit.charts.scales import LOG_FROM, fitting, spread
from callkit.charts.theme import GREY, Theme
from callkit.errors import UsageError, did_you_mean
from callkit.figures import Figures
from callkit.locale import Locale

MOST_WHISKERS = 12
_SIZES = ("won_deals", "revenue")
_SHARES = ("talk_share", "call_share")


def bubble(
    figures: Figures,
    locale: Locale,
    *,
    x: str = "talk_share",
    size: str = "won_deals",
    min_deals: float = 30,
    theme: Theme = "light",
    colours: Mapping[str, str] | None = None,
    previous: Figures | None = None,
    trail: Sequence[tuple[str, Figures]] | None = None,
    trail_segment: str | None = None,
    width: int = 640,
    height: int = 420,
) -> alt.LayerChart:
    """Every segment as a bubble: `x` (share of talk or of calls) against conversion; the ideal is top left.

    `size` is what the area shows: won deals or revenue. Lines stand at the whole scope's conversion and at the equal
    share, 1 ÷ number of segments. Segments of fewer than `min_deals` deals are hollow and dashed, those without sales
    small rings. Whiskers (95 % intervals) are drawn for at most 12 segments; names for the 12 of most revenue, where
    there is room. The x axis is logarithmic only when the largest share is over 50 times the smallest.
    `previous` adds the change to the tooltips. `trail` are figures of the same cut by month, oldest first, drawn as the
    way of `trail_segment` (a label as the figures have it) through its last six months. `width` and `height` are the
    plot's pixels on a wide page; a narrow layout travels along.

    Segments whose share or conversion is undefined are left out, and the chart says how many; with none left it says
    that there is nothing to show. Raises UsageError for another `x` or `size`.
    """
    for value, allowed, option in ((x, _SHARES, "x"), (size, _SIZES, "size")):
        if value not in allowed:
            raise UsageError(
                f"{option} {value!r} cannot be drawn; allowed: {', '.join(allowed)}.{did_you_mean(value, allowed)}"
            )
    text = locale.text
    rows = segments.rows(figures, locale, palette=colours, previous=previous)
    shown = [row for row in rows if row[x] is not None and row["conversion"] is not None]
    title = text("charts.bubble_title", by=segments.heading(figures, locale))
    if not shown:
        return nothing(text("charts.no_conversion" if rows else "charts.no_data"), title, theme, locale, width=width)
    way = _way(trail or (), trail_segment, x)
    whole = figures.total["conversion"]
    compared = previous is not None
    subject = _Subject(shown, len(rows), x, size, min_deals, whole, way, trail_segment, compared, locale)

    def build(layout: Layout) -> alt.LayerChart:
        return _draw(subject, layout).properties(title=heading(title, subject.notes(layout), layout))

    return laid_out(build, wide_plane(width, height), narrow_plane(360), theme, locale)


@dataclass(frozen=True)
class _Subject:
    """What is drawn, whatever the layout."""

    rows: Sequence[Row]
    segments: int
    x: str
    size: str
    min_deals: float
    whole: float | None
    way: Sequence[tuple[str, float, float]]
    trail_segment: str | None
    compared: bool
    locale: Locale

    @property
    def log(self) -> bool:
        return spread([row[self.x] for row in self.rows]) > LOG_FROM

    def few(self, row: Row) -> bool:
        return few_deals(row, self.min_deals)

    def notes(self, layout: Layout) -> list[str]:
        """How to read the picture (a phone has no room for that), then what must be said of it."""
        rows, text = self.rows, self.locale.text
        whiskers = len(rows) <= MOST_WHISKERS and any(row["conversion_low"] is not None for row in rows)
        said = notes(rows, self.segments - len(rows), self.size, self.min_deals, self.locale)
        said = [text("charts.whiskers"), *said] if whiskers else said
        return [*([] if layout.narrow else [text(f"charts.bubble_{self.x}")]), " ".join(said)]

    def highest(self) -> float:
        """The conversion the y axis reaches: that of the sure segments; a few deals with 100 % shall not squash it."""
        sure = [row for row in self.rows if not self.few(row)] or self.rows
        values = [row["conversion"] for row in sure] + [y for _, _, y in self.way]
        if self.whole is not None:
            values.append(self.whole)
        top = max(*values, 0.01)
        whiskers = [row["conversion_high"] or 0 for row in sure] if len(self.rows) <= MOST_WHISKERS else []
        return float(min(1.0, max(top, min(top * 1.5, max(whiskers, default=0)))))


def _way(trail: Sequence[tuple[str, Figures]], segment: str | None, x: str) -> list[tuple[str, float, float]]:
    """Month, share and conversion of a segment through its last six months; months where either is undefined lack."""
    found = []
    for month, figures in list(trail)[-6:]:
        for record in figures.records():
            share, conversion = record[x], record["conversion"]
            if record["label"] == segment and share is not None and conversion is not None:
                found.append((month, share, conversion))
    return found if len(found) > 1 else []


def _draw(subject: _Subject, layout: Layout) -> alt.LayerChart:
    rows, locale, highest = subject.rows, subject.locale, subject.highest()
    bubbles = Bubbles.of(rows, subject.size, layout)
    inside = [min(row["conversion"], highest) for row in rows]
    way = subject.way
    plane = Plane(
        fitting(
            [row[subject.x] for row in rows] + [share for _, share, _ in way], bubbles.radii + [4.0] * len(way),
            layout.width, log=subject.log, most_ticks=5 if layout.narrow else 8,
        ),
        fitting(
            inside + [y for _, _, y in way], bubbles.radii + [4.0] * len(way), layout.height,
            before=STRIP, after=STRIP, upwards=True, least_high=highest, most_ticks=8,
        ),
        subject.x,
        "conversion",
        layout,
        locale,
    )  # fmt: skip
    points = [
        plane.point(row[subject.x], y, radius) for row, y, radius in zip(rows, inside, bubbles.radii, strict=True)
    ]
    ends = [
        replace(plane.point(share, y, 4), text=locale.month(month) if i in (0, len(way) - 1) else "")
        for i, (month, share, y) in enumerate(way)
    ]
    names = [
        replace(
            points[i],
            text=named(rows[i]["name"], _suffix(subject, rows[i], highest), layout) if rank < MOST_NAMES else "",
        )
        for rank, i in enumerate(by_revenue(rows))
    ]
    whiskers = _whiskers(plane, rows, subject.x) if len(rows) <= MOST_WHISKERS else []
    lines = [plane.stem(w) for w in whiskers] + plane.course([(share, y) for _, share, y in way])
    reference = _reference(plane, subject, points, lines)
    placed = plane.placed(ends + names, reference.taken, lines)
    datasets = {
        "segments": [
            bubbles.datum(plane, rows[i], rows[i][subject.x], inside[i], few=subject.few(rows[i]))
            for i in bubbles.largest_first()
        ],
        "whiskers": whiskers,
        "trail": [{"x": plane.x.drawn(share), "y": y, "order": i} for i, (_, share, y) in enumerate(way)],
        **placed,
    }
    whisker = plane.layer("whiskers", y2="y2").mark_rule(style="whisker", clip=True, tooltip=None)
    layers = [
        *reference.under,
        *([whisker] if whiskers else []),
        *(_trail(plane, subject) if way else []),
        *bubbles.layers(plane, locale, datasets["segments"], compared=subject.compared),
        *plane.over(reference.over, placed),
    ]
    return layered(*layers, width=layout.width, height=layout.height, datasets=datasets)


def _suffix(subject: _Subject, row: Row, highest: float) -> str:
    """What a name must say besides: a conversion above the scale, too few deals."""
    said = [f"↑ {subject.locale.percent(row['conversion'], 0)}"] if row["conversion"] > highest else []
    said += [subject.locale.text("charts.few")] if subject.few(row) else []
    return f"({', '.join(said)})" if said else ""


def _whiskers(plane: Plane, rows: Sequence[Row], x: str) -> list[Row]:
    return [
        {"x": plane.x.drawn(row[x]), "y": row["conversion_low"], "y2": row["conversion_high"]}
        for row in rows
        if row["conversion_low"] is not None
    ]


@dataclass(frozen=True)
class _Reference:
    """Tints and lines that lie under the bubbles, the captions that lie over them, and the room captions take."""

    under: list[Any]
    over: list[Row]
    taken: list[Box]


def _reference(plane: Plane, subject: _Subject, points: Sequence[Point], drawn: Sequence[Box]) -> _Reference:
    """The two tinted corners, the lines between them, and their captions."""
    text, locale, equal = subject.locale.text, subject.locale, 1 / subject.segments
    left, right = plane.x.low, plane.x.high
    low, high = plane.y.low, plane.y.high
    has_equal = left < equal < right and subject.segments > 1
    layers: list[Any] = []
    captions: list[Row] = []
    taken: list[Box] = []
    over: list[Row] = []
    lines: list[Row] = []
    middle = plane.x.pixel(equal) if has_equal else plane.x.length
    if subject.whole is not None and has_equal:
        corners = (("push", left, equal, subject.whole, high), ("look", equal, right, low, subject.whole))
        for style, x, x2, y, y2 in corners:
            zone = [{"x": x, "x2": x2, "y": y, "y2": y2}]
            layers.append(plane.layer(zone, x2="x2", y2="y2").mark_rect(style=style, tooltip=None))
        rooms = (("push", middle - 8), ("look", plane.x.length - middle - 8))
        for key, room in rooms:
            texts = [text(f"charts.{key}"), text(f"charts.{key}_short")]
            row, boxes = plane.corner(texts, "top left" if key == "push" else "bottom right", room, points, drawn)
            captions.append(row)
            taken.extend(boxes)
    if has_equal:
        lines.append({"x": equal, "x2": equal, "y": low, "y2": high})
        said = text("charts.equal", share=locale.percent(equal))
        fits = text_width(said, NOTE_SIZE) <= plane.x.length - middle - 8
        row, box = plane.caption(middle + (5 if fits else -5), STRIP / 2, said, "left" if fits else "right")
        captions.append(row)
        taken.append(box)
    if subject.whole is not None:
        lines.append({"x": left, "x2": right, "y": subject.whole, "y2": subject.whole})
        said = text("charts.whole", share=locale.percent(subject.whole))
        row, box = plane.caption_along(plane.y.pixel(subject.whole), said, points, taken)
        taken.append(box)
        over.append(row)
    layers.append(plane.layer(lines, x2="x2", y2="y2", axes=True).mark_rule(style="whole", tooltip=None))
    return _Reference([*layers, *plane.captions([c for c in captions if c["text"]])], over, taken)


def _trail(plane: Plane, subject: _Subject) -> list[alt.Chart]:
    """The way of a segment through the months: a line with dots."""
    colour = next((row["colour"] for row in subject.rows if row["segment"] == subject.trail_segment), GREY)
    line = plane.layer("trail").mark_line(strokeWidth=2, opacity=0.8, color=colour, tooltip=None)
    dots = plane.layer("trail").mark_circle(size=28, opacity=1, color=colour, tooltip=None)
    return [line.encode(order=alt.Order("order:Q")), dots]
