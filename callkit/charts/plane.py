"""The plane that bubbles lie on: two scales, the axes, and names placed between the bubbles."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from callkit.charts.labels import Box, Point, place
from callkit.charts.layout import Layout
from callkit.charts.lettering import shorten, text_width, wrap
from callkit.charts.scales import Scale
from callkit.charts.short import written
from callkit.locale import Locale

NAME_SIZE = 12
NOTE_SIZE = 11
NOTE_LINE = 14
MOST_NAMES = 12
STRIP = 20
"""The pixels kept free above and below the bubbles for captions."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Plane:
    """Two scales and the measures that lie along them."""

    x: Scale
    y: Scale
    x_measure: str
    y_measure: str
    layout: Layout
    locale: Locale

    def layer(self, data: str | Sequence[Row], x2: str = "", y2: str = "", axes: bool = False) -> alt.Chart:
        """A layer without a mark: rows with the fields `x`, `y` (and `x2`, `y2`) put onto the plane.

        `data` is the name of a dataset of the chart, or the rows themselves.
        """
        chart = alt.Chart(alt.NamedData(data) if isinstance(data, str) else alt.InlineData(values=list(data)))
        channels: list[Any] = [
            self._channel(alt.X, "x", self.x, self._x_axis() if axes else alt.Undefined),
            self._channel(alt.Y, "y", self.y, self._y_axis() if axes else alt.Undefined),
        ]
        channels += [alt.X2(f"{x2}:Q")] if x2 else []
        channels += [alt.Y2(f"{y2}:Q")] if y2 else []
        return chart.encode(*channels)

    def _channel(self, kind: Any, field: str, scale: Scale, axis: Any) -> Any:
        # Every layer names the whole domain: a layer that did not would widen the shared one by its own data.
        kept: dict[str, Any] = {"type": "log"} if scale.log else {"zero": False}
        spec = alt.Scale(domain=[scale.low, scale.high], nice=False, **kept)
        return kind(f"{field}:Q", scale=spec, axis=axis)

    def _x_axis(self) -> alt.Axis:
        title = self.locale.title(self.x_measure)
        if self.x.log:
            title += f" ({self.locale.text('charts.log')})"
        return alt.Axis(title=wrap(title, self.layout.width + 20, 12), **self._ticks(self.x, self.x_measure))

    def _y_axis(self) -> alt.Axis:
        return alt.Axis(
            title=self.locale.title(self.y_measure), titleAngle=0, titleAlign="left", titleBaseline="bottom", titleX=0,
            titleY=-6, titleLimit=self.layout.width, **self._ticks(self.y, self.y_measure),
        )  # fmt: skip

    def _ticks(self, scale: Scale, measure: str) -> dict[str, Any]:
        label = written(scale.ticks, measure, self.locale)
        if scale.zero is not None:
            label = f"datum.value == {json.dumps(scale.zero)} ? '0' : {label}"
        # Vega thins even given values to the tick count it would have chosen, so that is given too.
        return {"values": list(scale.ticks), "tickCount": len(scale.ticks), "labelExpr": label}

    def captions(self, rows: Sequence[Row]) -> list[alt.Chart]:
        """Small texts at fixed places: rows of `x`, `y`, `text`, `align`."""
        return [self._text(rows, NOTE_SIZE, "note")] if rows else []

    def _text(self, rows: str | Sequence[Row], size: Any, style: str) -> alt.Chart:
        texts = self.layer(rows).encode(text=alt.Text("text:N"))
        drawn: alt.Chart = texts.mark_text(
            align=alt.expr("datum.align"),
            baseline="middle",
            fontSize=size,
            style=style,
            limit=0,
            tooltip=None,
            lineBreak="\n",
            lineHeight=NOTE_LINE,
        )
        return drawn

    def over(self, captions: Sequence[Row], placed: Mapping[str, Sequence[Row]]) -> list[alt.Chart]:
        """What lies over the bubbles: leader lines, captions and names, parted by halos from what is under them.

        `placed` are the datasets `names` and `leaders`, as `placed` gave them.
        """
        halos = [row | {"size": NOTE_SIZE} for row in captions] + [row | {"size": NAME_SIZE} for row in placed["names"]]
        leaders = self.layer("leaders", x2="x2", y2="y2").mark_rule(style="leader", tooltip=None)
        return [
            *([leaders] if placed["leaders"] else []),
            self._text(halos, alt.expr("datum.size"), "halo"),
            *self.captions(captions),
            self._text("names", NAME_SIZE, "name"),
        ]

    def placed(
        self, bubbles: Sequence[Point], captions: Sequence[Box], lines: Sequence[Box] = ()
    ) -> dict[str, list[Row]]:
        """The datasets `names` and `leaders`: names placed in pixels, written down in the plane's values."""
        names, leaders = [], []
        for label in place(bubbles, self.x.length, self.y.length, size=NAME_SIZE, texts=captions, lines=lines):
            if label is None:
                continue
            names.append({"text": label.text, "align": label.align, **self.at(label.x, label.y)})
            if label.leader:
                end = self.at(label.leader[2], label.leader[3])
                leaders.append({**self.at(*label.leader[:2]), "x2": end["x"], "y2": end["y"]})
        return {"names": names, "leaders": leaders}

    def point(self, x: float, y: float, radius: float) -> Point:
        """A bubble of two values, in pixels."""
        return Point(self.x.pixel(self.x.drawn(x)), self.y.pixel(y), radius)

    def stem(self, row: Row) -> Box:
        """The room a vertical line from `y` to `y2` takes."""
        x, ends = self.x.pixel(row["x"]), sorted((self.y.pixel(row["y"]), self.y.pixel(row["y2"])))
        return Box(x - 1, ends[0], x + 1, ends[1])

    def course(self, values: Sequence[tuple[float, float]]) -> list[Box]:
        """The room a line through these points takes, in small pieces."""
        ends = [(self.x.pixel(self.x.drawn(x)), self.y.pixel(y)) for x, y in values]
        pieces = []
        for (x, y), (x2, y2) in itertools.pairwise(ends):
            count = max(1, round(max(abs(x2 - x), abs(y2 - y)) / 10))
            middles = [((i + 0.5) / count) for i in range(count)]
            pieces += [(x + (x2 - x) * m, y + (y2 - y) * m) for m in middles]
        return [
            Box(x - 4, y - 2, x + 4, y + 2) for x, y in pieces if 0 <= x <= self.x.length and 0 <= y <= self.y.length
        ]

    def at(self, x: float, y: float) -> Row:
        """A pixel of the plot as the values there."""
        return {"x": round(self.x.value(x), 8), "y": round(self.y.value(y), 8)}

    def caption(self, x: float, y: float, text: str, align: str) -> tuple[Row, Box]:
        """A caption at a pixel, as a row of `captions` and as the room it takes."""
        return {**self.at(x, y), "text": text, "align": align}, _room(x, y, text, align)

    def corner(
        self,
        texts: Sequence[str],
        corner: Literal["top left", "bottom right"],
        room: float,
        bubbles: Sequence[Point],
        drawn: Sequence[Box],
    ) -> tuple[Row, list[Box]]:
        """A caption of at most `room` pixels in a corner of the plot: the first text that fits.

        It takes a line, or several where these cover no bubble and nothing `drawn`. With no room for any text the
        caption is empty.
        """
        left = corner == "top left"
        x = 5.0 if left else self.x.length - 5
        for text, most in [(t, most) for t in texts for most in (1, 2, 3)]:
            lines = wrap(text, room, NOTE_SIZE, most)
            if len(lines) != most or " ".join(lines) != text:
                continue
            # The plot's y of a text of several lines is that of its first one.
            first = STRIP / 2 if left else self.y.length - STRIP / 2 - (most - 1) * NOTE_LINE
            boxes = [self.caption(x, first + i * NOTE_LINE, line, "left")[1] for i, line in enumerate(lines)]
            boxes = boxes if left else [Box(2 * x - b.right, b.top, x, b.bottom) for b in boxes]
            hit = any(box.covers_circle(b.x, b.y, b.radius) for box in boxes for b in bubbles)
            if most == 1 or not (hit or any(box.overlaps(d) for box in boxes for d in drawn)):
                return self.caption(x, first, "\n".join(lines), "left" if left else "right")[0], boxes
        return self.caption(x, 0, "", "left")[0], []

    def caption_along(
        self, y: float, text: str, bubbles: Sequence[Point], taken: Sequence[Box] = ()
    ) -> tuple[Row, Box]:
        """A caption over or under a horizontal line, at the spot where it covers the fewest bubbles."""
        wide = text_width(text, NOTE_SIZE)
        best: tuple[int, float, float] | None = None
        steps = 24
        for away, step in itertools.product((-9, 9, -24, 24, -40, 40), range(steps + 1)):
            right = self.x.length - 2 - (self.x.length - wide - 4) * step / steps
            box = _room(right, y + away, text, "right")
            if box.top < 0 or box.bottom > self.y.length:
                continue
            hit = sum(box.covers_circle(b.x, b.y, b.radius + 2) for b in bubbles)
            hit += sum(2 for t in taken if box.overlaps(t))
            if best is None or hit < best[0]:
                best = hit, right, y + away
            if not best[0]:
                break
        _, x, y = best or (0, self.x.length - 2, y)
        return self.caption(x, y, text, "right")


def _room(x: float, y: float, text: str, align: str) -> Box:
    """The room that a caption at a pixel takes."""
    wide, half = text_width(text, NOTE_SIZE), NOTE_SIZE * 0.65
    left = x if align == "left" else x - wide if align == "right" else x - wide / 2
    return Box(left, y - half, left + wide, y + half)


def named(text: str, suffix: str, layout: Layout) -> str:
    """A bubble's name cut to the layout's width, and what must be said of it."""
    return shorten(text, layout.name_width, NAME_SIZE) + (f" {suffix}" if suffix else "")


def by_revenue(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The places of rows by revenue falling, then by talk: the order in which names are placed."""
    return sorted(
        range(len(rows)), key=lambda i: (-(rows[i]["revenue"] or 0), -(rows[i]["talk_minutes"] or 0), rows[i]["name"])
    )


def few_deals(row: Mapping[str, Any], least: float) -> bool:
    """Whether a segment rests on some deals, but fewer than `least`."""
    return 0 < (row["deals"] or 0) < least


def wide_plane(width: int, height: int) -> Layout:
    return Layout(width, height, width + 40, name_width=190)


def narrow_plane(height: int) -> Layout:
    return Layout(300, height, 340, name_width=130, narrow=True)
