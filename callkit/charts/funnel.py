"""The funnel plot: which conversions differ from the whole's by more than chance, given their number of deals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from callkit.charts import segments
from callkit.charts.labels import Box
from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.marks import OUTLINE
from callkit.charts.plane import MOST_NAMES, STRIP, Plane, Row, by_revenue, named, narrow_plane, wide_plane
from callkit.charts.scales import LOG_FROM, fitting, spread
from callkit.charts.theme import Theme
from callkit.figures import Figures
from callkit.locale import Locale

LIMITS = ((0.95, 1.959963984540054), (0.998, 3.090232306167813))
"""Coverage and its two-sided normal quantile."""
_DOT = 6.0
_STEPS = 40


def funnel(
    figures: Figures,
    locale: Locale,
    *,
    theme: Theme = "light",
    colours: Mapping[str, str] | None = None,
    previous: Figures | None = None,
    width: int = 640,
    height: int = 420,
) -> alt.LayerChart:
    """Number of deals against conversion, with 95 % and 99.8 % limits around the whole scope's conversion.

    The limits are those of the score test, p ± z·√(p(1-p)/n): a segment lies outside the 95 % ones exactly when its
    Wilson interval does not hold the whole's conversion. Inside, the difference may be chance; such dots are pale.
    Fractional deals (credit `talk`, `equal`) are no trials: then no limits are drawn, and the chart says so.

    Segments without deals are left out, and the chart says how many; with none left it says that there is nothing.
    """
    rows = segments.rows(figures, locale, palette=colours, previous=previous)
    shown = [row for row in rows if row["conversion"] is not None]
    title = locale.text("charts.funnel_title", by=segments.heading(figures, locale))
    if not shown:
        text = locale.text("charts.no_conversion" if rows else "charts.no_data")
        return nothing(text, title, theme, locale, width=width)
    whole, trials = figures.total["conversion"], figures.total["conversion_low"] is not None

    def build(layout: Layout) -> alt.LayerChart:
        notes = [locale.text("charts.funnel_note" if trials else "charts.no_trials")]
        if len(shown) > MOST_NAMES:
            notes.append(locale.text("charts.funnel_names_note", n=MOST_NAMES))
        if left_out := len(rows) - len(shown):
            notes.append(locale.plural("charts.left_out", left_out))
        chart = _draw(shown, whole if trials else None, previous is not None, locale, layout)
        return chart.properties(title=heading(title, [" ".join(notes)], layout))

    return laid_out(build, wide_plane(width, height), narrow_plane(340), theme, locale)


def outside(row: Row, whole: float, z: float) -> bool:
    """Whether a segment lies outside the limits of quantile `z`.

    >>> outside({"conversion": 0.30, "deals": 100}, 0.20, 1.96), outside({"conversion": 0.27, "deals": 100}, 0.20, 1.96)
    (True, False)
    """
    return float(abs(row["conversion"] - whole)) > _reach(whole, row["deals"], z)


def _reach(whole: float, deals: float, z: float) -> float:
    return z * math.sqrt(whole * (1 - whole) / deals)


def _draw(rows: Sequence[Row], whole: float | None, compared: bool, locale: Locale, layout: Layout) -> alt.LayerChart:
    deals, conversion = [row["deals"] for row in rows], [row["conversion"] for row in rows]
    log = spread(deals) > LOG_FROM
    dots = [_DOT] * len(rows)
    plane = Plane(
        fitting(deals, dots, layout.width, log=log, most_ticks=5 if layout.narrow else 8, after=8),
        fitting(conversion, dots, layout.height, upwards=True, least_high=min(1.0, 1.6 * (whole or 0)), after=STRIP / 2,
                most_ticks=8),
        "deals",
        "conversion",
        layout,
        locale,
    )  # fmt: skip
    points = [plane.point(x, y, _DOT) for x, y in zip(deals, conversion, strict=True)]
    apart = [whole is not None and outside(row, whole, LIMITS[0][1]) for row in rows]
    limits, captions, taken = _limits(plane, max(deals), whole, locale) if whole is not None else ([], [], [])
    if whole is not None:
        said = locale.text("charts.whole", share=locale.percent(whole))
        row, box = plane.caption_along(plane.y.pixel(whole), said, points, taken)
        captions.append(row)
        taken.append(box)
    order = sorted(by_revenue(rows), key=lambda i: not apart[i])
    names = [
        replace(points[i], text=named(rows[i]["name"], "", layout) if rank < MOST_NAMES else "")
        for rank, i in enumerate(order)
    ]
    placed = plane.placed(names, taken, _course(plane, limits))
    datasets = {
        "segments": [
            {"x": x, "y": y, "apart": a, **{k: row[k] for k in row if k in _KEPT or k.startswith("told_")}}
            for row, x, y, a in zip(rows, deals, conversion, apart, strict=True)
        ],
        "limits": limits,
        **placed,
    }
    hint = segments.tooltip(locale, compared=compared)
    line = [{"x": plane.x.low, "x2": plane.x.high, "y": whole, "y2": whole}] if whole is not None else []
    area = (2 * _DOT) ** 2
    layers: list[Any] = [
        plane.layer(line, x2="x2", y2="y2", axes=True).mark_rule(style="whole", tooltip=None),
        plane.layer("limits")
        .mark_line(style="limit", clip=True, tooltip=None, strokeDash=alt.expr("datum.strict ? [2, 3] : [1, 0]"))
        .encode(detail=alt.Detail("limit:N")),
        plane.layer("segments")
        .mark_point(
            shape="circle", size=area, opacity=1, stroke=OUTLINE, strokeWidth=1,
            fillOpacity=alt.expr("datum.apart ? 0.95 : 0.3"), strokeOpacity=alt.expr("datum.apart ? 1 : 0.7"),
        )
        .encode(fill=alt.Fill("colour:N", scale=None, legend=None), tooltip=hint),
        *plane.over(captions, placed),
    ]  # fmt: skip
    return layered(*layers, width=layout.width, height=layout.height, datasets=datasets)


_KEPT = ("segment", "name", "colour")


def _course(plane: Plane, limits: Sequence[Row]) -> list[Box]:
    """The room the curves take."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in limits:
        curves.setdefault(row["limit"], []).append((row["x"], row["y"]))
    return [box for curve in curves.values() for box in plane.course(curve)]


def _limits(plane: Plane, most: float, whole: float, locale: Locale) -> tuple[list[Row], list[Row], list[Box]]:
    """Points of the four curves, from one deal to beyond the plot's edge, and the captions at their ends."""
    rows, captions, taken = [], [], []
    for coverage, z in LIMITS:
        for sign in (1, -1):
            for step in range(_STEPS + 1):
                # Even steps of the logarithm: the curves bend where deals are few.
                deals = float((1.5 * most) ** (step / _STEPS))
                value = whole + sign * _reach(whole, deals, z)
                if -0.5 <= value <= 1.5:
                    limit = f"{coverage} {sign}"
                    row = {"x": round(deals, 2), "y": round(value, 5), "limit": limit, "strict": coverage > 0.95}
                    rows.append(row)
        end = plane.y.pixel(whole + _reach(whole, plane.x.high, z))
        said = locale.percent(coverage, 0 if coverage == 0.95 else 1)
        row, box = plane.caption(plane.x.length - 2, end + 9, said, "right")
        if box.top >= 0 and end > -9:
            captions.append(row)
            taken.append(box)
    return rows, captions, taken
