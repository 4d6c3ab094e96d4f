"""The names at the left of rows and over columns: broken into lines, and drawn as texts.

An axis of Vega sets only the first line of a label at the middle of its row, so the names are a layer of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from callkit.charts.layout import Layout
from callkit.charts.lettering import text_width, wrap

_SIZE, _HEAD_SIZE = 12, 11
_LINE, _HEAD_LINE = 14, 13
_GAP = 8
_SLANTED = 165.0

Row = dict[str, Any]


class Rows:
    """The names of rows: `width` is the room they take at the left of a plot of `height` pixels."""

    def __init__(self, names: Sequence[str], layout: Layout, least: int = 28) -> None:
        self.lines = [wrap(name, layout.name_width, _SIZE, most=4) for name in names]
        longest = max(text_width(line, _SIZE) for lines in self.lines for line in lines)
        self.width = min(layout.name_width, longest) + _GAP
        self.step = max(least, max(len(lines) for lines in self.lines) * _LINE + 10)
        self.height = self.step * len(self.lines)

    def channel(self) -> alt.Y:
        """The y channel of rows by their number, the field `row`."""
        domain = list(range(len(self.lines)))
        return alt.Y("row:O", axis=None, scale=alt.Scale(domain=domain, paddingInner=0, paddingOuter=0))

    def layer(self) -> alt.Chart:
        """The names, over the dataset `rows`."""
        drawn: alt.Chart = (
            alt.Chart(alt.NamedData("rows"))
            .mark_text(
                align="right", baseline="middle", fontSize=_SIZE, lineHeight=_LINE, lineBreak="\n",
                style="name", dy=alt.expr(f"-{_LINE / 2} * datum.more"), tooltip=None,
            )
            .encode(self.channel(), x=alt.value(-_GAP), text=alt.Text("text:N"))
        )  # fmt: skip
        return drawn

    def datasets(self) -> dict[str, list[Row]]:
        return {"rows": _written("row", self.lines)}


class Columns:
    """The names over columns of `step` pixels: in lines where every word fits, else slanted, on a phone vertical."""

    def __init__(self, names: Sequence[str], room: float, least: float, *, narrow: bool) -> None:
        step = max(least, room / len(names))
        words = [word for name in names for word in name.split(" ")]
        upright = all(text_width(word, _HEAD_SIZE) <= step - 6 for word in words)
        self.angle = 0 if upright else -90 if narrow else -45
        if self.angle == -45:
            # The last names lean out over the right edge.
            wides = [min(_SLANTED, text_width(name, _HEAD_SIZE)) * 0.71 for name in names]
            for _ in range(10):
                out = max(wide - (len(names) - i - 0.5) * step for i, wide in enumerate(wides))
                step = max(least, (room - max(0.0, out)) / len(names))
        self.step = step
        width = step - 6 if upright else _SLANTED
        self.lines = [wrap(name, width, _HEAD_SIZE, most=4 if upright else 2) for name in names]

    @property
    def width(self) -> float:
        return self.step * len(self.lines)

    def channel(self) -> alt.X:
        """The x channel of columns by their number, the field `column`."""
        domain = list(range(len(self.lines)))
        return alt.X("column:O", axis=None, scale=alt.Scale(domain=domain, paddingInner=0, paddingOuter=0))

    def layer(self) -> alt.Chart:
        """The names, over the dataset `columns`."""
        upright = self.angle == 0
        drawn: alt.Chart = (
            alt.Chart(alt.NamedData("columns"))
            .mark_text(
                align="center" if upright else "left", baseline="bottom" if upright else "middle",
                angle=self.angle % 360, fontSize=_HEAD_SIZE, lineHeight=_HEAD_LINE, lineBreak="\n",
                style="note", tooltip=None, dy=alt.expr(f"-{_HEAD_LINE if upright else _HEAD_LINE / 2} * datum.more"),
            )
            .encode(self.channel(), y=alt.value(-_GAP), text=alt.Text("text:N"))
        )  # fmt: skip
        return drawn

    def datasets(self) -> dict[str, list[Row]]:
        return {"columns": _written("column", self.lines)}


def _written(field: str, names: Sequence[Sequence[str]]) -> list[Row]:
    """A row a name: `more` is the number of lines after the first."""
    return [{field: i, "text": "\n".join(lines), "more": len(lines) - 1} for i, lines in enumerate(names)]
