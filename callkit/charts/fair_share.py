"""The chart of fair share: share of talk against share of revenue; the slope is the return on time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from callkit.charts import segments
from callkit.charts.labels import Box, Point
from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.marks import Bubbles, notes
from callkit.charts.plane import MOST_NAMES, STRIP, Plane, Row, by_revenue, few_deals, named, narrow_plane, wide_plane
from callkit.charts.scales import fitting
from callkit.charts.theme import Theme
from callkit.figures import Figures
from callkit.locale import Locale

RAYS = (0.5, 1.0, 2.0)


def fair_share(
    figures: Figures,
    locale: Locale,
    *,
    min_deals: float = 30,
    theme: Theme = "light",
    colours: Mapping[str, str] | None = None,
    previous: Figures | None = None,
    width: int = 640,
    height: int = 440,
) -> alt.LayerChart:
    """Share of talk against share of revenue, with rays of 0.5, 1 and 2 times the average return on time.

    On the diagonal a segment earns what it takes. The area is won deals; names, colours, few deals and `previous` are
    as in `bubble`. Segments with an undefined share are left out, and the chart says how many; with none left it says
    so.
    """
    rows = segments.rows(figures, locale, palette=colours, previous=previous)
    shown = [row for row in rows if row["talk_share"] is not None and row["revenue_share"] is not None]
    title = locale.text("charts.fair_title", by=segments.heading(figures, locale))
    if not shown:
        return nothing(
            locale.text("charts.no_revenue" if rows else "charts.no_data"), title, theme, locale, width=width
        )

    def build(layout: Layout) -> alt.LayerChart:
        chart = _draw(shown, min_deals, previous is not None, locale, layout)
        said = notes(shown, len(rows) - len(shown), "won_deals", min_deals, locale)
        return chart.properties(title=heading(title, [locale.text("charts.fair_note"), " ".join(said)], layout))

    return laid_out(build, wide_plane(width, height), narrow_plane(340), theme, locale)


def _draw(rows: Sequence[Row], min_deals: float, compared: bool, locale: Locale, layout: Layout) -> alt.LayerChart:
    bubbles = Bubbles.of(rows, "won_deals", layout)
    talk, revenue = [row["talk_share"] for row in rows], [row["revenue_share"] for row in rows]
    # One reach for both shares, so that the diagonal runs from corner to corner.
    reach = max(*talk, *revenue)
    plane = Plane(
        fitting(talk, bubbles.radii, layout.width, least_high=reach, most_ticks=5 if layout.narrow else 8, after=STRIP),
        fitting(revenue, bubbles.radii, layout.height, least_high=reach, most_ticks=8, upwards=True, after=STRIP),
        "talk_share",
        "revenue_share",
        layout,
        locale,
    )
    few = [few_deals(row, min_deals) for row in rows]
    points = [plane.point(x, y, r) for x, y, r in zip(talk, revenue, bubbles.radii, strict=True)]
    rays, captions, taken = _rays(plane, locale, points)
    lines = [box for ray in rays for box in plane.course([(0, 0), (ray["x2"], ray["y2"])])]
    names = []
    for rank, i in enumerate(by_revenue(rows)):
        name = named(rows[i]["name"], f"({locale.text('charts.few')})" if few[i] else "", layout)
        names.append(replace(points[i], text=name if rank < MOST_NAMES else ""))
    placed = plane.placed(names, taken, lines)
    datasets = {
        "segments": [bubbles.datum(plane, rows[i], talk[i], revenue[i], few=few[i]) for i in bubbles.largest_first()],
        "rays": rays,
        **placed,
    }
    layers: list[Any] = [
        plane.layer("rays", x2="x2", y2="y2", axes=True).mark_rule(
            style="whole", strokeDash=alt.expr("datum.diagonal ? [1, 0] : [5, 4]"), tooltip=None
        ),
        *bubbles.layers(plane, locale, datasets["segments"], compared=compared),
        *plane.over(captions, placed),
    ]
    return layered(*layers, width=layout.width, height=layout.height, datasets=datasets)


def _rays(plane: Plane, locale: Locale, points: Sequence[Point]) -> tuple[list[Row], list[Row], list[Box]]:
    """The lines of equal return on time from the origin to the edge, and their captions where they end."""
    rays: list[Row] = []
    captions: list[Row] = []
    taken: list[Box] = []
    for slope in RAYS:
        x = min(plane.x.high, plane.y.high / slope)
        y = x * slope
        rays.append({"x": 0, "y": 0, "x2": x, "y2": y, "diagonal": slope == 1})
        said = locale.number(slope, 0 if slope.is_integer() else 1) + "×"
        said = locale.text("charts.diagonal", slope=said) if slope == 1 else said
        spots = []
        for back in (0.99, 0.9, 0.8, 0.7, 0.6, 0.5):
            px, py = plane.x.pixel(x * back), plane.y.pixel(y * back)
            row, box = plane.caption(px - 6, py - (2 if slope < 2 else -4), said, "right")
            hit = sum(box.covers_circle(p.x, p.y, p.radius) for p in points) + sum(box.overlaps(t) for t in taken)
            inside = box.left >= 0 and box.top >= 0
            spots.append((hit + (0 if inside else 10), row, box))
        _, row, box = min(spots, key=lambda spot: spot[0])
        captions.append(row)
        taken.append(box)
    return rays, captions, taken
