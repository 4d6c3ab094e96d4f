"""The bubbles themselves: area true to sales, hollow where there are few deals, and the legend of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from callkit.charts import segments
from callkit.charts.layout import Layout
from callkit.charts.plane import MOST_NAMES, Plane, Row, few_deals
from callkit.charts.scales import round_sizes
from callkit.charts.short import written
from callkit.locale import Locale
from callkit.measures import MEASURES

RING = 4.5
"""The radius of what has no sales: a ring to be seen, not an invisible bubble."""
SMALLEST = 3.0
OUTLINE = "#60656f"
"""A grey that stands out on light and on dark."""
_LARGEST, _LARGEST_NARROW, _CROWD = 32.0, 22.0, 14
_TEXTS = (*(f"told_{m}" for m in MEASURES), "told_change")


@dataclass(frozen=True)
class Bubbles:
    """The sizes of one chart's bubbles: `most` is the largest value of the measure `size`, `largest` its radius."""

    size: str
    most: float
    largest: float
    shrunk: float
    radii: list[float]

    @classmethod
    def of(cls, rows: Sequence[Row], size: str, layout: Layout) -> Bubbles:
        """Bubbles for rows of segments, smaller the more there are."""
        most = max((row[size] or 0.0 for row in rows), default=0.0)
        shrunk = min(1.0, max(0.5, (_CROWD / max(1, len(rows))) ** 0.5))
        largest = (_LARGEST_NARROW if layout.narrow else _LARGEST) * shrunk
        unit = largest / (_LARGEST * shrunk)
        radii = [
            max(SMALLEST * unit, largest * (row[size] / most) ** 0.5) if row[size] else RING * unit for row in rows
        ]
        return cls(size, most, largest, shrunk, radii)

    def largest_first(self) -> list[int]:
        """The places of the rows in the order of drawing: no small bubble is hidden under a large one."""
        return sorted(range(len(self.radii)), key=lambda i: -self.radii[i])

    def datum(self, plane: Plane, row: Row, x: float, y: float, *, few: bool) -> Row:
        """A row of the dataset `segments`, the same in every layout."""
        sales = row[self.size] or 0.0
        least = (self.most or 1.0) * ((SMALLEST if sales else RING) / _LARGEST / self.shrunk) ** 2
        kept = {key: row[key] for key in ("segment", "name", "colour", *_TEXTS) if key in row}
        hollow = few or not sales
        look = {"few": few, "hollow": hollow, "outline": row["colour"] if hollow else OUTLINE}
        return {"x": plane.x.drawn(x), "y": y, "area": max(sales, least), **look, **kept}

    def layers(self, plane: Plane, locale: Locale, drawn: Sequence[Row], *, compared: bool) -> list[alt.Chart]:
        """Solid bubbles with a thin outline, hollow ones with a coloured one, dashed where there are few deals.

        `drawn` are the rows of the dataset `segments`.
        """
        size = alt.Size(
            "area:Q",
            scale=alt.Scale(domain=[0, self.most or 1], range=[0, (2 * self.largest) ** 2]),
            legend=self._legend(plane.layout, locale),
        )
        fill = alt.Fill("colour:N", scale=None, legend=None)
        stroke = alt.Stroke("outline:N", scale=None, legend=None)
        dash = alt.expr("datum.few ? [4, 3] : [1, 0]")
        rows = plane.layer("segments").encode(size)
        # The grey under a coloured outline: without it yellow is lost on white, and every colour in a grey print.
        edge = rows.transform_filter("datum.hollow").mark_point(
            shape="circle", color=OUTLINE, opacity=0.75, strokeDash=dash, strokeWidth=3.5, tooltip=None
        )
        bubble = rows.mark_point(
            shape="circle",
            opacity=1,
            strokeDash=dash,
            fillOpacity=alt.expr("datum.hollow ? 0.08 : 0.85"),
            strokeWidth=alt.expr("datum.hollow ? 2 : 1"),
        )
        coloured = bubble.encode(fill, stroke, tooltip=segments.tooltip(locale, compared=compared))
        return [edge, coloured] if any(row["hollow"] for row in drawn) else [coloured]

    def _legend(self, layout: Layout, locale: Locale) -> alt.Legend | None:
        values = round_sizes(self.most, whole=MEASURES[self.size].kind == "count")
        if not values:
            return None
        return alt.Legend(
            title=locale.text("charts.area", size=_lowered(locale.title(self.size))),
            values=values,
            labelExpr=written(values, self.size, locale),
            titleOrient="top" if layout.narrow else "left",
        )


def notes(rows: Sequence[Row], left_out: int, size: str, min_deals: float, locale: Locale) -> list[str]:
    """What must be said of a picture of bubbles, in short sentences."""
    said = []
    if any(few_deals(row, min_deals) for row in rows):
        said.append(locale.text("charts.few_note", n=locale.number(min_deals)))
    if any(not row[size] for row in rows):
        said.append(locale.text("charts.ring_note"))
    if len(rows) > MOST_NAMES:
        said.append(locale.text("charts.names_note", n=MOST_NAMES))
    if left_out:
        said.append(locale.plural("charts.left_out", left_out))
    return said


def _lowered(title: str) -> str:
    """A title in the middle of a sentence: `Успешные сделки` → `успешные сделки`, `CV` stays."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
